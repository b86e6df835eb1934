//! A record as people read it: one line for a list, a page for one alone. Whatever stands in it is shown as foreign
//! text, since the file may have been changed by somebody else.

use serde_json::Value;

use super::{Changed, ComeBack, CycleFinished, Entry, Line, LookupsChanged, OffboardingChanged};
use crate::model::{Foreign, harmless_json};

/// Keys that [`page`] prints by name before the body.
const HEAD_KEYS: [&str; 7] = ["v", "seq", "at", "kind", "account", "cycle", "prev"];

/// The record in one line: number, instant, kind and the gist.
pub fn one_line(line: &Line) -> String {
    let at = line.at.strftime("%Y-%m-%dT%H:%M:%SZ");
    let text = format!("{:>6}  {at}  {:<20}  {}", line.seq, line.kind, shown(&gist(&line.entry)));
    text.trim_end().to_owned()
}

/// The record as a page of aligned keys, with its personal part: the text as kept, or `None` if it was erased.
pub fn page(line: &Line, bytes: &[u8], personal: Option<&str>) -> String {
    let mut page = format!("record {}, {}\n", line.seq, shown(&line.kind));
    row(&mut page, 1, "at", &line.at.to_string());
    row(&mut page, 1, "account", line.account.as_str());
    if let Some(cycle) = &line.cycle {
        row(&mut page, 1, "cycle", cycle.as_str());
    }
    if let Ok(Value::Object(mut body)) = serde_json::from_slice(bytes) {
        body.retain(|key, _| key != "personal" && !HEAD_KEYS.contains(&key.as_str()));
        fields(&mut page, 1, &Value::Object(body));
    }
    row(&mut page, 1, "prev", &line.prev);
    match (&line.personal, personal.map(serde_json::from_str::<Value>)) {
        (None, _) => {}
        (Some(_), None) => row(&mut page, 1, "personal", "erased"),
        (Some(_), Some(Ok(value))) => field(&mut page, 1, "personal", &value),
        (Some(_), Some(Err(_))) => field(&mut page, 1, "personal", &Value::from(personal)),
    }
    page
}

