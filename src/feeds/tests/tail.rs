//! Files that grow, move, are cut, replaced and torn; and processes that begin again.

use std::fs::{self, OpenOptions, Permissions};
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::*;
use crate::files::FileFault;

/// A folder with a feed in it.
struct Desk {
    folder: TempDir,
    feed: Feed,
}

impl Desk {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let feed = Self::feed(folder.path(), None);
        Self { folder, feed }
    }

    fn feed(folder: &Path, place: Option<FeedPlace>) -> Feed {
        let settings = FeedSettings { file: folder.join("feed"), ..settings(FeedFormat::Mapping(mapping())) };
        Feed::begin("siem", settings, place)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        let mut file = OpenOptions::new().create(true).append(true).open(self.path(name)).unwrap();
        file.write_all(text.as_bytes()).unwrap();
        fs::set_permissions(self.path(name), Permissions::from_mode(0o644)).unwrap();
    }

    fn rename(&self, from: &str, to: &str) {
        fs::rename(self.path(from), self.path(to)).unwrap();
    }

    /// The same folder, and a process that knows no more than the place.
    fn restart(&mut self) {
        let place = self.feed.read().place;
        self.feed = Self::feed(self.folder.path(), place);
    }

    /// Who is in the next reading, and its trouble.
    #[expect(clippy::needless_pass_by_value, reason = "callers read better")]
    fn check(&mut self, people: &str, trouble: Option<FeedTrouble>) -> FeedReading {
        let reading = self.feed.read();
        let names = reading.rows.iter().map(|row| match &row.person {
            PersonKey::Email(email) => email.split('@').next().unwrap().to_owned(),
            other => panic!("{other:?}"),
        });
        assert_eq!(names.collect::<Vec<_>>().join(" "), people);
        assert_eq!(reading.trouble, trouble);
        reading
    }
}

fn line(name: &str) -> String {
    format!("{{\"t\":1770000000,\"p\":\"{name}@example.com\"}}\n")
}

fn lines(names: &str) -> String {
    names.split(' ').map(line).collect()
}

#[test]
fn what_is_added_is_read_once_and_a_line_that_is_not_ended_waits() {
    let mut desk = Desk::new();
    desk.check("", Some(FeedTrouble::File(FileFault::Missing)));
    desk.write("feed", "");
    let empty = desk.check("", Some(FeedTrouble::Empty));
    assert_eq!((empty.written_at, empty.place), (None, None));
    desk.write("feed", &lines("a b"));
    let reading = desk.check("a b", None);
    let modified = fs::metadata(desk.path("feed")).unwrap().modified().unwrap();
    assert_eq!(reading.written_at, Some(modified.try_into().unwrap()));
    desk.check("", None);
    let c = line("c");
    let (head, tail) = c.split_at(20);
    desk.write("feed", head);
    desk.check("", None);
    desk.restart();
    desk.write("feed", tail);
    desk.write("feed", "\n \r\n");
    let reading = desk.check("c", None);
    assert_eq!((reading.unreadable, reading.skipped), (0, 0));
}

#[test]
fn unreadable_lines_are_counted_and_the_first_is_told_without_its_text() {
    let mut desk = Desk::new();
    desk.write("feed", &format!("{}secret\n{{\"t\":1}}\n{}", line("a"), line("b")));
    let reading = desk.check("a b", None);
    assert_eq!(reading.unreadable, 2);
    let wanted = format!("the line from byte {} on: it is not one JSON object", line("a").len());
    assert_eq!(reading.first_fault.as_deref(), Some(wanted.as_str()));
    let reading = desk.check("", None);
    assert_eq!((reading.unreadable, reading.first_fault), (0, None));
}

