//! Random policy sets as plain trees: rules, exceptions and lists of texts over the facts of sessions and people.
//!
//! A law can be printed as TOML (`print`) and judged naively (`judge`). It is always one that a strict reader accepts:
//! no empty tables, no key twice, no list that is missing, no glob that matches nothing, no range turned around.

use evictd::model::{Action, Mode, Role, RoleType, Severity};
use fastrand::Rng;

use super::world::{CUSTOM_ROLES, DAY, EMAILS, EXTERNAL_IDS, LENGTHS, ORGANIZATIONS, RULES, TAGS};
use super::{chance, pick};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Law {
    pub rules: Vec<Rule>,
    pub exceptions: Vec<Exception>,
    pub lists: Vec<List>,
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
    Truth,
    /// One of few words, or an id.
    Word(fn() -> Vec<String>),
    Text(fn() -> Vec<String>),
    Set(fn() -> Vec<String>),
}

/// Every fact there is today, but for those that have no source yet.
const FACTS: &[(&str, Kind)] = &[
    ("session.age", Kind::Length),
    ("session.idle", Kind::Length),
    ("session.count", Kind::Number),
    ("session.rank", Kind::Number),
    ("user.id", Kind::Word(|| (1..=12).map(|id: u64| id.to_string()).collect())),
    (
        "user.email",
        Kind::Text(|| EMAILS.iter().flat_map(|email| [(*email).to_owned(), email.to_uppercase()]).collect()),
    ),
    ("user.email-domain", Kind::Text(|| words(&["example.com", "vendors.example", "Mail.Example.com"]))),
    ("user.role", Kind::Word(|| Role::ALL.iter().map(|role| role.word().to_owned()).collect())),
    ("user.role-type", Kind::Word(|| RoleType::ALL.iter().map(|role| role.word().to_owned()).collect())),
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
    ("user.offboarded", Kind::Truth),
    ("user.offboarded-for", Kind::Length),
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
        Self { rules, exceptions, lists }
    }
}

/// One more exception for this law.
pub fn exception(rng: &mut Rng, id: String, rules: &[Rule], (now, lists): (i64, &[List])) -> Exception {
    let named = pick(rng, rules).id;
    let start = &named[..3];
    let end = &named[1..];
    let glob = pick(rng, &["*".into(), named.clone(), named.clone(), format!("{start}*"), format!("?{end}")]);
    let day = now.div_euclid(DAY) + pick(rng, &[-2, -1, 0, 0, 1, 1, 400, 400]);
    Exception { id, rules: vec![glob], when: table(rng, lists, 1), last_day: day }
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
        Kind::Truth => vec![line("is", Value::Truth(chance(rng, 60)))],
        Kind::Word(all) => {
            let operator = pick(rng, &["is", "in", "not-in"]);
            vec![line(operator, texts(rng, operator, &all(), lists))]
        }
        Kind::Text(all) => {
            let operator = pick(rng, &["is", "in", "in", "not-in", "contains", "starts-with", "ends-with", "matches"]);
            vec![line(operator, texts(rng, operator, &all(), lists))]
        }
        Kind::Set(all) => {
            let operator = pick(rng, &["in", "not-in", "contains"]);
            vec![line(operator, texts(rng, operator, &all(), lists))]
        }
    }
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
