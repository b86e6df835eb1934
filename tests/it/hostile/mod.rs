//! Bytes as an enemy, a torn disk or chance gives them to each reader, and what must hold whatever they are.
//!
//! One file for each reader, each with one `survives`. Two callers: the fuzz targets in `fuzz/`, which look for bytes
//! that break a promise, and `replay`, which goes through the seeds and all that was ever found in every test run.

pub mod agents;
pub mod config;
pub mod feeds;
pub mod lists;
pub mod offboarding;
pub mod places;
pub mod policies;
pub mod shown;
pub mod snapshot;
pub mod trail;
pub mod zendesk;

/// Between the parts of an input that stands for several files or answers; a comment to TOML.
pub const CUT: &str = "\n#%%\n";
