//! What passes the daemon's socket: one JSON document on a line each way, versioned and bounded.

use std::path::Path;

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;

use super::{Answer, Command, Refusal};

/// The version of requests and responses.
const VERSION: u32 = 1;
/// Bytes of a request, its newline included.
pub const REQUEST_BYTES_MAX: usize = 64 << 10;
/// Bytes of a response: a hold may have many people.
const RESPONSE_BYTES_MAX: usize = 8 << 20;

/// What a caller sends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    v: u32,
    /// The account, by its name in the configuration.
    pub account: String,
    /// The command.
    pub command: Command,
}

/// What the daemon says to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
enum Response {
    Done { v: u32, answer: Answer },
    Refused { v: u32, refusal: Refusal },
}

impl Request {
    /// A command for this account.
    pub fn new(account: &str, command: &Command) -> Self {
        Self { v: VERSION, account: account.to_owned(), command: command.clone() }
    }

    /// Reads a line without its newline.
    ///
    /// # Errors
    ///
    /// Why it is no request.
    pub fn read(line: &[u8]) -> Result<Self, Refusal> {
        #[derive(Deserialize)]
        struct Versioned {
            v: u32,
        }
        let nonsense = |error: serde_json::Error| Refusal::usage(format!("that is no request: {error}"));
        let Versioned { v } = serde_json::from_slice(line).map_err(nonsense)?;
        if v != VERSION {
            return Err(Refusal::usage(format!(
                "requests of version {v} are not understood: this is version {VERSION}"
            ))
            .help("daemon and command are of different versions of evictd: restart the daemon"));
        }
        serde_json::from_slice(line).map_err(nonsense)
    }
}

/// One line of at most so many bytes; none if it ends before its newline or is longer.
pub(super) async fn line(stream: &mut (impl AsyncRead + Unpin), bytes_max: usize) -> Option<Vec<u8>> {
    let mut line = Vec::new();
    let mut part = [0; 4096];
    loop {
        let read = stream.read(&mut part).await.ok().filter(|read| *read > 0)?;
        line.extend_from_slice(part.get(..read)?);
        if let Some(end) = line.iter().position(|byte| *byte == b'\n') {
            line.truncate(end);
            return (end < bytes_max).then_some(line);
        }
        if line.len() >= bytes_max {
            return None;
        }
    }
}

/// A response as a line.
pub(super) fn response(done: Result<Answer, Refusal>) -> Vec<u8> {
    let response = match done {
        Ok(answer) => Response::Done { v: VERSION, answer },
        Err(refusal) => Response::Refused { v: VERSION, refusal },
    };
    let mut line = serde_json::to_vec(&response).unwrap_or_default();
    line.push(b'\n');
    line
}

/// Asks the daemon that listens there; none if nobody does.
///
/// # Errors
///
/// What it refused; or that it may not be asked, or went before it answered.
pub async fn ask(socket: &Path, request: &Request) -> Option<Result<Answer, Refusal>> {
    let mut stream = match UnixStream::connect(socket).await {
        Ok(stream) => stream,
        Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => {
            return Some(Err(Refusal::new(77, format!("the daemon may not be asked: {error}"))));
        }
        Err(_) => return None,
    };
    Some(talk(&mut stream, request).await)
}

async fn talk(stream: &mut UnixStream, request: &Request) -> Result<Answer, Refusal> {
    let gone = || {
        Refusal::new(69, "the daemon went before it answered")
            .help("what it did stands in the trail: see `evictd audit tail`")
    };
    let mut bytes = serde_json::to_vec(request).unwrap_or_default();
    bytes.push(b'\n');
    if bytes.len() > REQUEST_BYTES_MAX {
        return Err(Refusal::usage("that is more than the daemon takes at once").help("name fewer people, or by id"));
    }
    // Whoever is refused at once is answered before everything is sent.
    drop(stream.write_all(&bytes).await);
    let line = line(stream, RESPONSE_BYTES_MAX).await.ok_or_else(gone)?;
    match serde_json::from_slice(&line) {
        Ok(Response::Done { answer, .. }) => Ok(answer),
        Ok(Response::Refused { refusal, .. }) => Err(refusal),
        Err(error) => Err(Refusal::new(70, format!("the daemon's answer makes no sense: {error}"))),
    }
}
