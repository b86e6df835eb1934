//! A trail through crashes, full disks, erasures and hostile edits. Nothing here decides; the simulated medium says
//! what survives.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::*;
use crate::clock::{ManualClock, SeededChance};
use crate::files::{Disk, Medium, MemoryMedium};
use crate::model::{AccountName, CycleId, Outcome, Stratum};
use crate::record::{
    CycleFinished, DaemonStopped, Entry, LINE_BYTES_MAX, Personal, PolicyLoaded, RevocationIntended, RevocationOutcome,
    SelftestBegan, SetSigned, Verification, segment_name, sidecar_name, whole_lines,
};

/// Room for three or four records, so that a short script crosses segments.
const SMALL: usize = 800;

fn acme() -> AccountName {
    AccountName::new("acme")
}

fn instant(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn open(medium: &MemoryMedium) -> Result<(Trail, Past), TrailTrouble> {
    open_at(medium, "2026-11-23T08:00:00Z")
}

fn open_at(medium: &MemoryMedium, now: &str) -> Result<(Trail, Past), TrailTrouble> {
    let seams = (Arc::new(ManualClock::at(instant(now))), Arc::new(SeededChance::new(1)));
    Trail::open_with_segments_of(SMALL, Arc::new(medium.clone()), acme(), (seams.0, seams.1))
}

fn stopped(exit: u8) -> Entry {
    DaemonStopped { exit }.into()
}

fn personal() -> Personal {
    Personal::from_iter([("email", "eve@example.com")])
}

fn intended(session: &str, read_back: &str) -> Entry {
    RevocationIntended {
        databases: Vec::new(),
        action: "revoke-session".into(),
        sessions: vec![session.into()],
        user: "35436".into(),
        stratum: "agents".into(),
        rules: vec!["idle".into()],
        read_back: read_back.into(),
        policy: "p".into(),
        engine: "0.1.0".into(),
        core: Vec::new(),
        facts: Vec::new(),
        by: "policy".into(),
    }
    .into()
}

fn outcome(intent: Option<u64>, session: &str, answered_at: &str) -> Entry {
    RevocationOutcome {
        intent: intent.map(|seq| seq.to_string()),
        sessions: vec![session.into()],
        user: "35436".into(),
        stratum: "agents".into(),
        rules: vec!["idle".into()],
        outcome: "revoked".into(),
        answered_at: answered_at.into(),
        detail: None,
        exposure: None,
        answered_after_ms: None,
    }
    .into()
}

fn finished(now: &str, complete: bool, agents: usize) -> Entry {
    CycleFinished {
        tokens_asked: None,
        looked: None,
        databases: Vec::new(),
        scope: "everyone".to_owned(),
        missed: 0,
        offboarding: Vec::new(),
        now: now.into(),
        mode: "enforce".into(),
        policy: "of the cycle".into(),
        signed: None,
        complete,
        sessions_seen: 3,
        people_seen: BTreeMap::from([("agents".into(), agents)]),
        clock_offset_ms: "0".into(),
        clock_trusted: true,
        calls: 1,
        rules: Vec::new(),
        belts: Vec::new(),
        undecided: Vec::new(),
        warnings: Vec::new(),
    }
    .into()
}

/// All whole lines, oldest first.
fn lines(medium: &MemoryMedium) -> Vec<Vec<u8>> {
    let mut lines = Vec::new();
    for first_seq in segments(medium).unwrap() {
        let bytes = read_segment(medium, first_seq).unwrap();
        lines.extend(whole_lines(&bytes).0.map(<[u8]>::to_vec));
    }
    lines
}

fn found(medium: &MemoryMedium) -> Verification {
    verify(medium, &acme())
}

/// Writes nine records, and makes the first, fifth and ninth durable with all before them; how many are durable in the
/// end, or when it failed.
fn script(medium: &MemoryMedium) -> usize {
    let mut durable = 0;
    let Ok((mut trail, _)) = open(medium) else { return 0 };
    for exit in 1..=9 {
        if trail.append(None, stopped(exit), (exit % 2 == 0).then(personal)).is_err() {
            break;
        }
        if exit % 4 == 1 {
            if trail.sync().is_err() {
                break;
            }
            durable = usize::from(exit);
        }
    }
    durable
}

/// INVARIANT 13: whatever survived, the trail reopens, verifies, has every durable record and goes on.
fn check_survived(medium: &MemoryMedium, before: &[Vec<u8>], durable: usize) {
    let (mut trail, _) = open(medium).unwrap();
    assert!(lines(medium).starts_with(&before[..durable]), "lost {durable}");
    for seq in (1..=durable as u64).filter(|seq| seq % 2 == 0) {
        let first_seq = segments(medium).unwrap().into_iter().rfind(|first_seq| *first_seq <= seq).unwrap();
        assert!(read_sidecar(medium, first_seq).unwrap().text(seq).is_some(), "lost the personal part of {seq}");
    }
    let count = lines(medium).len() as u64;
    assert_eq!(trail.write_durably(None, stopped(99), Some(personal())).unwrap(), count + 1);
    medium.crash(|_, _| None);
    let found = found(medium);
    assert_eq!((found.faults, found.records, found.unfinished_bytes), (vec![], count + 1, 0));
    open(medium).unwrap();
}

#[test]
fn a_crash_at_any_step_with_any_torn_length_leaves_a_trail_that_verifies_and_goes_on() {
    let whole = MemoryMedium::default();
    assert_eq!(script(&whole), 9);
    assert!(segments(&whole).unwrap().len() >= 3, "the script must cross segments");
    for step in 0..=whole.calls() {
        let medium = MemoryMedium::default();
        medium.fail_after(step);
        let durable = script(&medium);
        let before = lines(&medium);
        let mut unsynced = BTreeMap::new();
        medium.copy().crash(|name, bytes| {
            unsynced.insert(name.to_owned(), bytes);
            None
        });
        let crash = |keep: &dyn Fn(&str, usize) -> Option<usize>| {
            let copy = medium.copy();
            copy.crash(keep);
            check_survived(&copy, &before, durable);
        };
        crash(&|_, _| None);
        for (torn, bytes) in &unsynced {
            for length in 0..=*bytes {
                // The other file is whole or lost by turns: each is flushed when the system pleases.
                crash(&|name, all| if name == torn { Some(length) } else { (length % 2 == 0).then_some(all) });
            }
        }
    }
}

#[test]
fn a_crash_while_recovering_from_a_crash_loses_nothing_either() {
    for step in 0..40 {
        let medium = MemoryMedium::default();
        medium.fail_after(step);
        let durable = script(&medium);
        let before = lines(&medium);
        medium.heal();
        medium.crash(|_, bytes| Some(bytes / 2));
        for again in 0..6 {
            for kept in [None, Some(1)] {
                let copy = medium.copy();
                copy.fail_after(again);
                drop(open(&copy).and_then(|(mut trail, _)| trail.append(None, stopped(50), Some(personal()))));
                copy.heal();
                copy.crash(|_, bytes| kept.map(|kept| bytes.min(kept)));
                check_survived(&copy, &before, durable);
            }
        }
    }
}

#[test]
fn what_a_start_reads_is_durable_before_anything_rests_on_it() {
    let medium = MemoryMedium::default();
    let (mut trail, _) = open(&medium).unwrap();
    trail.append(None, stopped(1), Some(personal())).unwrap();
    drop(trail);
    open(&medium).unwrap();
    medium.crash(|_, _| None);
    assert_eq!((found(&medium).records, found(&medium).erased), (1, 0));
}

#[test]
fn a_torn_last_line_is_cut_with_a_record_of_it() {
    let medium = MemoryMedium::default();
    let (mut trail, _) = open(&medium).unwrap();
    trail.write_durably(None, stopped(1), None).unwrap();
    medium.append(&segment_name(1), b"{\"v\":1,\0\xff").unwrap();
    assert_eq!((found(&medium).faults, found(&medium).unfinished_bytes), (vec![], 9));
    look(&medium, &acme()).unwrap();
    open(&medium).unwrap();
    assert_eq!(found(&medium).kinds["trail.cut"], 1);
    assert!(String::from_utf8_lossy(&lines(&medium)[1]).contains(r#""bytes":9,"sha256":""#));
    open(&medium).unwrap();
    assert_eq!(lines(&medium).len(), 2);
}

#[test]
fn after_a_failed_write_or_sync_nothing_more_is_accepted() {
    for steps in 0..3 {
        let medium = MemoryMedium::default();
        let (mut trail, _) = open(&medium).unwrap();
        medium.fail_after(steps);
        let failed = trail.write_durably(None, stopped(1), Some(personal())).unwrap_err();
        assert!(matches!(failed, TrailTrouble::Unwritable { .. }), "{failed}");
        medium.heal();
        assert!(matches!(trail.append(None, stopped(2), None), Err(TrailTrouble::Poisoned)));
        assert!(matches!(trail.sync(), Err(TrailTrouble::Poisoned)));
        assert!(matches!(trail.write_durably(None, stopped(2), None), Err(TrailTrouble::Poisoned)));
    }
    let medium = MemoryMedium::default();
    let (mut trail, _) = open(&medium).unwrap();
    trail.append(None, stopped(1), None).unwrap();
    medium.fail_syncs();
    assert!(trail.sync().is_err());
    medium.heal();
    assert!(matches!(trail.sync(), Err(TrailTrouble::Poisoned)));
}

#[test]
fn a_record_too_large_for_a_line_leaves_the_trail_as_it_was() {
    let medium = MemoryMedium::default();
    let (mut trail, _) = open(&medium).unwrap();
    let huge = Some(Personal::from("x".repeat(LINE_BYTES_MAX)));
    assert!(matches!(trail.append(None, stopped(1), huge), Err(TrailTrouble::TooLarge(_))));
    assert_eq!(trail.write_durably(None, stopped(1), None).unwrap(), 1);
    assert!(found(&medium).is_verified());
}

#[test]
fn personal_parts_can_be_erased_and_everything_still_verifies() {
    let medium = MemoryMedium::default();
    script(&medium);
    for first_seq in segments(&medium).unwrap() {
        let name = sidecar_name(first_seq);
        let kept = medium.read(&name).unwrap_or_default();
        let rest = kept.split_inclusive(|byte| *byte == b'\n').skip(1).collect::<Vec<_>>().concat();
        medium.replace(&name, &rest).unwrap();
    }
    let erased = found(&medium);
    assert!(erased.is_verified() && erased.erased >= 2, "{erased:?}");
    let (mut trail, _) = open(&medium).unwrap();
    trail.write_durably(None, stopped(10), Some(personal())).unwrap();
    assert_eq!((found(&medium).erased, found(&medium).records), (erased.erased, 10));
}

#[test]
fn the_past_is_what_the_records_say() {
    let medium = MemoryMedium::default();
    let (mut trail, past) = open(&medium).unwrap();
    assert_eq!(past, Past::default());
    let cycle = CycleId::new("0198-c");
    let policy = PolicyLoaded {
        digest: "first".into(),
        rules: BTreeMap::new(),
        signed: None,
        keys: Vec::new(),
        changed: crate::record::Changed::default(),
    };
    trail.append(None, policy.into(), None).unwrap();
    trail.append(Some(&cycle), finished("2026-11-23T07:00:00Z", true, 40), None).unwrap();
    let intent = trail.write_durably(Some(&cycle), intended("1", "2026-11-23T08:00:01Z"), Some(personal())).unwrap();
    trail.append(Some(&cycle), outcome(Some(intent), "1", "2026-11-23T08:00:02Z"), None).unwrap();
    let open_intent = trail.write_durably(Some(&cycle), intended("2", "2026-11-23T07:59:59Z"), None).unwrap();
    trail.append(Some(&cycle), finished("2026-11-23T08:00:03Z", false, 7), None).unwrap();
    trail.sync().unwrap();
    let past = look(&medium, &acme()).unwrap();
    assert_eq!(past, open(&medium).unwrap().1);
    let ended: Vec<_> = past.history.ended.iter().map(|one| (one.session.0, one.outcome, one.at)).collect();
    let unclear = (2, Outcome::Unclear, instant("2026-11-23T07:59:59Z"));
    assert_eq!(ended, [unclear, (1, Outcome::Revoked, instant("2026-11-23T08:00:02Z"))]);
    assert_eq!(past.history.roster, Some(BTreeMap::from([(Stratum::Agents, 40)])));
    assert_eq!(past.open_intents.iter().map(|one| one.seq).collect::<Vec<_>>(), [open_intent]);
    assert_eq!(past.policy_digest.as_deref(), Some("of the cycle"));
    let last = past.last_cycle.unwrap();
    assert_eq!((last.cycle, last.finished.sessions_seen, last.finished.complete), (Some(cycle), 3, false));
}

/// What a sweep needs, and how many people there are, is not told by a look at a few.
#[test]
fn a_look_is_the_last_cycle_and_not_the_last_sweep() {
    let medium = MemoryMedium::default();
    let (mut trail, _) = open(&medium).unwrap();
    trail.append(None, finished("2026-11-23T08:00:00Z", true, 40), None).unwrap();
    let Entry::CycleFinished(sweep) = finished("2026-11-23T08:01:00Z", true, 1) else { panic!("it is one") };
    let glance = CycleFinished { looked: Some(vec!["1".into()]), calls: 9, ..sweep };
    trail.append(None, glance.into(), None).unwrap();
    trail.sync().unwrap();
    let past = look(&medium, &acme()).unwrap();
    assert_eq!(past.history.roster, Some(BTreeMap::from([(Stratum::Agents, 40)])));
    let calls = |last: Option<LastCycle>| last.map(|last| last.finished.calls);
    assert_eq!((calls(past.last_sweep), calls(past.last_cycle)), (Some(1), Some(9)));
}

/// A human commands it, and no policy of the account's does: windows, loops, the cycles of the account know nothing of it,
/// however it ends. What rules do counts as ever, also where a self-test was cut off in its midst.
#[test]
fn a_self_test_is_no_end_by_rules_and_no_cycle_of_the_account() {
    let medium = MemoryMedium::default();
    let (mut trail, _) = open(&medium).unwrap();
    let began = SelftestBegan {
        user: "35436".into(),
        session: "777".into(),
        policy: "p".into(),
        rule: "r".into(),
        by: "0".into(),
    };
    trail.append(None, began.into(), None).unwrap();
    let intent = trail.append(None, intended("777", "2026-11-23T08:00:00Z"), None).unwrap();
    let unclear = trail.append(None, intended("776", "2026-11-23T08:00:00Z"), None).unwrap();
    trail.append(None, outcome(Some(intent), "777", "2026-11-23T08:00:01Z"), None).unwrap();
    let Entry::CycleFinished(cycle) = finished("2026-11-23T08:00:02Z", true, 1) else { panic!("it is one") };
    trail.append(None, CycleFinished { policy: "p".into(), ..cycle }.into(), None).unwrap();
    let past = trail.past();
    assert_eq!((past.history.ended.len(), past.policy_digest.as_deref(), past.open_intents.len()), (0, None, 1));
    assert!(past.last_cycle.is_none());
    // It was cut off, and rules go on; what was open is settled after all.
    let Entry::RevocationIntended(by_rule) = intended("778", "2026-11-23T08:01:00Z") else { panic!("it is one") };
    let by_rule = RevocationIntended { policy: "of the cycle".into(), ..by_rule };
    let intent = trail.append(None, by_rule.into(), None).unwrap();
    trail.append(None, outcome(Some(intent), "778", "2026-11-23T08:01:01Z"), None).unwrap();
    trail.append(None, outcome(Some(unclear), "776", "2026-11-23T08:01:01Z"), None).unwrap();
    trail.append(None, finished("2026-11-23T08:01:02Z", true, 1), None).unwrap();
    trail.sync().unwrap();
    let past = look(&medium, &acme()).unwrap();
    let ended: Vec<_> = past.history.ended.iter().map(|one| one.session.0).collect();
    assert_eq!((ended, past.policy_digest.as_deref()), (vec![778], Some("of the cycle")));
}

/// How many of a day's outcomes, one every hour, are remembered when the host's clock shows `host` throughout.
fn remembered(host: &str) -> usize {
    let medium = MemoryMedium::default();
    let (mut trail, _) = open_at(&medium, host).unwrap();
    let mut now = instant("2026-11-20T00:30:00Z");
    for _ in 0..72 {
        trail.append(None, outcome(None, "1", &now.to_string()), None).unwrap();
        now += Duration::from_hours(1);
    }
    trail.sync().unwrap();
    open_at(&medium, host).unwrap().1.history.ended.len()
}

#[test]
fn a_day_is_remembered_whatever_the_hosts_clock_says() {
    for host in ["2026-11-23T00:00:00Z", "1999-01-01T00:00:00Z", "2100-01-01T00:00:00Z"] {
        assert_eq!(remembered(host), 26, "{host}");
    }
}

#[test]
fn a_clock_that_was_not_trusted_makes_nothing_forgotten() {
    for (now, trusted, remembered) in [
        ("2036-11-23T08:00:00Z", false, 2),
        ("1990-11-23T08:00:00Z", false, 2),
        ("2036-11-23T08:00:00Z", true, 0),
        ("2026-11-23T07:00:00Z", true, 2),
    ] {
        let medium = MemoryMedium::default();
        let (mut trail, _) = open(&medium).unwrap();
        for at in ["2026-11-23T07:30:00Z", "2026-11-23T08:00:00Z"] {
            trail.append(None, outcome(None, "1", at), None).unwrap();
        }
        let Entry::CycleFinished(mut dated) = finished(now, true, 40) else { panic!("another kind") };
        dated.clock_trusted = trusted;
        for _ in 0..5 {
            trail.append(None, dated.clone().into(), None).unwrap();
        }
        trail.sync().unwrap();
        assert!(segments(&medium).unwrap().len() > 2, "the newest segment must not hold the outcomes");
        assert_eq!(open(&medium).unwrap().1.history.ended.len(), remembered, "{now} {trusted}");
    }
}

#[test]
fn segments_beyond_the_last_day_are_not_read() {
    let medium = MemoryMedium::default();
    let (mut trail, _) = open(&medium).unwrap();
    for day in 10..20 {
        trail.append(None, finished(&format!("2026-11-{day}T00:00:00Z"), true, day), None).unwrap();
    }
    trail.sync().unwrap();
    medium.replace(&segment_name(1), b"rubbish\n").unwrap();
    assert_eq!(open(&medium).unwrap().1.history.roster, Some(BTreeMap::from([(Stratum::Agents, 19)])));
    assert!(!found(&medium).is_verified());
}

#[test]
fn a_trail_that_does_not_verify_is_not_added_to() {
    let check = |edit: &dyn Fn(&MemoryMedium), part: &str| {
        let medium = MemoryMedium::default();
        script(&medium);
        edit(&medium);
        let before = lines(&medium);
        let refused = open(&medium).map(|_| ()).unwrap_err();
        assert!(refused.to_string().contains(part), "{refused}");
        assert!(look(&medium, &acme()).is_err());
        assert!(!found(&medium).is_verified());
        assert_eq!(lines(&medium), before);
    };
    let append = |bytes: &'static [u8]| {
        move |medium: &MemoryMedium| {
            let last = *segments(medium).unwrap().last().unwrap();
            medium.append(&segment_name(last), bytes).unwrap();
        }
    };
    check(&append(b"\xff\xfe\n"), "not UTF-8");
    check(&append(b"\0\0\0\0\n"), "not a record");
    check(&append(b"\n"), "not a record");
    check(&append(b"{\"v\":7}\n"), "version 7");
    let long = [vec![b'['; LINE_BYTES_MAX + 1], b"\n".to_vec()].concat();
    check(&|medium| medium.append(&segment_name(1), &long).unwrap(), "more than");
    check(&|medium| medium.replace(&segment_name(1), b"").unwrap(), "should follow");
    check(&|medium| medium.append(&segment_name(1), b"torn").unwrap(), "not whole");
    check(&|medium| medium.append(&segment_name(77), b"").unwrap(), "begins at record 77");
    check(&|medium| medium.replace(&sidecar_name(1), b"rubbish\n").unwrap(), "not a personal part");
}

#[test]
fn an_intent_that_makes_no_sense_is_found_before_it_matters() {
    for entry in [intended("one", "2026-11-23T08:00:00Z"), intended("1", "yesterday")] {
        let medium = MemoryMedium::default();
        let (mut trail, _) = open(&medium).unwrap();
        // Its own writer stops at it.
        assert!(trail.append(None, entry, None).and_then(|_| trail.sync()).is_err());
        assert!(open(&medium).map(|_| ()).unwrap_err().to_string().contains("makes no sense"));
        assert_eq!(found(&medium).faults_total, 1);
    }
}

#[test]
fn one_personal_part_beyond_the_last_record_is_unfinished_and_more_were_cut_off() {
    let cut = |records: usize| {
        let medium = MemoryMedium::default();
        let clock = Arc::new(ManualClock::at(instant("2026-11-23T08:00:00Z")));
        let chance = Arc::new(SeededChance::new(1));
        let (mut trail, _) = Trail::open(Arc::new(medium.clone()), acme(), clock, chance).unwrap();
        for exit in 1..=9 {
            trail.append(None, stopped(exit), Some(personal())).unwrap();
        }
        trail.sync().unwrap();
        let last = *segments(&medium).unwrap().last().unwrap();
        let kept = read_segment(&medium, last).unwrap();
        let lines: Vec<_> = kept.split_inclusive(|byte| *byte == b'\n').collect();
        let left = lines[..lines.len() - records].concat();
        medium.truncate(&segment_name(last), left.len() as u64).unwrap();
        (found(&medium), sidecar_name(last))
    };
    assert!(cut(0).0.is_verified() && cut(0).0.unfinished_bytes == 0);
    let (one, _) = cut(1);
    assert!(one.is_verified() && one.unfinished_bytes > 0 && one.records == 8, "{one:?}");
    for records in [2, 5] {
        let (more, sidecar) = cut(records);
        let expected = format!("personal parts for records {} to 9, which were cut off the end", 10 - records);
        assert_eq!((more.faults[0].segment.as_str(), more.faults[0].what.as_str()), (sidecar.as_str(), &*expected));
    }
}

#[test]
fn a_newest_segment_deleted_without_its_sidecar_is_a_fault() {
    let medium = MemoryMedium::default();
    let (mut trail, _) = open(&medium).unwrap();
    for exit in 1..=9 {
        trail.append(None, stopped(exit), Some(personal())).unwrap();
    }
    trail.sync().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let disk = Disk::at(folder.path());
    for name in medium.list().unwrap() {
        disk.replace(&name, &medium.read(&name).unwrap()).unwrap();
    }
    assert!(verify(&disk, &acme()).is_verified());
    let last = segments(&disk).unwrap().into_iter().rfind(|first_seq| *first_seq < 9).unwrap();
    for first_seq in segments(&disk).unwrap().into_iter().filter(|first_seq| *first_seq >= last) {
        std::fs::remove_file(folder.path().join(segment_name(first_seq))).unwrap();
    }
    let found = verify(&disk, &acme());
    assert!(found.faults.iter().any(|fault| fault.what.ends_with("cut off the end")), "{found:?}");
}

#[test]
fn another_accounts_trail_is_refused() {
    let medium = MemoryMedium::default();
    script(&medium);
    let refused = look(&medium, &AccountName::new("other")).unwrap_err();
    assert!(refused.to_string().contains("belongs to account `acme`"), "{refused}");
}

#[test]
fn an_empty_folder_a_missing_one_and_an_empty_segment_begin_a_trail() {
    let folder = tempfile::tempdir().unwrap();
    let missing = Disk::at(&folder.path().join("none"));
    assert_eq!(look(&missing, &acme()).unwrap(), Past::default());
    assert_eq!(verify(&missing, &acme()).faults[0].what, "there are no records");
    let medium = MemoryMedium::default();
    medium.append(&segment_name(1), b"").unwrap();
    let (mut trail, _) = open(&medium).unwrap();
    assert_eq!(trail.write_durably(None, stopped(1), Some(personal())).unwrap(), 1);
    assert!(found(&medium).is_verified());
}

#[test]
fn a_folder_in_place_of_a_file_is_a_clear_fault() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join(segment_name(1))).unwrap();
    let disk = Disk::at(folder.path());
    let trouble = look(&disk, &acme()).unwrap_err().to_string();
    assert_eq!(trouble, format!("cannot read `{}` of the trail: is not a file", segment_name(1)));
    assert!(verify(&disk, &acme()).faults[0].what.contains("is not a file"));
}

