//! Addresses, look-ups and classes against vectors, and against naive readings of the same rules.

use std::net::IpAddr;
use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::model::{Answer, Cause, Causes, ClassAnswers, ClassSet, Classes, NetworkClass, Strength};

const YES: Answer = Answer::Yes(Strength::Exact);
const NO: Answer = Answer::No(Strength::Exact);

fn ip(text: &str) -> IpAddr {
    parse_address(text).unwrap_or_else(|fault| panic!("{text}: {fault}"))
}

fn networks(entries: &[&str]) -> Networks {
    let said = (1..).zip(entries).map(|(place, text)| (parse_networks(text).unwrap(), place));
    said.flat_map(|(said, place)| said.blocks.into_iter().map(move |block| (block, place))).collect()
}

#[test]
fn a_mapped_address_is_its_ipv4_address() {
    assert_eq!(ip("::ffff:41.0.0.1").to_string(), "41.0.0.1");
    assert_eq!(ip("::FFFF:2900:1").to_string(), "41.0.0.1");
    assert_eq!(ip("2001:DB8:0::1").to_string(), "2001:db8::1");
    let office = networks(&["192.0.2.0/24", "::ffff:198.51.100.0/120"]);
    for listed in ["::ffff:192.0.2.7", "198.51.100.7", "::ffff:198.51.100.7"] {
        assert!(office.contains(listed.parse().unwrap()), "{listed}");
        assert!(office.find(listed.parse().unwrap()).is_some(), "{listed}");
    }
}

#[test]
fn what_two_programs_could_read_differently_is_no_address() {
    let check = |text: &str, fault| assert_eq!(parse_address(text), Err(fault), "{text}");
    check("", AddressFault::Empty);
    check("[2001:db8::1]", AddressFault::Brackets);
    check("[2001:db8::1]:443", AddressFault::Brackets);
    check("fe80::1%eth0", AddressFault::Zone);
    check("192.0.2.1:443", AddressFault::Port);
    check("192.0.02.1", AddressFault::LeadingZeros);
    check("010.0.0.1", AddressFault::LeadingZeros);
    check("192.0.2.0/24", AddressFault::Network);
    for text in
        ["192.0.2", "192.0.2.256", "3221225985", "0x7f.1", "2001:db8:::1", "localhost", " 192.0.2.1", "1.2.3.4.5"]
    {
        check(text, AddressFault::Nonsense);
    }
}

#[test]
fn networks_and_ranges_are_read_strictly() {
    let said = |text: &str| parse_networks(text).map(|said| format!("{:?}", said.blocks));
    assert_eq!(said("192.0.2.0/24").unwrap(), "[192.0.2.0/24]");
    assert_eq!(said("192.0.2.1").unwrap(), "[192.0.2.1]");
    assert_eq!(said("192.0.2.1/32").unwrap(), "[192.0.2.1]");
    assert_eq!(said("2001:db8::/32").unwrap(), "[2001:db8::/32]");
    assert_eq!(said("192.0.2.1-192.0.2.4").unwrap(), "[192.0.2.1, 192.0.2.2/31, 192.0.2.4]");
    assert_eq!(said("::ffff:192.0.2.1 - 192.0.2.1").unwrap(), "[192.0.2.1]");
    for (text, fault) in [
        ("0.0.0.0/0", NetworkFault::Everything),
        ("::/0", NetworkFault::Everything),
        ("::ffff:0.0.0.0/96", NetworkFault::Everything),
        ("0.0.0.0-255.255.255.255", NetworkFault::Everything),
        ("::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", NetworkFault::Everything),
        ("192.0.2.0/33", NetworkFault::Prefix),
        ("2001:db8::/129", NetworkFault::Prefix),
        ("192.0.2.0/", NetworkFault::Prefix),
        ("192.0.2.0/+8", NetworkFault::Prefix),
        ("192.0.2.0/255.255.255.0", NetworkFault::Prefix),
        ("192.0.2.0/-1", NetworkFault::Address(AddressFault::Network)),
        ("192.0.2.4-192.0.2.1", NetworkFault::Backwards),
        ("192.0.2.1-2001:db8::1", NetworkFault::Families),
        ("192.0.2.1-", NetworkFault::Address(AddressFault::Empty)),
        ("192.0.2.0/24/24", NetworkFault::Prefix),
    ] {
        assert_eq!(parse_networks(text), Err(fault), "{text}");
    }
    assert_eq!(meant("10.1.2.3/8").as_deref(), Some("10.0.0.0/8"));
    assert_eq!(meant("10.0.0.0/8"), None);
    let asn = ["64500", "AS64500", "as64500", "AS4294967295", "4294967296", "AS", "", "ASN1", "+1", "AS 1", "é"];
    let read = asn.map(parse_asn);
    let number = Some(64500);
    assert_eq!(read, [number, number, number, Some(u32::MAX), None, None, None, None, None, None, None]);
}

