//! Facts of a whole session that its sightings make out, situation by situation.

use std::sync::Arc;

use evictd::address::Lists;
use evictd::evidence::Dossier;
use evictd::facts::{Witness, find};
use evictd::model::{
    AccountName, Act, Cause, CycleId, Fact, Found, Known, Place, Role, Session, SessionId, Sighting, SourceStanding,
    Strength, UserId, Value,
};
use evictd::snapshot::Snapshot;
use jiff::{SignedDuration, Timestamp};

use super::ada;

pub const OFFICE: &str = "73.162.10.20";
pub const ABROAD: &str = "41.0.0.1";
const CHROME: &str =
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0.0.0 Safari/537.36";
const CURL: &str = "curl/8.9.1";

pub fn ago(minutes: i64) -> Timestamp {
    "2026-11-23T12:00:00Z".parse::<Timestamp>().unwrap() - SignedDuration::from_mins(minutes)
}

/// An account of agent 1, whose sources told everything; each address has an AS number of its own.
#[derive(Clone)]
pub struct World(pub Snapshot);

impl World {
    pub fn new() -> Self {
        let cycle = CycleId::new("019ab000-0000-7000-8000-000000000001");
        let mut snapshot = Snapshot::empty(AccountName::new("acme"), cycle, ago(0), UserId::new(900).unwrap());
        for (name, tells) in [("signs", Act::SignIn), ("uses", Act::Use)] {
            let since = Some(ago(48 * 60));
            snapshot.sources.insert(name.into(), SourceStanding { since, ..SourceStanding::whole(tells, ago(0)) });
        }
        snapshot.neighbours.since = Some(ago(31 * 24 * 60));
        Self(snapshot).person(1, Some(Role::Agent))
    }

    pub fn person(mut self, id: u64, role: Option<Role>) -> Self {
        let user = UserId::new(id).unwrap();
        self.0.people.insert(user, Arc::new(evictd::model::Person { id: user, role, ..ada(ago(0)) }));
        self
    }

    /// A session of agent 1 that was opened and, as Zendesk says, last used so many minutes ago.
    pub fn session(self, id: u64, opened: i64, used: i64) -> Self {
        self.session_of(1, id, opened, used)
    }

    pub fn session_of(mut self, user: u64, id: u64, opened: i64, used: i64) -> Self {
        self.0.sessions.push(Session {
            id: SessionId(id),
            user: UserId::new(user),
            authenticated_at: Some(ago(opened).into()),
            last_seen_at: Some(ago(used).into()),
            seen: ago(0).into(),
        });
        self
    }

    pub fn row(self, act: Act, address: &str, agent: &str, at: i64) -> Self {
        self.row_of(1, act, address, agent, at)
    }

    pub fn row_of(mut self, user: u64, act: Act, address: &str, agent: &str, at: i64) -> Self {
        let text = |text: &str| (!text.is_empty()).then(|| text.into());
        let address = (!address.is_empty()).then(|| address.parse().unwrap());
        let number = 64_500 + u32::try_from(self.0.places.len()).unwrap();
        if let Some(address) = address {
            let place = Place { asn: Ok(Found { value: number, database: 0 }), ..Place::unknown(Cause::NotInDatabase) };
            self.0.places.entry(address).or_insert(place);
        }
        self.0.sightings.push(Sighting {
            user: UserId::new(user).unwrap(),
            session: None,
            act,
            address,
            agent: text(agent),
            first: ago(at).into(),
            last: ago(at).into(),
            source: if act == Act::SignIn { "signs" } else { "uses" }.into(),
        });
        self.0.sightings.sort();
        self
    }

    pub fn with(mut self, change: impl FnOnce(&mut Snapshot)) -> Self {
        change(&mut self.0);
        self
    }

    pub fn source(self, name: &str, change: impl FnOnce(&mut SourceStanding)) -> Self {
        self.with(|snapshot| change(snapshot.sources.get_mut(name).unwrap()))
    }

