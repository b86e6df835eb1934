//! Who has left, and whether they are out: when they left, when evictd saw it, when their last session was gone, and which
//! tokens they still hold. What the lists say and whom their rows match comes from the memory, sessions from the last sweep,
//! and all else from the trail.

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr as _;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::controls::unread_text;
use crate::model::{AccountName, Foreign, ListMemory, Outcome, RowMemory, UserId, human_duration};
use crate::record::{ClaimKey, Entry, Line, StandingClaim};
use crate::report::grid::Grid;
use crate::report::text::bold;
use crate::report::{Look, person_of};
use crate::snapshot::Snapshot;

/// What the trail tells of people, whoever they are.
#[derive(Debug, Default)]
pub struct LeaversTold {
    /// When a session of theirs was gone last.
    gone: BTreeMap<UserId, Timestamp>,
    claims: BTreeMap<ClaimKey, UserId>,
    /// Sessions that Zendesk said are gone.
    ended: BTreeSet<String>,
    /// How many tokens they hold, as far as it was told.
    tokens: BTreeMap<UserId, usize>,
    /// When tokens were asked for last.
    asked: Option<Timestamp>,
    /// Lines of the trail that could not be read.
    unread: u64,
}

impl LeaversTold {
    /// Takes in the next record of this account; none is a line that cannot be read.
    pub fn hear(&mut self, account: &AccountName, line: Option<&Line>) {
        match line {
            Some(line) if line.account == *account => self.take(line),
            Some(_) => {}
            None => self.unread = self.unread.saturating_add(1),
        }
    }

    fn take(&mut self, line: &Line) {
        match &line.entry {
            Entry::ClaimBegan(body) => self.claim(&body.claims),
            Entry::ClaimChanged(body) => self.claim(&body.claims),
            Entry::ClaimEnded(body) => {
                for key in &body.claims {
                    // Of a session that was ended it is known better when.
                    if let Some(user) = self.claims.remove(key).filter(|_| !self.ended.contains(&key.session)) {
                        self.go(user, line.at);
                    }
                }
            }
            Entry::RevocationOutcome(body) => {
                let is_gone = Outcome::from_word(&body.outcome).is_some_and(Outcome::is_answered);
                let at = body.answered_at.parse().ok().filter(|_| is_gone);
                self.ended.extend(body.sessions.iter().filter(|_| is_gone).cloned());
                if let Some((user, at)) = UserId::from_str(&body.user).ok().zip(at) {
                    self.go(user, at);
                }
            }
            Entry::TokensHeld(body) => {
                self.tokens.extend(UserId::from_str(&body.user).ok().map(|user| (user, body.tokens)));
            }
            Entry::CycleFinished(body) => {
                let asked = body.tokens_asked.as_ref().and_then(|at| at.parse().ok());
                self.asked = asked.or(self.asked);
            }
            _ => {}
        }
    }

    fn claim(&mut self, claims: &[StandingClaim]) {
        let of = |claim: &StandingClaim| Some((claim.key.clone(), UserId::from_str(&claim.user).ok()?));
        self.claims.extend(claims.iter().filter_map(of));
    }

    fn go(&mut self, user: UserId, at: Timestamp) {
        let last = self.gone.entry(user).or_insert(at);
        *last = at.max(*last);
    }
}

/// How far somebody is out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Access {
    /// No session, and no token.
    Zero,
    /// A session is open.
    Sessions,
    /// No session is, but a token.
    Tokens,
    /// One of the two is not known.
    Unknown,
    /// The day has not come.
    Ahead,
    /// The row came with too many others and waits for a human.
    Pending,
    /// Zendesk knows nobody of this name.
    Unmatched,
}

impl Access {
    fn word(self) -> &'static str {
        match self {
            Self::Zero => "zero",
            Self::Sessions => "sessions",
            Self::Tokens => "tokens",
            Self::Unknown => "unknown",
            Self::Ahead => "ahead",
            Self::Pending => "pending",
            Self::Unmatched => "unmatched",
        }
    }
}

/// One row of a list.
#[derive(Debug, Clone)]
struct LeaverRow {
    list: String,
    /// As the list has it.
    row: Foreign,
    user: Option<UserId>,
    person: Option<Foreign>,
    left: Timestamp,
    seen: Timestamp,
    /// How many are open; none if that is not known.
    sessions: Option<usize>,
    gone: Option<Timestamp>,
    tokens: Option<usize>,
    access: Access,
}

