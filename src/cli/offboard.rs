//! `evictd offboard`: people who have left. Edits the list's file and nothing else; whoever runs cycles reads it again
//! and writes the change down. What is accepted stands beside the account's state.

use std::collections::BTreeMap;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::account::caller;
use super::load::{Loaded, load};
use super::loader::load_to_look;
use super::plan::remembered;
use super::{Exit, Failure, Format, Where, screen::Screen};
use crate::clock::{Clock as _, SystemClock};
use crate::config::OffboardingList;
use crate::diagnostic::{quoted, quoted_list};
use crate::directory::{
    Acceptance, EditTrouble, Edited, ListFault, ListFile, Names, Row, accept, add, read_acceptances, read_list, remove,
    since_of, trouble_of,
};
use crate::document::did_you_mean;
use crate::model::{Foreign, ListMemory, ListTrouble, RowMemory, human_duration};

#[derive(Debug, Subcommand)]
pub(super) enum OffboardCommand {
    /// Put somebody on a list
    Add(AddArgs),
    /// Take somebody off every list, or off one
    Remove(RemoveArgs),
    /// What the lists say, and whether they can be used
    List(ListArgs),
    /// Let in what waits because too much was added at once, or because a list shrank to less than half
    Accept(AcceptArgs),
}

#[derive(Debug, Args)]
pub(super) struct AddArgs {
    /// An e-mail address, a Zendesk user id, or `external:ID`
    who: String,
    /// From when on they have left: a day, which means its end, or an instant with its offset; else at once
    #[arg(long, value_name = "DATE|INSTANT")]
    since: Option<String>,
    #[command(flatten)]
    which: Which,
}

#[derive(Debug, Args)]
pub(super) struct RemoveArgs {
    /// An e-mail address, a Zendesk user id, or `external:ID`
    who: String,
    #[command(flatten)]
    which: Which,
}

#[derive(Debug, Args)]
pub(super) struct ListArgs {
    #[command(flatten)]
    which: Which,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Debug, Args)]
pub(super) struct AcceptArgs {
    #[command(flatten)]
    which: Which,
}

#[derive(Debug, Args)]
struct Which {
    #[command(flatten)]
    place: Where,
    /// The list, by its name in the configuration
    #[arg(long, value_name = "NAME")]
    list: Option<String>,
}

pub(super) fn run(command: &OffboardCommand, screen: Screen) -> Result<Exit, Failure> {
    match command {
        OffboardCommand::Add(args) => run_add(args, screen)?,
        OffboardCommand::Remove(args) => run_remove(args, screen)?,
        OffboardCommand::List(args) => run_list(args, screen)?,
        OffboardCommand::Accept(args) => run_accept(args, screen)?,
    }
    Ok(Exit::Done)
}

fn run_add(args: &AddArgs, screen: Screen) -> Result<(), Failure> {
    let names = names_of(&args.who)?;
    let loaded = load(&args.which.place, screen)?;
    let zone = loaded.account.time_zone.clone();
    let list = only(&loaded, args.which.list.as_deref())?;
    if let Some(since) = &args.since {
        since_of(since, &zone).map_err(|what| {
            Failure::new(Exit::Usage, format!("{}: {what}", quoted(since)))
                .help("write a day, as in `2027-01-31`, or an instant with its offset")
        })?;
    }
    let before = read_list(&list.file, &zone);
    let who = Foreign::new(args.who.as_str());
    match add(&list.file, &names, args.since.as_deref()).map_err(|trouble| unedited(&trouble, list))? {
        Edited::Rows(_) => {
            screen.out(&format!("added {who} to list `{}`\n", list.name));
            note_doubts(list, &before, &read_list(&list.file, &zone), screen);
        }
        Edited::Nothing => {
            let help = "to change the date, take them off first with `evictd offboard remove`";
            screen.out(&format!("{who} stands on list `{}` already: nothing changed\n", list.name));
            screen.note(&format!("note: {help}"));
        }
    }
    Ok(())
}

