//! Every format with what is right, what is damaged and what is hostile.

use std::fmt::Write as _;

use super::*;
use crate::address::{Contents, Format::*, Match};
use crate::model::Foreign;

fn form(format: Option<Format>, columns: &[&str]) -> Form {
    let column = |text: &&str| text.parse().map_or_else(|_| Column::Name((*text).to_owned()), Column::Number);
    Form { format, columns: columns.iter().map(column).collect() }
}

fn read(text: &str, form: &Form) -> Result<Reading, ListFault> {
    read_entries(text.as_bytes(), ListKind::Address, form, None)
}

fn find(reading: &Reading, address: &str) -> Option<(String, u32)> {
    let found = reading.contents.find(address.parse().unwrap());
    found.map(|Match { block, place }| (block.to_string(), place))
}

/// Reads a list of addresses and says in which format, which entries, and what could not be read.
fn check(text: &str, form: &Form, format: Format, wanted: &[(&str, &str, u32)], unreadable: &[&str]) {
    let reading = read(text, form).unwrap_or_else(|fault| panic!("{fault}\n{text}"));
    assert_eq!(reading.format, format, "{text}");
    for (address, block, place) in wanted {
        assert_eq!(find(&reading, address), Some(((*block).to_owned(), *place)), "{address} in\n{text}");
    }
    assert_eq!((reading.contents.len(), reading.entries), (wanted.len(), wanted.len()), "{text}");
    let faults: Vec<String> = reading.faults.iter().map(ToString::to_string).collect();
    assert_eq!(faults, unreadable, "{text}");
    assert_eq!(reading.unreadable, unreadable.len());
}

fn fault(text: &str, form: &Form) -> ListFault {
    read(text, form).unwrap_err()
}

const TWO: &[(&str, &str, u32)] = &[("192.0.2.1", "192.0.2.0/24", 1), ("2001:db8::1", "2001:db8::/32", 2)];

#[test]
fn a_plain_list_has_an_entry_on_each_line_and_remarks_anywhere() {
    let any = Form::default();
    check("192.0.2.0/24\n2001:db8::/32\n", &any, Plain, TWO, &[]);
    check("\u{feff}192.0.2.0/24\r\n2001:db8::/32", &any, Plain, TWO, &[]);
    let remarks = "# list\n; other\n\n 192.0.2.0/24 ; SBL1\n\t2001:db8::/32# x\n";
    let there = &[("192.0.2.1", "192.0.2.0/24", 4), ("2001:db8::1", "2001:db8::/32", 5)];
    check(remarks, &any, Plain, there, &[]);
    let range = &[("198.51.100.1", "198.51.100.0/31", 1)];
    check("198.51.100.0 - 198.51.100.1\n", &any, Plain, range, &[]);
}

#[test]
fn what_cannot_be_read_is_told_by_its_line_and_voids_no_other() {
    let text = "192.0.2.0/24\n2001:db8::/32\n10.0.0.0/33\n192.0.2.1 192.0.2.2\n";
    let unreadable = [
        "line 3: its prefix length is no number from 0 to 32, or 128 for IPv6",
        "line 4: there is more on the line than one entry",
    ];
    check(text, &Form::default(), Plain, TWO, &unreadable);
    let all = read("192.0.2.0/24\n192.0.2.9\n0.0.0.0/0\n", &Form::default()).unwrap();
    assert_eq!(all.faults[0].to_string(), "line 3: it holds every address there is");
    assert!(all.contents.find("198.51.100.1".parse().unwrap()).is_none());
}

#[test]
fn bits_behind_a_prefix_are_dropped_and_counted() {
    let reading = read("192.0.2.77/24\n", &Form::default()).unwrap();
    assert_eq!((reading.had_host_bits, reading.unreadable), (1, 0));
    assert_eq!(find(&reading, "192.0.2.1"), Some(("192.0.2.0/24".to_owned(), 1)));
}