#[test]
fn a_renamed_file_is_finished_before_the_new_one_begins() {
    for is_restarted in [false, true] {
        let mut desk = Desk::new();
        desk.write("feed", &lines("a b"));
        desk.check("a b", None);
        desk.write("feed", &line("c"));
        desk.rename("feed", "feed.1");
        if is_restarted {
            let place = desk.feed.read().place;
            assert!(place.is_some());
            desk.feed = Desk::feed(desk.folder.path(), place);
        }
        desk.check("", Some(FeedTrouble::File(FileFault::Missing)));
        // Its writer has not moved on yet.
        desk.write("feed", "");
        desk.check("c", None);
        desk.write("feed.1", line("d").trim_end());
        desk.check("", None);
        desk.write("feed", &line("e"));
        desk.check("d e", None);
        desk.write("feed", &line("f"));
        desk.check("f", None);
    }
}

#[test]
fn files_that_were_rotated_in_between_are_read_in_turn() {
    let mut desk = Desk::new();
    desk.write("feed", &line("a"));
    desk.restart();
    desk.write("feed", &line("b"));
    desk.rename("feed", "feed.2");
    desk.write("feed.1", &lines("c d"));
    desk.write("feed", &line("e"));
    desk.check("b c d e", None);
}

#[test]
fn a_file_that_is_called_something_else_now_is_finished_while_it_is_open() {
    let mut desk = Desk::new();
    desk.write("feed", &line("a"));
    desk.check("a", None);
    desk.write("feed", &line("b"));
    desk.rename("feed", "feed-20261123");
    desk.write("feed", &line("c"));
    desk.check("b c", None);
    desk.check("", None);
    // A new process cannot find it.
    desk.restart();
    desk.rename("feed", "feed-20261124");
    desk.write("feed", &line("d"));
    desk.check("d", Some(FeedTrouble::Gap));
    desk.check("", None);
}

#[test]
fn a_file_that_is_copied_and_cut_is_finished_in_the_copy() {
    let mut desk = Desk::new();
    desk.write("feed", &lines("a b"));
    desk.check("a b", None);
    desk.write("feed", &line("c"));
    fs::copy(desk.path("feed"), desk.path("feed.1")).unwrap();
    fs::write(desk.path("feed"), "").unwrap();
    desk.check("c", None);
    desk.write("feed", &lines("d e f g"));
    desk.check("d e f g", None);
}

#[test]
fn a_file_that_shrank_or_begins_differently_is_read_from_its_start_and_may_have_lost_rows() {
    for names in ["c", "c d e f g"] {
        let mut desk = Desk::new();
        desk.write("feed", &lines("a b"));
        desk.check("a b", None);
        fs::write(desk.path("feed"), "").unwrap();
        let reading = desk.check("", Some(FeedTrouble::Gap));
        assert_eq!(reading.written_at, None);
        desk.write("feed", &lines(names));
        desk.check(names, Some(FeedTrouble::Gap));
        desk.write("feed", &line("z"));
        desk.check("z", None);
    }
}

#[test]
fn a_file_that_only_lost_its_end_is_read_from_its_start() {
    let mut desk = Desk::new();
    let names = ["a"; 60].join(" ");
    desk.write("feed", &lines(&names));
    desk.check(&names, None);
    let names = ["a"; 40].join(" ");
    OpenOptions::new().write(true).open(desk.path("feed")).unwrap().set_len(lines(&names).len() as u64).unwrap();
    desk.check(&names, Some(FeedTrouble::Gap));
}

#[test]
fn files_that_begin_alike_are_told_apart_by_their_numbers() {
    let mut desk = Desk::new();
    desk.write("feed", &line("start"));
    desk.check("start", None);
    desk.write("feed", &line("a"));
    desk.rename("feed", "feed.1");
    desk.write("feed", &lines("start b"));
    desk.check("a start b", None);
}

#[test]
fn a_file_that_is_replaced_by_itself_and_more_goes_on_and_by_another_begins() {
    let mut desk = Desk::new();
    desk.write("feed", &lines("a b"));
    desk.check("a b", None);
    desk.write("new", &lines("a b c"));
    desk.rename("new", "feed");
    desk.check("c", None);
    desk.restart();
    desk.write("new", &lines("a b c d"));
    desk.rename("new", "feed");
    desk.check("d", None);
    desk.write("new", &lines("e f"));
    desk.rename("new", "feed");
    desk.check("e f", None);
}

