//! Which records are alerts, in which words, and what becomes one by the passing of time.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::*;
use crate::model::Pause;
use crate::record::{Entry, FIRST_PREV, Line};

/// What an alert is to be; none where there is to be none.
type Wanted = Option<(AlertKind, Severity)>;

/// Each kind's smallest body, and the alert that it is; none for those that are told in the trail alone. An alert names
/// neither the person 35436 nor the session 777.
fn bodies() -> BTreeMap<&'static str, (Value, Wanted)> {
    use AlertKind::{Changed, Credential, Evidence, Hold, Protected, Selftest};
    let list = json!({"list": "hr", "rows": 3, "pending": 2, "added": 2, "removed": 0});
    let cycle = json!({"now": "2026-11-27T08:00:00Z", "mode": "enforce", "policy": "x", "complete": true, "sessions_seen": 1,
        "people_seen": {}, "clock_offset_ms": "0", "clock_trusted": true, "calls": 1, "rules": [], "undecided": [],
        "warnings": []});
    let opened = json!({"rule": "geo", "severity": "high", "belt": "people-per-rule", "limit": 10, "count": 11,
        "mode": "enforce", "opened_at": "2026-11-27T08:00:00Z", "expires_at": "2026-11-28T08:00:00Z",
        "people": {"35436": "agent"}, "digest": "d1", "sessions": 1, "young": 1, "changed": ["lists"]});
    let claim = json!({"rule": "geo", "session": "777", "user": "35436", "stratum": "agent", "mode": "report",
        "action": "revoke-session", "severity": "high", "belt": {"belt": "protected", "limit": null, "count": null},
        "facts": []});
    let outcome = |became: &str| {
        json!({"sessions": ["777"], "user": "35436", "stratum": "agent", "rules": ["geo"],
        "outcome": became, "answered_at": "2026-11-27T08:00:00Z", "detail": "35436 said no"})
    };
    let intended = json!({"action": "revoke-session", "sessions": ["777"], "user": "35436", "stratum": "agent",
        "rules": ["geo"], "read_back": "2026-11-27T08:00:00Z", "policy": "x", "engine": "1", "facts": [], "by": "policy"});
    let source = json!({"source": "access-log", "tells": "use", "unknown": "stale", "as_of": "2026-11-27T08:00:00Z"});
    let tokens = json!({"user": "35436", "tokens": 0, "as_of": "2026-11-27T08:00:00Z", "held": []});
    let evidence = json!({"of": "rule", "name": "geo", "share": 100, "usual": 900});
    BTreeMap::from([
        ("daemon.started", (json!({"command": "run", "engine": "1", "pid": 1, "by": "0"}), None)),
        ("daemon.stopped", (json!({"exit": 0}), None)),
        ("config.loaded", (json!({"digest": "x"}), Some((Changed, Severity::Medium)))),
        ("policy.loaded", (json!({"digest": "x", "rules": {"geo": "report"}}), Some((Changed, Severity::Medium)))),
        ("policy.rejected", (json!({"errors": 2, "kept": "x", "during": "reload"}), Some((Changed, Severity::High)))),
        ("scope.changed", (json!({"scope": "staff", "configured": "auto"}), Some((Changed, Severity::Medium)))),
        ("offboarding.changed", (list, Some((Evidence, Severity::Medium)))),
        ("lookups.changed", (json!({"databases": [], "lists": []}), None)),
        ("source.lost", (source.clone(), Some((Evidence, Severity::High)))),
        ("source.back", (source, None)),
        ("evidence.fell", (evidence.clone(), Some((Evidence, Severity::High)))),
        ("evidence.back", (evidence, None)),
        ("budget.starved", (json!({"why": ["looks"], "since": "x", "waiting": 9}), Some((Evidence, Severity::Medium)))),
        ("budget.back", (json!({"since": "x"}), None)),
        ("cycle.finished", (cycle, None)),
        ("claim.began", (json!({"claims": [claim.clone()]}), Some((Protected, Severity::Medium)))),
        ("claim.changed", (json!({"claims": [claim]}), Some((Protected, Severity::Medium)))),
        ("claim.ended", (json!({"claims": []}), None)),
        ("revocation.intended", (intended, None)),
        ("revocation.outcome", (outcome("refused"), Some((Credential, Severity::Critical)))),
        (
            "revocation.graded",
            (json!({"session": "777", "user": "35436", "grade": "still-present"}), Some((Credential, Severity::High))),
        ),
        (
            "withheld",
            (
                json!({"session": "777", "user": "35436", "rule": "geo", "belt": "pause", "limit": null, "count": null,
                "why": "x"}),
                None,
            ),
        ),
        ("hold.opened", (opened, Some((Hold, Severity::High)))),
        ("hold.grew", (json!({"hold": "1", "people": {}, "digest": "d2"}), None)),
        ("hold.released", (json!({"hold": "1", "digest": "d1", "by": "0"}), None)),
        ("hold.discarded", (json!({"hold": "1", "by": "0"}), None)),
        ("hold.expired", (json!({"hold": "1", "rule": "geo", "people": 1}), Some((Hold, Severity::Critical)))),
        ("pause.began", (json!({"reason": "x", "by": "0"}), None)),
        ("pause.ended", (json!({}), None)),
        ("lever.used", (json!({"lever": "revoke", "people": ["35436"], "reason": "x", "by": "0"}), None)),
        ("credential.refused", (json!({"which": "revoker"}), Some((Credential, Severity::Critical)))),
        ("credential.back", (json!({"which": "revoker"}), Some((Credential, Severity::Low)))),
        ("tokens.seen", (tokens, None)),
        (
            "selftest.began",
            (json!({"user": "35436", "session": "777", "policy": "x", "rule": "35436", "by": "0"}), None),
        ),
        (
            "selftest.finished",
            (
                json!({"ok": false, "user": "35436", "session": "777", "took_ms": "9"}),
                Some((Selftest, Severity::Critical)),
            ),
        ),
        ("exception.expired", (json!({"exception": "vpn", "expires": "x"}), Some((Changed, Severity::Low)))),
        ("trail.cut", (json!({"segment": "x", "bytes": 3, "sha256": "x"}), Some((Evidence, Severity::Low)))),
    ])
}

