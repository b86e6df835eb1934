//! Verification: is every record there, in order, unchanged, and does each outcome have its intent?
//!
//! Fed segment by segment and line by line, so that memory stays bounded by one segment and the open intents. What it
//! cannot see is a trail whose newest records were cut off with all that belongs to them: that takes an anchor outside
//! the host.

use std::collections::BTreeMap;

use super::{Entry, FIRST_PREV, Line, Sidecar, segment_name, sha256_hex, sidecar_name};
use crate::model::AccountName;

/// Something in the trail that is not as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The file.
    pub segment: String,
    /// The line in it, from 1; 0 for the file as a whole.
    pub line: u64,
    /// What is wrong, in one sentence. May quote the line, so show it as foreign text.
    pub what: String,
}

/// Checks a trail's lines as they are fed to it.
#[derive(Debug)]
pub struct Verifier {
    account: AccountName,
    /// Number and digest the next line must link to; no digest where the line before was not read.
    last_seq: u64,
    last_digest: Option<String>,
    /// Intents before this record were not read.
    read_from: u64,
    /// Intents that may still get an outcome, and whether they have an unclear one.
    open_intents: BTreeMap<u64, bool>,
    segment: u64,
    line: u64,
    sidecar: Sidecar,
    erased: u64,
}

impl Verifier {
    /// For a whole trail of this account, from its first record.
    pub fn of_whole(account: AccountName) -> Self {
        Self::beginning(account, 1)
    }

    /// For the part of a trail that begins with the segment of this first record; what came before is taken on trust.
    pub fn beginning(account: AccountName, first_seq: u64) -> Self {
        Self {
            account,
            last_seq: first_seq.saturating_sub(1),
            last_digest: (first_seq <= 1).then(|| FIRST_PREV.to_owned()),
            read_from: first_seq,
            open_intents: BTreeMap::new(),
            segment: first_seq,
            line: 0,
            sidecar: Sidecar::default(),
            erased: 0,
        }
    }

    /// The number of the last record; one less than the first to come if there was none yet.
    pub fn last_seq(&self) -> u64 {
        self.last_seq
    }

    /// What the next record's `prev` must be; `None` where the line before was not read.
    pub fn next_prev(&self) -> Option<&str> {
        self.last_digest.as_deref()
    }

    /// Records with a personal part that is no longer there.
    pub fn erased(&self) -> u64 {
        self.erased
    }

    /// Begins the segment of this first record.
    pub fn begin(&mut self, first_seq: u64, mut sidecar: Sidecar) -> Vec<Fault> {
        let sidecar_file = sidecar_name(first_seq);
        let mut faults: Vec<Fault> = sidecar
            .faults()
            .into_iter()
            .map(|(line, what)| Fault { segment: sidecar_file.clone(), line, what })
            .collect();
        self.segment = first_seq;
        self.line = 0;
        self.sidecar = sidecar;
        let expected = self.next_seq();
        if first_seq != expected {
            faults
                .push(self.fault(format!("the segment begins at record {first_seq}, record {expected} should follow")));
            self.last_seq = first_seq.saturating_sub(1);
            self.last_digest = None;
            self.read_from = first_seq;
        }
        faults
    }

    /// Takes one line without its newline. A line that is no record comes back as `None`, with a fault.
    pub fn line(&mut self, bytes: &[u8]) -> (Option<Line>, Vec<Fault>) {
        self.line += 1;
        let digest = sha256_hex(bytes);
        let (line, faults) = match Line::read(bytes) {
            Ok(line) => {
                let wrong = self.wrong_with(&line);
                self.last_seq = line.seq;
                (Some(line), wrong.into_iter().map(|what| self.fault(what)).collect())
            }
            Err(what) => {
                self.last_seq = self.next_seq();
                (None, vec![self.fault(what)])
            }
        };
        self.last_digest = Some(digest);
        (line, faults)
    }

