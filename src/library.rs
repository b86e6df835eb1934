//! What is looked up beside Zendesk: named lists and place databases, as their files stand before a cycle.
//!
//! One for each account, over its process's life: what was last good of a file is held here. What the files say is for
//! `lists` and `places` to read; what becomes of trouble is told to whoever asks.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;

use crate::address::{ListDecl, Lists};
use crate::config::PlacesSettings;
use crate::files::{Disk, read_bytes};
use crate::lists::{Circumstances, ListNews, Shelf};
use crate::model::Country;
use crate::places::{
    Atlas, Databases, LastGood, OpenFiles, PlaceNews, PlacesStanding, keep_last_good, read_accepted, read_last_good,
};
use crate::snapshot::{SNAPSHOT_BYTES_MAX, Snapshot, countries_of};

/// Named lists and place databases of one account.
pub struct Library {
    files: Arc<OpenFiles>,
    /// Folders looked into for databases if none are configured.
    usual: Vec<PathBuf>,
    shelf: Shelf,
    atlas: Option<(PlacesSettings, Atlas)>,
    /// What is written down of that.
    kept: LastGood,
    /// The addresses seen last, each with the country it had; none until it is known.
    seen: Option<BTreeMap<IpAddr, Option<Country>>>,
    /// Of each list, what was last said of it.
    told: BTreeMap<Arc<str>, String>,
}

/// What a look at the files goes by.
#[derive(Clone, Copy)]
pub struct Look<'l> {
    /// Which databases are asked.
    pub places: &'l PlacesSettings,
    /// The lists of the policies in force.
    pub decls: &'l [Arc<ListDecl>],
    /// The account's folder of state.
    pub state: &'l Path,
    /// The file of the last cycle's snapshot.
    pub last_snapshot: &'l Path,
    /// Whether new contents of lists are kept there: not by commands that only look.
    pub keeps: bool,
    /// Now, on the host's clock.
    pub now: Timestamp,
}

/// Lists and databases as they stand, for one cycle.
pub struct Consulted {
    /// The lists, in the order in which policies declare them.
    pub lists: Lists,
    /// The databases in force.
    pub databases: Arc<Databases>,
    /// What is wrong with databases that cannot be asked as they are.
    pub unasked: Vec<String>,
    /// What is to be said that was not said before.
    pub news: Vec<LibraryNews>,
}

/// Something that changed with a look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LibraryNews {
    /// Whether somebody should do something about it.
    pub is_bad: bool,
    /// What it is, safe to show.
    pub text: String,
}

impl Library {
    /// Nothing is looked at yet. Opened databases are shared through `files`.
    pub fn new(files: Arc<OpenFiles>, usual: &[PathBuf]) -> Self {
        let (shelf, kept, told) = (Shelf::default(), LastGood::new(), BTreeMap::new());
        Self { files, usual: usual.to_vec(), shelf, atlas: None, kept, seen: None, told }
    }

    /// Looks at every file that changed, and takes over or keeps what was last good.
    pub fn consult(&mut self, look: Look<'_>) -> Consulted {
        let mut news = Vec::new();
        let accepted = read_accepted(look.state).unwrap_or_else(|why| {
            news.push(LibraryNews { is_bad: true, text: format!("what was accepted of places cannot be read: {why}") });
            BTreeSet::new()
        });
        let databases = self.refresh_databases(look, &accepted, &mut news);
        if look.keeps {
            news.extend(self.keep_databases(look.state));
        }
        let disk = Disk::at(look.state);
        let (keeps, now) = (look.keeps, look.now);
        let circumstances = Circumstances { state: Some(&disk), keeps, accepted: &accepted, now };
        let (lists, of_lists) = self.shelf.refresh(look.decls, circumstances);
        for one in &of_lists {
            let text = said_of(one);
            if self.told.get(&one.name).map_or("", String::as_str) != text {
                let is_bad = one.trouble.is_some() || one.unreadable > 0 || one.unkept.is_some();
                let shown = if text.is_empty() { "all is well again" } else { &text };
                news.push(LibraryNews { is_bad, text: format!("list `{}`: {shown}", one.name) });
                self.told.insert(Arc::clone(&one.name), text);
            }
        }
        let troubles = self.standing().map(|standing| standing.troubles).unwrap_or_default();
        let unasked = troubles.iter().map(|trouble| format!("{trouble} ({})", trouble.help)).collect();
        Consulted { lists, databases, unasked, news }
    }

    /// Remembers which addresses a cycle saw: a new database must not move many of them. One whose country could not be
    /// told now keeps the one it had.
    pub fn saw(&mut self, snapshot: &Snapshot) {
        let before = self.seen.take().unwrap_or_default();
        let mut seen = snapshot.countries();
        for (address, country) in seen.iter_mut().filter(|(_, country)| country.is_none()) {
            *country = before.get(address).copied().flatten();
        }
        self.seen = Some(seen);
    }

    /// How the databases stand; none before the first look.
    pub fn standing(&self) -> Option<PlacesStanding> {
        self.atlas.as_ref().map(|(_, atlas)| atlas.standing())
    }

    fn refresh_databases(
        &mut self,
        look: Look<'_>,
        accepted: &BTreeSet<String>,
        news: &mut Vec<LibraryNews>,
    ) -> Arc<Databases> {
        let is_as_set = self.atlas.as_ref().is_some_and(|(settings, _)| settings == look.places);
        if !is_as_set {
            let last_good = read_last_good(look.state).unwrap_or_else(|why| {
                let text = format!("which place databases were in force cannot be told: {why}");
                news.push(LibraryNews { is_bad: true, text });
                LastGood::new()
            });
            self.kept.clone_from(&last_good);
            let atlas = Atlas::begin(look.places, &self.usual, Arc::clone(&self.files), &last_good);
            self.atlas = Some((look.places.clone(), atlas));
        }
        let Some((_, atlas)) = &mut self.atlas else { return Arc::new(Databases::shipped()) };
        let seen = self.seen.get_or_insert_with(|| last_seen(look.last_snapshot));
        let said = atlas.refresh(seen, accepted, look.now);
        news.extend(said.iter().map(|one| LibraryNews { is_bad: PlaceNews::is_bad(one), text: one.to_string() }));
        atlas.databases()
    }

