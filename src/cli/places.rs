//! `evictd places`: which databases are asked, how old they are, what waits for a human; letting that in; installing one.
//! Also what other commands ask them through.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, Subcommand};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::account::caller;
use super::load::{Loaded, load, read_config, read_policies_of, show};
use super::loader::load_to_look;
use super::{Exit, Failure, Format, Where, screen::Screen};
use crate::address::Lists;
use crate::clock::{Clock as _, SystemClock};
use crate::config::PlacesSettings;
use crate::diagnostic::Findings;
use crate::files::Disk;
use crate::library::last_seen;
use crate::lists::{Circumstances, ListNews, Shelf};
use crate::model::{Database, Foreign};
use crate::places::{
    Atlas, InForce, LastGood, NotInstalled, OLD_AFTER, OpenFiles, PlacesStanding, USUAL_FOLDERS, accept, install,
    read_accepted, read_last_good,
};
use crate::policy::PolicySet;

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct PlacesArgs {
    #[command(subcommand)]
    command: Option<PlacesCommand>,
    #[command(flatten)]
    show: ShowArgs,
}

#[derive(Debug, Subcommand)]
enum PlacesCommand {
    /// The databases in force, what they supply, their age, and what waits (the same without `show`)
    Show(ShowArgs),
    /// Let in what a check held back: databases, and lists in files that shrank
    Accept(AcceptArgs),
    /// Check a database and install it for all accounts, in place of the one of the same name
    Update(UpdateArgs),
}

#[derive(Debug, Clone, Args)]
struct ShowArgs {
    #[command(flatten)]
    place: Where,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Debug, Args)]
struct AcceptArgs {
    #[command(flatten)]
    place: Where,
}

#[derive(Debug, Args)]
struct UpdateArgs {
    /// The database, a file NAME.mmdb in MaxMind's format
    #[arg(long, value_name = "FILE")]
    from: PathBuf,
    /// The configuration file
    #[arg(long, value_name = "FILE", default_value = "/etc/evictd/evictd.toml")]
    config: PathBuf,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub(super) fn run(args: &PlacesArgs, screen: Screen) -> Result<Exit, Failure> {
    match &args.command {
        None => run_show(&args.show, screen),
        Some(PlacesCommand::Show(args)) => run_show(args, screen),
        Some(PlacesCommand::Accept(args)) => run_accept(args, screen),
        Some(PlacesCommand::Update(args)) => run_update(args, screen),
    }
}

/// What an account's evictd would know of addresses, looked at once.
pub(super) struct View {
    pub(super) atlas: Atlas,
    pub(super) lists: Lists,
    pub(super) list_news: Vec<ListNews>,
    /// What of the account's state could not be read for it.
    pub(super) unread: Vec<String>,
    pub(super) now: Timestamp,
}

impl View {
    /// By this account's settings; without any, by the databases that ship and those in the usual folders.
    pub(super) fn of(loaded: Option<&Loaded>, screen: Screen) -> Result<Self, Failure> {
        let set = loaded.map(|loaded| policies_of(loaded, screen)).transpose()?.flatten();
        let view = Self::with(loaded, set.as_ref());
        for why in &view.unread {
            screen.note(&format!("warning: {why}"));
        }
        Ok(view)
    }

    /// The same, with the lists of these policies.
    pub(super) fn with(loaded: Option<&Loaded>, set: Option<&PolicySet>) -> Self {
        let now = SystemClock.now();
        let mut unread = Vec::new();
        let accepted = loaded.map_or(Ok(BTreeSet::new()), |loaded| read_accepted(&loaded.state()));
        let accepted = accepted.unwrap_or_else(|why| {
            unread.push(format!("what was let in cannot be read: {why}"));
            BTreeSet::new()
        });
        let nowhere = PlacesSettings { databases: None, older_than_max: None, installed: PathBuf::new() };
        let settings = loaded.map_or(&nowhere, |loaded| &loaded.settings.places);
        let usual: Vec<PathBuf> = USUAL_FOLDERS.iter().map(PathBuf::from).collect();
        let last_good = loaded.map_or_else(LastGood::new, |loaded| {
            read_last_good(&loaded.state()).unwrap_or_else(|why| {
                unread.push(format!("which place databases were in force cannot be told: {why}"));
                LastGood::new()
            })
        });
        let mut atlas = Atlas::begin(settings, &usual, Arc::new(OpenFiles::default()), &last_good);
        let live = loaded.map_or_else(BTreeMap::new, |loaded| last_seen(&loaded.last_snapshot()));
        atlas.refresh(&live, &accepted, now);
        let (lists, list_news) = match (loaded, set) {
            (Some(loaded), Some(set)) => lists(loaded, set, &accepted),
            _ => (Lists::default(), Vec::new()),
        };
        Self { atlas, lists, list_news, unread, now }
    }

