//! A second reading of what belts promise: it looks at worlds, at what humans answered and at what came of each cycle,
//! and at nothing that the guard remembers or thinks. Numbers are those of the documentation.

use std::collections::{BTreeMap, BTreeSet};

use evictd::guard::Belt;
use evictd::model::{Ended, Hold, HoldState, Mode, RuleId, Stratum, UserId};
use jiff::{SignedDuration, Timestamp};

use super::worlds::{Befell, Human, OWN, World};
use super::{Outcome, user};

const HOUR: SignedDuration = SignedDuration::from_hours(1);
const DAY: SignedDuration = SignedDuration::from_hours(24);

type People = BTreeSet<UserId>;
type Group = (usize, Stratum);

/// A cycle as it is shown to the judge.
pub struct Cycle<'c> {
    pub world: &'c World,
    pub now: Timestamp,
    /// The holds that stood when it began, with what humans had said of them.
    pub holds: &'c [Hold],
    pub befell: Befell,
    pub outcome: &'c Outcome,
}

/// What a rule rests on: its own text, its mode, and which belts.
type Edition = (i64, Mode, u32);

/// One loss of a session by one rule.
#[derive(Debug, Clone, Copy)]
struct Loss {
    user: UserId,
    session: u64,
    stratum: Stratum,
    rule: usize,
    at: Timestamp,
    cycle: usize,
    is_core: bool,
    /// A human let it go: of those counted by the rule, and of those counted over all rules.
    is_free: [bool; 2],
}

/// What a rule is known to do in a stratum.
#[derive(Debug, Clone, Default)]
struct Usual {
    /// New people of each of its last hundred complete cycles that were as ever, and by which edition.
    new: Vec<(u64, Edition)>,
    claimed: People,
}

/// Whoever is in the core and was not yet signed out.
#[derive(Debug, Clone)]
struct Wait {
    since: Timestamp,
    cycles: usize,
    /// Everybody who was in the core meanwhile.
    with: People,
    /// Everybody of the stratum whom an enforcing rule claimed meanwhile.
    claimed: People,
}

/// How often there was something to judge.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Seen {
    pub overflow: u64,
    pub core: u64,
    pub late_core: u64,
    pub loops: u64,
    pub jumps: u64,
    pub waited: u64,
    pub released: u64,
    pub discarded: u64,
    pub expired: u64,
    pub pauses: u64,
    pub accounts: u64,
}

pub struct Judge {
    seed: u64,
    losses: Vec<Loss>,
    usual: BTreeMap<Group, Usual>,
    /// What each rule rests on, and since when a complete cycle saw it so.
    editions: Vec<Edition>,
    rested: Vec<Option<Timestamp>>,
    /// Grows with each change of belts.
    belts: u32,
    roster: BTreeMap<Stratum, u64>,
    waits: BTreeMap<(Group, UserId), Wait>,
    cycle: usize,
    pub seen: Seen,
}

impl Judge {
    pub fn new(seed: u64, world: &World) -> Self {
        let rules = world.laws.len();
        Self {
            seed,
            losses: Vec::new(),
            usual: BTreeMap::new(),
            editions: world.laws.iter().map(|law| (law.edition, law.mode, 0)).collect(),
            rested: vec![None; rules],
            belts: 0,
            roster: BTreeMap::new(),
            waits: BTreeMap::new(),
            cycle: 0,
            seen: Seen::default(),
        }
    }

    /// Judges a cycle, and takes it in.
    pub fn judge(&mut self, cycle: &Cycle<'_>) {
        self.cycle += 1;
        self.change(cycle);
        let losses = self.losses_of(cycle);
        for loss in &losses {
            self.one(cycle, loss);
        }
        let view = View::of(cycle, &losses);
        for group in view.groups() {
            self.of_rule(cycle, &view, group, &losses);
        }
        for stratum in Stratum::ALL {
            self.of_account(cycle, &view, *stratum, &losses);
        }
        self.losses.extend(losses);
        if view.is_whole && cycle.world.paused == 0 {
            self.delay(cycle, &view);
            self.learn(cycle, &view);
        }
        if view.is_whole {
            for since in &mut self.rested {
                *since = since.or(Some(cycle.now));
            }
        }
        self.seen.released += cycle.befell.released as u64;
        self.seen.discarded += cycle.befell.discarded as u64;
        let is_over = |hold: &&Hold| hold.opened_at.duration_until(cycle.now) >= DAY;
        self.seen.expired += cycle.holds.iter().filter(is_over).count() as u64;
        self.seen.pauses += u64::from(cycle.world.paused > 0 && !cycle.outcome.held.is_empty());
    }

