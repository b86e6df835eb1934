//! The suite over a file, and what only a file can go through: modes, other processes, damage.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::Connection;

use super::{STATE_FILE, Sqlite, set_aside};
use crate::model::{AccountName, Foreign, Lesson, Memory, Person, Remembered, Traces, UserId, UsersCursor};
use crate::state::{State, StateTrouble, conformance};

fn acme() -> AccountName {
    AccountName::new("acme")
}

/// A lesson of so many people, each as it was told at this second.
fn lesson(people: u64, second: i64) -> Lesson {
    let at = Timestamp::from_second(second).unwrap();
    let person = |number: u64| {
        let id = UserId::new(number).unwrap();
        let person = Person {
            name: Foreign::new(format!("Person {number}")),
            email: Some(Foreign::new(format!("person-{number}@example.com"))),
            deleted: Some(false),
            two_factor: Some(true),
            verified: Some(true),
            tags: vec![Foreign::new("vip"), Foreign::new("emea")],
            organization_id: Some(7),
            ..Person::blank(id, at)
        };
        let traces = Traces { agent_at: Some(at), ..Traces::default() };
        (id, Remembered { person: Arc::new(person), session_at: Some(at), traces: Some(Box::new(traces)) })
    };
    let users = Some(UsersCursor { cursor: format!("c{second}"), as_of: at });
    Lesson { people: (1..=people).map(person).collect(), users, ..Lesson::default() }
}

fn learned(lesson: &Lesson) -> Memory {
    let mut memory = Memory::default();
    memory.learn(lesson.clone());
    memory
}

/// A folder with a file of so many people in it.
fn kept(people: u64) -> (tempfile::TempDir, PathBuf, Memory) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(STATE_FILE);
    let lesson = lesson(people, 1);
    Sqlite::open(&path).unwrap().save(&acme(), &lesson).unwrap();
    (folder, path, learned(&lesson))
}

/// Every file of the folder with its bytes.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    entries.map(|entry| (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap())).collect()
}

/// Opens the file anew for every call, and only looks at it to load.
struct Reopening {
    folder: tempfile::TempDir,
}

impl Reopening {
    fn path(&self) -> PathBuf {
        self.folder.path().join("state/acme").join(STATE_FILE)
    }
}

impl State for Reopening {
    fn load(&self, account: &AccountName) -> Result<Memory, StateTrouble> {
        Sqlite::look(&self.path())?.map_or_else(|| Ok(Memory::default()), |file| file.load(account))
    }

    fn save(&mut self, account: &AccountName, lesson: &Lesson) -> Result<(), StateTrouble> {
        Sqlite::open(&self.path())?.save(account, lesson)
    }
}

#[test]
fn a_file_remembers_what_was_learned() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(STATE_FILE);
    conformance::check(|| {
        drop(fs::remove_file(&path));
        Sqlite::open(&path).unwrap()
    });
}

#[test]
fn a_file_remembers_what_was_learned_when_it_is_opened_anew() {
    conformance::check(|| Reopening { folder: tempfile::tempdir().unwrap() });
}

#[test]
fn the_file_is_private_and_alone_in_its_folder() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("acme").join(STATE_FILE);
    let mut state = Sqlite::open(&path).unwrap();
    state.save(&acme(), &lesson(100, 1)).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!([mode(&path), mode(path.parent().unwrap())], [0o600, 0o700]);
    assert_eq!(files(path.parent().unwrap()).into_keys().collect::<Vec<_>>(), [STATE_FILE]);
}

#[test]
fn looking_makes_and_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(STATE_FILE);
    assert!(Sqlite::look(&path).unwrap().is_none());
    assert!(Sqlite::look(&folder.path().join("missing").join(STATE_FILE)).unwrap().is_none());
    assert!(files(folder.path()).is_empty());
    fs::write(&path, "").unwrap();
    assert!(Sqlite::look(&path).unwrap().is_none());
    assert_eq!(fs::read(&path).unwrap(), b"");
    let (folder, path, memory) = kept(3);
    let before = files(folder.path());
    let mut file = Sqlite::look(&path).unwrap().unwrap();
    assert_eq!(file.load(&acme()).unwrap(), memory);
    assert!(matches!(file.save(&acme(), &lesson(1, 2)), Err(StateTrouble::Local { .. })));
    assert_eq!(files(folder.path()), before);
}

