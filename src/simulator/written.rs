//! The configuration that `--write-config` leaves: an enforcing account beside its policies, secret, state and trail.
//!
//! It only writes text; nothing here knows how evictd reads it.

use std::fs::{self, DirBuilder, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

use super::Simulator;
use crate::model::{Foreign, UserId};

/// Enforcing versions of the starter rules, and one that overflows.
const POLICY: &str = include_str!("world/starter.toml");

/// A budget for an account without limits: requests a minute.
const UNLIMITED: u32 = 60_000;

/// Writes the configuration to `file` and, beside it, `policies/simulated.toml`, `client-secret` (mode 0600), and the
/// folders `state` and `trail`. What is there already is written over, but the folders' contents stay.
///
/// `host_clock_is_wrong` says that the account's clock is not the host's.
///
/// # Errors
///
/// When a folder or file cannot be made.
pub fn write_config(simulator: &Simulator, file: &Path, host_clock_is_wrong: bool) -> io::Result<()> {
    let folder = file.parent().unwrap_or(Path::new(""));
    for name in ["policies", "state", "trail"] {
        DirBuilder::new().recursive(true).mode(0o700).create(folder.join(name))?;
    }
    write_secret(&folder.join("client-secret"), &simulator.credentials().client_secret)?;
    fs::write(folder.join("policies/simulated.toml"), POLICY)?;
    fs::write(file, config(simulator, host_clock_is_wrong))
}

fn write_secret(file: &Path, secret: &str) -> io::Result<()> {
    let mut open = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(file)?;
    open.set_permissions(Permissions::from_mode(0o600))?;
    open.write_all(secret.as_bytes())
}

fn config(simulator: &Simulator, host_clock_is_wrong: bool) -> String {
    let now = simulator.now();
    let state = simulator.lock();
    let clock = if host_clock_is_wrong { "dangerous-ignore-host-clock = true\n" } else { "" };
    let world = state.account.world();
    let admin = world.quiet_admin(now);
    let email = world.people.get(&admin).and_then(|person| person.email.as_ref());
    format!(
        r#"# Written by `evictd simulator`: an account on this machine, for trying evictd out.
schema = 1

[paths]
state = "state"
trail = "trail"

[accounts.simulated]
base-url = "{base_url}"
{clock}mode = "enforce"
scope = "everyone"
policies = ["policies/*.toml"]
protected = [{protected}]
auth.oauth-client.id = "{client}"
auth.oauth-client.secret = {{ file = "client-secret" }}
budget = {{ requests-per-minute-max = {limit}, part-of-limit-max = "100%", reserve = "10%" }}
"#,
        base_url = state.base_url,
        protected = protected(admin, email),
        client = state.access.credentials.client_id,
        limit = state.requests_per_minute.unwrap_or(UNLIMITED),
    )
}

/// The e-mail in quotes, or the id if the e-mail has letters that would need care.
fn protected(admin: UserId, email: Option<&Foreign>) -> String {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || ".@_+-".contains(letter);
    match email {
        Some(email) if email.raw().chars().all(plain) => format!("\"{}\"", email.raw()),
        _ => admin.to_string(),
    }
}
