//! Proposals as people read them, which is a policy file whose comments say what was seen; and as programs do.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::Remembered;
use super::draft::Draft;
use super::suggest::{COVERED_PERCENT, Network, PEOPLE_MIN, Suggestion, Suggestions, System, Tally};
use crate::model::{ClassSet, Foreign, NetworkClass};

type Drafts = BTreeMap<String, Draft>;

/// A policy file.
pub(super) fn text(seen: &Remembered, suggestions: &Suggestions, drafts: &Drafts) -> String {
    let mut lines = vec!["From which networks people come, by the domain of their e-mail.".to_owned(), String::new()];
    lines.extend(basis(seen));
    if suggestions.domains_too_few > 0 {
        let Suggestions { domains_too_few, people_too_few, .. } = suggestions;
        lines.push(format!(
            "Too few to tell, fewer than {PEOPLE_MIN} people each: {}, {}.",
            counted(*domains_too_few, "domain"),
            people(*people_too_few)
        ));
    }
    lines.push(
        "Look each network up, ask whoever runs it, and watch what a rule reports before it enforces.".to_owned(),
    );
    let mut out = commented(&lines) + "\nschema = 1\n";
    for (domain, suggestion) in &suggestions.domains {
        let draft = drafts.get(domain);
        let lines = of_domain(domain, suggestion, draft);
        out +=
            &format!("\n{}{}", commented(&lines), draft.map(|draft| format!("\n{}", draft.text)).unwrap_or_default());
    }
    out
}

fn commented(lines: &[String]) -> String {
    let line = |line: &String| if line.is_empty() { "#\n".to_owned() } else { format!("# {line}\n") };
    lines.iter().map(line).collect()
}

/// What it all rests on.
fn basis(seen: &Remembered) -> Vec<String> {
    let Some((from, to)) = seen.span else {
        return vec!["Nothing is remembered of who was where.".to_owned()];
    };
    let act = if seen.by_use { "used" } else { "signed in" };
    let sightings = counted(seen.spottings.len(), "sighting");
    let mut lines = vec![
        format!("By {sightings} from {from:.0} to {to:.0}: a person who {act} from an address, on a day."),
        "Thirty days are remembered at most: a site that stood by for longer is missing.".to_owned(),
    ];
    if seen.by_use {
        lines.push("No sign-in is remembered: this is where sessions were used, by whoever had them.".to_owned());
    }
    if seen.without_address > 0 {
        lines.push(format!("Seen elsewhere too, nobody knows where: {}.", people(seen.without_address)));
    }
    if seen.without_domain > 0 {
        let addresses = if seen.without_domain == 1 {
            "1 address".to_owned()
        } else {
            format!("{} addresses", seen.without_domain)
        };
        lines.push(format!("Left out, of people whose domain is not known: {addresses}."));
    }
    lines
}

fn of_domain(domain: &str, suggestion: &Suggestion, draft: Option<&Draft>) -> Vec<String> {
    let Suggestion { networks, percent, systems, left_out, refused, inside, untold, .. } = suggestion;
    let mut lines = vec![format!("{}: {}", Foreign::new(domain), people(suggestion.people)), String::new()];
    if networks.is_empty() {
        lines.push("No network is proposed.".to_owned());
    } else {
        lines.extend(table(networks));
        lines.push(String::new());
        lines.push(format!("These hold {percent} % of the person-days at networks that may be proposed;"));
        lines.push(format!("{inside} of {} were seen nowhere else.", people(suggestion.people)));
        let alone = networks.iter().filter(|network| network.tally.people == 1).count();
        if alone > 0 {
            lines.push(format!("With one person each, perhaps at home: {}.", counted(alone, "network")));
        }
    }
    if suggestion.networks_left_out > 0 {
        let number = counted(suggestion.networks_left_out, "network");
        lines.push(format!("Not needed for {COVERED_PERCENT} %: {number}, {}.", tally_text(*left_out)));
    }
    for Network { block, system, tally, shared } in refused {
        let system = system.as_ref().map(|system| format!(", {}", system_text(system))).unwrap_or_default();
        let why = words(*shared).join(", ");
        lines.push(format!("Not suggested: {block}{system}; {}; because: {why}.", tally_text(*tally)));
    }
    if *untold != ClassSet::NONE {
        lines.push(format!("Not known, for want of lists: whether any of these is {}.", words(*untold).join(", ")));
    }
    match draft {
        None if !networks.is_empty() => lines.push("The domain is no plain host name: no draft is made.".to_owned()),
        Some(draft) if !systems.is_empty() => lines.extend(by_systems(systems, &draft.name)),
        _ => {}
    }
    lines
}