fn run_remove(args: &RemoveArgs, screen: Screen) -> Result<(), Failure> {
    let names = names_of(&args.who)?;
    let loaded = load(&args.which.place, screen)?;
    let who = Foreign::new(args.who.as_str());
    let zone = loaded.account.time_zone.clone();
    for list in chosen(&loaded, args.which.list.as_deref())? {
        let before = read_list(&list.file, &zone);
        match remove(&list.file, &names).map_err(|trouble| unedited(&trouble, list))? {
            Edited::Rows(rows) => {
                let rows = if rows == 1 { String::new() } else { format!(" ({rows} rows)") };
                screen.out(&format!("took {who} off list `{}`{rows}\n", list.name));
                note_doubts(list, &before, &read_list(&list.file, &zone), screen);
            }
            Edited::Nothing => screen.out(&format!("{who} is not on list `{}`: nothing changed\n", list.name)),
        }
    }
    Ok(())
}

fn run_list(args: &ListArgs, screen: Screen) -> Result<(), Failure> {
    let loaded = load_to_look(&args.which.place, screen)?;
    let lists = chosen(&loaded, args.which.list.as_deref())?;
    let accepted = read_acceptances(&loaded.state()).unwrap_or_else(|why| {
        screen.note(&format!("note: what was accepted cannot be read: {why}"));
        BTreeMap::new()
    });
    let remembered = remembered(&loaded, screen).lists;
    let pages: Vec<Page<'_>> = lists
        .into_iter()
        .map(|list| Page::new(&loaded, list, remembered.get(&list.name), accepted.get(&list.name)))
        .collect();
    match args.format {
        Format::Text => screen.out(&pages.iter().map(Page::text).collect::<Vec<_>>().join("\n")),
        Format::Json => {
            let lists: Vec<Value> = pages.iter().map(Page::json).collect();
            screen.json(&json!({ "schema": 1, "account": loaded.account.name.as_str(), "lists": lists }));
        }
    }
    Ok(())
}

fn run_accept(args: &AcceptArgs, screen: Screen) -> Result<(), Failure> {
    let loaded = load(&args.which.place, screen)?;
    let list = only(&loaded, args.which.list.as_deref())?;
    let remembered = remembered(&loaded, screen).lists;
    let page = Page::new(&loaded, list, remembered.get(&list.name), None);
    if let Some(trouble) = &page.trouble {
        let failure = Failure::new(Exit::Config, format!("list `{}` cannot be accepted: {}", list.name, trouble.why));
        return Err(match &trouble.help {
            Some(help) => failure.help(help.clone()),
            None => failure,
        });
    }
    let Ok(file) = &page.read else { return Ok(()) };
    let acceptance = Acceptance { digest: file.digest.clone(), at: SystemClock.now(), by: caller() };
    accept(&loaded.state(), &list.name, acceptance).map_err(|why| {
        Failure::new(Exit::Trail, why).help("run it as evictd's own user, or as root: it stands beside the state")
    })?;
    screen.out(&page.text());
    screen.out(&format!("\naccepted list `{}` as it stands, {} rows\n", list.name, file.rows.len()));
    screen.note("note: it counts from the next cycle on, if the file is still the same then");
    Ok(())
}

fn names_of(who: &str) -> Result<Names, Failure> {
    Names::of_word(who.trim()).map_err(|what| {
        Failure::new(Exit::Usage, format!("{}: {what}", quoted(who)))
            .help("write an e-mail address, a Zendesk user id, or `external:ID`")
    })
}

pub(super) fn configured(loaded: &Loaded) -> Result<&BTreeMap<String, OffboardingList>, Failure> {
    let account = &loaded.account;
    if account.offboarding.is_empty() {
        let name = &account.name;
        let failure = Failure::new(Exit::Config, format!("account `{name}` has no offboarding list"));
        let help =
            format!("add `[accounts.{name}.offboarding.left]` with `file = \"left.csv\"` to {}", loaded.config.name);
        return Err(failure.help(help));
    }
    Ok(&account.offboarding)
}

