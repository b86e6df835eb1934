//! `evictd egress suggest`: from which networks the people of each employer come, as far as cycles remember, proposed as
//! lists and rules that only report. Locks nothing, asks nobody, changes nothing.

mod draft;
mod page;
mod suggest;

use std::net::IpAddr;

use clap::{Args, Subcommand};
use jiff::Timestamp;

use super::load::policies;
use super::loader::load_to_look;
use super::places::View;
use super::plan::remembered;
use super::{Exit, Failure, Format, Where, screen::Screen};
use crate::address::{ListKind, ListNow};
use crate::model::{Act, Answer, Memory, Strength};
use suggest::{Spotting, System, Whereabouts, suggest};

#[derive(Debug, Subcommand)]
pub(super) enum EgressCommand {
    /// Propose a list and a rule for each e-mail domain; the text is a policy file
    Suggest(SuggestArgs),
}

#[derive(Debug, Args)]
pub(super) struct SuggestArgs {
    #[command(flatten)]
    place: Where,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// What is remembered of who was where.
#[derive(Debug, Default, PartialEq, Eq)]
struct Remembered {
    spottings: Vec<Spotting>,
    /// From when to when.
    span: Option<(Timestamp, Timestamp)>,
    /// People who were seen where nobody knows.
    without_address: usize,
    /// Addresses of people whose e-mail is not known.
    without_domain: usize,
    /// Whether it is of uses, since no sign-in is remembered.
    by_use: bool,
}

pub(super) fn run(command: &EgressCommand, screen: Screen) -> Result<Exit, Failure> {
    let EgressCommand::Suggest(args) = command;
    let loaded = load_to_look(&args.place, screen)?;
    // Without their lists nobody would know a relay from an office.
    let set = policies(&loaded, screen)?;
    let view = View::with(Some(&loaded), Some(&set));
    for why in &view.unread {
        screen.note(&format!("warning: {why}"));
    }
    let seen = seen(&remembered(&loaded, screen));
    let suggestions = suggest(&seen.spottings, |address| whereabouts(&view, address));
    let drafts = draft::drafts(&suggestions);
    match args.format {
        Format::Text => screen.out(&page::text(&seen, &suggestions, &drafts)),
        Format::Json => screen.json(&page::json(loaded.account.name.as_str(), &seen, &suggestions, &drafts)),
    }
    view.warn(screen);
    if seen.spottings.is_empty() {
        screen.note(
            "note: logs and feeds are read by a cycle whose rules ask where sessions are opened or used, and a dry one \
             remembers nothing: see docs/lists.md",
        );
    }
    Ok(Exit::Done)
}

/// Sign-ins say best where somebody works: a cookie that is stolen is used elsewhere without one. Only where no source
/// tells of any are uses taken in their place.
fn seen(memory: &Memory) -> Remembered {
    let haunts = &memory.haunts.seen;
    let by_use = !haunts.keys().any(|key| key.act == Act::SignIn && key.address.is_some());
    let act = if by_use { Act::Use } else { Act::SignIn };
    let mut seen = Remembered { by_use, ..Remembered::default() };
    for (key, haunt) in haunts.iter().filter(|(key, _)| key.act == act) {
        let Some(address) = key.address else {
            seen.without_address += 1;
            continue;
        };
        let email = memory.people.get(&key.user).and_then(|known| known.person.email.as_ref());
        let Some((_, domain)) = email.and_then(|email| email.raw().rsplit_once('@')) else {
            seen.without_domain += 1;
            continue;
        };
        let (from, to) = seen.span.unwrap_or((haunt.first, haunt.last));
        seen.span = Some((from.min(haunt.first), to.max(haunt.last)));
        let domain = domain.to_lowercase();
        let spotting = |day| Spotting { user: key.user, domain: domain.clone(), day, address };
        seen.spottings.extend(haunt.days().map(spotting));
    }
    seen
}

fn whereabouts(view: &View, address: IpAddr) -> Whereabouts {
    let place = view.atlas.place_of(address);
    let asn = place.asn.map(|found| found.value);
    let organization = place.organization.ok().map(|found| found.value);
    let system = asn.ok().map(|asn| System { asn, organization });
    let has = |list: &&ListNow| match (list.kind, asn) {
        (ListKind::Asn, Ok(asn)) => list.has_asn(asn).is_yes(),
        (ListKind::Asn, Err(_)) => false,
        (ListKind::Address | ListKind::Text, _) => list.has_address(address).is_yes(),
    };
    let listed = view.lists.iter().filter(has).filter_map(|list| list.class);
    let named = place.classes.yes.or(listed.collect());
    // A VPN service's, unless it is a relay's: whichever it is, it is no employer's.
    let classes = view.lists.classes_of(address, asn, place.classes);
    let open = named.iter().filter(|class| !classes.no().has(*class));
    let classes = open.fold(classes, |classes, class| classes.with(class, Answer::Yes(Strength::Exact)));
    Whereabouts { system, classes }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use super::*;
    use crate::model::{Foreign, Haunt, HauntKey, Haunts, Person, Remembered as Known, UserId};

    fn known(number: u64, email: Option<&str>) -> (UserId, Known) {
        let user = UserId::new(number).unwrap();
        let person = Person { email: email.map(Foreign::new), ..Person::blank(user, Timestamp::UNIX_EPOCH) };
        (user, Known { person: Arc::new(person), session_at: None, traces: None })
    }

    #[test]
    fn each_day_of_thirty_counts_once_and_what_cannot_be_told_is_counted() {
        let people = [known(1, Some("Ann@Vendor.Example")), known(2, None)].into();
        let at = |second: i64| Timestamp::from_second(second).unwrap();
        let row = |user, act, address: Option<&str>| {
            let address = address.map(|address| address.parse().unwrap());
            let key = HauntKey { user: UserId::new(user).unwrap(), act, address };
            (key, Haunt::of(at(7_200), at(7_200)).with(Haunt::of(at(190_000), at(190_000))))
        };
        let address = Some("8.8.8.8");
        let rows = [(1, address), (1, None), (2, address), (3, address)];
        let seen_by = |acts: &[Act]| {
            let rows = rows.iter().flat_map(|(user, address)| acts.iter().map(|act| row(*user, *act, *address)));
            let haunts = Haunts { since: None, seen: rows.collect() };
            let people: BTreeMap<UserId, Known> = BTreeMap::clone(&people);
            seen(&Memory { people, haunts, ..Memory::default() })
        };
        let found = seen_by(&[Act::SignIn, Act::Use]);
        assert_eq!((found.without_address, found.without_domain, found.by_use), (1, 2, false));
        let days: Vec<String> = found.spottings.iter().map(|one| format!("{} {}", one.domain, one.day)).collect();
        assert_eq!(days, ["vendor.example 2", "vendor.example 0"]);
        let (from, to) = found.span.unwrap();
        assert_eq!((from.as_second(), to.as_second()), (7_200, 190_000));
        assert!(seen_by(&[Act::Use]).by_use, "where no source tells of sign-ins");
    }
}
