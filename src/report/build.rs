//! A report from the stages of a cycle.

use super::claims::{self, ClaimRow, HeldRow};
use jiff::{SignedDuration, Timestamp};

use super::{DatabaseRow, Report, ReturnRow, RuleRow, TokenRow, UndecidedRow};
use crate::evaluate::Judgement;
use crate::evidence::Dossier;
use crate::grade::{Fate, Return, returns, undone};
use crate::guard::{Belt, Guarded, people_seen};
use crate::model::{Act, Cause, Completeness, Database, Foreign, ListStanding, Mode, Person, SourceStanding, UserId};
use crate::plan::{Intention, Plan, Planned, grounds_of};
use crate::policy::{Exception, PolicySet};
use crate::record::TokenHeld;
use crate::snapshot::Snapshot;
use crate::watch;

/// The stages a report tells of.
#[derive(Debug, Clone, Copy)]
pub struct Stages<'a> {
    /// The evidence.
    pub dossier: &'a Dossier<'a>,
    /// What was asked.
    pub policies: &'a PolicySet,
    /// What was answered.
    pub judgement: &'a Judgement,
    /// What should go.
    pub plan: &'a Plan,
    /// What the belts hold.
    pub guarded: &'a Guarded,
    /// The account's mode.
    pub mode: Mode,
}

/// Tells of these stages, and of what became of what was cleared.
pub fn report(stages: Stages<'_>, fates: &[Fate]) -> Report {
    let snapshot = stages.dossier.snapshot();
    let mut claims = claim_rows(stages);
    claims::order(&mut claims);
    let fates = claims::apply(&mut claims, fates);
    let people_seen = people_seen(snapshot).unwrap_or_default();
    let mut rules = rule_rows(stages);
    let returns = returns(stages.plan, stages.policies, stages.dossier);
    claims::count(&claims, &mut rules);
    Report {
        account: snapshot.account.clone(),
        cycle: snapshot.cycle.clone(),
        now: snapshot.now.to_string(),
        mode: stages.mode,
        scope: snapshot.scope,
        complete: snapshot.is_complete(),
        policy: stages.policies.digest.clone(),
        sessions_seen: stages.dossier.len(),
        people_seen: people_seen.into_iter().collect(),
        databases: snapshot.databases.iter().map(DatabaseRow::from).collect(),
        warnings: told_before(snapshot)
            .chain(warnings(snapshot, stages.mode))
            .chain(of_lookups(stages.dossier))
            .chain(watch::falls(&watch::measures(stages.dossier, stages.policies, stages.judgement)))
            .chain(alarms(&claims))
            .chain(undone(&returns, stages.dossier))
            .chain(expired(stages.policies, snapshot))
            .collect(),
        revoke: claims::revoke_rows(&claims, &fates),
        came_back: returns.into_iter().map(|one| return_row(one, snapshot)).collect(),
        withheld: claims::withheld_rows(&claims),
        tokens: token_rows(snapshot),
        undecided: undecided_rows(stages),
        belts: stages.guarded.gauges.clone(),
        rules,
    }
}

fn return_row(one: Return, snapshot: &Snapshot) -> ReturnRow {
    let Return { session, user, rule, new, after } = one;
    ReturnRow { session, user, person: person_of(snapshot, user), rule, new, after }
}

fn token_rows(snapshot: &Snapshot) -> Vec<TokenRow> {
    let held = snapshot.tokens.iter().flat_map(|seen| &seen.held);
    let rows = held.flat_map(|(user, tokens)| {
        let row = |token| TokenRow { user: *user, person: person_of(snapshot, *user), token: TokenHeld::from(token) };
        tokens.iter().map(row)
    });
    rows.collect()
}

fn claim_rows(stages: Stages<'_>) -> Vec<ClaimRow> {
    let mut rows = Vec::new();
    for (intention, held) in stages.plan.intentions.iter().zip(&stages.guarded.held) {
        for (claim, held) in intention.claims.iter().zip(held) {
            let Some(rule) = stages.policies.rules.get(claim.rule) else { continue };
            rows.push(ClaimRow {
                session: intention.session,
                user: intention.user,
                person: person_of(stages.dossier.snapshot(), intention.user),
                stratum: intention.stratum,
                rule: rule.id.clone(),
                severity: rule.severity,
                mode: claim.mode,
                action: claim.action,
                reasons: reasons_of(stages, intention, claim),
                strength: claim.strength,
                held: held.map(|held| HeldRow {
                    belt: held.belt.word().to_owned(),
                    limit: held.limit,
                    count: held.count,
                }),
            });
        }
    }
    rows
}