/// The wider way.
fn by_systems(systems: &[(System, Tally)], name: &str) -> Vec<String> {
    let numbers: Vec<String> = systems.iter().map(|(system, _)| system.asn.to_string()).collect();
    let mut lines = vec![String::new(), "Wider, by whole systems:".to_owned()];
    lines.extend(systems.iter().map(|(system, tally)| format!("  {}: {}", system_text(system), tally_text(*tally))));
    lines.push(format!("  [list.{name}-systems]"));
    lines.push("  type    = \"asn\"".to_owned());
    lines.push(format!("  entries = [{}]", numbers.join(", ")));
    lines.push(format!("with `network.asn.not-in = [\"@{name}-systems\"]` in the rule."));
    lines
}

fn table(networks: &[Network]) -> Vec<String> {
    let row = |cells: [String; 5]| {
        let [network, person_days, people, sightings, system] = cells;
        format!("  {network:<22}{person_days:>12}{people:>8}{sightings:>11}  {system}").trim_end().to_owned()
    };
    let heading = row(["network", "person-days", "people", "sightings", "system"].map(str::to_owned));
    let of_network = |Network { block, system, tally, .. }: &Network| {
        let Tally { person_days, people, sightings } = tally;
        let system = system.as_ref().map_or("system not known".to_owned(), system_text);
        row([block.to_string(), person_days.to_string(), people.to_string(), sightings.to_string(), system])
    };
    std::iter::once(heading).chain(networks.iter().map(of_network)).collect()
}

fn system_text(system: &System) -> String {
    let name = system.organization.as_deref().map(|name| format!(" {}", Foreign::new(name))).unwrap_or_default();
    format!("AS{}{name}", system.asn)
}

fn tally_text(tally: Tally) -> String {
    format!("{}, {}", people(tally.people), counted(tally.sightings, "sighting"))
}

fn people(number: usize) -> String {
    if number == 1 { "1 person".to_owned() } else { format!("{number} people") }
}

fn counted(number: usize, what: &str) -> String {
    if number == 1 { format!("1 {what}") } else { format!("{number} {what}s") }
}

fn words(classes: ClassSet) -> Vec<&'static str> {
    classes.iter().map(NetworkClass::word).collect()
}

/// One versioned document.
pub(super) fn json(account: &str, seen: &Remembered, suggestions: &Suggestions, drafts: &Drafts) -> Value {
    let domains = suggestions.domains.iter().map(|(domain, one)| {
        let systems = one
            .systems
            .iter()
            .map(|(system, tally)| json!({ "system": system_json(system), "seen": seen_json(*tally) }));
        json!({
            "domain": domain,
            "people": one.people,
            "people_nowhere_else": one.inside,
            "networks": one.networks.iter().map(network_json).collect::<Vec<_>>(),
            "percent": one.percent,
            "systems": systems.collect::<Vec<_>>(),
            "left_out": { "networks": one.networks_left_out, "seen": seen_json(one.left_out) },
            "not_suggested": one.refused.iter().map(network_json).collect::<Vec<_>>(),
            "untold": words(one.untold),
            "policy": drafts.get(domain).map(|draft| format!("schema = 1\n\n{}", draft.text)),
        })
    });
    json!({
        "schema": 1,
        "account": account,
        "sightings": {
            "number": seen.spottings.len(),
            "from": seen.span.map(|(from, _)| from.to_string()),
            "to": seen.span.map(|(_, to)| to.to_string()),
            "without_address": seen.without_address,
            "without_domain": seen.without_domain,
        },
        "domains": domains.collect::<Vec<_>>(),
        "too_few": { "domains": suggestions.domains_too_few, "people": suggestions.people_too_few },
    })
}

fn network_json(network: &Network) -> Value {
    json!({
        "network": network.block.to_string(),
        "system": network.system.as_ref().map(system_json),
        "seen": seen_json(network.tally),
        "why": words(network.shared),
    })
}

fn system_json(system: &System) -> Value {
    json!({ "asn": system.asn, "organization": system.organization.as_deref() })
}

fn seen_json(tally: Tally) -> Value {
    json!({ "person_days": tally.person_days, "people": tally.people, "sightings": tally.sightings })
}
