//! What was asked so far: counted, kept for tests, and written down for scripts.

use std::collections::BTreeMap;
use std::io::Write;

use jiff::Timestamp;
use serde::Serialize;

use super::call::Call;

/// One request as the log tells it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LoggedRequest {
    /// When it was answered, by the account's clock: RFC 3339, microseconds.
    #[serde(serialize_with = "precise")]
    pub time: Timestamp,
    /// The verb.
    pub method: String,
    /// Path and query as they came.
    pub path: String,
    /// HTTP status; see [`Options::request_log`](super::Options::request_log).
    pub status: u16,
}

fn precise<S: serde::Serializer>(time: &Timestamp, out: S) -> Result<S::Ok, S::Error> {
    out.collect_str(&format_args!("{time:.6}"))
}

/// Every call, in the order of the answers.
pub(super) struct Log {
    pub(super) calls: BTreeMap<String, u64>,
    pub(super) requests: Option<Vec<LoggedRequest>>,
    pub(super) sink: Option<Box<dyn Write + Send>>,
}

impl Log {
    /// One more call; a status of 0 says that nothing was done and no answer sent.
    pub(super) fn note(&mut self, call: &Call, status: u16, time: Timestamp) {
        *self.calls.entry(format!("{} {}", call.method, call.route())).or_default() += 1;
        let request = LoggedRequest { time, method: call.method.clone(), path: call.target(), status };
        if let Some(sink) = &mut self.sink {
            let line = serde_json::to_string(&request).unwrap_or_default() + "\n";
            if let Err(error) = sink.write_all(line.as_bytes()).and_then(|()| sink.flush()) {
                tracing::warn!(%error, "the request log cannot be written: it ends here");
                self.sink = None;
            }
        }
        if let Some(requests) = &mut self.requests {
            requests.push(request);
        }
    }
}
