//! `evictd lookup`: all that is known of addresses, from which file, and how old that is.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::PathBuf;

use clap::Args;
use serde_json::{Value, json};

use super::loader::load_to_look;
use super::places::{View, age, built, database_json};
use super::{Exit, Failure, Format, Where, screen::Screen};
use crate::address::{Contents, ListNow, SpecialRange, parse_address, special_range};
use crate::diagnostic::quoted;
use crate::model::{
    Cause, Causes, ClassSet, Classes, Continent, Coordinates, Database, Foreign, Found, NetworkClass, Place,
};

#[derive(Debug, Args)]
pub(super) struct LookupArgs {
    /// Addresses, IPv4 or IPv6
    #[arg(value_name = "ADDRESS", required = true)]
    addresses: Vec<String>,
    /// The configuration file [default: /etc/evictd/evictd.toml if it is there; else what ships and the usual folders]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The account whose lists are asked; required if the configuration has several
    #[arg(long, value_name = "NAME")]
    account: Option<String>,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

const CONFIG: &str = "/etc/evictd/evictd.toml";

pub(super) fn run(args: &LookupArgs, screen: Screen) -> Result<Exit, Failure> {
    let config = args.config.clone().or_else(|| Some(PathBuf::from(CONFIG)).filter(|path| path.exists()));
    let place = config.map(|config| Where { config, account: args.account.clone() });
    let loaded = place.map(|place| load_to_look(&place, screen)).transpose()?;
    if loaded.is_none() {
        screen.note(&format!(
            "note: there is no {CONFIG}: without lists, by the databases that ship and those in the usual folders"
        ));
    }
    let view = View::of(loaded.as_ref(), screen)?;
    let (mut looked, mut wrong) = (Vec::new(), Vec::new());
    for asked in &args.addresses {
        match parse_address(asked) {
            Ok(address) => looked.push(Looked::at(asked, address, &view)),
            Err(fault) => wrong.push((asked, fault)),
        }
    }
    match args.format {
        Format::Text => screen.out(&looked.iter().map(|one| one.text(&view)).collect::<Vec<_>>().join("\n")),
        Format::Json => {
            let databases = view.atlas.databases();
            let databases: Vec<Value> = databases.list().iter().map(|one| database_json(one, view.now)).collect();
            let errors = wrong.iter().map(|(asked, fault)| json!({ "asked": asked, "why": fault.to_string() }));
            let errors: Vec<Value> = errors.collect();
            let addresses: Vec<Value> = looked.iter().map(Looked::json).collect();
            screen.json(&json!({ "schema": 1, "databases": databases, "addresses": addresses, "errors": errors }));
        }
    }
    view.warn(screen);
    for (asked, fault) in &wrong {
        let failure = Failure::new(Exit::Usage, format!("{} is no address to look up: {fault}", quoted(asked)));
        screen.failure(&failure.help("write one address, as in `192.0.2.1` or `2001:db8::1`"));
    }
    if wrong.is_empty() { Ok(Exit::Done) } else { Err(Failure::told(Exit::Usage)) }
}

/// One address and what is known of it.
struct Looked {
    asked: String,
    address: IpAddr,
    special: Option<&'static SpecialRange>,
    place: Place,
    classes: Classes,
    lists: Vec<Listed>,
}

/// What one list says of it, if it is in it or that cannot be told.
struct Listed {
    name: String,
    class: Option<NetworkClass>,
    says: Result<String, Cause>,
}

impl Looked {
    fn at(asked: &str, address: IpAddr, view: &View) -> Self {
        let place = view.atlas.place_of(address);
        let asn = place.asn.map(|found| found.value);
        let lists = view.lists.iter().filter_map(|list| listed(list, address, asn)).collect();
        let classes = view.lists.classes_of(address, asn, place.classes);
        Self { asked: asked.to_owned(), address, special: special_range(address), place, classes, lists }
    }

    fn is_mapped(&self) -> bool {
        self.address.is_ipv4() && self.asked.contains(':')
    }

