//! How an account's logs behave: what its plan has, and how late and how wrong the rows are.

use jiff::SignedDuration;

use crate::model::parse_duration;

/// The settings, and their words.
const NAMES: &str = "audit-log, access-log, lag, late, skew, user-ids";

/// How the access log stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AccessLog {
    /// It is written and can be read.
    #[default]
    On,
    /// The account has it and never switched it on: it is empty.
    Off,
    /// The account has no such add-on.
    Absent,
}

/// What an account has of logs, and how they lag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogSettings {
    /// Whether the plan has an audit log.
    pub has_audit_log: bool,
    /// How the access log stands.
    pub access_log: AccessLog,
    /// Every row shows this much after its time.
    pub lag: SignedDuration,
    /// Every third row of each log shows this much later still.
    pub late: SignedDuration,
    /// The logs' clock is this much ahead: rows tell its time.
    pub skew: SignedDuration,
    /// Whether the access log writes ids of people as text, as webhooks do.
    pub user_ids_are_text: bool,
    /// Whether requests by tokens stand in the access log, as they do at Zendesk.
    pub has_token_requests: bool,
}

impl Default for LogSettings {
    fn default() -> Self {
        let zero = SignedDuration::ZERO;
        let (has_audit_log, access_log) = (true, AccessLog::On);
        Self {
            has_audit_log,
            access_log,
            lag: zero,
            late: zero,
            skew: zero,
            user_ids_are_text: false,
            has_token_requests: true,
        }
    }
}

impl LogSettings {
    /// The default settings but for these: see [`LogSettings::with`].
    ///
    /// # Errors
    ///
    /// A sentence about the first setting that is none.
    pub fn parse(text: &str) -> Result<Self, String> {
        Self::default().with(text)
    }

    /// These settings, with those of a text in their place: `audit-log=on|absent`, `access-log=on|off|absent`,
    /// `lag=10m`, `late=20m`, `skew=-3s`, `user-ids=number|text`, with commas between.
    ///
    /// # Errors
    ///
    /// A sentence about the first setting that is none.
    pub fn with(mut self, text: &str) -> Result<Self, String> {
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            match (name.trim(), value.trim()) {
                ("audit-log", "on") => self.has_audit_log = true,
                ("audit-log", "absent") => self.has_audit_log = false,
                ("access-log", "on") => self.access_log = AccessLog::On,
                ("access-log", "off") => self.access_log = AccessLog::Off,
                ("access-log", "absent") => self.access_log = AccessLog::Absent,
                ("user-ids", "number") => self.user_ids_are_text = false,
                ("user-ids", "text") => self.user_ids_are_text = true,
                ("lag", value) => self.lag = length(part, value)?,
                ("late", value) => self.late = length(part, value)?,
                ("skew", value) => match value.strip_prefix('-') {
                    Some(behind) => self.skew = -length(part, behind)?,
                    None => self.skew = length(part, value)?,
                },
                ("audit-log" | "access-log" | "user-ids", value) => {
                    return Err(format!("`{value}` is no value of the log setting `{}`", name.trim()));
                }
                (name, _) => return Err(format!("unknown log setting `{name}`: the known ones are {NAMES}")),
            }
        }
        Ok(self)
    }
}

fn length(part: &str, text: &str) -> Result<SignedDuration, String> {
    parse_duration(text).ok_or_else(|| format!("`{part}` needs a length of time such as `10m`"))
}
