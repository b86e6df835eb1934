//! The numbers that keep evictd small: its share of the account's API limit, and the belts.
//!
//! They are on by default and cannot be removed by omission. Zero in a belt means none at all, never unlimited.

use std::collections::BTreeMap;
use std::ops::{Range, RangeInclusive};

use jiff::SignedDuration;

use crate::diagnostic::{Code, Findings, quoted};
use crate::document::{Item, Table};
use crate::model::RuleId;

/// What share of the account's API limit may be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Budget {
    /// Requests in any minute.
    pub requests_per_minute_max: u32,
    /// The share of the limit that Zendesk's headers tell, in hundredths.
    pub part_of_limit_max_percent: u8,
    /// The share of the budget kept for reading back, revoking and confirming, in hundredths.
    pub reserve_percent: u8,
}

impl Default for Budget {
    fn default() -> Self {
        Self { requests_per_minute_max: 100, part_of_limit_max_percent: 25, reserve_percent: 20 }
    }
}

/// What holds intentions back. People are counted, not sessions, and each stratum apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Belts {
    /// People one rule may sign out in a cycle.
    pub people_per_rule_max: u32,
    /// People one rule may sign out in any 60 minutes.
    pub people_per_rule_and_hour_max: u32,
    /// People one rule may sign out in any 24 hours.
    pub people_per_rule_and_day_max: u32,
    /// The share of the roster all rules together may sign out in any 60 minutes, in hundredths.
    pub roster_part_per_hour_max: u8,
    /// The share of the roster all rules together may sign out in any 24 hours, in hundredths.
    pub roster_part_per_day_max: u8,
    /// However small the roster, its share is never fewer people than this, unless the share is zero.
    pub roster_floor: u32,
    /// A session that was just ended is not ended again for this long.
    pub just_revoked_for: SignedDuration,
    /// No fact that a revocation rests on is older than this.
    pub evidence_age_max: SignedDuration,
    /// A pause that names no end lasts this long.
    pub pause_expires_after: SignedDuration,
    /// What single rules have instead, by id.
    pub rules: BTreeMap<RuleId, RuleBelts>,
}

/// Limits of one rule's own; what is not written is as for every rule.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RuleBelts {
    /// People it may sign out in a cycle.
    pub people_per_rule_max: Option<u32>,
    /// People it may sign out in any 60 minutes.
    pub people_per_rule_and_hour_max: Option<u32>,
    /// People it may sign out in any 24 hours.
    pub people_per_rule_and_day_max: Option<u32>,
    /// Bytes from the start of the configuration: whether there is such a rule is only seen beside the policies.
    pub span: Range<usize>,
}

/// A limit on the people of one rule, and where it comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RuleLimit {
    /// So many at most.
    pub people: u32,
    /// It is the rule's own, and not every rule's.
    pub is_own: bool,
    /// It is beyond what is usual.
    pub is_dangerous: bool,
}

impl Belts {
    /// What holds for this rule in a cycle, in an hour and in a day.
    pub fn of_rule(&self, rule: &RuleId) -> [RuleLimit; 3] {
        let own = self.rules.get(rule);
        let limit = |own: Option<u32>, every: u32, bound: &Bound| {
            let people = own.unwrap_or(every);
            RuleLimit { people, is_own: own.is_some(), is_dangerous: people > bound.usual }
        };
        let of = |read: fn(&RuleBelts) -> Option<u32>| own.and_then(read);
        [
            limit(of(|own| own.people_per_rule_max), self.people_per_rule_max, &PER_CYCLE),
            limit(of(|own| own.people_per_rule_and_hour_max), self.people_per_rule_and_hour_max, &PER_HOUR),
            limit(of(|own| own.people_per_rule_and_day_max), self.people_per_rule_and_day_max, &PER_DAY),
        ]
    }

    /// Whether what all rules together may do in an hour, and in a day, is beyond what is usual.
    pub fn are_parts_dangerous(&self) -> [bool; 2] {
        let is_floor = self.roster_floor > FLOOR.usual;
        let of = |part: u8, bound: &Bound| is_floor || u32::from(part) > bound.usual;
        [of(self.roster_part_per_hour_max, &PART_PER_HOUR), of(self.roster_part_per_day_max, &PART_PER_DAY)]
    }
}