    /// Ends the segment: every personal part left over must belong to a record that is still to come.
    pub fn end(&mut self) -> Vec<Fault> {
        let segment = sidecar_name(self.segment);
        let left = self.sidecar.left_up_to(self.last_seq);
        self.sidecar = Sidecar::default();
        left.into_iter()
            .map(|seq| Fault {
                segment: segment.clone(),
                line: 0,
                what: format!("a personal part for record {seq}, which has none"),
            })
            .collect()
    }

    fn next_seq(&self) -> u64 {
        self.last_seq.saturating_add(1)
    }

    fn fault(&self, what: String) -> Fault {
        Fault { segment: segment_name(self.segment), line: self.line, what }
    }

    fn wrong_with(&mut self, line: &Line) -> Vec<String> {
        let mut wrong = Vec::new();
        let expected = self.next_seq();
        if line.seq > expected {
            wrong.push(format!("record {expected} is missing, record {} stands in its place", line.seq));
        } else if line.seq < expected {
            wrong.push(format!("record {} comes again where record {expected} should follow", line.seq));
        }
        if self.last_digest.as_ref().is_some_and(|digest| *digest != line.prev) {
            wrong.push(format!("record {} does not link to the line before: one of the two was changed", line.seq));
        }
        if line.account != self.account {
            wrong.push(format!("record {} belongs to account `{}`", line.seq, line.account));
        }
        if let Some(digest) = &line.personal {
            match self.sidecar.take(line.seq, digest) {
                None => self.erased += 1,
                Some(true) => {}
                Some(false) => wrong.push(format!("the personal part of record {} was changed", line.seq)),
            }
        }
        wrong.extend(self.wrong_with_intents(line));
        wrong
    }

    fn wrong_with_intents(&mut self, line: &Line) -> Option<String> {
        match &line.entry {
            Entry::RevocationIntended(_) => {
                self.open_intents.insert(line.seq, false);
                None
            }
            Entry::RevocationOutcome(outcome) => {
                let named = outcome.intent.as_ref()?;
                match named.parse::<u64>() {
                    Ok(intent) if intent < self.read_from || self.answers(intent, line) => None,
                    _ => Some(format!("the outcome names record `{named}`, which is no intent still without one")),
                }
            }
            _ => None,
        }
    }

