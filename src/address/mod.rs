//! Addresses: read, told apart by purpose, and looked up in lists of networks and AS numbers.
//!
//! Pure: lists come as bytes and declarations, from `lists` and `policy`, and the answer to a look-up is yes, no or
//! unknown. What databases say about an address is `places`' business; what both together make of its network classes
//! is put together here, since a class needs all of its sources.

mod contents;
mod declared;
mod format;
mod lists;
mod networks;
mod parse;
mod special;

pub use contents::{Contents, ListKind, Numbers, Texts};
pub use declared::{Column, Form, Format, ListDecl, ListFile, ListSource};
pub use format::{ENTRIES_MAX, EntryFault, FAULTS_KEPT, LIST_BYTES_MAX, ListFault, Reading, read_entries};
pub use lists::{FileNow, ListNow, Lists};
pub use networks::{Match, Networks, prefix_of};
pub use parse::{AddressFault, Block, NetworkFault, Said, canonical, meant, parse_address, parse_asn, parse_networks};
pub use special::{SpecialRange, special_range};

#[cfg(test)]
mod tests;
