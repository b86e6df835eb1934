//! Feeds: files into which others write, line by line, who signed in and who used what.
//!
//! [`row_of`] says what one line means and is pure. [`Feed`] is the only contact with the world: it reads what was added
//! since its last read, across rotations and restarts. Whom a row means in Zendesk is not decided here, nor what is
//! remembered of it. Its three promises: a row that cannot be read is counted and never guessed; nothing is claimed of
//! what may not be written yet; what may have been missed is said.

mod formats;
mod lines;
mod open;
mod reading;
mod row;
mod tail;
mod value;

pub use formats::row_of;
pub use lines::LINE_BYTES_MAX;
pub use open::FeedPlace;
pub use reading::{FeedReading, FeedTrouble};
pub use row::{FeedRow, PersonKey};
pub use tail::{Feed, READ_BYTES_MAX};

#[cfg(test)]
mod tests;
