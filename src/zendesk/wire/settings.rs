//! What Zendesk says about the account's own limits on sessions.

use serde::Deserialize;
use serde_json::Value;

use super::field::{Field, TEXTS_MAX};
use super::shape::Object;
use crate::model::Foreign;

/// How the account limits sessions by itself, in Zendesk's own terms. What is missing or strange is none.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SecuritySettings {
    /// A team member without activity is signed out after so many minutes.
    pub agent_session_timeout_minutes: Option<u64>,
    /// And an end user after so many.
    pub end_user_session_timeout_minutes: Option<u64>,
    /// A team member is signed out after so many minutes, whatever the activity, if that is enabled.
    pub maximum_session_duration_minutes: Option<u64>,
    /// Whether it is.
    pub maximum_session_duration_enabled: Option<bool>,
    /// Somebody who does nothing in the mobile app is signed out after so many minutes.
    pub mobile_app_session_timeout_minutes: Option<u64>,
    /// Whether only listed addresses may sign in and call the API.
    pub ip_restriction_enabled: Option<bool>,
    /// Whether that leaves out end users.
    pub ip_restriction_of_agents_only: Option<bool>,
    /// The listed addresses: single ones, with wildcards, or networks. All of them or none.
    pub ip_ranges: Option<Vec<Foreign>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct SettingsRow<'a> {
    #[serde(borrow)]
    agent_session_timeout: Field<'a>,
    end_user_session_timeout: Field<'a>,
    maximum_session_duration: Field<'a>,
    maximum_session_duration_enabled: Field<'a>,
    mobile_app_session_timeout: Field<'a>,
    ip: Object<Restriction<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Restriction<'a> {
    #[serde(borrow)]
    ip_restriction_enabled: Field<'a>,
    enable_agent_ip_restrictions: Field<'a>,
    ip_ranges: Field<'a>,
}

/// The settings of `security_settings`; none if there are none.
pub(in crate::zendesk) fn security_settings(body: &Value) -> Option<SecuritySettings> {
    let row = Object::<SettingsRow<'_>>::deserialize(body.get("security_settings")?).ok()?.0?;
    let ip = row.ip.0.unwrap_or_default();
    Some(SecuritySettings {
        agent_session_timeout_minutes: row.agent_session_timeout.whole(),
        end_user_session_timeout_minutes: row.end_user_session_timeout.whole(),
        maximum_session_duration_minutes: row.maximum_session_duration.whole(),
        maximum_session_duration_enabled: row.maximum_session_duration_enabled.truth(),
        mobile_app_session_timeout_minutes: row.mobile_app_session_timeout.whole(),
        ip_restriction_enabled: ip.ip_restriction_enabled.truth(),
        ip_restriction_of_agents_only: ip.enable_agent_ip_restrictions.truth(),
        ip_ranges: ip.ip_ranges.text().and_then(ranges),
    })
}

/// Addresses that blanks separate. A part of them would say that others may not sign in.
fn ranges(text: &str) -> Option<Vec<Foreign>> {
    let ranges: Vec<Foreign> = text.split_whitespace().take(TEXTS_MAX + 1).map(Foreign::new).collect();
    (ranges.len() <= TEXTS_MAX).then_some(ranges)
}
