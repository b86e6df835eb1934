//! The reference of facts: the registry as a page, as Markdown and as JSON.

use comfy_table::presets::NOTHING;
use comfy_table::{ContentArrangement, Table};
use serde_json::{Value, json};

use super::Look;
use crate::facts::{FAMILIES, FactSpec, Kind, Operator};

/// How the page of the documentation begins.
const INTRODUCTION: &str = "\
# Facts

What a rule or an exception can ask about a session. `evictd policy facts` prints the same; this page is written by
`evictd policy facts --format markdown > docs/facts.md`, and a test holds the two together.

A fact is *known*, with its value, its source and the instant at which the source said so, or *unknown*, with its cause.
Unknown never revokes: a line about an unknown fact is neither yes nor no, and neither is its `not`. A text or set that
Zendesk leaves empty is known to be empty: `not-in` holds of it, nothing else does. An empty truth, number or instant is
unknown. Lengths of time carry their units (`90s`, `1h30m`, `2d`, `1w`); e-mails, roles and external ids compare without
regard to case. What the *person* controls is weak ground for a rule, and dangerous ground for an exception; the *network*
is chosen, and what a *client* says of itself is made up, by whoever holds the session: no exception may rest on it alone.

Lines about `network.*` and `client.*` in one table ask about **the same place**: there is a place of this session, where it
was opened or used, of which all of them hold. So `network.country.not-in = [\"US\"]` is yes if the session was used anywhere
outside, and *never used from X* is `not = { network.country.in = [\"X\"] }`, which is known only if every place is.
";

/// More values than this are not listed in a table; `--format json` has them all.
const VALUES_MAX: usize = 20;

/// The reference of facts for people, laid out for this width.
pub fn facts_text(look: Look) -> String {
    let mut page = String::new();
    for family in FAMILIES {
        let mut table = Table::new();
        table.load_style(NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
        table.set_width(look.width).set_header(["FACT", "TYPE", "OPERATORS", "CONTROLLED BY", "WHAT IT IS"]);
        for fact in family.facts {
            let operators: Vec<&str> = fact.kind.operators().iter().map(|operator| operator.word()).collect();
            let controller = fact.controlled_by.word();
            table.add_row([fact.name, fact.kind.word(), &operators.join(" "), controller, &what(fact, "")]);
        }
        page += &format!("{}.*: {}\n{}\n\n", family.name, family.asks, table.trim_fmt());
    }
    page
}

/// The reference of facts as a page of the documentation: `docs/facts.md` is what this says.
pub fn facts_markdown() -> String {
    let mut page = INTRODUCTION.to_owned();
    for family in FAMILIES {
        page += &format!("\n## `{}.*`: {}\n\n", family.name, family.asks);
        page += "| fact | type | what it is | source | controlled by |\n|---|---|---|---|---|\n";
        for fact in family.facts {
            let (kind, controller) = (fact.kind.word(), fact.controlled_by.word());
            let source = fact.source.word();
            page += &format!("| `{}` | {kind} | {} | {source} | {controller} |\n", fact.name, what(fact, "`"));
        }
    }
    page += "\n## Operators\n\n| operator | asks | on |\n|---|---|---|\n";
    for operator in Operator::ALL {
        let kinds = Kind::ALL.iter().filter(|kind| kind.operators().contains(operator));
        let kinds: Vec<&str> = kinds.map(|kind| kind.word()).collect();
        page += &format!("| `{}` | {} | {} |\n", operator.word(), operator.doc(), kinds.join(", "));
    }
    page
}

/// One sentence, and the only values there are, each between two marks.
fn what(fact: &FactSpec, mark: &str) -> String {
    if fact.vocabulary.is_empty() || fact.vocabulary.len() > VALUES_MAX {
        return fact.doc.to_owned();
    }
    let values: Vec<String> = fact.vocabulary.iter().map(|value| format!("{mark}{value}{mark}")).collect();
    format!("{}: {}", fact.doc, values.join(", "))
}

/// The reference of facts for programs.
pub fn facts_json() -> Value {
    let facts: Vec<Value> = FAMILIES
        .iter()
        .flat_map(|family| family.facts)
        .map(|fact| {
            json!({
                "fact": fact.name,
                "type": fact.kind.word(),
                "operators": fact.kind.operators().iter().map(|operator| operator.word()).collect::<Vec<_>>(),
                "values": fact.vocabulary,
                "source": fact.source.word(),
                "controlled_by": fact.controlled_by.word(),
                "personal": fact.personal,
                "doc": fact.doc,
            })
        })
        .collect();
    json!({ "schema": 1, "facts": facts })
}
