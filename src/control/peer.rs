//! Who is at the other end of a socket, by the kernel's word: its user, who once logged in, and its groups.
//!
//! The kernel keeps the user of a connection; login and groups are read from the process that made it, and count only
//! while that process is still this user's.

use std::collections::BTreeSet;

use super::{Caller, Role};
use crate::config::ControlSettings;

/// A user or group that is nobody's: no login, no such group.
const UNSET: u32 = u32::MAX;

/// The other end of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer {
    /// Its user.
    pub uid: u32,
    /// Its group.
    pub gid: u32,
    /// Its process, if the kernel tells.
    pub pid: Option<i32>,
}

/// What a system's files say of users and groups.
#[derive(Debug, Clone, Default)]
pub(super) struct Accounts {
    /// `/etc/passwd`.
    pub(super) users: String,
    /// `/etc/group`.
    pub(super) groups: String,
}

impl Accounts {
    fn of_system() -> Self {
        let read = |path| std::fs::read_to_string(path).unwrap_or_default();
        Self { users: read("/etc/passwd"), groups: read("/etc/group") }
    }

    fn name(&self, uid: u32) -> Option<&str> {
        let mut rows = self.users.lines().map(|line| line.split(':'));
        rows.find_map(|mut row| {
            let name = row.next().filter(|name| !name.is_empty())?;
            (row.nth(1)?.parse() == Ok(uid)).then_some(name)
        })
    }

    /// The number of a group that is named, or numbered.
    fn group(&self, text: &str) -> Option<u32> {
        let mut rows = self.groups.lines().map(|line| line.split(':'));
        let named = rows.find_map(|mut row| (row.next()? == text).then(|| row.nth(1)?.parse().ok())?);
        named.or_else(|| text.parse().ok()).filter(|gid| *gid != UNSET)
    }
}

/// What the kernel tells of a process.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Process {
    groups: BTreeSet<u32>,
    login: Option<u32>,
}

impl Process {
    /// Nothing, unless it is wholly this user's.
    fn of(uid: u32, status: &str, login: &str) -> Self {
        let numbers = |key: &str| -> Vec<u32> {
            let line = status.lines().find_map(|line| line.strip_prefix(key));
            line.into_iter().flat_map(str::split_whitespace).filter_map(|word| word.parse().ok()).collect()
        };
        let users = numbers("Uid:");
        if users.is_empty() || users.iter().any(|user| *user != uid) {
            return Self::default();
        }
        let login = login.trim().parse().ok().filter(|login| *login != UNSET);
        Self { groups: numbers("Groups:").into_iter().collect(), login }
    }

    fn read(uid: u32, pid: &str) -> Self {
        let read = |file| std::fs::read_to_string(format!("/proc/{pid}/{file}")).unwrap_or_default();
        Self::of(uid, &read("status"), &read("loginuid"))
    }
}

/// Who this is and what they may do. Root and whoever this process runs as may all.
pub fn caller_of(peer: Peer, settings: &ControlSettings) -> Caller {
    let process = peer.pid.map(|pid| Process::read(peer.uid, &pid.to_string())).unwrap_or_default();
    let accounts = Accounts::of_system();
    let is_own = own_uid().is_some_and(|own| own == peer.uid);
    judged(peer, &process, (&accounts, settings), is_own)
}

fn judged(peer: Peer, process: &Process, (accounts, settings): (&Accounts, &ControlSettings), is_own: bool) -> Caller {
    let who = shown(peer.uid, process.login, accounts);
    if peer.uid == 0 || is_own {
        return Caller::with_all(who);
    }
    let has = |group: &Option<String>| {
        let gid = group.as_ref().and_then(|group| accounts.group(group));
        gid.is_some_and(|gid| gid == peer.gid || process.groups.contains(&gid))
    };
    let roles = Role::ALL.iter().copied().filter(|role| {
        has(match role {
            Role::Read => &settings.read,
            Role::Audit => &settings.audit,
            Role::Operate => &settings.operate,
            Role::Approve => &settings.approve,
        })
    });
    Caller { who, roles: roles.collect() }
}

/// Whoever runs this process, as records have it.
pub fn own_name() -> String {
    let uid = own_uid();
    let process = uid.map(|uid| Process::read(uid, "self")).unwrap_or_default();
    uid.map_or("uid ?".to_owned(), |uid| shown(uid, process.login, &Accounts::of_system()))
}

