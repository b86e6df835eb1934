//! Addresses with a purpose of their own, from IANA's registries of special-purpose addresses (RFC 6890 and those that
//! amend it, as of 2026-11) and its registry of the IPv6 address space.
//!
//! What is not routed in the internet is of the network class *private*, whatever it is meant for.

use std::net::IpAddr;
use std::sync::LazyLock;

use super::{Networks, parse_networks};

/// A range of addresses with a purpose.
#[derive(Debug, PartialEq, Eq)]
pub struct SpecialRange {
    /// What it is for, in a few words.
    pub name: &'static str,
    /// The network, as IANA writes it.
    pub block: &'static str,
    /// Whether it is not routed in the internet.
    pub is_private: bool,
}

const fn private(block: &'static str, name: &'static str) -> SpecialRange {
    SpecialRange { name, block, is_private: true }
}

const fn routed(block: &'static str, name: &'static str) -> SpecialRange {
    SpecialRange { name, block, is_private: false }
}

/// Narrower ranges override wider ones.
pub(super) const RANGES: &[SpecialRange] = &[
    private("0.0.0.0/8", "this network"),
    private("0.0.0.0/32", "unspecified"),
    private("10.0.0.0/8", "private use"),
    private("100.64.0.0/10", "carrier-grade NAT"),
    private("127.0.0.0/8", "loopback"),
    private("169.254.0.0/16", "link-local"),
    private("172.16.0.0/12", "private use"),
    private("192.0.0.0/24", "IETF protocol assignments"),
    routed("192.0.0.9/32", "port control anycast"),
    routed("192.0.0.10/32", "relays around NAT anycast"),
    private("192.0.2.0/24", "documentation"),
    routed("192.31.196.0/24", "AS112"),
    routed("192.52.193.0/24", "automatic multicast tunnelling"),
    routed("192.88.99.0/24", "6to4 relay anycast"),
    private("192.168.0.0/16", "private use"),
    routed("192.175.48.0/24", "AS112"),
    private("198.18.0.0/15", "benchmarking"),
    private("198.51.100.0/24", "documentation"),
    private("203.0.113.0/24", "documentation"),
    private("224.0.0.0/4", "multicast"),
    private("240.0.0.0/4", "reserved"),
    private("255.255.255.255/32", "limited broadcast"),
    private("::/3", "outside of global unicast"),
    private("4000::/2", "outside of global unicast"),
    private("8000::/1", "outside of global unicast"),
    private("::/96", "IPv4-compatible"),
    private("::/128", "unspecified"),
    private("::1/128", "loopback"),
    routed("64:ff9b::/96", "NAT64"),
    private("64:ff9b:1::/48", "local NAT64"),
    private("100::/64", "discard only"),
    private("100:0:0:1::/64", "dummy prefix"),
    private("2001::/23", "IETF protocol assignments"),
    routed("2001::/32", "Teredo"),
    routed("2001:1::1/128", "port control anycast"),
    routed("2001:1::2/128", "relays around NAT anycast"),
    routed("2001:1::3/128", "service registration anycast"),
    private("2001:2::/48", "benchmarking"),
    routed("2001:3::/32", "automatic multicast tunnelling"),
    routed("2001:4:112::/48", "AS112"),
    private("2001:10::/28", "ORCHID"),
    routed("2001:20::/28", "ORCHIDv2"),
    routed("2001:30::/28", "drone remote identification"),
    private("2001:db8::/32", "documentation"),
    routed("2002::/16", "6to4"),
    routed("2620:4f:8000::/48", "AS112"),
    private("3fff::/20", "documentation"),
    private("5f00::/16", "segment routing"),
    private("fc00::/7", "unique local"),
    private("fe80::/10", "link-local"),
    private("fec0::/10", "site-local"),
    private("ff00::/8", "multicast"),
];

static FLAT: LazyLock<Networks> = LazyLock::new(|| {
    let blocks = (0..).zip(RANGES).filter_map(|(at, range)| Some((parse_networks(range.block).ok()?, at)));
    blocks.flat_map(|(said, at)| said.blocks.into_iter().map(move |block| (block, at))).collect()
});

/// The narrowest special-purpose range that an address lies in.
pub fn special_range(address: IpAddr) -> Option<&'static SpecialRange> {
    let at = FLAT.find(address)?.place;
    RANGES.get(usize::try_from(at).ok()?)
}
