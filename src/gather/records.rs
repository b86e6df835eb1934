//! People's records: remembered ones, kept up by the stream of changes; and those that have to be read.
//!
//! A remembered record is as good as a new one while every change since is known. Where the stream is refused, cut
//! short or not there yet, whoever is or was staff is read anew.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use crate::memory::Fresh;
use crate::model::{
    Cause, Completeness, Memory, Person, Remembered, Role, Stratum, UserId, UsersCursor, Walk, stratum_of,
};
use crate::zendesk::{ChangedUsers, Dated, Denial, PEOPLE_PER_CALL_MAX, Purpose, Trouble, UsersFrom, Zendesk};

/// Pages of the stream in one cycle, at most: the endpoint gives ten a minute to everybody together. One is usual.
const STREAM_PAGES_MAX: usize = 5;

/// The stream never serves its last minute (zendesk.md §4).
const STREAM_LAG: SignedDuration = SignedDuration::from_secs(60);

/// A record that nothing has confirmed for so long is read anew. So is one that was itself read so long ago, should the
/// stream ever leave somebody out: of staff at once, of others at a time of their own, so that it costs a sweep little.
const RECORD_AGE_MAX: SignedDuration = SignedDuration::from_hours(24);

/// What is known of people in this cycle.
pub(super) struct Records<'m> {
    memory: &'m Memory,
    /// What they are read for.
    pub(super) purpose: Purpose,
    /// Read in this cycle.
    fresh: Fresh,
    unread: BTreeMap<UserId, Cause>,
    /// Every change up to here is in.
    as_of: Option<Timestamp>,
    /// Where the stream goes on.
    cursor: Option<UsersCursor>,
    /// The stream was read to its end.
    caught_up: bool,
    /// Whoever is or was staff and whose remembered record this cycle does not trust.
    doubtful: BTreeSet<UserId>,
}

impl<'m> Records<'m> {
    pub(super) fn of(memory: &'m Memory, purpose: Purpose) -> Self {
        let as_of = memory.users.as_ref().map(|users| users.as_of);
        Self {
            memory,
            purpose,
            fresh: Fresh::new(),
            unread: BTreeMap::new(),
            as_of,
            cursor: None,
            caught_up: false,
            doubtful: BTreeSet::new(),
        }
    }

    pub(super) fn get(&self, user: UserId) -> Option<&Arc<Person>> {
        let remembered = || self.memory.people.get(&user).filter(|_| !self.unread.contains_key(&user));
        self.fresh.get(&user).or_else(|| remembered().map(|one| &one.person))
    }

    /// Records read in this cycle.
    pub(super) fn changed(&self) -> impl Iterator<Item = &Person> {
        self.fresh.values().map(|person| &**person)
    }

    /// The records of these people, as far as they are known.
    pub(super) fn of_all(&self, users: &BTreeSet<UserId>) -> BTreeMap<UserId, Arc<Person>> {
        let mut remembered = Walk::along(&self.memory.people);
        let known = users.iter().filter_map(|user| {
            let remembered = remembered.find(*user).filter(|_| !self.unread.contains_key(user));
            let person = self.fresh.get(user).or_else(|| remembered.map(|one| &one.person))?;
            Some((*user, Arc::clone(person)))
        });
        known.collect()
    }

    /// Everybody whose record is known, each once.
    pub(super) fn known(&self) -> impl Iterator<Item = &Person> {
        let remembered = self.memory.people.iter().filter(|(user, _)| !self.fresh.contains_key(user));
        self.fresh.values().chain(remembered.map(|(_, one)| &one.person)).map(|person| &**person)
    }

    /// Every change up to here is in; none while nothing tells of changes.
    pub(super) fn as_of(&self) -> Option<Timestamp> {
        self.as_of
    }

    pub(super) fn unread(&self, users: &BTreeSet<UserId>) -> BTreeMap<UserId, Cause> {
        self.unread.iter().filter(|(user, _)| users.contains(user)).map(|(user, cause)| (*user, *cause)).collect()
    }

