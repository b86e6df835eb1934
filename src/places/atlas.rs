//! One account's place databases over its life: which files are asked, what was taken over, what waits for a human.
//!
//! A file that changed is opened and checked before it comes into force; until then, and whenever it cannot be used, the
//! last good one stays, in memory. Where there is none, what the file could supply is unknown: the next one in the order
//! of preference does not speak for it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::check::doubt_of;
use super::database::{Covers, Opened};
use super::kept::LastGood;
use super::open_files::{OpenFiles, Stamp, Unopened};
use super::search::{installed, usual};
use super::standing::{Doubt, InForce, PlaceNews, PlacesStanding, PlacesTrouble, Waiting};
use super::{Databases, Entry, Supplies, Supply, shipped};
use crate::config::{DATABASES_MAX, PlacesSettings};
use crate::model::{Cause, Country, Database, Place};
use crate::record::sha256_hex;

/// Of the addresses seen lately, so many in a hundred may change their country with a new edition; one always may.
const MOVED_PERCENT_MAX: usize = 2;

/// So many files at most are asked, those of the configuration first.
const FILES_MAX: usize = DATABASES_MAX * 2;

/// The databases of one account.
pub struct Atlas {
    settings: PlacesSettings,
    /// Folders that are looked into if no files are configured.
    usual: Vec<PathBuf>,
    files: Arc<OpenFiles>,
    /// Files in order of preference.
    order: Vec<PathBuf>,
    slots: BTreeMap<PathBuf, Slot>,
    in_force: Arc<Databases>,
}

/// One file.
#[derive(Default)]
struct Slot {
    /// The content that was looked at last.
    looked_at: Option<Stamp>,
    /// What is in force of it.
    good: Option<Arc<Opened>>,
    /// What an earlier process had in force of it, until something comes into force in this one.
    known: Option<Database>,
    /// What it holds now, if that waits for a human.
    held: Option<Held>,
    /// Why what it holds now is not in force.
    trouble: Option<Trouble>,
    is_stale: bool,
    /// It was in force, and is where files are looked for no longer. It can be let go.
    is_gone: bool,
}

struct Held {
    database: Database,
    supplies: Supplies,
    covers: Covers,
    doubt: Doubt,
}

#[derive(Clone, PartialEq, Eq)]
struct Trouble {
    why: String,
    help: String,
}

/// Databases that could come into force, by their files.
type Candidates = BTreeMap<PathBuf, Arc<Opened>>;

impl Atlas {
    /// The databases that these settings name; without any, those in the usual folders. Nothing is opened yet: until the
    /// first [`Atlas::refresh`] only the compiled-in ones speak. `last_good` is what an earlier process had in force.
    pub fn begin(settings: &PlacesSettings, usual: &[PathBuf], files: Arc<OpenFiles>, last_good: &LastGood) -> Self {
        // However the configuration was named: what an earlier process wrote down must be found again.
        let absolute = |path: &PathBuf| std::path::absolute(path).unwrap_or_else(|_| path.clone());
        let settings = PlacesSettings {
            databases: settings.databases.as_ref().map(|all| all.iter().map(absolute).collect()),
            installed: absolute(&settings.installed),
            ..settings.clone()
        };
        let is_looked_into = |path: &Path| match (path.parent(), &settings.databases) {
            (Some(folder), _) if folder == settings.installed => true,
            (Some(folder), None) => usual.iter().any(|one| one == folder),
            (_, Some(configured)) => configured.iter().any(|one| one == path),
            (None, None) => false,
        };
        let known = last_good.iter().filter(|(path, _)| is_looked_into(path));
        let slot = |database: &Database| Slot { known: Some(database.clone()), ..Slot::default() };
        Self {
            usual: usual.to_vec(),
            files,
            order: known.clone().map(|(path, _)| path.clone()).collect(),
            slots: known.map(|(path, database)| (path.clone(), slot(database))).collect(),
            in_force: Arc::new(Databases::shipped()),
            settings,
        }
    }

    /// What is in force, or was when it could last be used, for the next process.
    pub fn last_good(&self) -> LastGood {
        let good = |path: &PathBuf| Some((path.clone(), self.slots.get(path)?.before()?.clone()));
        self.order.iter().filter_map(good).collect()
    }

