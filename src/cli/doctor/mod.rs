//! `evictd doctor`: one account's setup from end to end: what is well, what is not, and what to do about it.
//!
//! It reads and asks, as a cycle would, and changes nothing: no lock, no file, no request but GETs and the one for a
//! token; only where scopes are to be probed, one for the end of a session that cannot exist. What is wrong is a row, not
//! a failure: only where there is no configuration to look at does it give up.

mod access;
mod files;
mod page;
mod protection;
mod rules;
mod scopes;
mod shelves;
mod sources;
mod standing;

use clap::Args;

use super::load::{Loaded, load};
use super::{Exit, Failure, Format, Where, screen::Screen};
use crate::clock::{Clock as _, SystemClock};
use crate::files::Disk;
use crate::model::Memory;
use crate::policy::PolicySet;
use crate::state::{STATE_FILE, Sqlite, State as _, StateTrouble};
use crate::trail::{self, Past, TrailTrouble};

#[derive(Debug, Args)]
pub(super) struct DoctorArgs {
    #[command(flatten)]
    place: Where,
    /// Say of everything evictd does whether the token may, by trying it
    ///
    /// Each thing that evictd reads is read once. Whether it may end sessions is asked by one DELETE of a session that
    /// cannot exist: number 1 of evictd's own user. Nothing is sent unless Zendesk itself says, both in its listing and
    /// when asked for that number, that there is no such session; nor while the account is paused. A 403 then means that
    /// a scope is missing, a 404 that sessions could be ended. Nobody's session ends, so that the trail has no record of
    /// it; Zendesk's access log may show the request.
    #[arg(long)]
    probe_scopes: bool,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// What lies on this host of the account.
struct Local {
    loaded: Loaded,
    /// None if the policies cannot be in force.
    set: Option<PolicySet>,
    past: Result<Past, TrailTrouble>,
    memory: Result<Memory, StateTrouble>,
}

pub(super) async fn run(args: &DoctorArgs, screen: Screen) -> Result<Exit, Failure> {
    let loaded = load(&args.place, screen)?;
    let (set, of_policies) = rules::read(&loaded);
    let local = Local { past: past(&loaded), memory: remembered(&loaded), set, loaded };
    let account = &local.loaded.account;
    let mut asked = access::ask(account).await;
    let mut rows = std::mem::take(&mut asked.rows);
    let (sources, of_sources) = sources::probe(&asked, account).await;
    rows.extend(of_sources);
    if args.probe_scopes {
        rows.extend(scopes::probe(&local, &asked).await);
    }
    rows.extend(sources::feeds(account, local.memory.as_ref().ok(), SystemClock.now()));
    rows.extend(sources::endings(&asked, local.set.as_ref()));
    rows.push(access::clock(account, asked.host_offset));
    rows.extend(of_policies);
    rows.extend(local.set.iter().flat_map(|set| rules::undecidable(set, sources, account)));
    rows.extend(shelves::look(&local));
    rows.extend(files::look(&local.loaded, &args.place.config));
    rows.extend(standing::look(&local, SystemClock.now()));
    rows.extend(standing::budget(&local, &asked, SystemClock.now()).await);
    rows.extend(protection::look(account, &asked).await);
    match args.format {
        Format::Text => screen.out(&page::text(&rows, screen)),
        Format::Json => screen.json(&page::json(&account.name, &rows)),
    }
    Ok(page::exit(&rows))
}

fn past(loaded: &Loaded) -> Result<Past, TrailTrouble> {
    trail::look(&Disk::at(&loaded.trail()), &loaded.account.name)
}

fn remembered(loaded: &Loaded) -> Result<Memory, StateTrouble> {
    let state = Sqlite::look(&loaded.state().join(STATE_FILE))?;
    state.map_or(Ok(Memory::default()), |state| state.load(&loaded.account.name))
}
