//! Random policy sets as plain trees: rules, exceptions and lists of texts over the facts of sessions and people.
//!
//! A law can be printed as TOML (`print`) and judged naively (`judge`). It is always one that a strict reader accepts:
//! no empty tables, no key twice, no list that is missing, no glob that matches nothing, no range turned around.

use evictd::model::{Action, Mode, Role, RoleType, Severity};
use fastrand::Rng;

use super::places::{ADDRESS_LIST, ASN_LIST, ASNS, BLOCKS, CLASSES, COUNTRIES, FAMILIES, KINDS, NetworkList, networks};
use super::world::{CUSTOM_ROLES, DAY, EMAILS, EXTERNAL_IDS, GROUPS, LENGTHS, ORGANIZATIONS, RULES, TAGS};
use super::{chance, pick};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Law {
    pub rules: Vec<Rule>,
    pub exceptions: Vec<Exception>,
    pub lists: Vec<List>,
    pub networks: Vec<NetworkList>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    pub id: String,
    pub action: Action,
    /// `None` leaves the default, medium.
    pub severity: Option<Severity>,
    /// `None` leaves the default, report.
    pub mode: Option<Mode>,
    pub when: Table,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exception {
    pub id: String,
    /// Ids or globs.
    pub rules: Vec<String>,
    pub when: Table,
    /// Days since 1970; it holds to the end of that day, UTC.
    pub last_day: i64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct List {
    pub name: String,
    pub entries: Vec<String>,
}

/// Nodes of which every one must hold.
pub type Table = Vec<Node>;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Node {
    Line(Line),
    All(Vec<Table>),
    Any(Vec<Table>),
    Not(Table),
}

impl Node {
    pub fn line(&self) -> Option<&Line> {
        match self {
            Self::Line(line) => Some(line),
            _ => None,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    pub fact: &'static str,
    pub operator: &'static str,
    pub value: Value,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// Milliseconds, whole seconds.
    Length(i64),
    Number(u64),
    Truth(bool),
    Text(String),
    Texts(Vec<Item>),
    Pattern(Pattern),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    Text(String),
    List(String),
    Number(u32),
}

/// Alternatives, each a sequence.
pub type Pattern = Vec<Vec<Piece>>;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    Literal(String),
    /// `.*`
    Anything,
    /// `[a-z]+`
    Letters,
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Length,
    Number,
    /// A number that is often nothing.
    Few,
    Truth,
    /// One of few words, or an id.
    Word(fn() -> Vec<String>),
    Text(fn() -> Vec<String>),
    Set(fn() -> Vec<String>),
    /// One of few words and no other, so that lists of texts have no place there.
    Code(fn() -> Vec<String>),
    Class,
    Address,
    Asn,
    Version,
}

/// Every fact there is today, but for those that have no source yet.
const FACTS: &[(&str, Kind)] = &[
    ("session.age", Kind::Length),
    ("session.idle", Kind::Length),
    ("session.count", Kind::Number),
    ("session.rank", Kind::Number),
    ("session.changed", Kind::Truth),
    ("session.dark", Kind::Truth),
    ("user.id", Kind::Word(|| (1..=12).map(|id: u64| id.to_string()).collect())),
    (
        "user.email",
        Kind::Text(|| EMAILS.iter().flat_map(|email| [(*email).to_owned(), email.to_uppercase()]).collect()),
    ),
    ("user.email-domain", Kind::Text(|| words(&["example.com", "vendors.example", "Mail.Example.com"]))),
    ("user.role", Kind::Code(|| Role::ALL.iter().map(|role| role.word().to_owned()).collect())),
    ("user.role-type", Kind::Code(|| RoleType::ALL.iter().map(|role| role.word().to_owned()).collect())),
    ("user.custom-role-id", Kind::Word(|| CUSTOM_ROLES.iter().map(u64::to_string).collect())),
    ("user.organization-id", Kind::Word(|| ORGANIZATIONS.iter().map(u64::to_string).collect())),
    ("user.external-id", Kind::Text(|| words(EXTERNAL_IDS))),
    ("user.tags", Kind::Set(|| words(TAGS))),
    ("user.suspended", Kind::Truth),
    ("user.deleted", Kind::Truth),
    ("user.two-factor", Kind::Truth),
    ("user.verified", Kind::Truth),
    ("user.chat-only", Kind::Truth),
    ("user.downgraded", Kind::Truth),
    ("user.listed", Kind::Truth),
    ("user.offboarded", Kind::Truth),
    ("user.group", Kind::Set(|| GROUPS.iter().map(u64::to_string).collect())),
    ("user.offboarded-for", Kind::Length),
    ("sign-in.address", Kind::Address),
    ("sign-in.country", Kind::Code(|| words(COUNTRIES))),
    ("sign-in.asn", Kind::Asn),
    ("sign-in.class", Kind::Class),
    ("sign-in.kind", Kind::Code(|| words(KINDS))),
    ("sign-in.family", Kind::Text(|| words(FAMILIES))),
    ("sign-in.version", Kind::Version),
    ("network.address", Kind::Address),
    ("network.country", Kind::Code(|| words(COUNTRIES))),
    ("network.country", Kind::Code(|| words(COUNTRIES))),
    ("network.asn", Kind::Asn),
    ("network.staff", Kind::Few),
    ("network.class", Kind::Class),
    ("network.class", Kind::Class),
    ("client.kind", Kind::Code(|| words(KINDS))),
    ("client.family", Kind::Text(|| words(FAMILIES))),
    ("client.version", Kind::Version),
];

fn words(all: &[&str]) -> Vec<String> {
    all.iter().map(|word| (*word).to_owned()).collect()
}

impl Law {
    pub fn random(rng: &mut Rng, now: i64) -> Self {
        let mut lists = vec![list(rng, "insiders"), list(rng, "marked")];
        lists.truncate(rng.usize(0..=2));
        let mut ids = RULES.to_vec();
        rng.shuffle(&mut ids);
        ids.truncate(rng.usize(1..=RULES.len()));
        let rules: Vec<Rule> = ids.into_iter().map(|id| rule(rng, id, &lists)).collect();
        let exceptions = (0..rng.usize(0..=2))
            .map(|index| exception(rng, format!("spare-{index}"), &rules, (now, &lists)))
            .collect();
        Self { rules, exceptions, lists, networks: networks(rng) }
    }
}

/// One more exception for this law.
pub fn exception(rng: &mut Rng, id: String, rules: &[Rule], (now, lists): (i64, &[List])) -> Exception {
    let named = pick(rng, rules).id;
    let start = &named[..3];
    let end = &named[1..];
    let glob = pick(rng, &["*".into(), named.clone(), named.clone(), format!("{start}*"), format!("?{end}")]);
    let day = now.div_euclid(DAY) + pick(rng, &[-2, -1, 0, 0, 1, 1, 400, 400]);
    let mut when = table(rng, lists, 1);
    while !rests_on_more_than_a_client(&when) {
        when = table(rng, lists, 1);
    }
    Exception { id, rules: vec![glob], when, last_day: day }
}

/// Whether one of its own lines asks about something that a client does not say of itself.
fn rests_on_more_than_a_client(when: &Table) -> bool {
    let is_told = |fact: &str| {
        fact.starts_with("client.") || ["sign-in.kind", "sign-in.family", "sign-in.version"].contains(&fact)
    };
    when.iter().filter_map(Node::line).any(|line| !is_told(line.fact))
}

fn rule(rng: &mut Rng, id: &str, lists: &[List]) -> Rule {
    let mode =
        pick(rng, &[Mode::Off, Mode::Report, Mode::Report, Mode::Enforce, Mode::Enforce, Mode::Enforce, Mode::Enforce]);
    Rule {
        id: id.to_owned(),
        action: pick(rng, &[Action::RevokeSession, Action::RevokeSession, Action::RevokeUser]),
        severity: chance(rng, 70).then(|| pick(rng, Severity::ALL)),
        mode: (mode != Mode::Report || chance(rng, 50)).then_some(mode),
        when: table(rng, lists, 2),
    }
}

fn list(rng: &mut Rng, name: &str) -> List {
    let mut all: Vec<String> = words(&["EXAMPLE.com", "vendors.example", "bob@vendors.example", "x9", "vip", "3", "4"]);
    rng.shuffle(&mut all);
    all.truncate(rng.usize(1..=4));
    List { name: name.to_owned(), entries: all }
}

fn table(rng: &mut Rng, lists: &[List], depth: u32) -> Table {
    let mut nodes: Table = Vec::new();
    for _ in 0..rng.usize(1..=2) {
        let (fact, kind) = pick(rng, FACTS);
        if nodes.iter().all(|node| !matches!(node, Node::Line(line) if line.fact == fact)) {
            nodes.extend(lines(rng, fact, kind, lists).into_iter().map(Node::Line));
        }
    }
    if depth > 0 && chance(rng, 45) {
        let branches = |rng: &mut Rng| (0..rng.usize(1..=3)).map(|_| table(rng, lists, depth - 1)).collect::<Vec<_>>();
        let nested = match rng.u32(..4) {
            0 => Node::All(branches(rng)),
            1 => Node::Not(table(rng, lists, depth - 1)),
            _ => Node::Any(branches(rng)),
        };
        if chance(rng, 40) {
            nodes.clear();
        }
        nodes.push(nested);
        if chance(rng, 20) && !matches!(nodes.last(), Some(Node::Not(_))) {
            nodes.push(Node::Not(table(rng, lists, depth - 1)));
        }
    }
    nodes
}

fn lines(rng: &mut Rng, fact: &'static str, kind: Kind, lists: &[List]) -> Vec<Line> {
    let line = |operator, value| Line { fact, operator, value };
    match kind {
        Kind::Length if chance(rng, 20) => {
            let at = rng.usize(..LENGTHS.len() - 1);
            vec![line("over", Value::Length(LENGTHS[at])), line("at-most", Value::Length(LENGTHS[at + 1]))]
        }
        Kind::Length => {
            vec![line(pick(rng, &["over", "over", "under", "at-least", "at-most"]), Value::Length(pick(rng, LENGTHS)))]
        }
        Kind::Number => {
            vec![line(pick(rng, &["over", "under", "at-least", "at-most", "is"]), Value::Number(rng.u64(2..=3)))]
        }
        Kind::Few => {
            vec![line(pick(rng, &["over", "under", "at-least", "at-most", "is"]), Value::Number(rng.u64(1..=2)))]
        }
        Kind::Truth => vec![line("is", Value::Truth(chance(rng, 60)))],
        Kind::Word(all) => {
            let operator = pick(rng, &["is", "in", "not-in"]);
            vec![line(operator, texts(rng, operator, &all(), lists))]
        }
        Kind::Code(all) => {
            let operator = pick(rng, &["is", "in", "not-in"]);
            vec![line(operator, texts(rng, operator, &all(), &[]))]
        }
        Kind::Text(all) => {
            let operator = pick(rng, &["is", "in", "in", "not-in", "contains", "starts-with", "ends-with", "matches"]);
            vec![line(operator, texts(rng, operator, &all(), lists))]
        }
        Kind::Set(all) => {
            let operator = pick(rng, &["in", "not-in", "contains"]);
            vec![line(operator, texts(rng, operator, &all(), lists))]
        }
        Kind::Class => {
            let operator = pick(rng, &["in", "in", "not-in", "contains"]);
            let value = match operator {
                "contains" => Value::Text(pick(rng, CLASSES).to_owned()),
                _ => texts(rng, operator, &words(CLASSES), &[]),
            };
            vec![line(operator, value)]
        }
        Kind::Address => {
            let items = [pick(rng, BLOCKS), pick(rng, BLOCKS)].map(|block| Item::Text(block.to_owned()));
            vec![line(pick(rng, &["in", "not-in"]), Value::Texts(with_list(rng, items.into(), ADDRESS_LIST)))]
        }
        Kind::Asn if chance(rng, 20) => vec![line("is", Value::Number(pick(rng, ASNS).into()))],
        Kind::Asn => {
            let items = vec![Item::Number(pick(rng, ASNS))];
            vec![line(pick(rng, &["in", "not-in"]), Value::Texts(with_list(rng, items, ASN_LIST)))]
        }
        Kind::Version => {
            let limit = pick(rng, &["8.9", "8.9.1", "8.9.2", "128", "128.1"]).to_owned();
            vec![line(pick(rng, &["older-than", "newer-than"]), Value::Text(limit))]
        }
    }
}

fn with_list(rng: &mut Rng, mut items: Vec<Item>, list: &str) -> Vec<Item> {
    if chance(rng, 40) {
        items.push(Item::List(list.to_owned()));
    }
    items
}

fn texts(rng: &mut Rng, operator: &str, all: &[String], lists: &[List]) -> Value {
    if operator == "in" || operator == "not-in" {
        let mut some = all.to_vec();
        rng.shuffle(&mut some);
        some.truncate(rng.usize(1..=3));
        let mut items: Vec<Item> = some.into_iter().map(Item::Text).collect();
        if !lists.is_empty() && chance(rng, 40) {
            items.push(Item::List(pick(rng, lists).name));
        }
        return Value::Texts(items);
    }
    // Outside of arrays nothing says what an `@` at the start means.
    let text = pick(rng, all).trim_start_matches('@').to_owned();
    let middle = text.len() / 2;
    match operator {
        "contains" if chance(rng, 50) => Value::Text(text[middle / 2..=middle].to_owned()),
        "starts-with" => Value::Text(text[..=middle].to_owned()),
        "ends-with" => Value::Text(text[middle..].to_owned()),
        "matches" => Value::Pattern(pattern(rng, &text)),
        _ => Value::Text(text),
    }
}

/// Patterns that a careless anchor, a forgotten group or a substring match would get wrong.
fn pattern(rng: &mut Rng, text: &str) -> Pattern {
    let literal = |text: &str| Piece::Literal(text.to_owned());
    let (start, end) = text.split_at(text.len() / 2);
    let one = match rng.u32(..5) {
        0 => vec![literal(start), Piece::Anything],
        1 => vec![Piece::Anything, literal(end)],
        2 => vec![Piece::Letters, Piece::Anything, literal(end)],
        3 => vec![literal(start)],
        _ => vec![literal(text)],
    };
    if chance(rng, 50) { vec![one] } else { vec![one, vec![literal(end)]] }
}

/// The names of all facts that laws may ask about.
pub fn facts() -> impl Iterator<Item = &'static str> {
    FACTS.iter().map(|(name, _)| *name)
}
