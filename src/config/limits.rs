//! The numbers that keep evictd small: its share of the account's API limit, and the belts.
//!
//! They are on by default and cannot be removed by omission. Zero in a belt means none at all, never unlimited.

use std::ops::RangeInclusive;

use jiff::SignedDuration;

use crate::diagnostic::Findings;
use crate::document::Table;

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
}

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
    const PEOPLE: RangeInclusive<u32> = 0..=100_000;
    let default = Belts::default();
    let Some(mut table) = account.optional("belts").and_then(|item| item.table(findings)) else { return default };
    let mut limits = Limits { table: &mut table, findings };
    let belts = Belts {
        people_per_rule_max: limits.number("people-per-rule-max", PEOPLE, default.people_per_rule_max),
        people_per_rule_and_hour_max: limits.number(
            "people-per-rule-and-hour-max",
            PEOPLE,
            default.people_per_rule_and_hour_max,
        ),
        people_per_rule_and_day_max: limits.number(
            "people-per-rule-and-day-max",
            PEOPLE,
            default.people_per_rule_and_day_max,
        ),
        roster_part_per_hour_max: limits.part("roster-part-per-hour-max", 0..=100, default.roster_part_per_hour_max),
        roster_part_per_day_max: limits.part("roster-part-per-day-max", 0..=100, default.roster_part_per_day_max),
        roster_floor: limits.number("roster-floor", 0..=1_000, default.roster_floor),
        just_revoked_for: limits.length("just-revoked-for", MINUTE..=DAY, default.just_revoked_for),
        evidence_age_max: limits.length("evidence-age-max", SignedDuration::ZERO..=DAY, default.evidence_age_max),
        pause_expires_after: limits.length("pause-expires-after", MINUTE..=DAY * 7, default.pause_expires_after),
    };
    table.finish(findings);
    belts
}

/// Reads one limit after the other. One that cannot be read is an error, so that the default in its place is never used.
pub(super) struct Limits<'t, 'd> {
    pub(super) table: &'t mut Table<'d>,
    pub(super) findings: &'t mut Findings,
}

impl Limits<'_, '_> {
    pub(super) fn number(&mut self, key: &'static str, range: RangeInclusive<u32>, default: u32) -> u32 {
        let Some(item) = self.table.optional(key) else { return default };
        let range = i64::from(*range.start())..=i64::from(*range.end());
        item.integer_in(range, self.findings).and_then(|number| u32::try_from(number).ok()).unwrap_or(default)
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
