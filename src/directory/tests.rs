//! Every format, every fault, every rule of taking over, and that chance finds nothing else.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use super::*;
use crate::config::OffboardingList;
use crate::model::{Cause, Foreign, ListMemory, ListStanding, Person, Role, UserId};
use crate::record::{OffboardingChanged, sha256_hex};

fn berlin() -> TimeZone {
    TimeZone::get("Europe/Berlin").unwrap()
}

/// Rows as `key@since`, then unreadable lines as `line: what`.
fn read(bytes: &[u8], extension: Option<&str>) -> Vec<String> {
    let contents = match read_contents(bytes, extension, &berlin()) {
        Ok(contents) => contents,
        Err(fault) => return vec![fault.to_string()],
    };
    let since = |row: &Row| row.since.map(|since| format!(" since {since}")).unwrap_or_default();
    let rows = contents.rows.iter().map(|row| format!("{} {}{}", row.line, row.names.key(), since(row)));
    rows.chain(contents.faults.iter().map(|fault| format!("{}: {}", fault.line, fault.what))).collect()
}

fn check(text: &str, extension: Option<&str>, wanted: &[&str]) {
    assert_eq!(read(text.as_bytes(), extension), wanted, "{text}");
    let crlf = text.replace('\n', "\r\n");
    assert_eq!(read(crlf.as_bytes(), extension), wanted, "{crlf:?}");
    let marked = format!("\u{feff}{text}");
    assert_eq!(read(marked.as_bytes(), extension), wanted, "{marked:?}");
}

#[test]
fn plain_text_has_a_name_on_each_line() {
    check(
        "# left in autumn\n\n  Ada@Example.com  \n35436\nexternal:E-7\nexternal-id:E-8\nbo@example.com 2026-11-23 # said HR",
        None,
        &[
            "3 email:ada@example.com",
            "4 id:35436",
            "5 external-id:e-7",
            "6 external-id:e-8",
            "7 email:bo@example.com since 2026-11-23T23:00:00Z",
        ],
    );
    check(
        "ada@example.com\nAda Lovelace\n0\na@b.c 2026-11-23 x\n@\n99999999999999999999\nexternal:\n",
        Some("txt"),
        &[
            "1 email:ada@example.com",
            "2: neither an e-mail address nor an id",
            "3: the id is no Zendesk id, which is a whole number",
            "4: there is more on the line than a name and `since`",
            "5: the e-mail address does not look like one",
            "6: the id is no Zendesk id, which is a whole number",
            "7: it names nobody",
        ],
    );
    check("", None, &[]);
    check("\n \n# nobody\n", None, &[]);
}

#[test]
fn csv_is_read_by_its_header() {
    let wanted = ["2 email:ada@example.com since 2026-11-23T16:00:00Z", "3 email:bo@example.com"];
    check(
        "Since,Name, EMAIL \n2026-11-23T17:00:00+01:00,\"Lovelace, Ada\",ada@example.com\n,\"B\"\"o\",bo@example.com\n",
        None,
        &wanted,
    );
    check("since;email\n2026-11-23T16:00:00Z;ada@example.com\n;bo@example.com", Some("csv"), &wanted);
    check("since\temail\n2026-11-23T16:00:00Z\tada@example.com\n\tbo@example.com\n", Some("tsv"), &wanted);
    check("email\nada@example.com\n", None, &["2 email:ada@example.com"]);
    check("id,external_id\n7,E-7\n,E-8\n", None, &["2 id:7", "3 external-id:e-8"]);
    check(
        "# from HR\nemail,id\n# a remark\n\nada@example.com,\n,,,\n\"bo@example.com\",7,,\n\n# the end\n",
        Some("csv"),
        &["5 email:ada@example.com", "7 id:7"],
    );
    check(
        "email,name\nada@example.com,\"two\nlines\"\nbo@example.com,B\n",
        Some("CSV"),
        &["2 email:ada@example.com", "4 email:bo@example.com"],
    );
}

#[test]
fn rows_of_csv_that_do_not_fit_are_faults_and_shift_nothing() {
    check(
        "email,manager\nada@example.com,boss@example.com\nboss@example.com\na,b@example.com,c\n,boss@example.com\n",
        None,
        &[
            "2 email:ada@example.com",
            "3: it has another number of fields than the header",
            "4: it has another number of fields than the header",
            "5: it names nobody",
        ],
    );
    // Every line that a quote swallows is a row lost, so that a list torn in its middle is not a shorter list.
    check(
        "email,name\na@b.c,A\n\"b@b.c,B\nc@b.c,C\nd@b.c,D\n",
        None,
        &[
            "2 email:a@b.c",
            "3: it has another number of fields than the header",
            "4: it has another number of fields than the header",
            "5: it has another number of fields than the header",
        ],
    );
    for header in ["name,mail", "email,Email", "ada@example.com"] {
        let fault = "the file's first line is no header with `email`, `id` or `external_id`, each at most once";
        check(&format!("{header}\na@b.c,x\n"), Some("csv"), &[fault]);
    }
    assert_eq!(read(b"email\nJos\xe9@b.c\na@b.c\n", None), ["3 email:a@b.c", "2: it is not UTF-8 text"]);
}

