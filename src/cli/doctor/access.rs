//! Whether Zendesk can be reached from here, whether it takes the credential, whose that is and what it may do; and
//! what its clock says.

mod hands;

use jiff::{SignedDuration, Timestamp};

use super::page::{Row, State};
use crate::cli::Failure;
use crate::cli::load::{connect, transport_of};
use crate::clock::{Clock as _, SystemClock};
use crate::config::{Account, Auth, Revoker};
use crate::gather::HOST_OFFSET_MAX;
use crate::model::{Foreign, Mode, Person, Role, UserId, human_duration};
use crate::report::counted;
use crate::zendesk::{CurrentToken, Dated, Denial, Greeting, Purpose, SecuritySettings, Trouble, Zendesk, greet};

/// What to do where Zendesk's edge refuses a host.
const EGRESS_HELP: &str = "put the address from which this host goes out into Zendesk's list of allowed addresses: \
                           Admin Center, Account, Security, Advanced, IP restrictions";

/// A ready token that ends sooner than this is trouble today.
const TOKEN_ENDS_SOON: SignedDuration = SignedDuration::from_hours(7 * 24);

/// So many allowed addresses are shown.
const RANGES_SHOWN_MAX: usize = 8;

/// What Zendesk said of itself and of who asks.
pub(super) struct Asked {
    pub(super) rows: Vec<Row>,
    /// The account, if it took the credential, and who evictd is there.
    pub(super) zendesk: Option<(Zendesk, Dated<UserId>)>,
    /// The same with a credential that only ends sessions, if there is one.
    pub(super) revoker: Option<Zendesk>,
    /// How the account limits sessions, or why that is not known; none if it was not asked.
    pub(super) settings: Option<Result<SecuritySettings, Trouble>>,
    /// Zendesk's clock minus the host's.
    pub(super) host_offset: Option<SignedDuration>,
}

/// Asks, as far as each answer lets it.
pub(super) async fn ask(account: &Account) -> Asked {
    let mut asked = Asked { rows: Vec::new(), zendesk: None, revoker: None, settings: None, host_offset: None };
    let transport = match transport_of(account) {
        Ok(transport) => transport,
        Err(failure) => {
            asked.rows = vec![Row::failed("reach", failure), Row::unseen("credential")];
            return asked;
        }
    };
    let greeting = greet(&transport).await;
    let host = SystemClock.now();
    let reached = match &greeting {
        Ok(greeting) => {
            asked.host_offset = greeting.date.map(|date| host.duration_until(date));
            reached(account, greeting)
        }
        Err(lost) => Row::bad("reach", format!("{}: {lost}", account.host)).help(
            "check this host's network, its name service and its firewall: it must reach that address over TLS, \
             without a proxy in between",
        ),
    };
    let is_reached = reached.state != State::Bad;
    asked.rows.push(reached);
    if is_reached {
        sign_in(account, &mut asked).await;
    } else {
        asked.rows.push(Row::unseen("credential"));
    }
    asked
}

fn reached(account: &Account, greeting: &Greeting) -> Row {
    let Greeting { status, is_json, words, .. } = greeting;
    let host = &account.host;
    match status {
        403 => Row::bad("reach", format!("{host} refuses this host: status 403: {words}")).help(EGRESS_HELP),
        429 | 500..=599 => Row::note("reach", format!("{host} answers, but not now: status {status}: {words}"))
            .help("try again; see status.zendesk.com if it lasts"),
        _ if !is_json => {
            Row::bad("reach", format!("what answers at {host} is not Zendesk's API: status {status}: {words}"))
                .help("check the account's `subdomain`, and that no proxy answers in its place")
        }
        _ if host.base_url().starts_with("https:") => Row::good("reach", format!("{host} answers over TLS")),
        _ => Row::good("reach", format!("{host} answers, without TLS, on this machine")),
    }
}