    /// Whether this intent was open for this outcome. An unclear one leaves it open, once.
    fn answers(&mut self, intent: u64, line: &Line) -> bool {
        match self.open_intents.remove(&intent) {
            Some(was_unclear) if line.leaves_intent_open() => {
                self.open_intents.insert(intent, true);
                !was_unclear
            }
            found => found.is_some(),
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::model::CycleId;
    use crate::record::{
        DaemonStopped, Head, Personal, RevocationIntended, RevocationOutcome, SALT_BYTES, line_bytes, seal,
    };

    /// Lines that link, and the sidecar of those that have a personal part.
    fn chain(entries: &[(Entry, Option<Personal>)]) -> (Vec<Vec<u8>>, Vec<u8>) {
        let account = AccountName::new("acme");
        let (mut lines, mut sidecar) = (Vec::new(), Vec::new());
        let mut prev = FIRST_PREV.to_owned();
        for (seq, (entry, personal)) in (1_u64..).zip(entries) {
            let sealed = personal.as_ref().map(|personal| seal(seq, personal, [3; SALT_BYTES]).unwrap());
            let digest = sealed.as_ref().map(|sealed| sealed.digest.as_str());
            // Who settles writes outside of any cycle.
            let unclear = matches!(entry, Entry::RevocationOutcome(body) if body.outcome == "unclear");
            let cycle = unclear.then(|| CycleId::new("c"));
            let head = Head { seq, at: Timestamp::UNIX_EPOCH, account: &account, cycle: cycle.as_ref(), prev: &prev };
            let line = line_bytes(&head, entry, digest).unwrap();
            prev = sha256_hex(&line);
            lines.push(line);
            sidecar.extend(sealed.into_iter().flat_map(|sealed| [sealed.line, b"\n".to_vec()].concat()));
        }
        (lines, sidecar)
    }

    /// What is wrong with one segment of these lines, as `line: what`.
    fn faults(lines: &[Vec<u8>], sidecar: &[u8]) -> Vec<String> {
        let mut verifier = Verifier::of_whole(AccountName::new("acme"));
        let mut faults = verifier.begin(1, Sidecar::read(sidecar));
        for line in lines {
            faults.extend(verifier.line(line).1);
        }
        faults.extend(verifier.end());
        faults.into_iter().map(|fault| format!("{}: {}", fault.line, fault.what)).collect()
    }

    fn stopped(exit: u8) -> (Entry, Option<Personal>) {
        (DaemonStopped { exit }.into(), Some(Personal::from("eve")))
    }

    fn check(lines: &[Vec<u8>], sidecar: &[u8], expected: &[&str]) {
        let found = faults(lines, sidecar);
        assert_eq!(found.len(), expected.len(), "{found:#?}");
        for (found, expected) in found.iter().zip(expected) {
            assert!(found.starts_with(expected), "{found} is not {expected}");
        }
    }

    fn text(bytes: &[u8]) -> String {
        String::from_utf8(bytes.to_vec()).unwrap()
    }

    #[test]
    fn an_untouched_trail_has_no_faults() {
        let (lines, sidecar) = chain(&[stopped(0), stopped(1), stopped(2)]);
        check(&lines, &sidecar, &[]);
        check(&[], b"", &[]);
    }

    #[test]
    fn changed_lines_are_found_where_they_stand() {
        let (lines, sidecar) = chain(&[stopped(0), stopped(1), stopped(2)]);
        let edit = |index: usize, from: &str, to: &str| {
            let mut lines = lines.clone();
            let changed = text(&lines[index]).replacen(from, to, 1);
            assert_ne!(changed.as_bytes(), lines[index], "{from}");
            lines[index] = changed.into_bytes();
            lines
        };
        check(&edit(1, "\"exit\":1", "\"exit\":0"), &sidecar, &["3: record 3 does not link"]);
        check(&edit(1, "{", "{ "), &sidecar, &["3: record 3 does not link"]);
        check(&edit(0, FIRST_PREV, &"1".repeat(64)), &sidecar, &["1: record 1 does not link", "2: record 2 does not"]);
        check(&edit(2, "acme", "evil"), &sidecar, &["3: record 3 belongs to account `evil`"]);
        check(&edit(1, "}", ""), &sidecar, &["2: not a record", "3: record 3 does not link", "0: a personal part"]);
        check(&edit(2, "\"v\":1", "\"v\":9"), &sidecar, &["3: written in version 9", "0: a personal part"]);
        let huge = edit(2, "\"seq\":3", &format!("\"seq\":{}", u64::MAX));
        check(&huge, b"", &["3: record 3 is missing, record 18446744073709551615 stands"]);
    }

    #[test]
    fn missing_moved_and_doubled_lines_are_found() {
        let (lines, sidecar) = chain(&[stopped(0), stopped(1), stopped(2)]);
        let pick = |picked: &[usize]| picked.iter().map(|index| lines[*index].clone()).collect::<Vec<_>>();
        let unlinked = "does not link";
        let found = |picked: &[usize]| faults(&pick(picked), &sidecar);
        assert!(found(&[0, 2])[0].starts_with("2: record 2 is missing") && found(&[0, 2])[1].contains(unlinked));
        assert!(found(&[1, 2])[0].starts_with("1: record 1 is missing"));
        assert!(found(&[0, 1, 1, 2])[0].starts_with("3: record 2 comes again"));
        assert!(found(&[0, 2, 1]).len() >= 4);
    }

    #[test]
    fn erased_personal_parts_are_no_fault_and_changed_ones_are() {
        let (lines, sidecar) = chain(&[stopped(0), stopped(1)]);
        let (first, second) = text(&sidecar).split_once('\n').map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
        check(&lines, second.as_bytes(), &[]);
        check(&lines, b"", &[]);
        check(&lines, text(&sidecar).replacen("eve", "bob", 1).as_bytes(), &["1: the personal part of record 1"]);
        check(&lines, format!("{first}\n{first}\n").as_bytes(), &["2: a second personal part"]);
        check(&lines, b"rubbish\n", &["1: not a personal part"]);

        let mut verifier = Verifier::of_whole(AccountName::new("acme"));
        verifier.begin(1, Sidecar::read(second.as_bytes()));
        for line in &lines {
            verifier.line(line);
        }
        assert_eq!(verifier.erased(), 1);
    }

    fn intended() -> (Entry, Option<Personal>) {
        let word = String::new;
        let facts = Vec::new();
        let (sessions, rules) = (vec![word()], vec![word()]);
        let entry = RevocationIntended {
            databases: Vec::new(),
            action: word(),
            sessions,
            user: word(),
            stratum: word(),
            rules,
            read_back: word(),
            policy: word(),
            engine: word(),
            core: Vec::new(),
            facts,
            by: word(),
        };
        (entry.into(), None)
    }

    fn outcome_of(intent: Option<&str>) -> (Entry, Option<Personal>) {
        let word = String::new;
        let entry = RevocationOutcome {
            intent: intent.map(str::to_owned),
            sessions: Vec::new(),
            user: word(),
            stratum: word(),
            rules: Vec::new(),
            outcome: word(),
            answered_at: word(),
            detail: None,
            exposure: None,
            answered_after_ms: None,
        };
        (entry.into(), None)
    }

    #[test]
    fn every_outcome_names_one_earlier_intent_and_each_intent_has_at_most_one() {
        let check = |entries: &[(Entry, Option<Personal>)], expected: &[&str]| check(&chain(entries).0, b"", expected);
        check(&[intended(), outcome_of(Some("1")), outcome_of(None), intended()], &[]);
        check(&[intended(), outcome_of(Some("1")), outcome_of(Some("1"))], &["3: the outcome names record `1`"]);
        check(&[outcome_of(Some("2")), intended()], &["1: the outcome names record `2`"]);
        check(&[stopped(0), outcome_of(Some("1"))], &["2: the outcome names record `1`"]);
        check(&[intended(), outcome_of(Some("x"))], &["2: the outcome names record `x`"]);
    }

    #[test]
    fn an_unclear_outcome_may_be_settled_once() {
        let check = |entries: &[(Entry, Option<Personal>)], expected: &[&str]| check(&chain(entries).0, b"", expected);
        let unclear = || {
            let (mut entry, personal) = outcome_of(Some("1"));
            if let Entry::RevocationOutcome(body) = &mut entry {
                "unclear".clone_into(&mut body.outcome);
            }
            (entry, personal)
        };
        let settled = || outcome_of(Some("1"));
        check(&[intended(), unclear(), settled(), intended()], &[]);
        check(&[intended(), unclear(), unclear()], &["3: the outcome names record `1`"]);
        check(&[intended(), unclear(), settled(), settled()], &["4: the outcome names record `1`"]);
        check(&[intended(), settled(), unclear()], &["3: the outcome names record `1`"]);
    }

    #[test]
    fn the_chain_crosses_segments_and_a_part_can_be_verified_alone() {
        let (lines, _) = chain(&[intended(), outcome_of(Some("1")), intended(), outcome_of(Some("1"))]);
        let mut verifier = Verifier::beginning(AccountName::new("acme"), 3);
        assert_eq!(verifier.begin(3, Sidecar::default()), []);
        assert!(verifier.line(&lines[2]).1.is_empty() && verifier.line(&lines[3]).1.is_empty());

        let mut verifier = Verifier::of_whole(AccountName::new("acme"));
        verifier.begin(1, Sidecar::default());
        verifier.line(&lines[0]);
        assert_eq!(verifier.begin(2, Sidecar::default()), []);
        assert!(verifier.line(&lines[1]).1.is_empty());
        let faults = verifier.begin(4, Sidecar::default());
        assert_eq!(faults[0].what, "the segment begins at record 4, record 3 should follow");
    }
}
