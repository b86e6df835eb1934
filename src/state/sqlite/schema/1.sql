-- Version 1: people, sessions, the stream of changed users, offboarding lists, histories of rules.
--
-- Ids are Zendesk's. Instants are nanoseconds since 1970, or RFC 3339 text outside of the years 1677 to 2262, hence ANY.
-- Words are those of reports. A primary key begins with the account, so that one file may hold several.

PRAGMA application_id = 0x65766374;

CREATE TABLE person (
    account TEXT NOT NULL,
    id INTEGER NOT NULL,
    seen ANY NOT NULL,
    name TEXT NOT NULL,
    email TEXT,
    role TEXT,
    role_type TEXT,
    custom_role_id INTEGER,
    deleted INTEGER,
    suspended INTEGER,
    two_factor INTEGER,
    verified INTEGER,
    chat_only INTEGER,
    tags TEXT, -- a JSON array of texts, null if there are none
    organization_id INTEGER,
    external_id TEXT,
    session_at ANY,
    traced INTEGER NOT NULL, -- whether there are traces, which are what follows
    admin_at ANY,
    agent_at ANY,
    deleted_since ANY,
    suspended_since ANY,
    staff_lost_since ANY,
    PRIMARY KEY (account, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE session (
    account TEXT NOT NULL,
    id INTEGER NOT NULL,
    person INTEGER NOT NULL,
    authenticated_at ANY,
    last_seen_at ANY,
    gone_at ANY,
    PRIMARY KEY (account, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE users_cursor (
    account TEXT NOT NULL PRIMARY KEY,
    cursor TEXT NOT NULL,
    as_of ANY NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE list (
    account TEXT NOT NULL,
    name TEXT NOT NULL,
    digest TEXT NOT NULL,
    taken_at ANY NOT NULL,
    accepted_at ANY,
    PRIMARY KEY (account, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE list_row (
    account TEXT NOT NULL,
    list TEXT NOT NULL,
    key TEXT NOT NULL,
    first_seen ANY NOT NULL,
    pending INTEGER NOT NULL,
    person INTEGER,
    asked_at ANY,
    since ANY,
    PRIMARY KEY (account, list, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE list_growth (
    account TEXT NOT NULL,
    list TEXT NOT NULL,
    at ANY NOT NULL,
    grown INTEGER NOT NULL, -- rows that came into force then without a human's word
    PRIMARY KEY (account, list, at)
) STRICT, WITHOUT ROWID;

CREATE TABLE rule_cycle (
    account TEXT NOT NULL,
    rule TEXT NOT NULL,
    number INTEGER NOT NULL, -- counts up from 1 within the rule
    at ANY NOT NULL,
    people INTEGER NOT NULL,
    new_people INTEGER NOT NULL,
    withheld INTEGER NOT NULL,
    PRIMARY KEY (account, rule, number)
) STRICT, WITHOUT ROWID;