    /// What is in force; it stays as it is while somebody holds it.
    pub fn databases(&self) -> Arc<Databases> {
        Arc::clone(&self.in_force)
    }

    /// What is known of this address.
    pub fn place_of(&self, address: IpAddr) -> Place {
        self.in_force.place_of(address)
    }

    /// Looks whether files changed, checks those that did, and takes them over or keeps the last good ones.
    ///
    /// `live` are the addresses seen lately, each with the country it had; `accepted` the digests of what a human let in.
    pub fn refresh(
        &mut self,
        live: &BTreeMap<IpAddr, Option<Country>>,
        accepted: &BTreeSet<String>,
        now: Timestamp,
    ) -> Vec<PlaceNews> {
        let mut news = Vec::new();
        self.find(accepted, &mut news);
        let mut candidates = Candidates::new();
        for path in self.order.clone() {
            let candidate = self.look(&path, accepted, now, &mut news);
            candidates.extend(candidate.map(|candidate| (path, candidate)));
        }
        self.hold_movers(&mut candidates, live, accepted, &mut news);
        for (path, candidate) in candidates {
            self.take(&path, candidate, &mut news);
        }
        self.grow_old(now, &mut news);
        self.in_force = Arc::new(self.assemble(&Candidates::new()));
        news
    }

    /// How they stand.
    pub fn standing(&self) -> PlacesStanding {
        let mut standing = PlacesStanding::default();
        for (path, slot) in self.order.iter().filter_map(|path| self.slots.get_key_value(path)) {
            standing.databases.extend(slot.good.as_ref().map(|good| in_force(good, Some(path), slot.is_stale)));
            standing.troubles.extend(slot.trouble_at(path));
            let path = || path.clone();
            let held = slot.held.as_ref().map(|held| (held.database.clone(), held.doubt.clone()));
            standing.waiting.extend(held.map(|(database, doubt)| Waiting { path: path(), database, doubt }));
            let gone = slot.before().filter(|_| slot.is_gone).map(absence_of);
            standing.waiting.extend(gone.map(|database| Waiting { path: path(), database, doubt: Doubt::Gone }));
        }
        standing.databases.extend(shipped().iter().map(|shipped| in_force(shipped, None, false)));
        standing
    }

    /// Which files there are to look at. One that was in force keeps its place among them when it is gone.
    fn find(&mut self, accepted: &BTreeSet<String>, news: &mut Vec<PlaceNews>) {
        let before = std::mem::take(&mut self.order);
        self.order = match &self.settings.databases {
            Some(configured) => configured.iter().cloned().chain(installed(&self.settings.installed)).collect(),
            None => installed(&self.settings.installed).into_iter().chain(usual(&self.usual)).collect(),
        };
        self.order.truncate(FILES_MAX);
        let mut gone = BTreeSet::new();
        for (at, path) in before.into_iter().enumerate() {
            if self.order.contains(&path) {
                continue;
            }
            let before = self.slots.get(&path).and_then(Slot::before);
            if before.is_some_and(|before| !accepted.contains(&absence_of(before).digest)) {
                gone.insert(path.clone());
                self.order.insert(at.min(self.order.len()), path);
            } else {
                self.slots.remove(&path);
                news.push(PlaceNews::Gone(path));
            }
        }
        for path in &self.order {
            self.slots.entry(path.clone()).or_default().is_gone = gone.contains(path);
        }
    }