/// The list of this name, else all.
fn chosen<'l>(loaded: &'l Loaded, wanted: Option<&str>) -> Result<Vec<&'l OffboardingList>, Failure> {
    let lists = configured(loaded)?;
    let Some(wanted) = wanted else { return Ok(lists.values().collect()) };
    let list = lists.get(wanted).ok_or_else(|| {
        let failure = Failure::new(Exit::Usage, format!("there is no list {}", quoted(wanted)));
        let help = did_you_mean(wanted, lists.keys().map(String::as_str));
        failure.help(help.unwrap_or_default())
    })?;
    Ok(vec![list])
}

/// The list of this name, else the only one.
fn only<'l>(loaded: &'l Loaded, wanted: Option<&str>) -> Result<&'l OffboardingList, Failure> {
    match chosen(loaded, wanted)?.as_slice() {
        [list] => Ok(list),
        lists => {
            let names = quoted_list(lists.iter().map(|list| list.name.as_str()));
            Err(Failure::new(Exit::Usage, "the account has several lists and none was named")
                .help(format!("add `--list NAME` with one of {names}")))
        }
    }
}

fn unedited(trouble: &EditTrouble, list: &OffboardingList) -> Failure {
    let exit = match trouble {
        EditTrouble::Unusable(_) | EditTrouble::NoColumn(_) | EditTrouble::Blanks | EditTrouble::Comment => {
            Exit::Config
        }
        EditTrouble::Changed => Exit::Locked,
        EditTrouble::Owner(_) | EditTrouble::Local(_) => Exit::Trail,
    };
    let failure = Failure::new(exit, format!("list `{}` was not changed: {trouble}", list.name));
    match trouble.help(&list.file) {
        Some(help) => failure.help(help),
        None => failure,
    }
}

/// Says what the edit did not mend, or what it covers up.
fn note_doubts(
    list: &OffboardingList,
    before: &Result<ListFile, ListFault>,
    after: &Result<ListFile, ListFault>,
    screen: Screen,
) {
    let now = SystemClock.now();
    if let Ok(before) = before
        && before.modified.duration_until(now) > list.older_than_max
    {
        let name = &list.name;
        screen.note(&format!(
            "note: nobody had changed list `{name}` for {}; this edit makes it count as current again: see that whoever \
             delivers it still does",
            human_duration(before.modified.duration_until(now))
        ));
    }
    if let Some(trouble) = trouble_of(list, after, now) {
        let help = trouble.help.map(|help| format!("\n  help: {help}")).unwrap_or_default();
        let name = &list.name;
        screen.note(&format!(
            "note: list `{name}` cannot be used, and everybody's sign is unknown: {}{help}",
            trouble.why
        ));
    }
}

/// One list as it is shown.
struct Page<'l> {
    list: &'l OffboardingList,
    read: Result<ListFile, ListFault>,
    trouble: Option<ListTrouble>,
    memory: Option<&'l ListMemory>,
    accepted: Option<&'l Acceptance>,
}

impl<'l> Page<'l> {
    fn new(
        loaded: &Loaded,
        list: &'l OffboardingList,
        memory: Option<&'l ListMemory>,
        accepted: Option<&'l Acceptance>,
    ) -> Self {
        let read = read_list(&list.file, &loaded.account.time_zone);
        let trouble = trouble_of(list, &read, SystemClock.now());
        Self { list, read, trouble, memory, accepted }
    }