    fn change(&mut self, cycle: &Cycle<'_>) {
        self.belts += u32::from(cycle.befell.belts_changed);
        for (rule, law) in cycle.world.laws.iter().enumerate() {
            let edition = (law.edition, law.mode, self.belts);
            if self.editions[rule] != edition {
                (self.editions[rule], self.rested[rule]) = (edition, None);
            }
        }
        if cycle.befell.state_lost {
            self.usual.clear();
        }
    }

    fn losses_of(&self, cycle: &Cycle<'_>) -> Vec<Loss> {
        let of = |ended: &Ended| {
            let (user, stratum, session) = (ended.user, ended.stratum, ended.session.0);
            let core = ended.core.clone();
            let losses = ended.rules.iter().map(move |id| {
                let rule = number(id.as_str());
                let free = |belt| is_free(cycle, (rule, user), belt);
                Loss {
                    user,
                    session,
                    stratum,
                    rule,
                    at: cycle.now,
                    cycle: self.cycle,
                    is_core: core.contains(id),
                    is_free: [free(Belt::PeoplePerRule), free(Belt::RosterPerHour)],
                }
            });
            losses.collect::<Vec<_>>()
        };
        cycle.outcome.ended.iter().flat_map(of).collect()
    }

    /// 4, and what holds of one person or session.
    fn one(&mut self, cycle: &Cycle<'_>, loss: &Loss) {
        let (world, seed) = (cycle.world, self.seed);
        let what = |why: &str| format!("seed {seed}, cycle {}: {why}: {loss:?}", self.cycle);
        let human = world.people.iter().find(|one| user(one.id) == loss.user).unwrap();
        let opened = human.sessions.get(&loss.session).unwrap_or_else(|| panic!("{}", what("no such session")));
        assert!(world.claims(loss.rule, (human, *opened), cycle.now), "{}", what("not claimed"));
        assert!(world.laws[loss.rule].mode == Mode::Enforce, "{}", what("only reports"));
        assert!(human.id != OWN, "{}", what("own user"));
        assert!(world.paused == 0, "{}", what("paused"));
        assert!(!world.is_skewed, "{}", what("clocks"));
        assert!(!human.is_unread, "{}", what("no record"));
        assert!(human.stratum() == loss.stratum, "{}", what("stratum"));
        assert!(
            !world.protected.contains(&human.id) || is_free(cycle, (loss.rule, loss.user), Belt::Protected),
            "{}",
            what("protected")
        );
        let before: BTreeMap<usize, Timestamp> = self
            .before(DAY, cycle.now)
            .filter(|past| past.session == loss.session)
            .map(|past| (past.cycle, past.at))
            .collect();
        let last = before.values().max().map(|at| at.duration_until(cycle.now));
        assert!(
            before.len() < 2 && last.is_none_or(|ago| ago >= SignedDuration::from_mins(15)),
            "{}",
            what("just ended")
        );
        let by_rule = self.before(DAY, cycle.now).filter(|past| past.user == loss.user && past.rule == loss.rule);
        let episodes: BTreeMap<usize, Timestamp> = by_rule.map(|past| (past.cycle, past.at)).collect();
        let came_back = episodes.values().max().is_some_and(|last| opened >= last);
        if episodes.len() >= 3 && came_back {
            let may = world.laws[loss.rule].is_severe || is_free(cycle, (loss.rule, loss.user), Belt::Loop);
            assert!(may, "{}", what("came back again and again"));
            self.seen.loops += 1;
        }
        if loss.is_core {
            assert!(human.is_sure, "{}", what("not of two families"));
        }
    }

    fn before(&self, window: SignedDuration, now: Timestamp) -> impl Iterator<Item = &Loss> {
        self.losses.iter().filter(move |past| past.at.duration_until(now) <= window)
    }

