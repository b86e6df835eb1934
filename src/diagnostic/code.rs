//! The table of diagnostic codes: the stable word, whether it is an error, and what `evictd explain CODE` says.
//!
//! A word once released keeps its meaning, since scripts and suppressions rely on it. A new code is one row here.

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// What was read cannot be used.
    Error,
    /// It can be used, but probably does not do what its author wants.
    Warning,
}

impl Level {
    /// The word in text and JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

macro_rules! codes {
    ($($name:ident = $word:literal, $level:ident, $explanation:literal;)+) => {
        /// What kind of thing a finding is about.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Code {
            $(#[doc = $explanation] $name,)+
        }

        impl Code {
            /// Every code.
            pub const ALL: &[Self] = &[$(Self::$name),+];

            /// The stable word.
            pub fn word(self) -> &'static str {
                match self { $(Self::$name => $word),+ }
            }

            /// Error or warning.
            pub fn level(self) -> Level {
                match self { $(Self::$name => Level::$level),+ }
            }

            /// One paragraph: what it means, why it matters, what to do.
            pub fn explanation(self) -> &'static str {
                match self { $(Self::$name => $explanation),+ }
            }

            /// The code with this word.
            pub fn from_word(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|code| code.word() == word)
            }
        }
    };
}

codes! {
    // The text as TOML.
    Syntax = "syntax", Error,
        "The file is not TOML. Of each file only the first such fault is reported, since what follows it is usually \
         a consequence, and nothing else in the file is judged until it is gone.";
    Toml11 = "toml-1-1", Error,
        "The file uses something that only TOML 1.1 allows: an inline table over several lines or with a comma \
         after its last entry, the escapes `\\e` and `\\x`, or a time without seconds. Editors and other readers \
         know TOML 1.0 and could not read it. Write the inline table on one line or as a table with a header of its \
         own, the escape as `\\u001b`, the time with its seconds.";
    DuplicateKey = "duplicate-key", Error,
        "A key or table is defined twice, or a value is extended as if it were a table. Only one of the two could \
         be in force, and which one should not depend on the reader. Remove or rename one; the rest of the file is \
         judged with the first.";
    MisplacedTable = "misplaced-table", Error,
        "A table that belongs to an entry such as `[[rule]]` stands after another header. TOML would attach it to \
         the entry above, which is rarely the one meant once entries are moved. Put each entry's tables directly \
         under it.";
    // Keys and values.
    UnknownKey = "unknown-key", Error,
        "The key is not known in this place. It is refused, and not ignored, since a misspelt limit that is ignored \
         is no limit. Correct the spelling or remove it.";
    MissingKey = "missing-key", Error,
        "A required key is missing. There is no default for it, since a wrong guess could end the wrong sessions or \
         none. Add it under the header shown.";
    WrongKind = "wrong-kind", Error,
        "The value has another kind than the key wants, for example a number in place of a text. Write it as the \
         help line shows.";
    UnknownValue = "unknown-value", Error,
        "The key takes one of a few words, and this is none of them. Choose one that the help line lists.";
    OutOfRange = "out-of-range", Error,
        "The number, share or length of time lies outside what makes sense here. The message names the range.";
    BadDuration = "bad-duration", Error,
        "A length of time is whole numbers with units, such as `90s`, `10m`, `1h30m`, `2d`, `1w`. A bare number is \
         refused, since its unit would be a guess, and months are, since they differ in length.";
    BadPercentage = "bad-percentage", Error,
        "A share is a whole number from 0 to 100 and a percent sign, in quotes: `\"5%\"`. A bare number is refused, \
         since 0.05, 5 and 5 % are easily mixed up.";
    BadDate = "bad-date", Error,
        "A date is written bare, as in `2027-01-31`; an instant with its offset, as in `2027-01-31T12:00:00Z`. \
         Local times are refused, since they mean another instant on another host.";
    BadRegex = "bad-regex", Error,
        "The regular expression cannot be compiled. It must match the whole text, and takes linear time: \
         look-around and back-references are not known.";
    BadGlob = "bad-glob", Error,
        "The pattern of names or files cannot be compiled. `*` stands for any letters, `?` for one, `[a-z]` for one \
         of a range, `{a,b}` for alternatives.";
    BadName = "bad-name", Error,
        "An account, rule, exception, list or feed has a name that cannot be one. Names go into paths, reports and the \
         trail, so that only letters, digits, `-` and `_` are allowed, and a feed cannot have the name of a source \
         that evictd has itself.";
    BadPath = "bad-path", Error,
        "The text is no path into a line of JSON. A path is keys of objects, or numbers of a list's elements from 0, \
         with dots between them: `user.email` is the key `email` of the object at `user`.";
    BadEmail = "bad-email", Error,
        "The text does not look like an e-mail address: one `@` with something on both sides, and no spaces. Mail with \
         alerts has one address alone, in ASCII, without a name, and none in Zendesk, since those must not read them whom \
         they are about.";
    BadNetwork = "bad-network", Error,
        "The text is no network. Write an address, a network whose bits behind the prefix are all 0, or a range from \
         one address to another. What two programs read differently is refused (ports, zones, leading zeros), and so is \
         what holds every address: a condition on it would hold for everybody.";
    BadAsNumber = "bad-as-number", Error,
        "The number of an autonomous system is written `\"AS64500\"` or as a bare number, up to 4294967295.";
    EmptySet = "empty-set", Error,
        "The list has no elements. A condition on it would hold always or never, which is hardly meant. Add \
         elements or remove the key.";
    UnsupportedSchema = "unsupported-schema", Error,
        "`schema` names the version of the file's own language. This program reads version 1 only.";
    // The configuration.
    NoAccount = "no-account", Error,
        "The configuration names no account, so that there is nothing to watch. Add an `[accounts.NAME]` table.";
    BadHost = "bad-host", Error,
        "The account's address is missing, given twice, or not one that credentials may be sent to. Name the \
         `subdomain` of zendesk.com; a `base-url` is for simulators on this host and needs `dangerous-base-url = \
         true` for any other. Alerts go over TLS to a host that is no part of Zendesk, since those must not read them \
         whom they are about.";
    BadSecret = "bad-secret", Error,
        "Secrets are never written into the configuration, only where they are found: `{ credential = \"name\" }` \
         for a systemd credential, `{ file = \"path\" }`, or `{ env = \"NAME\" }`, exactly one of them.";
    BadSchedule = "bad-schedule", Error,
        "The text is no crontab line of five fields (minute, hour, day of the month, month, day of the week), or one \
         that can never fire. A schedule that is misread leaves an account unwatched. For an even rhythm that no \
         hour divides write `{ every = \"90m\" }`; `evictd schedule next EXPR` shows when a line fires.";
    UnknownTimeZone = "unknown-time-zone", Error,
        "The time zone database has no zone of this name. Names are those of places, as in `Europe/Berlin`, or \
         `UTC`; offsets such as `+02:00` are refused, since they stand still where clocks change.";
    ApiTokenEnds = "api-token-ends", Warning,
        "The account signs in with an API token. Zendesk makes no new ones since 2026-10-27, switches off those that \
         were not used for 30 days, and ends all of them on 2027-04-30: from then on nothing is listed and nothing is \
         revoked. Make an OAuth client (Admin Center, Apps and integrations, OAuth clients) under an admin of its own \
         and write `auth.oauth-client` with its id and secret.";
    NoProtected = "no-protected", Error,
        "An account in mode `enforce` protects nobody. One wrong rule could then sign out every admin at once. List \
         at least one admin in `protected`.";
    DangerousSetting = "dangerous-setting", Error,
        "A setting whose name begins with `dangerous-` is used where it is not allowed, or where it does nothing.";
    // Policies.
    DuplicateId = "duplicate-id", Error,
        "Two rules, exceptions or lists of the policy set have the same id or name. The trail refers to ids for \
         ever, so that each must mean one thing.";
    UnknownFact = "unknown-fact", Error,
        "The condition asks about a fact that does not exist. `evictd policy facts` lists all.";
    UnknownOperator = "unknown-operator", Error,
        "The fact has no such operator. The help line lists those that it has.";
    UnknownList = "unknown-list", Error,
        "The name after `@` is not a list of this policy set. Lists are tables `[list.NAME]` in any of its files; a \
         text that begins with @ is written `@@`.";
    WrongListType = "wrong-list-type", Error,
        "The list holds something else than the fact can be, for example AS numbers where texts are compared: the \
         condition could never hold. A list's `type` is `address`, `asn` or `text`, and `address` where it says none.";
    UnknownRule = "unknown-rule", Error,
        "An exception or a case names a rule that the policy set does not have. It would never do anything. Correct \
         the id or remove it.";
    NotSigned = "not-signed", Error,
        "The account asks for signed policies (`signatures`), and those on the disk are not signed as they must be: the \
         manifest is not that of the files, too few of those who may sign did, or the set is older than one that was in \
         force. What was in force stays. `evictd policy verify` says who signed and who is missing; `evictd policy \
         manifest` prints what is to be signed.";
    BadSigner = "bad-signer", Error,
        "A line in the file of allowed signers cannot be used. It has the names of one person, options if any, the kind \
         of key and the key. Certificates, patterns and times without a `Z` are refused, since they let in whom the file \
         does not name, or mean another instant on another host.";
    UnmatchedGlob = "unmatched-glob", Error,
        "A pattern of files or of rule ids matches nothing. A folder that was renamed must not silently turn all \
         rules off.";
    Contradiction = "contradiction", Error,
        "Two things in one place exclude each other, for example a case whose facts cannot all be true.";
    NeverMatches = "never-matches", Warning,
        "The condition can never hold, whatever the session: for example an age over 10h and under 1h at once, an age \
         of staff beyond the 12h that Zendesk itself allows, or a line about a fact that no source supplies yet.";
    AlwaysMatches = "always-matches", Warning,
        "The condition holds for every session. A rule like that ends all of them.";
    SparesEveryone = "spares-everyone", Warning,
        "The exception spares every session that a rule of its could claim, which turns the rule off without saying \
         so. Set the rule's mode to `off` instead, or spare fewer.";
    RestsOnClient = "rests-on-client", Error,
        "The exception can hold for nothing but what a client says of itself: its agent string. Whoever stole a \
         session can send the same string and would be spared. Add a line about the person or the network.";
    NoCase = "no-case", Warning,
        "The rule has no test case. Cases show its reader what it means, and stop a later edit from changing it \
         unseen.";
    UnusedList = "unused-list", Warning,
        "No condition uses the list.";
    Expired = "expired", Warning,
        "The exception has expired and spares nobody any more. Remove it, or renew it with its reason.";
}
