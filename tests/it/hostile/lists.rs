//! Named lists in every format and of every kind: refused, or read into entries that are found where they were put.

use evictd::address::{
    Column, Contents, FAULTS_KEPT, Form, Format, ListKind, meant, parse_address, parse_asn, parse_networks,
    read_entries,
};

use super::shown::is_harmless;

/// The bytes of one list, read in each format as each kind; and each line of it by itself, as a policy may say it.
pub fn survives(bytes: &[u8]) {
    let unnamed = Format::ALL.iter().copied().map(Some).chain([None]).map(|format| (format, Vec::new()));
    let named = [Some(Format::Csv), Some(Format::Json), Some(Format::JsonLines), None]
        .map(|format| (format, vec![Column::Name("ip".to_owned()), Column::Number(2)]));
    for (format, columns) in unnamed.chain(named) {
        let form = Form { format, columns };
        for kind in ListKind::ALL {
            reads(bytes, *kind, &form);
        }
    }
    for line in String::from_utf8_lossy(bytes).lines().take(100) {
        says(line);
    }
}

fn reads(bytes: &[u8], kind: ListKind, form: &Form) {
    match read_entries(bytes, kind, form, None) {
        Err(fault) => is_harmless("a fault of a list", &fault.to_string()),
        Ok(read) => {
            assert!(read.entries > 0 && read.contents.kind() == kind, "{form:?}");
            assert!(!read.contents.is_empty() && read.faults.len() == read.unreadable.min(FAULTS_KEPT), "{read:?}");
            read.faults.iter().for_each(|fault| is_harmless("a fault of an entry", &fault.to_string()));
            looks_up(bytes, &read.contents);
        }
    }
}

/// Whatever the list says of an address, it says by a network around it.
fn looks_up(bytes: &[u8], contents: &Contents) {
    let Contents::Addresses(networks) = contents else { return };
    let words = String::from_utf8_lossy(bytes);
    for address in words.split_whitespace().take(20).filter_map(|word| parse_address(word).ok()) {
        let found = networks.find(address);
        assert_eq!(found.is_some(), networks.contains(address));
        assert!(found.is_none_or(|found| found.block.contains(address)), "{found:?} of {address}");
    }
}

fn says(line: &str) {
    meant(line);
    parse_asn(line);
    match parse_networks(line) {
        Err(fault) => is_harmless("a fault of a network", &fault.to_string()),
        Ok(said) => {
            assert!(!said.blocks.is_empty() && said.blocks.len() <= 256, "{line}");
            assert!(said.blocks.windows(2).all(|pair| pair[0].last() < pair[1].first()), "{:?}", said.blocks);
        }
    }
}