    /// A record that was read for another reason.
    pub(super) fn keep(&mut self, person: Person) {
        self.fresh.insert(person.id, Arc::new(person));
    }

    /// What there is to learn: records worth remembering, and where the stream goes on.
    pub(super) fn learned(self) -> (Fresh, Option<UsersCursor>) {
        (self.fresh, self.cursor)
    }

    /// Follows the stream of changed users from where it was left. Its absence is no trouble: records are then read.
    ///
    /// # Errors
    ///
    /// When Zendesk does not accept the credential.
    pub(super) async fn follow(&mut self, zendesk: &Zendesk) -> Result<(), Trouble> {
        let oldest = || self.memory.people.values().map(|one| one.person.seen).min();
        // A beginning that is too young is refused; what is told twice does no harm.
        let oldest = || oldest()?.checked_sub(STREAM_LAG * 2).ok();
        let remembered = self.memory.users.clone();
        let mut cursor = remembered.as_ref().map(|users| users.cursor.clone());
        let Some(start) = self.as_of.or_else(oldest) else { return Ok(()) };
        for _ in 0..STREAM_PAGES_MAX {
            let from = cursor.as_deref().map_or(UsersFrom::Start(start), UsersFrom::Cursor);
            let page = match zendesk.changed_users(from).await {
                Ok(page) => page,
                Err(trouble @ Trouble::Denied { kind: Denial::Credentials, .. }) => return Err(trouble),
                // A cursor that Zendesk no longer knows: from the instant on, once.
                Err(Trouble::Nonsense(why)) if cursor.is_some() => {
                    tracing::warn!("the stream of changed users begins anew: {why}");
                    cursor = None;
                    continue;
                }
                Err(trouble) => {
                    tracing::warn!("the stream of changed users cannot be read: {trouble}");
                    return Ok(());
                }
            };
            let Dated { value: ChangedUsers { people, cursor: next, end_of_stream, unread }, date } = page;
            for person in people {
                if self.is_worth_keeping(&person) {
                    self.keep(person);
                }
            }
            if unread > 0 {
                tracing::warn!(unread, "the stream of changed users has rows that cannot be read");
                return Ok(());
            }
            let caught_up_to = date.checked_sub(STREAM_LAG).unwrap_or(date);
            self.caught_up = end_of_stream;
            self.as_of = if end_of_stream { Some(caught_up_to.max(start)) } else { self.as_of };
            self.cursor = Some(UsersCursor { cursor: next.clone(), as_of: self.as_of.unwrap_or(start) });
            if end_of_stream {
                return Ok(());
            }
            cursor = Some(next);
        }
        Ok(())
    }

    fn is_worth_keeping(&self, person: &Person) -> bool {
        self.memory.people.contains_key(&person.id) || is_staff(person)
    }

    /// Asks who is staff: the stream lags by a minute or more, and whoever lost a role or was suspended a moment ago must
    /// not be missed. Whoever was staff and is not on the roll is read anew.
    ///
    /// # Errors
    ///
    /// When Zendesk refuses, or nobody could be asked for and nobody is remembered.
    pub(super) async fn roll_call(&mut self, zendesk: &Zendesk, now: Timestamp) -> Result<Completeness, Trouble> {
        let roll = zendesk.staff().await;
        match roll.trouble {
            Some(trouble @ Trouble::Denied { .. }) => return Err(trouble),
            Some(trouble) if roll.people.is_empty() && self.memory.people.is_empty() => return Err(trouble),
            _ => {}
        }
        for person in roll.people {
            self.keep(person);
        }
        let remembered = self.memory.people.iter().filter(|(user, one)| {
            let was_staff = one.traces.as_ref().is_some_and(|traces| traces.staff_role(now).is_some());
            !self.fresh.contains_key(user) && (is_staff(&one.person) || was_staff)
        });
        self.doubtful = remembered.map(|(user, _)| *user).collect();
        Ok(roll.completeness)
    }