#[test]
fn json_lines_have_an_object_on_each() {
    check(
        "{\"email\":\"ada@example.com\",\"since\":\"2026-11-23\",\"name\":\"Ada\"}\n{\"id\":7}\n{\"id\":\"8\",\"email\":null}\n\
         {\"external_id\":9}\n",
        None,
        &["1 email:ada@example.com since 2026-11-23T23:00:00Z", "2 id:7", "3 id:8", "4 external-id:9"],
    );
    check(
        "{\"id\":1.5}\n{\"id\":-1}\n{\"id\":true}\n[7]\n{\"id\":7\n{}\n{\"id\":7,\"since\":2026}\n{\"email\":7}\n",
        Some("jsonl"),
        &[
            "1: a value is neither a text nor a whole number",
            "2: a value is neither a text nor a whole number",
            "3: a value is neither a text nor a whole number",
            "4: it is not one JSON object",
            "5: it is not one JSON object",
            "6: it names nobody",
            "7: a value is neither a text nor a whole number",
            "8: a value is neither a text nor a whole number",
        ],
    );
}

#[test]
fn dates_mean_the_end_of_their_day_and_times_need_an_offset() {
    let since = |text: &str, zone: &str| since_of(text, &TimeZone::get(zone).unwrap()).map(|since| since.to_string());
    for (text, zone, wanted) in [
        ("2026-11-23", "UTC", "2026-11-24T00:00:00Z"),
        ("2026-11-23", "America/New_York", "2026-11-24T05:00:00Z"),
        ("2026-03-29", "Europe/Berlin", "2026-03-29T22:00:00Z"),
        // The next day begins at one o'clock there.
        ("2026-04-23", "Africa/Cairo", "2026-04-23T22:00:00Z"),
        ("2026-11-23T17:00:00+01:00", "America/New_York", "2026-11-23T16:00:00Z"),
        ("2026-11-23T16:00Z", "UTC", "2026-11-23T16:00:00Z"),
    ] {
        assert_eq!(since(text, zone).as_deref(), Ok(wanted), "{text}");
    }
    let local = "`since` is a time without its offset from UTC";
    for (text, what) in [
        ("2026-11-23T17:00:00", local),
        ("2026-11-23 17:00", local),
        ("23.11.2026", "`since` is neither"),
        ("20261123", "`since` is neither"),
        ("2026-02-30", "`since` is neither"),
        ("9999-12-31", "`since` is too far away"),
        ("soon", "`since` is neither"),
    ] {
        let fault = since(text, "UTC").unwrap_err();
        // A compact date is one of jiff's own forms, and not one of ours.
        assert!(fault.starts_with(what) || text == "20261123" && fault == local, "{text}: {fault}");
    }
}

#[test]
fn what_is_no_list_as_a_whole_says_so() {
    assert_eq!(read(b"\xff\xfea\0", None), ["the file is UTF-16 text, not UTF-8"]);
    assert_eq!(read(&b"x\n".repeat(ROWS_MAX + 1), None), ["the file has more than 100000 rows"]);
    assert_eq!(read(&b"7\n".repeat(ROWS_MAX), None).len(), ROWS_MAX);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_bytes_never_panic_and_rows_lie_in_order(
        bytes in proptest::collection::vec(prop_oneof![
            any::<u8>(), Just(b'\n'), Just(b','), Just(b'"'), Just(b'@'), Just(b'a'), Just(b'#'), Just(b'\r')
        ], 0..200),
        start in prop_oneof![Just(""), Just("email,id\n"), Just("{\"id\":"), Just("id\r\n7\r\n")],
        extension in prop_oneof![Just(None), Just(Some("csv")), Just(Some("jsonl"))],
    ) {
        let bytes = [start.as_bytes(), &bytes].concat();
        if let Ok(contents) = read_contents(&bytes, extension, &TimeZone::UTC) {
            let mut at = 0;
            for row in &contents.rows {
                prop_assert!(at <= row.range.start && row.range.end <= bytes.len() && !row.range.is_empty());
                at = row.range.end;
            }
        }
    }

    #[test]
    fn an_edit_changes_its_rows_and_nothing_else(
        rows in proptest::collection::vec((0_u8..9, any::<bool>()), 1..20),
        gone in 0_u8..9,
        crlf in any::<bool>(),
        format in 0_usize..3,
    ) {
        let line_break = if crlf { "\r\n" } else { "\n" };
        let text = |keep: &dyn Fn(u8) -> bool| {
            let mut text = ["", "# x\nemail,note\n", ""][format].replace('\n', line_break);
            for (who, quoted) in rows.iter().filter(|(who, _)| keep(*who)) {
                let row = match (format, quoted) {
                    (0, _) => format!("p{who}@x.y # kept"),
                    (1, true) => format!("p{who}@x.y,\"a\nb\""),
                    (1, false) => format!("P{who}@x.y,c"),
                    _ => format!("{{\"email\":\"p{who}@x.y\"}}"),
                };
                text += &format!("{row}{line_break}");
            }
            text
        };
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("list");
        fs::write(&file, text(&|_| true)).unwrap();
        let names = Names::of_word(&format!("p{gone}@x.y")).unwrap();
        let count = rows.iter().filter(|(who, _)| *who == gone).count();
        let edited = remove(&file, &names).unwrap();
        prop_assert_eq!(edited, if count == 0 { Edited::Nothing } else { Edited::Rows(count) });
        prop_assert_eq!(fs::read_to_string(&file).unwrap(), text(&|who| who != gone));
    }
}