/// How far a limit goes, and the key that lets it go further. A belt is there for the day on which a rule is wrong: one
/// that lets everybody through is none, and whoever takes it off has to write that it is dangerous.
struct Bound {
    key: &'static str,
    dangerous: &'static str,
    usual: u32,
    most: u32,
}

const PEOPLE_MOST: u32 = 100_000;
const PER_CYCLE: Bound =
    Bound { key: "people-per-rule-max", dangerous: "dangerous-people-per-rule-max", usual: 100, most: PEOPLE_MOST };
const PER_HOUR: Bound = Bound {
    key: "people-per-rule-and-hour-max",
    dangerous: "dangerous-people-per-rule-and-hour-max",
    usual: 200,
    most: PEOPLE_MOST,
};
const PER_DAY: Bound = Bound {
    key: "people-per-rule-and-day-max",
    dangerous: "dangerous-people-per-rule-and-day-max",
    usual: 400,
    most: PEOPLE_MOST,
};
const PART_PER_HOUR: Bound =
    Bound { key: "roster-part-per-hour-max", dangerous: "dangerous-roster-part-per-hour-max", usual: 25, most: 100 };
const PART_PER_DAY: Bound =
    Bound { key: "roster-part-per-day-max", dangerous: "dangerous-roster-part-per-day-max", usual: 50, most: 100 };
const FLOOR: Bound = Bound { key: "roster-floor", dangerous: "dangerous-roster-floor", usual: 50, most: 1_000 };

impl Default for Belts {
    fn default() -> Self {
        Self {
            people_per_rule_max: 10,
            people_per_rule_and_hour_max: 20,
            people_per_rule_and_day_max: 40,
            roster_part_per_hour_max: 5,
            roster_part_per_day_max: 10,
            roster_floor: 3,
            just_revoked_for: SignedDuration::from_mins(15),
            evidence_age_max: SignedDuration::from_mins(10),
            pause_expires_after: SignedDuration::from_hours(4),
            rules: BTreeMap::new(),
        }
    }
}

const MINUTE: SignedDuration = SignedDuration::from_mins(1);
const DAY: SignedDuration = SignedDuration::from_hours(24);

/// Reads `budget`; what is not written has its default.
pub(super) fn budget(account: &mut Table<'_>, findings: &mut Findings) -> Budget {
    let default = Budget::default();
    let Some(mut table) = account.optional("budget").and_then(|item| item.table(findings)) else { return default };
    let mut limits = Limits { table: &mut table, findings };
    let budget = Budget {
        requests_per_minute_max: limits.number("requests-per-minute-max", 1..=100_000, default.requests_per_minute_max),
        part_of_limit_max_percent: limits.part("part-of-limit-max", 1..=100, default.part_of_limit_max_percent),
        reserve_percent: limits.part("reserve", 0..=90, default.reserve_percent),
    };
    table.finish(findings);
    budget
}

/// Reads `belts`; what is not written has its default.
pub(super) fn belts(account: &mut Table<'_>, findings: &mut Findings) -> Belts {
    let default = Belts::default();
    let Some(mut table) = account.optional("belts").and_then(|item| item.table(findings)) else { return default };
    let rules = table.optional("rule").map(|item| rules(&item, findings)).unwrap_or_default();
    let mut limits = Limits { table: &mut table, findings };
    let belts = Belts {
        people_per_rule_max: limits.people(&PER_CYCLE).unwrap_or(default.people_per_rule_max),
        people_per_rule_and_hour_max: limits.people(&PER_HOUR).unwrap_or(default.people_per_rule_and_hour_max),
        people_per_rule_and_day_max: limits.people(&PER_DAY).unwrap_or(default.people_per_rule_and_day_max),
        roster_part_per_hour_max: limits.roster_part(&PART_PER_HOUR).unwrap_or(default.roster_part_per_hour_max),
        roster_part_per_day_max: limits.roster_part(&PART_PER_DAY).unwrap_or(default.roster_part_per_day_max),
        roster_floor: limits.people(&FLOOR).unwrap_or(default.roster_floor),
        just_revoked_for: limits.length("just-revoked-for", MINUTE..=DAY, default.just_revoked_for),
        evidence_age_max: limits.length("evidence-age-max", SignedDuration::ZERO..=DAY, default.evidence_age_max),
        pause_expires_after: limits.length("pause-expires-after", MINUTE..=DAY * 7, default.pause_expires_after),
        rules,
    };
    table.finish(findings);
    belts
}