fn start() -> Timestamp {
    "2026-11-27T08:00:00Z".parse().unwrap()
}

fn after(hours: i64) -> Timestamp {
    start() + SignedDuration::from_hours(hours)
}

fn line(seq: u64, at: Timestamp, kind: &str, body: &Value) -> Line {
    let entry = Entry::from_line(kind, &body.to_string()).unwrap();
    let cycle = Some(crate::model::CycleId::new(format!("c{seq}")));
    let account = AccountName::new("acme");
    Line { seq, at, kind: kind.to_owned(), account, cycle, prev: FIRST_PREV.to_owned(), personal: None, entry }
}

fn sentry() -> Sentry {
    Sentry::of(AccountName::new("acme"))
}

fn body(kind: &str) -> Value {
    bodies()[kind].0.clone()
}

fn with(kind: &str, key: &str, value: Value) -> Value {
    let mut body = body(kind);
    body[key] = value;
    body
}

#[test]
fn every_kind_of_record_is_decided_and_no_alert_names_anybody() {
    let bodies = bodies();
    assert_eq!(
        bodies.keys().copied().collect::<std::collections::BTreeSet<_>>(),
        Entry::KINDS.iter().copied().collect()
    );
    for (kind, (body, wanted)) in bodies {
        let alert = sentry().hear(&line(9, start(), kind, &body));
        assert_eq!(alert.as_ref().map(|alert| (alert.kind, alert.severity)), wanted, "{kind}");
        let Some(alert) = alert else { continue };
        let text = alert.body();
        assert!(!text.contains("35436") && !text.contains("777") && !text.contains("said no"), "{text}");
        assert!(alert.text.contains(". Do: ") && (alert.seq, alert.id.as_str()) == (9, "9"), "{text}");
    }
}

#[test]
fn a_change_that_may_weaken_is_told_with_what_it_is() {
    let told = |class: &str| {
        let changes = json!([{"item": "rule", "name": "geo", "what": ["mode"], "class": class}]);
        let loaded = with("policy.loaded", "changes", changes);
        sentry().hear(&line(9, start(), "policy.loaded", &loaded)).map(|alert| (alert.kind, alert.text.contains("geo")))
    };
    assert_eq!(told("weakens"), Some((AlertKind::Weakening, true)));
    assert_eq!(told("unclear"), Some((AlertKind::Weakening, true)));
    assert_eq!(told("widens"), Some((AlertKind::Changed, false)));
}