#[test]
fn the_narrowest_network_wins_and_the_first_of_two_equal() {
    let nested = networks(&["10.0.0.0/8", "10.1.0.0/16", "10.1.2.0/24", "10.1.0.0/16", "2001:db8::/32", "10.1.2.3"]);
    let check = |address: &str, wanted: Option<(&str, u32)>| {
        let found = nested.find(ip(address)).map(|found| (found.block.to_string(), found.place));
        assert_eq!(found, wanted.map(|(block, place)| (block.to_owned(), place)), "{address}");
    };
    check("10.0.0.0", Some(("10.0.0.0/8", 1)));
    check("10.255.255.255", Some(("10.0.0.0/8", 1)));
    check("10.1.1.1", Some(("10.1.0.0/16", 2)));
    check("10.1.2.2", Some(("10.1.2.0/24", 3)));
    check("10.1.2.3", Some(("10.1.2.3", 6)));
    check("10.1.2.4", Some(("10.1.2.0/24", 3)));
    check("10.2.0.0", Some(("10.0.0.0/8", 1)));
    check("9.255.255.255", None);
    check("11.0.0.0", None);
    check("2001:db8:ffff::1", Some(("2001:db8::/32", 5)));
    check("2001:db9::", None);
    assert_eq!(nested.len(), 5);
    let same = networks(&["10.0.0.0/8", "9.0.0.0/8", "11.0.0.0/8"].repeat(99));
    assert_eq!(["10.0.0.1", "9.0.0.1", "11.0.0.1"].map(|at| same.find(ip(at)).unwrap().place), [1, 2, 3]);
    let ends = networks(&["0.0.0.0/1", "128.0.0.0/1", "255.255.255.255", "8000::/1"]);
    for address in ["0.0.0.0", "255.255.255.254", "255.255.255.255", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"] {
        assert!(ends.contains(ip(address)), "{address}");
    }
    assert!(!ends.contains(ip("7fff::")) && Networks::default().find(ip("::")).is_none());
}

/// Blocks that nest: few distinct bits, so that one often lies in another.
fn blocks() -> impl Strategy<Value = Vec<Block>> {
    let v4 = (prop::sample::select(vec![0_u32, 1, 2, 3, 0x8000_0000, 0xffff_fff0, 0xffff_ffff]), 0_u32..8, 1_u8..=32)
        .prop_map(|(base, add, prefix)| Block::around(IpAddr::V4((base ^ (add << 27) ^ add).into()), prefix).unwrap());
    let v6 = (prop::sample::select(vec![0_u128, 1, u128::MAX, 0x2001 << 112]), 0_u128..8, 1_u8..=128)
        .prop_map(|(base, add, prefix)| Block::around(IpAddr::V6((base ^ (add << 100) ^ add).into()), prefix).unwrap());
    prop::collection::vec(prop_oneof![v4, v6], 0..60)
}

/// Just inside and just outside of every block.
fn edges(blocks: &[Block]) -> Vec<IpAddr> {
    let mut edges = Vec::new();
    for block in blocks {
        for (address, add) in
            [block.first(), block.last()].into_iter().flat_map(|edge| [(edge, -1), (edge, 0), (edge, 1)])
        {
            edges.push(match address {
                IpAddr::V4(v4) => IpAddr::V4(v4.to_bits().wrapping_add_signed(add).into()),
                IpAddr::V6(v6) => IpAddr::V6(v6.to_bits().wrapping_add_signed(add.into()).into()),
            });
        }
    }
    edges
}

