//! The endpoints: each path and verb, and where it is answered.
//!
//! Who asks and whether the credential covers it is settled here, once for all of them.

mod exports;
mod groups;
mod logs;
mod page;
mod rows;
mod sessions;
mod tokens;
mod users;

use serde_json::json;

use super::call::{Call, Reply};
use super::state::{State, Turn};
pub(super) use logs::in_own_words;
pub use page::Paging;
pub use sessions::ShowShape;

/// Whether the access log answers, which is a service of its own with its own ways.
pub(super) fn is_of_access_log(call: &Call) -> bool {
    call.segments() == ["api", "v2", "access_logs"]
}

/// The scopes of which one is needed.
fn scopes(method: &str, path: &[&str]) -> &'static [&'static str] {
    match path {
        _ if method != "GET" => &["users:write", "write"],
        ["audit_logs"] => &["auditlogs:read", "read"],
        ["access_logs" | "ticket_audits"] => &["read"],
        ["security_settings"] => &["security:read", "read"],
        _ => &["users:read", "read"],
    }
}

impl State {
    /// Finds and runs the endpoint.
    pub(super) fn route(&mut self, turn: &Turn<'_>) -> Reply {
        let call = turn.call;
        let segments = call.segments();
        let method = call.method.as_str();
        let path = match segments.as_slice() {
            ["oauth", "tokens"] if method == "POST" => return self.access.issue(call, turn.now),
            ["api", "v2", path @ ..] => path,
            _ => return Reply::no_such_endpoint(),
        };
        let caller = match self.access.caller(call, self.account.world(), turn.now) {
            Ok(Some(caller)) => caller,
            Ok(None) if (method, path) == ("GET", &["users", "me"]) => return users::anonymous(),
            Ok(None) => return Reply::unauthenticated(),
            Err(refusal) => return refusal,
        };
        if (method, path) == ("GET", &["oauth", "tokens", "current"]) {
            return self.access.current(&caller, &self.base_url);
        }
        if let Err(refusal) = self.access.permit(&caller, scopes(method, path)) {
            return refusal;
        }
        self.account.log_request(caller.user, turn.now);
        let is_admin = caller.is_admin(self.account.world());
        match path {
            ["users", "me", rest @ ..] => self.route_me(method, rest, &caller),
            ["users", id, "sessions", rest @ ..] => self.route_sessions(turn, (id, rest), &caller),
            ["sessions"] if method == "GET" => self.list_sessions(turn, &caller, None),
            ["users"] if method == "GET" => self.list_users(turn),
            ["users", "show_many"] if method == "GET" => self.show_many(call),
            ["users", "search"] if method == "GET" => self.search(turn),
            ["users", "logout_many"] if method == "POST" && is_admin => self.logout_many(turn),
            ["group_memberships"] if method == "GET" => self.list_memberships(turn),
            ["deleted_users"] if method == "GET" => self.list_deleted(turn),
            ["incremental", "users", "cursor"] if method == "GET" && is_admin => self.export_users(turn),
            ["oauth", "tokens"] if method == "GET" && is_admin => self.list_tokens(turn),
            ["security_settings"] if method == "GET" && is_admin => self.security_settings(),
            ["audit_logs"] if method == "GET" && is_admin => self.list_audit_logs(turn),
            ["access_logs"] if method == "GET" && is_admin => self.list_access_logs(turn),
            ["ticket_audits"] if method == "GET" && is_admin => self.list_ticket_audits(turn),
            ["users", "logout_many"] if method == "POST" => Reply::forbidden(),
            ["incremental", "users", "cursor"]
            | ["oauth", "tokens"]
            | ["security_settings" | "audit_logs" | "access_logs" | "ticket_audits"]
                if method == "GET" =>
            {
                Reply::forbidden()
            }
            ["users", id] if method == "GET" => self.show_user(id),
            _ => Reply::no_such_endpoint(),
        }
    }

    /// `GET /api/v2/security_settings`: what it says about sessions, in minutes; the shape is our reading of the page.
    fn security_settings(&self) -> Reply {
        Reply::json(
            200,
            json!({ "security_settings": {
                "agent_session_timeout": 60,
                "end_user_session_timeout": 480,
                "maximum_session_duration": 720,
                "maximum_session_duration_enabled": self.staff_sessions_end,
                "mobile_app_access": true,
                "mobile_app_session_timeout": 480,
                "ip": { "ip_ranges": "", "ip_restriction_enabled": false, "enable_agent_ip_restrictions": false },
                "assumable": false,
                "assumption_expiration": null,
            } }),
        )
    }
}