/// Reads `belts.rule`: limits of single rules.
fn rules(item: &Item<'_>, findings: &mut Findings) -> BTreeMap<RuleId, RuleBelts> {
    let mut rules = BTreeMap::new();
    let Some(table) = item.table(findings) else { return rules };
    for entry in table.entries() {
        let Some(mut table) = entry.table(findings) else { continue };
        let mut limits = Limits { table: &mut table, findings };
        let own = RuleBelts {
            people_per_rule_max: limits.people(&PER_CYCLE),
            people_per_rule_and_hour_max: limits.people(&PER_HOUR),
            people_per_rule_and_day_max: limits.people(&PER_DAY),
            span: entry.key_span(),
        };
        table.finish(findings);
        rules.insert(RuleId::new(entry.key()), own);
    }
    rules
}

/// Reads one limit after the other. One that cannot be read is an error, so that the default in its place is never used.
pub(super) struct Limits<'t, 'd> {
    pub(super) table: &'t mut Table<'d>,
    pub(super) findings: &'t mut Findings,
}

impl<'d> Limits<'_, 'd> {
    pub(super) fn number(&mut self, key: &'static str, range: RangeInclusive<u32>, default: u32) -> u32 {
        let Some(item) = self.table.optional(key) else { return default };
        let range = i64::from(*range.start())..=i64::from(*range.end());
        item.integer_in(range, self.findings).and_then(|number| u32::try_from(number).ok()).unwrap_or(default)
    }

    /// A number of people, under its usual key or under the dangerous one.
    fn people(&mut self, bound: &Bound) -> Option<u32> {
        let (item, most) = self.of_belt(bound)?;
        let number =
            item.integer_in(0..=i64::from(bound.most), self.findings).and_then(|one| u32::try_from(one).ok())?;
        self.within(&item, number, most, bound, &number.to_string())
    }

    /// A share of the roster, under its usual key or under the dangerous one.
    fn roster_part(&mut self, bound: &Bound) -> Option<u8> {
        let (item, most) = self.of_belt(bound)?;
        let part = item.percentage(self.findings)?;
        self.within(&item, part.into(), most, bound, &format!("\"{part}%\""))?;
        Some(part)
    }

    /// Where the belt's limit is written, and how far it goes there.
    fn of_belt(&mut self, bound: &Bound) -> Option<(Item<'d>, u32)> {
        let (usual, dangerous) = (self.table.optional(bound.key), self.table.optional(bound.dangerous));
        if let (Some(_), Some(item)) = (&usual, &dangerous) {
            let message = format!("{} and {} are one limit", quoted(bound.key), quoted(bound.dangerous));
            self.findings.push(item.fault_at_key(Code::Contradiction, message).help("keep one of them"));
        }
        dangerous.map(|item| (item, bound.most)).or_else(|| usual.map(|item| (item, bound.usual)))
    }

    fn within(&mut self, item: &Item<'_>, number: u32, most: u32, bound: &Bound, written: &str) -> Option<u32> {
        if number <= most {
            return Some(number);
        }
        let unit = if written.ends_with("%\"") { "%" } else { "" };
        let message = format!("{} beyond {}{unit} needs `dangerous-` before its name", quoted(bound.key), bound.usual);
        let help = format!("keep to {}{unit}, or write `{} = {written}` if you mean it", bound.usual, bound.dangerous);
        self.findings.push(item.fault(Code::DangerousSetting, message).help(help));
        None
    }

    fn part(&mut self, key: &'static str, range: RangeInclusive<u8>, default: u8) -> u8 {
        let Some(item) = self.table.optional(key) else { return default };
        item.percentage_in(range, self.findings).unwrap_or(default)
    }

    pub(super) fn length(
        &mut self,
        key: &'static str,
        range: RangeInclusive<SignedDuration>,
        default: SignedDuration,
    ) -> SignedDuration {
        let Some(item) = self.table.optional(key) else { return default };
        item.duration_in(range, self.findings).unwrap_or(default)
    }
}
