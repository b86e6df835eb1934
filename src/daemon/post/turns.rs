//! What an account's post does in a turn: a sweep in one go, a sweep in three steps with looks beside the second, a look;
//! and what it says of its want of requests.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::super::brakes::FileBrakes;
use super::super::scarce::{Lack, News};
use super::super::setup::Setup;
use super::{Post, cycle_id, read_lists, watched};
use crate::chronicle::Asked;
use crate::control::{Refusal, Told, reconcile};
use crate::cycle::{self, Books, Cycle, Halt, Setting};
use crate::enforce::{Brakes as _, settle};
use crate::gather::{
    Called, Heard, Known, ListRead, Listed, Named, Relisted, Roll, call_roll, hear, named_late, read_feeds,
};
use crate::guard::Belt;
use crate::model::{History, UserId};
use crate::record::{BudgetBack, BudgetStarved, Entry};
use crate::trail::TrailTrouble;

/// So many people are looked at between two sweeps, at most, each with a listing of their own: others wait for the next
/// look.
const LOOKED_AT_MAX: usize = 20;

/// So many people share one look, at most, where it is not urgent: each look has some requests of its own.
const TOGETHER_MAX: usize = 8;

/// After so long no further look is begun before it was heard again: whoever is named meanwhile may be urgent.
const LOOKS_TAKE_MAX: Duration = Duration::from_secs(40);

/// Where a sweep costs no more requests than this, it is made instead of looking at more people than that.
const SWEEP_CHEAP_MAX: u64 = 40;

/// What a look came to.
#[derive(Debug)]
pub enum Looked {
    /// So many are named that a sweep costs less.
    TooMany,
    /// At those who were named, if anybody was: first at those who are not to wait for the others.
    At(Vec<Cycle>),
}

/// What a cycle is over, if not over everybody in scope in one go.
#[derive(Default)]
struct Over {
    look: Option<BTreeSet<UserId>>,
    listed: Option<Listed>,
    /// Sweeps that the schedule wanted meanwhile.
    missed: u64,
}

impl Post {
    /// One sweep in one go: what is open is settled first, and what the cycle taught is remembered.
    ///
    /// # Errors
    ///
    /// As [`cycle::run`].
    pub async fn sweep(
        &mut self,
        setup: &Setup,
        brakes: &FileBrakes,
        missed: u64,
        on_page: &mut dyn FnMut(usize),
    ) -> Result<Cycle, Halt> {
        let began = self.clock.monotonic();
        let cycle = self.cycle(setup, brakes, Over { missed, ..Over::default() }, on_page).await?;
        Ok(self.swept(setup, cycle, began))
    }

    /// The first step of a sweep whose listing goes on beside looks: whom to list. What it teaches is remembered at once.
    /// What the roll names is listed by [`crate::gather::list`], and that makes the sweep by [`Self::sweep_of`].
    ///
    /// # Errors
    ///
    /// When Zendesk does not say whom, or the process is asked to stop.
    pub async fn call_roll(&mut self, setup: &Setup, brakes: &FileBrakes) -> Result<Roll, Halt> {
        let cycle = cycle_id(&*self.clock, &*self.chance).map_err(TrailTrouble::from)?;
        self.settle(setup, brakes).await?;
        let lists = read_lists(&setup.account, &setup.state, &self.trail.past(), self.clock.now());
        let known = Known { scope: setup.scope, lists, ..Known::first(cycle, &self.memory) };
        let Called { roll, lesson } = tokio::select! {
            called = call_roll(&setup.zendesk, &*self.clock, &setup.account, known) => called?,
            () = brakes.stopping() => return Err(Halt::Stopped),
        };
        self.remember(lesson);
        self.relisted = Some((roll.looked_at(), Vec::new()));
        Ok(roll)
    }

    /// The last step of a sweep: judges and acts on what was listed since this instant of the monotonic clock, and on what
    /// looks listed meanwhile.
    ///
    /// # Errors
    ///
    /// As [`cycle::run`].
    pub async fn sweep_of(
        &mut self,
        setup: &Setup,
        brakes: &FileBrakes,
        missed: u64,
        (mut listed, began): (Listed, Duration),
    ) -> Result<Cycle, Halt> {
        if let Some((_, looks)) = self.relisted.take() {
            listed.take_in(looks, &self.trail.past().history);
        }
        let over = Over { missed, listed: Some(listed), ..Over::default() };
        let cycle = self.cycle(setup, brakes, over, &mut |_| ()).await?;
        Ok(self.swept(setup, cycle, began))
    }

    /// No listing goes on any more: what looks saw is nobody's concern.
    pub fn drop_listing(&mut self) {
        self.relisted = None;
    }

    fn swept(&mut self, setup: &Setup, mut cycle: Cycle, began: Duration) -> Cycle {
        self.waiting.swept_since(began);
        self.asked = Asked { before: Some(cycle.snapshot.now), named: BTreeMap::new() };
        if setup.policies.needs().sign_ins {
            self.name_late(&cycle);
        }
        self.library.saw(&cycle.snapshot);
        self.remember(std::mem::take(&mut cycle.lesson));
        cycle
    }

