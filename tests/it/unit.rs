//! The systemd unit as a careless edit would break it, and as systemd itself judges it.
//!
//! What must stand in the unit is listed here a second time, with the files beside it that must agree. Where
//! `systemd-analyze` is at hand it reads the unit too; where it is not, that half says so and passes.

use std::fs;
use std::process::Command;

use crate::program::{Ran, Room, root};

/// The oldest systemd that the unit is for, and the first whose verdict counts here.
const SYSTEMD_OLDEST: u32 = 252;
/// Ten times the exposure that the unit may have, as `--threshold=` takes it.
/// Callers of the control socket must be seen as who they are: that costs three tenths.
const EXPOSURE_MAX: &str = "--threshold=14";

/// What must be set, in this section, to exactly this.
const NEEDED: &[(&str, &str, &str)] = &[
    ("Unit", "Wants", "network-online.target"),
    ("Unit", "After", "network-online.target nss-lookup.target time-sync.target"),
    ("Service", "Type", "notify"),
    ("Service", "ExecStart", "/usr/local/bin/evictd run --config /etc/evictd/evictd.toml"),
    ("Service", "ExecReload", "/bin/kill -HUP $MAINPID"),
    ("Service", "TimeoutStartSec", "3min"),
    ("Service", "TimeoutStopSec", "60"),
    ("Service", "WatchdogSec", "2min"),
    ("Service", "Restart", "on-failure"),
    ("Service", "RestartSec", "10"),
    ("Service", "RestartPreventExitStatus", "64 77 78"),
    ("Service", "User", "evictd"),
    ("Service", "Group", "evictd"),
    ("Service", "LoadCredential", "secret:/etc/evictd/credentials"),
    ("Service", "StateDirectory", "evictd"),
    ("Service", "StateDirectoryMode", "0700"),
    ("Service", "ReadWritePaths", "/var/log/evictd"),
    ("Service", "RuntimeDirectory", "evictd"),
    ("Service", "RuntimeDirectoryMode", "0755"),
    ("Service", "ProcSubset", "pid"),
    ("Service", "UMask", "0027"),
    ("Service", "LimitCORE", "0"),
    ("Service", "NoNewPrivileges", "yes"),
    ("Service", "CapabilityBoundingSet", ""),
    ("Service", "ProtectSystem", "strict"),
    ("Service", "NoExecPaths", "/ /var/lib/evictd /var/log/evictd /run/evictd /tmp /var/tmp"),
    ("Service", "MemoryDenyWriteExecute", "yes"),
    ("Service", "RestrictAddressFamilies", "AF_INET AF_INET6 AF_UNIX"),
    ("Service", "SystemCallArchitectures", "native"),
    ("Service", "SystemCallErrorNumber", "EPERM"),
    ("Install", "WantedBy", "multi-user.target"),
];

/// What must not be set: it would cut the network, make every caller of the control socket `nobody`, change the owner of
/// state and trail, need a newer systemd, or undo the walls.
const REFUSED: &[&str] = &[
    "IPAddressDeny",
    "IPAddressAllow",
    "PrivateNetwork",
    "NetworkNamespacePath",
    "DynamicUser",
    "RestartSteps",
    "SupplementaryGroups",
    "ConfigurationDirectory",
    "Environment",
    "EnvironmentFile",
    "PassEnvironment",
    "SetCredential",
    "PrivateUsers",
    "ProtectProc",
];

/// The lines that set something: section, key, value.
fn settings(unit: &str) -> Vec<(&str, &str, &str)> {
    let mut section = "";
    let mut found = Vec::new();
    for line in unit.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        match (line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')), line.split_once('=')) {
            (Some(name), _) => section = name,
            (None, Some((key, value))) => found.push((section, key, value)),
            (None, None) => panic!("neither a section nor a setting: {line}"),
        }
    }
    found
}

/// Everything in this unit that is not as it must be.
fn faults(unit: &str) -> Vec<String> {
    let found = settings(unit);
    let mut wrong = Vec::new();
    for &(section, key, value) in NEEDED {
        let values: Vec<&str> = found.iter().filter(|set| (set.0, set.1) == (section, key)).map(|set| set.2).collect();
        if values != [value] {
            wrong.push(format!("[{section}] {key}= is {values:?}, not `{value}`"));
        }
    }
    for (_, key, value) in found.iter().filter(|set| REFUSED.contains(&set.1)) {
        wrong.push(format!("{key}={value} must not be set"));
    }
    wrong
}

fn unit() -> String {
    shipped("systemd/evictd.service")
}

fn shipped(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap()
}

#[test]
fn the_unit_keeps_what_the_daemon_needs() {
    assert_eq!(faults(&unit()), Vec::<String>::new());
}