/// Groups of roles that this host does not know.
pub fn unknown_groups(settings: &ControlSettings) -> Vec<String> {
    let accounts = Accounts::of_system();
    let groups = [&settings.read, &settings.audit, &settings.operate, &settings.approve];
    groups.into_iter().flatten().filter(|group| accounts.group(group).is_none()).cloned().collect()
}

fn own_uid() -> Option<u32> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    status.lines().find_map(|line| line.strip_prefix("Uid:")?.split_whitespace().nth(1))?.parse().ok()
}

fn shown(uid: u32, login: Option<u32>, accounts: &Accounts) -> String {
    let login = login.map(|login| format!(", login {login}")).unwrap_or_default();
    match accounts.name(uid) {
        Some(name) => format!("{name} (uid {uid}{login})"),
        None => format!("uid {uid}{login}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::{Command, Wanted};

    fn accounts() -> Accounts {
        Accounts {
            users: "root:x:0:0::/root:/bin/sh\nbroken\n::1000:\nolivia:x:1000:1000::/:/bin/sh\n".to_owned(),
            groups: "ops:x:2000:olivia\naud:x:2001:\nappr:x:2002:\nhelp:x:2003:\nbad:x::\n".to_owned(),
        }
    }

    fn settings() -> ControlSettings {
        let group = |name: &str| Some(name.to_owned());
        ControlSettings {
            socket: None,
            read: group("help"),
            audit: group("aud"),
            operate: group("ops"),
            approve: group("2002"),
        }
    }

    fn status(uid: u32, groups: &str) -> String {
        format!("Name:\tx\nUid:\t{uid}\t{uid}\t{uid}\t{uid}\nGroups:\t{groups} \n")
    }

    fn caller(uid: u32, groups: &str, settings: &ControlSettings) -> Caller {
        let process = Process::of(uid, &status(uid, groups), "1001\n");
        judged(Peer { uid, gid: uid, pid: Some(1) }, &process, (&accounts(), settings), uid == 7)
    }

    /// Role by command: what each may, written down a second time.
    #[test]
    fn each_role_may_exactly_what_it_should() {
        let wanted = Wanted::default;
        let commands: [(Command, [bool; 4]); 9] = [
            (Command::Status, [true, true, true, true]),
            (Command::HoldList, [true, true, true, true]),
            (Command::HoldShow { id: 1 }, [false, true, true, true]),
            (Command::HoldRelease { id: 1, digest: String::new() }, [false, false, false, true]),
            (Command::HoldDiscard { id: 1 }, [false, false, true, false]),
            (Command::Pause { lasts: None, reason: String::new() }, [false, false, true, false]),
            (Command::Resume, [false, false, true, true]),
            (Command::RevokeLook(wanted()), [false, false, true, false]),
            (Command::Revoke(wanted()), [false, false, true, false]),
        ];
        for (command, may) in commands {
            for (group, may) in ["2003", "2001", "2000", "2002"].into_iter().zip(may) {
                let allowed = caller(1000, group, &settings()).must_be_allowed(&command).is_ok();
                assert_eq!(allowed, may, "{group} {command:?}");
            }
            for (uid, groups, settings, may) in [
                (0, "", ControlSettings::default(), true),
                (7, "", ControlSettings::default(), true),
                (1000, "2000 2001 2002 2003", ControlSettings::default(), false),
                (1000, "0 4 27", settings(), false),
            ] {
                assert_eq!(caller(uid, groups, &settings).must_be_allowed(&command).is_ok(), may, "{uid} {command:?}");
            }
        }
    }

    #[test]
    fn a_process_that_is_not_wholly_the_callers_tells_nothing() {
        for (status, login) in [
            ("Uid:\t1000\t0\t0\t0\nGroups:\t2000\n", "5"),
            ("Uid:\t1001\t1001\t1001\t1001\nGroups:\t2000\n", "5"),
            ("Groups:\t2000\n", "5"),
            ("", ""),
        ] {
            assert_eq!(Process::of(1000, status, login), Process::default(), "{status}");
        }
        assert_eq!(Process::of(1000, &status(1000, ""), "4294967295").login, None);
    }

    #[test]
    fn callers_are_named_with_user_and_login() {
        let who = |uid| caller(uid, "", &settings()).who;
        assert_eq!((who(1000), who(5)), ("olivia (uid 1000, login 1001)".to_owned(), "uid 5, login 1001".to_owned()));
        assert_eq!(accounts().group("bad"), None);
        assert_eq!(accounts().group("nobody-knows"), None);
    }
}
