//! Everything that looks at evictd from outside, in one binary: linking once is what keeps a test run short.
//!
//! `house` and `tidy` watch the text of the tree, `reference` is a second, naive reading of the documentation that
//! the real evaluator and guard must agree with, `daemon` runs on simulated time, `command`, `credentials`, `demo`,
//! `doctor`, `egress`, `offboard`, `processes` and `unit` start programs and poll for their end. Nothing else here
//! sleeps, and
//! nothing depends on order.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test stops at the first thing that is not as it says"
)]

mod belts;
mod calendar;
mod command;
mod control;
mod credentials;
mod daemon;
mod demo;
mod diagnostics;
mod doctor;
mod egress;
mod enforcement;
mod extremes;
mod facts;
mod hostile;
mod house;
mod memory;
mod offboard;
mod places;
mod processes;
mod program;
mod reference;
mod replay;
mod reports;
mod selftest;
mod sights;
mod simulator;
mod source;
mod tidy;
mod unit;
