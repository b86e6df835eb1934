//! Reading what is asked of addresses, AS numbers, classes and versions, and what cases state of them.

use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::sync::Arc;

use super::{Lists, Test};
use crate::address::{Block, Contents, ListKind, ListNow, meant, parse_address, parse_networks};
use crate::diagnostic::{Code, Findings, quoted, quoted_list};
use crate::document::{Item, Kind as Written, did_you_mean};
use crate::facts::{FactSpec, Kind, Operator};
use crate::model::{ClassSet, NetworkClass, Version};

/// AS numbers there can be.
pub(super) const ASNS: RangeInclusive<i64> = 1..=u32::MAX as i64;

/// One address.
pub(super) fn read_address(text: &str, item: &Item<'_>, findings: &mut Findings) -> Option<IpAddr> {
    match parse_address(text) {
        Ok(address) => Some(address),
        Err(fault) => {
            findings.push(item.fault(Code::BadNetwork, format!("{} is not an address: {fault}", quoted(text))));
            None
        }
    }
}

/// One class of networks.
pub(super) fn read_class(
    fact: &FactSpec,
    text: &str,
    item: &Item<'_>,
    findings: &mut Findings,
) -> Option<NetworkClass> {
    let class = NetworkClass::from_word(text);
    if class.is_none() {
        let fault = item.fault(Code::UnknownValue, format!("{} is never {}", quoted(fact.name), quoted(text)));
        let words = NetworkClass::ALL.iter().map(|class| class.word());
        let listed = format!("it is one of {}", quoted_list(words.clone()));
        findings.push(fault.help(did_you_mean(text, words).unwrap_or(listed)));
    }
    class
}

/// One version.
pub(super) fn read_version(item: &Item<'_>, findings: &mut Findings) -> Option<Version> {
    let text = item.text(findings)?;
    let version = text.parse().ok();
    if version.is_none() {
        let fault = item.fault(Code::UnknownValue, format!("{} is not a version", quoted(text)));
        findings.push(fault.help("write one to four whole numbers with dots between, such as `120` or `8.9.1`"));
    }
    version
}

/// The classes that a line asks about.
pub(super) fn read_classes(
    fact: &FactSpec,
    operator: Operator,
    item: &Item<'_>,
    findings: &mut Findings,
) -> Option<(ClassSet, String)> {
    let texts = match operator {
        Operator::Contains => vec![(item.clone(), item.text(findings)?)],
        _ => item.texts(findings)?,
    };
    if texts.is_empty() {
        findings.push(item.fault(Code::EmptySet, format!("{} has no elements", item.subject())));
        return None;
    }
    let written: Vec<String> = texts.iter().map(|(_, text)| quoted(text)).collect();
    let classes: Vec<_> = texts.iter().map(|(element, text)| read_class(fact, text, element, findings)).collect();
    let classes: Option<ClassSet> = classes.into_iter().collect();
    Some((classes?, written.join(", ")))
}

/// The addresses or AS numbers that a line asks about: those written, and the lists it names.
pub(super) fn read_among(
    fact: &FactSpec,
    operator: Operator,
    item: &Item<'_>,
    lists: &mut Lists,
    findings: &mut Findings,
) -> Option<(Test, String)> {
    let kind = if fact.kind == Kind::Asn { ListKind::Asn } else { ListKind::Address };
    let elements = if operator == Operator::Is { vec![item.clone()] } else { item.array(findings)? };
    if elements.is_empty() {
        findings.push(item.fault(Code::EmptySet, format!("{} has no elements", item.subject())));
        return None;
    }
    let before = findings.errors();
    let (mut numbers, mut blocks, mut named, mut written) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for element in &elements {
        if element.kind() == Written::Text
            && let Some(name) = element.text(findings)?.strip_prefix('@')
        {
            named.extend(lists.find_of(kind, name, element, findings).map(|(place, _)| place));
            written.push(quoted(element.text(findings)?));
        } else if kind == ListKind::Asn {
            let number = element.integer_in(ASNS, findings).and_then(|number| u32::try_from(number).ok());
            numbers.extend(number.map(|number| (number, 0)));
            written.extend(number.map(|number| number.to_string()));
        } else if let Some(text) = element.text(findings) {
            blocks.extend(read_blocks(text, element, findings).into_iter().map(|block| (block, 0)));
            written.push(quoted(text));
        }
    }
    let contents = match kind {
        ListKind::Asn => Contents::Asns(numbers.into_iter().collect()),
        _ => Contents::Addresses(blocks.into_iter().collect()),
    };
    let test = Test::Among { wanted: operator != Operator::NotIn, written: at_hand(kind, contents), lists: named };
    (findings.errors() == before).then(|| (test, written.join(", ")))
}

/// What is written in the line itself is always at hand.
pub(super) fn at_hand(kind: ListKind, contents: Contents) -> ListNow {
    ListNow { name: "".into(), kind, class: None, contents: Some(Arc::new(contents)), unknown: None, file: None }
}

/// An address, a network or a range, without bits that its prefix leaves out.
fn read_blocks(text: &str, item: &Item<'_>, findings: &mut Findings) -> Vec<Block> {
    match parse_networks(text) {
        Ok(said) if !said.had_host_bits => return said.blocks,
        Ok(_) => {
            let fault = item.fault(Code::BadNetwork, format!("{} has bits set behind its prefix", quoted(text)));
            let network = meant(text).unwrap_or_default();
            findings.push(fault.help(format!("write {}, or the address alone", quoted(&network))));
        }
        Err(fault) => findings.push(item.fault(Code::BadNetwork, format!("{} is no network: {fault}", quoted(text)))),
    }
    Vec::new()
}
