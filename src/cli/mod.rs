//! (to come)

pub mod audit;
