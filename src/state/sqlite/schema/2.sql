-- What logs saw, condensed, and how far each was read.

CREATE TABLE log (
    account TEXT NOT NULL,
    name TEXT NOT NULL,
    since ANY NOT NULL,
    as_of ANY NOT NULL,
    skew TEXT NOT NULL, -- an ISO 8601 duration
    file TEXT, -- where its file goes on
    PRIMARY KEY (account, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE sighting (
    account TEXT NOT NULL,
    log TEXT NOT NULL,
    key TEXT NOT NULL, -- a JSON array: person, act, time, address or null, agent or null
    first ANY NOT NULL,
    last ANY NOT NULL,
    PRIMARY KEY (account, log, key)
) STRICT, WITHOUT ROWID;