    /// Whom a cycle listed too early, or not at all, is looked at: what its own reading of the logs told came later, or what
    /// was listed was too old to act on when all was listed.
    fn name_late(&mut self, cycle: &Cycle) {
        let mut named = named_late(&cycle.snapshot, &cycle.lesson, &self.memory);
        let too_old = cycle.report.withheld.iter().filter(|row| row.belt == Belt::EvidenceAge.word());
        for user in too_old.map(|row| row.user).filter(|user| cycle.snapshot.people.contains_key(user)) {
            let stratum = cycle.snapshot.stratum_of(user);
            named.entry(user).or_insert(Named { stratum, is_elsewhere: true });
        }
        self.waiting.name(named, self.clock.monotonic());
    }

    /// Between sweeps, and beside the listing of one: hears whom to look at, and looks at them alone, a few at a time.
    ///
    /// # Errors
    ///
    /// As [`cycle::run`].
    pub async fn look(&mut self, setup: &Setup, brakes: &FileBrakes) -> Result<Looked, Halt> {
        let began = self.clock.monotonic();
        let lists = self.changed_lists(setup);
        let marks: Vec<(String, String)> =
            lists.iter().filter_map(|list| Some((list.list.name.clone(), list.mark()?))).collect();
        let needs = setup.policies.needs();
        // Where only lists can name somebody, nothing is asked while none has changed.
        let mut heard = if !needs.sign_ins && lists.is_empty() {
            Heard::default()
        } else {
            let cycle = cycle_id(&*self.clock, &*self.chance).map_err(TrailTrouble::from)?;
            let known = Known {
                needs,
                lists,
                feeds: read_feeds(&setup.account.feeds, &self.memory, self.clock.now()),
                history: self.trail.past().history,
                ..Known::first(cycle, &self.memory)
            };
            tokio::select! {
                heard = hear(&setup.zendesk, &setup.account, &known) => heard?,
                () = brakes.stopping() => return Err(Halt::Stopped),
            }
        };
        self.is_cut = heard.is_cut;
        self.lists_heard.extend(marks);
        self.remember(std::mem::take(&mut heard.lesson));
        if let Some(before) = heard.at.and_then(|at| self.asked.before.replace(at)) {
            for user in heard.people.keys() {
                self.asked.named.entry(*user).or_insert(before);
            }
        }
        let returning = self.returning(setup, &heard);
        self.waiting.name(heard.people.into_iter().chain(returning), self.clock.monotonic());
        let is_cheap = self.last_calls().is_some_and(|calls| calls <= SWEEP_CHEAP_MAX);
        if self.waiting.len() > LOOKED_AT_MAX && is_cheap && self.relisted.is_none() {
            return Ok(Looked::TooMany);
        }
        let mut room = LOOKED_AT_MAX;
        let mut cycles = Vec::new();
        // Who is urgent does not wait until the others are listed, and those not longer than until it is heard again.
        let mut people = self.waiting.urgent(room);
        if people.is_empty() || self.waiting.len() <= TOGETHER_MAX {
            people = self.waiting.next(TOGETHER_MAX);
        }
        while !people.is_empty() {
            room = room.saturating_sub(people.len());
            cycles.push(self.look_at(setup, brakes, people).await?);
            let has_time = self.clock.monotonic().saturating_sub(began) < LOOKS_TAKE_MAX;
            people = if has_time { self.waiting.next(room.min(TOGETHER_MAX)) } else { BTreeSet::new() };
        }
        Ok(Looked::At(cycles))
    }

    async fn look_at(&mut self, setup: &Setup, brakes: &FileBrakes, people: BTreeSet<UserId>) -> Result<Cycle, Halt> {
        let over = Over { look: Some(people.clone()), ..Over::default() };
        let mut cycle = self.cycle(setup, brakes, over, &mut |_| ()).await?;
        self.waiting.looked_at(&people);
        self.asked.named.retain(|user, _| !people.contains(user));
        self.asked.before = Some(cycle.snapshot.now);
        self.name_late(&cycle);
        if let Some((looked_at, relisted)) = &mut self.relisted {
            let whole: BTreeSet<UserId> = people.into_iter().filter(|user| cycle.snapshot.is_whole_of(*user)).collect();
            looked_at.add(&whole);
            relisted.push(Relisted { people: whole, sessions: cycle.snapshot.sessions.clone(), at: cycle.at });
        }
        self.remember(std::mem::take(&mut cycle.lesson));
        Ok(cycle)
    }