    /// Says what a person should know before they trust what they read.
    pub(super) fn warn(&self, screen: Screen) {
        let standing = self.atlas.standing();
        for trouble in &standing.troubles {
            screen.note(&format!("warning: {trouble}\n  help: {}", trouble.help));
        }
        for old in standing.databases.iter().filter(|one| is_old(&one.database, self.now)) {
            let (name, age) = (Foreign::new(old.database.name.as_str()), age(&old.database, self.now));
            let help = renewed_by(old);
            screen.note(&format!("warning: place database `{name}` is {age}\n  help: {help}"));
        }
        for news in &self.list_news {
            if let Some(trouble) = &news.trouble {
                screen.note(&format!("warning: list `{}`: {}", news.name, trouble.why));
            }
        }
    }
}

/// Where a newer edition of this database comes from.
pub(super) fn renewed_by(old: &InForce) -> &'static str {
    if old.path.is_some() {
        "see that `geoipupdate`, or whatever delivers it, still runs"
    } else {
        "install newer ones with `evictd places update`, or set up `geoipupdate`: docs/places.md"
    }
}

/// How old a database is, in days.
pub(super) fn age(database: &Database, now: Timestamp) -> String {
    match days(database, now) {
        1 => "1 day old".to_owned(),
        days if days < 0 => "not built yet".to_owned(),
        days => format!("{days} days old"),
    }
}

fn days(database: &Database, now: Timestamp) -> i64 {
    now.duration_since(database.built).as_hours().div_euclid(24)
}

pub(super) fn is_old(database: &Database, now: Timestamp) -> bool {
    now.duration_since(database.built) > OLD_AFTER
}

/// The day on which it was built.
pub(super) fn built(database: &Database) -> String {
    database.built.strftime("%Y-%m-%d").to_string()
}

/// A database as programs read it.
pub(super) fn database_json(database: &Database, now: Timestamp) -> Value {
    let Database { name, kind, built, digest } = database;
    json!({
        "name": name, "kind": kind, "built": built.to_string(), "digest": digest,
        "age_days": days(database, now), "old": is_old(database, now),
    })
}

/// The account's policies; none if they cannot be read, and then that is said.
fn policies_of(loaded: &Loaded, screen: Screen) -> Result<Option<PolicySet>, Failure> {
    let mut findings = Findings::default();
    let set = read_policies_of(loaded, &mut findings)?;
    if set.is_none() {
        show(&findings, screen);
        screen.note("warning: the policies cannot be read, so that their lists are left out");
    }
    Ok(set)
}

/// The lists of the account's policies, as they stand.
fn lists(loaded: &Loaded, set: &PolicySet, accepted: &BTreeSet<String>) -> (Lists, Vec<ListNews>) {
    let disk = Disk::at(&loaded.state());
    let circumstances = Circumstances { state: Some(&disk), keeps: false, accepted, now: SystemClock.now() };
    let (lists, news) = Shelf::default().refresh(&set.lists, circumstances);
    (lists.at(SystemClock.now()), news)
}

fn run_show(args: &ShowArgs, screen: Screen) -> Result<Exit, Failure> {
    let loaded = load_to_look(&args.place, screen)?;
    let view = View::of(Some(&loaded), screen)?;
    let standing = view.atlas.standing();
    match args.format {
        Format::Text => screen.out(&text(&standing, &view.list_news, view.now)),
        Format::Json => screen.json(&json_of(&loaded, &standing, &view)),
    }
    view.warn(screen);
    Ok(Exit::Done)
}

fn text(standing: &PlacesStanding, lists: &[ListNews], now: Timestamp) -> String {
    let mut out = String::from("in order of preference:\n");
    for InForce { database, supplies, path, is_stale } in &standing.databases {
        let (name, kind) = (Foreign::new(database.name.as_str()), Foreign::new(database.kind.as_str()));
        let stale = if *is_stale { ", older than `places.older-than-max`: unknown" } else { "" };
        out += &format!(
            "\n  {name}\n    type      {kind}\n    built     {}, {}{stale}\n",
            built(database),
            age(database, now)
        );
        out += &format!("    supplies  {}\n    digest    {}\n", supplies.words().join(", "), database.digest);
        if let Some(path) = path {
            out += &format!("    file      {}\n", Foreign::new(path.to_string_lossy()));
        }
    }
    for waiting in &standing.waiting {
        let (path, database) = (Foreign::new(waiting.path.to_string_lossy()), &waiting.database);
        out += &format!("\nwaits for `evictd places accept`: {path}\n    built     {}\n", built(database));
        out += &format!("    digest    {}\n    because   {}\n", database.digest, waiting.doubt);
    }
    for (news, digest) in lists.iter().filter_map(|news| Some((news, news.waits.as_ref()?))) {
        let path = Foreign::new(news.path.to_string_lossy());
        out += &format!("\nwaits for `evictd places accept`: list `{}`, {path}\n    digest    {digest}\n", news.name);
    }
    out
}