// Files.

fn with_file<T>(name: &str, bytes: &[u8], mode: u32, test: impl FnOnce(&std::path::Path) -> T) -> T {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    fs::write(&path, bytes).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    test(&path)
}

#[test]
fn a_list_that_others_can_write_to_is_refused_with_the_way_out() {
    for mode in [0o620, 0o602, 0o666] {
        with_file("l", b"a@b.c\n", mode, |path| {
            let fault = read_list(path, &TimeZone::UTC).unwrap_err();
            assert_eq!(fault, ListFault::Writable { mode });
            assert!(fault.help(path).unwrap().starts_with("chmod go-w /"));
        });
    }
    with_file("l", b"a@b.c\n", 0o644, |path| {
        let file = read_list(path, &TimeZone::UTC).unwrap();
        assert_eq!((file.rows.len(), file.digest), (1, sha256_hex(b"a@b.c\n")));
        let fault = |path: &std::path::Path| read_list(path, &TimeZone::UTC).unwrap_err().to_string();
        assert_eq!(fault(&path.with_file_name("none")), "the file cannot be read: there is no such file");
        assert_eq!(fault(path.parent().unwrap()), "the file cannot be read: it is not a regular file");
    });
    let large = vec![b'\n'; usize::try_from(LIST_BYTES_MAX).unwrap() + 1];
    with_file("l", &large, 0o600, |path| {
        let fault = read_list(path, &TimeZone::UTC).unwrap_err().to_string();
        assert_eq!(fault, "the file cannot be read: it is larger than 4194304 bytes");
    });
}

#[test]
fn edits_keep_format_mode_and_everything_else() {
    let added = |name: &str, text: &str, who: &str, since: Option<&str>| {
        with_file(name, text.as_bytes(), 0o640, |path| {
            let edited = add(path, &Names::of_word(who).unwrap(), since).map_err(|trouble| trouble.to_string());
            assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o640);
            assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "nothing is left behind");
            edited.map(|_| fs::read_to_string(path).unwrap())
        })
    };
    for (name, text, who, since, wanted) in [
        ("l", "a@b.c", "d@e.f", None, "a@b.c\nd@e.f\n"),
        ("l", "# x\r\na@b.c\r\n", "external:E 7", None, "the list"),
        ("l", "# x\r\na@b.c\r\n", "external:E7", Some("2026-11-23"), "# x\r\na@b.c\r\nexternal-id:E7 2026-11-23\r\n"),
        ("l", "", "7", None, "7\n"),
        ("l.csv", "", "d@e.f", Some("2026-11-23"), "email,id,external_id,since\nd@e.f,,,2026-11-23\n"),
        ("l.csv", "x;Id;e-mail\n", "7", None, "x;Id;e-mail\n;7;\n"),
        ("l", "email\r\na@b.c", "d@e.f", None, "email\r\na@b.c\r\nd@e.f\r\n"),
        ("l.csv", "email,external_id\n", "external:a,\"b", None, "email,external_id\n,\"a,\"\"b\"\n"),
        ("l.jsonl", "", "7", Some("2026-11-23"), "{\"id\":\"7\",\"since\":\"2026-11-23\"}\n"),
        ("l.csv", "email,since\nA@b.c,\n", "a@B.c", None, "email,since\nA@b.c,\n"),
    ] {
        match added(name, text, who, since) {
            Ok(text) => assert_eq!(text, wanted, "{name} {who}"),
            Err(trouble) => assert_eq!(trouble, "a plain list has no place for an external id with blanks in it"),
        }
    }
    let quoted = added("l.csv", "email\n", "#x@b.co", None).unwrap();
    assert_eq!(quoted, "email\n\"#x@b.co\"\n", "unquoted it would be a comment");
    assert_eq!(read_contents(quoted.as_bytes(), Some("csv"), &TimeZone::UTC).unwrap().rows.len(), 1);
    let comment = "in a plain list a line that begins with `#` is a comment";
    assert_eq!(added("l", "a@b.c\n", "#x@b.co", None), Err(comment.to_owned()));
    assert_eq!(added("l.csv", "email\n", "7", None), Err("the list has no column `id`".to_owned()));
    assert_eq!(
        added("l", "email\na@b.c\n", "d@e.f", Some("2026-11-23")),
        Err("the list has no column `since`".to_owned())
    );
    assert!(added("l.csv", "who\n", "7", None).unwrap_err().contains("no header"));
}

