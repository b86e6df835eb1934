//! The trail's records: their kinds, their exact bytes, how one links to the next, and verification over lines.
//!
//! Pure: it knows no file. What is hashed is the bytes as written, which are never parsed and written again.

mod entry;

pub use entry::*;
