//! A sign of life for somebody outside: sent once every account has done a complete sweep since the last one, so that one
//! account's health never hides another's silence. It says nothing, and its absence says everything.

use std::sync::Arc;
use std::time::Duration;

use super::{Tail, Witness};
use crate::clock::Clock;
use crate::record::{Entry, Line};

/// Trails are looked at this often.
const EVERY: Duration = Duration::from_secs(10);

/// What is told, and of whom.
pub struct Heartbeat {
    accounts: Vec<(Tail, bool)>,
    witness: Arc<dyn Witness>,
    clock: Arc<dyn Clock>,
    is_failing: bool,
}

impl Heartbeat {
    /// One over these trails.
    pub fn new(tails: Vec<Tail>, witness: Arc<dyn Witness>, clock: Arc<dyn Clock>) -> Self {
        let accounts = tails.into_iter().map(|tail| (tail, false)).collect();
        Self { accounts, witness, clock, is_failing: false }
    }

    /// Goes on for ever.
    pub async fn run(mut self) {
        // What was before is no sign of life.
        self.look();
        self.accounts.iter_mut().for_each(|(_, seen)| *seen = false);
        loop {
            self.step().await;
            self.clock.sleep(EVERY).await;
        }
    }

    /// Looks once, and tells if there is something to tell.
    pub async fn step(&mut self) {
        self.look();
        if self.accounts.is_empty() || self.accounts.iter().any(|(_, seen)| !seen) {
            return;
        }
        let taken = self.witness.tell().await;
        match &taken {
            Ok(()) => self.accounts.iter_mut().for_each(|(_, seen)| *seen = false),
            Err(why) if !self.is_failing => tracing::warn!("the heartbeat is not taken: {why}"),
            Err(_) => {}
        }
        self.is_failing = taken.is_err();
    }

    fn look(&mut self) {
        for (tail, seen) in &mut self.accounts {
            while let Ok(lines) = tail.lines()
                && !lines.is_empty()
            {
                *seen = *seen || lines.iter().any(is_complete);
            }
        }
    }
}

fn is_complete(line: &Line) -> bool {
    matches!(&line.entry, Entry::CycleFinished(body) if body.complete && body.clock_trusted && body.looked.is_none())
}