    /// 2 and 19 for one rule: what went, and what was held for being too many.
    fn of_rule(&mut self, cycle: &Cycle<'_>, view: &View, group: Group, losses: &[Loss]) {
        let ((rule, stratum), mut seen) = (group, self.seen);
        let what = format!("seed {}, cycle {}, rule {rule} of {stratum:?}", self.seed, self.cycle);
        let limits = cycle.world.belts.of_rule(&id(rule)).map(|limit| u64::from(limit.people));
        let here = || losses.iter().filter(|loss| (loss.rule, loss.stratum) == group && !loss.is_free[0]);
        let within = |window| -> People {
            let of = self.before(window, cycle.now).filter(|past| (past.rule, past.stratum) == group);
            of.map(|past| past.user).collect()
        };
        let [core, counted] = [true, false]
            .map(|is_core| here().filter(|loss| loss.is_core == is_core).map(|loss| loss.user).collect::<People>());
        let is_over = |people: &People| {
            let with = |window| people.union(&within(window)).count() as u64;
            people.len() as u64 > limits[0] || with(HOUR) > limits[1] || with(DAY) > limits[2]
        };
        let fresh = view.fresh(group);
        let jump = self.usual.get(&group).and_then(|usual| usual.jump(&fresh));
        if !counted.is_empty() {
            assert!(!is_over(&counted), "{what}: too many went: {counted:?}");
            assert!(!is_over(&fresh), "{what}: a part of too many went: {counted:?} of {fresh:?}");
            assert!(!jump.is_some_and(|is_jump| is_jump), "{what}: a jump went: {counted:?}");
        }
        let of_core: People = self
            .before(HOUR, cycle.now)
            .filter(|past| (past.rule, past.stratum) == group && past.is_core)
            .map(|past| past.user)
            .collect();
        if !core.is_empty() {
            let quiet = self.quiet(group);
            assert!(core.len() <= 3, "{what}: {core:?} at once");
            assert!(core.union(&of_core).count() <= 10, "{what}: {core:?} beside {of_core:?} in an hour");
            assert!(limits.iter().all(|limit| *limit > 0), "{what}: zero let {core:?} go");
            let rested = self.rested[rule].map(|since| since.duration_until(cycle.now));
            assert!(rested.is_some_and(|rested| rested >= DAY), "{what}: {core:?} went after a change of ours");
            assert!(quiet >= 50, "{what}: {core:?} went after {quiet} quiet cycles");
            seen.core += core.len() as u64;
            seen.late_core += core.iter().filter(|user| !fresh.contains(user)).count() as u64;
        }
        let free = losses.iter().filter(|loss| loss.is_free[0]).map(|loss| loss.user).collect::<People>();
        let in_hour =
            core.union(&counted).copied().collect::<People>().union(&within(HOUR)).copied().collect::<People>();
        let freed =
            self.before(HOUR, cycle.now).filter(|past| past.is_free[0]).map(|past| past.user).collect::<People>();
        let by_rules = in_hour.iter().filter(|user| !free.contains(user) && !freed.contains(user)).count() as u64;
        if !core.is_empty() || !counted.is_empty() {
            assert!(by_rules <= self.most_in_hour(cycle, rule) + 10, "{what}: {by_rules} in an hour");
        }
        // Nothing is held for being too many that is not too many: a hold disarms no rule.
        let held: People =
            view.held(group, |belt| kind(belt) == RULE).difference(&view.aside(group)).copied().collect();
        if !held.is_empty() {
            seen.overflow += 1;
            let is_jump = jump.is_some_and(|is_jump| is_jump);
            seen.jumps += u64::from(is_jump && !is_over(&fresh));
            assert!(is_over(&fresh) || is_jump, "{what}: {held:?} of {fresh:?} are not too many");
        }
        self.seen = seen;
    }

    /// The hourly belt of a rule; where we changed belts, what it was may have been wider.
    fn most_in_hour(&self, cycle: &Cycle<'_>, rule: usize) -> u64 {
        let limit = u64::from(cycle.world.belts.of_rule(&id(rule))[1].people);
        let rested = self.rested[rule].map(|since| since.duration_until(cycle.now));
        if rested.is_some_and(|rested| rested > HOUR) { limit } else { limit.max(100) }
    }

