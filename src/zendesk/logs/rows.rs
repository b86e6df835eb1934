//! What a row of each log says. How it is read off Zendesk's JSON is not here.

use crate::model::Seen;

/// Somebody signed in: a row of the audit log, which knows staff only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignInRow {
    /// Zendesk's id of the row.
    pub id: u64,
    /// Who, when and from where; this log names no program.
    pub seen: Seen,
}

/// Somebody of staff asked Zendesk for something: a row of the access log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessRow {
    /// The row's ULID, in capitals: later ones compare greater.
    pub id: String,
    /// Who, when, from where and with what program.
    pub seen: Seen,
    /// How the request showed whose it is.
    pub by: Authorization,
}

/// How a request showed whose it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Authorization {
    /// By a session's cookie, as browsers do.
    Session,
    /// By a token or a password, as programs do.
    Api,
    /// The row does not say, as none about GraphQL does, or in a word that is not known.
    Unsaid,
}

/// Somebody changed a ticket: a row of its audits, which know end users too.
///
/// Its address and program can be forged: who makes a ticket by the API may state both. Only [`Channel::Web`] and
/// [`Channel::Mobile`] are worth anything, and not enough to decide by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditRow {
    /// Zendesk's id of the audit.
    pub id: u64,
    /// Who, when, from where and with what program.
    pub seen: Seen,
    /// By what way the change came.
    pub via: Channel,
}

/// By what way a change of a ticket came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Channel {
    /// A page in a browser.
    Web,
    /// The mobile app.
    Mobile,
    /// Any other, or the row does not say.
    Other,
}