fn json_of(loaded: &Loaded, standing: &PlacesStanding, view: &View) -> Value {
    let databases = standing.databases.iter().map(|one| {
        let path = one.path.as_deref().map(Path::to_string_lossy);
        let database = database_json(&one.database, view.now);
        json!({ "database": database, "supplies": one.supplies.words(), "file": path, "stale": one.is_stale })
    });
    let waiting = standing.waiting.iter().map(|one| {
        let database = database_json(&one.database, view.now);
        json!({ "database": database, "file": one.path.to_string_lossy(), "why": one.doubt.to_string() })
    });
    let troubles = standing.troubles.iter().map(|one| {
        let in_force = one.in_force.as_ref().map(|database| database_json(database, view.now));
        json!({ "file": one.path.to_string_lossy(), "why": one.why, "help": one.help, "in_force": in_force })
    });
    let lists = view.list_news.iter().filter_map(|news| {
        let digest = news.waits.as_ref()?;
        Some(json!({ "list": &*news.name, "file": news.path.to_string_lossy(), "digest": digest }))
    });
    json!({
        "schema": 1,
        "account": loaded.account.name.as_str(),
        "databases": databases.collect::<Vec<_>>(),
        "troubles": troubles.collect::<Vec<_>>(),
        "waiting": waiting.collect::<Vec<_>>(),
        "waiting_lists": lists.collect::<Vec<_>>(),
    })
}

fn run_accept(args: &AcceptArgs, screen: Screen) -> Result<Exit, Failure> {
    let loaded = load(&args.place, screen)?;
    let view = View::of(Some(&loaded), screen)?;
    let standing = view.atlas.standing();
    let databases = standing.waiting.iter().map(|one| (one.database.digest.clone(), one.path.clone()));
    let lists = view.list_news.iter().filter_map(|news| Some((news.waits.clone()?, news.path.clone())));
    let (digests, paths): (Vec<String>, Vec<PathBuf>) = databases.chain(lists).unzip();
    if digests.is_empty() {
        screen.out("nothing waits\n");
        return Ok(Exit::Done);
    }
    accept(&loaded.state(), &digests, view.now, &caller()).map_err(|why| {
        Failure::new(Exit::Trail, why).help("run it as evictd's own user, or as root: it stands beside the state")
    })?;
    for (path, digest) in paths.iter().zip(&digests) {
        screen.out(&format!("let in {} as it stands ({digest})\n", Foreign::new(path.to_string_lossy())));
    }
    screen.note("note: it counts from the next cycle on, if the file is still the same then");
    Ok(Exit::Done)
}

fn run_update(args: &UpdateArgs, screen: Screen) -> Result<Exit, Failure> {
    let (_, settings, findings) = read_config(&args.config)?;
    show(&findings, screen);
    let settings = settings.ok_or(Failure::told(Exit::Config))?;
    let now = SystemClock.now();
    let installed =
        install(&args.from, &settings.places.installed, now).map_err(|why| uninstalled(&args.from, &why))?;
    let database = &installed.database;
    match args.format {
        Format::Json => {
            let before = installed.before.as_ref().map(|before| database_json(before, now));
            let database = database_json(database, now);
            let path = installed.path.to_string_lossy();
            screen.json(&json!({ "schema": 1, "installed": database, "before": before, "file": path }));
        }
        Format::Text => {
            let before = installed.before.as_ref().map(|before| format!(" in place of the one of {}", built(before)));
            let (path, before) = (Foreign::new(installed.path.to_string_lossy()), before.unwrap_or_default());
            screen.out(&format!("installed {path}, built {}, {}{before}\n", built(database), age(database, now)));
        }
    }
    screen.note("note: each account checks it again at its next cycle, against the addresses that it saw lately");
    if let Some(configured) = &settings.places.databases {
        screen.note(&format!("note: the {} in `places.databases` are asked before it", configured.len()));
    }
    Ok(Exit::Done)
}

fn uninstalled(from: &Path, why: &NotInstalled) -> Failure {
    let from = Foreign::new(from.to_string_lossy());
    let title = format!("`{from}` was not installed: {why}");
    match why {
        NotInstalled::Name => Failure::new(Exit::Usage, title)
            .help("unpack it if it is packed, and name it so: the name tells databases apart"),
        NotInstalled::Unopened(_) => Failure::new(Exit::Findings, title)
            .help("see that it is a whole database in MaxMind's format, unpacked, and that you may read it"),
        NotInstalled::Doubtful(_) => Failure::new(Exit::Findings, title).help(
            "if it is right all the same, name it in `places.databases` and let it in with `evictd places accept`",
        ),
        NotInstalled::Local { .. } => {
            Failure::new(Exit::Trail, title).help("run it as evictd's own user, or as root: it stands beside the state")
        }
    }
}