#[test]
fn the_same_texts_again_are_news_only_if_other_people_may_sign() {
    let told = |class: &str, signed: Value| {
        let changes =
            json!([{"item": "key", "name": "signatures.allowed-signers", "what": ["contents"], "class": class}]);
        let mut loaded = with("policy.loaded", "changes", changes);
        let mut sentry = sentry();
        sentry.hear(&line(8, start(), "policy.loaded", &loaded));
        loaded["signed"] = signed;
        sentry.hear(&line(9, start(), "policy.loaded", &loaded)).map(|alert| alert.kind)
    };
    let signed = json!({"serial": 7, "manifest": "x", "allowed_signers": "y"});
    assert_eq!(told("weakens", signed.clone()), Some(AlertKind::Weakening));
    assert_eq!(told("neutral", signed), None);
    assert_eq!(told("weakens", Value::Null), None);
}

#[test]
fn what_is_no_news_is_no_alert() {
    let check =
        |kind: &str, body: Value| assert_eq!(sentry().hear(&line(9, start(), kind, &body)), None, "{kind} {body}");
    check("hold.opened", with("hold.opened", "mode", json!("report")));
    check("offboarding.changed", with("offboarding.changed", "pending", json!(0)));
    check("revocation.outcome", with("revocation.outcome", "outcome", json!("already-gone")));
    check("revocation.graded", with("revocation.graded", "grade", json!("ended")));
    for kind in ["policy.loaded", "config.loaded", "scope.changed"] {
        let mut sentry = sentry();
        assert!(sentry.hear(&line(1, start(), kind, &body(kind))).is_some());
        assert_eq!(sentry.hear(&line(2, start(), kind, &body(kind))), None, "the same {kind} once more");
    }
    let mut sentry = sentry();
    sentry.hear(&line(1, start(), "hold.opened", &with("hold.opened", "mode", json!("report"))));
    assert_eq!(sentry.hear(&line(2, after(24), "hold.expired", &body("hold.expired"))), None);
}

#[test]
fn a_claim_on_somebody_protected_is_critical() {
    let alert =
        sentry().hear(&line(9, start(), "hold.opened", &with("hold.opened", "belt", json!("protected")))).unwrap();
    assert_eq!((alert.kind, alert.severity), (AlertKind::Protected, Severity::Critical));
}

fn due(sentry: &Sentry, now: Timestamp) -> Vec<(String, Severity)> {
    let around = Around { now, interval: SignedDuration::from_mins(5), ..Around::default() };
    sentry.due(&around).into_iter().map(|alert| (alert.id, alert.severity)).collect()
}

#[test]
fn a_hold_that_waits_is_called_to_mind_twice_until_somebody_answers() {
    let mut sentry = sentry();
    sentry.hear(&line(7, start(), "hold.opened", &body("hold.opened")));
    sentry.hear(&line(8, start(), "hold.grew", &json!({"hold": "7", "people": {"2": "agent"}, "digest": "d2"})));
    assert_eq!(due(&sentry, after(3)), []);
    assert_eq!(due(&sentry, after(4)), [("7-4h".to_owned(), Severity::High)]);
    assert_eq!(due(&sentry, after(19)), [("7-4h".to_owned(), Severity::High)]);
    assert_eq!(due(&sentry, after(20)), [("7-20h".to_owned(), Severity::Critical)]);
    let around = Around { now: after(20), ..Around::default() };
    let alert = sentry.due(&around).remove(0);
    assert!(alert.digest.as_deref() == Some("d2") && alert.text.contains("2 people"), "{}", alert.text);
    assert_eq!(due(&sentry, after(24)), []);
    for answer in ["hold.released", "hold.discarded", "hold.expired"] {
        let mut sentry = super::Sentry::of(AccountName::new("acme"));
        sentry.hear(&line(7, start(), "hold.opened", &body("hold.opened")));
        sentry.hear(&line(8, start(), answer, &with(answer, "hold", json!("7"))));
        assert_eq!(due(&sentry, after(5)), [], "{answer}");
    }
}

