//! Whether Zendesk still accepts evictd's own credentials: that it does not is told once, loudly, and once more when it
//! does again. Who is refused is not asked to mend itself: a human has to.

use jiff::SignedDuration;
use serde_json::json;

use super::{Post, TOKENS_EVERY, TOKENS_REFUSED_EVERY};
use crate::cycle::{Cycle, Halt};
use crate::record::{CredentialBack, CredentialRefused};
use crate::trail::TrailTrouble;
use crate::zendesk::{Denial, Trouble, Zendesk};

/// The credential that everything is read with.
const READER: &str = "reader";

/// The one that sessions are ended with, where it is another.
const REVOKER: &str = "revoker";

impl Post {
    /// Writes what a cycle, or what was asked before one, says of the credentials, as far as that is new.
    pub(super) fn note_cycle(&mut self, came: &Result<Cycle, Halt>, zendesk: &Zendesk) -> Result<(), TrailTrouble> {
        match came {
            Ok(cycle) => {
                self.note(READER, None)?;
                self.disarmed = cycle.disarmed.as_ref().map(ToString::to_string);
                // Nothing is heard of who was not asked.
                if zendesk.asks_revoker() { self.note(REVOKER, cycle.disarmed.as_ref()) } else { Ok(()) }
            }
            Err(Halt::Zendesk(trouble)) => self.note_reader(trouble),
            Err(_) => Ok(()),
        }
    }

    /// Writes that Zendesk does not accept the credential that everything is read with, if that is the trouble.
    ///
    /// # Errors
    ///
    /// When the trail cannot be written.
    pub fn note_reader(&mut self, trouble: &Trouble) -> Result<(), TrailTrouble> {
        self.note(READER, Some(trouble))
    }

    /// Trouble of another kind says nothing of the credential, either way.
    fn note(&mut self, which: &str, trouble: Option<&Trouble>) -> Result<(), TrailTrouble> {
        let was_refused = self.trail.past().refused.contains(which);
        let which = which.to_owned();
        match trouble {
            Some(Trouble::Denied { kind: Denial::Credentials, words }) if !was_refused => {
                tracing::error!("Zendesk does not accept the {which}'s credential any more: {words}");
                let words = Some(json!({ "words": words.raw() }));
                self.trail.write_durably(None, CredentialRefused { which }.into(), words).map(drop)
            }
            None if was_refused => {
                tracing::info!("Zendesk accepts the {which}'s credential again");
                self.trail.write_durably(None, CredentialBack { which }.into(), None).map(drop)
            }
            _ => Ok(()),
        }
    }

    /// When to ask again who holds OAuth tokens. That it is refused is said once in a day, and quietly: nothing rests on it.
    pub(super) fn note_tokens(&mut self, came: &Result<Cycle, Halt>) {
        let Ok(cycle) = came else { return };
        let wait = match &cycle.tokens_unknown {
            Some(trouble @ Trouble::Denied { .. }) => {
                tracing::info!("who holds OAuth tokens is not told: {trouble}");
                self.are_tokens_refused = true;
                TOKENS_REFUSED_EVERY
            }
            Some(_) => TOKENS_EVERY,
            None if cycle.snapshot.tokens.is_some() => {
                self.are_tokens_refused = false;
                TOKENS_EVERY
            }
            // Whoever is new on a list is not waited for until the hour is over.
            None if !self.are_tokens_refused && !self.chronicle.knows_tokens_of(cycle.snapshot.listed.keys()) => {
                SignedDuration::ZERO
            }
            None => return,
        };
        self.tokens_from = self.clock.now().checked_add(wait).ok();
    }
}
