//! Invariants of judging, on the real evaluator and planner over random worlds; the seed is in every failure.

use std::collections::{BTreeMap, BTreeSet};

use evictd::address::{Contents, ListNow, Lists};
use evictd::diagnostic::{Findings, Source};
use evictd::evaluate::{Claim, claim_of, evaluate};
use evictd::evidence::Dossier;
use evictd::model::{
    Act, Cause, ClassAnswers, ClassSet, Completeness, ListTrouble, Person, Place, Role, SessionId, Traces, UserId,
};
use evictd::plan::{Plan, plan};
use evictd::policy::{PolicySet, read};
use evictd::snapshot::{Neighbours, Snapshot};
use fastrand::Rng;
use jiff::SignedDuration;

use super::real::policies;
use super::{Law, World, scene};

const SEEDS: u64 = 300;

fn slack(world: &World) -> SignedDuration {
    SignedDuration::from_millis(world.idle_slack)
}

/// The claims that fire and that nothing spares.
fn fired(world: &World, snapshot: &Snapshot, set: &PolicySet) -> BTreeSet<(String, SessionId)> {
    fired_with(world, snapshot, set, &world.scenery.lists(set))
}

fn fired_with(world: &World, snapshot: &Snapshot, set: &PolicySet, lists: &Lists) -> BTreeSet<(String, SessionId)> {
    let dossier = Dossier::new(snapshot, lists, slack(world));
    let mut fired = BTreeSet::new();
    for evidence in dossier.iter() {
        let rules = set.rules.iter().filter(|rule| matches!(claim_of(rule, set, &evidence), Some(Claim::Fired(_))));
        fired.extend(rules.map(|rule| (rule.id.to_string(), evidence.session.id)));
    }
    fired
}

fn planned(world: &World, snapshot: &Snapshot, set: &PolicySet) -> Plan {
    let lists = world.scenery.lists(set);
    let dossier = Dossier::new(snapshot, &lists, slack(world));
    plan(&dossier, set, &evaluate(&dossier, set), world.mode)
}

/// The snapshot with one thing less to know, each time another.
fn poorer(whole: &Snapshot, rng: &mut Rng) -> Vec<(&'static str, Snapshot)> {
    let with = |change: &mut dyn FnMut(&mut Snapshot)| {
        let mut less = whole.clone();
        change(&mut less);
        less
    };
    let lost: Vec<_> = whole.people.keys().copied().filter(|_| rng.bool()).collect();
    let is_lost = |user: &UserId| lost.contains(user);
    vec![
        ("partial", with(&mut |less| less.listing = Completeness::Partial("cut short".to_owned()))),
        ("cut", with(&mut |less| less.cut.extend(lost.iter().map(|user| (*user, "cut short".to_owned()))))),
        ("skewed", with(&mut |less| less.clocks.trusted = false)),
        (
            "unread",
            with(&mut |less| {
                less.people.retain(|user, _| !is_lost(user));
                less.unread.extend(lost.iter().map(|user| (*user, Cause::Down)));
            }),
        ),
        ("older", with(&mut |less| less.people_as_of = less.people_as_of.map(|at| at - SignedDuration::from_hours(9)))),
        ("forgotten", with(&mut |less| less.traces.clear())),
        ("some forgotten", with(&mut |less| less.traces.retain(|user, _| !is_lost(user)))),
        ("remembered anew", with(&mut remember_anew)),
        ("groups unread", with(&mut |less| less.groups = Err(Cause::Down))),
        ("lists unreadable", with(&mut |less| lose_lists(less, None))),
        ("one list unreadable", with(&mut |less| lose_lists(less, Some("hr")))),
        ("rows unasked", with(&mut |less| leave_unasked(less, &lost))),
        ("haunts forgotten", with(&mut |less| less.neighbours = Neighbours::default())),
        ("haunts remembered anew", with(&mut |less| less.neighbours.since = Some(less.now))),
        ("roster forgotten", with(&mut |less| less.roster = None)),
        ("sources down", with(&mut |less| lose_sources(less, None))),
        ("access log down", with(&mut |less| lose_sources(less, Some("access")))),
        ("sources unheard of", with(&mut |less| less.sources.clear())),
        ("no source of sign-ins", with(&mut |less| less.sources.retain(|_, source| source.tells == Act::Use))),
        ("no source of use", with(&mut |less| less.sources.retain(|_, source| source.tells == Act::SignIn))),
        ("sources read long ago", with(&mut |less| read_earlier(less, SignedDuration::from_hours(9)))),
        ("sources read a while ago", with(&mut |less| read_earlier(less, SignedDuration::from_mins(11)))),
        ("rows without addresses", with(&mut lose_addresses)),
        ("databases gone", with(&mut |less| less.places.clear())),
        (
            "databases down",
            with(&mut |less| less.places.values_mut().for_each(|place| *place = Place::unknown(Cause::Down))),
        ),
        (
            "some addresses unknown",
            with(&mut |less| less.places.values_mut().filter(|_| rng.bool()).for_each(lose_some)),
        ),
    ]
}