#[test]
fn csv_has_entries_under_a_name_or_in_a_numbered_column() {
    let named = "Name,Prefix\na,192.0.2.0/24\n# remark\n\"b, c\",2001:db8::/32\n";
    let there = &[("192.0.2.1", "192.0.2.0/24", 2), ("2001:db8::1", "2001:db8::/32", 4)];
    check(named, &form(Some(Csv), &["prefix"]), Csv, there, &[]);
    check(named, &form(None, &["2"]), Csv, there, &[]);
    check(&named.replace(',', ";").replace("b; c", "b, c"), &form(None, &["PREFIX"]), Csv, there, &[]);
    check("192.0.2.0/24,DE,Berlin\n2001:db8::/32,FR,Paris\n", &form(Some(Csv), &[]), Csv, TWO, &[]);
    check("192.0.2.0/24\tx\n2001:db8::/32\ty\n", &form(Some(Csv), &["1"]), Csv, TWO, &[]);
    let both = "v4,v6\n192.0.2.0/24,\n,2001:db8::/32\n";
    let there = &[("192.0.2.1", "192.0.2.0/24", 2), ("2001:db8::1", "2001:db8::/32", 3)];
    check(both, &form(None, &["v4", "v6"]), Csv, there, &[]);
}

#[test]
fn a_record_of_csv_that_may_hide_another_is_not_read() {
    let columns = form(Some(Csv), &["2"]);
    let there = &[("192.0.2.1", "192.0.2.0/24", 2), ("2001:db8::1", "2001:db8::/32", 3)];
    let text = "name,net\na,192.0.2.0/24\nb,2001:db8::/32\n";
    check(
        &format!("{text}c, d,10.0.0.0/8\n"),
        &columns,
        Csv,
        there,
        &["line 4: it has another number of fields than the first line"],
    );
    check(
        &format!("{text}c\n"),
        &columns,
        Csv,
        there,
        &["line 4: it has another number of fields than the first line"],
    );
    check(&format!("{text}c,\n"), &columns, Csv, there, &["line 4: its column is empty"]);
    let unclosed = ["line 4: its record goes over several lines", "line 5: its record goes over several lines"];
    check(&format!("{text}\"c,10.0.0.0/8\nd,172.16.0.0/12\n"), &columns, Csv, there, &unclosed);
    // A first line that is a damaged entry is no header.
    let damaged = &[("192.0.2.1", "192.0.2.0/24", 2), ("2001:db8::1", "2001:db8::/32", 3)];
    check(
        "192.0.2.300,x\n192.0.2.0/24,x\n2001:db8::/32,y\n",
        &form(Some(Csv), &[]),
        Csv,
        damaged,
        &["line 1: it is no address"],
    );
    assert_eq!(fault("a,b\n1,2\n", &form(None, &["c"])), ListFault::NoColumn { name: "c".to_owned() });
    assert_eq!(fault("a,b\n1,2\n", &form(None, &["3"])), ListFault::NoColumn { name: "3".to_owned() });
}

#[test]
fn json_has_entries_in_an_array_or_under_keys() {
    let any = Form::default();
    check(r#"["192.0.2.0/24", " 2001:db8::/32 "]"#, &any, Json, TWO, &[]);
    let warning_list = r#"{"description": "x", "list": ["192.0.2.0/24", "2001:db8::/32"], "version": 3}"#;
    check(warning_list, &any, Json, TWO, &[]);
    check(warning_list, &form(Some(Misp), &[]), Misp, TWO, &[]);
    let objects = r#"[{"net": "192.0.2.0/24", "x": {"net": "10.0.0.0/8"}}, {"net": ["2001:db8::/32"]}]"#;
    check(objects, &form(None, &["net"]), Json, TWO, &[]);
    let cloud = r#"{"syncToken": "1", "prefixes": [{"ip_prefix": "192.0.2.0/24", "region": "x"}],
                    "ipv6_prefixes": [{"ipv6_prefix": "2001:db8::/32"}]}"#;
    check(cloud, &form(None, &["prefixes.ip_prefix", "ipv6_prefixes.ipv6_prefix"]), Json, TWO, &[]);
    let mixed = r#"{"prefixes": [{"ipv4Prefix": "192.0.2.0/24"}, {"ipv6Prefix": "2001:db8::/32"}]}"#;
    check(mixed, &form(None, &["prefixes.ipv4Prefix", "prefixes.ipv6Prefix"]), Json, TWO, &[]);
}

