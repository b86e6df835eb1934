//! Files that change, grow old, shrink, break and vanish between looks, and restarts in between.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use tempfile::TempDir;

use super::*;
use crate::address::{Form, ListFile, ListKind};
use crate::files::MemoryMedium;
use crate::model::{Answer, Cause, Strength};

const YES: Answer = Answer::Yes(Strength::Exact);
const NO: Answer = Answer::No(Strength::Exact);

/// An account with one list `tor` in `tor.txt`, last changed an hour ago.
struct Account {
    folder: TempDir,
    state: MemoryMedium,
    shelf: Shelf,
    file: ListFile,
    accepted: BTreeSet<String>,
    now: Timestamp,
    keeps: bool,
}

impl Account {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tor.txt");
        let file = ListFile {
            path,
            form: Form::default(),
            older_than_max: None,
            entries_min: None,
            is_signed: true,
            pinned: None,
        };
        Self {
            folder,
            state: MemoryMedium::default(),
            shelf: Shelf::default(),
            file,
            accepted: BTreeSet::new(),
            now: "2026-11-23T12:00:00Z".parse().unwrap(),
            keeps: true,
        }
    }

    /// Writes this many networks, an hour ago.
    fn networks(&self, count: usize) {
        let lines: Vec<String> = (0..count).map(|at| format!("192.0.{at}.0/24\n")).collect();
        self.write(&lines.concat());
    }

    fn write(&self, text: &str) {
        fs::write(&self.file.path, text).unwrap();
        fs::set_permissions(&self.file.path, Permissions::from_mode(0o644)).unwrap();
        self.date(self.now - SignedDuration::from_hours(1));
    }

    fn date(&self, at: Timestamp) {
        fs::File::options()
            .append(true)
            .open(&self.file.path)
            .unwrap()
            .set_modified(std::time::SystemTime::try_from(at).unwrap())
            .unwrap();
    }

    fn refresh(&mut self) -> (Lists, ListNews) {
        let decl = ListDecl {
            name: "tor".into(),
            kind: ListKind::Address,
            class: None,
            from: ListSource::File(self.file.clone()),
        };
        let circumstances =
            Circumstances { state: Some(&self.state), keeps: self.keeps, accepted: &self.accepted, now: self.now };
        let (lists, mut news) = self.shelf.refresh(&[Arc::new(decl)], circumstances);
        (lists.at(self.now), news.remove(0))
    }

    /// Looks again: what the list says of a member of every list here, and of the network with this number.
    fn check(&mut self, number: usize, wanted: [Answer; 2], trouble: &str) -> ListNews {
        let (lists, news) = self.refresh();
        let says = [0, number].map(|at| lists.get(0).unwrap().has_address(format!("192.0.{at}.1").parse().unwrap()));
        let told = news.trouble.as_ref().map_or("", |trouble| trouble.why.as_str());
        assert_eq!(says, wanted, "{news:?}");
        assert!(told.contains(trouble) && told.is_empty() == trouble.is_empty(), "{told}");
        news
    }

    fn restart(&mut self) {
        self.shelf = Shelf::default();
    }
}

fn unknown(cause: Cause) -> [Answer; 2] {
    [Answer::unknown(cause); 2]
}

#[test]
fn a_file_that_changes_is_taken_over_and_one_that_does_not_is_not_read_again() {
    let mut account = Account::new();
    account.networks(3);
    assert!(account.check(3, [YES, NO], "").is_new);
    account.networks(4);
    assert!(account.check(3, [YES, YES], "").is_new);
    let writes = account.state.calls();
    assert!(!account.check(3, [YES, YES], "").is_new);
    assert_eq!(account.state.calls(), writes);
    // Renamed into place, as downloads should be.
    let aside = account.folder.path().join("new");
    fs::write(&aside, "192.0.0.0/24\n").unwrap();
    fs::set_permissions(&aside, Permissions::from_mode(0o600)).unwrap();
    fs::rename(&aside, &account.file.path).unwrap();
    account.date(account.now);
    assert!(account.check(3, [YES, NO], "").is_new);
}