#[test]
fn every_careless_edit_is_found() {
    for (section, key, value) in NEEDED {
        let line = format!("\n{key}={value}\n");
        let unit = unit();
        assert!(unit.contains(&line), "{line}");
        for edited in [
            unit.replace(&line, "\n"),
            unit.replace(&line, &format!("\n{key}={value}x\n")),
            unit.replace(&line, &format!("{line}{key}=\n")),
        ] {
            let wrong = faults(&edited).join("\n");
            assert!(wrong.starts_with(&format!("[{section}] {key}= is ")), "{key}: {wrong}");
        }
    }
    for key in REFUSED {
        let edited = unit().replace("[Service]\n", &format!("[Service]\n{key}=yes\n"));
        assert_eq!(faults(&edited), [format!("{key}=yes must not be set")]);
    }
}

#[test]
fn the_files_beside_the_unit_agree_with_it() {
    let says = |path: &str, parts: &[&str]| {
        let text = shipped(path);
        let lines: Vec<Vec<&str>> = text.lines().map(|line| line.split_whitespace().collect()).collect();
        assert!(lines.iter().any(|line| line.starts_with(parts)), "{path} has no line {parts:?}");
    };
    says("systemd/evictd.sysusers.conf", &["u", "evictd", "-"]);
    for group in ["evictd-read", "evictd-audit", "evictd-operate", "evictd-approve"] {
        says("systemd/evictd.sysusers.conf", &["g", group, "-"]);
        let role = group.split_once('-').unwrap().1;
        says("config/evictd.toml", &[role, "=", &format!("\"{group}\"")]);
    }
    says("systemd/evictd.tmpfiles.conf", &["d", "/etc/evictd", "0755", "root", "root"]);
    says("systemd/evictd.tmpfiles.conf", &["d", "/etc/evictd/policies", "0755", "root", "root"]);
    says("systemd/evictd.tmpfiles.conf", &["d", "/etc/evictd/credentials", "0700", "root", "root"]);
    says("systemd/evictd.tmpfiles.conf", &["d", "/var/lib/evictd", "0700", "evictd", "evictd"]);
    says("systemd/evictd.tmpfiles.conf", &["d", "/var/log/evictd", "2750", "evictd", "evictd-audit"]);
    says("config/evictd.toml", &["state", "=", "\"/var/lib/evictd\""]);
    says("config/evictd.toml", &["trail", "=", "\"/var/log/evictd\""]);
    says("config/evictd.toml", &["secret", "=", "{", "credential", "=", "\"secret_acme\"", "}"]);
}

/// Runs `systemd-analyze` on the unit, with a program in it that this machine has. Nothing where there is none.
#[expect(clippy::print_stderr, reason = "a test that skips a part says so")]
fn analyze(unit: &str, arguments: &[&str]) -> Option<Ran> {
    let version = Command::new("systemd-analyze").arg("--version").output();
    let text = version.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    let number = text.split_whitespace().nth(1).and_then(|word| word.parse::<u32>().ok());
    if number.is_none_or(|number| number < SYSTEMD_OLDEST) {
        let found = text.lines().next().unwrap_or("none");
        eprintln!("skipped: needs systemd-analyze {SYSTEMD_OLDEST} or newer, found {found}");
        return None;
    }
    let room = Room::new();
    let program = env!("CARGO_BIN_EXE_evictd");
    room.write("evictd.service", unit.replace("/usr/local/bin/evictd", program).replace("/bin/kill", program));
    let mut command = Command::new("systemd-analyze");
    command.args(arguments).arg("./evictd.service").env("SYSTEMD_COLORS", "0");
    Some(room.start_command(&mut command).end())
}

fn verify(unit: &str) -> Option<Ran> {
    analyze(unit, &["verify", "--man=no"])
}

fn security(unit: &str) -> Option<Ran> {
    analyze(unit, &["security", "--offline=yes", "--no-pager", EXPOSURE_MAX])
}

#[test]
fn systemd_finds_nothing_wrong_with_the_unit() {
    if let Some(ran) = verify(&unit()) {
        assert!(ran.code == 0 && !ran.stderr.contains("evictd"), "{ran:#?}");
        let wrong = verify(&unit().replace("WatchdogSec=2min", "WatchdogSec=soon")).unwrap();
        assert!(wrong.stderr.contains("evictd.service:") && wrong.stderr.contains("soon"), "{wrong:#?}");
    }
}

#[test]
fn the_unit_is_exposed_no_more_than_it_may_be() {
    if let Some(ran) = security(&unit()) {
        ran.says(0, &["Overall exposure level for evictd.service: "]);
        // One wall less is already too much.
        let wall = "\nProtectKernelLogs=yes\n";
        assert!(unit().contains(wall));
        assert_ne!(security(&unit().replace(wall, "\n")).unwrap().code, 0);
    }
}
