//! How evictd signs in to an account, and where its secrets are found.

use std::path::Path;

use super::{Auth, Revoker, SecretReference, filled, looks_like_email};
use crate::diagnostic::{Code, Findings};
use crate::document::{Item, Kind, Table};
use crate::model::Mode;

/// What is asked for unless the configuration says otherwise: no narrower scope is documented for sessions.
const SCOPE: &str = "read write";

/// The same of a client that only reads.
const SCOPE_OF_READER: &str = "read";

/// The word for nobody who ends sessions.
const NOBODY: &str = "none";

/// Reads `auth`. Its lines are never shown, since whoever errs here may have written the secret itself.
pub(super) fn read(item: &Item<'_>, (folder, mode): (&Path, Mode), findings: &mut Findings) -> Option<(Auth, Revoker)> {
    let mut concealed = Findings::default();
    let auth = both(item, (folder, mode), &mut concealed);
    for fault in concealed.into_kept() {
        findings.push(fault.conceal());
    }
    auth
}

fn both(item: &Item<'_>, (folder, mode): (&Path, Mode), findings: &mut Findings) -> Option<(Auth, Revoker)> {
    let mut table = item.table(findings)?;
    let Some(own) = table.optional("revoker") else {
        return Some((sign_in(table, ("auth", folder, SCOPE), findings)?, Revoker::Reader));
    };
    let reader = sign_in(table, ("auth", folder, SCOPE_OF_READER), findings);
    if own.kind() == Kind::Text {
        own.word(&[NOBODY], |word| (word == NOBODY).then_some(()), findings)?;
        if mode == Mode::Enforce {
            let message = "mode `enforce` needs somebody who ends sessions, and `auth.revoker` is `none`";
            let help = "write `auth.revoker` as `auth` is written, or take mode `report`";
            findings.push(own.fault_at_key(Code::Contradiction, message).help(help));
        }
        return Some((reader?, Revoker::None));
    }
    let own = own.table(findings).and_then(|table| sign_in(table, ("auth.revoker", folder, SCOPE), findings));
    Some((reader?, Revoker::Own(own?)))
}

fn sign_in(mut table: Table<'_>, (name, folder, scope): (&str, &Path, &str), findings: &mut Findings) -> Option<Auth> {
    let ways = ["oauth-client", "token", "api-token"].map(|way| table.optional(way));
    let auth = match ways {
        [Some(client), None, None] => oauth_client(&client, (folder, scope), findings),
        [None, Some(token), None] => secret(&token, folder, findings).map(Auth::Token),
        [None, None, Some(token)] => api_token(&token, folder, findings),
        _ => {
            let help = "write `auth.oauth-client.id` and `auth.oauth-client.secret`, or `auth.token`";
            let message = format!("`{name}` takes exactly one of `oauth-client`, `token` and `api-token`");
            let fault = table.fault(Code::BadSecret, message);
            findings.push(fault.help(help));
            None
        }
    };
    table.finish(findings);
    auth
}

fn oauth_client(item: &Item<'_>, (folder, usual): (&Path, &str), findings: &mut Findings) -> Option<Auth> {
    let mut table = item.table(findings)?;
    let id = table.required("id", findings).and_then(|item| filled(&item, findings));
    let secret = table.required("secret", findings).and_then(|item| secret(&item, folder, findings));
    let scope = table.optional("scope").and_then(|item| filled(&item, findings));
    table.finish(findings);
    Some(Auth::OauthClient { id: id?.to_owned(), secret: secret?, scope: scope.unwrap_or(usual).to_owned() })
}

/// The legacy way in, which works for whom it still works for.
fn api_token(item: &Item<'_>, folder: &Path, findings: &mut Findings) -> Option<Auth> {
    let message = "since 2026-10-27 nobody can make API tokens, and all of them stop on 2027-04-30";
    let help = "make an OAuth client in Zendesk's Admin Center and write `auth.oauth-client` in its place";
    findings.push(item.fault_at_key(Code::ApiTokenEnds, message).help(help));
    let mut table = item.table(findings)?;
    let email = table.required("email", findings).and_then(|item| address(&item, findings));
    let token = table.required("token", findings).and_then(|item| secret(&item, folder, findings));
    table.finish(findings);
    Some(Auth::ApiToken { email: email?, token: token? })
}

/// An address that basic authentication can carry. It is not repeated: it may be the token, in the wrong place.
fn address(item: &Item<'_>, findings: &mut Findings) -> Option<String> {
    let text = filled(item, findings)?;
    // The first colon ends the name (RFC 7617, section 2).
    if looks_like_email(text) && !text.contains(':') {
        return Some(text.to_owned());
    }
    let message = format!("{} must be the e-mail address of the user that the token is used for", item.subject());
    let help = "write the address alone, without `/token`, as in `\"evictd@example.com\"`";
    findings.push(item.fault(Code::BadEmail, message).help(help));
    None
}

pub(super) fn secret(item: &Item<'_>, folder: &Path, findings: &mut Findings) -> Option<SecretReference> {
    const HELP: &str = "write `{ credential = \"name\" }`, `{ file = \"path\" }` or `{ env = \"NAME\" }`";
    if item.kind() != Kind::Table {
        let message = format!("{} must say where the secret is found, not hold it", item.subject());
        findings.push(item.fault_at_key(Code::BadSecret, message).help(HELP));
        return None;
    }
    let mut table = item.table(findings)?;
    let places = ["credential", "file", "env"].map(|place| (place, table.optional(place)));
    table.finish(findings);
    let mut found = places.into_iter().filter_map(|(place, item)| Some((place, item?)));
    let (Some((place, text)), None) = (found.next(), found.next()) else {
        let message = format!("{} takes exactly one of `credential`, `file` and `env`", item.subject());
        findings.push(item.fault_at_key(Code::BadSecret, message).help(HELP));
        return None;
    };
    let text = filled(&text, findings)?;
    Some(match place {
        "credential" => SecretReference::Credential(text.to_owned()),
        "file" => SecretReference::File(folder.join(text)),
        _ => SecretReference::Env(text.to_owned()),
    })
}
