//! A pass over the parser's events, for what its tree no longer shows: what only TOML 1.1 allows, tables that stand
//! apart from where they belong, where each key was defined first, and how deep values nest.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::mem::take;
use std::ops::Range;

use toml_parser::Source as Input;
use toml_parser::decoder::Encoding;
use toml_parser::parser::{Event, EventKind, RecursionGuard, parse_document};

use super::keys::{Keys, Node, ROOT, Step};
use crate::diagnostic::{Code, Diagnostic, Source, quoted};

/// Values nest no deeper, and dotted keys have no more parts, so that no reader needs more stack than it has.
const NESTING_MAX: usize = 32;

/// Nor is anything more steps from the file itself: each level of braces may begin with a dotted key.
const STEPS_MAX: usize = 3 * NESTING_MAX;

/// What the pass saw.
#[derive(Debug, Default)]
pub(super) struct Scan {
    /// Why the text must not even be parsed.
    pub(super) too_deep: Option<Diagnostic>,
    /// What only TOML 1.1 allows, in file order, with its place.
    pub(super) too_new: Vec<(usize, Diagnostic)>,
    /// Tables that stand apart from the entry they belong to, in file order.
    pub(super) misplaced: Vec<Diagnostic>,
    /// Every key and where it stands.
    pub(super) keys: Keys,
}

/// Looks over the whole text, however broken it is.
pub(super) fn scan(source: &Source) -> Scan {
    let input = Input::new(&source.text);
    let tokens = input.lex().into_vec();
    let mut events: Vec<Event> = Vec::with_capacity(tokens.len());
    let mut guarded = RecursionGuard::new(&mut events, 2 * u32::try_from(NESTING_MAX).unwrap_or(0));
    parse_document(&tokens, &mut guarded, &mut ());
    let mut scanner = Scanner {
        source,
        input,
        scan: Scan::default(),
        opened: Vec::new(),
        base: ROOT,
        value: ROOT,
        parts: Vec::new(),
        comma: None,
        previous: ROOT,
        elements: BTreeMap::new(),
    };
    for event in &events {
        scanner.take_in(event);
    }
    scanner.scan
}

/// An inline table or array whose end has not come yet.
struct Opened {
    is_table: bool,
    reported: bool,
    start: usize,
    /// What was current around it.
    base: Node,
    value: Node,
}

struct Scanner<'s> {
    source: &'s Source,
    input: Input<'s>,
    scan: Scan,
    opened: Vec<Opened>,
    /// Keys that come now stand below this.
    base: Node,
    /// The key whose value comes now.
    value: Node,
    /// The parts of a dotted key or header so far.
    parts: Vec<(String, Range<usize>)>,
    /// The comma that was the last thing of weight.
    comma: Option<Range<usize>>,
    /// The last header.
    previous: Node,
    /// Arrays of tables, each with its last element.
    elements: BTreeMap<Node, Node>,
}

