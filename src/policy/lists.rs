//! Named lists: addresses, AS numbers or texts that several conditions share, or that make up a network class.
//!
//! Here is what policies say about them. Files of lists are read by the room `lists`, each cycle anew: a policy set is
//! what its own files say, and does not change with theirs.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::SignedDuration;

use super::read::is_plain;
use crate::address::{
    Column, Contents, ENTRIES_MAX, Form, Format, ListDecl, ListFile, ListKind, ListSource, NetworkFault, meant,
    parse_asn, parse_networks,
};
use crate::diagnostic::{Code, Diagnostic, Findings, Source, quoted};
use crate::document::{Item, Kind, Table, did_you_mean};
use crate::model::NetworkClass;

/// A policy set has no more patterns than this: each may cost a megabyte and milliseconds.
pub(super) const PATTERNS_MAX: usize = 200;

/// What the lines of a policy set share while they are read: the named lists, and room for patterns.
#[derive(Debug, Default)]
pub struct Lists {
    known: BTreeMap<String, List>,
    patterns: usize,
}

#[derive(Debug)]
struct List {
    /// Absent where something is wrong with it.
    decl: Option<Arc<ListDecl>>,
    place: (Source, Range<usize>),
    used: bool,
}

impl Lists {
    /// Reads one `[list.NAME]`.
    pub(super) fn read(&mut self, item: &Item<'_>, findings: &mut Findings) {
        let name = item.key();
        let Some(table) = item.table(findings) else { return };
        if let Some(list) = self.known.get(name) {
            let fault = item.fault_at_key(Code::DuplicateId, format!("another list has the name {}", quoted(name)));
            findings.push(fault.at(&list.place.0, list.place.1.clone(), "first used here"));
            return;
        }
        let before = findings.errors();
        if name.is_empty() || name.len() > 64 || !name.chars().all(is_plain) {
            let fault = item.fault_at_key(Code::BadName, format!("{} cannot be the name of a list", quoted(name)));
            findings.push(fault.help("take letters, digits, `-` and `_`, at most 64"));
        }
        let decl = read_list(name, table, findings).filter(|_| findings.errors() == before).map(Arc::new);
        // A list of a class is used by whatever asks about classes.
        let used = decl.as_ref().is_some_and(|decl| decl.class.is_some());
        let place = (item.source().clone(), item.key_span());
        self.known.insert(name.to_owned(), List { decl, place, used });
    }

    /// The list that this element names, and its place among all lists in order of name; a finding if there is none. A
    /// list that is itself at fault is none either, without a second finding.
    pub(super) fn find(
        &mut self,
        name: &str,
        element: &Item<'_>,
        findings: &mut Findings,
    ) -> Option<(usize, Arc<ListDecl>)> {
        if let Some((at, list)) = self.known.iter_mut().enumerate().find(|(_, (known, _))| *known == name) {
            list.1.used = true;
            return list.1.decl.clone().map(|decl| (at, decl));
        }
        let fault = element.fault(Code::UnknownList, format!("there is no list {}", quoted(name)));
        let nearest = did_you_mean(name, self.known.keys().map(String::as_str));
        let advice = "define `[list.NAME]` in any file of the set; a text that starts with @ is written `@@…`";
        findings.push(fault.help(nearest.unwrap_or_else(|| advice.to_owned())));
        None
    }

    /// The list that this element names, if its entries are what the fact asked about can be: else a finding.
    pub(super) fn find_of(
        &mut self,
        wanted: ListKind,
        name: &str,
        element: &Item<'_>,
        findings: &mut Findings,
    ) -> Option<(usize, Arc<ListDecl>)> {
        let (at, decl) = self.find(name, element, findings)?;
        if decl.kind == wanted {
            return Some((at, decl));
        }
        let (name, kind) = (quoted(name), quoted(decl.kind.word()));
        let message =
            format!("list {name} is of type {kind}, and the fact needs one of type {}", quoted(wanted.word()));
        let mut fault = element.fault(Code::WrongListType, message);
        if let Some(list) = self.known.get(&*decl.name) {
            fault = fault.at(&list.place.0, list.place.1.clone(), "the list");
        }
        findings.push(fault.help("name another list, or ask the fact that the list is about"));
        None
    }