fn reasons_of(stages: Stages<'_>, intention: &Intention, claim: &Planned) -> Vec<String> {
    let grounds = grounds_of(stages.dossier, stages.policies, intention.place, claim.rule);
    grounds.into_iter().map(|ground| ground.reason).collect()
}

/// Name and e-mail as they are shown; a person without a record is told by id.
pub fn person_of(snapshot: &Snapshot, user: UserId) -> Foreign {
    snapshot.people.get(&user).map_or_else(|| Foreign::new(format!("user {user}")), |person| full_name(person))
}

/// Name and e-mail, as far as the record has them.
pub fn full_name(person: &Person) -> Foreign {
    match &person.email {
        Some(email) => Foreign::new(format!("{} <{}>", person.name.raw(), email.raw())),
        None => person.name.clone(),
    }
}

fn undecided_rows(stages: Stages<'_>) -> Vec<UndecidedRow> {
    let mut rows = Vec::new();
    for (rule, tally) in stages.policies.rules.iter().zip(&stages.judgement.tallies) {
        rows.extend(tally.causes.iter().map(|(cause, unsettled)| UndecidedRow {
            rule: rule.id.clone(),
            cause: *cause,
            sessions: unsettled.sessions,
            people: unsettled.people,
            examples: unsettled.examples.clone(),
        }));
    }
    rows
}

fn rule_rows(stages: Stages<'_>) -> Vec<RuleRow> {
    stages
        .policies
        .rules
        .iter()
        .zip(&stages.judgement.tallies)
        .map(|(rule, tally)| RuleRow {
            rule: rule.id.clone(),
            title: rule.title.clone(),
            severity: rule.severity,
            mode: rule.mode.min(stages.mode),
            fired: tally.fired,
            spared: tally.spared,
            spared_by_unknown: tally.spared_by_unknown,
            clear: 0,
            withheld: 0,
            undecided: tally.undecided,
        })
        .collect()
}

/// What was known before the cycle began: what made protection weaker, a budget that does not suffice, databases.
fn told_before(snapshot: &Snapshot) -> impl Iterator<Item = String> + '_ {
    snapshot.unasked.iter().map(|line| Foreign::new(line.as_str()).to_string())
}

/// Whoever an expired exception spared is spared no more: that must not come as a surprise.
fn expired(policies: &PolicySet, snapshot: &Snapshot) -> Vec<String> {
    let is_over = |exception: &&Exception| snapshot.clocks.trusted && !exception.is_in_force(snapshot.now);
    let over = policies.exceptions.iter().filter(is_over);
    over.map(|one| {
        format!("exception `{}` expired after {}: it spares nobody; remove or renew it", one.id, one.expires)
    })
    .collect()
}

/// What somebody has to look at, whatever else the report says.
fn alarms(claims: &[ClaimRow]) -> Vec<String> {
    let held = |belt: Belt, least: u64| {
        let is_meant = |held: &HeldRow| held.belt == belt.word() && held.count.unwrap_or(least) >= least;
        claims.iter().filter(|claim| claim.held.as_ref().is_some_and(is_meant)).count()
    };
    let mut lines = Vec::new();
    let (protected, present) = (held(Belt::Protected, 0), held(Belt::JustRevoked, 2));
    if protected > 0 {
        lines.push(format!(
            "critical: rules claim protected people ({protected} claims): either a rule or a protected person is wrong"
        ));
    }
    if present > 0 {
        lines.push(format!(
            "{present} claims are on sessions that Zendesk said twice are gone and still lists: end them in Zendesk"
        ));
    }
    lines
}

/// What somebody has to know of an offboarding list.
fn of_list(name: &str, list: &ListStanding) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(trouble) = &list.unknown {
        let help = trouble.help.as_ref().map(|help| format!("; {help}")).unwrap_or_default();
        lines.push(format!("offboarding list `{name}`: {}: nobody can say who is on it{help}", trouble.why));
    }
    let counted = [
        (list.pending, "wait for `evictd offboard accept`: too many were new in a day"),
        (list.unmatched, "match nobody in Zendesk"),
        (list.ambiguous, "match several people"),
        (list.unreadable, "cannot be read"),
    ];
    let told = counted.iter().filter(|(rows, _)| *rows > 0);
    lines.extend(told.map(|(rows, what)| format!("offboarding list `{name}`: {rows} rows {what}")));
    lines
}

/// What is wrong with the file of a list, in a few words.
fn of_list_file(cause: Cause) -> &'static str {
    match cause {
        Cause::ListStale => "it is older than `older-than-max` allows",
        Cause::Partial => "some of its lines cannot be read",
        Cause::ClockSkew => "its file is dated in the future",
        _ => "its file cannot be used",
    }
}