#[test]
fn lines_beyond_the_limit_are_counted_once_and_end() {
    let mut desk = Desk::new();
    let long = "x".repeat(LINE_BYTES_MAX);
    desk.write("feed", &format!("{}{long}\n{}", line("a"), line("b")));
    assert_eq!(desk.check("a b", None).unreadable, 1);
    // One that is not ended yet is behind us at once, so that it is not read again and again.
    desk.write("feed", &long);
    desk.write("feed", "x");
    let reading = desk.check("", None);
    assert_eq!(reading.unreadable, 1);
    assert!(reading.first_fault.unwrap().ends_with("it is too long"));
    let place = reading.place.unwrap();
    assert!(place.inside_long);
    assert_eq!(place.offset, fs::metadata(desk.path("feed")).unwrap().len());
    desk.write("feed", &long);
    desk.restart();
    desk.write("feed", &format!("{{\"t\":1,\"p\":\"evil@example.com\"}}\n{}", line("c")));
    assert_eq!(desk.check("c", None).unreadable, 0);
    let fits = format!("{}{}\n", line("d").trim_end(), " ".repeat(LINE_BYTES_MAX - line("d").len()));
    assert_eq!(fits.len(), LINE_BYTES_MAX);
    desk.write("feed", &fits);
    assert_eq!(desk.check("d", None).unreadable, 0);
}

#[test]
fn no_more_is_read_at_once_than_allowed_and_that_is_said() {
    let mut desk = Desk::new();
    assert_eq!(desk.feed.bytes_max, 64 << 20);
    desk.write("feed", &line("a"));
    desk.check("a", None);
    desk.feed.bytes_max = 100;
    assert_eq!(line("b").len(), 37);
    desk.write("feed", &lines("b c d e"));
    desk.rename("feed", "feed.1");
    desk.write("feed", &lines("f g h"));
    desk.check("b c", Some(FeedTrouble::More));
    desk.check("d e", Some(FeedTrouble::More));
    desk.check("f g", Some(FeedTrouble::More));
    desk.check("h", None);
}

#[test]
fn a_large_file_is_begun_before_its_end_at_a_line() {
    let mut desk = Desk::new();
    desk.feed.bytes_max = 100;
    desk.write("feed", &lines("a b c d"));
    let reading = desk.check("c d", None);
    assert_eq!(reading.unreadable, 0);
    desk.write("feed", &line("e"));
    desk.check("e", None);
}

#[test]
fn what_is_no_file_or_open_to_others_is_refused_and_read_on_later() {
    let mut desk = Desk::new();
    desk.write("feed", &line("a"));
    desk.check("a", None);
    desk.write("feed", &line("b"));
    for mode in [0o664, 0o646, 0o666] {
        fs::set_permissions(desk.path("feed"), Permissions::from_mode(mode)).unwrap();
        let reading = desk.check("", Some(FeedTrouble::Writable { mode }));
        assert_eq!(reading.trouble.unwrap().help(Path::new("/f")).as_deref(), Some("chmod go-w /f"));
    }
    desk.rename("feed", "aside");
    fs::create_dir(desk.path("feed")).unwrap();
    desk.check("", Some(FeedTrouble::File(FileFault::NotAFile)));
    fs::remove_dir(desk.path("feed")).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(desk.path("feed")).status().unwrap().success());
    desk.check("", Some(FeedTrouble::File(FileFault::NotAFile)));
    fs::remove_file(desk.path("feed")).unwrap();
    std::os::unix::fs::symlink("/dev/zero", desk.path("feed")).unwrap();
    desk.check("", Some(FeedTrouble::File(FileFault::NotAFile)));
    fs::remove_file(desk.path("feed")).unwrap();
    desk.rename("aside", "feed");
    desk.write("feed", "");
    desk.check("b", None);
}
