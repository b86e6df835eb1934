//! Saving: one lesson in one transaction, in the order in which `Memory::learn` takes it in.

use jiff::Timestamp;
use rusqlite::{Connection, Result, params};

use super::column::{Address, Instant, KeyRef, Length, Number, People, Runs, Tags};
use crate::model::{
    AccountName, HauntLesson, Lesson, ListMemory, LogLesson, LogPlace, Remembered, SHARES_MAX, Share, UserId, Watched,
};

/// Writes what a cycle adds. The caller holds the transaction and commits it.
pub(super) fn lesson(change: &Connection, account: &AccountName, lesson: &Lesson) -> Result<()> {
    let account = account.as_str();
    people(change, account, lesson)?;
    sessions(change, account, lesson)?;
    if let Some(users) = &lesson.users {
        let sql = "INSERT OR REPLACE INTO users_cursor (account, cursor, as_of) VALUES (?, ?, ?)";
        change.execute(sql, params![account, users.cursor, Instant(users.as_of)])?;
    }
    for (name, list) in &lesson.lists {
        replace_list(change, account, (name, list))?;
    }
    for (name, log) in &lesson.logs {
        add_log(change, account, name, log)?;
    }
    habits(change, account, lesson)?;
    for (watched, share) in &lesson.shares {
        add_share(change, account, watched, *share)?;
    }
    haunts(change, account, &lesson.haunts)
}

fn people(change: &Connection, account: &str, lesson: &Lesson) -> Result<()> {
    let mut forget = change.prepare("DELETE FROM person WHERE account = ? AND id = ?")?;
    for user in &lesson.people_gone {
        forget.execute(params![account, user])?;
    }
    let mut keep = change.prepare(
        "INSERT OR REPLACE INTO person (account, id, session_at, seen, name, email, role, role_type, custom_role_id,
            deleted, suspended, two_factor, verified, chat_only, tags, organization_id, external_id,
            traced, admin_at, agent_at, deleted_since, suspended_since, staff_lost_since)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )?;
    for (user, remembered) in &lesson.people {
        keep_person(&mut keep, account, *user, remembered)?;
    }
    Ok(())
}

fn keep_person(keep: &mut rusqlite::Statement<'_>, account: &str, user: UserId, remembered: &Remembered) -> Result<()> {
    let person = &remembered.person;
    let traces = remembered.traces.as_deref().copied().unwrap_or_default();
    keep.execute(params![
        account,
        user,
        maybe(remembered.session_at),
        Instant(person.seen),
        person.name,
        person.email,
        person.role,
        person.role_type,
        person.custom_role_id.map(Number),
        person.deleted,
        person.suspended,
        person.two_factor,
        person.verified,
        person.chat_only,
        Tags(&person.tags),
        person.organization_id.map(Number),
        person.external_id,
        remembered.traces.is_some(),
        maybe(traces.admin_at),
        maybe(traces.agent_at),
        maybe(traces.deleted_since),
        maybe(traces.suspended_since),
        maybe(traces.staff_lost_since),
    ])?;
    Ok(())
}

fn maybe(instant: Option<Timestamp>) -> Option<Instant> {
    instant.map(Instant)
}

fn sessions(change: &Connection, account: &str, lesson: &Lesson) -> Result<()> {
    let mut forget = change.prepare("DELETE FROM session WHERE account = ? AND id = ?")?;
    for session in &lesson.sessions_gone {
        forget.execute(params![account, session])?;
    }
    let mut keep = change.prepare(
        "INSERT OR REPLACE INTO session (account, id, person, authenticated_at, last_seen_at, gone_at)
        VALUES (?, ?, ?, ?, ?, ?)",
    )?;
    for (id, session) in &lesson.sessions {
        let instants = [session.authenticated_at, session.last_seen_at, session.gone_at].map(maybe);
        let [authenticated_at, last_seen_at, gone_at] = instants;
        keep.execute(params![account, id, session.user, authenticated_at, last_seen_at, gone_at])?;
    }
    Ok(())
}

