//! Who ends sessions: the same credential that reads, another one, or nobody.

use super::{Asked, token, user};
use crate::cli::doctor::page::{Row, State};
use crate::cli::load::connect;
use crate::config::{Account, Revoker};
use crate::model::{Mode, UserId};
use crate::zendesk::{Purpose, Zendesk};

const CHECK: &str = "revoker";

/// Looks at who ends sessions, beside `reader` who reads. Its secret is read here whatever the mode is: whoever runs this
/// wants to know before the mode changes.
pub(super) async fn ask(account: &Account, reader: UserId, asked: &mut Asked) {
    let own = match &account.revoker {
        Revoker::Own(auth) => auth,
        Revoker::None => return asked.rows.push(Row::good(CHECK, "nobody ends sessions: this account only reports")),
        Revoker::Reader => {
            let what = "one credential reads and ends sessions";
            return asked.rows.push(Row::note(CHECK, what).help(
                "two are better: one with `read` for everything that is asked all day, and `auth.revoker`, which is \
                 used for nothing but ending sessions",
            ));
        }
    };
    let as_revoker = Account { auth: own.clone(), revoker: Revoker::Reader, ..account.clone() };
    match connect(&as_revoker, false, |ways| ways) {
        Ok(zendesk) => {
            asked.rows.extend(look(&as_revoker, reader, &zendesk).await);
            asked.revoker = Some(zendesk);
        }
        // Where only reports are made it need not lie here yet.
        Err(failure) if account.mode == Mode::Enforce => {
            let help = "put the secret where the configuration says, or correct what it says";
            asked.rows.push(Row::failed(CHECK, failure).or_help(help));
        }
        Err(failure) => asked.rows.push(Row::note(CHECK, format!("not needed in this mode: {}", failure.title))),
    }
}

async fn look(as_revoker: &Account, reader: UserId, zendesk: &Zendesk) -> Vec<Row> {
    let own = match zendesk.me().await {
        Ok(own) => own.value,
        Err(trouble) if as_revoker.mode == Mode::Enforce => return vec![Row::failed(CHECK, trouble.into())],
        Err(trouble) => return vec![Row::note(CHECK, format!("Zendesk does not take it: {trouble}"))],
    };
    let mut rows = vec![if own == reader {
        let what = format!("it is another credential of user {own}, who also reads");
        Row::note(CHECK, what).help("make it as another admin: what one user may see and do is then told apart in logs")
    } else {
        Row::new(CHECK, State::Good, format!("Zendesk takes another credential for user {own}"))
    }];
    let people = zendesk.people(&[own], Purpose::Sweep).await.map(|dated| dated.value);
    rows.push(user(own, people).under(CHECK));
    rows.extend(token(as_revoker, zendesk).await.into_iter().map(|row| row.under(CHECK)));
    rows
}