#[test]
fn entries_that_a_path_misses_are_not_lost_unnoticed() {
    let columns = form(None, &["net"]);
    let text = r#"[{"net": "192.0.2.0/24"}, {"net": "2001:db8::/32"}, {"network": "10.0.0.0/8"}, {"net": null}]"#;
    let unreadable =
        ["entry 3: it is neither a text nor a whole number", "entry 4: it is neither a text nor a whole number"];
    check(text, &columns, Json, TWO, &unreadable);
    assert_eq!(fault(r#"{"nets": ["192.0.2.0/24"]}"#, &columns), ListFault::NoColumn { name: "net".to_owned() });
    let one_of_two = form(None, &["a", "b.c"]);
    assert_eq!(fault(r#"{"a": ["192.0.2.1"]}"#, &one_of_two), ListFault::NoColumn { name: "b.c".to_owned() });
    assert!(matches!(fault(r#"[{"net": "192.0.2.0/24"}]"#, &Form::default()), ListFault::MostlyUnreadable { .. }));
}

#[test]
fn json_lines_have_a_value_on_each() {
    check("\"192.0.2.0/24\"\n\"2001:db8::/32\"\n", &form(Some(JsonLines), &[]), JsonLines, TWO, &[]);
    let objects = "{\"ip\": \"192.0.2.0/24\"}\n{\"ip\": \"2001:db8::/32\"}\n{\"ip\": \n{}\n";
    let unreadable = ["line 3: it is not one JSON value", "line 4: it is neither a text nor a whole number"];
    check(objects, &form(None, &["ip"]), JsonLines, TWO, &unreadable);
}

#[test]
fn a_dump_of_ipset_has_one_set_of_networks() {
    let text = "create tor hash:net family inet hashsize 1024 maxelem 65536 timeout 0 comment\n\
                add tor 192.0.2.0/24 timeout 86400 comment \"not a nomatch\"\nadd tor 2001:db8::/32\n";
    let there = &[("192.0.2.1", "192.0.2.0/24", 2), ("2001:db8::1", "2001:db8::/32", 3)];
    check(text, &Form::default(), Ipset, there, &[]);
    check(
        &format!("{text}flush\nadd tor 192.0.2.1,tcp:80\n"),
        &Form::default(),
        Ipset,
        there,
        &["line 4: it is neither `create` nor `add`", "line 5: it is no address"],
    );
    for (more, wanted) in [
        ("add tor 192.0.2.9 nomatch\n", ListFault::Nomatch),
        ("add other 192.0.2.9\n", ListFault::SeveralSets),
        ("create tor hash:net,port\n", ListFault::SetType),
    ] {
        assert_eq!(fault(&format!("{text}{more}"), &Form::default()), wanted);
    }
}

#[test]
fn numbers_and_texts_are_read_as_what_they_are() {
    let asns = read_entries(b"AS64500 # x\nas64501\n64502\nAS\n", ListKind::Asn, &Form::default(), None).unwrap();
    let Contents::Asns(numbers) = &asns.contents else { panic!("{asns:?}") };
    assert_eq!([64500, 64501, 64502, 64503].map(|asn| numbers.find(asn)), [Some(1), Some(2), Some(3), None]);
    assert_eq!(asns.faults[0].to_string(), "line 4: it is no AS number such as `AS64500`");
    let json = read_entries(b"[64500, \"AS64501\", -1, 4294967296]", ListKind::Asn, &Form::default(), None).unwrap();
    assert_eq!((json.entries, json.unreadable), (2, 2));
    let texts = read_entries(b"a#b c\nd ;e\n", ListKind::Text, &Form::default(), None).unwrap();
    let Contents::Texts(texts) = texts.contents else { panic!("{texts:?}") };
    assert_eq!(texts.iter().collect::<Vec<_>>(), ["a#b c", "d"]);
}

#[test]
fn what_is_no_list_is_refused_with_what_to_do() {
    let any = Form::default();
    let bytes = |bytes: &[u8]| read_entries(bytes, ListKind::Address, &any, None).unwrap_err();
    assert_eq!(bytes(b"\xff\xfe1\0"), ListFault::Utf16);
    assert_eq!(bytes(b"192.0.2.1\n\0\n"), ListFault::Binary);
    assert_eq!(bytes(b"192.0.2.1\n\xe9\n"), ListFault::NotText { offset: 10 });
    assert_eq!(bytes(&vec![b'\n'; LIST_BYTES_MAX + 1]), ListFault::TooLarge);
    assert_eq!(fault("<!DOCTYPE html>\n404\n", &any), ListFault::WebPage);
    for empty in ["", "\n", "# nothing\n", "[]", "{\"list\": []}", "\u{feff}"] {
        assert_eq!(fault(empty, &any), ListFault::Empty, "{empty:?}");
    }
    assert!(matches!(fault("Too many requests\nRetry later\n192.0.2.1\n", &any), ListFault::MostlyUnreadable { .. }));
    assert_eq!(fault("[\"192.0.2.1\"", &any), ListFault::NotJson { line: 1, column: 12 });
    assert_eq!(fault("[\"192.0.2.1\"] x", &any), ListFault::NotJson { line: 1, column: 15 });
    for fault in [ListFault::WebPage, ListFault::Utf16, ListFault::Empty, ListFault::SeveralSets, ListFault::SetType] {
        assert!(fault.help().is_some() && !fault.to_string().ends_with('.'));
    }
    let name = ListFault::NoColumn { name: "\u{1b}[31m".to_owned() };
    assert!(name.to_string().contains(&Foreign::new("\u{1b}[31m").to_string()));
}

#[test]
fn the_name_of_a_file_tells_its_format_where_its_bytes_do_not() {
    let read = |text: &str, extension| {
        let reading = read_entries(text.as_bytes(), ListKind::Address, &Form::default(), Some(extension));
        reading.map(|reading| reading.format)
    };
    assert_eq!(read("192.0.2.1,x\n", "CSV"), Ok(Csv));
    assert_eq!(read("192.0.2.1\tx\n", "tsv"), Ok(Csv));
    assert_eq!(read("\"192.0.2.1\"\n", "jsonl"), Ok(JsonLines));
    assert_eq!(read("\"192.0.2.1\"\n\"192.0.2.2\"\n", "ndjson"), Ok(JsonLines));
    assert_eq!(read("192.0.2.1\n", "txt"), Ok(Plain));
    assert_eq!(read("192.0.2.1\n", "netset"), Ok(Plain));
    assert_eq!(read("add x 192.0.2.1\n", "conf"), Ok(Ipset));
}

#[test]
fn hostile_lists_end_in_a_fault_and_not_in_the_stack_or_the_memory() {
    let json = form(Some(Json), &[]);
    let keys = form(Some(Json), &["a"]);
    for (text, form) in [
        ("[".repeat(1 << 20), &json),
        ("{\"a\":".repeat(1 << 18), &keys),
        (format!("{{\"x\":{}", "[".repeat(1 << 20)), &keys),
    ] {
        assert!(matches!(fault(&text, form), ListFault::NotJson { .. }));
    }
    let line = "1".repeat(LIST_BYTES_MAX);
    assert!(matches!(fault(&line, &Form::default()), ListFault::MostlyUnreadable { .. }));
    assert!(matches!(fault(&line.replacen('1', ".", 1), &form(Some(Csv), &[])), ListFault::MostlyUnreadable { .. }));
    let unreadable = "x\n".repeat(ENTRIES_MAX + 1);
    assert_eq!(fault(&unreadable, &Form::default()), ListFault::TooManyEntries);
    let elements = format!("[{}0]", "\"::\",".repeat(ENTRIES_MAX + 1));
    assert_eq!(fault(&elements, &json), ListFault::TooManyEntries);
    // Each of these ranges is 254 networks.
    let wide = "::1-ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe\n".repeat(4000);
    assert_eq!(fault(&wide, &Form::default()), ListFault::TooManyEntries);
}

/// Every cut and every flipped bit gives a reading or a fault, and what a reading leaves out it counts.
#[test]
fn a_damaged_list_is_read_as_far_as_it_goes_or_not_at_all() {
    let mut csv = "net,name\n".to_owned();
    let mut plain = String::new();
    for at in 0..9 {
        writeln!(plain, "192.0.{at}.0/24").unwrap();
        writeln!(csv, "192.0.{at}.0/24,\"n {at}\"").unwrap();
    }
    let quoted: Vec<String> = plain.lines().map(|line| format!("\"{line}\"")).collect();
    let json = format!("{{\"list\": [{}]}}", quoted.join(", "));
    let ipset = plain.replace("192", "add x 192");
    let texts = [
        (plain, form(Some(Plain), &[])),
        (csv, form(Some(Csv), &["net"])),
        (json, form(Some(Json), &[])),
        (quoted.join("\n"), form(Some(JsonLines), &[])),
        (ipset, form(Some(Ipset), &[])),
    ];
    for (text, form) in texts {
        for length in 0..text.len() {
            let cut = read_entries(&text.as_bytes()[..length], ListKind::Address, &form, None);
            assert!(cut.is_err() || cut.is_ok_and(|reading| reading.entries <= 9));
        }
        for at in 0..text.len() {
            for bit in 0..8 {
                let mut bytes = text.clone().into_bytes();
                bytes[at] ^= 1 << bit;
                if let Ok(reading) = read_entries(&bytes, ListKind::Address, &form, None) {
                    assert!((1..=10).contains(&reading.entries), "{reading:?}");
                }
            }
        }
    }
}
