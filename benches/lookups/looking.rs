//! What one look-up costs: an address in the databases, in a list, in all lists with a class; an agent string for the first
//! time and again.

use std::error::Error;
use std::net::IpAddr;
use std::sync::Arc;

use evictd::address::Contents;
use evictd::clients::client_of;
use evictd::evidence::Agent;
use evictd::model::{Cause, NetworkClass};
use evictd::places::Databases;
use fastrand::Rng;

use super::figures::{Table, beside, best, each, micros, nanos, times};
use super::world;

const ADDRESSES: usize = 100_000;
/// Of a scan through a whole list, fewer do.
const SCANNED: usize = 200;
const AGENTS: u32 = 2_000;
/// How often a hostile string says the same.
const HOSTILE: usize = 400_000;

pub fn table() -> Result<String, Box<dyn Error>> {
    let mut table = Table::new("looking up, each");
    let mut rng = Rng::with_seed(2);
    let v4 = world::distinct(ADDRESSES, || world::v4(&mut rng));
    let v6 = world::distinct(ADDRESSES, || world::v6(&mut rng));
    places(&mut table, &v4, &v6);
    lists(&mut table)?;
    classes(&mut table, &v4, &v6)?;
    agents(&mut table);
    Ok(table.text())
}

fn places(table: &mut Table, v4: &[IpAddr], v6: &[IpAddr]) {
    let databases = Databases::shipped();
    for (name, addresses) in [("address to all facts, IPv4", v4), ("address to all facts, IPv6", v6)] {
        let look = || addresses.iter().filter(|address| databases.place_of(**address).country.is_ok()).count();
        let (known, took) = (look(), best(look));
        let beside = format!("{} distinct, {} % with a country", addresses.len(), known * 100 / addresses.len());
        table.line(name, nanos(each(took, addresses.len())), &beside);
    }
}

/// One list, beside a binary search by hand over bare pairs of numbers, and beside a scan.
fn lists(table: &mut Table) -> Result<(), Box<dyn Error>> {
    let v4 = |address| match address {
        IpAddr::V4(v4) => v4.to_bits(),
        IpAddr::V6(_) => 0,
    };
    let v6 = |address| match address {
        IpAddr::V4(_) => 0,
        IpAddr::V6(v6) => v6.to_bits(),
    };
    let mut rng = Rng::with_seed(3);
    list(table, "IPv4", v4, &mut |first, last| IpAddr::V4(rng.u32(first..=last).into()))?;
    list(table, "IPv6", v6, &mut |first, last| IpAddr::V6(rng.u128(first..=last).into()))
}

fn list<T: Ord + Copy>(
    table: &mut Table,
    family: &str,
    number: impl Fn(IpAddr) -> T,
    between: &mut dyn FnMut(T, T) -> IpAddr,
) -> Result<(), Box<dyn Error>> {
    let text = world::list_text(family == "IPv4");
    let contents = world::contents(&text)?;
    let Contents::Addresses(networks) = &*contents else { return Err("no list of addresses".into()) };
    let blocks = world::blocks(&text)?;
    let pairs: Vec<(T, T)> = blocks.iter().map(|block| (number(block.first()), number(block.last()))).collect();
    let (first, last) = pairs.first().zip(pairs.last()).ok_or("an empty list")?;
    let (mut there, mut not_there) = (Vec::new(), Vec::new());
    while there.len().min(not_there.len()) < ADDRESSES {
        let address = between(first.0, last.1);
        if networks.contains(address) { there.push(address) } else { not_there.push(address) }
    }
    for (what, mut asked) in [("there", there), ("not there", not_there)] {
        asked.truncate(ADDRESSES);
        let numbers: Vec<T> = asked.iter().map(|address| number(*address)).collect();
        let mut found = || asked.iter().filter(|address| networks.contains(**address)).count();
        let mut floor = || numbers.iter().filter(|number| is_in(&pairs, number)).count();
        assert_eq!(found(), floor(), "both must find the same");
        let mut scan = || {
            let numbers = numbers.iter().take(SCANNED);
            numbers.filter(|number| pairs.iter().any(|(first, last)| (first..=last).contains(number))).count()
        };
        let [took, floor, scan] = beside([&mut found, &mut floor, &mut scan]);
        let note = format!(
            "{:.2} x a binary search over bare pairs; a scan takes {:.0} x as long",
            times(took, floor),
            each(scan, SCANNED) / each(took, ADDRESSES)
        );
        table.line(&format!("list of 50,000, {family}, {what}"), nanos(each(took, ADDRESSES)), &note);
    }
    Ok(())
}

fn is_in<T: Ord>(pairs: &[(T, T)], number: &T) -> bool {
    let after = pairs.partition_point(|(first, _)| first <= number);
    after.checked_sub(1).and_then(|at| pairs.get(at)).is_some_and(|(_, last)| number <= last)
}

fn classes(table: &mut Table, v4: &[IpAddr], v6: &[IpAddr]) -> Result<(), Box<dyn Error>> {
    let (databases, lists) = (Databases::shipped(), world::lists()?);
    for (family, addresses) in [("IPv4", v4), ("IPv6", v6)] {
        let places: Vec<_> = addresses.iter().map(|address| (*address, databases.place_of(*address))).collect();
        let took = best(|| {
            let classes = places.iter().map(|(address, place)| {
                let asn = place.asn.as_ref().map(|found| found.value).map_err(|cause: &Cause| *cause);
                lists.classes_of(*address, asn, place.classes)
            });
            classes.filter(|classes| classes.no().has(NetworkClass::Tor)).count()
        });
        let beside = format!("{} lists with a class, two of 100,000", lists.len());
        table.line(&format!("classes by lists, {family}"), nanos(each(took, addresses.len())), &beside);
    }
    Ok(())
}

fn agents(table: &mut Table) {
    let texts = world::agents(AGENTS);
    // The patterns load once, and that is measured elsewhere.
    std::hint::black_box(client_of(""));
    let is_told = |text: &Arc<str>| client_of(text).family.is_some();
    let cold = best(|| texts.iter().filter(|text| is_told(text)).count());
    let agents: Vec<Agent> = texts.iter().cloned().map(Agent::new).collect();
    let known = || agents.iter().filter(|agent| agent.client().family.is_some()).count();
    let count = texts.len();
    known();
    table.line("agent to client, for the first time", micros(each(cold, count)), &format!("{count} distinct"));
    table.line("agent to client, again", nanos(each(best(known), count)), "");
    let hostile = "Mozilla/5.0 (compatible; ".repeat(HOSTILE);
    let took = best(|| usize::from(client_of(&hostile).family.is_some()));
    table.line("a hostile agent", micros(each(took, 1)), &format!("{} MB of one string", hostile.len() / 1_000_000));
}
