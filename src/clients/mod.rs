//! Agent strings: which program, which version, on which system, and what kind of program it is.
//!
//! Families, versions and systems are uap-core's patterns (`parser`); what a modern agent string says but does not mean
//! is taken out again (`belief`); the kind is decided here (`kind`) by the marks that programs leave (`marks`). An agent
//! string is a claim: whoever lies about it is believed, so no rule should rest on it alone.

mod belief;
mod kind;
mod marks;
mod parser;
#[cfg(test)]
mod tests;

use std::sync::LazyLock;

use crate::model::Client;
use kind::Kinds;
use parser::Parser;

/// How much of an agent string is looked at, in bytes: twice the longest of 46,000 collected ones, which has 492. Reading
/// costs time in proportion, and who sends more has nothing to say behind it.
pub const AGENT_BYTES_MAX: usize = 1024;

/// What is loaded on first use, since most policies never ask: some 50 ms and 13 MB.
static READER: LazyLock<Option<Reader>> = LazyLock::new(Reader::load);

struct Reader {
    parser: Parser,
    kinds: Kinds,
}

impl Reader {
    /// None would be a fault in the data that are compiled in: a test watches that it loads.
    fn load() -> Option<Self> {
        Some(Self { parser: Parser::load()?, kinds: Kinds::load()? })
    }
}

/// What this agent string tells. The same string tells the same, always; the work is bounded by [`AGENT_BYTES_MAX`].
pub fn client_of(agent: &str) -> Client {
    let agent = agent.get(..agent.floor_char_boundary(AGENT_BYTES_MAX)).unwrap_or_default().trim();
    let Some(reader) = READER.as_ref() else { return Client::unknown() };
    Client { kind: reader.kinds.kind_of(agent), ..reader.parser.client(agent) }
}