/// Makes this source, or every one, unknown, with every second of its rows lost.
fn lose_sources(snapshot: &mut Snapshot, only: Option<&str>) {
    let is_meant = |name: &str| only.is_none_or(|only| only == name);
    for (_, source) in snapshot.sources.iter_mut().filter(|(name, _)| is_meant(name)) {
        source.unknown = Some(Cause::Down);
    }
    let mut odd = false;
    snapshot.sightings.retain(|one| {
        odd = !odd;
        odd || !is_meant(&one.source)
    });
}

/// The sources were read that much earlier. Those that say they were read in days to come stay at that.
fn read_earlier(snapshot: &mut Snapshot, by: SignedDuration) {
    let now = snapshot.now;
    snapshot.sources.values_mut().filter(|source| source.as_of <= now).for_each(|source| source.as_of -= by);
}

/// Every second row no longer says from where it was.
fn lose_addresses(snapshot: &mut Snapshot) {
    snapshot.sightings.iter_mut().step_by(2).for_each(|row| row.address = None);
    snapshot.sightings.sort();
}

/// A database that lost half of what it said, and no longer says of any class that an address is not in it.
fn lose_some(place: &mut Place) {
    place.country = Err(Cause::NotInDatabase);
    place.classes = ClassAnswers { no: ClassSet::NONE, unknown: Cause::Partial, ..place.classes };
}

/// The lists with one thing less to know, each time another.
fn fewer(whole: &Lists, rng: &mut Rng) -> Vec<(&'static str, Lists)> {
    let mut with = |change: &dyn Fn(&mut ListNow, bool)| {
        let lose = |(list, odd): (&ListNow, bool)| {
            let mut less = list.clone();
            change(&mut less, odd);
            less
        };
        let odds: Vec<bool> = whole.iter().map(|_| rng.bool()).collect();
        Lists::new(whole.iter().zip(odds).map(lose).collect())
    };
    vec![
        ("lists gone", with(&|list, _| (list.contents, list.unknown) = (None, Some(Cause::Down)))),
        ("lists too old", with(&|list, _| (list.contents, list.unknown) = (None, Some(Cause::ListStale)))),
        ("lists torn", with(&|list, _| list.unknown = list.unknown.or(Some(Cause::Partial)))),
        (
            "lists empty and torn",
            with(&|list, _| {
                list.contents = list.contents.as_ref().map(|_| Contents::empty(list.kind).into());
                list.unknown = Some(Cause::Partial);
            }),
        ),
        (
            "some lists gone",
            with(&|list, odd| {
                if odd {
                    (list.contents, list.unknown) = (None, Some(Cause::Down));
                }
            }),
        ),
    ]
}

