//! Limits on requests a minute: the account's, those of the incremental exports and of the access log; and the headers
//! that tell of them.
//!
//! Minutes are those of the monotonic clock since the simulator started.

use std::time::Duration;

use super::call::Reply;

/// Incremental exports a minute, of all kinds together.
pub(super) const EXPORTS_PER_MINUTE: u32 = 10;

/// Questions to the access log a minute.
pub(super) const ACCESSES_PER_MINUTE: u32 = 50;

/// Which limit it is, and so which headers tell of it.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    Account,
    Exports,
    Accesses,
}

/// One budget, shared by all clients.
#[derive(Debug)]
pub(super) struct Limit {
    kind: Kind,
    per_minute: Option<u32>,
    minute: u64,
    used: u32,
}

impl Limit {
    /// So many requests a minute; `None` is no limit and no headers.
    pub(super) fn new(kind: Kind, per_minute: Option<u32>) -> Self {
        Self { kind, per_minute, minute: 0, used: 0 }
    }

    /// Counts one request at this monotonic time. `Err` is the 429 if it is one too many.
    pub(super) fn take(&mut self, at: Duration) -> Result<Standing, Reply> {
        let Some(limit) = self.per_minute else {
            return Ok(Standing::default());
        };
        if at.as_secs() / 60 != self.minute {
            self.minute = at.as_secs() / 60;
            self.used = 0;
        }
        let reset = 60 - at.as_secs() % 60;
        if self.used >= limit {
            return Err(Standing::of(self.kind, (limit, 0), reset).tell(Reply::too_many(reset)));
        }
        self.used += 1;
        Ok(Standing::of(self.kind, (limit, limit - self.used), reset))
    }
}

/// What the headers say.
#[derive(Debug, Default)]
pub(super) struct Standing(Vec<(&'static str, String)>);

impl Standing {
    fn of(kind: Kind, (limit, remaining): (u32, u32), reset_seconds: u64) -> Self {
        let exports = "zendesk-ratelimit-incremental-exports";
        Self(match kind {
            Kind::Account => vec![
                ("x-rate-limit", limit.to_string()),
                ("x-rate-limit-remaining", remaining.to_string()),
                ("ratelimit-limit", limit.to_string()),
                ("ratelimit-remaining", remaining.to_string()),
                ("ratelimit-reset", reset_seconds.to_string()),
            ],
            Kind::Exports => vec![(exports, format!("total={limit}; remaining={remaining}; resets={reset_seconds}"))],
            Kind::Accesses => Vec::new(),
        })
    }

    /// The answer with the headers on it.
    pub(super) fn tell(self, mut reply: Reply) -> Reply {
        reply.headers.extend(self.0);
        reply
    }
}