    /// What this file holds, if it is new and nothing speaks against it.
    fn look(
        &mut self,
        path: &Path,
        accepted: &BTreeSet<String>,
        now: Timestamp,
        news: &mut Vec<PlaceNews>,
    ) -> Option<Arc<Opened>> {
        let slot = self.slots.get_mut(path)?;
        let stamp = Stamp::at(path);
        let let_in = slot.held.as_ref().is_some_and(|held| accepted.contains(&held.database.digest));
        if stamp.is_some() && stamp == slot.looked_at && !let_in {
            return None;
        }
        slot.looked_at = stamp;
        // What is wrong with one content is said once; a file that is not there has none.
        let told = if stamp.is_none() { slot.trouble.clone() } else { None };
        let opened = match self.files.open(path) {
            Ok(opened) => opened,
            Err(unopened) => {
                slot.refuse(&unopened);
                news.extend(slot.trouble_at(path).filter(|_| slot.trouble != told).map(PlaceNews::NotTaken));
                return None;
            }
        };
        let is_before = slot.is_before(&opened.database);
        if is_before && slot.good.is_some() {
            let was_in_trouble = slot.trouble.take().is_some();
            slot.held = None;
            news.extend(was_in_trouble.then(|| PlaceNews::Back(opened.database.clone())));
            return None;
        }
        let is_accepted = is_before || accepted.contains(&opened.database.digest);
        match doubt_of(&opened, slot.before(), now).filter(|_| !is_accepted) {
            None => Some(opened),
            Some(doubt) => {
                slot.hold(&opened, doubt);
                news.extend(slot.trouble_at(path).map(PlaceNews::NotTaken));
                None
            }
        }
    }

    /// Holds back candidates until those left move no more of the addresses seen lately than new editions do. The one
    /// that moves most goes first.
    fn hold_movers(
        &mut self,
        candidates: &mut Candidates,
        live: &BTreeMap<IpAddr, Option<Country>>,
        accepted: &BTreeSet<String>,
        news: &mut Vec<PlaceNews>,
    ) {
        let known = live.values().filter(|country| country.is_some()).count();
        let allowed = (known * MOVED_PERCENT_MAX / 100).max(1);
        loop {
            let moved = self.moved(candidates, live, accepted);
            let total: usize = moved.values().sum();
            let most = moved.into_iter().max_by_key(|(_, count)| *count);
            let Some((path, _)) = most.filter(|_| total > allowed) else { return };
            let Some(candidate) = candidates.remove(&path) else { return };
            let Some(slot) = self.slots.get_mut(&path) else { return };
            slot.hold(&candidate, Doubt::Moved { moved: total, of: known });
            news.extend(slot.trouble_at(&path).map(PlaceNews::NotTaken));
        }
    }

    /// How many of the addresses seen lately each candidate would move to another country, or to none. What a database
    /// that cannot be used makes unknown is nobody's doing.
    fn moved(
        &self,
        candidates: &Candidates,
        live: &BTreeMap<IpAddr, Option<Country>>,
        accepted: &BTreeSet<String>,
    ) -> BTreeMap<PathBuf, usize> {
        let mut moved = BTreeMap::new();
        if candidates.is_empty() {
            return moved;
        }
        let trial = self.assemble(candidates);
        let paths = self.numbered(candidates);
        for (address, before) in live {
            let after = trial.place_of(*address).country;
            let path = match (before, &after) {
                (None, _) | (_, Err(Cause::Down | Cause::Stale)) => continue,
                (Some(before), Ok(found)) if found.value == *before => continue,
                (_, Ok(found)) => paths.get(usize::from(found.database)).and_then(Option::as_ref),
                (_, Err(_)) => None,
            };
            // Where none of the candidates answers, what was there before is what went away.
            let lost = || candidates.iter().find(|(_, one)| one.supplies.has(Supply::Country)).map(|(path, _)| path);
            let path = path.filter(|path| candidates.contains_key(*path)).or_else(lost);
            let is_accepted = |path: &&PathBuf| {
                let candidate = candidates.get(*path).map(|candidate| &candidate.database);
                let is_before = |database| self.slots.get(*path).is_some_and(|slot| slot.is_before(database));
                candidate.is_some_and(|database| accepted.contains(&database.digest) || is_before(database))
            };
            if let Some(path) = path.filter(|path| !is_accepted(path)) {
                *moved.entry(path.clone()).or_default() += 1;
            }
        }
        moved
    }

    /// The files of the databases that would answer, by their number; none for those compiled in.
    fn numbered(&self, candidates: &Candidates) -> Vec<Option<PathBuf>> {
        let answers = |path: &&PathBuf| {
            let is_good = self.slots.get(*path).is_some_and(|slot| slot.good.is_some() && !slot.is_stale);
            candidates.contains_key(*path) || is_good
        };
        self.order.iter().filter(answers).cloned().map(Some).collect()
    }