    fn text(&self, view: &View) -> String {
        let databases = view.atlas.databases();
        let from = |database: u8| {
            let database = databases.list().get(usize::from(database));
            database.map(|database| from(database, view)).unwrap_or_default()
        };
        let mut page = Page::default();
        let mapped =
            if self.is_mapped() { format!(", written as IPv6: {}", Foreign::new(&*self.asked)) } else { String::new() };
        page.title = format!("{}{mapped}", self.address);
        if let Some(SpecialRange { name, block, .. }) = self.special {
            page.line("range", &format!("{name} ({block})"), "");
        }
        let Place { country, continent, asn, organization, coordinates, .. } = &self.place;
        page.fact("country", country, |country| format!("{} ({country})", country.name()), from);
        page.fact("continent", continent, |continent| continent_name(*continent).to_owned(), from);
        page.fact("asn", asn, |asn| format!("AS{asn}"), from);
        page.fact("organization", organization, |name| Foreign::new(&**name).to_string(), from);
        match coordinates {
            Some(found) => page.line("coordinates", &coordinates_text(found.value), &from(found.database)),
            None => page.line("coordinates", "unknown: no database at hand has any of it", ""),
        }
        let words = |class: NetworkClass| class.word().to_owned();
        page.words("class", self.classes.yes().iter().map(words));
        page.words("not", self.classes.no().iter().map(words));
        page.words(
            "unknown",
            self.unknown().into_iter().map(|(cause, classes)| format!("{} ({cause})", classes.join(", "))),
        );
        for Listed { name, class, says } in &self.lists {
            let class = class.map(|class| format!(", class {}", class.word())).unwrap_or_default();
            let says = match says {
                Ok(entry) => format!("{name}: {entry}{class}"),
                Err(cause) => format!("{name}: unknown, {}{class}", cause.text()),
            };
            page.line("list", &says, "");
        }
        page.text()
    }

    /// The classes of which nothing is known, by why.
    fn unknown(&self) -> BTreeMap<&'static str, Vec<&'static str>> {
        let mut unknown: BTreeMap<&'static str, Vec<&'static str>> = BTreeMap::new();
        for (class, causes) in self.unknown_classes() {
            let text = causes.iter().next().map_or("", Cause::text);
            unknown.entry(text).or_default().push(class.word());
        }
        unknown
    }

    fn unknown_classes(&self) -> impl Iterator<Item = (NetworkClass, Causes)> {
        let known = self.classes.yes().or(self.classes.no());
        let unknown = NetworkClass::ALL.iter().copied().filter(move |class| !known.has(*class));
        unknown.map(|class| (class, self.classes.causes_of(std::iter::once(class).collect())))
    }