    /// 2 and 19 over all rules.
    fn of_account(&mut self, cycle: &Cycle<'_>, view: &View, stratum: Stratum, losses: &[Loss]) {
        let what = format!("seed {}, cycle {}, {stratum:?}", self.seed, self.cycle);
        if let Some(roster) = &view.roster {
            self.roster = roster.clone();
        }
        let limits = self.account_limits(cycle, stratum);
        let went: People =
            losses.iter().filter(|loss| loss.stratum == stratum && !loss.is_free[1]).map(|loss| loss.user).collect();
        let is_over = |people: &People| {
            [HOUR, DAY].into_iter().zip(limits).any(|(window, limit)| {
                let of = self.before(window, cycle.now).filter(|past| past.stratum == stratum);
                let before: People = of.map(|past| past.user).collect();
                people.union(&before).count() as u64 > limit
            })
        };
        assert!(went.is_empty() || !is_over(&went), "{what}: {went:?} are too many over all rules, {limits:?}");
        let [held, counted] = view.held_by_account(cycle, stratum);
        let all: People = went.union(&counted).copied().collect();
        assert!(held.is_empty() || is_over(&all), "{what}: {all:?} are not too many over all rules, {limits:?}");
        self.seen.accounts += u64::from(!held.is_empty());
    }

    fn account_limits(&self, cycle: &Cycle<'_>, stratum: Stratum) -> [u64; 2] {
        let belts = &cycle.world.belts;
        let people = self.roster.get(&stratum).copied().unwrap_or_default();
        let part = |part: u8| match u64::from(part) {
            0 => 0,
            part => (people * part / 100).max(u64::from(belts.roster_floor)),
        };
        [part(belts.roster_part_per_hour_max), part(belts.roster_part_per_day_max)]
    }

    /// 18: nobody of k people in the core waits longer than k/3 cycles, rounded up, where nothing of ours changed.
    fn delay(&mut self, cycle: &Cycle<'_>, view: &View) {
        let mut before = std::mem::take(&mut self.waits);
        for group in view.groups() {
            let (rule, stratum) = group;
            let is_calm = self.rested[rule].is_some_and(|since| since.duration_until(cycle.now) >= DAY)
                && self.quiet(group) >= 50
                && cycle.world.laws[rule].mode == Mode::Enforce
                && cycle.world.belts.of_rule(&id(rule)).iter().all(|limit| limit.people > 0);
            if !is_calm {
                continue;
            }
            let sure = view.sure(cycle, group);
            let went = |user: &UserId| cycle.outcome.gone.contains_key(user);
            for user in &sure {
                let mut wait = before.remove(&(group, *user)).unwrap_or(Wait {
                    since: cycle.now,
                    cycles: 0,
                    with: People::new(),
                    claimed: People::new(),
                });
                wait.with.extend(&sure);
                wait.claimed.extend(view.enforced(cycle, stratum));
                if went(user) {
                    self.seen.waited += u64::from(wait.cycles > 0);
                    continue;
                }
                wait.cycles += 1;
                let begun = self
                    .losses
                    .iter()
                    .filter(|past| past.stratum == stratum && past.at.duration_until(wait.since) <= DAY);
                let of_core = begun
                    .clone()
                    .filter(|past| past.rule == rule && past.is_core && past.at.duration_until(wait.since) <= HOUR);
                let in_core: People = of_core.map(|past| past.user).chain(wait.with.iter().copied()).collect();
                let all: People = begun.map(|past| past.user).chain(wait.claimed.iter().copied()).collect();
                let room = self.account_limits(cycle, stratum).into_iter().min().unwrap_or_default();
                let is_bounded = in_core.len() <= 10 && all.len() as u64 <= room;
                let bound = wait.with.len().div_ceil(3);
                let what = format!("seed {}, cycle {}, rule {rule} of {stratum:?}", self.seed, self.cycle);
                assert!(!is_bounded || wait.cycles < bound, "{what}: {user} waits {wait:?}");
                self.waits.insert((group, *user), wait);
            }
        }
    }

    fn quiet(&self, group: Group) -> usize {
        let edition = self.editions[group.0];
        self.usual.get(&group).map_or(0, |usual| usual.new.iter().filter(|(_, of)| *of == edition).count())
    }