    pub(super) fn report_unused(&self, findings: &mut Findings) {
        for (name, list) in self.known.iter().filter(|(_, list)| !list.used && list.decl.is_some()) {
            let fault = Diagnostic::new(Code::UnusedList, format!("no condition uses list {}", quoted(name)));
            findings.push(fault.at(&list.place.0, list.place.1.clone(), ""));
        }
    }

    /// Whether one pattern more may be compiled; it is counted.
    pub(super) fn has_room_for_a_pattern(&mut self) -> bool {
        self.patterns += 1;
        self.patterns <= PATTERNS_MAX
    }

    /// All lists, in order of name.
    pub(super) fn into_decls(self) -> Vec<Arc<ListDecl>> {
        self.known.into_values().filter_map(|list| list.decl).collect()
    }
}

fn read_list(name: &str, mut table: Table<'_>, findings: &mut Findings) -> Option<ListDecl> {
    let words: Vec<_> = ListKind::ALL.iter().map(|kind| kind.word()).collect();
    let kind = match table.optional("type") {
        Some(item) => item.word(&words, ListKind::from_word, findings),
        None => Some(ListKind::default()),
    };
    let class = read_class(&mut table, kind, findings);
    let (entries, file) = (table.optional("entries"), table.optional("file"));
    let options = FileOptions::ask(&mut table);
    let from = match (entries, file) {
        (Some(_), Some(file)) => {
            let fault = file.fault_at_key(Code::Contradiction, "the list has both `entries` and a `file`");
            findings.push(fault.help("keep one: what is to be added to a published list is a list of its own"));
            None
        }
        (None, None) => {
            let fault = table.fault(Code::MissingKey, "the list has neither `entries` nor a `file`");
            findings.push(fault.help("add `entries = […]`, or `file = \"…\"` with a path from this file's folder on"));
            None
        }
        (Some(entries), None) => {
            options.refuse(findings);
            let contents = kind.and_then(|kind| read_inline(name, kind, &entries, findings));
            contents.map(|contents| ListSource::Inline(Arc::new(contents)))
        }
        (None, Some(file)) => options.read(&file, findings).map(ListSource::File),
    };
    table.finish(findings);
    Some(ListDecl { name: Arc::from(name), kind: kind?, class, from: from? })
}

fn read_class(table: &mut Table<'_>, kind: Option<ListKind>, findings: &mut Findings) -> Option<NetworkClass> {
    let item = table.optional("class")?;
    // What is private follows from the address itself.
    let known = || NetworkClass::ALL.iter().copied().filter(|class| *class != NetworkClass::Private);
    let words: Vec<_> = known().map(NetworkClass::word).collect();
    let class = item.word(&words, |word| known().find(|class| class.word() == word), findings)?;
    if kind == Some(ListKind::Text) {
        let fault = item.fault_at_key(Code::Contradiction, "a list of texts cannot make up a network class");
        findings.push(fault.help("classes are made of lists of type `address` or `asn`"));
    }
    Some(class)
}

/// Keys that say something about a file.
struct FileOptions<'d> {
    format: Option<Item<'d>>,
    column: Option<Item<'d>>,
    older_than_max: Option<Item<'d>>,
    entries_min: Option<Item<'d>>,
    signed: Option<Item<'d>>,
}

impl<'d> FileOptions<'d> {
    fn ask(table: &mut Table<'d>) -> Self {
        Self {
            format: table.optional("format"),
            column: table.optional("column"),
            older_than_max: table.optional("older-than-max"),
            entries_min: table.optional("entries-min"),
            signed: table.optional("signed"),
        }
    }

    /// Without a file none of them means anything.
    fn refuse(self, findings: &mut Findings) {
        for item in [self.format, self.column, self.older_than_max, self.entries_min, self.signed].into_iter().flatten()
        {
            let message = format!("{} speaks of a file, and the list has none", quoted(item.key()));
            findings.push(item.fault_at_key(Code::Contradiction, message).help("remove it, or name a `file`"));
        }
    }

