//! What doctor has to say: one row a thing, and how rows are shown to people and to programs.

use anstyle::{AnsiColor, Style};
use serde_json::{Value, json};

use crate::cli::screen::Screen;
use crate::cli::{Exit, Failure};
use crate::model::{AccountName, Foreign};

/// How a thing stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// Well.
    Good,
    /// Worth knowing; nothing has to be done at once.
    Note,
    /// Wrong.
    Bad,
}

impl State {
    /// The word for programs, and for people without a terminal.
    fn word(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Note => "note",
            Self::Bad => "bad",
        }
    }

    fn mark(self) -> &'static str {
        match self {
            Self::Good => "✓",
            Self::Note => "•",
            Self::Bad => "✗",
        }
    }

    fn colour(self) -> AnsiColor {
        match self {
            Self::Good => AnsiColor::Green,
            Self::Note => AnsiColor::Yellow,
            Self::Bad => AnsiColor::Red,
        }
    }
}

/// One thing and how it stands. Its texts are safe to show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Row {
    check: &'static str,
    pub(super) state: State,
    what: String,
    help: Option<String>,
}

impl Row {
    pub(super) fn new(check: &'static str, state: State, what: impl Into<String>) -> Self {
        Self { check, state, what: shown(what), help: None }
    }

    pub(super) fn good(check: &'static str, what: impl Into<String>) -> Self {
        Self::new(check, State::Good, what)
    }

    pub(super) fn note(check: &'static str, what: impl Into<String>) -> Self {
        Self::new(check, State::Note, what)
    }

    pub(super) fn bad(check: &'static str, what: impl Into<String>) -> Self {
        Self::new(check, State::Bad, what)
    }

    /// What could not be looked at since something before it is wrong.
    pub(super) fn unseen(check: &'static str) -> Self {
        Self::note(check, "not looked at: Zendesk could not be asked")
    }

    /// A failure that would end another command.
    pub(super) fn failed(check: &'static str, failure: Failure) -> Self {
        Self { help: failure.help.map(shown), ..Self::bad(check, failure.title) }
    }

    /// The same of another thing.
    pub(super) fn under(self, check: &'static str) -> Self {
        Self { check, ..self }
    }

    /// Adds what to do.
    pub(super) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(shown(help));
        self
    }

    /// Adds what to do where nothing better is known.
    pub(super) fn or_help(self, help: &str) -> Self {
        if self.help.is_some() { self } else { self.help(help) }
    }

    /// Adds what to do, if there is something.
    pub(super) fn help_if(self, help: Option<impl Into<String>>) -> Self {
        match help {
            Some(help) => self.help(help),
            None => self,
        }
    }
}

fn shown(text: impl Into<String>) -> String {
    Foreign::new(text.into()).to_string()
}

/// What the rows come to.
pub(super) fn exit(rows: &[Row]) -> Exit {
    if wrong(rows) > 0 { Exit::Findings } else { Exit::Done }
}

fn wrong(rows: &[Row]) -> usize {
    rows.iter().filter(|row| row.state == State::Bad).count()
}

/// The page for people: marks on a terminal, words elsewhere.
pub(super) fn text(rows: &[Row], screen: Screen) -> String {
    let is_terminal = screen.is_terminal();
    let mut page = String::new();
    for Row { check, state, what, help } in rows {
        let mark = if is_terminal { state.mark().to_owned() } else { format!("{:<4}", state.word()) };
        let style = Style::new().fg_color(Some(state.colour().into()));
        page += &format!("{style}{mark}{style:#} {check:<13} {what}\n");
        if let Some(help) = help {
            let indent = mark.chars().count() + 15;
            page += &format!("{:indent$}help: {help}\n", "");
        }
    }
    page + &match wrong(rows) {
        0 => "nothing is wrong\n".to_owned(),
        1 => "1 thing is wrong\n".to_owned(),
        number => format!("{number} things are wrong\n"),
    }
}

/// The document for programs.
pub(super) fn json(account: &AccountName, rows: &[Row]) -> Value {
    let row = |row: &Row| {
        let Row { check, state, what, help } = row;
        json!({ "check": check, "state": state.word(), "what": what, "help": help })
    };
    json!({ "schema": 1, "account": account.as_str(), "rows": rows.iter().map(row).collect::<Vec<_>>() })
}