    /// Takes in, after a look or a sweep, what was lacking, and tells the trail when that has lasted and when it is over;
    /// whether anything was told.
    ///
    /// # Errors
    ///
    /// When the trail cannot be written.
    pub fn feel(&mut self, setup: &Setup, is_missing_sweeps: bool) -> Result<bool, TrailTrouble> {
        let holds = setup.zendesk.pace().holds;
        let lacks = [
            (Lack::Looks, self.waiting.len() > 0),
            (Lack::Logs, self.is_cut),
            (Lack::Sweeps, is_missing_sweeps),
            (Lack::Refused, std::mem::replace(&mut self.holds, holds) < holds),
        ];
        let lacks: Vec<Lack> = lacks.into_iter().filter(|(_, is)| *is).map(|(lack, _)| lack).collect();
        let since = self.hunger.since();
        let news = self.hunger.feel(&lacks, self.waiting.len(), (self.clock.now(), self.clock.monotonic()));
        let entry: Entry = match news {
            None => return Ok(false),
            Some(News::Starved) => {
                tracing::warn!("{}", self.scarcity().unwrap_or_default());
                self.starved().into()
            }
            Some(News::Back) => {
                tracing::info!("the request budget suffices again");
                BudgetBack { since: told(since) }.into()
            }
        };
        self.trail.write_durably(None, entry, None).map(|_| true)
    }

    /// The line about a budget that does not suffice, if it does not.
    pub fn scarcity(&self) -> Option<String> {
        self.hunger.line()
    }

    fn starved(&self) -> BudgetStarved {
        BudgetStarved {
            why: self.hunger.lacks().map(|lack| lack.word().to_owned()).collect(),
            since: told(self.hunger.since()),
            waiting: self.waiting.len(),
        }
    }

    /// Settling only asks, and writes between two questions: it may be left at any of them.
    async fn settle(&mut self, setup: &Setup, brakes: &FileBrakes) -> Result<(), Halt> {
        self.unsettled = tokio::select! {
            biased;
            open = settle(self.trail.past().open_intents, &setup.zendesk, &mut self.trail) => open?,
            () = brakes.stopping() => return Err(Halt::Stopped),
        };
        Ok(())
    }

    async fn cycle(
        &mut self,
        setup: &Setup,
        brakes: &FileBrakes,
        Over { look, listed, missed }: Over,
        on_page: &mut dyn FnMut(usize),
    ) -> Result<Cycle, Halt> {
        let cycle = cycle_id(&*self.clock, &*self.chance).map_err(TrailTrouble::from)?;
        self.settle(setup, brakes).await?;
        self.end_pause(setup).await?;
        let times = (self.clock.now(), setup.account.belts.pause_expires_after);
        reconcile(&mut self.trail, &setup.state, times, false)?;
        let past = self.trail.past();
        let brakes = &Told { brakes, told: past.pause.clone() };
        let lists = read_lists(&setup.account, &setup.state, &past, self.clock.now());
        let consulted = self.consult(setup);
        let told = past.weakened_line().into_iter().chain(self.scarcity()).filter(|_| look.is_none());
        let known = Known {
            cycle,
            history: History { habits: self.memory.habits.clone(), ..past.history },
            pause: brakes.pause(),
            scope: setup.scope,
            memory: &self.memory,
            lists,
            databases: Arc::clone(&consulted.databases),
            unasked: told.chain(consulted.unasked.iter().cloned()).collect(),
            look,
            only: None,
            listed,
            needs: setup.policies.needs(),
            feeds: read_feeds(&setup.account.feeds, &self.memory, self.clock.now()),
            asks_tokens: self.tokens_from.is_none_or(|from| from <= self.clock.now()),
        };
        let setting = Setting {
            account: &setup.account,
            policies: &setup.policies,
            lists: &consulted.lists,
            zendesk: &setup.zendesk,
            clock: &*self.clock,
            brakes,
        };
        let books = Books { trail: &mut self.trail, chronicle: &mut self.chronicle, missed, asked: self.asked.clone() };
        let came = cycle::run(setting, known, books, on_page).await;
        self.note_cycle(&came, &setup.zendesk)?;
        self.watched = watched(&self.trail.past());
        self.note_tokens(&came);
        if let Some(cycle) = came.as_ref().ok().filter(|cycle| cycle.snapshot.clocks.trusted) {
            self.agreed = Some((cycle.at.wall, cycle.at.monotonic));
        }
        came
    }
}

impl Post {
    /// Offboarding lists whose files say something else than what is in force, each once.
    fn changed_lists(&self, setup: &Setup) -> Vec<ListRead> {
        if setup.account.offboarding.is_empty() {
            return Vec::new();
        }
        let mut lists = read_lists(&setup.account, &setup.state, &self.trail.past(), self.clock.now());
        let is_heard = |list: &ListRead| self.lists_heard.get(&list.list.name) == list.mark().as_ref();
        lists.retain(|list| list.is_new(&self.memory) && !is_heard(list));
        lists
    }
}

fn told(at: Option<Timestamp>) -> String {
    at.map(|at| format!("{at:.0}")).unwrap_or_default()
}

/// Why there was no cycle.
pub fn refusal_of(halt: &Halt) -> Refusal {
    match halt {
        Halt::Zendesk(trouble) => Refusal::unanswered(trouble),
        Halt::Trail(trouble) => Refusal::new(74, format!("{trouble}: nothing is done that is not written down")),
        Halt::Stopped => Refusal::new(69, halt.to_string()),
        Halt::Unprotected(why) => Refusal::new(78, format!("enforcement is refused: {why}"))
            .help("list at least one admin in the account's `protected`, each by an e-mail or id that Zendesk knows"),
    }
}
