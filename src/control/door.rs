//! The daemon's socket: who comes in, what they ask, and the way back for the answer. Nothing is done here.
//!
//! Callers without a role are sent away before a byte of theirs is read; the others are bounded in number, size and time.

use std::collections::BTreeMap;
use std::fs::Permissions;
use std::io;
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{mpsc, oneshot};

use super::peer::{Peer, caller_of};
use super::wire::{REQUEST_BYTES_MAX, Request, line, response};
use super::{Answer, Caller, Refusal};
use crate::clock::Clock;
use crate::config::ControlSettings;

/// Conversations at once: of everybody, and of one user.
const TALKS_MAX: usize = 32;
const TALKS_OF_ONE_MAX: usize = 4;
/// How long a request may take to arrive, and an answer to be taken.
const PATIENCE: Duration = Duration::from_secs(10);

/// Somebody asks for something and waits for the answer.
pub struct Call {
    /// Who.
    pub caller: Caller,
    /// What.
    pub request: Request,
    /// Where the answer goes; closed once the caller has gone.
    pub reply: Reply,
}

/// The way back to a caller.
pub type Reply = oneshot::Sender<Result<Answer, Refusal>>;

type Talk = Pin<Box<dyn Future<Output = u32>>>;

/// The socket, and everybody who is at it.
pub struct Door {
    listener: UnixListener,
    path: PathBuf,
    settings: ControlSettings,
    clock: Arc<dyn Clock>,
    talks: FuturesUnordered<Talk>,
    open: BTreeMap<u32, usize>,
    calls: (mpsc::UnboundedSender<Call>, mpsc::UnboundedReceiver<Call>),
}

impl Door {
    /// Listens there. A socket that nobody answers at gives way.
    ///
    /// # Errors
    ///
    /// When somebody answers there, or the folder cannot be written.
    pub fn open(path: &Path, settings: ControlSettings, clock: Arc<dyn Clock>) -> io::Result<Self> {
        match std::fs::symlink_metadata(path) {
            Ok(found) if !found.file_type().is_socket() => return Err(io::Error::other("it is there and no socket")),
            Ok(_) if std::os::unix::net::UnixStream::connect(path).is_ok() => {
                return Err(io::Error::other("another process answers there"));
            }
            Ok(_) => std::fs::remove_file(path)?,
            Err(_) => {}
        }
        let listener = UnixListener::bind(path)?;
        // Several groups may come in, and one file has only one: who it is decides, and not the file's mode.
        std::fs::set_permissions(path, Permissions::from_mode(0o666))?;
        let (talks, open) = (FuturesUnordered::new(), BTreeMap::new());
        Ok(Self { listener, path: path.to_owned(), settings, clock, talks, open, calls: mpsc::unbounded_channel() })
    }

    /// The next call. Not to wait for it any longer loses nothing.
    pub async fn next(&mut self) -> Call {
        loop {
            let has_room = self.talks.len() < TALKS_MAX;
            tokio::select! {
                accepted = self.listener.accept(), if has_room => match accepted {
                    Ok((stream, _)) => self.let_in(stream),
                    // Out of files, say: asking again at once would only spin.
                    Err(error) => {
                        tracing::warn!("nobody can come in at the control socket: {error}");
                        self.clock.sleep(Duration::from_secs(1)).await;
                    }
                },
                Some(uid) = self.talks.next(), if !self.talks.is_empty() => {
                    if let Some(open) = self.open.get_mut(&uid) {
                        *open = open.saturating_sub(1);
                    }
                    self.open.retain(|_, open| *open > 0);
                }
                Some(call) = self.calls.1.recv() => return call,
            }
        }
    }

    fn let_in(&mut self, stream: UnixStream) {
        let Ok(told) = stream.peer_cred() else { return };
        let peer = Peer { uid: told.uid(), gid: told.gid(), pid: told.pid() };
        let open = self.open.entry(peer.uid).or_default();
        if *open >= TALKS_OF_ONE_MAX {
            tracing::debug!(uid = peer.uid, "sent away from the control socket: too many at once");
            return;
        }
        *open += 1;
        let caller = caller_of(peer, &self.settings);
        let (clock, calls) = (Arc::clone(&self.clock), self.calls.0.clone());
        self.talks.push(Box::pin(async move {
            talk(stream, caller, &*clock, calls).await;
            peer.uid
        }));
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        drop(std::fs::remove_file(&self.path));
    }
}

async fn talk(mut stream: UnixStream, caller: Caller, clock: &dyn Clock, calls: mpsc::UnboundedSender<Call>) {
    let done = answered(&mut stream, caller, clock, &calls).await;
    let Some(done) = done else { return };
    tokio::select! {
        written = async { stream.write_all(&response(done)).await } => drop(written),
        () = clock.sleep(PATIENCE) => {}
    }
}

/// What is to be said to them; none if they have gone.
async fn answered(
    stream: &mut UnixStream,
    caller: Caller,
    clock: &dyn Clock,
    calls: &mpsc::UnboundedSender<Call>,
) -> Option<Result<Answer, Refusal>> {
    if caller.roles.is_empty() {
        tracing::warn!("sent away from the control socket: {} has no role", caller.who);
        return Some(Err(Refusal::new(77, format!("{} may not ask anything here", caller.who))
            .help("the groups of roles stand in the table `[control]` of the configuration")));
    }
    let line = tokio::select! {
        line = line(stream, REQUEST_BYTES_MAX) => line,
        () = clock.sleep(PATIENCE) => None,
    };
    let request = match line.as_deref().map(Request::read) {
        None => {
            return Some(Err(Refusal::usage(format!("a request is one line of {REQUEST_BYTES_MAX} bytes at most"))));
        }
        Some(Err(refusal)) => return Some(Err(refusal)),
        Some(Ok(request)) => request,
    };
    let (reply, back) = oneshot::channel();
    calls.send(Call { caller, request, reply }).ok()?;
    let mut more = [0; 1];
    tokio::select! {
        done = back => Some(done.unwrap_or_else(|_| Err(Refusal::new(69, "the account was given up meanwhile")))),
        // Whoever hangs up before it began commands no more; nobody has more to say.
        _ = stream.read(&mut more) => None,
    }
}
