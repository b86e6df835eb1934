//! (to come)

pub mod simulator;