#[test]
fn the_real_disk_carries_a_trail_through_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    for count in 1..=3 {
        let clock = Arc::new(ManualClock::at(instant("2026-11-23T08:00:00Z")));
        let disk = Arc::new(Disk::make(folder.path()).unwrap());
        let (mut trail, _) = Trail::open(disk.clone(), acme(), clock, Arc::new(SeededChance::new(1))).unwrap();
        assert_eq!(trail.write_durably(None, stopped(0), Some(personal())).unwrap(), count);
        let verified = verify(&*disk, &acme());
        assert_eq!((verified.faults, verified.records, verified.erased), (vec![], count, 0));
    }
}

/// A set is signed once and stays for years; the segment of that record is then no longer read.
#[test]
fn which_signed_set_was_in_force_is_remembered_by_every_cycle_and_not_forgotten_for_an_unsigned_one() {
    let medium = MemoryMedium::default();
    let (mut trail, _) = open(&medium).unwrap();
    let set = SetSigned { serial: 7, manifest: "seven".into(), allowed_signers: "who".into() };
    let Entry::CycleFinished(plain) = finished("2026-11-23T07:00:00Z", true, 40) else { panic!("no cycle") };
    let signed = CycleFinished { signed: Some(set.clone()), ..plain.clone() };
    trail.append(None, signed.into(), None).unwrap();
    trail.append(None, plain.into(), None).unwrap();
    let policy = PolicyLoaded {
        digest: "unsigned".into(),
        rules: BTreeMap::new(),
        signed: None,
        keys: Vec::new(),
        changed: crate::record::Changed::default(),
    };
    trail.append(None, policy.into(), None).unwrap();
    trail.sync().unwrap();
    let (_, past) = open(&medium).unwrap();
    assert_eq!((past.signed, past.policy_digest.as_deref()), (Some(set), Some("unsigned")));
}