    /// What is known of a truth about this session, or why it is not.
    pub fn says(&self, fact: &str, session: u64) -> Result<(bool, Strength), Vec<Cause>> {
        let lists = Lists::default();
        let dossier = Dossier::new(&self.0, &lists, SignedDuration::ZERO);
        let evidence = dossier.iter().find(|evidence| evidence.session.id == SessionId(session)).unwrap();
        match evidence.tell(find(fact).unwrap()) {
            Fact::Known(Known { value: Value::Truth(truth), strength, .. }) => Ok((truth, strength)),
            Fact::Known(known) => panic!("{known:?}"),
            Fact::Unknown(causes) => Err(causes.iter().collect()),
        }
    }
}

mod changed {
    use super::*;

    fn says(world: &World, session: u64) -> Result<(bool, Strength), Vec<Cause>> {
        world.says("session.changed", session)
    }

    /// Opened in the office with a browser, and used so later.
    fn then(address: &str, agent: &str) -> World {
        let world = World::new().session(1, 60, 1).row(Act::SignIn, OFFICE, CHROME, 60);
        world.row(Act::Use, address, agent, 20)
    }

    #[test]
    fn it_needs_another_program_and_another_network() {
        assert_eq!(says(&then(ABROAD, CURL), 1), Ok((true, Strength::Only)));
        for same in [then(OFFICE, CHROME), then(OFFICE, CURL), then(ABROAD, CHROME)] {
            assert_eq!(says(&same, 1), Ok((false, Strength::Exact)));
        }
        // The neighbour in the same block, whoever announces it.
        assert_eq!(says(&then("73.162.10.200", CURL), 1), Ok((false, Strength::Exact)));
        assert_eq!(says(&then("73.162.11.20", CURL), 1), Ok((true, Strength::Only)));
        let v6 = |address: &str| then("2001:4860:0:1::1", CURL).row(Act::Use, address, CHROME, 10);
        assert_eq!(says(&v6("2001:4860:0:2::1"), 1), Ok((true, Strength::Only)), "the office and one of them");
        // A newer version is no other program, and frozen parts are none.
        assert_eq!(says(&then(ABROAD, &CHROME.replace("143", "144")), 1), Ok((false, Strength::Exact)));
        assert_eq!(
            says(&then(ABROAD, &CHROME.replace("Windows NT 10.0", "X11; Linux")), 1),
            Ok((true, Strength::Only))
        );
    }

    #[test]
    fn a_block_of_ipv6_is_a_48() {
        let two = |address: &str| {
            let world = World::new().session(1, 60, 1).row(Act::SignIn, "2001:4860:1:1::1", CHROME, 60);
            says(&world.row(Act::Use, address, CURL, 20), 1).map(|(truth, _)| truth)
        };
        assert_eq!([two("2001:4860:1:ffff::1"), two("2001:4860:2:1::1")], [Ok(false), Ok(true)]);
    }

    #[test]
    fn uses_are_compared_with_each_other_and_the_surest_pair_counts() {
        let world = World::new().session(1, 60, 1).row(Act::Use, OFFICE, CHROME, 30).row(Act::Use, ABROAD, CURL, 20);
        assert_eq!(says(&world, 1), Ok((true, Strength::Only)));
        let named = world.with(|snapshot| {
            snapshot.sightings.iter_mut().for_each(|row| row.session = Some(SessionId(1)));
        });
        assert_eq!(says(&named, 1), Ok((true, Strength::Exact)));
    }

    #[test]
    fn what_cannot_be_compared_is_unknown_unless_the_rest_is_the_same() {
        let no_asn = |world: World| world.with(|snapshot| snapshot.places.clear());
        assert_eq!(says(&no_asn(then(ABROAD, CURL)), 1), Err(vec![Cause::NoRow]));
        assert_eq!(says(&no_asn(then(ABROAD, CHROME)), 1), Ok((false, Strength::Exact)));
        assert_eq!(says(&then(ABROAD, ""), 1), Err(vec![Cause::Null]));
        assert_eq!(says(&then(ABROAD, "Something else"), 1), Err(vec![Cause::NotTold]));
        assert_eq!(says(&then("", CURL), 1), Err(vec![Cause::Null]));
        assert_eq!(says(&then("", CHROME), 1), Ok((false, Strength::Exact)));
    }

