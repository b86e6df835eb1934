//! What is kept of place databases beside an account's state: what a human let in, and what was in force.

mod accepted;
mod last_good;

pub use accepted::{ACCEPTED, accept, read_accepted};
pub use last_good::{LastGood, keep_last_good, read_last_good};
