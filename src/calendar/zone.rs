//! Time zones by their names.

use jiff::tz::TimeZone;

use super::UnknownZone;

/// What databases hold beside places: another zone on each host, or none.
const NO_PLACES: [&str; 3] = ["localtime", "posixrules", "factory"];

/// The zone with this name of the IANA time zone database, in any case: `Europe/Berlin`, `UTC`.
///
/// # Errors
///
/// If the database has no such zone. Offsets are refused too: they stand still where clocks change.
pub fn zone(name: &str) -> Result<TimeZone, UnknownZone> {
    let unknown = || UnknownZone { name: name.to_owned(), nearest: nearest(name) };
    let found = TimeZone::get(name).ok().filter(|zone| !zone.is_unknown() && zone.iana_name().is_some_and(is_place));
    found.ok_or_else(unknown)
}

fn is_place(name: &str) -> bool {
    !NO_PLACES.contains(&name.to_ascii_lowercase().as_str())
}

/// The zone whose name or city is this one but for a third of its letters.
fn nearest(name: &str) -> Option<String> {
    const LETTERS_MAX: usize = 64;
    let letters = name.chars().count();
    if letters > LETTERS_MAX {
        return None;
    }
    let wanted = name.to_ascii_lowercase().replace(' ', "_");
    let distance = |known: &str| {
        let known = known.to_ascii_lowercase();
        let city = known.rsplit('/').next().unwrap_or(&known);
        strsim::osa_distance(&wanted, &known).min(strsim::osa_distance(&wanted, city))
    };
    let known = jiff::tz::db().available().map(|known| known.to_string());
    let close = known
        .filter(|known| is_place(known))
        .map(|known| (distance(&known), known))
        .filter(|(distance, _)| *distance <= letters / 3);
    close.min().map(|(_, known)| known)
}