impl LeaverRow {
    /// From leaving to the end of the last session, if nothing is left.
    fn to_zero(&self) -> Option<SignedDuration> {
        let gone = self.gone.filter(|_| self.access == Access::Zero)?;
        Some(self.left.duration_until(gone).max(SignedDuration::ZERO))
    }
}

/// All rows of the lists.
#[derive(Debug)]
pub struct Leavers {
    account: AccountName,
    /// When sessions were listed last; none if nothing was kept of it.
    looked_at: Option<Timestamp>,
    tokens_asked: Option<Timestamp>,
    unread: u64,
    rows: Vec<LeaverRow>,
}

impl Leavers {
    /// Of these lists, by what the last sweep saw and the trail tells, as of an instant.
    pub fn of<'l>(
        account: &AccountName,
        lists: impl IntoIterator<Item = (&'l String, &'l ListMemory)>,
        (snapshot, now): (Option<&Snapshot>, Timestamp),
        told: &LeaversTold,
    ) -> Self {
        let mut rows = Vec::new();
        for (list, memory) in lists {
            let of = |(row, memory): (&String, &RowMemory)| row_of((list, row), memory, (snapshot, now), told);
            rows.extend(memory.rows.iter().map(of));
        }
        Self {
            account: account.clone(),
            looked_at: snapshot.map(|snapshot| snapshot.now),
            tokens_asked: told.asked,
            unread: told.unread,
            rows,
        }
    }

    fn count(&self, access: Access) -> usize {
        self.rows.iter().filter(|row| row.access == access).count()
    }

    /// The page.
    pub fn text(&self, look: Look) -> String {
        let told = |at: Option<Timestamp>| at.map_or("never".to_owned(), |at| format!("{at:.0}"));
        let matched = self.rows.iter().filter(|row| row.user.is_some()).count();
        let mut page = format!(
            "{}  account {}, {} rows: {matched} matched, {} unmatched, {} wait for `offboard accept`\n\
             sessions as of {}, tokens as of {}\n",
            bold("leavers", look),
            self.account,
            self.rows.len(),
            self.count(Access::Unmatched),
            self.count(Access::Pending),
            told(self.looked_at),
            told(self.tokens_asked),
        );
        page += &unread_text(self.unread);
        if let Some((middle, longest)) = self.times() {
            let (middle, longest) = (human_duration(middle), human_duration(longest));
            page += &format!("time to zero access: {middle} in the middle, {longest} at worst\n");
        }
        let mut grid = Grid::new(&["PERSON", "LIST", "LEFT", "SEEN", "LAST SESSION GONE", "TOKENS", "ACCESS", "AFTER"]);
        for row in &self.rows {
            let gone = match (row.sessions, row.gone) {
                (Some(0), Some(gone)) => format!("{gone:.0}"),
                (Some(0), None) => "none was seen".to_owned(),
                (Some(open), _) => format!("{open} open"),
                (None, _) => "?".to_owned(),
            };
            grid.add([
                row.person.as_ref().unwrap_or(&row.row).to_string(),
                row.list.clone(),
                format!("{:.0}", row.left),
                format!("{:.0}", row.seen),
                if row.user.is_some() { gone } else { String::new() },
                row.tokens.map_or("?".to_owned(), |tokens| tokens.to_string()),
                row.access.word().to_owned(),
                row.to_zero().map(human_duration).unwrap_or_default(),
            ]);
        }
        if !grid.is_empty() {
            page += &format!("\n{}\n", grid.text(look));
        }
        page
    }

    /// How long it took in the middle and at worst.
    fn times(&self) -> Option<(SignedDuration, SignedDuration)> {
        let mut times: Vec<SignedDuration> = self.rows.iter().filter_map(LeaverRow::to_zero).collect();
        times.sort_unstable();
        Some((*times.get(times.len().saturating_sub(1) / 2)?, *times.last()?))
    }

    /// The document. Lengths of time are whole seconds.
    pub fn json(&self) -> Value {
        let at = |at: Option<Timestamp>| at.map(|at| at.to_string());
        let rows: Vec<Value> = self
            .rows
            .iter()
            .map(|row| {
                json!({
                    "list": row.list, "row": row.row.raw(), "user_id": row.user.map(|user| user.to_string()),
                    "person": row.person.as_ref().map(Foreign::raw), "left_at": row.left.to_string(),
                    "seen_at": row.seen.to_string(), "sessions": row.sessions, "last_session_gone_at": at(row.gone),
                    "tokens": row.tokens, "access": row.access.word(),
                    "seconds_to_zero_access": row.to_zero().map(|time| time.as_secs()),
                })
            })
            .collect();
        json!({
            "schema": 1, "account": self.account.as_str(), "sessions_as_of": at(self.looked_at),
            "tokens_as_of": at(self.tokens_asked), "matched": self.rows.iter().filter(|row| row.user.is_some()).count(),
            "unmatched": self.count(Access::Unmatched), "pending": self.count(Access::Pending), "unread_lines": self.unread, "rows": rows,
        })
    }
}

