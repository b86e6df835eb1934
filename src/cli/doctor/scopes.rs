//! What evictd may do on the account, found out by doing it: each thing it reads is read once, and one session that
//! cannot exist is deleted.
//!
//! No scope narrower than `read` and `write` is documented for sessions, so that what a token was granted says little of
//! what it may do. The trail's rule, that whatever can end a session has an earlier intent, is kept by the choice of the
//! session: it is one of evictd's own user, under an id that no session has had since accounts have had any; the listing
//! and a question for that very id must both say that there is none. Where they do not, nothing is sent.

use super::Local;
use super::access::Asked;
use super::page::{Row, State};
use crate::clock::{Clock as _, SystemClock};
use crate::config::Revoker;
use crate::files::read_pause;
use crate::model::{Mode, SessionId, UserId};
use crate::policy::{Needs, PolicySet};
use crate::zendesk::{Deleted, Denial, Purpose, Trouble, UsersFrom, Zendesk};

/// The first session that there ever was would have it.
const NO_SESSION: SessionId = SessionId(1);

const CHECK: &str = "probe";

/// Something that evictd does on the account.
#[derive(Debug, Clone, Copy)]
struct Deed {
    /// In a few words.
    what: &'static str,
    /// The narrowest scopes that may do, as far as they are documented or known.
    scopes: &'static str,
    is_needed: bool,
}

/// Tries everything that this account's evictd does, and says of each whether it may and whether it has to.
pub(super) async fn probe(local: &Local, asked: &Asked) -> Vec<Row> {
    let Some((zendesk, own)) = &asked.zendesk else { return vec![Row::unseen(CHECK)] };
    let account = &local.loaded.account;
    let needs = local.set.as_ref().map_or(Needs::EVERYTHING, PolicySet::needs);
    let (now, user) = (own.date, own.value);
    let deed = |what, scopes, is_needed| Deed { what, scopes, is_needed };
    let listing = zendesk.sessions_of(user, Purpose::Sweep).await;
    let from = now.checked_sub(jiff::SignedDuration::from_mins(10)).unwrap_or(now);
    let changed = zendesk.changed_users(UsersFrom::Start(from)).await.map(|_| ());
    let mut rows = vec![
        told(
            deed("list sessions", "`read`", true),
            listing.trouble.filter(|one| *one != Trouble::NotFound).map_or(Ok(()), Err),
        ),
        told(
            deed("read people", "`users:read` or `read`", true),
            zendesk.people(&[user], Purpose::Sweep).await.map(|_| ()),
        ),
        told(deed("follow who changes", "`users:read` or `read`", true), changed),
        told(
            deed("read how Zendesk ends sessions", "`security:read` or `read`", false),
            zendesk.security_settings().await.map(|_| ()),
        ),
        told(
            deed("read the audit log", "`auditlogs:read` or `read`", needs.sign_ins),
            zendesk.sign_ins(from, now, None).await.map(|_| ()),
        ),
        told(deed("read the access log", "`read`", needs.uses), zendesk.accesses(from, now, None).await.map(|_| ())),
    ];
    if needs.groups {
        let memberships = zendesk.group_memberships(Purpose::Sweep).await.trouble.map_or(Ok(()), Err);
        rows.push(told(deed("read who is in which group", "`groups:read` or `read`", true), memberships));
    }
    let pause = read_pause(&local.loaded.state(), SystemClock.now(), account.belts.pause_expires_after);
    let ending = deed("end sessions", "`users:write` or `write`", account.mode == Mode::Enforce);
    let hands = asked.revoker.as_ref().unwrap_or(zendesk);
    rows.push(match pause {
        _ if account.revoker == Revoker::None => Row::note(CHECK, "end sessions: not tried, since nobody does"),
        Some(_) => Row::note(CHECK, "end sessions: not tried, since the account is paused"),
        None => match end_nothing((zendesk, hands), user).await {
            Ok(ended) => told(ending, ended),
            Err(why) => Row::note(CHECK, format!("end sessions: not tried, since {why}")),
        },
    });
    rows
}

/// Deletes the session that there is not. The error says why that was not tried.
async fn end_nothing((zendesk, hands): (&Zendesk, &Zendesk), own: UserId) -> Result<Result<(), Trouble>, String> {
    let listing = zendesk.sessions_of(own, Purpose::Act).await;
    match listing.trouble {
        None | Some(Trouble::NotFound) => {}
        Some(trouble) => return Err(format!("the sessions of evictd's own user cannot be listed: {trouble}")),
    }
    if listing.rows.iter().any(|row| row.id == NO_SESSION) {
        return Err(format!("evictd's own user has a session {NO_SESSION}"));
    }
    match zendesk.session(own, NO_SESSION).await {
        Ok(shown) if shown.value.is_none() => {}
        Ok(_) => return Err(format!("Zendesk shows a session {NO_SESSION}")),
        Err(trouble) => return Err(format!("Zendesk does not say that there is no session {NO_SESSION}: {trouble}")),
    }
    Ok(match hands.delete_session(own, NO_SESSION, &|| true).await {
        Ok(answer) if answer.value == Deleted::AlreadyGone => Ok(()),
        Ok(_) => Err(Trouble::Nonsense("it says that it ended a session that there is not".to_owned())),
        Err(trouble) => Err(trouble),
    })
}

fn told(deed: Deed, tried: Result<(), Trouble>) -> Row {
    let Deed { what, scopes, is_needed } = deed;
    let needed = if is_needed { "needed" } else { "not needed now" };
    match tried {
        Ok(()) => Row::good(CHECK, format!("{what}: granted, {needed}")),
        Err(Trouble::Denied { kind: Denial::Scope, words }) => {
            let state = if is_needed { State::Bad } else { State::Note };
            Row::new(CHECK, state, format!("{what}: not granted, {needed}: {words}"))
                .help(format!("give the token or the OAuth client {scopes}, or the scope that Zendesk names"))
        }
        Err(Trouble::Denied { kind, words }) => {
            // Plans differ, and what a plan lacks no scope gives: the rows of sources say what that costs.
            let row = Row::note(CHECK, format!("{what}: refused for another reason than a scope, {needed}: {words}"));
            match kind {
                Denial::Plan => row.help("see that the plan has it and that evictd's user is an admin"),
                _ => row,
            }
        }
        Err(trouble) => {
            Row::note(CHECK, format!("{what}: could not be tried now, {needed}: {trouble}")).help("try again")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Foreign;

    fn row(is_needed: bool, tried: Result<(), Trouble>) -> Row {
        told(Deed { what: "end sessions", scopes: "`write`", is_needed }, tried)
    }

    #[test]
    fn a_missing_scope_is_wrong_where_it_is_needed_and_worth_a_word_elsewhere() {
        let refused = |kind| Err(Trouble::Denied { kind, words: Foreign::new("missing: write") });
        assert_eq!(row(true, Ok(())).state, State::Good);
        assert_eq!(row(true, refused(Denial::Scope)).state, State::Bad);
        assert_eq!(row(false, refused(Denial::Scope)).state, State::Note);
        assert_eq!(row(true, refused(Denial::Plan)).state, State::Note);
        assert_eq!(row(true, Err(Trouble::Nonsense("x".to_owned()))).state, State::Note);
        let said = format!("{:?}", row(false, refused(Denial::Scope)));
        assert!(said.contains("not granted, not needed now: missing: write"), "{said}");
    }
}
