//! (stub)
use jiff::SignedDuration;
/// x
#[derive(Debug, Clone, Copy)]
pub struct Part(pub u8);
impl Part {
    /// x
    pub fn percent(self) -> u8 {
        self.0
    }
}
/// x
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "x")]
pub struct Belts {
    pub people_per_rule_max: u32,
    pub people_per_rule_and_hour_max: u32,
    pub people_per_rule_and_day_max: u32,
    pub roster_part_per_hour_max: Part,
    pub roster_part_per_day_max: Part,
    pub roster_floor: u32,
    pub just_revoked_for: SignedDuration,
    pub evidence_age_max: SignedDuration,
    pub pause_expires_after: SignedDuration,
}