proptest! {
    #[test]
    fn a_look_up_finds_what_a_scan_of_all_blocks_finds(blocks in blocks()) {
        let blocks: Vec<(Block, u32)> = blocks.into_iter().zip(1..).collect();
        let flat: Networks = blocks.iter().copied().collect();
        for address in edges(&blocks.iter().map(|(block, _)| *block).collect::<Vec<_>>()) {
            // Mapped addresses are looked up as IPv4 ones, which blocks of IPv6 addresses never hold.
            let holding = blocks.iter().filter(|(block, _)| block.contains(canonical(address)));
            let narrowest = holding.max_by_key(|(block, place)| (block.prefix(), u32::MAX - place));
            let wanted = narrowest.map(|(block, place)| Match { block: *block, place: *place });
            prop_assert_eq!(flat.find(address), wanted, "{}", address);
            prop_assert_eq!(flat.contains(address), wanted.is_some());
        }
    }

    #[test]
    fn a_range_is_split_into_exactly_its_addresses(first in any::<u32>(), length in 0_u32..100_000, beside in 0_u32..9) {
        let last = first.saturating_add(length);
        let text = format!("{}-{}", IpAddr::V4(first.into()), IpAddr::V4(last.into()));
        prop_assume!(first > 0);
        let flat: Networks = parse_networks(&text).unwrap().blocks.into_iter().map(|block| (block, 1)).collect();
        let has = |number: u32| flat.contains(IpAddr::V4(number.into()));
        prop_assert!(has(first) && has(last) && has(first + (last - first) / 2));
        prop_assert!(!has(first - 1 - beside.min(first - 1)));
        prop_assert!(last == u32::MAX || !has(last.saturating_add(1 + beside)) || last.checked_add(1 + beside).is_none());
    }

    #[test]
    fn what_is_read_is_shown_so_that_it_reads_the_same(text in "[0-9a-f:./%-]{0,24}|[0-9]{1,3}([.][0-9]{1,3}){3}(/[0-9]{1,2})?") {
        if let Ok(address) = parse_address(&text) {
            prop_assert_eq!(parse_address(&address.to_string()), Ok(address));
        }
        for block in parse_networks(&text).map_or(Vec::new(), |said| said.blocks) {
            let again = parse_networks(&block.to_string());
            prop_assert_eq!(again, Ok(Said { blocks: vec![block], had_host_bits: false }));
        }
    }
}

#[test]
fn special_ranges_are_those_of_iana() {
    let check = |address: &str, name: Option<&str>, is_private: bool| {
        let range = special_range(ip(address));
        assert_eq!(range.map(|range| range.name), name, "{address}");
        assert_eq!(range.is_some_and(|range| range.is_private), is_private, "{address}");
    };
    for public in
        ["8.8.8.8", "41.0.0.1", "5.255.255.5", "100.63.255.255", "100.128.0.0", "172.15.255.255", "172.32.0.0"]
    {
        check(public, None, false);
        check(&format!("::ffff:{public}"), None, false);
    }
    check("2001:4860:4860::8888", None, false);
    check("2a00::1", None, false);
    check("10.0.0.1", Some("private use"), true);
    check("172.16.0.0", Some("private use"), true);
    check("172.31.255.255", Some("private use"), true);
    check("192.168.0.1", Some("private use"), true);
    check("::ffff:10.0.0.1", Some("private use"), true);
    check("100.64.0.1", Some("carrier-grade NAT"), true);
    check("100.127.255.255", Some("carrier-grade NAT"), true);
    check("0.0.0.0", Some("unspecified"), true);
    check("0.0.0.1", Some("this network"), true);
    check("127.0.0.1", Some("loopback"), true);
    check("169.254.1.1", Some("link-local"), true);
    check("192.0.0.8", Some("IETF protocol assignments"), true);
    check("192.0.0.9", Some("port control anycast"), false);
    check("192.0.2.1", Some("documentation"), true);
    check("192.88.99.1", Some("6to4 relay anycast"), false);
    check("198.19.255.255", Some("benchmarking"), true);
    check("224.0.0.1", Some("multicast"), true);
    check("255.255.255.254", Some("reserved"), true);
    check("255.255.255.255", Some("limited broadcast"), true);
    check("::", Some("unspecified"), true);
    check("::1", Some("loopback"), true);
    check("::2", Some("IPv4-compatible"), true);
    check("64:ff9b::808:808", Some("NAT64"), false);
    check("64:ff9b:1::1", Some("local NAT64"), true);
    check("100::1", Some("discard only"), true);
    check("2001::1", Some("Teredo"), false);
    check("2001:100::", Some("IETF protocol assignments"), true);
    check("2001:200::", None, false);
    check("2001:db8::1", Some("documentation"), true);
    check("2002::1", Some("6to4"), false);
    check("3fff::1", Some("documentation"), true);
    check("fd00::1", Some("unique local"), true);
    check("fe80::1", Some("link-local"), true);
    check("ff02::1", Some("multicast"), true);
    check("4000::1", Some("outside of global unicast"), true);
}