/// A list that changed is told whole: rows that it no longer has go.
fn replace_list(change: &Connection, account: &str, (name, list): (&str, &ListMemory)) -> Result<()> {
    let sql = "INSERT OR REPLACE INTO list (account, name, digest, taken_at, accepted_at) VALUES (?, ?, ?, ?, ?)";
    change.execute(sql, params![account, name, list.digest, Instant(list.taken_at), maybe(list.accepted_at)])?;
    change.execute("DELETE FROM list_row WHERE account = ? AND list = ?", params![account, name])?;
    change.execute("DELETE FROM list_growth WHERE account = ? AND list = ?", params![account, name])?;
    let mut grow = change.prepare("INSERT INTO list_growth (account, list, at, grown) VALUES (?, ?, ?, ?)")?;
    for (at, grown) in &list.grown {
        grow.execute(params![account, name, Instant(*at), grown])?;
    }
    let mut keep = change.prepare(
        "INSERT INTO list_row (account, list, key, first_seen, pending, person, asked_at, since)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
    )?;
    for (key, row) in &list.rows {
        let (first_seen, asked_at, since) = (Instant(row.first_seen), maybe(row.asked_at), maybe(row.since));
        keep.execute(params![account, name, key, first_seen, row.pending, row.user, asked_at, since])?;
    }
    Ok(())
}

fn habits(change: &Connection, account: &str, lesson: &Lesson) -> Result<()> {
    let mut forget = change.prepare("DELETE FROM habit WHERE account = ? AND rule = ? AND stratum = ?")?;
    for (rule, stratum) in &lesson.habits_gone {
        forget.execute(params![account, rule, stratum])?;
    }
    let sql = "INSERT OR REPLACE INTO habit (account, rule, stratum, runs, claimed) VALUES (?, ?, ?, ?, ?)";
    let mut keep = change.prepare(sql)?;
    for ((rule, stratum), habit) in &lesson.habits {
        keep.execute(params![account, rule, stratum, Runs(habit.runs.clone()), People(habit.claimed.clone())])?;
    }
    Ok(())
}

fn add_log(change: &Connection, account: &str, name: &str, log: &LogLesson) -> Result<()> {
    if let Some(LogPlace { since, as_of, skew, file }) = &log.place {
        let sql = "INSERT OR REPLACE INTO log (account, name, since, as_of, skew, file) VALUES (?, ?, ?, ?, ?, ?)";
        change.execute(sql, params![account, name, Instant(*since), Instant(*as_of), Length(*skew), file])?;
    }
    let mut forget = change.prepare("DELETE FROM sighting WHERE account = ? AND log = ? AND key = ?")?;
    for key in &log.forgotten {
        forget.execute(params![account, name, KeyRef(key)])?;
    }
    let sql = "INSERT OR REPLACE INTO sighting (account, log, key, first, last) VALUES (?, ?, ?, ?, ?)";
    let mut keep = change.prepare(sql)?;
    for (key, (first, last)) in &log.seen {
        keep.execute(params![account, name, KeyRef(key), Instant(first.at()), Instant(last.at())])?;
    }
    Ok(())
}

fn add_share(change: &Connection, account: &str, watched: &Watched, share: Share) -> Result<()> {
    let (kind, name) = (watched.kind(), watched.name());
    let sql = "SELECT coalesce(max(number), 0) + 1 FROM share WHERE account = ? AND kind = ? AND name = ?";
    let number: i64 = change.query_row(sql, params![account, kind, name], |row| row.get(0))?;
    let sql = "INSERT INTO share (account, kind, name, number, at, thousandths) VALUES (?, ?, ?, ?, ?, ?)";
    change.execute(sql, params![account, kind, name, number, Instant(share.at), share.thousandths])?;
    let kept = i64::try_from(SHARES_MAX).unwrap_or(i64::MAX);
    let sql = "DELETE FROM share WHERE account = ? AND kind = ? AND name = ? AND number <= ?";
    change.execute(sql, params![account, kind, name, number - kept])?;
    Ok(())
}

fn haunts(change: &Connection, account: &str, lesson: &HauntLesson) -> Result<()> {
    if let Some(since) = lesson.since {
        let sql = "INSERT OR REPLACE INTO haunts_since (account, at) VALUES (?, ?)";
        change.execute(sql, params![account, Instant(since)])?;
    }
    let sql = "DELETE FROM haunt WHERE account = ? AND person = ? AND act = ? AND address = ?";
    let mut forget = change.prepare(sql)?;
    for key in &lesson.forgotten {
        forget.execute(params![account, key.user, key.act, Address(key.address)])?;
    }
    let mut keep = change.prepare(
        "INSERT OR REPLACE INTO haunt (account, person, act, address, first, last, days) VALUES (?, ?, ?, ?, ?, ?, ?)",
    )?;
    for (key, haunt) in &lesson.seen {
        let (first, last) = (Instant(haunt.first), Instant(haunt.last));
        keep.execute(params![account, key.user, key.act, Address(key.address), first, last, haunt.days])?;
    }
    Ok(())
}
