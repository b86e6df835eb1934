//! The trail on its medium: one per account, written durably before the act it announces, read back at start.
//!
//! A trail is a folder of segments of JSON lines and, beside each, a sidecar with the personal parts. Plain synchronous
//! types: whoever is async calls them in one blocking batch. What a line says and how lines link is decided in
//! `record`; what the past means for belts is decided by the guard. One writer at a time: the caller holds the lock.

mod past;
mod reading;
mod standing;
#[cfg(test)]
mod tests;
mod trouble;
mod verification;
mod writer;

pub use past::{LastCycle, OpenIntent, Past, PauseTold};
pub use reading::{look, read_segment, read_sidecar, segments, segments_since};
pub use trouble::TrailTrouble;
pub use verification::verify;
pub use writer::{SEGMENT_BYTES_MAX, Trail};