/// What the first cycle after a loss of state puts in the place of what was remembered.
fn remember_anew(snapshot: &mut Snapshot) {
    let now = Some(snapshot.now);
    let trace = |person: &Person| Traces {
        admin_at: now.filter(|_| person.role == Some(Role::Admin)),
        agent_at: now.filter(|_| person.role == Some(Role::Agent)),
        deleted_since: now.filter(|_| person.deleted == Some(true)),
        suspended_since: now.filter(|_| person.suspended == Some(true)),
        staff_lost_since: None,
    };
    let traces = snapshot.people.iter().map(|(user, person)| (*user, trace(person)));
    snapshot.traces = traces.filter(|(_, trace)| *trace != Traces::default()).collect();
}

/// Makes this list, or every one, unknown.
fn lose_lists(snapshot: &mut Snapshot, only: Option<&str>) {
    let is_meant = |name: &str| only.is_none_or(|only| only == name);
    for (_, list) in snapshot.lists.iter_mut().filter(|(name, _)| is_meant(name)) {
        list.unknown = Some(ListTrouble { cause: Cause::ListStale, why: "not delivered".to_owned(), help: None });
    }
    for listed in snapshot.listed.values_mut() {
        listed.retain(|one| !is_meant(&one.list));
    }
}

/// Zendesk does not answer whom rows mean that name these people.
fn leave_unasked(snapshot: &mut Snapshot, users: &[UserId]) {
    for user in users {
        for one in snapshot.listed.remove(user).into_iter().flatten() {
            snapshot.lists.get_mut(&*one.list).unwrap().unasked += 1;
        }
    }
}

/// INVARIANT 5: what was lost can neither make a claim fire nor lift a spare.
#[test]
fn a_source_that_is_lost_makes_no_claim_fire_and_lifts_no_spare() {
    for seed in 0..SEEDS {
        let (world, law) = scene(seed);
        let set = policies(&world, &law);
        let whole = world.snapshot();
        let before = fired(&world, &whole, &set);
        for (what, less) in poorer(&whole, &mut Rng::with_seed(seed)) {
            let after = fired(&world, &less, &set);
            let more: Vec<_> = after.difference(&before).collect();
            assert!(more.is_empty(), "seed {seed}, {what}: {more:?}");
        }
        for (what, lists) in fewer(&world.scenery.lists(&set), &mut Rng::with_seed(seed)) {
            let after = fired_with(&world, &whole, &set, &lists);
            let more: Vec<_> = after.difference(&before).collect();
            assert!(more.is_empty(), "seed {seed}, {what}: {more:?}");
        }
    }
}

/// INVARIANT 5 where it is hardest: rules and exceptions that ask whether somebody has *not* left, or for how short.
#[test]
fn nobody_is_revoked_and_no_spare_is_lifted_because_it_was_forgotten_that_they_had_left() {
    let asks = [
        "user.offboarded = true",
        "user.offboarded = false",
        "not = { user.offboarded = true }",
        "not = { any = [{ user.offboarded = true }, { user.two-factor = true }] }",
        "user.downgraded = false",
        "not = { user.listed = true }",
        "user.offboarded-for.under = \"1h\"",
        "user.offboarded-for.at-most = \"10m\"",
        "user.offboarded-for.over = \"1h\"",
        "not = { user.offboarded-for.at-least = \"1h\" }",
    ];
    let head = |kind: &str, id: usize| match kind {
        "rule" => format!("[[rule]]\nid = \"r{id}\"\ntitle = \"T\"\naction = \"revoke-session\"\n"),
        _ => format!(
            "[[rule]]\nid = \"e{id}\"\ntitle = \"T\"\naction = \"revoke-session\"\nwhen.session.count.at-least = 1\n\
             [[exception]]\nid = \"e{id}\"\nrules = [\"e{id}\"]\nowner = \"o\"\nreason = \"r\"\nexpires = 9999-12-30\n"
        ),
    };
    let both = asks.iter().enumerate().flat_map(|(id, ask)| {
        [
            format!("{}[rule.when]\n{ask}\n", head("rule", id)),
            format!("{}[exception.when]\n{ask}\n", head("exception", id)),
        ]
    });
    let text = format!("schema = 1\n{}", both.collect::<String>());
    let (mut fires, mut spares) = (BTreeSet::new(), BTreeSet::new());
    for seed in 0..SEEDS {
        let (world, law) = scene(seed);
        let set = set_of(std::slice::from_ref(&text), &law);
        let whole = world.snapshot();
        let before = fired(&world, &whole, &set);
        for (what, less) in poorer(&whole, &mut Rng::with_seed(seed)) {
            let after = fired(&world, &less, &set);
            let more: Vec<_> = after.difference(&before).collect();
            assert!(more.is_empty(), "seed {seed}, {what}: {more:?}");
        }
        fires.extend(before.iter().map(|(rule, _)| rule.clone()));
        let claims = evaluate(&Dossier::new(&whole, &world.scenery.lists(&set), slack(&world)), &set).fired;
        spares.extend(claims.into_iter().filter(|claim| matches!(claim.2, Claim::Spared(_))).map(|claim| claim.1));
    }
    // Whether they left a short time ago can never be shown, so that these end nobody, and their exceptions all do.
    let short = ["r6", "r7", "r9"];
    let wanted = (0..asks.len()).map(|id| format!("r{id}")).filter(|id| !short.contains(&id.as_str()));
    let missed: Vec<_> = wanted.filter(|id| !fires.contains(id)).collect();
    assert!(missed.is_empty() && !short.iter().any(|id| fires.contains(*id)), "{missed:?} never fire: {fires:?}");
    assert!(spares.len() >= 7, "{spares:?}");
}