    /// Writes down what is in force, if that changed. Trouble is said at every look until it is over.
    fn keep_databases(&mut self, state: &Path) -> Option<LibraryNews> {
        let last_good = self.atlas.as_ref().map(|(_, atlas)| atlas.last_good())?;
        if last_good == self.kept {
            return None;
        }
        if let Err(why) = keep_last_good(state, &last_good) {
            let text = format!("which place databases are in force is not kept for the next start: {why}");
            return Some(LibraryNews { is_bad: true, text });
        }
        self.kept = last_good;
        None
    }
}

/// The addresses of the last cycle's snapshot; none if there is no snapshot that can be read.
pub fn last_seen(path: &Path) -> BTreeMap<IpAddr, Option<Country>> {
    read_bytes(path, SNAPSHOT_BYTES_MAX).ok().and_then(|bytes| countries_of(&bytes).ok()).unwrap_or_default()
}

/// What there is to say of a list; nothing while all is well.
pub fn said_of(news: &ListNews) -> String {
    let mut said = Vec::new();
    if let Some(trouble) = &news.trouble {
        let help = trouble.help.as_ref().map(|help| format!(" ({help})")).unwrap_or_default();
        said.push(format!("{}{help}", trouble.why));
        if news.is_last_good {
            said.push("what it last said stays in force".to_owned());
        }
    }
    if news.unreadable > 0 {
        let line = news.faults.first().map(|fault| format!(", the first: {fault}")).unwrap_or_default();
        said.push(format!("{} entries cannot be read{line}: of what is not on it nothing is known", news.unreadable));
    }
    if news.had_host_bits > 0 {
        let number = news.had_host_bits;
        said.push(format!("{number} networks have bits set behind their prefix and are taken without them"));
    }
    said.extend(news.unkept.as_ref().map(|why| format!("what is good of it cannot be kept: {why}")));
    said.join("; ")
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::diagnostic::{Findings, Source};
    use crate::model::Answer;
    use crate::policy;

    struct Host {
        folder: tempfile::TempDir,
        library: Library,
        decls: Vec<Arc<ListDecl>>,
        places: PlacesSettings,
    }

    impl Host {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let text = "schema = 1\n[list.tor]\nfile = \"tor.txt\"\nclass = \"tor\"\nentries-min = 2\n";
            let name = folder.path().join("networks.toml").display().to_string();
            let set = policy::read(&[Source::new(name, text)], None, &mut Findings::default()).unwrap();
            let places =
                PlacesSettings { databases: None, older_than_max: None, installed: folder.path().join("places") };
            Self { folder, library: Library::new(Arc::default(), &[]), decls: set.lists, places }
        }

        fn write(&self, text: &str) {
            // A rename, as whoever delivers a list does it.
            fs::write(self.folder.path().join("new"), text).unwrap();
            fs::rename(self.folder.path().join("new"), self.folder.path().join("tor.txt")).unwrap();
        }

        fn consult(&mut self) -> (Answer, Vec<LibraryNews>) {
            let (state, last_snapshot) = (self.folder.path().join("state"), self.folder.path().join("none"));
            fs::create_dir_all(&state).unwrap();
            let now = fs::metadata(self.folder.path()).unwrap().modified().unwrap().try_into().unwrap();
            let (places, decls) = (&self.places, self.decls.as_slice());
            let look = Look { places, decls, state: &state, last_snapshot: &last_snapshot, keeps: true, now };
            let consulted = self.library.consult(look);
            let list = consulted.lists.by_name("tor").unwrap();
            (list.has_address("8.8.8.8".parse().unwrap()), consulted.news)
        }
    }

    #[test]
    fn a_list_is_taken_over_when_its_file_changes_and_trouble_is_told_once() {
        let mut host = Host::new();
        let (answer, news) = host.consult();
        assert!(matches!(answer, Answer::Unknown(_)), "{answer:?}");
        assert!(
            news.iter().any(|one| one.is_bad && one.text.contains("list `tor`: the file cannot be read")),
            "{news:?}"
        );
        assert_eq!(host.consult().1, []);
        host.write("8.8.8.8\n192.0.2.0/24\n");
        let (answer, news) = host.consult();
        assert!(answer.is_yes(), "{answer:?}");
        assert!(news.iter().any(|one| !one.is_bad && one.text == "list `tor`: all is well again"), "{news:?}");
        host.write("192.0.2.1\n");
        let (answer, news) = host.consult();
        assert!(answer.is_yes(), "the last good content stays: {answer:?}");
        assert!(news.iter().any(|one| one.text.ends_with("what it last said stays in force")), "{news:?}");
        host.write("192.0.2.1\n192.0.2.2\n");
        assert!(matches!(host.consult().0, Answer::No(_)));
    }

    #[test]
    fn the_last_good_list_outlives_its_process() {
        let mut host = Host::new();
        host.write("8.8.8.8\n192.0.2.0/24\n");
        assert!(host.consult().0.is_yes());
        fs::remove_file(host.folder.path().join("tor.txt")).unwrap();
        host.library = Library::new(Arc::default(), &[]);
        assert!(host.consult().0.is_yes());
    }
}
