//! Cycles that remember earlier ones: people who leave between two of them, and weather that would make anybody forget.
//!
//! A [`Firm`] is a company of staff and customers on a stage, where people come and go; it knows who has really left,
//! from what was done to them and not from what evictd saw. A [`Process`] runs cycles on it as the daemon does.

mod firm;
mod forgetting;
mod leavers;
mod long;
mod oracle;
mod process;
mod rows;
mod storm;
mod troubles;

pub use firm::{Firm, Size};
pub use process::Process;
pub use rows::{By, Row};