    #[test]
    fn a_no_needs_every_place_and_a_yes_needs_two() {
        let down = |world: World| world.source("signs", |source| source.unknown = Some(Cause::Down));
        assert_eq!(says(&down(then(ABROAD, CHROME)), 1), Err(vec![Cause::Down]));
        let named =
            |world: World| world.with(|one| one.sightings.iter_mut().for_each(|row| row.session = Some(SessionId(1))));
        assert_eq!(says(&down(named(then(ABROAD, CURL))), 1), Ok((true, Strength::Exact)));
        let stale = then(OFFICE, CHROME).source("uses", |source| source.as_of = ago(2));
        assert_eq!(says(&stale, 1), Err(vec![Cause::Stale]));
        let visitor = then(OFFICE, CHROME).person(1, Some(Role::EndUser));
        assert_eq!(says(&visitor, 1), Err(vec![Cause::EndUser]));
    }

    /// Two sessions, and rows that do not say of which of them they are.
    #[test]
    fn somebody_with_two_devices_changed_nothing() {
        let phone = CHROME.replace("Windows NT 10.0; Win64; x64", "Linux; Android 10; K");
        let both = World::new().session(1, 60, 1).session(2, 50, 1);
        let both = both.row(Act::SignIn, OFFICE, CHROME, 60).row(Act::SignIn, ABROAD, &phone, 50);
        let used = both.clone().row(Act::Use, OFFICE, CHROME, 30).row(Act::Use, ABROAD, &phone, 20);
        assert_eq!([1, 2].map(|session| says(&used, session)), [1, 2].map(|_| Err(vec![Cause::Ambiguous])));
        // What neither can have done was done in one of them.
        let stolen = both.row(Act::Use, "45.0.0.1", CURL, 20);
        assert_eq!([1, 2].map(|session| says(&stolen, session)), [1, 2].map(|_| Ok((true, Strength::Ambiguous))));
        // Where one was opened is not known: it may have been there.
        let lost = stolen.with(|snapshot| snapshot.sightings.retain(|row| row.first.at() != ago(50)));
        assert_eq!(says(&lost, 1), Err(vec![Cause::Ambiguous]));
    }
}

mod dark {
    use super::*;

    fn says(world: &World) -> Result<bool, Vec<Cause>> {
        world.says("session.dark", 1).map(|(truth, _)| truth)
    }

    /// Opened 120 minutes ago, used 5 minutes ago as Zendesk says, and seen so long ago.
    fn seen(at: i64) -> World {
        World::new().session(1, 120, 5).row(Act::Use, OFFICE, CHROME, at)
    }

    #[test]
    fn it_was_used_half_an_hour_after_it_was_seen_last() {
        assert_eq!([35, 34].map(|at| says(&seen(at))), [Ok(true), Ok(false)]);
        // What Zendesk did not write down yet.
        assert_eq!(says(&seen(1)), Ok(false));
        let never = |opened| says(&World::new().session(1, opened, 5).row_of(2, Act::Use, OFFICE, CHROME, 6));
        assert_eq!([35, 34].map(never), [Ok(true), Ok(false)]);
    }

    #[test]
    fn any_row_of_the_person_in_that_time_says_no() {
        let named = |at, used| {
            let mut world = World::new().session(1, 120, used).session(2, 120, 1).row(Act::Use, OFFICE, CHROME, at);
            world.0.sightings[0].session = Some(SessionId(2));
            says(&world)
        };
        assert_eq!([named(20, 5), named(60, 5)], [Ok(false), Ok(false)]);
        // Before it was opened, or after its use.
        assert_eq!([named(130, 5), named(4, 60)], [Ok(true), Ok(true)]);
        // A sign-in is no use.
        assert_eq!(says(&seen(60).row(Act::SignIn, OFFICE, CHROME, 20)), Ok(true));
    }