async fn sign_in(account: &Account, asked: &mut Asked) {
    let zendesk = match connect(account, false, |ways| ways) {
        Ok(zendesk) => zendesk,
        Err(failure) => {
            let help = "put the secret where the configuration says, or correct what it says";
            return asked.rows.push(Row::failed("credential", failure).or_help(help));
        }
    };
    let own = match zendesk.me().await {
        Ok(own) => own,
        Err(trouble) => return asked.rows.push(refused(trouble)),
    };
    let settings = zendesk.security_settings().await.map(|dated| dated.value);
    asked.rows.extend(settings.as_ref().ok().and_then(egress));
    asked.rows.push(Row::good("credential", format!("Zendesk takes it for user {}", own.value)));
    asked.rows.push(user(own.value, zendesk.people(&[own.value], Purpose::Sweep).await.map(|dated| dated.value)));
    asked.rows.extend(token(account, &zendesk).await);
    hands::ask(account, own.value, asked).await;
    asked.rows.extend(sessions(&zendesk, own.value).await);
    asked.settings = Some(settings);
    asked.zendesk = Some((zendesk, own));
}

fn refused(trouble: Trouble) -> Row {
    // Anybody may ask who he is: whoever is refused that comes from the wrong address.
    let is_egress = matches!(trouble, Trouble::Denied { kind: Denial::Plan, .. });
    let row = Row::failed("credential", trouble.into());
    if is_egress { row.help(EGRESS_HELP) } else { row }
}

/// Whether addresses are restricted: this one got through.
fn egress(settings: &SecuritySettings) -> Option<Row> {
    if !settings.ip_restriction_enabled? {
        return Some(Row::good("egress", "Zendesk does not restrict addresses"));
    }
    let ranges = settings.ip_ranges.as_deref().unwrap_or_default();
    let shown: Vec<String> = ranges.iter().take(RANGES_SHOWN_MAX).map(ToString::to_string).collect();
    let more = ranges.len().saturating_sub(shown.len());
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let ranges = if shown.is_empty() { "which could not be read".to_owned() } else { shown.join(", ") + &more };
    Some(Row::good("egress", format!("Zendesk lets in listed addresses only, and this host's is one: {ranges}")))
}

fn user(own: UserId, people: Result<Vec<Person>, Trouble>) -> Row {
    let person = match people {
        Ok(people) => people.into_iter().find(|person| person.id == own),
        Err(trouble) => return Row::note("user", format!("what user {own} may do is not known: {trouble}")),
    };
    match person.and_then(|person| person.role) {
        Some(Role::Admin) => Row::good("user", format!("user {own} is an admin")),
        Some(role) => Row::bad("user", format!("user {own} is not an admin, but {}", role.word()))
            .help("make the OAuth client as a dedicated admin: it acts as whoever makes it"),
        None => Row::note("user", format!("Zendesk does not say what user {own} may do")),
    }
}

async fn token(account: &Account, zendesk: &Zendesk) -> Vec<Row> {
    if let Auth::ApiToken { .. } = account.auth {
        let what = "a legacy API token, with the rights of its user: Zendesk ends all of them on 2027-04-30";
        return vec![Row::note("token", what).help("make an OAuth client, and write `auth.oauth-client` in its place")];
    }
    match zendesk.current_token().await {
        Ok(Dated { value, date }) => vec![end_of(account, &value, date), scopes(account, &value)],
        Err(trouble) => vec![Row::note("token", format!("what the token may do is not known: {trouble}"))],
    }
}

fn end_of(account: &Account, token: &CurrentToken, now: Timestamp) -> Row {
    match (&account.auth, token.expires_at) {
        (Auth::Token(_), Some(end)) => {
            let state = if now.duration_until(end) <= TOKEN_ENDS_SOON { State::Bad } else { State::Note };
            let what = format!("the token ends at {end:.0}, and evictd cannot renew a ready one");
            Row::new("token", state, what)
                .help("write `auth.oauth-client` in place of `auth.token`: its tokens are renewed")
        }
        (_, Some(end)) => Row::good("token", format!("it ends at {end:.0}, and is renewed before")),
        (_, None) => Row::good("token", "no end is named"),
    }
}

