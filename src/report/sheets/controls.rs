//! What the control did over a period, for whoever audits it: how long it was armed, how many sweeps it missed, which holds
//! waited how long for a human, and what made protection weaker. Rebuilt from the trail alone.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::model::{AccountName, Foreign, Mode, human_duration};
use crate::record::{ChangeTold, Changed, CycleFinished, Entry, Line};
use crate::report::Look;
use crate::report::grid::Grid;
use crate::report::text::bold;

/// More than so many sweeps without one that saw everything, and nobody watches.
const SWEEPS_MISSED_MAX: i32 = 3;

/// However often it sweeps: a hiccup of Zendesk's is no blindness.
const BLIND_AFTER_MIN: SignedDuration = SignedDuration::from_mins(15);

/// How the account stood for some time. Where several are true, the first of them counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stood {
    /// No sweep that saw everything was recent enough.
    Blind,
    /// A human had stopped it.
    Paused,
    /// It was to act, and Zendesk took no credential for it.
    Disarmed,
    /// It ended what rules asked for.
    Armed,
    /// It reported.
    Watching,
}

impl Stood {
    const ALL: [(Self, &'static str); 5] = [
        (Self::Armed, "armed"),
        (Self::Watching, "watching"),
        (Self::Paused, "paused"),
        (Self::Disarmed, "disarmed"),
        (Self::Blind, "blind"),
    ];
}

/// A hold of an enforcing rule, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct HoldRow {
    id: u64,
    at: Timestamp,
    rule: String,
    belt: String,
    people: usize,
    /// The word, when, and by whom; none while it waits.
    answer: Option<(&'static str, Timestamp, Option<String>)>,
}

impl HoldRow {
    fn response(&self) -> Option<SignedDuration> {
        self.answer.as_ref().map(|(_, at, _)| self.at.duration_until(*at))
    }
}

/// What is to be told, and since when the trail tells of it.
#[derive(Debug)]
pub struct Controls {
    account: AccountName,
    since: Timestamp,
    until: Timestamp,
    /// A sweep that saw everything is good for so long.
    good_for: SignedDuration,
    hours: Vec<(Stood, SignedDuration)>,
    sweeps: u64,
    partial: u64,
    missed: u64,
    holds: Vec<HoldRow>,
    weakened: Vec<(Timestamp, ChangeTold)>,
    now: Standing,
    /// Lines of the trail that could not be read.
    unread: u64,
}

/// How the account stands while records are taken in.
#[derive(Debug, Default)]
struct Standing {
    /// Up to when everything was told.
    at: Option<Timestamp>,
    seen_until: Option<Timestamp>,
    is_armed: bool,
    is_disarmed: bool,
    /// A pause in force ends then by itself, or at the end of time.
    paused_until: Option<Timestamp>,
    /// Whether the process that began last is the daemon.
    is_daemon: bool,
}

impl Controls {
    /// Of this account between two instants of the host's clock; it is to sweep this often.
    pub fn of(account: &AccountName, (since, until): (Timestamp, Timestamp), interval: SignedDuration) -> Self {
        let good_for = interval.checked_mul(SWEEPS_MISSED_MAX).unwrap_or(SignedDuration::MAX).max(BLIND_AFTER_MIN);
        Self {
            account: account.clone(),
            since,
            until,
            good_for,
            hours: Vec::new(),
            sweeps: 0,
            partial: 0,
            missed: 0,
            holds: Vec::new(),
            weakened: Vec::new(),
            now: Standing::default(),
            unread: 0,
        }
    }

    /// Takes in the next record of the trail; none is a line that cannot be read.
    pub fn hear(&mut self, line: Option<&Line>) {
        match line {
            Some(line) if line.at < self.until && line.account == self.account => {
                self.pass(line.at);
                self.take(line);
            }
            Some(_) => {}
            None => self.unread = self.unread.saturating_add(1),
        }
    }

    /// All was heard.
    #[must_use]
    pub fn whole(mut self) -> Self {
        self.pass(self.until);
        self.holds.retain(|hold| hold.at >= self.since);
        self
    }

