//! `evictd demo` as a shell sees it: what its last chapter tells of a stolen cookie, whoever the people are.

use std::collections::BTreeSet;

use jiff::civil::Time;

use crate::program::Room;

/// The chapter that tells of it.
fn chapter(seed: &str) -> String {
    let page = Room::new().run(&["demo", "--seed", seed]).says(0, &["trail verified"]).stdout;
    page.split("── 6  A stolen cookie").nth(1).unwrap_or_else(|| panic!("{page}")).to_owned()
}

/// The time of day at which a line begins that says this.
fn at(page: &str, what: &str) -> Time {
    let line = page.lines().find(|line| line.contains(what)).unwrap_or_else(|| panic!("{what}\n{page}"));
    line[..8].parse().unwrap_or_else(|why| panic!("{why}: {line}"))
}

/// What stands between two texts, in one line.
fn between<'p>(page: &'p str, from: &str, to: &str) -> &'p str {
    let rest = page.split_once(from).unwrap_or_else(|| panic!("{from}\n{page}")).1;
    rest.split_once(to).unwrap_or_else(|| panic!("{to}\n{page}")).0
}

#[test]
fn a_stolen_cookie_is_told_from_the_sign_in_to_the_end_of_the_session() {
    for seed in ["7", "3"] {
        let page = chapter(seed);
        let steps = [
            at(&page, "signs in at the office"),
            at(&page, "she works in a browser"),
            at(&page, "a cycle reads both logs"),
            at(&page, "the stolen cookie is used"),
            at(&page, "the row of that can be read"),
            at(&page, "the next cycle reads the logs on"),
            at(&page, "the next look: her session is gone"),
        ];
        assert_eq!(steps.iter().collect::<BTreeSet<_>>().len(), steps.len(), "{steps:?}");
        assert!(steps.is_sorted() || steps[0] > steps[6], "only midnight may lie between: {steps:?}");
        let (used, read, ended) = (steps[3], steps[4], steps[5]);
        let told = format!("First bad request {used}, row readable {read}, revoked {ended}: 8m after the request");
        assert!(page.contains(&told), "{told}\n{page}");
    }
}

#[test]
fn only_her_session_goes_and_why_and_where_is_said() {
    let page = chapter("3");
    let session = between(&page, "`evictd explain ", "`");
    let revoked = between(&page, "\nREVOKED", "\nUNDECIDED");
    let acted: Vec<_> = revoked.lines().filter(|line| line.contains("outcome revoked")).collect();
    assert_eq!(acted, [format!("     person maya.lind@acme.example, session {session}, outcome revoked, ended")]);
    for rule in ["staff-abroad-without-browser", "script-in-data-centre", "script-in-agent-session"] {
        assert!(revoked.contains(rule), "{rule}: {revoked}");
    }
    assert!(revoked.contains("(only: no other session of the person can be meant)"), "{revoked}");
    let others = between(&page, "her session is gone, ", " other sessions are still there");
    let (stay, all) = others.split_once(" of ").unwrap();
    assert!(stay == all && all.parse::<usize>().unwrap() > 100, "{others}");
    let undecided = between(&page, "\nUNDECIDED", "\nplaces by");
    assert!(undecided.contains("staff-over-tor") && undecided.contains("no-source: "), "{undecided}");
    let decided = between(&page, "  2  ", "\n  3  ");
    for part in ["used from 5.9.0.1 from ", "only: ", "told by access-log", "HeadlessChrome", "decided "] {
        assert!(decided.contains(part), "{part}: {decided}");
    }
    assert!(page.contains("told by audit-log") && page.contains("\n  decided at place 2\n"), "{page}");
    assert!(page.contains("requests by bearer are in nobody's\nsession"), "{page}");
}