/// INVARIANT 5 about places: rules and exceptions that ask where somebody has *not* been, and with what not.
#[test]
fn what_is_not_known_of_places_lists_and_databases_ends_nobody_and_lifts_no_spare() {
    let asks = [
        "network.country.not-in = [\"US\"]",
        "not = { network.country.in = [\"KP\"] }",
        "network.class.not-in = [\"hosting\", \"vpn\"]",
        "not = { network.class.in = [\"tor\", \"relay\"] }",
        "network.address.not-in = [\"@listed-networks\"]",
        "not = { network.asn.in = [\"@listed-numbers\"] }",
        "network.class.in = [\"hosting\"]",
        "network.class.in = [\"vpn\"]",
        "not = { sign-in.class.in = [\"vpn\"] }",
        "sign-in.country.not-in = [\"US\"]",
        "network.country.is = \"ZA\"\nnetwork.class.not-in = [\"relay\"]",
        "not = { network.country.is = \"ZA\", network.asn.in = [15169] }",
        "not = { any = [{ network.class.in = [\"tor\"] }, { sign-in.country.is = \"KP\" }] }",
        "session.changed = true",
        "session.changed = false",
        "not = { session.changed = true }",
        "session.dark = true",
        "session.dark = false",
        "not = { session.dark = true }",
        "network.staff.over = 0",
        "network.staff.under = 2",
        "network.staff.is = 0",
        "not = { network.staff.at-least = 1 }",
    ];
    let both = asks.iter().enumerate().flat_map(|(id, ask)| {
        [
            format!("[[rule]]\nid = \"r{id}\"\ntitle = \"T\"\naction = \"revoke-session\"\n[rule.when]\n{ask}\n"),
            format!(
                "[[rule]]\nid = \"e{id}\"\ntitle = \"T\"\naction = \"revoke-session\"\nwhen.session.count.at-least = 1\n\
                 [[exception]]\nid = \"e{id}\"\nrules = [\"e{id}\"]\nowner = \"o\"\nreason = \"r\"\nexpires = 9999-12-30\n\
                 [exception.when]\n{ask}\n"
            ),
        ]
    });
    let rules: String = both.collect();
    let (mut fires, mut spares) = (BTreeSet::new(), BTreeSet::new());
    for seed in 0..SEEDS {
        let (world, mut law) = scene(seed);
        (law.rules, law.exceptions) = (Vec::new(), Vec::new());
        let set = set_of(&[law.to_toml() + &rules], &law);
        let (whole, lists) = (world.snapshot(), world.scenery.lists(&set));
        let before = fired_with(&world, &whole, &set, &lists);
        let check = |what: &str, after: BTreeSet<(String, SessionId)>| {
            let more: Vec<_> = after.difference(&before).collect();
            assert!(more.is_empty(), "seed {seed}, {what}: {more:?}\n{:?}", world.scenery);
        };
        for (what, less) in poorer(&whole, &mut Rng::with_seed(seed)) {
            check(what, fired_with(&world, &less, &set, &lists));
        }
        for (what, less) in fewer(&lists, &mut Rng::with_seed(seed)) {
            check(what, fired_with(&world, &whole, &set, &less));
        }
        fires.extend(before.iter().map(|(rule, _)| rule.clone()));
        let claims = evaluate(&Dossier::new(&whole, &lists, slack(&world)), &set).fired;
        spares.extend(claims.into_iter().filter(|claim| matches!(claim.2, Claim::Spared(_))).map(|claim| claim.1));
    }
    let missed: Vec<_> = (0..asks.len()).map(|id| format!("r{id}")).filter(|id| !fires.contains(id)).collect();
    assert!(missed.is_empty(), "{missed:?} never fire");
    assert!(spares.len() >= asks.len(), "{spares:?}");
}