#[test]
fn a_file_that_cannot_be_used_leaves_the_last_good_content_in_force() {
    type Break = fn(&Account);
    let breaks: &[(Break, &str)] = &[
        (|account| fs::remove_file(&account.file.path).unwrap(), "there is no such file"),
        (|account| fs::set_permissions(&account.file.path, Permissions::from_mode(0o664)).unwrap(), "mode is 664"),
        (|account| fs::set_permissions(&account.file.path, Permissions::from_mode(0o646)).unwrap(), "mode is 646"),
        (|account| account.write(""), "it has no entries"),
        (|account| account.write("<html>"), "a web page"),
        (|account| account.write("192.0.2.1\0"), "NUL bytes"),
        (|account| account.date(account.now + SignedDuration::from_secs(61)), "in the future"),
        (|account| account.write(&"192.0.0.1\n".repeat((16 << 20) / 10 + 1)), "it is larger than"),
        (
            |account| {
                fs::remove_file(&account.file.path).unwrap();
                fs::create_dir(&account.file.path).unwrap();
            },
            "not a regular file",
        ),
        (
            |account| {
                fs::remove_file(&account.file.path).unwrap();
                assert!(std::process::Command::new("mkfifo").arg(&account.file.path).status().unwrap().success());
            },
            "not a regular file",
        ),
    ];
    for (broken, why) in breaks {
        let mut account = Account::new();
        account.networks(3);
        account.check(3, [YES, NO], "");
        broken(&account);
        for _ in 0..2 {
            let news = account.check(3, [YES, NO], why);
            assert!(news.is_last_good && !news.is_new);
        }
        account.restart();
        account.check(3, [YES, NO], why);
        // Another file of this name was never good.
        let file = ListFile { path: account.folder.path().join("other.txt"), ..account.file.clone() };
        account.file = file;
        let news = account.check(3, unknown(Cause::Down), "there is no such file");
        assert!(!news.is_last_good);
    }
}

#[test]
fn without_any_good_content_everything_is_unknown() {
    let mut account = Account::new();
    account.check(3, unknown(Cause::Down), "no such file");
    account.networks(3);
    account.date(account.now + SignedDuration::from_hours(1));
    account.check(3, unknown(Cause::ClockSkew), "in the future");
    // Time passes, and the file is as it was.
    account.now += SignedDuration::from_hours(1);
    account.check(3, [YES, NO], "");
}

#[test]
fn the_last_good_content_survives_a_restart_unless_it_is_damaged() {
    let mut account = Account::new();
    account.networks(3);
    account.check(3, [YES, NO], "");
    fs::remove_file(&account.file.path).unwrap();
    account.restart();
    assert!(account.check(3, [YES, NO], "no such file").is_last_good);
    // Read as something else it is something else.
    account.file.form.format = Some(crate::address::Format::Json);
    account.check(3, unknown(Cause::Down), "no such file");
    account.file.form.format = None;
    account.check(3, [YES, NO], "no such file");
    let mut bytes = account.state.read("good-list-tor").unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    account.state.replace("good-list-tor", &bytes).unwrap();
    account.restart();
    account.check(3, unknown(Cause::Down), "no such file");
}

#[test]
fn a_command_that_only_looks_keeps_nothing() {
    let mut account = Account { keeps: false, ..Account::new() };
    account.networks(3);
    account.check(3, [YES, NO], "");
    assert_eq!(account.state.calls(), 0);
}

#[test]
fn contents_that_cannot_be_kept_are_in_force_and_it_is_told_until_they_are() {
    let mut account = Account::new();
    account.networks(3);
    account.state.fail_after(0);
    for _ in 0..2 {
        assert!(account.check(3, [YES, NO], "").unkept.is_some());
    }
    account.state.fail_after(usize::MAX);
    assert_eq!(account.check(3, [YES, NO], "").unkept, None);
    assert!(account.state.read("good-list-tor").is_ok());
}

#[test]
fn a_list_that_shrinks_waits_for_a_human_also_over_a_restart() {
    let mut account = Account::new();
    account.file.entries_min = Some(4);
    account.networks(10);
    account.check(9, [YES, YES], "");
    account.networks(8);
    account.check(9, [YES, NO], "");
    account.networks(10);
    account.check(9, [YES, YES], "");
    account.networks(7);
    account.check(9, [YES, YES], "7 entries, over 20 % fewer than the 10 before");
    account.restart();
    let waits = account.check(9, [YES, YES], "7 entries, over 20 %").waits.unwrap();
    account.accepted.insert("another".to_owned());
    assert_eq!(account.check(9, [YES, YES], "7 entries").waits, Some(waits.clone()));
    account.accepted.insert(waits);
    let news = account.check(9, [YES, NO], "");
    assert!(news.is_new && news.waits.is_none());
    account.networks(3);
    account.check(6, [YES, YES], "3 entries, fewer than `entries-min = 4`");
    // A smaller demand is one that the file meets; that it shrank is still to be accepted.
    account.file.entries_min = Some(3);
    account.check(6, [YES, YES], "3 entries, over 20 %");
    account.file.entries_min = None;
    account.check(6, [YES, NO], "");
}