fn row_of(
    (list, row): (&str, &str),
    memory: &RowMemory,
    (snapshot, now): (Option<&Snapshot>, Timestamp),
    told: &LeaversTold,
) -> LeaverRow {
    let user = memory.user;
    let left = memory.since.unwrap_or(memory.first_seen);
    let whole = snapshot.filter(|snapshot| snapshot.listing.is_complete());
    let sessions = user
        .zip(whole)
        .map(|(user, snapshot)| snapshot.sessions.iter().filter(|session| session.user == Some(user)).count());
    let tokens = user.and_then(|user| told.tokens.get(&user).copied());
    let access = match (user, sessions, tokens) {
        _ if memory.pending => Access::Pending,
        (None, ..) if memory.asked_at.is_some() => Access::Unmatched,
        (None, ..) => Access::Unknown,
        _ if now < left => Access::Ahead,
        (_, Some(0), Some(0)) => Access::Zero,
        (_, Some(1..), _) => Access::Sessions,
        (_, Some(0), Some(_)) => Access::Tokens,
        _ => Access::Unknown,
    };
    let is_known = |snapshot: &&Snapshot| user.is_some_and(|user| snapshot.people.contains_key(&user));
    let person = user.and_then(|user| Some(person_of(snapshot.filter(is_known)?, user)));
    let gone = user.and_then(|user| told.gone.get(&user).copied()).filter(|_| sessions == Some(0));
    let (list, row) = (list.to_owned(), Foreign::new(row));
    LeaverRow { list, row, user, person, left, seen: memory.first_seen, sessions, gone, tokens, access }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{CycleId, Moment, Session, SessionId};
    use crate::record::FIRST_PREV;

    fn at(minute: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_mins(minute)
    }

    fn line(minute: i64, kind: &str, body: &Value) -> Line {
        Line {
            seq: 1,
            at: at(minute),
            kind: kind.to_owned(),
            account: AccountName::new("acme"),
            cycle: None,
            prev: FIRST_PREV.to_owned(),
            personal: None,
            entry: Entry::from_line(kind, &body.to_string()).unwrap(),
        }
    }

    fn ended(minute: i64, user: &str, outcome: &str) -> Line {
        let body = json!({"sessions": ["9"], "user": user, "stratum": "agents", "rules": ["left"], "outcome": outcome,
            "answered_at": at(minute).to_string()});
        line(minute, "revocation.outcome", &body)
    }

    fn asked(minute: i64, holders: &[(&str, usize)]) -> Vec<Line> {
        let held = |(user, tokens): &(&str, usize)| {
            line(
                minute,
                "tokens.seen",
                &json!({"user": user, "tokens": tokens, "as_of": at(minute).to_string(), "held": []}),
            )
        };
        let cycle = json!({"now": at(minute).to_string(), "mode": "enforce", "policy": "p", "complete": true,
            "sessions_seen": 0, "people_seen": {}, "clock_offset_ms": "0", "clock_trusted": true, "calls": 1,
            "rules": [], "undecided": [], "warnings": [], "tokens_asked": at(minute).to_string()});
        holders.iter().map(held).chain([line(minute, "cycle.finished", &cycle)]).collect()
    }

    fn row(user: Option<u64>, since: Option<i64>) -> RowMemory {
        RowMemory {
            first_seen: at(5),
            pending: false,
            user: user.and_then(UserId::new),
            asked_at: Some(at(5)),
            since: since.map(at),
        }
    }

    #[test]
    fn whoever_left_is_out_when_neither_session_nor_token_is_left() {
        let rows = [
            ("id:1", row(Some(1), Some(0))),
            ("id:2", row(Some(2), None)),
            ("id:3", row(Some(3), Some(0))),
            ("id:4", row(Some(4), None)),
            ("id:5", row(Some(5), Some(900))),
            ("email:x@y.z", row(None, None)),
            ("email:w@y.z", RowMemory { pending: true, ..row(None, None) }),
            ("email:v@y.z", RowMemory { asked_at: None, ..row(None, None) }),
        ];
        let memory = ListMemory {
            digest: "d".to_owned(),
            taken_at: at(5),
            rows: rows.into_iter().map(|(key, row)| (key.to_owned(), row)).collect(),
            grown: BTreeMap::new(),
            accepted_at: None,
        };
        let own = UserId::new(99).unwrap();
        let account = AccountName::new("acme");
        let mut snapshot = Snapshot::empty(account.clone(), CycleId::new("c"), at(60), own);
        snapshot.sessions = vec![Session {
            id: SessionId(9),
            user: UserId::new(3),
            authenticated_at: None,
            last_seen_at: None,
            seen: Moment::from(at(60)),
        }];
        let claim = json!({"rule": "left", "session": "8"});
        let standing = json!({"claims": [{"rule": "left", "session": "8", "user": "2", "stratum": "agents",
            "mode": "report", "action": "revoke-session", "severity": "high", "facts": []}]});
        let ended_one = json!({"claims": [{"rule": "left", "session": "9", "user": "1", "stratum": "agents",
            "mode": "report", "action": "revoke-session", "severity": "high", "facts": []}]});
        let mut lines = vec![
            ended(6, "1", "revoked"),
            ended(7, "1", "already-gone"),
            ended(8, "1", "unclear"),
            ended(8, "3", "revoked"),
            line(6, "claim.began", &standing),
            line(6, "claim.began", &ended_one),
            line(25, "claim.ended", &json!({"claims": [{"rule": "left", "session": "9"}]})),
            line(20, "claim.ended", &json!({"claims": [claim]})),
        ];
        lines.extend(asked(10, &[("2", 1), ("1", 2)]));
        lines.extend(asked(30, &[("2", 3), ("1", 0)]));
        let name = "hr".to_owned();
        let leavers = |snapshot, lines: Vec<Line>| {
            let mut told = LeaversTold::default();
            for line in &lines {
                told.hear(&account, Some(line));
            }
            Leavers::of(&account, [(&name, &memory)], (snapshot, at(60)), &told)
        };
        let json = leavers(Some(&snapshot), lines.clone()).json();
        let told = |json: &Value, key: &str| -> Vec<Value> {
            json["rows"].as_array().unwrap().iter().map(|row| row[key].clone()).collect()
        };
        // In the order of their keys: v, w, x, 1 to 5.
        let access = ["unknown", "pending", "unmatched", "zero", "tokens", "sessions", "unknown", "ahead"];
        assert_eq!(told(&json, "access"), access);
        let gone = told(&json, "last_session_gone_at");
        assert_eq!(
            (&gone[3], &gone[4], &gone[5]),
            (&json!(at(7).to_string()), &json!(at(20).to_string()), &Value::Null)
        );
        assert_eq!(
            told(&json, "seconds_to_zero_access")[3..],
            [json!(420), Value::Null, Value::Null, Value::Null, Value::Null]
        );
        assert_eq!((&json["matched"], &json["unmatched"], &json["pending"]), (&json!(5), &json!(1), &json!(1)));
        let page = leavers(Some(&snapshot), lines).text(Look { width: 200, colour: false });
        assert!(page.contains("time to zero access: 7m in the middle") && page.contains("1 open"), "{page}");
        // Where tokens were never asked for, or nothing is kept of a sweep, nobody is said to be out.
        for json in
            [leavers(Some(&snapshot), vec![ended(6, "1", "revoked")]).json(), leavers(None, asked(30, &[])).json()]
        {
            assert!(!told(&json, "access").contains(&json!("zero")), "{json}");
        }
    }
}