    fn json(&self) -> Value {
        let Place { country, continent, asn, organization, coordinates, .. } = &self.place;
        let words = |classes: ClassSet| classes.iter().map(NetworkClass::word).collect::<Vec<_>>();
        let unknown: BTreeMap<&str, Vec<&str>> = self
            .unknown_classes()
            .map(|(class, causes)| (class.word(), causes.iter().map(Cause::word).collect()))
            .collect();
        let lists = self.lists.iter().map(|list| {
            let (entry, unknown) = (list.says.as_ref().ok(), list.says.as_ref().err().map(|cause| cause.word()));
            json!({ "list": list.name, "class": list.class.map(NetworkClass::word), "entry": entry, "unknown": unknown })
        });
        json!({
            "asked": self.asked,
            "address": self.address.to_string(),
            "mapped": self.is_mapped(),
            "range": self.special.map(|range| {
                json!({ "name": range.name, "block": range.block, "private": range.is_private })
            }),
            "country": fact_json(country, |country| json!({ "code": country.code(), "name": country.name() })),
            "continent": fact_json(continent, |continent| json!(continent.code())),
            "asn": fact_json(asn, |asn| json!(asn)),
            "organization": fact_json(organization, |name| json!(&**name)),
            "coordinates": coordinates.map(|found| json!({
                "value": {
                    "latitude": found.value.latitude,
                    "longitude": found.value.longitude,
                    "radius_km": found.value.radius_km,
                },
                "database": found.database,
            })),
            "classes": { "yes": words(self.classes.yes()), "no": words(self.classes.no()), "unknown": unknown },
            "lists": lists.collect::<Vec<_>>(),
        })
    }
}

fn fact_json<T>(fact: &Result<Found<T>, Cause>, value: impl FnOnce(&T) -> Value) -> Value {
    match fact {
        Ok(found) => json!({ "value": value(&found.value), "database": found.database }),
        Err(cause) => json!({ "unknown": cause.word() }),
    }
}

/// The entry of the list that holds the address or its AS number; nothing if it is known to be in none.
fn listed(list: &ListNow, address: IpAddr, asn: Result<u32, Cause>) -> Option<Listed> {
    let says = |says| Some(Listed { name: list.name.to_string(), class: list.class, says });
    let entry = match (list.contents.as_deref(), asn) {
        (None, _) => return says(Err(list.unknown.unwrap_or(Cause::Down))),
        (Some(Contents::Addresses(networks)), _) => {
            networks.find(address).map(|found| format!("{}, entry {}", found.block, found.place))
        }
        (Some(Contents::Asns(_)), Err(cause)) => return says(Err(cause)),
        (Some(Contents::Asns(numbers)), Ok(asn)) => numbers.find(asn).map(|place| format!("AS{asn}, entry {place}")),
        (Some(Contents::Texts(_)), _) => return None,
    };
    match (entry, list.unknown) {
        (Some(entry), _) => says(Ok(entry)),
        (None, Some(cause)) => says(Err(cause)),
        (None, None) => None,
    }
}

fn from(database: &Database, view: &View) -> String {
    format!("{}, built {}, {}", Foreign::new(database.name.as_str()), built(database), age(database, view.now))
}

fn coordinates_text(at: Coordinates) -> String {
    let radius = at.radius_km.map(|radius| format!(" ± {radius} km")).unwrap_or_default();
    format!("{:.4}, {:.4}{radius}", at.latitude, at.longitude)
}

fn continent_name(continent: Continent) -> &'static str {
    match continent {
        Continent::Africa => "Africa (AF)",
        Continent::Antarctica => "Antarctica (AN)",
        Continent::Asia => "Asia (AS)",
        Continent::Europe => "Europe (EU)",
        Continent::NorthAmerica => "North America (NA)",
        Continent::Oceania => "Oceania (OC)",
        Continent::SouthAmerica => "South America (SA)",
    }
}

/// Lines of a name, a value and where it is from, in columns.
#[derive(Default)]
struct Page {
    title: String,
    lines: Vec<[String; 3]>,
}

impl Page {
    fn line(&mut self, name: &str, value: &str, from: &str) {
        self.lines.push([name, value, from].map(str::to_owned));
    }

    fn fact<T>(
        &mut self,
        name: &str,
        fact: &Result<Found<T>, Cause>,
        text: impl FnOnce(&T) -> String,
        from: impl FnOnce(u8) -> String,
    ) {
        match fact {
            Ok(found) => self.line(name, &text(&found.value), &from(found.database)),
            Err(cause) => self.line(name, &format!("unknown: {}", cause.text()), ""),
        }
    }

    fn words(&mut self, name: &str, words: impl Iterator<Item = String>) {
        let words: Vec<String> = words.collect();
        if !words.is_empty() {
            self.line(name, &words.join(", "), "");
        }
    }

    fn text(&self) -> String {
        let sourced = self.lines.iter().filter(|[_, _, from]| !from.is_empty());
        let width = sourced.map(|[_, value, _]| value.chars().count()).max().unwrap_or_default();
        let line = |[name, value, from]: &[String; 3]| match from.as_str() {
            "" => format!("  {name:<13} {value}\n"),
            from => format!("  {name:<13} {value:<width$}  {from}\n"),
        };
        format!("{}\n{}", self.title, self.lines.iter().map(line).collect::<String>())
    }
}
