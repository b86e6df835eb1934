//! The incident lever: all sessions of named people end now. It passes account mode, rules, belts and windows; trail,
//! protected people and evictd's own user it does not pass.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::command::{Wanted, reasonable};
use super::{Answer, Caller, Ground, Refusal};
use crate::clock::Clock;
use crate::config::{Account, looks_like_email};
use crate::enforce::{Aimed, Brakes, LeverBench, Lost, revoke_people};
use crate::model::{Foreign, Grade, Outcome, Pause, Person, UserId};
use crate::record::LeverUsed;
use crate::report::full_name;
use crate::zendesk::{PEOPLE_PER_CALL_MAX, Purpose, Zendesk};

/// Above so many people the caller has to say how many are expected.
pub const ASKED_FROM: usize = 10;
/// So many people at once at most.
pub const PEOPLE_MAX: usize = 2_000;

/// Beyond this the host's clock and Zendesk's disagree, and the earlier of the two dates what is written.
const CLOCKS_APART_MAX: SignedDuration = SignedDuration::from_secs(30);

/// Bytes of what is named with a command.
const WORD_BYTES_MAX: usize = 254;

/// Faults that are shown.
const FAULTS_MAX: usize = 20;

/// Whom it would end, with how many sessions; nothing is ended or written.
///
/// # Errors
///
/// When somebody of them cannot be found, or must not lose a session.
pub async fn look(
    wanted: &Wanted,
    zendesk: &Zendesk,
    (account, clock): (&Account, &dyn Clock),
) -> Result<Answer, Refusal> {
    let (people, _) = resolve(wanted, zendesk, (account, clock)).await?;
    let is_few = people.len() <= PEOPLE_PER_CALL_MAX;
    let mut rows = Vec::new();
    for one in &people {
        let mut row = json!({ "user": one.user.to_string(), "person": one.name, "stratum": one.stratum.word() });
        if is_few && let Some(object) = row.as_object_mut() {
            let listing = zendesk.sessions_of(one.user, Purpose::Act).await;
            let known = listing.completeness.is_complete();
            object.insert("sessions".to_owned(), if known { listing.rows.len().into() } else { Value::Null });
        }
        rows.push(row);
    }
    Ok(Answer::of(json!({ "schema": 1, "account": account.name.as_str(), "people": rows })))
}

pub(super) async fn revoke(wanted: &Wanted, caller: &Caller, ground: Ground<'_>) -> Result<Answer, Refusal> {
    let reason = reasonable(&wanted.reason)?;
    let ticket = wanted.ticket.as_deref().map(word).transpose()?;
    let zendesk = known(&ground)?;
    let (people, date) = resolve(wanted, zendesk, (ground.account, ground.clock)).await?;
    expected(wanted, people.len())?;
    let despite = Despite(ground.brakes);
    let brakes: &dyn Brakes = if wanted.despite_pause { &despite } else { ground.brakes };
    if brakes.pause().is_some() {
        return Err(
            Refusal::new(69, "the account is paused: nothing is ended").help("say `--despite-pause` if it must be")
        );
    }
    let record = LeverUsed {
        lever: "revoke".to_owned(),
        people: people.iter().map(|one| one.user.to_string()).collect(),
        reason,
        by: caller.who.clone(),
        ticket,
    };
    let names: serde_json::Map<String, Value> =
        people.iter().map(|one| (one.user.to_string(), one.name.clone().into())).collect();
    ground.trail.write_durably(None, record.into(), Some(json!({ "people": names })))?;
    let clock = ground.clock;
    let at = (date, clock.monotonic());
    let mut bench = LeverBench { zendesk, trail: ground.trail, brakes, clock, by: &caller.who, at };
    let lost = revoke_people(&people, &mut bench).await?;
    let rows: Vec<Value> = people.iter().zip(&lost).map(|(one, lost)| row(one, lost)).collect();
    let document = json!({ "schema": 1, "account": ground.account.name.as_str(), "people": rows });
    Ok(Answer { exit: exit_of(&lost), document })
}

pub(super) fn known<'a>(ground: &Ground<'a>) -> Result<&'a Zendesk, Refusal> {
    ground.zendesk.ok_or_else(|| Refusal::new(70, "there is no Zendesk to ask"))
}

/// A pause that does not matter.
struct Despite<'b>(&'b dyn Brakes);

impl Brakes for Despite<'_> {
    fn pause(&self) -> Option<Pause> {
        None
    }

    fn stop(&self) -> bool {
        self.0.stop()
    }
}

fn word(text: &str) -> Result<String, Refusal> {
    if text.trim().is_empty() || text.len() > WORD_BYTES_MAX || text.chars().any(char::is_control) {
        return Err(Refusal::usage(format!("a ticket is one line of {WORD_BYTES_MAX} bytes at most")));
    }
    Ok(text.trim().to_owned())
}