/// What the token may do, beside what was asked for and what is needed: no scope narrower than `read` and `write` is
/// documented for sessions.
fn scopes(account: &Account, token: &CurrentToken) -> Row {
    let granted: Vec<&str> = token.scopes.iter().map(Foreign::raw).collect();
    let told = granted.join(" ");
    let has = |word: &str| granted.contains(&word);
    let has_part = |word: &str| has(word) || granted.iter().any(|scope| scope.ends_with(&format!(":{word}")));
    let asked = match &account.auth {
        Auth::OauthClient { scope, .. } => scope.as_str(),
        Auth::Token(_) | Auth::ApiToken { .. } => "",
    };
    let refused: Vec<&str> = asked.split_whitespace().filter(|scope| !has(scope)).collect();
    if granted.is_empty() {
        return Row::note("scopes", "Zendesk names none for this token");
    }
    if !refused.is_empty() {
        let what = format!("asked for `{asked}`, and not granted `{}`: granted is `{told}`", refused.join(" "));
        return Row::bad("scopes", what).help(
            "check the spelling of `auth.oauth-client.scope`, and which scopes the client allows in Admin Center",
        );
    }
    if account.revoker != Revoker::Reader {
        return only_reads((has_part("read"), has_part("write")), &told);
    }
    let help = "give the token or the OAuth client `read write`: no narrower scope is documented for sessions";
    if !has_part("read") || !has_part("write") && account.mode == Mode::Enforce {
        return Row::bad("scopes", format!("`{told}` is not enough to list sessions and to end them")).help(help);
    }
    match (has("read"), has("write"), has_part("write")) {
        (true, true, _) => Row::good("scopes", format!("`{told}`: enough to list sessions and to end them")),
        (_, _, false) => Row::note("scopes", format!("`{told}`: enough to report, not to end sessions")).help(help),
        _ => Row::note("scopes", format!("`{told}`: whether that is enough to end sessions is not documented"))
            .help(help),
    }
}

/// What a token may do that ends no sessions.
fn only_reads((reads, writes): (bool, bool), told: &str) -> Row {
    let help = "give the token or the OAuth client `read`: another one ends sessions";
    match (reads, writes) {
        (false, _) => Row::bad("scopes", format!("`{told}` is not enough to list sessions")).help(help),
        (true, false) => Row::good("scopes", format!("`{told}`: enough to list sessions, and not to end them")),
        (true, true) => {
            Row::note("scopes", format!("`{told}`: more than a credential needs that only reads")).help(help)
        }
    }
}

/// Whether sessions can be listed, on those of evictd's own user; there should be none.
async fn sessions(zendesk: &Zendesk, own: UserId) -> Vec<Row> {
    let listing = zendesk.sessions_of(own, Purpose::Sweep).await;
    match listing.trouble {
        None | Some(Trouble::NotFound) => {}
        Some(trouble) => return vec![Row::failed("sessions", unlisted(trouble))],
    }
    let mut rows = vec![Row::good("sessions", "they can be listed")];
    if !listing.rows.is_empty() {
        let number = counted(listing.rows.len(), "session", "sessions");
        let what = format!("somebody is signed in as evictd's own user {own}, in {number}: evictd never ends these");
        rows.push(Row::note("own-user", what).help("nobody should work with this user: keep it for evictd alone"));
    }
    rows
}

fn unlisted(trouble: Trouble) -> Failure {
    let Failure { exit, title, help } = trouble.into();
    Failure { exit, title: format!("they cannot be listed: {title}"), help }
}