    #[test]
    fn only_whole_sources_of_use_can_say_that_there_was_nothing() {
        let with = |change: fn(&mut SourceStanding)| says(&seen(60).source("uses", change));
        assert_eq!(with(|source| source.unknown = Some(Cause::Down)), Err(vec![Cause::Down]));
        assert_eq!(with(|source| source.as_of = ago(5)), Err(vec![Cause::Stale]));
        assert_eq!(with(|source| source.as_of = ago(4)), Ok(true));
        assert_eq!(with(|source| source.as_of = ago(-2)), Err(vec![Cause::ClockSkew]));
        assert_eq!(with(|source| source.since = Some(ago(60))), Ok(true));
        assert_eq!(with(|source| source.since = Some(ago(59))), Err(vec![Cause::Partial]));
        assert_eq!(with(|source| source.since = None), Err(vec![Cause::Partial]));
        assert_eq!(says(&seen(60).with(|one| _ = one.sources.remove("uses"))), Err(vec![Cause::NoSource]));
        // Another one that is down may have seen it.
        let down = SourceStanding { unknown: Some(Cause::Down), ..SourceStanding::whole(Act::Use, ago(0)) };
        assert_eq!(says(&seen(60).with(|one| _ = one.sources.insert("proxy".into(), down))), Err(vec![Cause::Down]));
        assert_eq!(says(&seen(60).source("signs", |source| source.unknown = Some(Cause::Down))), Ok(true));
    }

    #[test]
    fn what_is_empty_skewed_or_of_an_end_user_is_unknown() {
        let with = |change: fn(&mut Snapshot)| says(&seen(60).with(change));
        assert_eq!(with(|one| one.sessions[0].last_seen_at = None), Err(vec![Cause::Null]));
        assert_eq!(with(|one| one.sessions[0].authenticated_at = None), Err(vec![Cause::Null]));
        assert_eq!(with(|one| one.clocks.trusted = false), Err(vec![Cause::ClockSkew]));
        assert_eq!(with(|one| one.sessions[0].last_seen_at = Some(ago(-2).into())), Err(vec![Cause::ClockSkew]));
        assert_eq!(says(&seen(60).row(Act::Use, OFFICE, CHROME, -2)), Err(vec![Cause::ClockSkew]));
        assert_eq!(says(&seen(60).person(1, Some(Role::EndUser))), Err(vec![Cause::EndUser]));
    }
}

mod staff {
    use super::*;

    /// Whom a rule about the one place of session 1 claims: yes, no or unknown.
    fn says(world: &World, line: &str) -> Option<bool> {
        let text = format!(
            "schema = 1\n[[rule]]\nid = \"r\"\ntitle = \"T\"\naction = \"revoke-session\"\nwhen.network.staff.{line}\n"
        );
        let (set, lists) = (super::super::policies(&text), Lists::default());
        let dossier = Dossier::new(&world.0, &lists, SignedDuration::ZERO);
        let evidence = dossier.iter().find(|evidence| evidence.session.id == SessionId(1)).unwrap();
        match evictd::evaluate::claim_of(&set.rules[0], &set, &evidence) {
            None => Some(false),
            Some(evictd::evaluate::Claim::Fired(_)) => Some(true),
            Some(_) => None,
        }
    }

    /// Agent 1 in the office, with an agent and an admin in the same block, an end user too, and an agent elsewhere.
    fn office() -> World {
        let people = [(2, Role::Agent, "73.162.10.1"), (3, Role::Admin, "73.162.10.255"), (4, Role::EndUser, OFFICE)];
        let mut world = World::new().session(1, 60, 1).row(Act::Use, OFFICE, CHROME, 20);
        for (id, role, address) in people.into_iter().chain([(5, Role::Agent, "73.162.11.20")]) {
            let seen = world.person(id, Some(role)).session_of(id, id, 60, 1);
            // Twice is once.
            world = seen.row_of(id, Act::SignIn, address, CHROME, 60).row_of(id, Act::Use, address, CURL, 20);
        }
        world
    }

