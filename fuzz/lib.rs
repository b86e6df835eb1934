//! What every target asks of evictd: the same code that the ordinary test run replays its seeds through.

#[path = "../tests/it/hostile/mod.rs"]
pub mod hostile;