    fn read(self, file: &Item<'_>, findings: &mut Findings) -> Option<ListFile> {
        let before = findings.errors();
        let path = read_path(file, findings);
        let words: Vec<_> = Format::ALL.iter().map(|format| format.word()).collect();
        let format = self.format.and_then(|item| item.word(&words, Format::from_word, findings));
        let columns = self.column.map(|item| read_columns(&item, format, findings)).unwrap_or_default();
        let (minute, years) = (SignedDuration::from_mins(1), SignedDuration::from_hours(10 * 366 * 24));
        let older_than_max = self.older_than_max.and_then(|item| item.duration_in(minute..=years, findings));
        let most = i64::try_from(ENTRIES_MAX).unwrap_or(i64::MAX);
        let entries_min = self.entries_min.and_then(|item| item.integer_in(1..=most, findings));
        let entries_min = entries_min.and_then(|least| usize::try_from(least).ok());
        let is_signed = self.signed.and_then(|item| item.boolean(findings)).unwrap_or(true);
        let form = Form { format, columns };
        (findings.errors() == before).then_some(ListFile {
            path: path?,
            form,
            older_than_max,
            entries_min,
            is_signed,
            pinned: None,
        })
    }
}

/// Relative paths begin at the folder of the policy file.
fn read_path(file: &Item<'_>, findings: &mut Findings) -> Option<PathBuf> {
    let text = file.text(findings)?;
    if text.trim().is_empty() {
        findings.push(file.fault(Code::EmptySet, "`file` must not be empty"));
        return None;
    }
    let folder = Path::new(&*file.source().name).parent().unwrap_or(Path::new(""));
    Some(folder.join(text))
}

fn read_columns(item: &Item<'_>, format: Option<Format>, findings: &mut Findings) -> Vec<Column> {
    if let Some(format @ (Format::Plain | Format::Ipset | Format::Misp)) = format {
        let message = format!("a list in the format {} has no columns", quoted(format.word()));
        findings.push(item.fault_at_key(Code::Contradiction, message).help("remove `column`, or correct `format`"));
        return Vec::new();
    }
    let elements =
        if item.kind() == Kind::Array { item.array(findings).unwrap_or_default() } else { vec![item.clone()] };
    if elements.is_empty() {
        findings.push(item.fault(Code::EmptySet, "`column` has no elements"));
    }
    elements.iter().filter_map(|element| read_column(element, findings)).collect()
}

fn read_column(item: &Item<'_>, findings: &mut Findings) -> Option<Column> {
    const COLUMNS_MAX: i64 = 1000;
    if item.kind() == Kind::Integer {
        let number = item.integer_in(1..=COLUMNS_MAX, findings)?;
        return usize::try_from(number).ok().map(Column::Number);
    }
    let name = item.text(findings)?;
    if name.is_empty() {
        findings.push(item.fault(Code::EmptySet, "a column without a name is none"));
        return None;
    }
    Some(Column::Name(name.to_owned()))
}

fn read_inline(name: &str, kind: ListKind, item: &Item<'_>, findings: &mut Findings) -> Option<Contents> {
    let elements = item.array(findings)?;
    if elements.is_empty() {
        findings.push(item.fault(Code::EmptySet, format!("list {} has no entries", quoted(name))));
        return None;
    }
    let places = elements.iter().zip(1..);
    let before = findings.errors();
    let contents = match kind {
        ListKind::Address => {
            let read = places.filter_map(|(element, place)| Some((read_networks(element, findings)?, place)));
            Contents::Addresses(
                read.flat_map(|(blocks, place)| blocks.into_iter().map(move |block| (block, place))).collect(),
            )
        }
        ListKind::Asn => {
            Contents::Asns(places.filter_map(|(element, place)| Some((read_asn(element, findings)?, place))).collect())
        }
        ListKind::Text => {
            Contents::Texts(elements.iter().filter_map(|element| element.text(findings).map(str::to_owned)).collect())
        }
    };
    (findings.errors() == before).then_some(contents)
}

fn read_networks(element: &Item<'_>, findings: &mut Findings) -> Option<Vec<crate::address::Block>> {
    let text = element.text(findings)?;
    let (why, help) = match parse_networks(text) {
        Ok(said) if !said.had_host_bits => return Some(said.blocks),
        Ok(_) => {
            let help = meant(text).map(|meant| format!("did you mean {}?", quoted(&meant)));
            ("it has bits set behind its prefix".to_owned(), help)
        }
        Err(fault @ NetworkFault::Everything) => {
            (fault.to_string(), Some("name the networks that are meant".to_owned()))
        }
        Err(fault) => {
            let help = "write an address, a network such as `192.0.2.0/24`, or a range such as `192.0.2.1-192.0.2.9`";
            (fault.to_string(), Some(help.to_owned()))
        }
    };
    let fault = element.fault(Code::BadNetwork, format!("{} is not taken for a network: {why}", quoted(text)));
    findings.push(fault.help(help.unwrap_or_default()));
    None
}

