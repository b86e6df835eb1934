//! Who is protected: whether each entry means somebody, and whether an admin is left who can undo a mistake.

use super::access::Asked;
use super::page::{Row, State};
use crate::config::Account;
use crate::gather::{Guarded, guarded};
use crate::model::{Mode, UserId};
use crate::report::counted;

const HELP: &str = "name an admin in `protected`, who can still sign in when a rule went wrong";

/// The entries of `protected`, asked for as a cycle does.
pub(super) async fn look(account: &Account, asked: &Asked) -> Vec<Row> {
    let Some((zendesk, own)) = &asked.zendesk else { return vec![Row::unseen("protected")] };
    if account.protected.is_empty() {
        return vec![Row::note("protected", "nobody is: mode `enforce` is refused so").help(HELP)];
    }
    match guarded(zendesk, &account.protected, own.date).await {
        Ok(guarded) => of_guarded(account, &guarded, own.value),
        Err(trouble) => vec![Row::failed("protected", trouble.into())],
    }
}

fn of_guarded(account: &Account, guarded: &Guarded, own: UserId) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    for entry in &guarded.protected.unresolved {
        rows.push(
            Row::bad("protected", format!("`{entry}` matches nobody, or several people"))
                .help("write an e-mail or an id that Zendesk knows"),
        );
    }
    let admins: Vec<UserId> = guarded.protected.admins(&guarded.people).collect();
    let people = counted(guarded.protected.people.len(), "person", "people");
    rows.push(if admins.is_empty() {
        let state = if account.mode == Mode::Enforce { State::Bad } else { State::Note };
        Row::new("protected", state, format!("{people}, and no admin among them who can sign in")).help(HELP)
    } else if admins.iter().all(|admin| *admin == own) {
        Row::note("protected", "the only admin is evictd's own user, with whom nobody should work").help(HELP)
    } else {
        let admins = counted(admins.len(), "admin", "admins");
        Row::good("protected", format!("{people}, of them {admins} who can sign in; evictd's own user {own} always is"))
    });
    rows
}
