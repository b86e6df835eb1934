//! Hearsay changes nothing: whatever ticket audits say, the same goes, the same is spared, and the same fires. Only what
//! could not be decided may come to a claim, and a belt holds every one of those.

use std::collections::BTreeMap;

use evictd::diagnostic::{Findings, Source, Style, render};
use evictd::evaluate::{Claim, claim_of, evaluate};
use evictd::evidence::Dossier;
use evictd::guard::{Belt, ClearedSession, guard};
use evictd::model::{Act, CycleKind, Mode, SessionId, Sighting, Strength, UserId};
use evictd::plan::{grounds_of, plan};
use evictd::policy::{PolicySet, read};
use evictd::snapshot::Snapshot;
use fastrand::Rng;
use jiff::SignedDuration;

use super::places::{ADDRESSES, AGENTS};
use super::world::{HOUR, MINUTE, instant, user};
use super::{Law, World, chance, pick, scene};

const SEEDS: u64 = 300;

/// What rules and exceptions ask of places.
const ASKS: &[&str] = &[
    "network.country.in = [\"ZA\"]",
    "network.country.not-in = [\"US\"]",
    "not = { network.country.in = [\"KP\"] }",
    "client.kind.in = [\"script\"]",
    "network.country.is = \"ZA\"\nclient.kind.is = \"browser\"",
    "any = [{ network.class.in = [\"tor\"] }, { network.country.is = \"ZA\", session.changed = true }]",
    "any = [{ user.downgraded = false, network.asn.in = [37168] }, { network.country.is = \"KP\" }]",
    "network.staff.over = 0",
    "session.changed = true",
    "session.dark = true",
    "sign-in.country.is = \"ZA\"",
];

/// How a rule takes what is not sure.
const WAYS: &[&str] = &[
    "",
    "match-min = \"exact\"\n",
    "on-ambiguous = \"withhold\"\n",
    "on-ambiguous = \"revoke-user\"\n",
    "match-min = \"exact\"\non-ambiguous = \"revoke-user\"\n",
];

fn rules(law: &Law) -> PolicySet {
    let mut text = law.to_toml();
    for (number, ask) in ASKS.iter().enumerate() {
        let way = WAYS[number % WAYS.len()];
        for (id, action) in [("s", "revoke-session"), ("u", "revoke-user")] {
            text += &format!(
                "[[rule]]\nid = \"{id}{number}\"\ntitle = \"T\"\naction = \"{action}\"\nmode = \"enforce\"\n{way}\
                 severity = \"critical\"\n[rule.when]\n{ask}\n"
            );
        }
        text += &format!(
            "[[exception]]\nid = \"e{number}\"\nrules = [\"u{}\"]\nowner = \"o\"\nreason = \"r\"\nexpires = 9999-12-30\n\
             [exception.when]\nuser.id.not-in = [\"424242\"]\n{ask}\n",
            (number + 1) % ASKS.len()
        );
    }
    let mut findings = Findings::default();
    let set = read(&[Source::new("law.toml", text.as_str())], None, &mut findings);
    set.unwrap_or_else(|| panic!("{}", render(&findings, Style::Plain, 100)))
}

/// Rows of everybody who is listed, most of them of a time in which a session was alive.
fn hearsay(rng: &mut Rng, world: &World) -> Vec<Sighting> {
    let mut rows = Vec::new();
    for row in world.sessions() {
        let Some(person) = row.user.filter(|_| chance(rng, 70)) else { continue };
        for _ in 0..rng.usize(1..=3) {
            let at = row.opened.unwrap_or(world.now - HOUR) + pick(rng, &[0, MINUTE, 30 * MINUTE, 3 * HOUR, -HOUR]);
            let at = instant(if chance(rng, 90) { at.min(world.now) } else { at }).into();
            rows.push(Sighting {
                user: user(person),
                session: None,
                act: Act::Use,
                address: chance(rng, 90).then(|| pick(rng, ADDRESSES).parse().unwrap()),
                agent: chance(rng, 80).then(|| pick(rng, AGENTS).0.into()),
                first: at,
                last: at,
                source: Sighting::HEARSAY.into(),
            });
        }
    }
    rows.sort();
    rows
}

/// Everything that a cycle makes of a world.
struct Made {
    claims: BTreeMap<(usize, SessionId), Claim>,
    cleared: Vec<(UserId, Vec<ClearedSession>)>,
    hearsay: usize,
}

fn made(world: &World, set: &PolicySet, snapshot: &Snapshot) -> Made {
    let lists = world.scenery.lists(set);
    let dossier = Dossier::new(snapshot, &lists, SignedDuration::from_millis(world.idle_slack));
    let mut claims = BTreeMap::new();
    for evidence in dossier.iter() {
        let rules = set.rules.iter().enumerate();
        let of_session =
            rules.filter_map(|(number, rule)| Some(((number, evidence.session.id), claim_of(rule, set, &evidence)?)));
        claims.extend(of_session);
    }
    let plan = plan(&dossier, set, &evaluate(&dossier, set), Mode::Enforce);
    let guarded = guard(&plan, set, &dossier, &super::real::belts(world), CycleKind::Enforcing);
    let mut hearsay = 0;
    for (intention, held) in plan.intentions.iter().zip(&guarded.held) {
        for (claim, held) in intention.claims.iter().zip(held) {
            let is_hearsay = claim.strength == Strength::Hearsay;
            assert_eq!(held.is_some_and(|held| held.belt == Belt::Hearsay), is_hearsay, "{claim:?}");
            let grounds = grounds_of(&dossier, set, intention.place, claim.rule);
            let weakest = grounds.iter().map(|ground| ground.strength).min();
            assert_eq!(weakest == Some(Strength::Hearsay), is_hearsay, "{claim:?} {grounds:?}");
            hearsay += usize::from(is_hearsay);
        }
    }
    let cleared = guarded.cleared.into_iter().map(|one| (one.user(), one.spend())).collect();
    Made { claims, cleared, hearsay }
}

/// INVARIANTS 5 and 16, of what anybody can forge.
#[test]
fn whatever_is_forged_ends_nobody_and_shields_nobody() {
    let (mut hearsay_claims, mut kept, mut cleared) = (0, 0, 0);
    for seed in 0..SEEDS {
        let (world, law) = scene(seed);
        let set = rules(&law);
        let without = world.snapshot();
        let mut rng = Rng::with_seed(seed);
        let with = Snapshot { hearsay: hearsay(&mut rng, &world), ..without.clone() };
        let (before, after) = (made(&world, &set, &without), made(&world, &set, &with));
        assert_eq!((before.hearsay, &after.cleared), (0, &before.cleared), "seed {seed}");
        assert!(before.claims.keys().eq(after.claims.keys()), "seed {seed}");
        for (key, claim) in &before.claims {
            match (claim, &after.claims[key]) {
                (Claim::Undecided(_), Claim::Fired(Strength::Hearsay)) => hearsay_claims += 1,
                (before, after) => assert_eq!(before, after, "seed {seed}: {key:?}"),
            }
        }
        kept += after.claims.values().filter(|claim| matches!(claim, Claim::Spared(_))).count();
        cleared += after.cleared.len();
    }
    assert!(hearsay_claims > 1_000 && kept > 1_000 && cleared > 100, "{hearsay_claims} {kept} {cleared}");
}
