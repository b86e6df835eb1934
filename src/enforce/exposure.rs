//! How long a session that ends now could be used since a row showed it where a rule will not have it.

use jiff::Timestamp;

use super::Bench;
use crate::chronicle::{Begun, ReadBack};
use crate::evidence::{Evidence, Spot};
use crate::model::{Exposure, Moments, Source};
use crate::plan::grounds_in;
use crate::policy::{Ground, Rule};
use crate::record::ClaimKey;

impl Bench<'_> {
    /// The longest of what these claims rest on; none if none of them rests on a place. Its session was gone at this
    /// instant.
    pub(super) fn exposure(&self, read_back: &[ReadBack<'_>], gone: Timestamp) -> Option<Exposure> {
        let claims = read_back.iter().flat_map(|one| one.cleared.claims.iter().map(move |claim| (one, claim.rule)));
        let bad = claims.filter_map(|(one, place)| {
            let rule = self.policies.rules.get(place)?;
            let since = since(&one.evidence, rule)?;
            let key = ClaimKey { rule: rule.id.to_string(), session: one.cleared.session.to_string() };
            Some((since, self.chronicle.begun(&key)))
        });
        let (since, begun) = bad.min_by_key(|(since, _)| *since)?;
        let cleared = self.dossier.snapshot().now;
        let Begun { claimed, untold } = begun.unwrap_or(Begun { claimed: cleared, untold: None });
        let waited_to_judge = self.waited_to_judge;
        let waited_to_act = (self.waited)().saturating_sub(waited_to_judge);
        Some(Exposure::of(Moments { since, untold, claimed, cleared, gone, waited_to_judge, waited_to_act }))
    }
}

/// Since when everything holds that the rule rests on, as far as places tell.
fn since(evidence: &Evidence<'_>, rule: &Rule) -> Option<Timestamp> {
    grounds_in(evidence, rule).iter().filter_map(|ground| seen_at(evidence, ground)).max()
}

/// When the session was first seen there, and with that program.
fn seen_at(evidence: &Evidence<'_>, ground: &Ground) -> Option<Timestamp> {
    let Some(number) = ground.spot else {
        let opened = (ground.source == Source::SignIn).then(|| evidence.sign_in().ok()?.seen);
        return Some(opened??.0);
    };
    let told = |spot: &Spot<'_>| {
        let agent = spot.agent.ok().map(|agent| &*agent.text);
        (spot.network.ok().map(|network| network.address), agent.map(str::to_owned))
    };
    let meant = told(&evidence.spot(number)?);
    let spots = (0..evidence.spots().known).filter_map(|spot| evidence.spot(spot));
    spots.filter(|spot| told(spot) == meant).filter_map(|spot| Some(spot.seen?.0)).min()
}