    /// What this cycle says of what is usual; only a complete one says something, and none in a pause.
    fn learn(&mut self, cycle: &Cycle<'_>, view: &View) {
        for rule in 0..cycle.world.laws.len() {
            for stratum in Stratum::ALL {
                let group = (rule, *stratum);
                if cycle.world.laws[rule].mode == Mode::Off {
                    self.usual.remove(&group);
                    continue;
                }
                let usual = self.usual.entry(group).or_default();
                let claimed = view.claimed_and_not_many(group);
                let new = claimed.difference(&usual.claimed).count() as u64;
                usual.claimed = claimed;
                let is_many = !view.held(group, is_of_people).is_empty();
                let is_core = view.core.contains(&group);
                if !is_many && !is_core {
                    usual.new.push((new, self.editions[rule]));
                }
                let beyond = usual.new.len().saturating_sub(100);
                usual.new.drain(..beyond);
            }
        }
    }
}

impl Usual {
    /// Whether so many at once are unusual; none if too little is known.
    fn jump(&self, people: &People) -> Option<bool> {
        let mut sorted: Vec<u64> = self.new.iter().map(|(new, _)| *new).collect();
        sorted.sort_unstable();
        let rank = (sorted.len() * 95).div_ceil(100).checked_sub(1)?;
        let limit = (sorted[rank] * 3).max(5);
        (sorted.len() >= 20).then(|| people.difference(&self.claimed).count() as u64 > limit)
    }
}

fn number(rule: &str) -> usize {
    rule.strip_prefix('r').unwrap().parse().unwrap()
}

fn id(rule: usize) -> RuleId {
    RuleId::new(format!("r{rule}"))
}

const RULE: u8 = 1;
const ACCOUNT: u8 = 2;

/// Belts that are one question: a release of one of them overrules the others.
fn kind(belt: Belt) -> u8 {
    match belt {
        Belt::PeoplePerRule | Belt::PeoplePerRuleAndHour | Belt::PeoplePerRuleAndDay | Belt::Jump => RULE,
        Belt::RosterPerHour | Belt::RosterPerDay => ACCOUNT,
        Belt::Protected => 3,
        Belt::Loop => 4,
        _ => 0,
    }
}

fn is_of_people(belt: Belt) -> bool {
    [RULE, ACCOUNT].contains(&kind(belt))
}

/// Whether a human let go what such a belt holds of this rule and person.
fn is_free(cycle: &Cycle<'_>, claim: (usize, UserId), belt: Belt) -> bool {
    let released = holds(cycle, claim).filter(|hold| hold.state == HoldState::Released);
    released.filter_map(|hold| Belt::from_word(&hold.belt)).any(|of| kind(of) == kind(belt))
}

/// The holds that last of this rule, as it is now, and person.
fn holds<'c>(cycle: &Cycle<'c>, (rule, user): (usize, UserId)) -> impl Iterator<Item = &'c Hold> {
    let (now, mode) = (cycle.now, cycle.world.laws[rule].mode);
    let lasting = cycle.holds.iter().filter(move |hold| hold.opened_at.duration_until(now) < DAY && hold.mode == mode);
    lasting.filter(move |hold| number(hold.rule.as_str()) == rule && hold.people.contains_key(&user))
}

/// Whether it is a hold out of which the core goes.
fn waits_for_core(hold: &Hold) -> bool {
    hold.state == HoldState::Open && Belt::from_word(&hold.belt).is_some_and(|belt| kind(belt) == RULE)
}

/// What a cycle shows of itself, rule by rule and stratum by stratum.
struct View {
    /// It saw everybody, by clocks that agree.
    is_whole: bool,
    roster: Option<BTreeMap<Stratum, u64>>,
    clear: BTreeMap<Group, People>,
    held: BTreeMap<Group, BTreeSet<(UserId, Belt)>>,
    /// Who was under a hold that nobody released.
    aside: BTreeMap<Group, People>,
    /// Whom a human let go, of those counted by the rule.
    free: BTreeMap<Group, People>,
    core: BTreeSet<Group>,
}