/// A place database older than this is told: what it says of addresses that changed hands is no longer so.
const DATABASE_AGE_MAX: SignedDuration = SignedDuration::from_hours(45 * 24);

/// What somebody has to know of named lists and place databases.
fn of_lookups(dossier: &Dossier<'_>) -> Vec<String> {
    let snapshot = dossier.snapshot();
    let unsure = dossier.lists().iter().filter_map(|list| Some((&list.name, list.unknown?, list.contents.is_some())));
    let mut lines: Vec<String> = unsure
        .map(|(name, cause, has_members)| {
            let what = if has_members { "of what is not on it" } else { "of what is on it" };
            format!("list `{name}`: {}: nothing is known {what}", of_list_file(cause))
        })
        .collect();
    let stood_in =
        dossier.lists().iter().filter_map(|list| Some((&list.name, list.file.as_ref()?.stands_in.as_ref()?)));
    lines.extend(stood_in.map(|(name, why)| format!("list `{name}`: {why}: what it last said stays in force")));
    for database in &snapshot.databases {
        let age = database.built.duration_until(snapshot.now);
        if age > DATABASE_AGE_MAX {
            let name = Foreign::new(database.name.as_str());
            let days = age.as_hours() / 24;
            lines.push(format!("place database `{name}` is {days} days old: `evictd places` says how to renew it"));
        }
    }
    lines
}

impl From<&Database> for DatabaseRow {
    fn from(database: &Database) -> Self {
        Self {
            name: Foreign::new(database.name.as_str()),
            kind: Foreign::new(database.kind.as_str()),
            built: database.built.to_string(),
        }
    }
}

/// A source that tells nothing newer than this is worth a warning, whatever else it says of itself.
const SILENT_MAX: SignedDuration = SignedDuration::from_mins(30);

/// What a reader has to know of a source of sign-ins or of use.
fn of_source(name: &str, source: &SourceStanding, now: Timestamp) -> Option<String> {
    let (name, tells) = (Foreign::new(name), if source.tells == Act::SignIn { "opened" } else { "used" });
    match source.unknown {
        Some(Cause::PlanLacks) => Some(format!(
            "nothing tells where sessions are {tells}: the account has no {}, and no feed is configured (docs/feeds.md)",
            name.to_string().replace('-', " ")
        )),
        Some(cause) => Some(format!("source `{name}` cannot be relied on ({}): {}", cause.word(), cause.text())),
        None if source.as_of.duration_until(now) > SILENT_MAX => Some(format!(
            "source `{name}` tells nothing newer than {:.0}: it is far behind, or switched off",
            source.as_of
        )),
        None => None,
    }
}

/// Nothing personal stands here: the trail keeps these lines.
fn warnings(snapshot: &Snapshot, mode: Mode) -> Vec<String> {
    let mut lines = Vec::new();
    if let Completeness::Partial(why) = &snapshot.listing {
        lines.push(format!(
            "the listing is partial ({}): nothing that counts sessions is known",
            Foreign::new(why.as_str())
        ));
    }
    if let Some(why) = snapshot.cut.values().next() {
        lines.push(format!(
            "the listings of {} people are partial ({}): nothing that counts their sessions is known",
            snapshot.cut.len(),
            Foreign::new(why.as_str())
        ));
    }
    if !snapshot.clocks.trusted {
        lines.push(format!(
            "the host's clock and Zendesk's differ by {} s: nothing about time can be decided and nothing is revoked; set this \
             host's clock",
            snapshot.clocks.host_offset.as_secs()
        ));
    }
    if let Some(pause) = &snapshot.pause {
        let until =
            pause.until.map_or("until somebody removes the pause".to_owned(), |until| format!("until {until:.0}"));
        lines.push(format!("the account is paused {until}: nothing is revoked"));
    }
    if !snapshot.unread.is_empty() {
        let number = snapshot.unread.len();
        let whose = if number == 1 { "the record of 1 person" } else { &format!("the records of {number} people") };
        lines.push(format!(
            "{whose} could not be read: nothing about them is decided by it, and nothing of theirs ends"
        ));
    }
    lines.extend(snapshot.lists.iter().flat_map(|(name, list)| of_list(name, list)));
    lines.extend(snapshot.sources.iter().filter_map(|(name, source)| of_source(name, source, snapshot.now)));
    let unresolved = snapshot.protected.unresolved.len();
    if unresolved > 0 {
        let what = if unresolved == 1 { "entry of `protected` matches" } else { "entries of `protected` match" };
        lines.push(format!(
            "{unresolved} {what} nobody, or several people: enforcement is refused until that is mended"
        ));
    }
    if mode == Mode::Enforce && !snapshot.protects_admin() {
        lines.push("`protected` names no admin: enforcement is refused until it does".to_owned());
    }
    lines
}