#[test]
fn every_special_range_is_read_and_found_at_its_edges() {
    for range in special::RANGES {
        let said = parse_networks(range.block).unwrap();
        assert!(!said.had_host_bits, "{}", range.block);
        for address in [said.blocks[0].first(), said.blocks[0].last()] {
            let found = special_range(address).unwrap();
            // At its edges a range may have a narrower one inside.
            let narrower = parse_networks(found.block).unwrap().blocks[0].prefix() >= said.blocks[0].prefix();
            assert!(narrower, "{}: {} is {}", range.block, address, found.block);
        }
    }
}

/// A list of this kind and class with these entries.
fn list(kind: ListKind, class: Option<NetworkClass>, entries: &[&str]) -> ListNow {
    let contents = (!entries.is_empty())
        .then(|| read_entries(entries.join("\n").as_bytes(), kind, &Form::default(), None).unwrap().contents);
    let from = ListSource::Inline(Arc::new(contents.unwrap_or_else(|| Contents::empty(kind))));
    ListNow::of(&ListDecl { name: "x".into(), kind, class, from })
}

#[test]
fn a_list_denies_only_while_it_is_whole_and_fresh() {
    let whole = list(ListKind::Address, None, &["192.0.2.0/24"]);
    let partial = ListNow { unknown: Some(Cause::Partial), ..whole.clone() };
    let gone = ListNow { contents: None, unknown: Some(Cause::Down), ..whole.clone() };
    for (list, member, other) in [
        (&whole, YES, NO),
        (&partial, YES, Answer::unknown(Cause::Partial)),
        (&gone, Answer::unknown(Cause::Down), Answer::unknown(Cause::Down)),
    ] {
        assert_eq!([ip("192.0.2.1"), ip("198.51.100.1")].map(|address| list.has_address(address)), [member, other]);
    }
    assert_eq!(whole.has_asn(1), Answer::unknown(Cause::NoSource));
    let asns = list(ListKind::Asn, None, &["AS64500"]);
    assert_eq!([64500, 64501].map(|asn| asns.has_asn(asn)), [YES, NO]);
    let texts = list(ListKind::Text, None, &["Vendor.Example"]);
    assert_eq!(texts.has_text("Vendor.Example", false), YES);
    assert_eq!(texts.has_text("vendor.example", false), NO);
    assert_eq!(texts.has_text("vendor.example", true), YES);
}

#[test]
fn a_list_that_is_too_old_says_nothing_of_its_members_either() {
    let as_of = "2026-11-01T00:00:00Z".parse().unwrap();
    let file = FileNow {
        stands_in: None,
        digest: String::new(),
        entries: 1,
        as_of,
        older_than_max: Some(jiff::SignedDuration::from_hours(48)),
    };
    let fresh = ListNow { file: Some(file), ..list(ListKind::Address, None, &["192.0.2.0/24"]) };
    let lists = Lists::new(vec![fresh.clone(), ListNow { file: None, ..fresh }]);
    let answers = |now: &str| {
        let lists = lists.at(now.parse().unwrap());
        [0, 1].map(|at| lists.get(at).unwrap().has_address(ip("192.0.2.1")))
    };
    assert_eq!(answers("2026-11-03T00:00:00Z"), [YES, YES]);
    assert_eq!(answers("2026-11-03T00:00:01Z"), [Answer::unknown(Cause::ListStale), YES]);
    assert_eq!(lists.by_name("x"), lists.get(0));
}