#[test]
fn a_newer_file_is_refused_and_left_as_it_is() {
    let (folder, path, _) = kept(3);
    Connection::open(&path).unwrap().execute_batch("CREATE TABLE later (x); PRAGMA user_version = 99").unwrap();
    let before = files(folder.path());
    for refused in [Sqlite::open(&path), Sqlite::look(&path).map(Option::unwrap)] {
        let refused = refused.unwrap_err();
        assert!(matches!(refused, StateTrouble::Newer { found: 99, known: 4, .. }), "{refused}");
    }
    assert_eq!(files(folder.path()), before);
}

#[test]
fn who_looks_during_a_write_sees_the_last_whole_lesson_or_is_told_to_wait() {
    let (_folder, path, memory) = kept(3);
    let writer = Sqlite::open(&path).unwrap();
    let now = Duration::ZERO;
    writer.connection().execute_batch("BEGIN IMMEDIATE; DELETE FROM person").unwrap();
    assert_eq!(Sqlite::looked(&path, now).unwrap().unwrap().load(&acme()).unwrap(), memory);
    let mut second = Sqlite::opened(&path, now).unwrap();
    assert!(matches!(second.save(&acme(), &lesson(1, 2)), Err(StateTrouble::Busy { .. })));
    writer.connection().execute_batch("COMMIT; BEGIN EXCLUSIVE").unwrap();
    assert!(matches!(Sqlite::looked(&path, now), Err(StateTrouble::Busy { .. })));
    assert!(matches!(Sqlite::opened(&path, now), Err(StateTrouble::Busy { .. })));
    writer.connection().execute_batch("ROLLBACK").unwrap();
    second.save(&acme(), &lesson(1, 2)).unwrap();
    assert_eq!(Sqlite::looked(&path, now).unwrap().unwrap().load(&acme()).unwrap(), learned(&lesson(1, 2)));
}

#[test]
fn a_lesson_that_a_reader_keeps_out_is_not_kept_in_part() {
    let (_folder, path, memory) = kept(3);
    let mut writer = Sqlite::opened(&path, Duration::ZERO).unwrap();
    let reader = Sqlite::looked(&path, Duration::ZERO).unwrap().unwrap();
    reader.connection().execute_batch("BEGIN; SELECT id FROM person").unwrap();
    assert!(matches!(writer.save(&acme(), &lesson(9, 2)), Err(StateTrouble::Busy { .. })));
    assert_eq!(writer.load(&acme()).unwrap(), memory);
    reader.connection().execute_batch("COMMIT").unwrap();
    assert_eq!(reader.load(&acme()).unwrap(), memory);
    writer.save(&acme(), &lesson(9, 2)).unwrap();
    assert_eq!(reader.load(&acme()).unwrap(), learned(&lesson(9, 2)));
}

#[test]
fn a_write_that_was_interrupted_is_undone_by_the_next_who_writes() {
    let (folder, path, memory) = kept(500);
    let whole = fs::read(&path).unwrap();
    let writer = Sqlite::open(&path).unwrap();
    // With a cache of ten pages most of the change is in the file before the commit.
    writer.connection().execute_batch("PRAGMA cache_size = 10; BEGIN IMMEDIATE").unwrap();
    writer.connection().execute("UPDATE person SET name = 'half', email = ?", ["x".repeat(200)]).unwrap();
    let crashed = tempfile::tempdir().unwrap();
    for (name, bytes) in files(folder.path()) {
        fs::write(crashed.path().join(name), bytes).unwrap();
    }
    let before = files(crashed.path());
    assert_eq!(before.keys().collect::<Vec<_>>(), [STATE_FILE, "state.sqlite-journal"]);
    assert!(before[STATE_FILE] != whole, "nothing of the change is in the file");
    let path = crashed.path().join(STATE_FILE);
    let told = Sqlite::look(&path).unwrap_err();
    assert!(matches!(told, StateTrouble::Busy { .. }) && told.to_string().contains("interrupted"), "{told}");
    assert_eq!(files(crashed.path()), before);
    assert_eq!(Sqlite::open(&path).unwrap().load(&acme()).unwrap(), memory);
    assert_eq!(Sqlite::look(&path).unwrap().unwrap().load(&acme()).unwrap(), memory);
}

