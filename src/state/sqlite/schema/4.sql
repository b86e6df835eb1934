-- What rules usually do, each stratum apart; what they did in each cycle is no longer asked.

DROP TABLE rule_cycle;

CREATE TABLE habit (
    account TEXT NOT NULL,
    rule TEXT NOT NULL,
    stratum TEXT NOT NULL,
    runs TEXT NOT NULL, -- a JSON array, oldest first: new people, basis, number of cycles
    claimed TEXT NOT NULL, -- a JSON array of ids
    PRIMARY KEY (account, rule, stratum)
) STRICT, WITHOUT ROWID;
