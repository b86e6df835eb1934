//! `evictd about`: version, licences, whose data ships, and how old that is.

use clap::Args;
use serde_json::{Value, json};

use super::places::{age, built, database_json, is_old};
use super::{Exit, Format, screen::Screen};
use crate::clock::{Clock as _, SystemClock};
use crate::places::Databases;

#[derive(Debug, Args)]
pub(super) struct AboutArgs {
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// What ships that others made, under which licence, and who asks to be named.
const ATTRIBUTIONS: &[(&str, &str, &str)] = &[
    (
        "countries of addresses",
        "CC BY 4.0",
        "statistics of the Number Resource Organization (NRO, nro.net), through ip-location-db",
    ),
    (
        "autonomous systems",
        "CC BY 4.0",
        "RouteViews (routeviews.org), NRO (nro.net), IP Geolocation by DB-IP (https://db-ip.com), through ip-location-db",
    ),
    ("agent strings", "Apache-2.0", "uap-core, through ua-parser"),
    ("crawlers", "MIT", "crawler-user-agents (github.com/monperrus/crawler-user-agents)"),
];

pub(super) fn run(args: &AboutArgs, screen: Screen) -> Exit {
    let now = SystemClock.now();
    let databases = Databases::shipped();
    match args.format {
        Format::Text => {
            let mut out =
                format!("evictd {}, {}\n\nshipped data:\n", env!("CARGO_PKG_VERSION"), env!("CARGO_PKG_LICENSE"));
            for (what, licence, whose) in ATTRIBUTIONS {
                out += &format!("  {what} ({licence})\n    {whose}\n");
            }
            out += "\nplace databases, compiled in:\n";
            for one in databases.list() {
                out += &format!("  {:<16} {}, built {}, {}\n", one.name, one.kind, built(one), age(one, now));
            }
            screen.out(&out);
        }
        Format::Json => {
            let attributions = ATTRIBUTIONS
                .iter()
                .map(|(what, licence, whose)| json!({ "data": what, "licence": licence, "attribution": whose }));
            let attributions: Vec<Value> = attributions.collect();
            let databases: Vec<Value> = databases.list().iter().map(|one| database_json(one, now)).collect();
            screen.json(&json!({
                "schema": 1,
                "version": env!("CARGO_PKG_VERSION"),
                "licence": env!("CARGO_PKG_LICENSE"),
                "attributions": attributions,
                "databases": databases,
            }));
        }
    }
    if databases.list().iter().any(|one| is_old(one, now)) {
        screen.note("warning: the place databases that ship are old: install newer ones, as docs/places.md says");
    }
    Exit::Done
}
