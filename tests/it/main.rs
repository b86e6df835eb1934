//! The integration tests, in one binary: one module per subject.

#[cfg(test)]
mod simulator;
