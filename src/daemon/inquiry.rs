//! Why somebody was signed out, for whoever answers them: by the trail, the last look and the policies in force. Nothing is
//! asked of Zendesk and nothing is written, so that the service desk may have it without reading any file of evictd's.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::str::FromStr as _;

use jiff::Timestamp;

use crate::address::Lists;
use crate::config::Account;
use crate::control::Refusal;
use crate::cycle::judge;
use crate::files::Disk;
use crate::model::{Foreign, Outcome, SessionId, UserId};
use crate::policy::PolicySet;
use crate::record::{Entry, Line, Sidecar, users_of, whole_lines};
use crate::report::{Loss, Why, person_of, would_end};
use crate::snapshot::Snapshot;
use crate::trail::{self, TrailTrouble};

/// What an answer comes from.
#[derive(Clone, Copy)]
pub struct Inquiry<'a> {
    /// The account.
    pub account: &'a Account,
    /// The policies in force, and their lists as they stand.
    pub policies: &'a PolicySet,
    /// What named lists say now.
    pub lists: &'a Lists,
    /// What the last sweep saw; none if there was none.
    pub snapshot: Option<&'a Snapshot>,
    /// The folder of the trail.
    pub records: &'a Path,
}

/// What there is to say of this person, named by an e-mail address or an id, from an instant on.
///
/// # Errors
///
/// When nobody is known by that name, or the trail cannot be read.
pub fn why<'a>(inquiry: Inquiry<'a>, who: &str, since: Timestamp) -> Result<Why<'a>, Refusal> {
    let Inquiry { account, policies, lists, snapshot, records } = inquiry;
    let in_snapshot = snapshot.and_then(|snapshot| {
        let is_it = |text: &str| text.eq_ignore_ascii_case(who.trim());
        let mut people = snapshot.people.iter();
        let named = people.find(|(_, person)| person.email.as_ref().is_some_and(|email| is_it(email.raw())));
        named.map(|(user, _)| *user)
    });
    let told = Told::read(records, since, who)?;
    let is_known =
        |user: &UserId| told.knows(*user) || snapshot.is_some_and(|snapshot| snapshot.people.contains_key(user));
    let by_id = UserId::from_str(who).ok().filter(is_known);
    let user = by_id.or(in_snapshot).or(told.named).ok_or_else(|| {
        let what = Foreign::new(who);
        Refusal::new(1, format!("nobody is known as `{what}`: not to the last cycle, nor to the trail"))
            .help("whoever has no session is not listed; give the user id, or a longer `--since`")
    })?;
    let (again, held) = snapshot.map_or_else(Default::default, |snapshot| {
        let gone = told.gone_since(user, snapshot.now);
        would_end(&judge(account, policies, lists, snapshot), user, |session| gone.includes(session))
    });
    let known = snapshot.filter(|snapshot| snapshot.people.contains_key(&user));
    Ok(Why {
        person: known.map_or_else(|| Foreign::new(who), |snapshot| person_of(snapshot, user)),
        since,
        losses: told.losses(user),
        policies,
        looked_at: snapshot.map(|snapshot| snapshot.now),
        again,
        held,
    })
}

fn unread(trouble: &TrailTrouble) -> Refusal {
    Refusal::new(74, trouble.to_string())
}

/// What the trail says since an instant.
#[derive(Default)]
struct Told {
    /// Who has the address that was asked about.
    named: Option<UserId>,
    /// By the number of the intent: which facts it rested on.
    facts: BTreeMap<String, BTreeSet<String>>,
    losses: Vec<(String, Option<String>, Loss)>,
    /// Whom records name.
    people: BTreeSet<String>,
    /// Intents of humans, by their numbers.
    levers: BTreeSet<String>,
    /// Sessions that were ended, with whose they are and when; none names all of the person.
    ended: Vec<(String, Timestamp, Vec<String>)>,
}

/// Sessions that are gone since a look.
struct Gone {
    all: bool,
    sessions: BTreeSet<String>,
}

impl Gone {
    fn includes(&self, session: SessionId) -> bool {
        self.all || self.sessions.contains(&session.to_string())
    }
}

impl Told {
    fn read(folder: &Path, since: Timestamp, who: &str) -> Result<Self, Refusal> {
        let mut told = Self::default();
        if matches!(folder.try_exists(), Ok(false)) {
            return Ok(told);
        }
        let medium = Disk::at(folder);
        for first_seq in trail::segments_since(&medium, since).map_err(|trouble| unread(&trouble))? {
            let bytes = trail::read_segment(&medium, first_seq).map_err(|trouble| unread(&trouble))?;
            let mut sidecar: Option<Sidecar> = None;
            for line in whole_lines(&bytes).0.filter_map(|line| Line::read(line).ok()) {
                told.people.extend(users_of(&line.entry).into_iter().map(str::to_owned));
                if line.at >= since {
                    told.take(&line);
                }
                if line.personal.is_some() && matches!(line.entry, Entry::ClaimBegan(_) | Entry::ClaimChanged(_)) {
                    if sidecar.is_none() {
                        sidecar = Some(trail::read_sidecar(&medium, first_seq).map_err(|trouble| unread(&trouble))?);
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
                if body.rules.is_empty() {
                    self.levers.insert(line.seq.to_string());
                }
                let facts = body.facts.iter().map(|fact| fact.fact.clone()).collect();
                self.facts.insert(line.seq.to_string(), facts);
            }
            Entry::RevocationOutcome(body) => {
                let outcome = Outcome::from_word(&body.outcome);
                let at = body.answered_at.parse().ok();
                if let Some((outcome, at)) = outcome.zip(at) {
                    if outcome.is_answered() {
                        self.ended.push((body.user.clone(), at, body.sessions.clone()));
                    }
                    let (rules, sessions) = (body.rules.clone(), body.sessions.len());
                    let by_human = body.intent.as_ref().is_some_and(|intent| self.levers.contains(intent));
                    let loss = Loss { at, rules, facts: Vec::new(), sessions, outcome, by_human };
                    self.losses.push((body.user.clone(), body.intent.clone(), loss));
                }
            }
            _ => {}
        }
    }

    /// Whether any record names this person.
    fn knows(&self, user: UserId) -> bool {
        self.people.contains(&user.to_string())
    }

    fn gone_since(&self, user: UserId, look: Timestamp) -> Gone {
        let user = user.to_string();
        let since = self.ended.iter().filter(|(of, at, _)| *of == user && *at >= look);
        let lists: Vec<&Vec<String>> = since.map(|(_, _, sessions)| sessions).collect();
        let all = lists.iter().any(|sessions| sessions.is_empty());
        Gone { all, sessions: lists.into_iter().flatten().cloned().collect() }
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
