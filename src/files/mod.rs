//! The seam to the disk: a folder that can be appended to, made durable, read and cut; and its simulated twin.
//!
//! Everything that must survive a crash goes through [`Medium`]. Reading configuration, policies and secrets, and the
//! lock, live in this room too.

mod medium;

pub use medium::Medium;
