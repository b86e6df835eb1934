//! Policies: what a set of files says, compiled into conditions that can be asked.
//!
//! Reading collects every fault of every file; a set with one error is not a set. Judging sessions with it happens in
//! `evaluate`; nothing here knows a snapshot.

mod condition;
mod given;
mod lint;
mod lists;
mod read;
mod read_case;
mod read_condition;
mod read_value;
mod set;

pub use condition::{Bound, Condition, Ground, Line, Test, TextTest, Told, TraceLine, Words, shown};
pub use given::{Given, Stated};
pub use lint::Endings;
pub use lists::Lists;
pub use read::read;
pub use set::{
    Case, Exception, Expect, Needs, OnAmbiguous, PolicyFile, PolicySet, Rule, Signature, Signed, end_of_day,
};