impl Scanner<'_> {
    fn take_in(&mut self, event: &Event) {
        let span = event.span().start()..event.span().end();
        let kind = event.kind();
        if kind == EventKind::InlineTableClose {
            self.refuse_last_comma();
        }
        if !matches!(kind, EventKind::Whitespace | EventKind::Comment | EventKind::Newline) {
            self.comma = None;
        }
        match kind {
            EventKind::StdTableOpen | EventKind::ArrayTableOpen => self.parts.clear(),
            EventKind::StdTableClose => self.header(false),
            EventKind::ArrayTableClose => self.header(true),
            EventKind::SimpleKey => {
                let mut key = Cow::Borrowed("");
                if let Some(raw) = self.input.get(event) {
                    raw.decode_key(&mut key, &mut ());
                }
                self.parts.push((key.into_owned(), span));
                self.refuse_nesting();
                self.refuse_escapes(event);
            }
            EventKind::KeyValSep => {
                self.value = self.define(self.base);
                self.refuse_nesting();
            }
            EventKind::InlineTableOpen | EventKind::ArrayOpen => self.open(kind == EventKind::InlineTableOpen, span),
            EventKind::InlineTableClose | EventKind::ArrayClose => self.close(),
            EventKind::ValueSep => self.comma = Some(span),
            EventKind::Newline => self.refuse_line_end(),
            EventKind::Scalar => {
                self.refuse_escapes(event);
                self.refuse_short_time(event);
            }
            EventKind::KeySep | EventKind::Whitespace | EventKind::Comment | EventKind::Error => {}
        }
    }

    /// Takes the parts of a key as a path below this one.
    fn define(&mut self, base: Node) -> Node {
        let parts = take(&mut self.parts);
        parts.into_iter().fold(base, |node, (part, span)| self.scan.keys.step(node, Step::Key(part), span))
    }

    fn header(&mut self, is_array: bool) {
        let parts = take(&mut self.parts);
        let Some((first, last)) = parts.first().zip(parts.last()).map(|(first, last)| (first.1.start, last.1.end))
        else {
            return;
        };
        let (mut node, mut parent) = (ROOT, ROOT);
        for (part, span) in parts {
            parent = self.elements.get(&node).copied().unwrap_or(node);
            node = self.scan.keys.step(parent, Step::Key(part), span);
        }
        self.refuse_misplaced(parent, first..last);
        if is_array {
            let element = self.scan.keys.step(node, Step::Inside(first), first..last);
            self.elements.insert(node, element);
            node = element;
        }
        self.base = node;
        self.previous = node;
    }

    fn open(&mut self, is_table: bool, span: Range<usize>) {
        let start = span.start;
        let inside = self.scan.keys.step(self.value, Step::Inside(start), span);
        self.opened.push(Opened { is_table, reported: false, start, base: self.base, value: self.value });
        self.base = inside;
        self.value = inside;
        self.refuse_nesting();
    }

    fn close(&mut self) {
        if let Some(opened) = self.opened.pop() {
            self.base = opened.base;
            self.value = opened.value;
        }
    }

    fn refuse_misplaced(&mut self, parent: Node, span: Range<usize>) {
        let Some((element, first)) = self.scan.keys.element_of(parent) else { return };
        if self.scan.keys.is_within(self.previous, element) {
            return;
        }
        let shown = |span: &Range<usize>| self.source.text.get(span.clone()).unwrap_or_default();
        let (name, entry) = (quoted(shown(&span)), quoted(&format!("[[{}]]", shown(&first))));
        let message = format!("table {name} stands apart from the {entry} it belongs to");
        let fault = Diagnostic::new(Code::MisplacedTable, message)
            .at(self.source, span, "")
            .at(self.source, first, "it belongs to this one")
            .help("put it directly under that header, before any other");
        self.scan.misplaced.push(fault);
    }

    fn refuse_nesting(&mut self) {
        let is_shallow = self.opened.len() <= NESTING_MAX && self.parts.len() <= NESTING_MAX;
        if is_shallow && self.scan.keys.depth(self.value) <= STEPS_MAX || self.scan.too_deep.is_some() {
            return;
        }
        let last_part = self.parts.last().map(|(_, span)| span.clone());
        let span = last_part.or_else(|| self.opened.last().map(|opened| opened.start..opened.start + 1));
        let levels_max = if is_shallow { STEPS_MAX } else { NESTING_MAX };
        let message = format!("this nests more than {levels_max} levels deep");
        self.scan.too_deep = Some(Diagnostic::new(Code::Syntax, message).at(self.source, span.unwrap_or(0..0), ""));
    }

    fn too_new(&mut self, span: Range<usize>, what: &str, help: &str) {
        let message = format!("{what} is not allowed in TOML 1.0");
        let fault = Diagnostic::new(Code::Toml11, message).at(self.source, span.clone(), "").help(help);
        self.scan.too_new.push((span.start, fault));
    }

    fn refuse_line_end(&mut self) {
        let Some(opened) = self.opened.last_mut().filter(|opened| opened.is_table && !opened.reported) else { return };
        opened.reported = true;
        let start = opened.start;
        let help = "close it on its line, or write it as a table with a header of its own";
        self.too_new(start..start + 1, "an inline table over several lines", help);
    }

    fn refuse_last_comma(&mut self) {
        let reported = self.opened.last().is_some_and(|opened| opened.reported);
        if let Some(comma) = self.comma.take().filter(|_| !reported) {
            self.too_new(comma, "a comma after the last entry of an inline table", "remove the comma");
        }
    }

    fn refuse_escapes(&mut self, event: &Event) {
        if !matches!(event.encoding(), Some(Encoding::BasicString | Encoding::MlBasicString)) {
            return;
        }
        let start = event.span().start();
        let text = self.input.get(event).map_or("", |raw| raw.as_str());
        let mut letters = text.char_indices();
        while let Some((at, letter)) = letters.next() {
            if letter != '\\' {
                continue;
            }
            let help = match letters.next() {
                Some((_, 'e')) => "write `\\u001b`",
                Some((_, 'x')) => "write `\\u00` and the two digits",
                _ => continue,
            };
            self.too_new(start + at..start + at + 2, "this escape", help);
        }
    }

    fn refuse_short_time(&mut self, event: &Event) {
        if event.encoding().is_some() {
            return;
        }
        let text = self.input.get(event).map_or("", |raw| raw.as_str());
        // Hours and minutes are two digits each, so that a whole time has its second colon three bytes after the first.
        let after_hours = text.split_once(':').map(|(_, after)| after);
        if after_hours.is_some_and(|after| after.as_bytes().get(2) != Some(&b':')) {
            let span = event.span().start()..event.span().end();
            self.too_new(span, "a time without seconds", "write the seconds, as in `07:30:00`");
        }
    }
}
