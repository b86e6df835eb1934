//! Texts as addresses, networks and AS numbers. Strict: what two programs read differently is refused, with its reason.
//!
//! A network is accepted with bits set behind its prefix and says so, since published lists have such lines; whether
//! that is good enough is for the caller to decide.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv4Subnets, Ipv6Subnets};

/// No address is longer with everything that it must not have around it, in bytes: of a longer text nobody is told more
/// than that it is none.
const TEXT_BYTES_MAX: usize = 100;

/// Why a text is no address. Repeats nothing of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AddressFault {
    /// Nothing is there.
    #[error("it is empty")]
    Empty,
    /// `[2001:db8::1]`.
    #[error("it stands in brackets")]
    Brackets,
    /// `fe80::1%eth0`: what a zone means is known on one host only.
    #[error("it names a zone")]
    Zone,
    /// `192.0.2.1:443`.
    #[error("it has a port")]
    Port,
    /// `192.0.02.1`, which some programs read as octal.
    #[error("it has leading zeros, which some programs read as octal")]
    LeadingZeros,
    /// `192.0.2.0/24`.
    #[error("it is a network, not one address")]
    Network,
    /// Anything else.
    #[error("it is no address")]
    Nonsense,
}

/// Why a text is no network. Repeats nothing of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NetworkFault {
    /// Its address is none.
    #[error(transparent)]
    Address(#[from] AddressFault),
    /// What follows the slash is no length that its family has.
    #[error("its prefix length is no number from 0 to 32, or 128 for IPv6")]
    Prefix,
    /// `0.0.0.0/0`, `::/0`, and ranges as wide: a condition on it would hold for everybody.
    #[error("it holds every address there is")]
    Everything,
    /// `192.0.2.9-192.0.2.1`.
    #[error("the range ends before it begins")]
    Backwards,
    /// `192.0.2.1-2001:db8::1`.
    #[error("the range begins in one family and ends in the other")]
    Families,
}

/// A network: the addresses that share a prefix. A single address is one whose prefix is all of it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Block(IpNet);

impl Block {
    /// The network of this many leading bits around an address; none if its family has no such length.
    pub fn around(address: IpAddr, prefix: u8) -> Option<Self> {
        IpNet::new(address, prefix).ok().map(|net| Self(net.trunc()))
    }

    /// Its first address.
    pub fn first(self) -> IpAddr {
        self.0.network()
    }

    /// Its last address.
    pub fn last(self) -> IpAddr {
        self.0.broadcast()
    }

    /// How many leading bits its addresses share.
    pub fn prefix(self) -> u8 {
        self.0.prefix_len()
    }

    /// Whether the address lies in it.
    pub fn contains(self, address: IpAddr) -> bool {
        self.0.contains(&address)
    }
}

impl fmt::Display for Block {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.prefix_len() == self.0.max_prefix_len() { self.0.addr().fmt(out) } else { self.0.fmt(out) }
    }
}

impl fmt::Debug for Block {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

/// Reads one address, without brackets, zone or port. An IPv4-mapped IPv6 address is its IPv4 address.
///
/// # Errors
///
/// When it is none, or one that two programs could read differently.
pub fn parse_address(text: &str) -> Result<IpAddr, AddressFault> {
    text.parse().map(canonical).map_err(|_error| fault_of(text))
}

/// The address as everything here compares it: an IPv4-mapped IPv6 address is its IPv4 address.
pub fn canonical(address: IpAddr) -> IpAddr {
    address.to_canonical()
}

fn fault_of(text: &str) -> AddressFault {
    let is_address = |text: &str| text.parse::<IpAddr>().is_ok();
    let before = |letter: char| text.rsplit_once(letter).map_or("", |(before, _)| before);
    let without_zeros = || {
        let parts = text.split('.').map(|part| match part.trim_start_matches('0') {
            "" => "0",
            digits => digits,
        });
        parts.collect::<Vec<_>>().join(".")
    };
    match text {
        "" => AddressFault::Empty,
        _ if text.len() > TEXT_BYTES_MAX => AddressFault::Nonsense,
        _ if text.starts_with('[') => AddressFault::Brackets,
        _ if is_address(before('%')) => AddressFault::Zone,
        _ if is_address(before('/')) => AddressFault::Network,
        _ if before(':').parse::<Ipv4Addr>().is_ok() => AddressFault::Port,
        _ if without_zeros().parse::<Ipv4Addr>().is_ok() => AddressFault::LeadingZeros,
        _ => AddressFault::Nonsense,
    }
}

/// What one entry of a list of addresses says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// Its networks: one, or several that make up a range.
    pub blocks: Vec<Block>,
    /// The same network without the bits that were set behind its prefix, if any were.
    pub had_host_bits: bool,
}

