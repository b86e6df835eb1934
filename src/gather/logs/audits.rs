//! Reading ticket audits: who wrote on tickets from where, on any plan, end users too.
//!
//! Whoever makes a ticket by the API may state an address and a program of their own, and Zendesk leaves rows out to
//! whoever follows the newest. So they are no source: they make nothing complete, nothing doubtful, and decide nothing.
//! Their newest pages are read, as far as those that were read before.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::{Logs, forget, is_lacking};
use crate::config::{Sources, Wanted};
use crate::model::{Act, Cause, LogLesson, LogPlace, Scope, Sighting, SourceStanding, UserId};
use crate::policy::Needs;
use crate::zendesk::{AuditRow, Channel, Dated, Denial, LogPage, Trouble, Zendesk};

/// Pages in one cycle, at most; what lies behind them is not read later either.
const PAGES_MAX: usize = 5;

/// A session of staff is no older.
const BEGIN: SignedDuration = SignedDuration::from_hours(13);

/// What reading them came to.
#[derive(Default)]
struct Read {
    lesson: LogLesson,
    /// The newest row, whosesoever: its instant and its id.
    newest: Option<(Timestamp, u64)>,
    unreadable: usize,
    trouble: Option<Trouble>,
}

impl Logs<'_> {
    /// Reads ticket audits if rules ask about use and the configuration wants them: of itself, if nothing else tells of
    /// use, or end users are listed, of whom nothing else does. Everything else has to be read before.
    ///
    /// # Errors
    ///
    /// When Zendesk does not accept the credential.
    pub(in crate::gather) async fn listen(
        &mut self,
        zendesk: &Zendesk,
        sources: &Sources,
        (needs, scope): (Needs, Scope),
        (now, own): (Timestamp, UserId),
    ) -> Result<(), Trouble> {
        let wanted = sources.ticket_audits;
        let is_wanted = match wanted {
            Wanted::On => true,
            Wanted::Auto => scope == Scope::Everyone || !self.has_source_of_use(),
            Wanted::Off => false,
        };
        if !needs.uses || !is_wanted {
            return Ok(());
        }
        let name: Arc<str> = Sighting::HEARSAY.into();
        let memory = self.memory.get(&name);
        let before = memory.and_then(|memory| memory.place.as_ref());
        let mut read = self.read_audits(zendesk, before, (now, own)).await?;
        if let Some(trouble) = read.trouble.filter(|trouble| !is_lacking(trouble, before, wanted)) {
            self.troubles.push(format!("ticket audits cannot be read to the end: {trouble}"));
        }
        if read.unreadable > 0 {
            self.troubles.push(format!("{} rows of ticket audits cannot be read", read.unreadable));
        }
        if let Some((as_of, id)) = read.newest {
            let since = before.map_or(as_of, |before| before.since);
            let (skew, file) = (SignedDuration::ZERO, Some(id.to_string()));
            read.lesson.place = Some(LogPlace { since, as_of, skew, file });
        }
        forget(memory, now, &mut read.lesson);
        self.hearsay = Some((name, read.lesson));
        Ok(())
    }

    fn has_source_of_use(&self) -> bool {
        let tells = |one: &SourceStanding| one.tells == Act::Use && one.unknown != Some(Cause::PlanLacks);
        self.standings.values().any(tells)
    }

    async fn read_audits(
        &self,
        zendesk: &Zendesk,
        before: Option<&LogPlace>,
        (now, own): (Timestamp, UserId),
    ) -> Result<Read, Trouble> {
        let memory = self.memory.get(Sighting::HEARSAY);
        let begin = now.checked_sub(BEGIN).unwrap_or(now);
        let last_id: Option<u64> = before.and_then(|place| place.file.as_ref()?.parse().ok());
        let from = before.map_or(begin, |place| place.as_of.max(begin));
        let mut read = Read::default();
        let mut after: Option<String> = None;
        for _ in 0..PAGES_MAX {
            let Dated { value: LogPage { rows, unreadable, next }, date } =
                match zendesk.ticket_audits(after.as_deref()).await {
                    Ok(page) => page,
                    Err(trouble @ Trouble::Denied { kind: Denial::Credentials, .. }) => return Err(trouble),
                    Err(trouble) => {
                        read.trouble = Some(trouble);
                        break;
                    }
                };
            read.unreadable += unreadable;
            // A row may come late: the page is taken whole even where it reaches what is known.
            let is_known = rows.iter().any(|row| Some(row.id) == last_id || row.seen.at.at() < from);
            for row in rows.iter().filter(|row| (begin..=date).contains(&row.seen.at.at())) {
                read.newest = read.newest.max(Some((row.seen.at.at(), row.id)));
                if tells(row) && row.seen.user != own {
                    read.lesson.add(memory, Act::Use, &row.seen);
                }
            }
            after = next;
            if is_known || after.is_none() {
                break;
            }
        }
        Ok(read)
    }
}

/// Whether a row says from where or with what a page or the app was used; of other ways a session is no part.
fn tells(row: &AuditRow) -> bool {
    let is_session = matches!(row.via, Channel::Web | Channel::Mobile);
    is_session && (row.seen.address.is_some() || row.seen.agent.is_some())
}
