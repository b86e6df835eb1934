//! The reference of facts: the registry as a page and as JSON.

use comfy_table::presets::NOTHING;
use comfy_table::{ContentArrangement, Table};
use serde_json::{Value, json};

use super::Look;
use crate::facts::FAMILIES;

/// The reference of facts for people, laid out for this width.
pub fn facts_text(look: Look) -> String {
    let mut page = String::new();
    for family in FAMILIES {
        let mut table = Table::new();
        table.load_style(NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
        table.set_width(look.width).set_header(["FACT", "TYPE", "OPERATORS", "CONTROLLED BY", "WHAT IT IS"]);
        for fact in family.facts {
            let operators: Vec<&str> = fact.kind.operators().iter().map(|operator| operator.word()).collect();
            let values = if fact.vocabulary.is_empty() {
                fact.doc.to_owned()
            } else {
                format!("{}: {}", fact.doc, fact.vocabulary.join(", "))
            };
            let controller = fact.controlled_by.word();
            table.add_row([fact.name, fact.kind.word(), &operators.join(" "), controller, &values]);
        }
        page += &format!("{}.*: {}\n{}\n\n", family.name, family.asks, table.trim_fmt());
    }
    page
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
                "supplied": fact.supplied,
                "doc": fact.doc,
            })
        })
        .collect();
    json!({ "schema": 1, "facts": facts })
}