/// The host's clock beside Zendesk's.
pub(super) fn clock(account: &Account, offset: Option<SignedDuration>) -> Row {
    let Some(offset) = offset else { return Row::unseen("clock") };
    let apart = human_duration(SignedDuration::from_secs(offset.as_secs().saturating_abs()));
    if offset.abs() <= HOST_OFFSET_MAX {
        return Row::good("clock", format!("this host's and Zendesk's are {apart} apart"));
    }
    let way = if offset.is_positive() { "behind" } else { "ahead of" };
    let what = format!("this host's clock is {apart} {way} Zendesk's");
    if account.ignore_host_clock {
        return Row::note("clock", format!("{what}, which `dangerous-ignore-host-clock` allows"));
    }
    let most = human_duration(HOST_OFFSET_MAX);
    Row::bad("clock", format!("{what}: beyond {most} all conditions on time are unknown"))
        .help("set this host's clock, and let it keep time: `timedatectl`")
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config;
    use crate::diagnostic::{Findings, Source};

    fn account(auth: &str, mode: &str) -> Account {
        let text = format!(
            "schema = 1\n[accounts.one]\nsubdomain = \"acme\"\npolicies = [\"*.toml\"]\nprotected = [1]\n\
             mode = \"{mode}\"\nauth.{auth}\n"
        );
        let settings = config::read(&Source::new("a.toml", text), Path::new(""), &mut Findings::default()).unwrap();
        settings.accounts.into_values().next().unwrap()
    }

    const CLIENT: &str = "oauth-client = { id = \"c\", secret = { env = \"S\" }, scope = \"read write\" }";
    const TOKEN: &str = "token = { env = \"S\" }";

    fn check_reached(status: u16, is_json: bool, state: State, part: &str) {
        let greeting = Greeting { status, is_json, words: Foreign::new("Access denied"), date: None };
        let row = reached(&account(TOKEN, "report"), &greeting);
        assert_eq!(row.state, state, "{row:?}");
        assert!(format!("{row:?}").contains(part), "{row:?}");
    }

    #[test]
    fn whoever_stands_in_the_way_is_named() {
        check_reached(200, true, State::Good, "https://acme.zendesk.com answers over TLS");
        check_reached(401, true, State::Good, "answers over TLS");
        check_reached(403, false, State::Bad, "list of allowed addresses");
        check_reached(403, true, State::Bad, "list of allowed addresses");
        check_reached(200, false, State::Bad, "is not Zendesk's API: status 200: Access denied");
        check_reached(302, false, State::Bad, "no proxy answers in its place");
        check_reached(503, false, State::Note, "not now");
    }

    fn check_scopes(auth: &str, mode: &str, granted: &[&str], state: State) {
        let scopes = granted.iter().copied().map(Foreign::new).collect();
        let token = CurrentToken { id: None, user: None, scopes, expires_at: None };
        let row = super::scopes(&account(auth, mode), &token);
        assert_eq!(row.state, state, "{row:?}");
    }

    #[test]
    fn scopes_are_held_against_what_was_asked_for_and_what_is_needed() {
        check_scopes(CLIENT, "enforce", &["read", "write"], State::Good);
        check_scopes(CLIENT, "report", &["read"], State::Bad);
        check_scopes(TOKEN, "report", &["read"], State::Note);
        check_scopes(TOKEN, "enforce", &["read"], State::Bad);
        check_scopes(TOKEN, "report", &["write"], State::Bad);
        check_scopes(TOKEN, "enforce", &["users:read", "users:write"], State::Note);
        check_scopes(TOKEN, "enforce", &["read", "users:write"], State::Note);
        check_scopes(TOKEN, "enforce", &["raed", "wriet"], State::Bad);
        check_scopes(TOKEN, "enforce", &[], State::Note);
    }

    #[test]
    fn only_a_ready_token_runs_out() {
        let (now, hours) = (Timestamp::UNIX_EPOCH, SignedDuration::from_hours);
        for (auth, life, state) in [
            (TOKEN, Some(hours(24)), State::Bad),
            (TOKEN, Some(hours(24 * 30)), State::Note),
            (TOKEN, None, State::Good),
            (CLIENT, Some(hours(2)), State::Good),
        ] {
            let expires_at = life.map(|life| now + life);
            let token = CurrentToken { id: None, user: None, scopes: Vec::new(), expires_at };
            assert_eq!(end_of(&account(auth, "report"), &token, now).state, state, "{auth} {life:?}");
        }
    }

    #[test]
    fn a_clock_may_be_half_a_minute_wrong() {
        let account = account(TOKEN, "report");
        for (seconds, state, part) in [
            (0, State::Good, "0s apart"),
            (30, State::Good, "30s apart"),
            (-30, State::Good, "30s apart"),
            (31, State::Bad, "31s behind"),
            (-90, State::Bad, "1m 30s ahead of"),
        ] {
            let row = clock(&account, Some(SignedDuration::from_secs(seconds)));
            assert_eq!(row.state, state, "{row:?}");
            assert!(format!("{row:?}").contains(part), "{row:?}");
        }
    }

    #[test]
    fn a_restriction_of_addresses_is_shown_as_far_as_it_is_known() {
        let mut settings = SecuritySettings::default();
        assert_eq!(egress(&settings), None);
        settings.ip_restriction_enabled = Some(true);
        assert!(format!("{:?}", egress(&settings)).contains("which could not be read"));
        let ranges = (0..10).map(|part| Foreign::new(format!("192.0.2.{part}\u{1b}[2J"))).collect();
        settings.ip_ranges = Some(ranges);
        let row = format!("{:?}", egress(&settings));
        assert!(row.contains("192.0.2.7") && !row.contains("192.0.2.8") && row.contains("and 2 more"), "{row}");
    }
}