#[test]
fn a_list_that_is_missing_is_made_and_a_link_stays_one() {
    let folder = tempfile::tempdir().unwrap();
    let (file, link) = (folder.path().join("left.csv"), folder.path().join("link.csv"));
    let names = Names::of_word("a@b.c").unwrap();
    assert_eq!(add(&file, &names, None).unwrap(), Edited::Rows(1));
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o640);
    std::os::unix::fs::symlink(&file, &link).unwrap();
    assert_eq!(add(&link, &Names::of_word("7").unwrap(), None).unwrap(), Edited::Rows(1));
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(fs::read_to_string(&file).unwrap(), "email,id,external_id,since\na@b.c,,,\n,7,,\n");
    assert!(matches!(add(&folder.path().join("none/l"), &names, None), Err(EditTrouble::Local(_))));
    assert_eq!(remove(&folder.path().join("none.txt"), &names).unwrap(), Edited::Nothing);
}

#[test]
fn what_was_accepted_is_kept_by_list_and_digest() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state/acme");
    assert_eq!(read_acceptances(&state), Ok(std::collections::BTreeMap::new()));
    let one = |digest: &str, at: &str| Acceptance {
        digest: digest.to_owned(),
        at: instant(at),
        by: "uid=0 login=1000".to_owned(),
    };
    accept(&state, "hr", one("d1", "2026-11-23T08:00:00Z")).unwrap();
    accept(&state, "it", one("d2", "2026-11-23T09:00:00Z")).unwrap();
    accept(&state, "hr", one("d3", "2026-11-23T10:00:00.5Z")).unwrap();
    let all = read_acceptances(&state).unwrap();
    assert_eq!(all.get("hr"), Some(&one("d3", "2026-11-23T10:00:00.5Z")));
    assert_eq!(all.len(), 2);
    let path = state.join(ACCEPTED);
    fs::write(&path, "hr\nhr d1 soon uid=0\nhr d1 2026-11-23T08:00:00Z \nit d2 2026-11-23T09:00:00Z uid=0\n\u{0}")
        .unwrap();
    assert_eq!(read_acceptances(&state).unwrap().into_keys().collect::<Vec<_>>(), ["it"]);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).unwrap();
    assert!(read_acceptances(&state).unwrap_err().contains("others can write"));
}

// Taking over.