/// How a source stands, for a naive reading: `Some(true)` it says yes, `None` it cannot say.
type Say = Option<bool>;

fn kleene_or(says: &[Say]) -> Say {
    if says.contains(&Some(true)) {
        Some(true)
    } else if says.is_empty() || says.contains(&None) {
        None
    } else {
        Some(false)
    }
}

/// What the rules on classes say, read word by word.
fn naive(class: NetworkClass, told: &dyn Fn(NetworkClass) -> Say) -> Say {
    let without: &[NetworkClass] = match class {
        NetworkClass::Private => return Some(false),
        NetworkClass::Vpn => &[NetworkClass::Relay],
        NetworkClass::Hosting => &[NetworkClass::Relay, NetworkClass::Corporate],
        _ => &[],
    };
    let lacked: Vec<Say> = without.iter().map(|other| told(*other)).collect();
    if told(class) == Some(false) || lacked.contains(&Some(true)) {
        return Some(false);
    }
    if told(class).is_none() || lacked.contains(&None) { None } else { Some(true) }
}

fn say_of(classes: &Classes, class: NetworkClass) -> Say {
    match classes.any_of(ClassSet::NONE.with(class)) {
        Answer::Yes(_) => Some(true),
        Answer::No(_) => Some(false),
        Answer::Unknown(_) => None,
    }
}

/// A list for each, of this class and kind, which says this of the address and of the AS number.
fn lists_of(says: &[(NetworkClass, bool, Say)]) -> Lists {
    let one = |(class, by_asn, say): &(NetworkClass, bool, Say)| {
        let (kind, member, other) =
            if *by_asn { (ListKind::Asn, "64500", "64501") } else { (ListKind::Address, "8.8.8.0/24", "192.0.2.1") };
        let list = list(kind, Some(*class), &[if *say == Some(true) { member } else { other }]);
        ListNow { unknown: say.is_none().then_some(Cause::Partial), ..list }
    };
    says.iter().map(one).collect()
}

fn says() -> impl Strategy<Value = Vec<(NetworkClass, bool, Say)>> {
    let class = prop::sample::select(&NetworkClass::ALL[..8]);
    prop::collection::vec((class, any::<bool>(), any::<Say>()), 0..16)
}

proptest! {
    #[test]
    fn classes_are_what_a_naive_reading_of_the_rules_says(
        says in says(),
        yes in 0_u16..256, no in 0_u16..256, is_down in any::<bool>(),
    ) {
        let set = |bits: u16| NetworkClass::ALL.iter().copied().filter(|class| bits >> (*class as u16) & 1 == 1).collect::<ClassSet>();
        let unknown = if is_down { Cause::Down } else { Cause::NoSource };
        let databases = ClassAnswers { yes: set(yes & !no), no: set(no), unknown };
        let classes = lists_of(&says).classes_of(ip("8.8.8.8"), Ok(64500), databases);
        let told = |class: NetworkClass| {
            let mut all: Vec<Say> = says.iter().filter(|one| one.0 == class).map(|one| one.2).collect();
            if databases.yes.has(class) || databases.no.has(class) {
                all.push(Some(databases.yes.has(class)));
            } else if is_down {
                all.push(None);
            }
            kleene_or(&all)
        };
        for class in NetworkClass::ALL {
            prop_assert_eq!(say_of(&classes, *class), naive(*class, &told), "{:?} of {:?}", class, classes);
        }
    }

    /// Whatever goes wrong with a source, an answer that stays known stays the same.
    #[test]
    fn a_source_that_is_lost_never_turns_an_answer_round(says in says(), lost in any::<prop::sample::Index>(), how in 0..3) {
        prop_assume!(!says.is_empty());
        let whole = lists_of(&says);
        let lost = lost.index(says.len());
        let worse: Lists = whole.iter().enumerate().map(|(at, list)| match how {
            _ if at != lost => list.clone(),
            0 => ListNow { contents: None, unknown: Some(Cause::ListStale), ..list.clone() },
            1 => ListNow { contents: None, unknown: Some(Cause::Down), ..list.clone() },
            _ => ListNow { unknown: Some(Cause::Partial), ..list.clone() },
        }).collect();
        let classes = |lists: &Lists| lists.classes_of(ip("8.8.8.8"), Ok(64500), ClassAnswers::unknown(Cause::NoSource));
        let (before, after) = (classes(&whole), classes(&worse));
        for class in NetworkClass::ALL {
            let after = say_of(&after, *class);
            prop_assert!(after.is_none() || after == say_of(&before, *class), "{:?}", class);
        }
    }
}

