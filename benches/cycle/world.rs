//! The account that the stub shows: how large it is, and the bytes of its pages. Rows have the fields and the sizes of
//! Zendesk's own. About one session in a hundred belongs to somebody suspended, whom rules fire on.

use std::fmt::Write as _;

use jiff::{SignedDuration, Timestamp};

/// Rows of a page.
pub const PAGE: u64 = 100;

/// evictd's own user: an admin without a session.
pub const OWN: u64 = 361_000_000_000;

const SESSIONS_FROM: u64 = 8_700_000_000_000;

/// A prime, so that steps of this length come to everybody.
const STRIDE: u64 = 1_000_003;

const AGE_MINUTES_MAX: u64 = 20;

/// How large the account is, and since when it is measured.
#[derive(Debug, Clone, Copy)]
pub struct World {
    /// Sessions.
    pub sessions: u64,
    /// People.
    pub people: u64,
    /// No instant of a row is later.
    pub began: Timestamp,
}

impl World {
    /// How many pages the listing has.
    pub fn pages(&self) -> u64 {
        self.sessions.div_ceil(PAGE)
    }

    /// The cursor of a page but the first.
    pub fn cursor(page: u64) -> String {
        format!("eyJvIjoiaWQiLCJ2IjoiYVE{page:010}")
    }

    /// The page that a cursor names.
    pub fn page_of(cursor: &str) -> Option<u64> {
        cursor.strip_prefix("eyJvIjoiaWQiLCJ2IjoiYVE")?.parse().ok()
    }

    /// The path of a page, as it is asked for.
    pub fn path(page: u64) -> String {
        match page {
            0 => "/api/v2/sessions?page[size]=100".to_owned(),
            page => format!("/api/v2/sessions?page[after]={}&page[size]=100", Self::cursor(page)),
        }
    }

    /// Every page of the listing, rendered.
    pub fn listing(&self) -> Vec<String> {
        let mut rng = fastrand::Rng::with_seed(7);
        (0..self.pages()).map(|page| self.listed(page, &mut rng)).collect()
    }

    fn listed(&self, page: u64, rng: &mut fastrand::Rng) -> String {
        let mut text = String::with_capacity(24 << 10);
        text.push_str("{\"sessions\":[");
        let end = self.sessions.min((page + 1) * PAGE);
        for number in page * PAGE..end {
            let id = SESSIONS_FROM + number * 37;
            let user = Self::user(self.owner(number, rng));
            let used = rng.u64(0..AGE_MINUTES_MAX * 60);
            let opened = rng.u64(used..=AGE_MINUTES_MAX * 60);
            let (opened, used) = (self.before(opened), self.before(used));
            let comma = if number + 1 == end { "" } else { "," };
            let written = write!(
                text,
                "{{\"url\":\"https://acme.zendesk.com/api/v2/users/{user}/sessions/{id}.json\",\"id\":{id},\
                 \"user_id\":{user},\"authenticated_at\":\"{opened}\",\"last_seen_at\":\"{used}\"}}{comma}"
            );
            debug_assert!(written.is_ok());
        }
        let (more, after) = (page + 1 < self.pages(), Self::cursor(page + 1));
        text.push_str(&format!(
            "],\"meta\":{{\"has_more\":{more},\"after_cursor\":\"{after}\",\"before_cursor\":\"{}\"}},\"links\":{{\
             \"prev\":null,\"next\":\"https://acme.zendesk.com/api/v2/sessions.json?page%5Bafter%5D={after}&page%5Bsize%5D=100\"}}}}",
            Self::cursor(page)
        ));
        text
    }

    /// Everybody has a session, and some have more; neighbours in the listing are strangers.
    fn owner(&self, number: u64, rng: &mut fastrand::Rng) -> u64 {
        if number < self.people { number * STRIDE % self.people } else { rng.u64(0..self.people) }
    }

    fn before(&self, seconds: u64) -> Timestamp {
        self.began - SignedDuration::from_secs(i64::try_from(seconds).unwrap_or_default())
    }

    /// The id of the person with this number.
    pub fn user(number: u64) -> u64 {
        OWN + 1 + number * 13
    }

    /// The records of these people, as `show_many` gives them.
    pub fn users(&self, ids: &str) -> String {
        let rows: Vec<String> = ids.split(',').filter_map(|id| self.record(id.parse().ok()?)).collect();
        format!("{{\"users\":[{}],\"next_page\":null,\"previous_page\":null,\"count\":{}}}", rows.join(","), rows.len())
    }

    fn record(&self, id: u64) -> Option<String> {
        let number = id.checked_sub(OWN + 1)? / 13;
        let role = if number.is_multiple_of(50) { "agent" } else { "end-user" };
        let suspended = number % 100 == 7;
        let since = self.before(90_000_000);
        Some(format!(
            "{{\"id\":{id},\"url\":\"https://acme.zendesk.com/api/v2/users/{id}.json\",\"name\":\"Firstname Person{number}\",\
             \"email\":\"firstname.person{number}@example.com\",\"created_at\":\"{since}\",\"updated_at\":\"{since}\",\
             \"time_zone\":\"Eastern Time (US & Canada)\",\"iana_time_zone\":\"America/New_York\",\"phone\":null,\
             \"shared_phone_number\":null,\"photo\":null,\"locale_id\":1,\"locale\":\"en-US\",\"organization_id\":null,\
             \"role\":\"{role}\",\"verified\":true,\"external_id\":null,\"tags\":[],\"alias\":null,\"active\":true,\
             \"shared\":false,\"shared_agent\":false,\"last_login_at\":\"{since}\",\"two_factor_auth_enabled\":null,\
             \"signature\":null,\"details\":null,\"notes\":null,\"role_type\":null,\"custom_role_id\":null,\
             \"moderator\":false,\"ticket_restriction\":\"requested\",\"only_private_comments\":false,\
             \"restricted_agent\":true,\"suspended\":{suspended},\"default_group_id\":null,\"report_csv\":false,\
             \"user_fields\":{{}}}}"
        ))
    }
}