fn expected(wanted: &Wanted, found: usize) -> Result<(), Refusal> {
    match wanted.expect {
        None if found > ASKED_FROM => {
            Err(Refusal::usage(format!("{found} people would lose their sessions, more than {ASKED_FROM}"))
                .help(format!("add `--expect {found}` if these are the people that are meant")))
        }
        Some(expected) if expected != found => {
            Err(Refusal::usage(format!("{expected} people are expected, and {found} are named: nobody lost a session")))
        }
        _ => Ok(()),
    }
}

/// Everybody who is named, each once, in the order they are named; and Zendesk's clock. All or nobody.
async fn resolve(
    wanted: &Wanted,
    zendesk: &Zendesk,
    (account, clock): (&Account, &dyn Clock),
) -> Result<(Vec<Aimed>, Timestamp), Refusal> {
    if wanted.people.is_empty() || wanted.people.len() > PEOPLE_MAX {
        return Err(Refusal::usage(format!("1 to {PEOPLE_MAX} people can be named, not {}", wanted.people.len())));
    }
    if !zendesk.has_hands() {
        return Err(Refusal::no_hands());
    }
    let me = zendesk.me().await.map_err(|trouble| Refusal::unanswered(&trouble))?;
    let revoker = zendesk.revoker().await.map_err(|trouble| Refusal::unanswered(&trouble))?;
    let named: Vec<&str> = wanted.people.iter().map(|text| text.trim()).collect();
    let ids: BTreeSet<UserId> = named.iter().filter_map(|text| text.parse().ok()).collect();
    let by_id = records(zendesk, &ids.into_iter().collect::<Vec<_>>()).await?;
    let (mut people, mut seen, mut faults): (Vec<Aimed>, BTreeSet<UserId>, Vec<String>) = Default::default();
    for text in named {
        let person = match text.parse::<UserId>() {
            Ok(user) => by_id.get(&user).cloned(),
            Err(_) if looks_like_email(text) => {
                zendesk
                    .person_by_email(text, Purpose::Act)
                    .await
                    .map_err(|trouble| Refusal::unanswered(&trouble))?
                    .value
            }
            Err(_) => {
                faults.push(format!("`{}` is neither an e-mail address nor an id", Foreign::new(text)));
                continue;
            }
        };
        match person {
            None => faults.push(format!("`{}` is nobody, or several people", Foreign::new(text))),
            Some(person) if person.id == me.value || Some(person.id) == revoker => {
                faults.push("evictd's own user is never signed out".to_owned());
            }
            Some(person) if account.protects(&person) => {
                faults.push(format!("`{}` is protected", Foreign::new(text)));
            }
            Some(person) if seen.insert(person.id) => people.push(Aimed {
                user: person.id,
                stratum: person.stratum(),
                name: full_name(&person).raw().to_owned(),
            }),
            Some(_) => {}
        }
    }
    if let Some(first) = faults.first() {
        let rest = faults.len() - 1;
        let refusal = |title: &str| Refusal::usage(format!("{title}: nobody lost a session"));
        if rest == 0 {
            return Err(refusal(first));
        }
        let all = faults.iter().take(FAULTS_MAX).cloned().collect::<Vec<_>>().join("; ");
        return Err(refusal(&format!("{first}, and {rest} more")).help(all));
    }
    let host = clock.now();
    let apart = host.duration_until(me.date).abs();
    Ok((people, if apart > CLOCKS_APART_MAX { host.min(me.date) } else { me.date }))
}

async fn records(zendesk: &Zendesk, ids: &[UserId]) -> Result<BTreeMap<UserId, Person>, Refusal> {
    let mut found = BTreeMap::new();
    for batch in ids.chunks(PEOPLE_PER_CALL_MAX) {
        let people = zendesk.people(batch, Purpose::Act).await.map_err(|trouble| Refusal::unanswered(&trouble))?.value;
        found.extend(people.into_iter().map(|person| (person.id, person)));
    }
    Ok(found)
}

fn row(one: &Aimed, lost: &Lost) -> Value {
    let count = |grade: Grade| lost.grades.values().filter(|found| **found == grade).count();
    json!({
        "user": one.user.to_string(),
        "person": one.name,
        "outcome": lost.outcome.map_or("withheld", Outcome::word),
        "detail": lost.detail,
        "sessions": lost.grades.len(),
        "ended": count(Grade::Ended),
        "still_present": count(Grade::StillPresent),
    })
}

/// 77 if Zendesk refused anything, 69 if anything was unclear or kept back.
fn exit_of(lost: &[Lost]) -> u8 {
    let any = |outcome: Option<Outcome>| lost.iter().any(|one| one.outcome == outcome);
    if any(Some(Outcome::Refused)) {
        77
    } else if any(Some(Outcome::Unclear)) || any(None) {
        69
    } else {
        0
    }
}