/// The record as one JSON object: its line as it stands, and its personal part, `null` if there is none or no longer.
pub fn json_of(bytes: &[u8], personal: Option<&str>) -> String {
    let personal =
        personal.map_or(Value::Null, |text| serde_json::from_str(text).unwrap_or_else(|_| Value::from(text)));
    let personal = harmless_json(&personal.to_string());
    format!(r#"{{"record":{},"personal":{personal}}}"#, String::from_utf8_lossy(bytes))
}

/// The sessions a record speaks of.
pub fn sessions_of(entry: &Entry) -> Vec<&str> {
    match entry {
        Entry::ClaimBegan(body) => body.claims.iter().map(|claim| claim.key.session.as_str()).collect(),
        Entry::ClaimChanged(body) => body.claims.iter().map(|claim| claim.key.session.as_str()).collect(),
        Entry::ClaimEnded(body) => body.claims.iter().map(|claim| claim.session.as_str()).collect(),
        Entry::RevocationIntended(body) => body.sessions.iter().map(String::as_str).collect(),
        Entry::RevocationOutcome(body) => body.sessions.iter().map(String::as_str).collect(),
        Entry::RevocationGraded(body) => vec![&body.session],
        Entry::Withheld(body) => vec![&body.session],
        _ => Vec::new(),
    }
}

/// The users a record speaks of, by id.
pub fn users_of(entry: &Entry) -> Vec<&str> {
    match entry {
        Entry::ClaimBegan(body) => body.claims.iter().map(|claim| claim.user.as_str()).collect(),
        Entry::ClaimChanged(body) => body.claims.iter().map(|claim| claim.user.as_str()).collect(),
        Entry::RevocationIntended(body) => vec![&body.user],
        Entry::HoldOpened(body) => body.people.keys().map(String::as_str).collect(),
        Entry::HoldGrew(body) => body.people.keys().map(String::as_str).collect(),
        Entry::RevocationOutcome(body) => vec![&body.user],
        Entry::RevocationGraded(body) => vec![&body.user],
        Entry::Withheld(body) => vec![&body.user],
        Entry::LeverUsed(body) => body.people.iter().map(String::as_str).collect(),
        Entry::SelftestBegan(body) => vec![&body.user],
        Entry::SelftestFinished(body) => vec![&body.user],
        Entry::TokensHeld(body) => vec![&body.user],
        _ => Vec::new(),
    }
}

fn changed(changed: &Changed) -> String {
    changed.class.as_ref().map(|class| format!("{class}, ")).unwrap_or_default()
}

fn gist(entry: &Entry) -> String {
    let claims = |count: usize| format!("{count} claim{}", if count == 1 { "" } else { "s" });
    match entry {
        Entry::DaemonStarted(body) => {
            format!("{} by user {}, process {}, version {}", body.command, body.by, body.pid, body.engine)
        }
        Entry::DaemonStopped(body) => format!("exit {}", body.exit),
        Entry::ConfigLoaded(body) => format!("{}digest {}", changed(&body.changed), body.digest),
        Entry::PolicyLoaded(body) => {
            let signed = body.signed.as_ref().map(|set| format!("serial {}, {} signed, ", set.serial, body.keys.len()));
            let signed = signed.unwrap_or_default();
            format!("{} rules, {}{signed}digest {}", body.rules.len(), changed(&body.changed), body.digest)
        }
        Entry::PolicyRejected(body) => {
            format!("errors {}, at {}, {} stays in force", body.errors, body.during, body.kept)
        }
        Entry::ScopeChanged(body) => format!("{}, configured as {}", body.scope, body.configured),
        Entry::OffboardingChanged(_)
        | Entry::LookupsChanged(_)
        | Entry::SourceLost(_)
        | Entry::SourceBack(_)
        | Entry::EvidenceFell(_)
        | Entry::EvidenceBack(_)
        | Entry::BudgetStarved(_)
        | Entry::BudgetBack(_)
        | Entry::CredentialRefused(_)
        | Entry::CredentialBack(_) => gist_of_source(entry),
        Entry::CycleFinished(body) => counts(body),
        Entry::ClaimBegan(body) => claims(body.claims.len()),
        Entry::ClaimChanged(body) => claims(body.claims.len()),
        Entry::ClaimEnded(body) => claims(body.claims.len()),
        Entry::RevocationIntended(body) => {
            format!("{}: {}", body.action, target(&body.user, &body.sessions, &body.rules))
        }
        Entry::RevocationOutcome(body) => {
            format!("{}: {}", body.outcome, target(&body.user, &body.sessions, &body.rules))
        }
        Entry::RevocationGraded(body) => {
            let back = |back: &ComeBack| format!(", with session {} by rule {}", back.session, back.rule);
            let back = body.back.as_ref().map(back).unwrap_or_default();
            format!("{}: user {}, session {}{back}", body.grade, body.user, body.session)
        }
        Entry::Withheld(body) => {
            format!("{}: user {}, session {}, rule {}", body.held.belt, body.user, body.session, body.rule)
        }
        Entry::HoldOpened(body) => {
            format!("{}: {} people of rule {}, {} mode", body.belt, body.people.len(), body.rule, body.mode)
        }
        Entry::HoldGrew(body) => format!("hold {}: {} people more", body.hold, body.people.len()),
        Entry::HoldReleased(body) => format!("hold {} by {}", body.hold, body.by),
        Entry::HoldDiscarded(body) => format!("hold {} by {}", body.hold, body.by),
        Entry::HoldExpired(body) => format!("hold {}: {} people of rule {}", body.hold, body.people, body.rule),
        Entry::PauseBegan(body) => {
            let until = body.until.as_ref().map_or("without end".to_owned(), |until| format!("until {until}"));
            format!("{until} by {}: {}", body.by, body.reason)
        }
        Entry::PauseEnded(body) => body.by.as_ref().map_or("its time was over".to_owned(), |by| format!("by {by}")),
        Entry::LeverUsed(body) => {
            format!("{}: {} people, by {}: {}", body.lever, body.people.len(), body.by, body.reason)
        }
        Entry::TokensHeld(body) => format!("user {}: {} OAuth tokens", body.user, body.tokens),
        Entry::SelftestBegan(body) => format!("user {}, session {}, by {}", body.user, body.session, body.by),
        Entry::SelftestFinished(body) => {
            let what = if body.ok { "ok" } else { "not ok" };
            format!("{what}: user {}, session {}, {} ms", body.user, body.session, body.took_ms)
        }
        Entry::ExceptionExpired(body) => format!("{}, last day {}", body.exception, body.expires),
        Entry::TrailCut(body) => format!("{} bytes of {}", body.bytes, body.segment),
    }
}

fn gist_of_source(entry: &Entry) -> String {
    match entry {
        Entry::OffboardingChanged(body) => offboarding(body),
        Entry::LookupsChanged(body) => lookups(body),
        Entry::SourceLost(body) => format!("{}: {}, told everything up to {}", body.source, body.unknown, body.as_of),
        Entry::CredentialRefused(body) => format!("Zendesk does not accept the {}'s credential", body.which),
        Entry::CredentialBack(body) => format!("Zendesk accepts the {}'s credential again", body.which),
        Entry::SourceBack(body) => format!("{}, tells everything up to {}", body.source, body.as_of),
        Entry::EvidenceFell(body) => {
            format!("{} {}: {} of 1000, usually {}", body.of, body.name, body.share, body.usual)
        }
        Entry::EvidenceBack(body) => match body.share {
            Some(share) => format!("{} {}: {share} of 1000", body.of, body.name),
            None => format!("{} {} is no longer there", body.of, body.name),
        },
        Entry::BudgetStarved(body) => {
            format!("since {}: {}, {} people wait", body.since, body.why.join(", "), body.waiting)
        }
        Entry::BudgetBack(body) => format!("had not sufficed since {}", body.since),
        _ => String::new(),
    }
}

fn counts(body: &CycleFinished) -> String {
    let sum = |count: fn(&super::RuleCount) -> usize| {
        body.rules.iter().fold(0_usize, |total, rule| total.saturating_add(count(rule)))
    };
    let whole = if body.complete { "" } else { ", listing incomplete" };
    let looked = body.looked.as_ref().map_or(0, Vec::len);
    let looked = if looked == 0 { String::new() } else { format!(" a look at {looked}:") };
    format!(
        "{} mode:{looked} {} sessions, fired {}, clear {}, withheld {}, undecided {}{whole}",
        body.mode,
        body.sessions_seen,
        sum(|rule| rule.fired),
        sum(|rule| rule.clear),
        sum(|rule| rule.withheld),
        sum(|rule| rule.undecided),
    )
}

fn lookups(body: &LookupsChanged) -> String {
    let day = |built: &str| built.split('T').next().unwrap_or_default().to_owned();
    let databases = body.databases.iter().map(|one| format!("{} of {}", one.name, day(&one.built)));
    let lists = body.lists.iter().map(|list| {
        let unknown = list.unknown.as_ref().map(|why| format!(" ({why})")).unwrap_or_default();
        format!("list {}: {} entries{unknown}", list.list, list.entries)
    });
    databases.chain(lists).collect::<Vec<_>>().join(", ")
}

fn offboarding(body: &OffboardingChanged) -> String {
    let unknown = body.unknown.as_ref().map(|why| format!(", unknown: {why}")).unwrap_or_default();
    let OffboardingChanged { list, rows, added, removed, pending, .. } = body;
    format!("{list}: {rows} rows, {added} added, {removed} removed, {pending} pending{unknown}")
}

fn target(user: &str, sessions: &[String], rules: &[String]) -> String {
    let named = |what: &str, ids: &[String]| match ids {
        [] => String::new(),
        ids => format!(", {what} {}", ids.join(" ")),
    };
    format!("user {user}{}{}", named("session", sessions), named("rule", rules))
}

fn shown(text: &str) -> Foreign {
    Foreign::new(text)
}

/// Columns of one level of indentation, and of a key.
const INDENT: usize = 2;
const KEY: usize = 15;

/// A text of several lines, such as a policy, stands below its key, whole.
fn row(page: &mut String, depth: usize, key: &str, value: &str) {
    let several = value.contains('\n');
    let first = if several { "" } else { value };
    let line = format!("{:indent$}{:<KEY$} {}", "", shown(key), shown(first), indent = depth * INDENT);
    page.push_str(line.trim_end());
    page.push('\n');
    for line in value.lines().filter(|_| several) {
        let line = format!("{:indent$}| {}", "", shown(line), indent = (depth + 1) * INDENT);
        page.push_str(line.trim_end());
        page.push('\n');
    }
}

fn fields(page: &mut String, depth: usize, value: &Value) {
    if let Value::Object(object) = value {
        for (key, value) in object {
            field(page, depth, key, value);
        }
    }
}

fn field(page: &mut String, depth: usize, key: &str, value: &Value) {
    match value {
        Value::Object(object) if !object.is_empty() => {
            row(page, depth, key, "");
            fields(page, depth + 1, value);
        }
        Value::Array(items) if items.iter().any(|item| item.is_object() || item.is_array()) => {
            for (number, item) in (1_u64..).zip(items) {
                field(page, depth, &format!("{key} {number}"), item);
            }
        }
        Value::Array(items) => {
            let words: Vec<String> = items.iter().map(plain).collect();
            row(page, depth, key, &words.join(", "));
        }
        other => row(page, depth, key, &plain(other)),
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => "-".to_owned(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::AccountName;
    use crate::record::{FIRST_PREV, Head, RevocationGraded, line_bytes};

    fn graded(session: &str) -> (Line, Vec<u8>) {
        let account = AccountName::new("acme");
        let at = "2026-11-23T08:00:00.5Z".parse().unwrap();
        let head = Head { seq: 12, at, account: &account, cycle: None, prev: FIRST_PREV };
        let entry =
            RevocationGraded { session: session.into(), user: "35436".into(), grade: "ended".into(), back: None };
        let bytes = line_bytes(&head, &entry.into(), Some("ab")).unwrap();
        (Line::read(&bytes).unwrap(), bytes)
    }

    #[test]
    fn a_record_reads_in_one_line() {
        let (line, _) = graded("101");
        let expected = "    12  2026-11-23T08:00:00Z  revocation.graded     ended: user 35436, session 101";
        assert_eq!(one_line(&line), expected);
        assert_eq!((sessions_of(&line.entry), users_of(&line.entry)), (vec!["101"], vec!["35436"]));
        assert!(one_line(&graded("\u{1b}[2J").0).ends_with("session \\u{1b}[2J"));
    }

    #[test]
    fn a_page_has_the_personal_part_while_it_is_there() {
        let (line, bytes) = graded("101");
        let page_with = |personal| page(&line, &bytes, personal);
        let whole = page_with(Some(r#"{"email":"eve\u001b[31m\u202e@example.com","tags":["a","b"]}"#));
        assert!(whole.starts_with("record 12, revocation.graded\n  at              2026-11-23T08:00:00.5Z\n"));
        assert!(whole.contains("\n  session         101\n"), "{whole}");
        assert!(whole.contains("\n    email           eve\\u{1b}[31m\\u{202e}@example.com\n"), "{whole}");
        assert!(whole.contains("\n    tags            a, b\n"), "{whole}");
        assert!(page_with(None).ends_with("\n  personal        erased\n"));
        assert!(page_with(Some("\u{7}")).ends_with("\n  personal        \\u{7}\n"));
    }
}
