//! How near belts are, as rows: one for each rule and stratum, and one for all rules together.

use crate::guard::{Belt, Gauge};
use crate::model::{Foreign, RuleId, Stratum};
use crate::record::BeltUsed;

/// The belts that count people, in the order of their columns.
const COLUMNS: [&[Belt]; 4] = [
    &[Belt::PeoplePerRule],
    &[Belt::PeoplePerRuleAndHour, Belt::RosterPerHour],
    &[Belt::PeoplePerRuleAndDay, Belt::RosterPerDay],
    &[Belt::Jump],
];

impl From<&Gauge> for BeltUsed {
    fn from(gauge: &Gauge) -> Self {
        Self {
            belt: gauge.belt.word().to_owned(),
            rule: gauge.rule.as_ref().map(ToString::to_string),
            stratum: gauge.stratum.word().to_owned(),
            used: gauge.used,
            limit: gauge.limit,
            own: gauge.is_own,
            dangerous: gauge.is_dangerous,
        }
    }
}

/// A belt from a record; one whose words are not ours says nothing.
pub fn gauge_of(used: &BeltUsed) -> Option<Gauge> {
    Some(Gauge {
        belt: Belt::from_word(&used.belt)?,
        rule: used.rule.as_deref().map(RuleId::new),
        stratum: Stratum::from_word(&used.stratum)?,
        used: used.used,
        limit: used.limit,
        is_own: used.own,
        is_dangerous: used.dangerous,
    })
}

/// Rule, stratum, and what is counted of what is let through in a cycle, an hour, a day and at once.
pub(in crate::report) fn rows(gauges: &[Gauge]) -> Vec<Vec<String>> {
    let of = |gauge: &Gauge| (gauge.rule.clone(), gauge.stratum);
    let groups = gauges.chunk_by(|left, right| of(left) == of(right));
    groups.filter_map(|group| Some((group.first()?, group))).map(|(first, group)| row(first, group)).collect()
}

fn row(first: &Gauge, group: &[Gauge]) -> Vec<String> {
    let rule = first.rule.as_ref().map_or("all rules".to_owned(), |rule| Foreign::new(rule.as_str()).to_string());
    let cells = COLUMNS
        .iter()
        .map(|belts| group.iter().find(|gauge| belts.contains(&gauge.belt)).map(cell).unwrap_or_default());
    [rule, first.stratum.word().to_owned()].into_iter().chain(cells).collect()
}

fn cell(gauge: &Gauge) -> String {
    let mark = match (gauge.is_own, gauge.is_dangerous) {
        (true, true) => " (own, dangerous)",
        (true, false) => " (own)",
        (false, true) => " (dangerous)",
        (false, false) => "",
    };
    format!("{}/{}{mark}", gauge.used, gauge.limit)
}

/// The same as lines, for a page without columns.
pub fn belt_lines(gauges: &[Gauge]) -> Vec<String> {
    const WORDS: [&str; 4] = ["a cycle", "an hour", "24 h", "at once"];
    let line = |row: Vec<String>| {
        let (of, cells) = row.split_at_checked(2).unwrap_or((&[], &[]));
        let filled = cells.iter().zip(WORDS).filter(|(cell, _)| !cell.is_empty());
        let told: Vec<String> = filled.map(|(cell, word)| format!("{cell} {word}")).collect();
        format!("{}: {}", of.join(", "), told.join(", "))
    };
    rows(gauges).into_iter().map(line).collect()
}
