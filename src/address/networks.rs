//! Networks in which the narrowest that holds an address is found by one binary search.
//!
//! Nested blocks are flattened once, when they are read: into segments that do not overlap, each of which belongs to the
//! narrowest block around it. So a look-up costs the same whether blocks are nested or not, and n blocks make fewer than
//! 2n segments.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::{Block, canonical};

/// A set of networks, each with its place in the list it came from.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Networks {
    v4: Segments<u32>,
    v6: Segments<u128>,
    blocks: usize,
}

/// The narrowest network that holds an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Match {
    /// The network.
    pub block: Block,
    /// Its place in the list: a line, or the number of an entry where entries have no lines of their own; from 1.
    pub place: u32,
}

/// A block while it is flattened, in order of what is to come first: where it begins, the wider first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Span<T> {
    first: T,
    prefix: u8,
    place: u32,
    last: T,
}

/// Segments without overlaps, in order. Where they begin lies apart, since that is all that a search looks at.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Segments<T> {
    firsts: Vec<T>,
    rest: Vec<Segment<T>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Segment<T> {
    last: T,
    place: u32,
    prefix: u8,
}

impl FromIterator<(Block, u32)> for Networks {
    /// Of a block that is there twice the first place counts.
    fn from_iter<I: IntoIterator<Item = (Block, u32)>>(blocks: I) -> Self {
        let (mut v4, mut v6) = (Vec::new(), Vec::new());
        for (block, place) in blocks {
            let prefix = block.prefix();
            match (block.first(), block.last()) {
                (IpAddr::V4(first), IpAddr::V4(last)) => {
                    v4.push(Span { first: first.to_bits(), last: last.to_bits(), place, prefix });
                }
                (IpAddr::V6(first), IpAddr::V6(last)) => {
                    v6.push(Span { first: first.to_bits(), last: last.to_bits(), place, prefix });
                }
                // A block has one family.
                _ => {}
            }
        }
        let (v4, v6) = (distinct(v4), distinct(v6));
        let blocks = v4.len() + v6.len();
        Self { v4: Segments::of(&v4), v6: Segments::of(&v6), blocks }
    }
}

impl Networks {
    /// The narrowest network that holds the address.
    pub fn find(&self, address: IpAddr) -> Option<Match> {
        let address = canonical(address);
        let (prefix, place) = match address {
            IpAddr::V4(v4) => self.v4.find(v4.to_bits()),
            IpAddr::V6(v6) => self.v6.find(v6.to_bits()),
        }?;
        Some(Match { block: Block::around(address, prefix)?, place })
    }

    /// Whether any of them holds the address.
    pub fn contains(&self, address: IpAddr) -> bool {
        match canonical(address) {
            IpAddr::V4(v4) => self.v4.find(v4.to_bits()).is_some(),
            IpAddr::V6(v6) => self.v6.find(v6.to_bits()).is_some(),
        }
    }

    /// How many networks there are, each counted once.
    pub fn len(&self) -> usize {
        self.blocks
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.blocks == 0
    }
}

fn distinct<T: Ord + Copy>(mut spans: Vec<Span<T>>) -> Vec<Span<T>> {
    spans.sort_unstable();
    spans.dedup_by_key(|span| (span.first, span.prefix));
    spans
}

/// The two neighbours of a number that flattening asks for.
trait Number: Copy + Ord {
    fn after(self) -> Option<Self>;
    fn before(self) -> Self;
}

impl Number for u32 {
    fn after(self) -> Option<Self> {
        self.checked_add(1)
    }
    fn before(self) -> Self {
        self.saturating_sub(1)
    }
}

impl Number for u128 {
    fn after(self) -> Option<Self> {
        self.checked_add(1)
    }
    fn before(self) -> Self {
        self.saturating_sub(1)
    }
}

impl<T: Number> Segments<T> {
    /// Flattens blocks that are sorted: a block lies wholly within another or wholly outside, as prefixes do.
    fn of(spans: &[Span<T>]) -> Self {
        let mut segments = Self { firsts: Vec::with_capacity(spans.len()), rest: Vec::with_capacity(spans.len()) };
        let mut around: Vec<Span<T>> = Vec::new();
        // Where the part that is not yet given to a block begins; nothing once the last address is given.
        let mut at = spans.first().map(|span| span.first);
        for span in spans {
            while let Some(outer) = around.pop_if(|outer| outer.last < span.first) {
                at = segments.push(at, outer.last, &outer);
            }
            if let Some(outer) = around.last() {
                segments.push(at.filter(|at| *at < span.first), span.first.before(), outer);
            }
            at = Some(span.first);
            around.push(*span);
        }
        while let Some(outer) = around.pop() {
            at = segments.push(at, outer.last, &outer);
        }
        segments.firsts.shrink_to_fit();
        segments.rest.shrink_to_fit();
        segments
    }

    /// Gives what is left up to here to this block, and says what is left then.
    fn push(&mut self, at: Option<T>, last: T, span: &Span<T>) -> Option<T> {
        if let Some(first) = at.filter(|at| *at <= last) {
            self.firsts.push(first);
            self.rest.push(Segment { last, place: span.place, prefix: span.prefix });
        }
        last.after()
    }

    fn find(&self, number: T) -> Option<(u8, u32)> {
        let after = self.firsts.partition_point(|first| *first <= number);
        let segment = self.rest.get(after.checked_sub(1)?)?;
        (number <= segment.last).then_some((segment.prefix, segment.place))
    }
}

/// The block of addresses that one household or office has: a /24, or a /48 of IPv6.
pub fn prefix_of(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(address) => Ipv4Addr::from_bits(address.to_bits() & (!0 << 8)).into(),
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & (!0 << 80)).into(),
    }
}
