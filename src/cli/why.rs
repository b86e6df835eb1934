//! `evictd why`: whether a person was signed out, when, why, and whom to ask: for whoever answers them.

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr as _;

use clap::Args;
use jiff::{SignedDuration, Timestamp};

use super::account::trail_of;
use super::load::{Loaded, load, policies};
use super::plan::offline;
use super::report::since;
use super::{Exit, Failure, Format, Where, screen::Screen};
use crate::cycle::judge;
use crate::diagnostic::quoted;
use crate::model::{Foreign, Outcome, UserId};
use crate::record::{Entry, Line, Sidecar, whole_lines};
use crate::report::{Loss, Why, person_of, would_end};
use crate::trail;

const DAY: SignedDuration = SignedDuration::from_hours(24);

#[derive(Debug, Args)]
pub(super) struct WhyArgs {
    /// The person: an e-mail address, or a user id
    #[arg(long, value_name = "WHO")]
    user: String,
    /// How far back to look, as in `2h` or `3d` [default: 24h]
    #[arg(long, value_name = "LENGTH")]
    since: Option<String>,
    #[command(flatten)]
    place: Where,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub(super) fn run(args: &WhyArgs, screen: Screen) -> Result<Exit, Failure> {
    let since = since(args.since.as_deref(), DAY)?;
    let loaded = load(&args.place, screen)?;
    let set = policies(&loaded, screen)?;
    let file = loaded.last_snapshot();
    // What is there and cannot be read is not the same as nothing.
    let seen = if matches!(file.try_exists(), Ok(false)) { None } else { Some(offline(&file, &loaded, &set, screen)?) };
    let by_id = UserId::from_str(&args.user).ok();
    let in_snapshot = seen.as_ref().and_then(|(_, snapshot)| {
        let is_it = |text: &str| text.eq_ignore_ascii_case(args.user.trim());
        let mut people = snapshot.people.iter();
        let named = people.find(|(_, person)| person.email.as_ref().is_some_and(|email| is_it(email.raw())));
        named.map(|(user, _)| *user)
    });
    let told = Told::read(&loaded, since, &args.user)?;
    let user = by_id.or(in_snapshot).or(told.named).ok_or_else(|| {
        let what = quoted(&args.user);
        Failure::new(Exit::Findings, format!("nobody is known as {what}: not to the last cycle, nor to the trail"))
            .help("whoever has no session is not listed; give the user id, or a longer `--since`")
    })?;
    let snapshot = seen.as_ref().map(|(_, snapshot)| snapshot);
    let (again, held) = seen.as_ref().map_or_else(Default::default, |(lists, snapshot)| {
        would_end(&judge(&loaded.account, &set, lists, snapshot), user)
    });
    let known = snapshot.filter(|snapshot| snapshot.people.contains_key(&user));
    let why = Why {
        person: known.map_or_else(|| Foreign::new(args.user.as_str()), |snapshot| person_of(snapshot, user)),
        since,
        losses: told.losses(user),
        policies: &set,
        looked_at: snapshot.map(|snapshot| snapshot.now),
        again,
        held,
    };
    match args.format {
        Format::Text => screen.out(&why.text()),
        Format::Json => screen.json(&why.json()),
    }
    Ok(Exit::Done)
}

/// What the trail says since an instant.
#[derive(Default)]
struct Told {
    /// Who has the address that was asked about.
    named: Option<UserId>,
    /// By the number of the intent: which facts it rested on.
    facts: BTreeMap<String, BTreeSet<String>>,
    losses: Vec<(String, Option<String>, Loss)>,
}

impl Told {
    fn read(loaded: &Loaded, since: Timestamp, who: &str) -> Result<Self, Failure> {
        let mut told = Self::default();
        if matches!(loaded.trail().try_exists(), Ok(false)) {
            return Ok(told);
        }
        let medium = trail_of(loaded)?;
        for first_seq in trail::segments(&medium)? {
            let bytes = trail::read_segment(&medium, first_seq)?;
            let mut sidecar: Option<Sidecar> = None;
            for line in whole_lines(&bytes).0.filter_map(|line| Line::read(line).ok()) {
                if line.at >= since {
                    told.take(&line);
                }
                if line.personal.is_some() && matches!(line.entry, Entry::ClaimBegan(_) | Entry::ClaimChanged(_)) {
                    if sidecar.is_none() {
                        sidecar = Some(trail::read_sidecar(&medium, first_seq)?);
                    }
                    let text = sidecar.as_ref().and_then(|sidecar| sidecar.text(line.seq)).unwrap_or_default();
                    told.named = named_in(text, who).or(told.named);
                }
            }
        }
        Ok(told)
    }

    fn take(&mut self, line: &Line) {
        match &line.entry {
            Entry::RevocationIntended(body) => {
                let facts = body.facts.iter().map(|fact| fact.fact.clone()).collect();
                self.facts.insert(line.seq.to_string(), facts);
            }
            Entry::RevocationOutcome(body) => {
                let outcome = Outcome::from_word(&body.outcome);
                let at = body.answered_at.parse().ok();
                if let Some((outcome, at)) = outcome.zip(at) {
                    let (rules, sessions) = (body.rules.clone(), body.sessions.len());
                    let loss = Loss { at, rules, facts: Vec::new(), sessions, outcome };
                    self.losses.push((body.user.clone(), body.intent.clone(), loss));
                }
            }
            _ => {}
        }
    }

    /// Of one person. Of an intent that was settled later, the last word counts.
    fn losses(&self, user: UserId) -> Vec<Loss> {
        let user = user.to_string();
        let own: Vec<_> = self.losses.iter().filter(|(of, _, _)| *of == user).collect();
        let is_last = |place: usize, intent: &Option<String>| {
            intent.is_none() || own.iter().skip(place + 1).all(|(_, later, _)| later != intent)
        };
        let last = own.iter().enumerate().filter(|(place, (_, intent, _))| is_last(*place, intent));
        last.map(|(_, (_, intent, loss))| {
            let facts = intent.as_ref().and_then(|intent| self.facts.get(intent));
            Loss { facts: facts.into_iter().flatten().cloned().collect(), ..loss.clone() }
        })
        .collect()
    }
}

/// The person with this address among those that a record's personal part names.
fn named_in(personal: &str, who: &str) -> Option<UserId> {
    let personal: serde_json::Value = serde_json::from_str(personal).ok()?;
    let address = format!("<{}>", who.trim().to_ascii_lowercase());
    let people = personal.get("people")?.as_object()?.iter();
    let mut named =
        people.filter(|(_, name)| name.as_str().is_some_and(|name| name.to_ascii_lowercase().ends_with(&address)));
    named.find_map(|(user, _)| UserId::from_str(user).ok())
}