    /// The databases as they are, or as they would be with these in the places of what is in force.
    fn assemble(&self, candidates: &Candidates) -> Databases {
        let slots = self.order.iter().filter_map(|path| self.slots.get_key_value(path));
        Databases::of(slots.map(|(path, slot)| slot.entry(candidates.get(path))).collect())
    }

    fn take(&mut self, path: &Path, candidate: Arc<Opened>, news: &mut Vec<PlaceNews>) {
        let Some(slot) = self.slots.get_mut(path) else { return };
        let before = slot.before().filter(|_| !slot.is_before(&candidate.database)).cloned();
        news.push(PlaceNews::Taken { database: candidate.database.clone(), before });
        *slot = Slot { looked_at: slot.looked_at, good: Some(candidate), ..Slot::default() };
    }

    fn grow_old(&mut self, now: Timestamp, news: &mut Vec<PlaceNews>) {
        let Some(max) = self.settings.older_than_max else { return };
        for slot in self.slots.values_mut() {
            let Some(good) = &slot.good else { continue };
            let is_stale = is_older(&good.database, max, now);
            if is_stale && !slot.is_stale {
                news.push(PlaceNews::Stale(good.database.clone()));
            }
            slot.is_stale = is_stale;
        }
    }
}

impl Slot {
    /// What is in force of it, or was when it could last be used.
    fn before(&self) -> Option<&Database> {
        self.good.as_ref().map(|good| &good.database).or(self.known.as_ref())
    }

    fn is_before(&self, database: &Database) -> bool {
        self.before().is_some_and(|before| before.digest == database.digest)
    }

    fn entry(&self, candidate: Option<&Arc<Opened>>) -> Entry {
        match (candidate.or(self.good.as_ref()), &self.held) {
            (Some(opened), _) if candidate.is_none() && self.is_stale => {
                Entry::Silent { cause: Cause::Stale, supplies: opened.supplies, covers: opened.covers }
            }
            (Some(opened), _) => Entry::Answers(Arc::clone(opened)),
            (None, Some(held)) => Entry::Silent { cause: Cause::Down, supplies: held.supplies, covers: held.covers },
            (None, None) => {
                Entry::Silent { cause: Cause::Down, supplies: Supplies::everything(), covers: Covers::BOTH }
            }
        }
    }

    fn trouble_at(&self, path: &Path) -> Option<PlacesTrouble> {
        let Trouble { why, help } = self.trouble.clone()?;
        let in_force = self.good.as_ref().map(|good| good.database.clone());
        Some(PlacesTrouble { path: path.to_owned(), why, help, in_force })
    }

    fn refuse(&mut self, unopened: &Unopened) {
        let help = match unopened {
            Unopened::File(trouble) => {
                trouble.help().unwrap_or_else(|| "bring the file back, or correct `places.databases`".to_owned())
            }
            Unopened::Changing => {
                self.looked_at = None;
                "nothing to do: it is looked at again in the next cycle".to_owned()
            }
            Unopened::NotOne(_) => "fetch the file again, for example with `geoipupdate`".to_owned(),
        };
        let why = match unopened {
            Unopened::File(trouble) => trouble.fault.to_string(),
            other => other.to_string(),
        };
        self.held = None;
        self.trouble = Some(Trouble { why, help });
    }

    fn hold(&mut self, opened: &Opened, doubt: Doubt) {
        self.trouble = Some(Trouble {
            why: doubt.to_string(),
            help:
                "look at it with `evictd places`, then let it in with `evictd places accept` or put the old file back"
                    .to_owned(),
        });
        let Opened { database, supplies, covers, .. } = opened;
        self.held = Some(Held { database: database.clone(), supplies: *supplies, covers: *covers, doubt });
    }
}

/// What a human lets go by accepting it: that this database is gone. No content has this digest.
fn absence_of(database: &Database) -> Database {
    Database { digest: sha256_hex(format!("gone {}", database.digest).as_bytes()), ..database.clone() }
}

fn in_force(opened: &Opened, path: Option<&PathBuf>, is_stale: bool) -> InForce {
    InForce { database: opened.database.clone(), supplies: opened.supplies, path: path.cloned(), is_stale }
}

fn is_older(database: &Database, max: SignedDuration, now: Timestamp) -> bool {
    now.duration_since(database.built) > max
}
