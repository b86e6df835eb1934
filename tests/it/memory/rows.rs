//! The rows of a firm's offboarding list: whom each was written for, from when on, and the file that they make.

use evictd::config::OffboardingList;
use evictd::directory::{ListFile, read_contents};
use evictd::gather::ListRead;
use evictd::record::sha256_hex;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// By which name a row means its person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    Email,
    Id,
    ExternalId,
}

/// One row.
#[derive(Debug, Clone)]
pub struct Row {
    pub of: u64,
    pub by: By,
    /// From when on they have left; none is from the first cycle on that reads it.
    pub since: Option<Timestamp>,
    /// How the file writes that.
    pub written: String,
    /// Whether a cycle matched it to its person.
    pub pinned: bool,
}

/// People who are on the list and in no account of Zendesk: a list of a few rows may not lose half of them at once.
const STRANGERS: u64 = 24;

pub const MONTH: i64 = 30 * 24;

impl Row {
    /// The words of `when` say how the row is dated: `always`, `past`, `today`, `ahead`.
    pub fn of(person: u64, by: By, when: &str, now: Timestamp) -> Self {
        let after = |hours: i64| now + SignedDuration::from_mins(hours * 60 + 7);
        let (since, written) = match when {
            "always" => (None, String::new()),
            "past" => (Some(after(-50)), after(-50).to_string()),
            "ahead" => (Some(after(30)), after(30).to_string()),
            "far" => (Some(after(MONTH * 4)), after(MONTH * 4).to_string()),
            "today" => {
                let day = TimeZone::UTC.to_datetime(now).date();
                let end = TimeZone::UTC.to_timestamp(day.tomorrow().unwrap().at(0, 0, 0, 0)).unwrap();
                (Some(end), day.to_string())
            }
            other => panic!("no row is dated `{other}`"),
        };
        Self { of: person, by, since, written, pinned: false }
    }

    fn line(&self) -> String {
        let (of, since) = (self.of, &self.written);
        match self.by {
            By::Email => format!("Person{of}@Acme.example,,,{since}\n"),
            By::Id => format!(",{of},,{since}\n"),
            By::ExternalId => format!(",,HR-{of},{since}\n"),
        }
    }
}

/// The list's file.
pub fn text(rows: &[Row]) -> String {
    let strangers = (0..STRANGERS).map(|number| format!(",,hr-stranger-{number},\n"));
    let lines: String = strangers.chain(rows.iter().map(Row::line)).collect();
    format!("email,id,external_id,since\n{lines}")
}

/// The list as it is read now.
pub fn read(rows: &[Row], now: Timestamp) -> ListRead {
    let text = text(rows);
    let contents = read_contents(text.as_bytes(), Some("csv"), &TimeZone::UTC).unwrap();
    assert!(contents.faults.is_empty(), "{:?}", contents.faults);
    let digest = sha256_hex(text.as_bytes());
    let file = ListFile { digest, modified: now, rows: contents.rows, faults: Vec::new() };
    let list = OffboardingList {
        name: "hr".to_owned(),
        file: "hr.csv".into(),
        older_than_max: SignedDuration::from_hours(48),
        growth_per_day_max: 1_000,
    };
    ListRead { list, read: Ok(file), at: now, last: None, accepted: None }
}