    fn text(&self) -> String {
        let file = Foreign::new(self.list.file.to_string_lossy());
        let mut page = format!("list      {}\nfile      {file}\n", self.list.name);
        if let Some(trouble) = &self.trouble {
            page += &format!("unknown   {}\n", Foreign::new(trouble.why.as_str()));
            page += &trouble.help.as_ref().map(|help| format!("help      {help}\n")).unwrap_or_default();
        }
        let Ok(read) = &self.read else { return page };
        let age = human_duration(read.modified.duration_until(SystemClock.now()));
        page += &format!("changed   {:.0}, {age} ago\nrows      {}\n", read.modified, read.rows.len());
        if let Some(accepted) = self.accepted.filter(|accepted| accepted.digest == read.digest) {
            page += &format!("accepted  {:.0} by {}\n", accepted.at, Foreign::new(accepted.by.as_str()));
        }
        if !read.faults.is_empty() {
            page += &format!("bad lines {}\n", read.faults.len());
        }
        for fault in read.faults.iter().take(FAULTS_SHOWN_MAX) {
            page += &format!("          line {}: {}\n", fault.line, fault.what);
        }
        for row in &read.rows {
            let since = row.since.map(|since| format!("{since:.0}")).unwrap_or_default();
            let line = format!("  {:<40} {since:<20} {}", shown(&row.names), self.state(row));
            page += &format!("{}\n", line.trim_end());
        }
        page
    }

    fn json(&self) -> Value {
        let trouble = self
            .trouble
            .as_ref()
            .map(|trouble| json!({ "cause": trouble.cause.word(), "why": trouble.why, "help": trouble.help }));
        let read = self.read.as_ref().ok();
        let digest = read.map(|read| read.digest.as_str());
        let accepted = self.accepted.filter(|accepted| digest == Some(&accepted.digest));
        json!({
            "name": self.list.name,
            "file": self.list.file.to_string_lossy(),
            "unknown": trouble,
            "digest": digest,
            "changed": read.map(|read| read.modified.to_string()),
            "accepted": accepted.map(|accepted| json!({ "at": accepted.at.to_string(), "by": accepted.by })),
            "rows": read.map(|read| read.rows.iter().map(|row| self.row_json(row)).collect::<Vec<_>>()),
            "unreadable": read.map(|read| {
                read.faults.iter().map(|fault| json!({ "line": fault.line, "what": fault.what })).collect::<Vec<_>>()
            }),
        })
    }

    fn row_json(&self, row: &Row) -> Value {
        let memory = self.remembered(row);
        json!({
            "line": row.line,
            "id": row.names.id.map(|id| id.to_string()),
            "email": row.names.email,
            "external_id": row.names.external_id,
            "since": row.since.map(|since| since.to_string()),
            "pending": memory.map(|memory| memory.pending),
            "user": memory.and_then(|memory| memory.user).map(|user| user.to_string()),
        })
    }

    fn remembered(&self, row: &Row) -> Option<&RowMemory> {
        self.memory?.rows.get(&row.names.key())
    }

    /// What cycles made of the row, where that is known.
    fn state(&self, row: &Row) -> String {
        match (self.memory, self.remembered(row)) {
            (None, _) => String::new(),
            (Some(_), None) => "new: no cycle has read it yet".to_owned(),
            (_, Some(RowMemory { pending: true, .. })) => "waits for `evictd offboard accept`".to_owned(),
            (_, Some(RowMemory { user: Some(user), .. })) => format!("user {user}"),
            (_, Some(RowMemory { asked_at: Some(_), .. })) => "matches nobody, or several people".to_owned(),
            (_, Some(_)) => "not looked up yet".to_owned(),
        }
    }
}

/// So many unreadable lines are shown.
const FAULTS_SHOWN_MAX: usize = 20;

fn shown(names: &Names) -> Foreign {
    let Names { id, email, external_id } = names;
    let external = external_id.as_ref().map(|external| format!("external:{external}"));
    let parts = [email.clone(), id.map(|id| id.to_string()), external];
    Foreign::new(parts.into_iter().flatten().collect::<Vec<_>>().join(" "))
}
