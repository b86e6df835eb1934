//! Where text goes: stdout for what was asked, stderr for the rest; colour and width as the terminal has them.

use std::io::{IsTerminal as _, Write as _};

use std::sync::{Mutex, PoisonError};

use anstyle::{AnsiColor, Style};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::Value;

use super::Failure;
use crate::diagnostic::harmless;
use crate::model::harmless_json;
use crate::report::Look;

/// Columns where nothing tells the width: a page of a log or a mail.
const WIDTH: u16 = 120;
/// Wider pages are harder to read, not easier.
const WIDTH_MAX: u16 = 160;

/// The first loss on stdout: printing goes on, and the exit code tells.
static UNPRINTED: Mutex<Option<std::io::Error>> = Mutex::new(None);

/// The process's own streams. Whoever prints is handed one; there is no other way out.
#[derive(Debug, Clone, Copy)]
pub struct Screen {
    width: u16,
}

#[expect(clippy::unused_self, reason = "printing is only for those who were handed the screen")]
impl Screen {
    /// The streams of this process.
    pub(super) fn of_process() -> Self {
        let terminal = terminal_size::terminal_size().map(|(width, _)| width.0);
        Self { width: terminal.or_else(columns).unwrap_or(WIDTH).clamp(40, WIDTH_MAX) }
    }

    /// What a page of text is laid out for. Where colour is not wanted the stream takes it out again.
    pub fn look(self) -> Look {
        Look { width: self.width, colour: true }
    }

    /// Whether a person's terminal shows what was asked for.
    pub fn is_terminal(self) -> bool {
        std::io::stdout().is_terminal()
    }

    /// Columns.
    pub fn width(self) -> usize {
        usize::from(self.width)
    }

    /// Prints what was asked for. A reader that hung up is nobody's failure; any other loss is told at the end.
    pub fn out(self, text: &str) {
        let mut out = anstream::stdout();
        let printed = out.write_all(text.as_bytes()).and_then(|()| out.flush());
        if let Err(error) = printed
            && error.kind() != std::io::ErrorKind::BrokenPipe
        {
            *UNPRINTED.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
        }
    }

    /// Why something that was asked for could not be printed, if so.
    pub(super) fn unprinted(self) -> Option<std::io::Error> {
        UNPRINTED.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Prints a JSON document that was asked for.
    pub fn json(self, document: &Value) {
        self.out(&harmless_json(&format!("{document:#}\n")));
    }

    /// Prints a line beside what was asked for.
    pub fn note(self, text: &str) {
        drop(writeln!(anstream::stderr(), "{text}"));
    }

    /// Prints a failure and its advice.
    pub(super) fn failure(self, failure: &Failure) {
        if failure.title.is_empty() {
            return;
        }
        let red = Style::new().bold().fg_color(Some(AnsiColor::Red.into()));
        self.note(&format!("{red}error:{red:#} {}", harmless(&failure.title)));
        if let Some(help) = &failure.help {
            self.note(&format!("  help: {}", harmless(help)));
        }
    }

    /// A bar on stderr if a person watches, else nothing.
    pub fn progress(self, what: &str) -> ProgressBar {
        if !std::io::stderr().is_terminal() {
            return ProgressBar::hidden();
        }
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        let style = ProgressStyle::with_template("{spinner} {msg}: {pos} ({elapsed})");
        let bar = style.map_or_else(|_| ProgressBar::hidden(), |style| bar.with_style(style));
        bar.with_message(what.to_owned())
    }
}

/// What a shell or a pager says of its width.
#[expect(clippy::disallowed_methods, reason = "the command line is the room that reads the environment")]
fn columns() -> Option<u16> {
    std::env::var("COLUMNS").ok()?.parse().ok()
}