fn instant(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn user(id: u64) -> UserId {
    UserId::new(id).unwrap()
}

/// A list that lives through cycles, with the trail's last record.
struct Life {
    list: OffboardingList,
    now: Timestamp,
    memory: Option<ListMemory>,
    last: Option<OffboardingChanged>,
    accepted: Option<Acceptance>,
}

impl Life {
    fn new() -> Self {
        let list = OffboardingList {
            name: "hr".to_owned(),
            file: PathBuf::from("/etc/evictd/hr.csv"),
            older_than_max: SignedDuration::from_hours(48),
            growth_per_day_max: 20,
        };
        Self { list, now: instant("2026-11-23T08:00:00Z"), memory: None, last: None, accepted: None }
    }

    fn wait(&mut self, minutes: i64) -> &mut Self {
        self.now += SignedDuration::from_mins(minutes);
        self
    }

    fn file(&self, text: &str) -> ListFile {
        let Contents { rows, faults, .. } = read_contents(text.as_bytes(), None, &TimeZone::UTC).unwrap();
        ListFile { digest: sha256_hex(text.as_bytes()), modified: self.now, rows, faults }
    }

    fn roll(&self, read: Result<ListFile, ListFault>) -> Roll {
        let (now, last, accepted) = (self.now, self.last.as_ref(), self.accepted.as_ref());
        take_over(&self.list, read, self.memory.as_ref(), &Circumstances { now, host_now: now, last, accepted })
    }

    /// A cycle over this file: what is learned and recorded stays.
    fn cycle(&mut self, read: Result<ListFile, ListFault>) -> ListStanding {
        let roll = self.roll(read);
        self.keep(&roll);
        roll.standing()
    }

    fn keep(&mut self, roll: &Roll) {
        if let Some(memory) = roll.lesson() {
            self.memory = Some(memory.clone());
        }
        let standing = roll.standing();
        if let Some(change) = standing.change {
            self.last = Some(OffboardingChanged {
                list: "hr".to_owned(),
                digest: standing.digest,
                rows: standing.rows,
                pending: standing.pending,
                added: change.added,
                removed: change.removed,
                unknown: standing.unknown.map(|trouble| trouble.why),
                accepted_by: standing.accepted_by,
            });
        }
    }

    /// A cycle over a file with these ids.
    fn ids(&mut self, ids: impl IntoIterator<Item = u64>) -> ListStanding {
        let file = self.file(&text(ids));
        self.cycle(Ok(file))
    }

    fn accept(&mut self, ids: impl IntoIterator<Item = u64>) {
        let digest = sha256_hex(text(ids).as_bytes());
        self.accepted = Some(Acceptance { digest, at: self.now, by: "uid=0".to_owned() });
    }

    fn listed(&self, ids: impl IntoIterator<Item = u64>) -> BTreeSet<u64> {
        self.roll(Ok(self.file(&text(ids)))).listed().into_keys().map(UserId::get).collect()
    }
}

fn joined(rows: impl Iterator<Item = String>) -> String {
    rows.collect::<Vec<_>>().concat()
}

fn text(ids: impl IntoIterator<Item = u64>) -> String {
    joined(ids.into_iter().map(|id| format!("{id}\n")))
}

fn why(standing: &ListStanding) -> Option<&str> {
    standing.unknown.as_ref().map(|trouble| trouble.why.as_str())
}

#[test]
fn a_file_that_cannot_be_trusted_is_unknown_and_its_old_rows_are_no_answer() {
    let good = Life::new().file("1\n2\n3\n");
    let age = |minutes: i64| {
        let modified = good.modified - SignedDuration::from_mins(minutes);
        Ok(ListFile { modified, ..good.clone() })
    };
    let life = Life::new();
    for (read, cause, said) in [
        (age(48 * 60), None, ""),
        (age(-1), None, ""),
        (age(48 * 60 + 1), Some(Cause::ListStale), "the file was not changed for more than 2d"),
        (age(-2), Some(Cause::ClockSkew), "the file was changed in the future"),
        (Ok(life.file("")), Some(Cause::Down), "the file has no rows"),
        (Ok(life.file("email,since\n")), Some(Cause::Down), "the file has no rows"),
        (Ok(life.file("1\nx\ny\n")), Some(Cause::Down), "2 of 3 rows cannot be read"),
        (Ok(life.file("1\n2\n3\nx\ny\nz\n")), None, ""),
        (Err(ListFault::NoHeader), Some(Cause::Down), "the file's first line is no header"),
        (Err(ListFault::Writable { mode: 0o666 }), Some(Cause::Down), "others than its owner can write"),
    ] {
        let mut life = Life::new();
        assert_eq!(life.cycle(Ok(good.clone())).unknown, None);
        let before = life.memory.clone();
        let roll = life.roll(read);
        let standing = roll.standing();
        let trouble = standing.unknown.clone();
        assert_eq!(trouble.as_ref().map(|trouble| trouble.cause), cause, "{trouble:?}");
        assert!(trouble.is_none_or(|trouble| trouble.why.starts_with(said) && trouble.help.is_some()), "{said}");
        assert_eq!(roll.listed().is_empty(), cause.is_some());
        assert_eq!(roll.people().len(), 3, "they are still looked at");
        if cause.is_some() {
            assert_eq!(roll.lesson(), None);
            assert!(standing.change.is_some(), "it is written down");
            life.keep(&roll);
            assert_eq!(life.memory, before);
            assert_eq!(life.cycle(Ok(good.clone())).change, Some(crate::model::ListChange::default()), "it is back");
        }
    }
}

#[test]
fn trouble_that_lasts_is_recorded_once() {
    let mut life = Life::new();
    assert!(life.cycle(Err(ListFault::NoHeader)).change.is_some());
    assert_eq!(life.wait(5).cycle(Err(ListFault::NoHeader)).change, None);
    assert!(life.cycle(Err(ListFault::TooManyRows)).change.is_some());
    assert_eq!(why(&life.ids([1, 2])), None, "it was never readable, so that this is the first load");
    assert_eq!(life.wait(5).ids([1, 2]).change, None);
    let stale = ListFile { modified: Timestamp::UNIX_EPOCH, ..life.file("1\n2\n") };
    assert!(life.cycle(Ok(stale.clone())).change.is_some());
    assert_eq!(life.wait(60).cycle(Ok(stale)).change, None);
}

#[test]
fn unreadable_rows_among_good_ones_are_told_and_void_nothing() {
    let mut life = Life::new();
    let bad: String = (0..7).map(|_| "eve\u{1b}@\n").collect();
    let file = life.file(&format!("{}{bad}", text(1..=10)));
    let standing = life.cycle(Ok(file));
    assert_eq!((standing.rows, standing.unreadable, standing.unknown), (10, 7, None));
    assert_eq!(standing.faults.len(), 5);
    assert_eq!(standing.faults[0], "line 11: the e-mail address does not look like one");
}

#[test]
fn the_first_file_is_taken_as_it_is_and_growth_is_limited_after_it() {
    let mut life = Life::new();
    let first = life.ids(1..=500);
    assert_eq!((first.rows, first.pending, why(&first)), (500, 0, None));
    let grown = life.wait(5).ids(1..=520);
    assert_eq!((grown.pending, grown.change.unwrap().added), (0, 20));
    let more = life.wait(5).ids(1..=521);
    assert_eq!((more.rows, more.pending, why(&more)), (521, 1, None));
    assert_eq!(life.listed(1..=521).len(), 520);
    // The day after there is room for others, and none for the one that waits.
    let later = life.wait(24 * 60).ids(1..=531);
    assert_eq!((later.pending, life.listed(1..=531).contains(&521)), (1, false));
}

#[test]
fn a_batch_that_is_too_large_waits_as_a_whole_until_a_human_accepts_it() {
    let mut life = Life::new();
    life.ids(1..=10);
    let batch = life.wait(5).ids(1..=31);
    assert_eq!((batch.pending, life.listed(1..=31).len()), (21, 10));
    assert_eq!(life.wait(7 * 24 * 60).ids(1..=31).pending, 21, "waiting accepts nothing");
    life.accept(1..=30);
    assert_eq!(life.ids(1..=31).pending, 21, "another file was accepted");
    life.accept(1..=31);
    let accepted = life.ids(1..=31);
    assert_eq!((accepted.pending, accepted.accepted_by.as_deref()), (0, Some("uid=0")));
    assert!(accepted.change.is_some());
    assert_eq!(life.wait(5).ids(1..=31).change, None);
    assert_eq!(life.ids(1..=51).pending, 0, "what a human accepted is no growth");
}

#[test]
fn an_acceptance_counts_once() {
    let mut life = Life::new();
    life.ids(1..=10);
    life.wait(5).ids(1..=40);
    life.accept(1..=40);
    assert_eq!(life.ids(1..=40).pending, 0);
    assert_eq!(life.wait(5).ids(1..=25).rows, 25);
    let back = life.wait(5).ids(1..=60);
    assert_eq!(back.pending, 35);
    life.wait(5).ids(1..=25);
    assert_eq!(life.wait(24 * 60).ids(1..=25).pending, 0);
    assert_eq!(life.ids((1..=40).chain(99..=115)).pending, 32);
    assert_eq!(life.wait(5).ids(1..=25).pending, 0);
    // The old file, put back: fifteen fit into a day, and twenty-five would not have.
    life.list.growth_per_day_max = 10;
    assert_eq!(life.wait(5).ids(1..=40).pending, 15);
}

#[test]
fn rows_that_come_and_go_have_had_their_effect() {
    let mut life = Life::new();
    life.ids(1..=30);
    for cycle in 0..10 {
        let ids = (1..=30).chain(100 * cycle + 100..100 * cycle + 110);
        let standing = life.wait(5).ids(ids);
        assert_eq!(standing.pending, if cycle < 2 { 0 } else { 10 }, "{cycle}");
    }
    // Whoever was taken off is new when they come back.
    assert_eq!(life.wait(24 * 60 + 60).ids((1..=30).chain(100..120)).pending, 0);
    assert_eq!(life.wait(5).ids(1..=30).rows, 30);
    assert_eq!(life.wait(5).ids(1..=31).pending, 1);
}

#[test]
fn a_list_that_shrank_to_less_than_half_is_unknown_until_it_is_back_or_accepted() {
    let mut life = Life::new();
    life.ids(1..=10);
    let half = life.wait(5).ids(1..=4);
    assert_eq!(why(&half), Some("4 rows would be in force, fewer than half of the 10 before"));
    assert_eq!(half.rows, 10, "what is in force is counted");
    assert_eq!(life.listed(1..=4), BTreeSet::new());
    assert_eq!(why(&life.wait(5).ids(1..=5)), None);
    assert_eq!(why(&life.ids(1..=3)), None, "half of five, rounded up");
    assert_eq!(why(&life.ids(1..=1)), None, "too few to tell a torn file from news");

    let mut life = Life::new();
    life.ids(1..=10);
    life.accept(1..=4);
    let accepted = life.wait(5).ids(1..=4);
    assert_eq!((why(&accepted), accepted.rows), (None, 4));
    // Other rows in place of the old ones are no growth that could hide the loss.
    let mut life = Life::new();
    life.ids(1..=30);
    assert!(why(&life.ids(101..=130)).is_some_and(|why| why.starts_with("0 rows")));
    life.accept(101..=130);
    assert_eq!(why(&life.ids(101..=130)), None);
    // Junk that waits does not count as a loss when it is taken out again.
    let mut life = Life::new();
    life.ids(1..=10);
    life.ids(1..=1000);
    assert_eq!(why(&life.ids(1..=10)), None);
}

#[test]
fn an_empty_list_is_never_accepted() {
    let mut life = Life::new();
    life.ids(1..=10);
    life.accept([]);
    assert_eq!(why(&life.ids([])), Some("the file has no rows"));
}

#[test]
fn a_lost_memory_trusts_what_the_trail_knows_and_nothing_else() {
    let lost = |life: &mut Life| life.memory = None;
    let mut life = Life::new();
    life.ids(1..=50);
    lost(&mut life);
    let same = life.wait(5).ids(1..=50);
    assert_eq!((same.pending, why(&same)), (0, None));
    assert_eq!(life.wait(5).ids(1..=51).pending, 1, "what grew today was forgotten, so that nothing more may");
    assert_eq!(life.wait(24 * 60).ids(1..=52).pending, 1);

    // The trail says that some waited, and not which.
    lost(&mut life);
    let waiting = life.ids(1..=52);
    assert_eq!((waiting.pending, why(&waiting)), (52, Some("every row waits to be accepted")));
    assert_eq!(life.listed(1..=52), BTreeSet::new());
    lost(&mut life);
    life.accept(1..=52);
    assert_eq!(why(&life.ids(1..=52)), None);

    lost(&mut life);
    life.accepted = None;
    assert_eq!(life.ids(1..=53).pending, 53, "the trail knows another file");
}

#[test]
fn a_day_brought_forward_is_as_good_as_a_new_row() {
    let dated = |day: &str| joined((1..=30).map(|id| format!("{id} {day}\n"))) + &text(100..=140);
    let mut life = Life::new();
    let file = life.file(&dated("2027-01-31"));
    life.cycle(Ok(file));
    let file = life.file(&dated("2026-11-22"));
    let forward = life.wait(5).cycle(Ok(file));
    assert_eq!((forward.rows, forward.pending), (71, 30));
    // A day that comes by itself, or that moves away, is none.
    let mut life = Life::new();
    let file = life.file(&dated("2026-11-23"));
    life.cycle(Ok(file.clone()));
    assert_eq!(life.wait(24 * 60).cycle(Ok(file)).pending, 0);
    let file = life.file(&dated("2027-01-31"));
    assert_eq!(life.cycle(Ok(file)).pending, 0);
}

#[test]
fn dates_of_duplicates_fold_to_the_earliest() {
    let since = |text: &str| {
        let mut life = Life::new();
        let file = life.file(text);
        life.cycle(Ok(file.clone()));
        let roll = life.wait(60).roll(Ok(file));
        assert_eq!(roll.standing().rows, 1, "{text}");
        roll.listed()[&user(7)].since.to_string()
    };
    assert_eq!(since("7\n7\n"), "2026-11-23T08:00:00Z");
    assert_eq!(since("7 2026-11-01\n7 2026-10-01\n"), "2026-10-02T00:00:00Z");
    assert_eq!(since("7\n7 2026-10-01\n"), "2026-10-02T00:00:00Z");
    assert_eq!(since("7 2027-01-31\n7\n"), "2026-11-23T08:00:00Z");
    assert_eq!(since("7 2027-01-31\n"), "2027-02-01T00:00:00Z");
    let mut life = Life::new();
    let file = life.file("7 2027-01-31\n");
    let listed = life.wait(0).roll(Ok(file)).listed();
    assert!(!listed[&user(7)].has_left(life.now) && listed[&user(7)].has_left(instant("2027-02-01T00:00:00Z")));
}

// Matching.

fn person(id: u64, email: &str, external: Option<&str>) -> Person {
    Person {
        name: Foreign::new("Ada"),
        email: Some(Foreign::new(email)),
        role: Some(Role::Agent),
        external_id: external.map(Foreign::new),
        ..Person::blank(user(id), instant("2026-11-23T07:00:00Z"))
    }
}

fn texts(asks: &[Ask]) -> Vec<&str> {
    asks.iter().map(|ask| ask.text.as_str()).collect()
}

#[test]
fn the_first_match_pins_a_row_for_good() {
    let mut life = Life::new();
    let file = life.file("Ada@example.com\n");
    let mut roll = life.roll(Ok(file.clone()));
    roll.match_known(&[person(7, "ada@EXAMPLE.com", None), person(8, "bo@example.com", None)]);
    assert_eq!(roll.listed().into_keys().collect::<Vec<_>>(), [user(7)]);
    life.keep(&roll);
    // Renamed, and somebody else has the address now: hired again, under a new id.
    for people in [vec![person(7, "new@example.com", None)], vec![person(9, "ada@example.com", None)]] {
        let mut roll = life.wait(5).roll(Ok(file.clone()));
        roll.match_known(&people);
        assert_eq!(roll.to_ask(50), Asks::default());
        assert_eq!(roll.listed().into_keys().collect::<Vec<_>>(), [user(7)]);
        life.keep(&roll);
    }
}

#[test]
fn rows_match_by_any_of_their_names_and_only_one_person() {
    let life = Life::new();
    let file = life.file("id,email,external_id\n5,x@y.z,E-9\n,ada@y.z,E-7\n,,E-8\n,two@y.z,\n,bo@y.z,E-6\n");
    let mut roll = life.roll(Ok(file));
    let people = [
        person(7, "other@y.z", Some("e-7")),
        person(8, "c@y.z", Some("E-8")),
        person(1, "two@y.z", None),
        person(2, "TWO@y.z", None),
        person(3, "bo@y.z", None),
        person(4, "d@y.z", Some("E-6")),
        person(9, "x@y.z", Some("E-9")),
    ];
    roll.match_known(&people);
    assert_eq!(roll.listed().into_keys().map(UserId::get).collect::<Vec<_>>(), [5, 7, 8]);
    let standing = roll.standing();
    assert_eq!((standing.ambiguous, standing.unmatched, standing.unasked), (2, 0, 0));
    assert_eq!(roll.to_ask(50), Asks::default(), "what is ambiguous among known people is not asked");
    let doubtful: Vec<String> = roll.doubtful().iter().map(ToString::to_string).collect();
    assert_eq!(doubtful, ["email:bo@y.z", "email:two@y.z"]);
}

#[test]
fn what_nobody_known_has_is_asked_a_few_at_a_time_longest_waiting_first() {
    let mut life = Life::new();
    let rows = joined((10..80).map(|n| format!("p{n}@x.y\n")));
    let file = life.file(&format!("{rows}external:E-1\n"));
    let mut roll = life.roll(Ok(file.clone()));
    let asks = roll.to_ask(1_000);
    assert_eq!((asks.emails.len(), texts(&asks.external_ids)), (EMAILS_PER_CYCLE_MAX, vec!["E-1"]));
    assert_eq!(roll.to_ask(3).emails.len(), 3);
    // The first is answered, the second unknown to Zendesk, the third not answered at all.
    roll.answered(&asks.emails[..1], &[person(7, "P10@x.y", None)]);
    roll.answered(&asks.emails[1..2], &[]);
    roll.answered(&asks.external_ids, &[person(8, "a@b.c", Some("e-1")), person(9, "b@b.c", Some("E-1"))]);
    let standing = roll.standing();
    assert_eq!((standing.unmatched, standing.ambiguous, standing.unasked), (1, 1, 68));
    assert_eq!(roll.listed().into_keys().collect::<Vec<_>>(), [user(7)]);
    life.keep(&roll);

    let mut roll = life.wait(5).roll(Ok(file.clone()));
    let asks = roll.to_ask(50);
    assert_eq!((texts(&asks.emails)[0], asks.emails.len(), asks.external_ids.len()), ("p12@x.y", 50, 0));
    roll.answered(&asks.emails, &[]);
    life.keep(&roll);
    let mut roll = life.wait(5).roll(Ok(file.clone()));
    let asks = roll.to_ask(50);
    assert_eq!((texts(&asks.emails)[0], asks.emails.len()), ("p62@x.y", 18));
    roll.answered(&asks.emails, &[]);
    life.keep(&roll);
    assert_eq!(life.wait(24 * 60 - 11).roll(Ok(file.clone())).to_ask(50).emails.len(), 0);
    assert_eq!(texts(&life.wait(1).roll(Ok(file)).to_ask(50).emails), ["p11@x.y"]);
}

#[test]
fn rows_that_wait_cost_no_call_and_are_no_sign() {
    let mut life = Life::new();
    let first = life.file("ada@x.y\n");
    life.cycle(Ok(first));
    let rows = joined((0..1000).map(|n| format!("p{n}@x.y\n")));
    let file = life.file(&format!("ada@x.y\n{rows}"));
    let mut roll = life.wait(5).roll(Ok(file));
    assert_eq!(texts(&roll.to_ask(50).emails), ["ada@x.y"]);
    roll.match_known(&[person(7, "p7@x.y", None)]);
    assert!(roll.listed().is_empty() && roll.people().is_empty());
    assert_eq!(roll.standing().pending, 1000);
}

/// One step of somebody who can write the file, one of the clock, or one of a human.
#[derive(Debug, Clone)]
enum Step {
    Add(u64),
    Remove(u64),
    Bad(u8),
    Wait(i64),
    Forget,
    Accept,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        5 => (1_u64..30).prop_map(Step::Add),
        2 => (1_u64..30).prop_map(Step::Remove),
        1 => (0_u8..4).prop_map(Step::Bad),
        3 => (1_i64..700).prop_map(Step::Wait),
        1 => Just(Step::Forget),
        1 => Just(Step::Accept),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]

    /// Whoever can write the file puts at most a day's growth into force in any 24 hours, whatever they do with it and
    /// with the state beside it; and an unknown list lists nobody.
    #[test]
    fn dripping_never_exceeds_a_days_growth(steps in proptest::collection::vec(step(), 1..60)) {
        let mut life = Life::new();
        let mut rows: Vec<u64> = (1..=8).collect();
        let mut next = 1_000;
        life.ids(rows.iter().copied());
        let mut was = life.listed(rows.iter().copied());
        let mut came: Vec<(Timestamp, usize)> = Vec::new();
        for step in steps {
            let mut by_human = false;
            let mut read = None;
            life.wait(1);
            match step {
                Step::Add(count) => {
                    rows.extend(next..next + count);
                    next += count;
                }
                Step::Remove(count) => drop(rows.drain(..rows.len().min(usize::try_from(count).unwrap()))),
                Step::Bad(0) => read = Some(Err(ListFault::NoHeader)),
                Step::Bad(1) => read = Some(Ok(ListFile { modified: Timestamp::UNIX_EPOCH, ..life.file("1\n") })),
                Step::Bad(_) => read = Some(Ok(life.file("x\ny\n"))),
                Step::Wait(minutes) => drop(life.wait(minutes)),
                Step::Forget => life.memory = None,
                Step::Accept => {
                    life.accept(rows.iter().copied());
                    by_human = true;
                }
            }
            let roll = life.roll(read.unwrap_or_else(|| Ok(life.file(&text(rows.iter().copied())))));
            let standing = roll.standing();
            let listed: BTreeSet<u64> = roll.listed().into_keys().map(UserId::get).collect();
            prop_assert!(standing.unknown.is_none() || listed.is_empty());
            prop_assert!(standing.pending <= standing.rows);
            life.keep(&roll);
            // Rows of the same file come back with it: only those that were in no earlier answer are new.
            let new = listed.difference(&was).count();
            was.extend(&listed);
            if !by_human && new > 0 && standing.accepted_by.is_none() {
                came.push((life.now, new));
            }
            let day = SignedDuration::from_hours(24);
            let today = came.iter().filter(|(at, _)| at.duration_until(life.now) < day).map(|(_, new)| new).sum::<usize>();
            prop_assert!(today <= 20, "{today} rows in a day");
        }
    }
}