#[test]
fn whoever_comes_back_three_times_within_a_day_is_told_once() {
    let revoked = with("revocation.outcome", "outcome", json!("revoked"));
    let told = |hours: &[i64]| {
        let mut sentry = sentry();
        let lines = (1_u64..).zip(hours).map(|(seq, hour)| line(seq, after(*hour), "revocation.outcome", &revoked));
        lines.filter_map(|line| sentry.hear(&line)).map(|alert| (alert.seq, alert.kind)).collect::<Vec<_>>()
    };
    assert_eq!(told(&[0, 1, 2]), []);
    assert_eq!(told(&[0, 1, 2, 3, 4]), [(4, AlertKind::Loop)]);
    assert_eq!(told(&[0, 9, 18, 27]), [], "not within a day");
    let mut sentry = sentry();
    let mut one = line(1, start(), "revocation.outcome", &revoked);
    for seq in 1..9 {
        one.seq = seq;
        assert_eq!(sentry.hear(&one), None, "devices of one cycle are one episode");
    }
}

#[test]
fn an_account_that_sees_nothing_for_three_sweeps_is_told_once_for_each_time() {
    let mut sentry = sentry();
    assert_eq!(due(&sentry, after(99)), [], "nothing is known yet");
    sentry.hear(&line(1, start(), "daemon.started", &body("daemon.started")));
    let minutes = |minutes| start() + SignedDuration::from_mins(minutes);
    assert_eq!(due(&sentry, minutes(15)), []);
    assert_eq!(due(&sentry, minutes(16)), [("1-blind".to_owned(), Severity::Critical)]);
    sentry.hear(&line(2, minutes(17), "cycle.finished", &body("cycle.finished")));
    assert_eq!(due(&sentry, minutes(30)), []);
    for (seq, key, value) in
        [(3, "complete", json!(false)), (4, "clock_trusted", json!(false)), (5, "looked", json!(["1"]))]
    {
        sentry.hear(&line(seq, minutes(90), "cycle.finished", &with("cycle.finished", key, value)));
    }
    assert_eq!(due(&sentry, minutes(90)), [("2-blind".to_owned(), Severity::Critical)]);
}

#[test]
fn a_pause_is_told_when_it_begins_and_when_it_is_over() {
    let check = |pause, pause_told, wanted: Option<bool>| {
        let around = Around { now: start(), pause, pause_told, ..Around::default() };
        let marks: Vec<Mark> = sentry().due(&around).into_iter().map(|alert| alert.mark).collect();
        assert_eq!(marks, wanted.map(Mark::Pause).into_iter().collect::<Vec<_>>());
    };
    check(Some(Pause { until: None }), false, Some(true));
    check(Some(Pause { until: None }), true, None);
    check(None, true, Some(false));
    check(None, false, None);
}

#[test]
fn a_body_is_versioned_and_its_signature_is_over_instant_and_body() {
    let mut alert = Alert::test(&AccountName::new("acme"), start());
    alert.digest = Some("d".to_owned());
    let body: Value = serde_json::from_str(&alert.body()).unwrap();
    let wanted = json!({"v": 1, "id": "test-1795766400", "account": "acme", "kind": "test", "severity": "info",
        "at": "2026-11-27T08:00:00Z", "seq": 0, "digest": "d", "text": alert.text});
    assert_eq!(body, wanted);
    let signed = signature(b"0123456789abcdef", start(), "{}");
    let mac = hmac_sha256_hex(b"0123456789abcdef", b"1795766400.{}");
    assert_eq!(signed, format!("t=1795766400,v1={mac}"));
}

#[test]
fn hostile_names_are_short_and_harmless() {
    let long = "x".repeat(9_999);
    let hostile = format!("a`\u{1b}[31m\u{202e}{long}");
    let alert =
        sentry().hear(&line(9, start(), "source.lost", &with("source.lost", "source", json!(hostile)))).unwrap();
    assert!(alert.text.len() < 400 && !alert.text.contains(['\u{1b}', '\u{202e}']), "{}", alert.text);
}