    #[test]
    fn it_counts_other_staff_in_the_block() {
        let office = office();
        assert_eq!(
            ["is = 2", "over = 1", "under = 2", "is = 1"].map(|line| says(&office, line)),
            [Some(true), Some(true), Some(false), Some(false)]
        );
    }

    #[test]
    fn a_sessions_own_row_without_an_address_leaves_nobody_out() {
        let own_row = |source: &str| {
            let mut world = office().row_of(5, Act::Use, "", CHROME, 10);
            let row = world.0.sightings.iter_mut().find(|row| row.address.is_none()).unwrap();
            (row.session, row.source) = (Some(SessionId(5)), source.into());
            says(&world, "under = 3")
        };
        assert_eq!([own_row(Sighting::SESSION_ROW), own_row("uses")], [Some(true), None]);
    }

    #[test]
    fn whoever_was_there_in_thirty_days_counts_signed_in_or_not_and_nobody_for_themselves() {
        let remembered = |users: &[u64]| {
            let users = users.iter().filter_map(|user| UserId::new(*user)).collect();
            office().with(|one| _ = one.neighbours.blocks.insert("73.162.10.0".parse().unwrap(), users))
        };
        assert_eq!(says(&remembered(&[2, 50, 51]), "is = 4"), Some(true));
        assert_eq!(says(&remembered(&[1, 1]), "is = 2"), Some(true));
        // What somebody does themselves makes their own number neither greater nor unsure.
        let astray = |user| office().with(|one| _ = one.neighbours.astray.insert(UserId::new(user).unwrap()));
        assert_eq!((says(&astray(1), "is = 2"), says(&astray(50), "is = 2")), (Some(true), None));
        assert_eq!(says(&office().row_of(1, Act::Use, "", CHROME, 10), "is = 2"), Some(true));
    }

    #[test]
    fn while_anything_is_missing_there_may_be_more() {
        let lines = ["over = 1", "at-least = 3", "under = 2", "under = 3", "is = 2", "is = 1"];
        let whole = [true, false, false, true, true, false];
        assert_eq!(lines.map(|line| says(&office(), line) == Some(true)), whole);
        let at_least = [true, false, false, false, false, false];
        let poorer: [fn(World) -> World; 13] = [
            |world| world.source("signs", |source| source.unknown = Some(Cause::Down)),
            |world| world.source("uses", |source| source.unknown = Some(Cause::Partial)),
            |world| world.source("uses", |source| source.as_of = ago(11)),
            |world| world.source("uses", |source| source.since = Some(ago(25 * 60))),
            |world| world.source("uses", |source| source.since = None),
            |world| world.with(|one| _ = one.sources.remove("signs")),
            |world| world.with(|one| one.listing = evictd::model::Completeness::Partial("cut".to_owned())),
            |world| world.with(|one| drop(one.cut.insert(UserId::new(9).unwrap(), "cut".to_owned()))),
            |world| world.person(5, None),
            |world| world.row_of(5, Act::Use, "", CHROME, 10),
            |world| world.with(|one| one.neighbours.since = Some(ago(29 * 24 * 60))),
            |world| world.with(|one| one.neighbours.since = None),
            |world| world.with(|one| _ = one.neighbours.astray.insert(UserId::new(77).unwrap())),
        ];
        for (number, poorer) in poorer.into_iter().enumerate() {
            let world = poorer(office());
            assert_eq!(lines.map(|line| says(&world, line) == Some(true)), at_least, "{number}");
        }
    }
}

#[test]
fn rules_about_the_use_of_a_session_need_the_logs() {
    for fact in ["session.changed", "session.dark"] {
        let text = format!(
            "schema = 1\n[[rule]]\nid = \"r\"\ntitle = \"T\"\naction = \"revoke-session\"\nwhen.{fact} = true\n"
        );
        let needs = super::policies(&text).needs();
        assert!(needs.sign_ins && needs.uses, "{fact}: {needs:?}");
    }
}