    /// Whoever is staff now or was lately.
    pub(super) fn staff(&self, now: Timestamp) -> BTreeSet<UserId> {
        let remembered = self.memory.people.iter().filter(|(user, one)| {
            let was_staff = one.traces.as_ref().is_some_and(|traces| traces.staff_role(now).is_some());
            was_staff || self.get(**user).is_some_and(|person| is_staff(person))
        });
        let fresh = self.fresh.values().filter(|person| is_staff(person)).map(|person| person.id);
        remembered.map(|(user, _)| *user).chain(fresh).collect()
    }

    /// Whoever is or was staff and whose remembered record is not to be trusted.
    pub(super) fn doubtful(&self) -> BTreeSet<UserId> {
        self.doubtful.clone()
    }

    /// Nor is that of these people, as a roll that was called earlier told.
    pub(super) fn doubt(&mut self, users: &BTreeSet<UserId>) {
        self.doubtful.extend(users);
    }

    /// With whom the person is served: with those of the same stratum. Whoever has no record yet was named by something that
    /// tells of staff, and may be anything: they go with agents. It orders, and decides nothing.
    pub(super) fn turn_of(&self, user: UserId, now: Timestamp) -> Stratum {
        let traces = self.memory.people.get(&user).and_then(|one| one.traces.as_deref());
        self.get(user).map_or(Stratum::Agents, |person| stratum_of(person, traces, now))
    }

    /// Reads the records of those of these people who need it. An answer that makes no sense is asked for again in
    /// halves, so that one record shields nobody else; once Zendesk does not answer, nobody else is asked for, since each
    /// call would wait.
    ///
    /// # Errors
    ///
    /// When Zendesk refuses.
    pub(super) async fn read(
        &mut self,
        zendesk: &Zendesk,
        users: &BTreeSet<UserId>,
        now: Timestamp,
    ) -> Result<(), Trouble> {
        let mut remembered = Walk::along(&self.memory.people);
        let needs_reading = |user: &UserId| self.needs_reading(*user, remembered.find(*user), now);
        let ids: Vec<UserId> = users.iter().copied().filter(needs_reading).collect();
        let mut waiting: Vec<&[UserId]> = ids.chunks(PEOPLE_PER_CALL_MAX).rev().collect();
        let mut down = false;
        while let Some(chunk) = waiting.pop() {
            let mut cause = if down { Cause::Down } else { Cause::NoRow };
            if !down {
                match zendesk.people(chunk, self.purpose).await {
                    Ok(answer) => answer.value.into_iter().for_each(|person| self.keep(person)),
                    Err(trouble @ Trouble::Denied { .. }) => return Err(trouble),
                    Err(Trouble::Nonsense(_) | Trouble::NotFound) if chunk.len() > 1 => {
                        let (left, right) = chunk.split_at(chunk.len() / 2);
                        waiting.extend([right, left]);
                        continue;
                    }
                    Err(Trouble::Nonsense(_) | Trouble::NotFound) => cause = Cause::Down,
                    Err(_) => {
                        down = true;
                        cause = Cause::Down;
                    }
                }
            }
            let missing = chunk.iter().filter(|user| !self.fresh.contains_key(user));
            self.unread.extend(missing.map(|user| (*user, cause)));
        }
        Ok(())
    }

    fn needs_reading(&self, user: UserId, remembered: Option<&Remembered>, now: Timestamp) -> bool {
        if self.fresh.contains_key(&user) {
            return false;
        }
        let Some(remembered) = remembered else { return true };
        let seen = remembered.person.seen;
        let confirmed = self.as_of.map_or(seen, |as_of| as_of.max(seen));
        let is_or_was_staff = is_staff(&remembered.person) || remembered.traces.is_some();
        let share = i64::try_from(user.get() % RECORD_AGE_MAX.as_secs().unsigned_abs()).unwrap_or_default();
        let spread = SignedDuration::from_secs(if is_or_was_staff { 0 } else { share });
        (is_or_was_staff && !self.caught_up)
            || self.doubtful.contains(&user)
            || confirmed.duration_until(now) > RECORD_AGE_MAX
            || seen.duration_until(now) > RECORD_AGE_MAX.saturating_add(spread)
    }
}

fn is_staff(person: &Person) -> bool {
    matches!(person.role, Some(Role::Agent | Role::Admin))
}
