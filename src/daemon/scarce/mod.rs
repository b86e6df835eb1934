//! What becomes of an account whose requests do not suffice: who waits for a look and in which order, when that is said,
//! and how long a bad session may live by it. Pure but for memory: the time is told.

mod exposure;
mod hunger;
mod queue;

pub use exposure::{Exposure, LOOK_EVERY};
pub(super) use hunger::{Hunger, Lack, News};
pub(super) use queue::Queue;