fn read_asn(element: &Item<'_>, findings: &mut Findings) -> Option<u32> {
    if element.kind() == Kind::Integer {
        return element.integer_in(0..=i64::from(u32::MAX), findings).and_then(|number| u32::try_from(number).ok());
    }
    let text = element.text(findings)?;
    let number = parse_asn(text);
    if number.is_none() {
        let fault = element.fault(Code::BadAsNumber, format!("{} is no AS number", quoted(text)));
        findings.push(fault.help("write `\"AS64500\"` or the bare number"));
    }
    number
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::address::ListNow;
    use crate::model::{Answer, Strength};
    use crate::policy::{PolicySet, read};

    /// Code, message and help of a finding.
    type Told = (&'static str, String, Option<String>);

    /// Reads a policy file that has this list and nothing else.
    fn policy(list: &str) -> (Option<PolicySet>, Vec<Told>) {
        let source = Source::new("policies/a.toml", format!("schema = 1\n[list.x]\n{list}\n"));
        let mut findings = Findings::default();
        let set = read(&[source], None, &mut findings);
        let found = findings.sorted().into_iter().filter(|one| one.code != Code::UnusedList);
        (set, found.map(|one| (one.code.word(), one.message.clone(), one.help.clone())).collect())
    }

    fn decl(list: &str) -> ListDecl {
        let (set, found) = policy(list);
        let set = set.unwrap_or_else(|| panic!("{list}: {found:?}"));
        ListDecl::clone(&set.lists[0])
    }

    fn check(list: &str, code: &str, words: &str) {
        let (set, found) = policy(list);
        let [(found_code, message, help)] = found.as_slice() else { panic!("{list}: {found:?}") };
        assert!(set.is_none() && *found_code == code, "{list}: {found:?}");
        let told = format!("{message} | {}", help.as_deref().unwrap_or_default());
        assert!(told.contains(words), "{list}: {told}");
    }

    #[test]
    fn entries_in_the_policy_are_at_hand_at_once() {
        let office = ListNow::of(&decl("entries = [\"203.0.113.0/24\", \"2001:db8::-2001:db8::9\"]"));
        assert_eq!((office.kind, office.class), (ListKind::Address, None));
        let says = |list: &ListNow, address: &str| list.has_address(address.parse().unwrap());
        assert_eq!(says(&office, "203.0.113.9"), Answer::Yes(Strength::Exact));
        assert_eq!(says(&office, "2001:db8::a"), Answer::No(Strength::Exact));
        let clouds = decl("type = \"asn\"\nclass = \"hosting\"\nentries = [64500, \"as64501\"]");
        assert_eq!(clouds.class, Some(NetworkClass::Hosting));
        let clouds = ListNow::of(&clouds);
        let answers = [64500, 64501, 64502].map(|asn| clouds.has_asn(asn).is_yes());
        assert_eq!(answers, [true, true, false]);
    }

    #[test]
    fn a_file_is_declared_with_what_is_asked_of_it() {
        let tor = decl(
            "file = \"lists/tor.csv\"\nclass = \"tor\"\nformat = \"csv\"\ncolumn = [\"ip\", 3]\n\
             older-than-max = \"14d\"\nentries-min = 500",
        );
        let ListSource::File(file) = &tor.from else { panic!("{tor:?}") };
        assert_eq!(file.path, Path::new("policies/lists/tor.csv"));
        assert_eq!(file.form.format, Some(Format::Csv));
        assert_eq!(file.form.columns, [Column::Name("ip".to_owned()), Column::Number(3)]);
        assert_eq!(file.older_than_max, Some(SignedDuration::from_hours(14 * 24)));
        assert_eq!(file.entries_min, Some(500));
        let bare = decl("file = \"/srv/lists/x.txt\"");
        let ListSource::File(file) = &bare.from else { panic!("{bare:?}") };
        assert_eq!((file.path.as_path(), &file.form), (Path::new("/srv/lists/x.txt"), &Form::default()));
    }

    #[test]
    fn what_is_wrong_with_a_list_is_told_with_the_way_out() {
        check("", "missing-key", "neither `entries` nor a `file`");
        check("entries = [\"192.0.2.1\"]\nfile = \"x\"", "contradiction", "both");
        check("entries = []", "empty-set", "no entries");
        check("file = \" \"", "empty-set", "`file` must not be empty");
        for key in ["older-than-max = \"14d\"", "entries-min = 5", "format = \"csv\"", "column = 1", "signed = false"] {
            check(&format!("entries = [\"192.0.2.1\"]\n{key}"), "contradiction", "speaks of a file");
        }
        check("type = \"adress\"\nentries = [\"192.0.2.1\"]", "unknown-value", "did you mean `address`?");
        check("class = \"tro\"\nentries = [\"192.0.2.1\"]", "unknown-value", "did you mean `tor`?");
        check("class = \"private\"\nentries = [\"192.0.2.1\"]", "unknown-value", "`class` cannot be `private`");
        check("type = \"text\"\nclass = \"tor\"\nentries = [\"a\"]", "contradiction", "a network class");
        check("entries = [\"10.1.2.3/8\"]", "bad-network", "did you mean `10.0.0.0/8`?");
        check("entries = [\"::/0\"]", "bad-network", "every address");
        check("entries = [\"10.0.0.0/33\"]", "bad-network", "prefix length");
        check("entries = [64500]", "wrong-kind", "a text");
        check("type = \"asn\"\nentries = [\"x\"]", "bad-as-number", "`x` is no AS number");
        check("type = \"asn\"\nentries = [4294967296]", "out-of-range", "4294967295");
        check("file = \"x\"\nentries-min = 0", "out-of-range", "between 1 and 1000000");
        check("file = \"x\"\nolder-than-max = \"14\"", "bad-duration", "14");
        check("file = \"x\"\nsigned = \"no\"", "wrong-kind", "`signed` must be true or false");
        check("file = \"x\"\nolder-than-max = \"1s\"", "out-of-range", "between");
        check("file = \"x\"\nformat = \"xml\"", "unknown-value", "plain");
        check("file = \"x\"\nformat = \"plain\"\ncolumn = 1", "contradiction", "has no columns");
        check("file = \"x\"\ncolumn = 0", "out-of-range", "between 1");
        check("file = \"x\"\ncolumn = \"\"", "empty-set", "without a name");
        check("file = \"x\"\ncolumn = []", "empty-set", "no elements");
        check("file = \"x\"\nolder-than = \"1d\"", "unknown-key", "did you mean `older-than-max`?");
    }

    #[test]
    fn the_name_of_a_list_can_stand_in_the_name_of_a_file() {
        for name in ["\"a/b\"", "\"..\"", "\"a b\"", "\"\"", "\"é\"", &"x".repeat(65)] {
            let source = Source::new("a.toml", format!("schema = 1\n[list.{name}]\nentries = [\"192.0.2.1\"]\n"));
            let mut findings = Findings::default();
            assert!(read(&[source], None, &mut findings).is_none(), "{name}");
            assert_eq!(findings.sorted()[0].code, Code::BadName, "{name}");
        }
    }

    #[test]
    fn lists_stand_in_order_of_name_and_one_of_a_class_is_used() {
        let text = "schema = 1\n[list.b]\nentries = [\"192.0.2.1\"]\n[list.a]\nclass = \"tor\"\nfile = \"x\"\n";
        let mut findings = Findings::default();
        let set = read(&[Source::new("a.toml", text)], None, &mut findings).unwrap();
        assert_eq!(set.lists.iter().map(|list| &*list.name).collect::<Vec<_>>(), ["a", "b"]);
        let found: Vec<_> = findings.sorted().iter().map(|one| one.message.clone()).collect();
        assert_eq!(found, ["no condition uses list `b`"]);
    }

    /// What the page shows is what can be written.
    #[test]
    fn every_example_of_the_page_on_lists_is_read() {
        let page = include_str!("../../docs/lists.md");
        let examples: Vec<&str> = page.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
        assert_eq!(examples.len(), 3);
        for example in examples {
            let source = Source::new("a.toml", format!("schema = 1\n{example}"));
            let mut findings = Findings::default();
            let set = read(&[source], None, &mut findings);
            assert!(set.is_some_and(|set| !set.lists.is_empty()), "{example}: {:?}", findings.sorted());
        }
    }
}