    /// Lets time pass up to this instant, as the account stands.
    fn pass(&mut self, to: Timestamp) {
        while let Some(from) = self.now.at.filter(|from| *from < to) {
            let stood = self.now.stood(from);
            // Until something changes by itself.
            let ends = [self.now.seen_until, self.now.paused_until, Some(to)];
            let end = ends.into_iter().flatten().filter(|end| *end > from).min().unwrap_or(to).min(to);
            let counted = from.max(self.since).duration_until(end.max(self.since));
            self.hours.push((stood, counted));
            self.now.at = Some(end);
        }
        // A clock that was set back tells nothing for a while; before the first record nothing is told either.
        self.now.at = Some(self.now.at.map_or(to, |at| at.max(to)));
    }

    fn take(&mut self, line: &Line) {
        let now = &mut self.now;
        match &line.entry {
            Entry::DaemonStarted(body) => now.is_daemon = body.command == "run",
            Entry::DaemonStopped(_) if now.is_daemon => now.seen_until = Some(line.at),
            Entry::PauseBegan(body) => {
                let until = body.until.as_ref().and_then(|until| until.parse().ok());
                now.paused_until = Some(until.unwrap_or(Timestamp::MAX));
            }
            Entry::PauseEnded(_) => now.paused_until = None,
            Entry::CredentialRefused(body) if body.which == "revoker" => now.is_disarmed = true,
            Entry::CredentialBack(body) if body.which == "revoker" => now.is_disarmed = false,
            Entry::CycleFinished(body) if body.looked.is_none() => self.swept(line.at, body),
            Entry::PolicyLoaded(body) => self.weaken(line.at, &body.changed),
            Entry::ConfigLoaded(body) => self.weaken(line.at, &body.changed),
            Entry::HoldOpened(body) if body.mode == Mode::Enforce.word() => self.holds.push(HoldRow {
                id: line.seq,
                at: line.at,
                rule: body.rule.clone(),
                belt: body.belt.clone(),
                people: body.people.len(),
                answer: None,
            }),
            Entry::HoldGrew(body) => {
                self.with_hold(&body.hold, |hold| hold.people = hold.people.saturating_add(body.people.len()));
            }
            Entry::HoldReleased(body) => self.answer(&body.hold, ("released", line.at, Some(body.by.clone()))),
            Entry::HoldDiscarded(body) => self.answer(&body.hold, ("discarded", line.at, Some(body.by.clone()))),
            Entry::HoldExpired(body) => self.answer(&body.hold, ("expired", line.at, None)),
            _ => {}
        }
    }

    fn swept(&mut self, at: Timestamp, body: &CycleFinished) {
        if body.complete && body.clock_trusted {
            self.now.seen_until = at.checked_add(self.good_for).ok();
            let enforce = Mode::Enforce.word();
            self.now.is_armed = body.mode == enforce && body.rules.iter().any(|rule| rule.mode == enforce);
        }
        if at >= self.since {
            let (whole, partial) = if body.complete { (1, 0) } else { (0, 1) };
            (self.sweeps, self.partial) = (self.sweeps + whole, self.partial + partial);
            self.missed = self.missed.saturating_add(body.missed);
        }
    }

    fn weaken(&mut self, at: Timestamp, changed: &Changed) {
        if at >= self.since {
            self.weakened.extend(changed.weaker().into_iter().map(|change| (at, change)));
        }
    }

    fn with_hold(&mut self, id: &str, change: impl FnOnce(&mut HoldRow)) {
        let id = id.parse().ok();
        if let Some(hold) = self.holds.iter_mut().rev().find(|hold| Some(hold.id) == id) {
            change(hold);
        }
    }

