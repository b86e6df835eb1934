//! `evictd audit`: verifies a trail, lists its last records, shows some of them. Only reads, and locks nothing.
//!
//! What is printed goes through the writer that is passed in. One segment is held in memory at a time.

use std::io::{self, Write};

use crate::files::Medium;
use crate::model::{AccountName, Foreign, SessionId, UserId};
use crate::record::{
    Line, Sidecar, Verification, json_of, one_line, page, segment_name, sessions_of, users_of, whole_lines,
};
use crate::trail::{self, TrailTrouble};

/// How to print.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Form {
    Text,
    Json,
}

/// Which records to show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Which {
    /// The one with this number.
    Seq(u64),
    /// Those that speak of this session.
    Session(SessionId),
    /// Those that speak of this person.
    User(UserId),
    /// Those of this kind, as [`crate::record::Entry::KINDS`] has it.
    Kind(String),
}

/// Why records could not be printed.
#[derive(Debug, thiserror::Error)]
pub enum AuditTrouble {
    /// The trail cannot be read.
    #[error(transparent)]
    Trail(#[from] TrailTrouble),
    /// The output takes no more.
    #[error("cannot print: {0}")]
    Output(#[from] io::Error),
}

/// Verifies the whole trail of the account and prints what was found. 0 if nothing is wrong, else 1.
///
/// # Errors
///
/// When the output takes no more.
pub fn verify(medium: &dyn Medium, account: &AccountName, form: Form, out: &mut dyn Write) -> io::Result<u8> {
    let found = trail::verify(medium, account);
    match form {
        Form::Json => writeln!(out, "{}", found.json())?,
        Form::Text => print_found(&found, out)?,
    }
    Ok(u8::from(!found.is_verified()))
}

fn print_found(found: &Verification, out: &mut dyn Write) -> io::Result<()> {
    let instant = |instant: Option<jiff::Timestamp>| instant.map_or("-".to_owned(), |instant| instant.to_string());
    writeln!(out, "account    {}", found.account)?;
    writeln!(out, "segments   {}", found.segments)?;
    writeln!(out, "records    {}", found.records)?;
    writeln!(out, "first      {}", instant(found.first))?;
    writeln!(out, "last       {}", instant(found.last))?;
    writeln!(out, "erased     {} personal parts", found.erased)?;
    if found.unfinished_bytes > 0 {
        let bytes = found.unfinished_bytes;
        writeln!(out, "unfinished {bytes} bytes of a last record: a writer is at work, or the next start cuts them")?;
    }
    for (kind, count) in &found.kinds {
        writeln!(out, "  {count:>8}  {kind}")?;
    }
    for fault in &found.faults {
        writeln!(out, "{} line {}: {}", fault.segment, fault.line, Foreign::new(fault.what.as_str()))?;
    }
    match found.faults_total {
        0 => writeln!(out, "trail verified"),
        1 => writeln!(out, "trail not verified: 1 fault"),
        faults => writeln!(out, "trail not verified: {faults} faults"),
    }
}

/// Prints the last `count` records: a line each, or their own JSON lines. 1 if one of them is no record, else 0.
///
/// # Errors
///
/// When the trail cannot be read or the output takes no more.
pub fn tail(medium: &dyn Medium, count: usize, form: Form, out: &mut dyn Write) -> Result<u8, AuditTrouble> {
    let mut segments = trail::segments(medium)?;
    let mut have = 0_usize;
    let mut from = segments.len();
    for first_seq in segments.iter().rev() {
        if have >= count {
            break;
        }
        let bytes = trail::read_segment(medium, *first_seq)?;
        have += whole_lines(&bytes).0.count();
        from -= 1;
    }
    let mut skip = have.saturating_sub(count);
    let mut exit = 0;
    for first_seq in segments.split_off(from) {
        let bytes = trail::read_segment(medium, first_seq)?;
        for (number, line) in (1_u64..).zip(whole_lines(&bytes).0).skip(skip) {
            exit |= print_short((first_seq, number), line, form, out)?;
        }
        // All that is skipped lies in the oldest of them.
        skip = 0;
    }
    Ok(exit)
}

fn print_short((first_seq, number): (u64, u64), line: &[u8], form: Form, out: &mut dyn Write) -> io::Result<u8> {
    match (Line::read(line), form) {
        (Ok(_), Form::Json) => {
            out.write_all(line)?;
            writeln!(out)?;
            Ok(0)
        }
        (Ok(record), Form::Text) => {
            writeln!(out, "{}", one_line(&record))?;
            Ok(0)
        }
        (Err(what), form) => {
            print_unreadable((first_seq, number), &what, form, out)?;
            Ok(1)
        }
    }
}

fn print_unreadable((first_seq, number): (u64, u64), what: &str, form: Form, out: &mut dyn Write) -> io::Result<()> {
    let segment = segment_name(first_seq);
    match form {
        Form::Text => writeln!(out, "     ?  {segment} line {number}: {}", Foreign::new(what)),
        Form::Json => writeln!(out, r#"{{"unreadable":{{"segment":"{segment}","line":{number}}}}}"#),
    }
}

/// Prints records whole, with their personal part if it is still there. 1 if there is none, else 0.
///
/// # Errors
///
/// When the trail cannot be read or the output takes no more.
pub fn show(medium: &dyn Medium, which: &Which, form: Form, out: &mut dyn Write) -> Result<u8, AuditTrouble> {
    let segments = trail::segments(medium)?;
    let wanted = Wanted::new(which);
    let (mut shown, mut unreadable) = (0_u64, 0_u64);
    for first_seq in wanted.segments(&segments) {
        let bytes = trail::read_segment(medium, *first_seq)?;
        let mut sidecar: Option<Sidecar> = None;
        for line in whole_lines(&bytes).0 {
            let record = match Line::read(line) {
                Ok(record) if wanted.is(&record) => record,
                Ok(_) => continue,
                Err(_) => {
                    unreadable += 1;
                    continue;
                }
            };
            if record.personal.is_some() && sidecar.is_none() {
                sidecar = Some(trail::read_sidecar(medium, *first_seq)?);
            }
            let personal = sidecar.as_ref().and_then(|sidecar| sidecar.text(record.seq));
            match form {
                Form::Json => writeln!(out, "{}", json_of(line, personal))?,
                Form::Text if shown > 0 => write!(out, "\n{}", page(&record, line, personal))?,
                Form::Text => write!(out, "{}", page(&record, line, personal))?,
            }
            shown += 1;
        }
    }
    if shown == 0 && form == Form::Text {
        writeln!(out, "no record matches")?;
    }
    if unreadable > 0 && form == Form::Text {
        writeln!(out, "lines that are no record: {unreadable} (`evictd audit verify` says where)")?;
    }
    Ok(u8::from(shown == 0))
}

/// What is looked for, ids as the text that records have.
enum Wanted<'a> {
    Seq(u64),
    Session(String),
    User(String),
    Kind(&'a str),
}

impl<'a> Wanted<'a> {
    fn new(which: &'a Which) -> Self {
        match which {
            Which::Seq(seq) => Self::Seq(*seq),
            Which::Session(session) => Self::Session(session.to_string()),
            Which::User(user) => Self::User(user.to_string()),
            Which::Kind(kind) => Self::Kind(kind),
        }
    }

    /// The segments it can be in: a number is in the last one that begins at it or before.
    fn segments<'b>(&self, all: &'b [u64]) -> &'b [u64] {
        let Self::Seq(seq) = self else { return all };
        let after = all.partition_point(|first_seq| first_seq <= seq);
        all.get(after.saturating_sub(1)..after).unwrap_or_default()
    }

    fn is(&self, record: &Line) -> bool {
        match self {
            Self::Seq(seq) => record.seq == *seq,
            Self::Session(session) => sessions_of(&record.entry).contains(&session.as_str()),
            Self::User(user) => users_of(&record.entry).contains(&user.as_str()),
            Self::Kind(kind) => record.kind == *kind,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::clock::{ManualClock, SeededChance};
    use crate::files::MemoryMedium;
    use crate::record::{DaemonStopped, Personal, RevocationGraded};
    use crate::trail::Trail;

    /// Six records in three segments: five of them end session 101 to 105 of user 7.
    fn trail() -> MemoryMedium {
        let medium = MemoryMedium::default();
        let clock = Arc::new(ManualClock::at("2026-11-23T08:00:00Z".parse().unwrap()));
        let seams: (Arc<dyn crate::clock::Clock>, _) = (clock, Arc::new(SeededChance::new(1)) as _);
        let account = AccountName::new("acme");
        let (mut trail, _) = Trail::open_with_segments_of(800, Arc::new(medium.clone()), account, seams).unwrap();
        trail.append(None, DaemonStopped { exit: 0 }.into(), None).unwrap();
        for session in 101..=105 {
            let graded =
                RevocationGraded { session: session.to_string(), user: "7".into(), grade: "ended".into(), back: None };
            let personal = Personal::from_iter([("email", "eve\u{1b}[31m@example.com")]);
            trail.append(None, graded.into(), Some(personal)).unwrap();
        }
        medium
    }

    fn printed(print: impl FnOnce(&mut dyn Write) -> u8) -> (u8, String) {
        let mut out = Vec::new();
        let exit = print(&mut out);
        (exit, String::from_utf8(out).unwrap())
    }

    fn verified(medium: &MemoryMedium, form: Form) -> (u8, String) {
        printed(|out| verify(medium, &AccountName::new("acme"), form, out).unwrap())
    }

    fn tailed(medium: &MemoryMedium, count: usize, form: Form) -> (u8, String) {
        printed(|out| tail(medium, count, form, out).unwrap())
    }

    fn shown(medium: &MemoryMedium, which: &Which, form: Form) -> (u8, String) {
        printed(|out| show(medium, which, form, out).unwrap())
    }

    fn damaged() -> MemoryMedium {
        let medium = trail();
        let name = segment_name(1);
        let text = String::from_utf8(medium.read(&name).unwrap()).unwrap();
        medium.replace(&name, text.replacen("\"v\":1", "\"v\":\"\u{1b}[2J\"", 1).as_bytes()).unwrap();
        medium
    }

    #[test]
    fn verify_says_verified_or_where_it_is_not() {
        let (exit, text) = verified(&trail(), Form::Text);
        assert!(exit == 0 && text.ends_with("\n         5  revocation.graded\ntrail verified\n"), "{text}");
        let (exit, json) = verified(&trail(), Form::Json);
        let start = r#"{"schema":1,"account":"acme","verified":true,"records":6,"segments":3,"first":"2026-11-23T08"#;
        assert!(exit == 0 && json.starts_with(start), "{json}");
        assert!(json.ends_with("\"erased\":0,\"unfinished_bytes\":0,\"faults\":[],\"faults_total\":0}\n"), "{json}");

        let (exit, text) = verified(&damaged(), Form::Text);
        assert!(exit == 1 && text.contains(&format!("\n{} line 1: not a record", segment_name(1))), "{text}");
        assert!(text.ends_with("trail not verified: 2 faults\n") && !text.contains('\u{1b}'), "{text}");
        let (exit, json) = verified(&damaged(), Form::Json);
        assert!(
            exit == 1 && json.contains(r#""verified":false"#) && json.contains(r#"jsonl","line":1,"what":"not"#),
            "{json}"
        );
        assert_eq!(verified(&MemoryMedium::default(), Form::Text).0, 1);
    }

    #[test]
    fn tail_prints_the_last_records_across_segments() {
        for count in [1, 2, 3, 4, 5, 6, 7, usize::MAX] {
            let (exit, text) = tailed(&trail(), count, Form::Text);
            assert_eq!((exit, text.lines().count()), (0, count.min(6)));
            assert!(text.lines().last().unwrap().ends_with("session 105"), "{text}");
        }
        assert_eq!(tailed(&trail(), 0, Form::Text), (0, String::new()));
        let (_, json) = tailed(&trail(), 1, Form::Json);
        assert!(json.starts_with(r#"{"v":1,"seq":6,"#) && json.ends_with("}\n"), "{json}");
        let (exit, text) = tailed(&damaged(), 6, Form::Text);
        assert!(exit == 1 && text.starts_with("     ?  trail-") && !text.contains('\u{1b}'), "{text}");
    }

    #[test]
    fn show_finds_records_by_number_session_person_and_kind() {
        let count = |which: &Which| {
            let (exit, json) = shown(&trail(), which, Form::Json);
            assert_eq!(exit == 0, !json.is_empty());
            json.lines().count()
        };
        assert_eq!([0, 1, 4, 6, 7, u64::MAX].map(|seq| count(&Which::Seq(seq))), [0, 1, 1, 1, 0, 0]);
        assert_eq!([101, 105, 10].map(|id| count(&Which::Session(SessionId(id)))), [1, 1, 0]);
        assert_eq!([7, 8].map(|id| count(&Which::User(UserId::new(id).unwrap()))), [5, 0]);
        assert_eq!(["daemon.stopped", "withheld"].map(|kind| count(&Which::Kind(kind.into()))), [1, 0]);
    }

    #[test]
    fn show_prints_the_personal_part_escaped_until_it_is_erased() {
        let medium = trail();
        let (exit, text) = shown(&medium, &Which::Seq(6), Form::Text);
        assert!(exit == 0 && text.starts_with("record 6, revocation.graded\n"), "{text}");
        assert!(text.contains("email           eve\\u{1b}[31m@example.com\n"), "{text}");
        let (_, json) = shown(&medium, &Which::Seq(6), Form::Json);
        assert!(json.ends_with("\"personal\":{\"email\":\"eve\\u001b[31m@example.com\"}}\n"), "{json}");
        for name in medium.list().unwrap().iter().filter(|name| name.contains("personal")) {
            medium.replace(name, b"").unwrap();
        }
        assert!(shown(&medium, &Which::Seq(6), Form::Text).1.contains("personal        erased\n"));
        assert_eq!(shown(&medium, &Which::Seq(99), Form::Text), (1, "no record matches\n".to_owned()));
    }
}
