//! The account's limit on requests a minute, and the headers that tell of it.
//!
//! Minutes are those of the monotonic clock since the simulator started.

use std::time::Duration;

use super::call::Reply;

/// The account's budget, shared by all clients.
#[derive(Debug)]
pub(super) struct Limit {
    per_minute: Option<u32>,
    minute: u64,
    used: u32,
}

impl Limit {
    /// So many requests a minute; `None` is no limit and no headers.
    pub(super) fn new(per_minute: Option<u32>) -> Self {
        Self { per_minute, minute: 0, used: 0 }
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
            return Err(Standing::of(limit, 0, reset).tell(Reply::too_many(reset)));
        }
        self.used += 1;
        Ok(Standing::of(limit, limit - self.used, reset))
    }
}

/// What the headers say.
#[derive(Debug, Default)]
pub(super) struct Standing(Vec<(&'static str, String)>);

impl Standing {
    fn of(limit: u32, remaining: u32, reset_seconds: u64) -> Self {
        Self(vec![
            ("x-rate-limit", limit.to_string()),
            ("x-rate-limit-remaining", remaining.to_string()),
            ("ratelimit-limit", limit.to_string()),
            ("ratelimit-remaining", remaining.to_string()),
            ("ratelimit-reset", reset_seconds.to_string()),
        ])
    }

    /// The answer with the headers on it.
    pub(super) fn tell(self, mut reply: Reply) -> Reply {
        reply.headers.extend(self.0);
        reply
    }
}
