//! Loading: row by row into the nouns, from one view of the file.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension as _, Result};

use super::column::{Address, Columns, Key, Length, OwnedTags, People, Runs};
use crate::model::{
    AccountName, Habit, Haunt, HauntKey, Haunts, KnownSession, ListMemory, LogMemory, LogPlace, Memory, Person,
    Remembered, RowMemory, RuleId, SessionId, Share, Stratum, Traces, UserId, UsersCursor, Watched,
};

/// Everything remembered of this account. The caller holds a transaction, so that all of it is of one moment.
pub(super) fn memory(view: &Connection, account: &AccountName) -> Result<Memory> {
    Ok(Memory {
        people: people(view, account)?,
        sessions: sessions(view, account)?,
        users: users(view, account)?,
        lists: lists(view, account)?,
        logs: logs(view, account)?,
        habits: habits(view, account)?,
        shares: shares(view, account)?,
        haunts: haunts(view, account)?,
    })
}

/// Hands each row of the query to `take`.
fn each(
    view: &Connection,
    sql: &str,
    account: &AccountName,
    mut take: impl FnMut(Columns<'_>) -> Result<()>,
) -> Result<()> {
    let mut query = view.prepare(sql)?;
    let mut rows = query.query([account.as_str()])?;
    while let Some(row) = rows.next()? {
        take(Columns::of(row))?;
    }
    Ok(())
}

fn people(view: &Connection, account: &AccountName) -> Result<BTreeMap<UserId, Remembered>> {
    let sql = "SELECT id, seen, name, email, role, role_type, custom_role_id, deleted, suspended, two_factor, verified,
            chat_only, tags, organization_id, external_id,
            session_at, traced, admin_at, agent_at, deleted_since, suspended_since, staff_lost_since
        FROM person WHERE account = ? ORDER BY id";
    let mut people = Vec::new();
    each(view, sql, account, |mut row| {
        let person = person(&mut row)?;
        people.push((person.id, remembered(person, &mut row)?));
        Ok(())
    })?;
    // Built at once, its nodes are full.
    Ok(people.into_iter().collect())
}

fn person(row: &mut Columns<'_>) -> Result<Person> {
    Ok(Person {
        id: row.take()?,
        seen: row.instant()?,
        name: row.take()?,
        email: row.take()?,
        role: row.take()?,
        role_type: row.take()?,
        custom_role_id: row.maybe_number()?,
        deleted: row.take()?,
        suspended: row.take()?,
        two_factor: row.take()?,
        verified: row.take()?,
        chat_only: row.take()?,
        tags: row.take::<OwnedTags>()?.0,
        organization_id: row.maybe_number()?,
        external_id: row.take()?,
    })
}

fn remembered(person: Person, row: &mut Columns<'_>) -> Result<Remembered> {
    let session_at = row.maybe_instant()?;
    let traces = if row.take()? {
        Some(Box::new(Traces {
            admin_at: row.maybe_instant()?,
            agent_at: row.maybe_instant()?,
            deleted_since: row.maybe_instant()?,
            suspended_since: row.maybe_instant()?,
            staff_lost_since: row.maybe_instant()?,
        }))
    } else {
        None
    };
    Ok(Remembered { person: Arc::new(person), session_at, traces })
}

fn sessions(view: &Connection, account: &AccountName) -> Result<BTreeMap<SessionId, KnownSession>> {
    let sql = "SELECT id, person, authenticated_at, last_seen_at, gone_at FROM session WHERE account = ? ORDER BY id";
    let mut sessions = BTreeMap::new();
    each(view, sql, account, |mut row| {
        let id = row.take()?;
        let session = KnownSession {
            user: row.take()?,
            authenticated_at: row.maybe_instant()?,
            last_seen_at: row.maybe_instant()?,
            gone_at: row.maybe_instant()?,
        };
        sessions.insert(id, session);
        Ok(())
    })?;
    Ok(sessions)
}

fn users(view: &Connection, account: &AccountName) -> Result<Option<UsersCursor>> {
    let sql = "SELECT cursor, as_of FROM users_cursor WHERE account = ?";
    let read = |row: &rusqlite::Row<'_>| {
        let mut row = Columns::of(row);
        Ok(UsersCursor { cursor: row.take()?, as_of: row.instant()? })
    };
    view.query_row(sql, [account.as_str()], read).optional()
}

