-- How much evidence there usually is, and where staff was seen in the last thirty days.

CREATE TABLE share (
    account TEXT NOT NULL,
    kind TEXT NOT NULL, -- rule or source
    name TEXT NOT NULL,
    number INTEGER NOT NULL, -- counts up from 1 within the name
    at ANY NOT NULL,
    thousandths INTEGER NOT NULL,
    PRIMARY KEY (account, kind, name, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE haunt (
    account TEXT NOT NULL,
    person INTEGER NOT NULL,
    act TEXT NOT NULL,
    address TEXT NOT NULL, -- empty for none
    first ANY NOT NULL,
    last ANY NOT NULL,
    days INTEGER NOT NULL, -- a bit for each day before the last
    PRIMARY KEY (account, person, act, address)
) STRICT, WITHOUT ROWID;

CREATE TABLE haunts_since (
    account TEXT NOT NULL PRIMARY KEY,
    at ANY NOT NULL
) STRICT, WITHOUT ROWID;
