//! Being asked to stop: SIGINT from a terminal, SIGTERM from systemd.

use tokio::signal::unix::{SignalKind, signal};

/// The signal by which systemd and `timeout` ask a process to stop (POSIX).
pub(super) const SIGTERM: i32 = 15;

/// Ends when either signal arrives. From this call on neither ends the process by itself.
pub(super) fn asked_to_stop() -> std::io::Result<impl Future<Output = ()>> {
    let (mut interrupt, mut end) = (signal(SignalKind::interrupt())?, signal(SignalKind::from_raw(SIGTERM))?);
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = end.recv() => {}
        }
    })
}