fn lists(view: &Connection, account: &AccountName) -> Result<BTreeMap<String, ListMemory>> {
    let mut lists = BTreeMap::new();
    each(view, "SELECT name, digest, taken_at, accepted_at FROM list WHERE account = ?", account, |mut row| {
        let name: String = row.take()?;
        let (digest, taken_at, accepted_at) = (row.take()?, row.instant()?, row.maybe_instant()?);
        lists.insert(name, ListMemory { digest, taken_at, accepted_at, ..ListMemory::default() });
        Ok(())
    })?;
    each(view, "SELECT list, at, grown FROM list_growth WHERE account = ?", account, |mut row| {
        let list: String = row.take()?;
        let (at, grown) = (row.instant()?, row.take()?);
        if let Some(list) = lists.get_mut(&list) {
            list.grown.insert(at, grown);
        }
        Ok(())
    })?;
    let sql = "SELECT list, key, first_seen, pending, person, asked_at, since FROM list_row WHERE account = ?
        ORDER BY list, key";
    each(view, sql, account, |mut row| {
        let (list, key): (String, String) = (row.take()?, row.take()?);
        let kept = RowMemory {
            first_seen: row.instant()?,
            pending: row.take()?,
            user: row.take()?,
            asked_at: row.maybe_instant()?,
            since: row.maybe_instant()?,
        };
        if let Some(list) = lists.get_mut(&list) {
            list.rows.insert(key, kept);
        }
        Ok(())
    })?;
    Ok(lists)
}

fn habits(view: &Connection, account: &AccountName) -> Result<BTreeMap<(RuleId, Stratum), Habit>> {
    let mut habits = BTreeMap::new();
    each(view, "SELECT rule, stratum, runs, claimed FROM habit WHERE account = ?", account, |mut row| {
        let key = (row.take()?, row.take()?);
        habits.insert(key, Habit { runs: row.take::<Runs>()?.0, claimed: row.take::<People>()?.0 });
        Ok(())
    })?;
    Ok(habits)
}

fn logs(view: &Connection, account: &AccountName) -> Result<BTreeMap<Arc<str>, LogMemory>> {
    let mut logs: BTreeMap<Arc<str>, LogMemory> = BTreeMap::new();
    each(view, "SELECT name, since, as_of, skew, file FROM log WHERE account = ?", account, |mut row| {
        let name: String = row.take()?;
        let (since, as_of) = (row.instant()?, row.instant()?);
        let place = LogPlace { since, as_of, skew: row.take::<Length>()?.0, file: row.take()? };
        logs.entry(name.into()).or_default().place = Some(place);
        Ok(())
    })?;
    // Few programs send most rows: each text is in memory once.
    let mut agents: BTreeSet<Arc<str>> = BTreeSet::new();
    each(
        view,
        "SELECT log, key, first, last FROM sighting WHERE account = ? ORDER BY log, key",
        account,
        |mut row| {
            let log: String = row.take()?;
            let mut key = row.take::<Key>()?.0;
            if let Some(agent) = &mut key.agent {
                match agents.get(agent) {
                    Some(same) => *agent = Arc::clone(same),
                    None => drop(agents.insert(Arc::clone(agent))),
                }
            }
            let span = (row.instant()?.into(), row.instant()?.into());
            logs.entry(log.into()).or_default().seen.insert(key, span);
            Ok(())
        },
    )?;
    Ok(logs)
}

fn shares(view: &Connection, account: &AccountName) -> Result<BTreeMap<Watched, Vec<Share>>> {
    let sql = "SELECT kind, name, at, thousandths FROM share WHERE account = ? ORDER BY kind, name, number";
    let mut shares: BTreeMap<Watched, Vec<Share>> = BTreeMap::new();
    each(view, sql, account, |mut row| {
        let (kind, name): (String, String) = (row.take()?, row.take()?);
        let share = Share { at: row.instant()?, thousandths: row.take()? };
        let watched = Watched::from_words(&kind, &name).ok_or(rusqlite::Error::InvalidQuery)?;
        shares.entry(watched).or_default().push(share);
        Ok(())
    })?;
    Ok(shares)
}

fn haunts(view: &Connection, account: &AccountName) -> Result<Haunts> {
    let mut haunts = Haunts::default();
    each(view, "SELECT at FROM haunts_since WHERE account = ?", account, |mut row| {
        haunts.since = Some(row.instant()?);
        Ok(())
    })?;
    let sql = "SELECT person, act, address, first, last, days FROM haunt WHERE account = ?";
    each(view, sql, account, |mut row| {
        let key = HauntKey { user: row.take()?, act: row.take()?, address: row.take::<Address>()?.0 };
        let haunt = Haunt { first: row.instant()?, last: row.instant()?, days: row.take()? };
        haunts.seen.insert(key, haunt);
        Ok(())
    })?;
    Ok(haunts)
}
