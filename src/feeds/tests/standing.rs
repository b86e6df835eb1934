//! What may be claimed of a reading.

use jiff::Timestamp;

use super::*;
use crate::files::FileFault;
use crate::model::Cause;

const NOW: &str = "2026-11-23T12:00:00Z";

fn check(written_at: Option<&str>, unreadable: usize, trouble: Option<FeedTrouble>, wanted: (&str, Option<Cause>)) {
    let written_at = written_at.map(|at| at.parse::<Timestamp>().unwrap());
    let reading = FeedReading { unreadable, written_at, trouble, ..FeedReading::default() };
    let (as_of, unknown) = reading.standing(&settings(okta()), NOW.parse().unwrap());
    assert_eq!((as_of.to_string().as_str(), unknown), wanted);
}

#[test]
fn nothing_newer_is_claimed_than_the_last_writing_less_the_lateness() {
    check(Some("2026-11-23T11:59:00Z"), 0, None, ("2026-11-23T11:58:00Z", None));
    check(Some("2026-11-23T11:00:00Z"), 0, None, ("2026-11-23T10:59:00Z", None));
    // A clock that is a little ahead claims nothing of what is still to come.
    check(Some("2026-11-23T12:01:00Z"), 0, None, ("2026-11-23T11:59:00Z", None));
}

#[test]
fn a_feed_that_may_have_missed_something_says_so() {
    let written = Some("2026-11-23T11:59:00Z");
    let as_of = "2026-11-23T11:58:00Z";
    check(Some("2026-11-23T10:59:59Z"), 0, None, ("2026-11-23T10:58:59Z", Some(Cause::Stale)));
    check(Some("2026-11-23T12:01:01Z"), 0, None, ("2026-11-23T11:59:00Z", Some(Cause::ClockSkew)));
    check(written, 1, None, (as_of, Some(Cause::Partial)));
    check(written, 0, Some(FeedTrouble::More), (as_of, Some(Cause::Partial)));
    check(written, 0, Some(FeedTrouble::Gap), (as_of, Some(Cause::Partial)));
    let nothing = "1970-01-01T00:00:00Z";
    for trouble in [FeedTrouble::File(FileFault::Missing), FeedTrouble::Writable { mode: 0o666 }, FeedTrouble::Empty] {
        check(None, 0, Some(trouble.clone()), (nothing, Some(Cause::Down)));
        check(Some("2026-11-01T00:00:00Z"), 0, Some(trouble), ("2026-10-31T23:59:00Z", Some(Cause::Down)));
    }
    check(None, 0, Some(FeedTrouble::Gap), (nothing, Some(Cause::Partial)));
    check(None, 0, None, (nothing, Some(Cause::Down)));
}
