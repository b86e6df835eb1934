//! What an agent string says but does not mean. Browsers froze parts of theirs; a frozen part is no version, so that
//! `older-than` cannot fire on it. `docs/clients.md` has the table with its sources.

use crate::model::Version;

/// As much of a program's version as is meant.
pub(super) fn version(family: &str, version: Version) -> Version {
    let (major, rest) = version.parts().split_first().unwrap_or((&0, &[]));
    let zeros = rest.iter().all(|part| *part == 0);
    // Chromium 101 and later say `120.0.0.0` whatever the minor, build and patch.
    let chromium = rest.len() >= 2 && *major >= 100;
    // Firefox 16 and later leave the patch out, and 115.6 says `115.0`. On iOS it says all of it.
    let firefox = family.starts_with("Firefox") && family != "Firefox iOS" && *major >= 16;
    if zeros && (chromium || firefox) { version.truncated(1) } else { version }
}

/// As much of a system's version as is meant; none if nothing of it is.
pub(super) fn system_version(agent: &str, system: &str, version: Version) -> Option<Version> {
    let (major, minor) = (part(version, 0), part(version, 1));
    let frozen = match system {
        // 10 and 11 both say `Windows NT 10.0`; Chromium says it on every Windows.
        "Windows" => agent.contains("Windows NT 10.0"),
        // Safari 14, Chrome 90 and Firefox 87 on stay at 10.15.7 or 10.15.
        "macOS" => major == 10 && (15..=16).contains(&minor) && agent.contains("Mozilla/"),
        // Chrome 110 and later say `Android 10; K`, and newer Firefox is reported to say no less than 10. From 21 on it is the
        // number of an interface: 33 is Android 13. `App-Android/1.2` is the app's.
        "Android" => {
            let least = major == 10 && (agent.contains("Android 10; K)") || agent.contains("Gecko/"));
            least || major >= 21 || agent.contains("-Android/")
        }
        // Safari 26 and later stay at 18.6 or 18.7, in apps' web views too; test versions of it said 19.
        "iOS" => {
            let stays = major == 18 && minor >= 6 && agent.contains("AppleWebKit");
            stays || (19..=25).contains(&major) || agent.contains("-iOS/")
        }
        "Chrome OS" => major == 14541,
        _ => false,
    };
    (!frozen).then_some(version)
}

fn part(version: Version, at: usize) -> u32 {
    version.parts().get(at).copied().unwrap_or_default()
}