#[test]
fn a_list_that_grows_old_says_nothing_and_one_that_is_touched_says_all() {
    let mut account = Account::new();
    account.file.older_than_max = Some(SignedDuration::from_hours(2));
    account.networks(3);
    account.check(3, [YES, NO], "");
    account.now += SignedDuration::from_hours(2);
    account.check(3, unknown(Cause::ListStale), "not changed for more than 2h");
    // The last good content has its own age, not that of the file that is there now.
    account.write("");
    account.check(3, unknown(Cause::ListStale), "it has no entries");
    account.restart();
    account.check(3, unknown(Cause::ListStale), "it has no entries");
    account.networks(3);
    account.check(3, [YES, NO], "");
}

#[test]
fn a_list_with_unreadable_lines_denies_nothing_and_names_them() {
    let mut account = Account::new();
    account.write("192.0.0.0/24\n192.0.1.0/24\nrubbish\n192.0.2.7/24\n");
    let news = account.check(3, [YES, Answer::unknown(Cause::Partial)], "");
    assert_eq!((news.unreadable, news.had_host_bits), (1, 1));
    assert_eq!(news.faults[0].to_string(), "line 3: it is no address");
    fs::remove_file(&account.file.path).unwrap();
    account.restart();
    account.check(3, [YES, Answer::unknown(Cause::Partial)], "no such file");
}

#[test]
fn lists_stand_in_the_order_of_their_declarations_and_inline_ones_are_always_there() {
    let folder = tempfile::tempdir().unwrap();
    let text = "schema = 1\n[list.a]\nfile = \"a.txt\"\nclass = \"tor\"\n\
                [list.b]\nentries = [\"192.0.2.0/24\"]\nclass = \"relay\"\n";
    let policy = folder.path().join("rules.toml");
    let source = crate::diagnostic::Source::new(policy.display().to_string(), text);
    let set = crate::policy::read(&[source], None, &mut crate::diagnostic::Findings::default()).unwrap();
    let look = |shelf: &mut Shelf| {
        let accepted = BTreeSet::new();
        let now = "2036-11-23T12:00:00Z".parse().unwrap();
        shelf.refresh(&set.lists, Circumstances { state: None, keeps: false, accepted: &accepted, now })
    };
    let mut shelf = Shelf::default();
    let (lists, news) = look(&mut shelf);
    assert_eq!(lists.iter().map(|list| &*list.name).collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!(news.iter().map(|one| &*one.path).collect::<Vec<&Path>>(), [folder.path().join("a.txt")]);
    let address = "192.0.2.1".parse().unwrap();
    let says = |lists: &Lists| [0, 1].map(|at| lists.get(at).unwrap().has_address(address));
    assert_eq!(says(&lists), [Answer::unknown(Cause::Down), YES]);
    fs::write(folder.path().join("a.txt"), "192.0.2.1\n").unwrap();
    fs::set_permissions(folder.path().join("a.txt"), Permissions::from_mode(0o644)).unwrap();
    assert_eq!(says(&look(&mut shelf).0), [YES, YES]);
}

#[test]
fn of_a_signed_list_only_the_signed_file_is_taken_even_after_a_restart() {
    let mut account = Account::new();
    account.networks(5);
    let pinned = |account: &Account| Some(crate::record::sha256_hex(&fs::read(&account.file.path).unwrap()));
    account.file.pinned = pinned(&account);
    account.check(4, [YES, YES], "");
    account.networks(6);
    account.check(5, [YES, NO], "is not the one that was signed");
    account.restart();
    account.check(5, [YES, NO], "is not the one that was signed");
    // What was signed before is not what is signed now.
    account.file.pinned = Some("0".repeat(64));
    account.restart();
    let unknown = Answer::Unknown(Cause::Down.into());
    account.check(5, [unknown, unknown], "is not the one that was signed");
    account.file.pinned = pinned(&account);
    account.check(5, [YES, YES], "");
}
