//! What humans command, carried out by an account's loop: at once, or by the sweep that it makes due.

use std::sync::Arc;

use jiff::Timestamp;

use super::super::desk::Errand;
use super::Lane;
use super::answers::Awaiting;
use crate::control::{Answer, Caller, Command, Refusal};

impl Lane<'_> {
    /// Does what a human commands, unless they have gone meanwhile; whether the trail took it.
    pub(super) async fn carry_out(&mut self, errand: Errand) -> bool {
        let Errand { command, caller, asked, reply } = errand;
        if reply.as_ref().is_some_and(tokio::sync::oneshot::Sender::is_closed) {
            return true;
        }
        if let Command::Apply { width } = command {
            return self
                .await_sweep(&caller, reply.map(|reply| Awaiting { reply, width, asked: self.clock.monotonic() }));
        }
        if let Command::Why { user, since } = &command {
            let reading = self.post.as_mut().map(|post| post.why(&self.setup, user.clone(), since));
            match (reply, reading) {
                (Some(reply), Some(Ok(reading))) => self.desk.apart(reply, reading, true),
                (Some(reply), Some(Err(refusal))) => drop(reply.send(Err(refusal))),
                (Some(reply), None) => drop(reply.send(Err(unheld()))),
                (None, _) => {}
            }
            return true;
        }
        let done = self.obeyed(&command, &caller, asked).await;
        match &done {
            Ok(_) => tracing::info!("{} by {}", command.name(), caller.who),
            // Its words may name whom it is about.
            Err(refusal) => tracing::warn!("{} by {} was not done: exit {}", command.name(), caller.who, refusal.exit),
        }
        // Whoever lets something go wants to see it go.
        if done.is_ok() && matches!(command, Command::Resume | Command::HoldRelease { .. }) {
            self.is_due_by_command();
        }
        let is_written = !done.as_ref().is_err_and(|refusal| refusal.exit == 74);
        if !is_written {
            self.shut("the trail cannot be written: nothing is revoked without a trail".to_owned());
        }
        reply.map(|reply| reply.send(done));
        is_written
    }

    /// A sweep is due now; whoever wants it is told what came of it, once it is over.
    fn await_sweep(&mut self, caller: &Caller, awaiting: Option<Awaiting>) -> bool {
        let Some(awaiting) = awaiting else { return true };
        let Some(post) = &mut self.post else {
            drop(awaiting.reply.send(Err(unheld())));
            return true;
        };
        if let Err(trouble) = post.commanded("apply", &caller.who) {
            self.shut(format!("{trouble}: nothing is revoked without a trail"));
            drop(awaiting.reply.send(Err(trouble.into())));
            return false;
        }
        tracing::info!("apply by {}", caller.who);
        self.awaiting.push(awaiting);
        self.is_due_by_command();
        true
    }

    fn is_due_by_command(&mut self) {
        self.rhythm.due = Some(self.clock.now());
        self.commanded_at = Some(self.clock.monotonic());
    }

    /// In mode `report` the credential that ends sessions is fetched for this command, and dropped after it.
    async fn obeyed(&mut self, command: &Command, caller: &Caller, asked: Timestamp) -> Result<Answer, Refusal> {
        let brakes = self.brakes();
        let Some(post) = self.post.as_mut() else {
            return Err(unheld());
        };
        if !command.needs_hands() || self.setup.zendesk.has_hands() {
            return Box::pin(post.obey((&self.setup, &brakes), (command, caller, asked))).await;
        }
        let armed = self.ground.loader.armed(&self.setup, &self.pulse).map_err(|why| Refusal::new(78, why))?;
        let armed = Arc::new(armed.sharing(&self.setup.zendesk));
        let usual = std::mem::replace(&mut self.setup.zendesk, armed);
        let done = Box::pin(post.obey((&self.setup, &brakes), (command, caller, asked))).await;
        self.setup.zendesk = usual;
        done
    }
}

fn unheld() -> Refusal {
    Refusal::new(75, "the daemon does not hold the account: `evictd status` says why")
}
