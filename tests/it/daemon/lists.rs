//! Offboarding lists that change between two sweeps: whoever is new on one is looked at within a minute, and what is held
//! back is heard once.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use evictd::record::Entry;
use tempfile::TempDir;

use super::{Site, Stage, minutes, seconds, wait};
use crate::enforcement::{session, user};

const LEFT: &str = r#"schema = 1
[[rule]]
id = "left"
title = "Has left"
action = "revoke-session"
mode = "enforce"
when.user.offboarded = true
"#;

/// An account that sweeps each hour, of which a list says who has left; and thirty agents, each with a session.
struct Play {
    stage: Stage,
    folder: TempDir,
}

impl Play {
    fn new(lines: &str, rules: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let list = format!("offboarding.hr = {{ file = \"{}\", {lines} }}", folder.path().join("hr.csv").display());
        let stage = Stage::remembering("acme", &format!("sweep = \"0 * * * *\"\n{list}"), None);
        let site = stage.site("acme");
        rules.clone_into(&mut site.policies.lock().unwrap());
        for number in 1..=30 {
            site.agent(number, 1);
        }
        let play = Self { stage, folder };
        // Somebody who is nobody, so that there is a list.
        play.deliver(&["gone@acme.example"]);
        play
    }

    fn site(&self) -> &Site {
        self.stage.site("acme")
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("hr.csv")
    }

    /// A list of these, as of now.
    fn deliver(&self, emails: &[&str]) {
        write(&self.file(), &format!("email\n{}\n", emails.join("\n")), self.site());
    }

    fn requests(&self) -> usize {
        self.site().simulator.requests().len()
    }

    fn changes(&self) -> Vec<(usize, usize)> {
        let records = self.site().records().into_iter();
        let of_list = records.filter_map(|line| match line.entry {
            Entry::OffboardingChanged(body) => Some((body.added, body.pending)),
            _ => None,
        });
        of_list.collect()
    }

    fn looks(&self) -> Vec<Vec<String>> {
        self.site().cycles().into_iter().filter_map(|(_, finished)| finished.looked).collect()
    }
}

fn write(path: &Path, text: &str, site: &Site) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, Permissions::from_mode(0o600)).unwrap();
    let now = std::time::SystemTime::try_from(site.simulator.now()).unwrap();
    File::options().append(true).open(path).unwrap().set_modified(now).unwrap();
}

fn emails(numbers: std::ops::RangeInclusive<u64>, site: &Site) -> Vec<String> {
    let email =
        |number| site.simulator.world(|world| world.people[&user(number)].email.as_ref().unwrap().raw().to_owned());
    numbers.map(email).collect()
}

#[tokio::test(start_paused = true)]
async fn whoever_is_new_on_a_list_loses_their_sessions_within_a_minute() {
    let play = Play::new("older-than-max = \"2d\"", LEFT);
    let site = play.site();
    let known = emails(7..=7, site);
    let done = play.stage.run(async |_| {
        wait(minutes(10)).await;
        let before = play.requests();
        wait(minutes(5)).await;
        assert_eq!(play.requests(), before, "while nothing changes nothing is asked");
        play.deliver(&["gone@acme.example", &known[0]]);
        wait(seconds(62)).await;
        assert!(!site.has_session(7) && site.has_session(8));
        assert_eq!((play.looks(), play.changes()), (vec![vec!["7".to_owned()]], vec![(1, 0), (1, 0)]));
        // It is taken over: nothing is left to hear, nor to tell, once who was signed out had time to come back.
        wait(minutes(16)).await;
        let before = play.requests();
        wait(minutes(5)).await;
        assert_eq!((play.requests(), play.changes().len()), (before, 2));
        // Somebody whom no sweep saw yet is asked for by name.
        let now = site.simulator.now();
        site.simulator.world(|world| {
            world.add_person(user(40), evictd::model::Role::Agent);
            world.add_session(session(1_040), user(40), now, now);
        });
        let stranger = emails(40..=40, site);
        play.deliver(&["gone@acme.example", &known[0], &stranger[0]]);
        wait(seconds(62)).await;
        assert!(!site.has_session(40));
    });
    assert_eq!(done.await, Ok(()));
    assert_eq!(play.changes(), [(1, 0), (1, 0), (1, 0)]);
}

#[tokio::test(start_paused = true)]
async fn what_is_held_back_or_means_nobody_is_heard_once() {
    let play = Play::new("growth-per-day-max = 3", LEFT);
    let site = play.site();
    let many = emails(1..=20, site);
    let done = play.stage.run(async |_| {
        wait(minutes(10)).await;
        let deliver = async |emails: &[&str]| {
            play.deliver(emails);
            wait(minutes(2)).await;
            let before = play.requests();
            wait(minutes(5)).await;
            assert_eq!(play.requests(), before, "{emails:?}");
        };
        // A jump waits for a human, a name means nobody, a file that cannot be read says nothing.
        let mut rows = vec!["gone@acme.example"];
        rows.extend(many.iter().map(String::as_str));
        deliver(&rows).await;
        deliver(&["gone@acme.example", "nobody@acme.example"]).await;
        write(&play.file(), "no header\n", site);
        let before = play.requests();
        wait(minutes(5)).await;
        assert_eq!(play.requests(), before);
    });
    assert_eq!(done.await, Ok(()));
    assert!((1..=30).all(|number| site.has_session(number)));
    assert_eq!(play.looks(), Vec::<Vec<String>>::new());
}
