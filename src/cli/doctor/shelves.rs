//! What is looked up beside Zendesk: place databases, named lists in files, offboarding lists.

use super::Local;
use super::page::{Row, State};
use crate::cli::places::{View, age, is_old, renewed_by};
use crate::clock::{Clock as _, SystemClock};
use crate::daemon::read_lists;
use crate::directory::read_acceptances;
use crate::gather::standings;
use crate::library::said_of;
use crate::lists::ListNews;
use crate::model::{Foreign, ListStanding, Memory};
use crate::places::{InForce, PlacesStanding};
use crate::report::counted;
use crate::trail::Past;

/// All of them, as a cycle would find them now.
pub(super) fn look(local: &Local) -> Vec<Row> {
    let view = View::with(Some(&local.loaded), local.set.as_ref());
    let unread =
        view.unread.iter().map(|why| Row::bad("places", why.as_str()).help("it stands in the account's state"));
    let databases = places(&view.atlas.standing(), &view);
    let lists = view.list_news.iter().map(list);
    unread.chain(databases).chain(lists).chain(offboarding(local)).collect()
}

fn places(standing: &PlacesStanding, view: &View) -> Vec<Row> {
    let database = |one: &InForce| {
        let (name, age) = (Foreign::new(&*one.database.name), age(&one.database, view.now));
        let supplies = one.supplies.words().join(", ");
        if one.is_stale {
            let what = format!("`{name}` is {age}, older than `places.older-than-max`: what it tells is unknown");
            return Row::bad("places", what).help(renewed_by(one));
        }
        let what = format!("`{name}` is {age}: {supplies}");
        if is_old(&one.database, view.now) {
            return Row::note("places", what).help(renewed_by(one));
        }
        Row::good("places", what)
    };
    let troubles = standing.troubles.iter().map(|one| Row::bad("places", one.to_string()).help(one.help.as_str()));
    standing.databases.iter().map(database).chain(troubles).collect()
}

fn list(news: &ListNews) -> Row {
    let said = said_of(news);
    let named = |said: &str| format!("list `{}`: {said}", news.name);
    if said.is_empty() {
        return Row::good("lists", named("its file is as it should be"));
    }
    let is_bad = news.trouble.is_some() || news.unreadable > 0 || news.unkept.is_some();
    let state = if is_bad { State::Bad } else { State::Note };
    let waits = news.waits.as_ref().map(|_| "look at the file, then `evictd places accept` if it is right");
    let row = Row::new("lists", state, named(&said)).help_if(waits);
    if is_bad { row.or_help("mend the file, or what delivers it") } else { row }
}

fn offboarding(local: &Local) -> Vec<Row> {
    let account = &local.loaded.account;
    if account.offboarding.is_empty() {
        return vec![Row::good("offboarding", "no list is configured")];
    }
    let state = local.loaded.state();
    let accepted = read_acceptances(&state).err();
    let unread = accepted.map(|why| Row::bad("offboarding", format!("what was accepted cannot be read: {why}")));
    let (none, nothing) = (Past::default(), Memory::default());
    let (past, memory) = (local.past.as_ref().unwrap_or(&none), local.memory.as_ref().unwrap_or(&nothing));
    let now = SystemClock.now();
    let lists = standings(read_lists(account, &state, past, now), memory, now);
    unread.into_iter().chain(lists.iter().map(|(name, standing)| roll(name, standing))).collect()
}

fn roll(name: &str, standing: &ListStanding) -> Row {
    let named = |said: String| format!("list `{name}`: {said}");
    if let Some(trouble) = &standing.unknown {
        let what = format!("it is unknown who has left: {}", trouble.why);
        return Row::bad("offboarding", named(what)).help_if(trouble.help.clone()).or_help("mend the file");
    }
    let ListStanding { rows, pending, unreadable, .. } = standing;
    if pending + unreadable > 0 {
        let rows = counted(*rows, "row", "rows");
        let what = format!("{rows}, of which {pending} wait to be accepted; {unreadable} more cannot be read");
        return Row::note("offboarding", named(what))
            .help("look at `evictd offboard list`, then `evictd offboard accept` if it is right");
    }
    Row::good("offboarding", named(counted(*rows, "row", "rows")))
}