impl View {
    fn of(cycle: &Cycle<'_>, losses: &[Loss]) -> Self {
        let world = cycle.world;
        let strata: BTreeMap<UserId, Stratum> = world.people.iter().map(|one| (user(one.id), one.stratum())).collect();
        let mut view = Self {
            is_whole: world.looked.is_none() && !world.is_skewed,
            roster: world.looked.is_none().then(BTreeMap::new),
            clear: BTreeMap::new(),
            held: BTreeMap::new(),
            aside: BTreeMap::new(),
            free: BTreeMap::new(),
            core: losses.iter().filter(|loss| loss.is_core).map(|loss| (loss.rule, loss.stratum)).collect(),
        };
        for one in world.people.iter().filter(|one| !one.sessions.is_empty()) {
            view.roster.iter_mut().for_each(|roster| *roster.entry(one.stratum()).or_default() += 1);
        }
        for (rule, user) in &cycle.outcome.clear {
            view.clear.entry((number(rule), strata[user])).or_default().insert(*user);
        }
        for (rule, user, belt) in &cycle.outcome.held {
            view.held.entry((number(rule), strata[user])).or_default().insert((*user, *belt));
        }
        for group in view.groups() {
            for user in view.claimed(group) {
                if holds(cycle, (group.0, user)).any(|hold| hold.state != HoldState::Released) {
                    view.aside.entry(group).or_default().insert(user);
                }
                if is_free(cycle, (group.0, user), Belt::PeoplePerRule) {
                    view.free.entry(group).or_default().insert(user);
                }
            }
        }
        view
    }

    fn groups(&self) -> BTreeSet<Group> {
        self.clear.keys().chain(self.held.keys()).copied().collect()
    }

    fn held(&self, group: Group, is_meant: impl Fn(Belt) -> bool) -> People {
        let held = self.held.get(&group).into_iter().flatten();
        held.filter(|(_, belt)| is_meant(*belt)).map(|(user, _)| *user).collect()
    }

    fn aside(&self, group: Group) -> People {
        self.aside.get(&group).cloned().unwrap_or_default()
    }

    fn clear(&self, group: Group) -> People {
        self.clear.get(&group).cloned().unwrap_or_default()
    }

    fn claimed(&self, group: Group) -> People {
        &self.clear(group) | &self.held(group, |_| true)
    }

    fn claimed_and_not_many(&self, group: Group) -> People {
        &self.clear(group) | &self.held(group, |belt| !is_of_people(belt))
    }

    /// Whom the belts of the rule count: whoever is under no hold and was not let go.
    fn fresh(&self, group: Group) -> People {
        let free = self.free.get(&group).cloned().unwrap_or_default();
        let counted = &self.clear(group) | &self.held(group, is_of_people);
        &(&counted - &self.aside(group)) - &free
    }

    /// Whom belts over all rules hold now, of rules that enforce: who is under no hold, and with them whoever may have been
    /// let out of one by the core before.
    fn held_by_account(&self, cycle: &Cycle<'_>, stratum: Stratum) -> [People; 2] {
        let groups =
            self.held.keys().filter(|(rule, of)| *of == stratum && cycle.world.laws[*rule].mode == Mode::Enforce);
        let held = groups.map(|group| (*group, self.held(*group, |belt| kind(belt) == ACCOUNT)));
        let (mut fresh, mut counted) = (People::new(), People::new());
        for (group, held) in held {
            let waits = |user: &&UserId| holds(cycle, (group.0, **user)).any(waits_for_core);
            counted.extend(held.iter().filter(waits));
            fresh.extend(&held - &self.aside(group));
        }
        counted.extend(&fresh);
        [fresh, counted]
    }

    /// Whom a rule that enforces claims in the stratum.
    fn enforced(&self, cycle: &Cycle<'_>, stratum: Stratum) -> People {
        let groups = self.groups().into_iter().filter(|(_, of)| *of == stratum);
        groups
            .filter(|(rule, _)| cycle.world.laws[*rule].mode == Mode::Enforce)
            .flat_map(|group| self.claimed(group))
            .collect()
    }

    /// Whoever could be in the core: sure, held by nothing of their own, and under no hold but one for being too many.
    fn sure(&self, cycle: &Cycle<'_>, group: Group) -> People {
        let own = self.held(group, |belt| !is_of_people(belt));
        let is_meant = |one: &&Human| {
            let of = user(one.id);
            let mut standing = holds(cycle, (group.0, of)).filter(|hold| hold.state != HoldState::Released);
            let is_free = is_free(cycle, (group.0, of), Belt::PeoplePerRule);
            one.is_sure && !own.contains(&of) && !is_free && standing.all(waits_for_core)
        };
        let claimed = self.claimed(group);
        let people = cycle.world.people.iter().filter(is_meant).map(|one| user(one.id));
        people.filter(|user| claimed.contains(user)).collect()
    }
}