/// INVARIANT 6: an exception more can neither make a claim fire nor lift a spare.
#[test]
fn an_exception_more_makes_no_claim_fire_and_lifts_no_spare() {
    const MORE: &str = r#"
[[exception]]
id = "one-more"
rules = ["*"]
owner = "o"
reason = "r"
expires = 9999-12-30
"#;
    let conditions = [
        "when.user.role.is = \"agent\"",
        "when.user.suspended = true",
        "when.session.age.under = \"1h\"",
        "when.user.offboarded = true",
        "when.user.offboarded = false",
        "when.user.listed = true",
        "when.user.offboarded-for.over = \"1h\"",
        "when.user.offboarded-for.under = \"1h\"",
        "when.network.country.not-in = [\"US\"]",
        "when.not.network.class.in = [\"hosting\"]",
        "when.sign-in.class.not-in = [\"vpn\"]",
    ];
    for seed in 0..SEEDS {
        let (world, law) = scene(seed);
        let snapshot = world.snapshot();
        let before = fired(&world, &snapshot, &policies(&world, &law));
        for condition in conditions {
            let more = set_of(&[law.to_toml() + MORE + condition], &law);
            let after = fired(&world, &snapshot, &more);
            assert!(after.is_subset(&before), "seed {seed}, {condition}: {:?}", after.difference(&before));
        }
    }
}

fn set_of(texts: &[String], law: &Law) -> PolicySet {
    let numbered = (0..).zip(texts);
    let sources: Vec<_> = numbered.map(|(number, text)| Source::new(format!("{number}.toml"), text.as_str())).collect();
    let mut findings = Findings::default();
    read(&sources, None, &mut findings).unwrap_or_else(|| panic!("{}", law.to_toml()))
}

/// INVARIANT 7: the order of rows, people and files changes no byte of the plan.
#[test]
fn no_order_changes_a_byte_of_the_plan() {
    for seed in 0..SEEDS {
        let (world, law) = scene(seed);
        let set = policies(&world, &law);
        let snapshot = world.snapshot();
        let before = format!("{:?}", planned(&world, &snapshot, &set));
        let mut rng = Rng::with_seed(seed);
        let mut shuffled = snapshot.clone();
        rng.shuffle(&mut shuffled.sessions);
        let people: Vec<_> = shuffled.people.into_iter().rev().collect();
        shuffled.people = people.into_iter().collect::<BTreeMap<_, _>>();
        shuffled.listed.values_mut().for_each(|listed| listed.reverse());
        assert_eq!(format!("{:?}", planned(&world, &shuffled, &set)), before, "seed {seed}");
        let other = "schema = 1\n[list.unused]\ntype = \"text\"\nentries = [\"x\"]\n".to_owned();
        for texts in [[law.to_toml(), other.clone()], [other.clone(), law.to_toml()]] {
            let again = planned(&world, &shuffled, &set_of(&texts, &law));
            assert_eq!(format!("{again:?}"), before, "seed {seed}");
        }
    }
}