    fn answer(&mut self, id: &str, answer: (&'static str, Timestamp, Option<String>)) {
        self.with_hold(id, |hold| hold.answer = Some(answer));
    }

    fn hours_of(&self, stood: Stood) -> SignedDuration {
        let of = self.hours.iter().filter(|(one, _)| *one == stood);
        of.fold(SignedDuration::ZERO, |total, (_, time)| total.saturating_add(*time))
    }

    fn told(&self) -> SignedDuration {
        self.hours.iter().fold(SignedDuration::ZERO, |total, (_, time)| total.saturating_add(*time))
    }

    /// How long the longest and the middle answered hold waited.
    fn responses(&self) -> Option<(SignedDuration, SignedDuration)> {
        let mut waits: Vec<SignedDuration> = self.holds.iter().filter_map(HoldRow::response).collect();
        waits.sort_unstable();
        Some((*waits.get(waits.len().saturating_sub(1) / 2)?, *waits.last()?))
    }

    /// The page.
    pub fn text(&self, look: Look) -> String {
        let account = &self.account;
        let mut page =
            format!("{}  account {account}, from {:.0} to {:.0}\n", bold("controls", look), self.since, self.until);
        let told = self.told();
        let period = self.since.duration_until(self.until);
        if told < period {
            page += &format!("the trail tells of {} of {}\n", human_duration(told), human_duration(period));
        }
        page += &unread_text(self.unread);
        if self.weakened.is_empty() {
            page += "\nnothing made protection weaker\n";
        } else {
            page += &format!("\n{}\n", bold("WHAT MADE, OR MAY HAVE MADE, PROTECTION WEAKER", look));
            let mut grid = Grid::new(&["AT", "WHAT", "CHANGE", "CLASS"]);
            for (at, change) in &self.weakened {
                grid.add([
                    format!("{at:.0}"),
                    format!("{} {}", change.item, Foreign::new(change.name.as_str())),
                    Foreign::new(change.what.join(", ")).to_string(),
                    change.class.clone(),
                ]);
            }
            page += &format!("{}\n", grid.text(look));
        }
        page += &format!("\n{}\n", bold("HOW IT STOOD", look));
        for (stood, word) in Stood::ALL {
            let time = self.hours_of(stood);
            let part = percent(time, told);
            page += &format!("  {word:<9} {:>10}  {part:>5.1} %\n", human_duration(time));
        }
        page += &format!(
            "\nsweeps    {} that saw everything, {} that did not, {} missed\n",
            self.sweeps, self.partial, self.missed
        );
        page + &self.holds_text(look)
    }

    fn holds_text(&self, look: Look) -> String {
        if self.holds.is_empty() {
            return "holds     none\n".to_owned();
        }
        let waits = self.responses().map_or(String::new(), |(middle, longest)| {
            let (middle, longest) = (human_duration(middle), human_duration(longest));
            format!(", answered or over after {middle} in the middle, {longest} at worst")
        });
        let mut page = format!("holds     {}{waits}\n\n", self.holds.len());
        let mut grid = Grid::new(&["HOLD", "OPENED", "RULE", "BELT", "PEOPLE", "ANSWER", "AFTER", "BY"]);
        for hold in &self.holds {
            let (word, by) = hold.answer.as_ref().map_or(("open", None), |(word, _, by)| (*word, by.clone()));
            grid.add([
                hold.id.to_string(),
                format!("{:.0}", hold.at),
                hold.rule.clone(),
                hold.belt.clone(),
                hold.people.to_string(),
                word.to_owned(),
                hold.response().map(human_duration).unwrap_or_default(),
                Foreign::new(by.unwrap_or_default()).to_string(),
            ]);
        }
        page += &format!("{}\n", grid.text(look));
        page
    }

    /// The document. Lengths of time are whole seconds.
    pub fn json(&self) -> Value {
        let seconds = |stood: Stood| self.hours_of(stood).as_secs();
        let stood: serde_json::Map<String, Value> =
            Stood::ALL.iter().map(|(stood, word)| ((*word).to_owned(), seconds(*stood).into())).collect();
        let holds: Vec<Value> = self
            .holds
            .iter()
            .map(|hold| {
                let (word, by) = hold.answer.as_ref().map_or(("open", None), |(word, _, by)| (*word, by.as_deref()));
                json!({
                    "id": hold.id.to_string(), "opened_at": hold.at.to_string(), "rule": hold.rule,
                    "belt": hold.belt, "people": hold.people, "answer": word, "by": by,
                    "seconds": hold.response().map(|wait| wait.as_secs()),
                })
            })
            .collect();
        let weakened: Vec<Value> = self
            .weakened
            .iter()
            .map(|(at, change)| {
                json!({ "at": at.to_string(), "item": change.item, "name": change.name, "what": change.what,
                        "class": change.class })
            })
            .collect();
        json!({
            "schema": 1, "account": self.account.as_str(), "since": self.since.to_string(),
            "until": self.until.to_string(), "seconds_told": self.told().as_secs(), "seconds": stood,
            "sweeps": { "complete": self.sweeps, "partial": self.partial, "missed": self.missed },
            "holds": holds, "weakened": weakened, "unread_lines": self.unread,
        })
    }
}

/// What a report that is made of the trail says of lines that it is not made of.
pub(super) fn unread_text(unread: u64) -> String {
    if unread == 0 {
        return String::new();
    }
    format!("warning: {unread} lines of the trail cannot be read, and are left out: `evictd audit verify` says which\n")
}

impl Standing {
    fn stood(&self, at: Timestamp) -> Stood {
        let is_paused = self.paused_until.is_some_and(|until| at < until);
        match self.seen_until {
            Some(until) if at < until && is_paused => Stood::Paused,
            Some(until) if at < until && self.is_armed && self.is_disarmed => Stood::Disarmed,
            Some(until) if at < until && self.is_armed => Stood::Armed,
            Some(until) if at < until => Stood::Watching,
            _ => Stood::Blind,
        }
    }
}

fn percent(part: SignedDuration, whole: SignedDuration) -> f64 {
    if whole.is_positive() { 100.0 * part.as_secs_f64() / whole.as_secs_f64() } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::record::{FIRST_PREV, HoldOpened, HoldReleased, PauseBegan, PauseEnded, PolicyLoaded};

    fn at(minute: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_mins(minute)
    }

    fn lines(entries: Vec<(i64, Entry)>) -> Vec<Line> {
        let line = |(seq, (minute, entry)): (usize, (i64, Entry))| Line {
            seq: seq as u64 + 1,
            at: at(minute),
            kind: entry.kind().to_owned(),
            account: AccountName::new("acme"),
            cycle: None,
            prev: FIRST_PREV.to_owned(),
            personal: None,
            entry,
        };
        entries.into_iter().enumerate().map(line).collect()
    }

    fn read(kind: &str, body: &Value) -> Entry {
        Entry::from_line(kind, &body.to_string()).unwrap()
    }

    fn sweep(mode: &str, rule: &str, complete: bool) -> Entry {
        let rule = json!({"rule": "r", "title": "R", "mode": rule, "severity": "low", "fired": 0, "spared": 0,
            "spared_by_unknown": 0, "clear": 0, "withheld": 0, "undecided": 0});
        read(
            "cycle.finished",
            &json!({"now": at(0).to_string(), "mode": mode, "policy": "p", "complete": complete, "sessions_seen": 0,
            "people_seen": {}, "clock_offset_ms": "0", "clock_trusted": true, "calls": 1, "missed": 2,
            "rules": [rule], "undecided": [], "warnings": []}),
        )
    }

    fn controls(since: i64, until: i64, entries: Vec<(i64, Entry)>) -> Value {
        let period = (at(since), at(until));
        let mut controls = Controls::of(&AccountName::new("acme"), period, SignedDuration::from_mins(5));
        for line in lines(entries) {
            controls.hear(Some(&line));
        }
        let controls = controls.whole();
        let json = controls.json();
        let text = controls.text(Look { width: 200, colour: false });
        assert!(text.contains("HOW IT STOOD") && text.contains("armed"), "{text}");
        json
    }

    fn minutes(json: &Value) -> [i64; 5] {
        ["armed", "watching", "paused", "disarmed", "blind"].map(|word| json["seconds"][word].as_i64().unwrap() / 60)
    }

    #[test]
    fn time_is_told_as_the_account_stood() {
        let start = || (0, read("daemon.started", &json!({"command": "run", "engine": "1", "pid": 1, "by": "0"})));
        let pause = |until: Option<i64>| {
            Entry::PauseBegan(PauseBegan {
                until: until.map(|until| at(until).to_string()),
                reason: "r".to_owned(),
                by: "0".to_owned(),
            })
        };
        // Blind until the first sweep that saw everything, then good for fifteen minutes each.
        let armed = || sweep("enforce", "enforce", true);
        let json =
            controls(0, 100, vec![start(), (10, armed()), (20, armed()), (21, sweep("enforce", "enforce", false))]);
        assert_eq!(minutes(&json), [25, 0, 0, 0, 75]);
        assert_eq!(json["sweeps"], json!({"complete": 2, "partial": 1, "missed": 6}));
        // The lower of the modes counts.
        let watching = vec![start(), (0, sweep("report", "report", true)), (10, sweep("enforce", "report", true))];
        assert_eq!(minutes(&controls(0, 20, watching)), [0, 20, 0, 0, 0]);
        // A pause ends by its time or by a human; who does not see is blind, paused or not.
        let paused = vec![start(), (0, armed()), (5, pause(Some(8))), (14, armed()), (20, pause(None))];
        assert_eq!(minutes(&controls(0, 40, paused)), [17, 0, 3 + 9, 0, 11]);
        let ended = vec![start(), (0, armed()), (2, pause(None)), (7, PauseEnded { by: None }.into())];
        assert_eq!(minutes(&controls(0, 10, ended)), [5, 0, 5, 0, 0]);
        let refused = |kind: &str| read(kind, &json!({"which": "revoker"}));
        let taken = vec![start(), (0, armed()), (4, refused("credential.refused")), (9, refused("credential.back"))];
        assert_eq!(minutes(&controls(0, 10, taken)), [5, 0, 0, 5, 0]);
        // Nobody watches after the daemon has stopped; what came before the period counts for how it began.
        let stopped = vec![start(), (0, armed()), (6, read("daemon.stopped", &json!({"exit": 0})))];
        assert_eq!(minutes(&controls(2, 12, stopped)), [4, 0, 0, 0, 6]);
        // Of what the trail does not tell nothing is said.
        let late = controls(-60, 5, vec![start(), (0, armed())]);
        assert_eq!((minutes(&late), late["seconds_told"].as_i64()), ([5, 0, 0, 0, 0], Some(300)));
        assert_eq!(minutes(&controls(0, 9, Vec::new())), [0; 5]);
    }

    #[test]
    fn holds_and_weakening_changes_of_the_period_are_told() {
        let opened = |mode: &str| {
            let body = json!({"rule": "r", "severity": "low", "belt": "jump", "limit": null, "count": null,
                "mode": mode, "opened_at": at(0).to_string(), "expires_at": at(9).to_string(),
                "people": {"1": "agents", "2": "agents"}, "digest": "d", "sessions": 2, "young": 0, "changed": []});
            serde_json::from_value::<HoldOpened>(body).unwrap()
        };
        let released = HoldReleased { hold: "2".to_owned(), digest: "d".to_owned(), by: "ann".to_owned() };
        let change = |class: &str| ChangeTold {
            item: "rule".to_owned(),
            name: class.to_owned(),
            what: vec!["mode".to_owned()],
            class: class.to_owned(),
        };
        let loaded = PolicyLoaded {
            signed: None,
            keys: Vec::new(),
            digest: "x".to_owned(),
            rules: BTreeMap::new(),
            changed: Changed {
                changes: ["widens", "weakens", "unclear", "neutral"].map(change).into(),
                ..Changed::default()
            },
        };
        let entries = vec![
            (0, opened("enforce").into()),
            (10, opened("enforce").into()),
            (11, opened("report").into()),
            (40, released.into()),
            (41, loaded.into()),
            (50, opened("enforce").into()),
        ];
        let json = controls(5, 60, entries);
        let holds = json["holds"].as_array().unwrap();
        assert_eq!(holds.len(), 2, "{json}");
        assert_eq!(
            (&holds[0]["answer"], &holds[0]["by"], &holds[0]["seconds"]),
            (&json!("released"), &json!("ann"), &json!(1800))
        );
        assert_eq!((&holds[1]["answer"], &holds[1]["seconds"]), (&json!("open"), &Value::Null));
        let weakened: Vec<_> = json["weakened"].as_array().unwrap().iter().map(|row| &row["name"]).collect();
        assert_eq!(weakened, ["weakens", "unclear"]);
    }
}