#[test]
fn on_a_full_disk_nothing_of_a_lesson_is_kept() {
    let (_folder, path, memory) = kept(3);
    let mut state = Sqlite::open(&path).unwrap();
    let pages: i64 = state.connection().query_row("PRAGMA page_count", [], |row| row.get(0)).unwrap();
    let limit = |state: &Sqlite, pages: i64| {
        state.connection().query_row(&format!("PRAGMA max_page_count = {pages}"), [], |_| Ok(())).unwrap();
    };
    limit(&state, pages + 2);
    let full = state.save(&acme(), &lesson(1000, 2)).unwrap_err();
    assert!(matches!(full, StateTrouble::Local { .. }) && full.to_string().contains("full"), "{full}");
    assert_eq!(state.load(&acme()).unwrap(), memory);
    limit(&state, 100_000);
    state.save(&acme(), &lesson(1000, 2)).unwrap();
    assert_eq!(state.load(&acme()).unwrap(), learned(&lesson(1000, 2)));
}

#[test]
fn what_is_no_file_is_not_opened() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(STATE_FILE);
    fs::create_dir(&path).unwrap();
    let pipe = folder.path().join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    fs::write(folder.path().join("file"), "").unwrap();
    for path in [path, pipe, folder.path().join("file").join(STATE_FILE)] {
        assert!(matches!(Sqlite::open(&path), Err(StateTrouble::Local { .. })), "{}", path.display());
        assert!(matches!(Sqlite::look(&path), Err(StateTrouble::Local { .. })), "{}", path.display());
    }
}

/// Opens a file of these bytes, loads and saves, and says whether it was found to be damaged.
fn damaged(bytes: &[u8], what: &str) -> bool {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(STATE_FILE);
    fs::write(&path, bytes).unwrap();
    let looked = Sqlite::look(&path).and_then(|file| file.map(|file| file.load(&acme())).transpose());
    let opened = Sqlite::open(&path).and_then(|mut file| {
        file.load(&acme())?;
        Ok(file.save(&acme(), &lesson(9, 2)))
    });
    let is_told = |trouble: &StateTrouble| matches!(trouble, StateTrouble::Broken { .. } | StateTrouble::Newer { .. });
    assert!(looked.as_ref().err().is_none_or(is_told), "{what}: {looked:?}");
    assert!(opened.as_ref().err().is_none_or(is_told), "{what}: {opened:?}");
    opened.is_err()
}

#[test]
fn a_damaged_file_is_told_or_loads_and_never_more() {
    let (_folder, path, _) = kept(200);
    let whole = fs::read(&path).unwrap();
    // To the database a file of one byte is as good as empty.
    assert!(!damaged(&whole, "whole") && !damaged(b"", "empty") && !damaged(b"S", "one byte"));
    for length in [2, 15, 16, 99, 100, 4095, 4096, 4097, 8192, whole.len() - 4096] {
        assert!(damaged(&whole[..length], &format!("cut to {length}")), "cut to {length}");
    }
    assert!(damaged(&[b'x'; 5000], "garbage") && damaged(&[0; 5000], "zeros"));
    damaged(&whole[..whole.len() - 1], "cut by a byte");
    let mut told = 0;
    for at in (0..120).chain((120..whole.len()).step_by(409)) {
        let mut bytes = whole.clone();
        bytes[at] ^= 1 << (at % 8);
        told += usize::from(damaged(&bytes, &format!("byte {at}")));
    }
    assert!(told > 30, "only {told} flips were told");
    for page in 1..whole.len() / 4096 {
        let mut bytes = whole.clone();
        bytes[page * 4096..(page + 1) * 4096].fill(0xa5);
        assert!(damaged(&bytes, &format!("page {page}")), "page {page}");
    }
}

#[test]
fn a_broken_file_is_set_aside_with_its_journal_and_keeps_its_number() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(STATE_FILE);
    assert!(set_aside(&path).is_err());
    for number in 1..=10 {
        fs::write(&path, format!("{number}")).unwrap();
        if number % 2 == 1 {
            fs::write(folder.path().join("state.sqlite-journal"), format!("{number}")).unwrap();
        }
        let to = set_aside(&path).unwrap();
        assert_eq!(to, folder.path().join(format!("state.sqlite.broken-{}", number.min(9))));
        assert_eq!(fs::read_to_string(to).unwrap(), format!("{number}"));
    }
    let names: Vec<String> = files(folder.path()).into_keys().collect();
    assert_eq!(names.iter().filter(|name| name.ends_with("-journal")).count(), 4, "{names:?}");
    assert_eq!(names.len(), 13, "{names:?}");
    assert!(Sqlite::look(&path).unwrap().is_none());
    Sqlite::open(&path).unwrap().save(&acme(), &lesson(1, 1)).unwrap();
}