#[test]
fn what_lacks_another_class_is_unknown_for_want_of_it() {
    use NetworkClass::{Corporate, Hosting, Private, Relay, Tor, Vpn};
    let nothing = ClassAnswers::unknown(Cause::NoSource);
    let check = |says: &[(NetworkClass, Say)], class, wanted: Answer| {
        let says: Vec<_> = says.iter().map(|(class, say)| (*class, false, *say)).collect();
        let classes = lists_of(&says).classes_of(ip("8.8.8.8"), Err(Cause::NotInDatabase), nothing);
        assert_eq!(classes.any_of(ClassSet::NONE.with(class)), wanted, "{says:?}");
    };
    let no_source = Answer::unknown(Cause::NoSource);
    check(&[], Tor, no_source);
    check(&[], Private, NO);
    check(&[(Vpn, Some(true))], Vpn, no_source);
    check(&[(Vpn, Some(false))], Vpn, NO);
    check(&[(Vpn, Some(true)), (Relay, Some(false))], Vpn, YES);
    check(&[(Vpn, Some(true)), (Relay, Some(true))], Vpn, NO);
    check(&[(Vpn, Some(true)), (Relay, None)], Vpn, Answer::unknown(Cause::Partial));
    check(&[(Hosting, Some(true)), (Relay, Some(false))], Hosting, no_source);
    check(&[(Hosting, Some(true)), (Relay, Some(false)), (Corporate, Some(false))], Hosting, YES);
    check(&[(Hosting, Some(true)), (Corporate, Some(true))], Hosting, NO);
    check(&[(Hosting, None), (Relay, Some(true))], Hosting, NO);
    let private = Lists::default().classes_of(ip("::ffff:10.0.0.1"), Err(Cause::NoSource), nothing);
    assert_eq!(private.any_of(ClassSet::NONE.with(Private)), YES);
    let redacted = ClassAnswers { no: ClassSet::NONE.with(Private), ..nothing };
    let routed = Lists::default().classes_of(ip("198.18.0.1"), Err(Cause::NoSource), redacted);
    assert_eq!(routed.any_of(ClassSet::NONE.with(Private)), NO);
}

#[test]
fn a_question_about_several_classes_names_the_causes_of_those_asked() {
    use NetworkClass::{Proxy, Tor, Vpn};
    let set = |classes: &[NetworkClass]| classes.iter().copied().collect::<ClassSet>();
    let classes =
        Classes::unknown(Cause::NoSource).with(Tor, YES).with(Vpn, NO).with(Proxy, Answer::unknown(Cause::ListStale));
    assert_eq!(classes.any_of(set(&[Vpn, Proxy, Tor])), YES);
    assert_eq!(classes.any_of(set(&[Vpn])), NO);
    assert_eq!(classes.any_of(set(&[Vpn, Proxy])), Answer::unknown(Cause::ListStale));
    let both = Causes::from(Cause::ListStale).with(Cause::NoSource.into());
    assert_eq!(classes.any_of(set(&[Proxy, NetworkClass::Mobile])), Answer::Unknown(both));
    assert_eq!((classes.yes(), classes.no()), (set(&[Tor]), set(&[Vpn])));
    assert_eq!(classes.with(Tor, NO).yes(), ClassSet::NONE);
    let asn = lists_of(&[(Tor, true, Some(true))]);
    let unknown = asn.classes_of(ip("8.8.8.8"), Err(Cause::NotInDatabase), ClassAnswers::unknown(Cause::NoSource));
    assert_eq!(unknown.any_of(set(&[Tor])), Answer::unknown(Cause::NotInDatabase));
}
