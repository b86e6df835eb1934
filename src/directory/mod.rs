//! Offboarding lists: files that others write, and that name people who have left.
//!
//! Reading and editing the files is the only contact with the world. What a list's rows count for is a pure step
//! machine, [`Roll`]: [`take_over`] compares a file with what is remembered of it, `gather` then lets it match known
//! people and asks Zendesk about the rest, and what comes out is who is listed and how the list stands. Its three
//! promises: a list that cannot be trusted is unknown and never an answer; no more than a day's growth comes into force
//! without a human; a row once matched stays with the person it matched.

mod accepted;
mod columns;
mod contents;
mod edit;
mod file;
mod matching;
mod roll;
mod row;

pub use accepted::{ACCEPTED, Acceptance, accept, read_acceptances};
pub use columns::Columns;
pub use contents::{Contents, Format, ROWS_MAX, Row, RowFault, read_contents};
pub use edit::{EditTrouble, Edited, add, remove};
pub use file::{LIST_BYTES_MAX, ListFault, ListFile, read_list};
pub use matching::{Ask, Asks, EMAILS_PER_CYCLE_MAX};
pub use roll::{Circumstances, Roll, take_over, trouble_of};
pub use row::{Names, since_of};

#[cfg(test)]
mod tests;