/// Reads an address, a network such as `192.0.2.0/24`, or a range such as `192.0.2.1-192.0.2.9`.
///
/// # Errors
///
/// When it is none of these, or holds every address of its family.
pub fn parse_networks(text: &str) -> Result<Said, NetworkFault> {
    if let Some((first, last)) = text.split_once('-') {
        let blocks = range(parse_address(first.trim())?, parse_address(last.trim())?)?;
        return Ok(Said { blocks, had_host_bits: false });
    }
    let Some((address, length)) = text.split_once('/') else {
        let block = Block(parse_address(text)?.into());
        return Ok(Said { blocks: vec![block], had_host_bits: false });
    };
    let written: IpAddr = address.parse().map_err(|_error| fault_of(address))?;
    let net = net(written, length).ok_or(NetworkFault::Prefix)?;
    if net.prefix_len() == 0 {
        return Err(NetworkFault::Everything);
    }
    Ok(Said { blocks: vec![Block(net.trunc())], had_host_bits: net != net.trunc() })
}

/// A network of mapped addresses is one of IPv4 addresses.
fn net(address: IpAddr, length: &str) -> Option<IpNet> {
    let is_number = (1..=3).contains(&length.len()) && length.bytes().all(|byte| byte.is_ascii_digit());
    let length: u8 = length.parse().ok().filter(|_| is_number)?;
    match (address, canonical(address)) {
        (IpAddr::V6(_), IpAddr::V4(inner)) if length >= 96 => Ipv4Net::new(inner, length - 96).ok().map(IpNet::V4),
        _ => IpNet::new(address, length).ok(),
    }
}

fn range(first: IpAddr, last: IpAddr) -> Result<Vec<Block>, NetworkFault> {
    if first.is_ipv4() == last.is_ipv4() && first > last {
        return Err(NetworkFault::Backwards);
    }
    let blocks: Vec<Block> = match (first, last) {
        (IpAddr::V4(Ipv4Addr::UNSPECIFIED), IpAddr::V4(Ipv4Addr::BROADCAST)) => return Err(NetworkFault::Everything),
        (IpAddr::V6(first), IpAddr::V6(last)) if first.is_unspecified() && last == Ipv6Addr::from(u128::MAX) => {
            return Err(NetworkFault::Everything);
        }
        (IpAddr::V4(first), IpAddr::V4(last)) => Ipv4Subnets::new(first, last, 0).map(IpNet::V4).map(Block).collect(),
        (IpAddr::V6(first), IpAddr::V6(last)) => Ipv6Subnets::new(first, last, 0).map(IpNet::V6).map(Block).collect(),
        _ => return Err(NetworkFault::Families),
    };
    Ok(blocks)
}

/// Reads the number of an autonomous system, with or without `AS` before it.
pub fn parse_asn(text: &str) -> Option<u32> {
    let digits =
        text.get(..2).filter(|head| head.eq_ignore_ascii_case("as")).map_or(text, |_| text.get(2..).unwrap_or(""));
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse().ok().filter(|_| is_number)
}

/// The network that was probably meant by one with bits set behind its prefix, for advice.
pub fn meant(text: &str) -> Option<String> {
    let said = parse_networks(text).ok()?;
    said.had_host_bits.then(|| said.blocks.first().map(|block| block.0.to_string()))?
}
