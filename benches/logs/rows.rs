//! The log as Zendesk gives it: rows with the fields and about the sizes of its own, made page by page from a seed, so
//! that nobody has to hold a day of it.

use std::fmt::Write as _;
use std::ops::Range;

use fastrand::Rng;
use jiff::{SignedDuration, Timestamp};

use super::world::World;

/// Rows of a day.
pub const ROWS: u64 = 1_000_000;
/// Staff who are about all day, each at two addresses with two programs.
pub const PEOPLE: u64 = 800;
/// Cycles of that day. A cycle reads forty pages at most, which these do not fill.
pub const CYCLES: u32 = 12;

const PAGE: u64 = 2_500;
const DAY: SignedDuration = SignedDuration::from_hours(24);
/// A cycle begins where nothing can come late any more, and a little before: so far back of the one before.
const AGAIN: SignedDuration = SignedDuration::from_mins(10);
const AGENTS: u64 = 20;

/// A day of the log.
#[derive(Debug, Clone, Copy)]
pub struct Log {
    /// When it begins.
    pub began: Timestamp,
}

impl Default for Log {
    fn default() -> Self {
        Self { began: Timestamp::constant(1_795_737_600, 0) }
    }
}

impl Log {
    /// Zendesk's clock in this cycle.
    pub fn now(&self, cycle: u32) -> Timestamp {
        let part = i32::try_from(CYCLES).map_or(DAY, |cycles| DAY / cycles);
        self.began + part * i32::try_from(cycle + 1).unwrap_or_default()
    }

    /// From when on this cycle reads.
    pub fn since(&self, cycle: u32) -> Timestamp {
        cycle.checked_sub(1).map_or(self.began, |before| self.now(before) - AGAIN)
    }

    /// The first row from this instant on.
    pub fn row_at(&self, at: Timestamp) -> u64 {
        let nanos = self.began.duration_until(at).as_nanos().max(0);
        let row = (nanos * i128::from(ROWS) + DAY.as_nanos() - 1) / DAY.as_nanos();
        u64::try_from(row).unwrap_or_default().min(ROWS)
    }

    /// The rows of each page from one instant to another.
    pub fn pages(&self, from: Timestamp, to: Timestamp) -> impl Iterator<Item = Range<u64>> + use<> {
        let (from, to) = (self.row_at(from), self.row_at(to));
        (from..to).step_by(usize::try_from(PAGE).unwrap_or(1)).map(move |first| Self::page_from(first, to))
    }

    /// The page of a range that ends there, from this row on.
    pub fn page_from(first: u64, end: u64) -> Range<u64> {
        first..(first + PAGE).min(end)
    }

    /// A page of a range of rows that ends there.
    pub fn page(&self, rows: Range<u64>, end: u64) -> String {
        let mut text = String::with_capacity(2 << 20);
        text.push_str("{\"access_logs\":[");
        let next = rows.end;
        for row in rows.clone() {
            let comma = if row + 1 == next { "" } else { "," };
            let written = self.row(row, &mut text).and_then(|()| text.write_str(comma));
            debug_assert!(written.is_ok());
        }
        let more = next < end;
        text.push_str(&format!(
            "],\"meta\":{{\"has_more\":{more},\"after_cursor\":\"{next}\",\"before_cursor\":\"{}\",\"has_before\":true}},\
             \"links\":{{\"next\":\"https://acme.zendesk.com/api/v2/access_logs?from={next}&end={end}\",\"prev\":null}}}}",
            rows.start
        ));
        text
    }

    fn row(&self, row: u64, text: &mut String) -> std::fmt::Result {
        let mut rng = Rng::with_seed(row);
        let nanos = DAY.as_nanos() * i128::from(row) / i128::from(ROWS);
        let at = self.began + SignedDuration::from_millis(i64::try_from(nanos / 1_000_000).unwrap_or_default());
        let person = rng.u64(0..PEOPLE);
        let (kind, ticket) = (rng.u64(0..30), rng.u64(1_000_000..9_999_999));
        let is_second = |rng: &mut Rng| u64::from(rng.u64(0..5) == 0);
        let address = person * 2 + is_second(&mut rng);
        let agent = (person + 7 * is_second(&mut rng)) % AGENTS;
        write!(
            text,
            "{{\"id\":\"01{row:024}\",\"timestamp\":\"{at}\",\"user_id\":{},\"ip_address\":\"81.{}.{}.{}\",",
            World::user(person),
            address % 40,
            address / 250 % 250,
            address % 250
        )?;
        match kind {
            0..3 => write!(text, "\"client\":\"python-requests/2.32.3\",\"authorization_type\":\"bearer\","),
            3..13 => write!(text, "\"client\":\"{}\",", browser(agent)),
            _ => write!(text, "\"client\":\"{}\",\"authorization_type\":\"session\",", browser(agent)),
        }?;
        match kind {
            3..13 => write!(
                text,
                "\"method\":\"POST\",\"url\":\"https://acme.zendesk.com/graphql\",\"status\":200,\"graphql\":{{\
                 \"operation_name\":\"ticketConversation\",\"operation_type\":\"QUERY\",\"query\":\"{QUERY}\",\
                 \"variables\":\"{{\\\"id\\\":\\\"{ticket}\\\",\\\"first\\\":50,\\\"isAgent\\\":true}}\"}},",
            ),
            _ => write!(
                text,
                "\"method\":\"GET\",\"url\":\"https://acme.zendesk.com/api/v2/tickets/{ticket}/comments.json?\
                 include=users%2Cattachments&sort_order=desc&page%5Bsize%5D=100\",\"status\":200,\"graphql\":null,",
            ),
        }?;
        write!(
            text,
            "\"referer\":\"https://acme.zendesk.com/agent/tickets/{ticket}\",\"bytes_sent\":{},\
             \"category\":\"Tickets\",\"summary\":\"Viewed the conversation of ticket #{ticket}\"}}",
            ticket / 100
        )
    }
}

const QUERY: &str = "query ticketConversation($id: ID!, $first: Int) {\\n  ticket(id: $id) {\\n    id\\n    subject\\n    \
    status { value label }\\n    requester { id name email avatarUrl }\\n    assignee { user { id name } group { id name } \
    }\\n    conversation(first: $first) {\\n      edges { cursor node { __typename ... on Comment { id via { channel } \
    author { id name } body { html } attachments { id contentUrl size } timestamp } } }\\n      pageInfo { hasNextPage \
    endCursor }\\n    }\\n    customFields { id value }\\n    tags\\n    __typename\\n  }\\n}\\n";

fn browser(agent: u64) -> String {
    format!(
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{}.0.0.0 Safari/537.36",
        120 + agent
    )
}
