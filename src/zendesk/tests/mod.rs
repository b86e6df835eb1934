//! The room as its callers see it, against a scripted transport: no socket, no real clock, no waiting.
//!
//! A script answers each request by its number and path; what was asked, and how long was waited, is compared.

mod acts;
mod listing;
mod logs;
mod people;
mod sign_in;
mod waiting;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};

use super::exchange::REPEATED_MAX;
use super::listing::{PAGES_MAX, PERSON_PAGES_MAX};
use super::*;
use crate::clock::{ManualClock, Pending, SeededChance};
use crate::model::{Completeness, Person, Role, RoleType, SessionId};

const DATE: &str = "Mon, 23 Nov 2026 20:38:00 GMT";
const GONE: &str = r#"{"error":"RecordNotFound","description":"Not found"}"#;
const ROWS: &str = r#""sessions":[{"id":1,"user_id":2}]"#;
const LAST: &str = r#"{"sessions":[{"id":9,"user_id":2}],"meta":{"has_more":false}}"#;

const MORE: &str = r#"{"sessions":[{"id":1,"user_id":2}],"meta":{"has_more":true,"after_cursor":"b"}}"#;

type Answer = Result<Response, Lost>;
type Script = Box<dyn Fn(usize, &Request) -> Answer + Send + Sync>;

/// Answers by script and remembers what it was asked: method, path and authorization.
struct Scripted {
    script: Script,
    asked: Mutex<Vec<String>>,
}

impl Transport for Scripted {
    fn send(&self, request: Request) -> Pending<'_, Answer> {
        let mut asked = self.asked.lock().unwrap();
        let answer = (self.script)(asked.len(), &request);
        let authorization = request.authorization.as_ref().map_or("-", |value| value.expose_secret());
        asked.push(format!("{} {} {authorization}", request.method.word(), request.path));
        Box::pin(std::future::ready(answer))
    }
}

struct Bench {
    zendesk: Zendesk,
    transport: Arc<Scripted>,
    clock: Arc<ManualClock>,
}

impl Bench {
    fn with(
        credential: Credential,
        per_minute: u32,
        script: impl Fn(usize, &Request) -> Answer + Send + Sync + 'static,
    ) -> Self {
        let budget =
            BudgetLimits { requests_per_minute_max: per_minute, part_of_limit_max_percent: 100, reserve_percent: 0 };
        Self::within(credential, budget, script)
    }

    fn within(
        credential: Credential,
        budget: BudgetLimits,
        script: impl Fn(usize, &Request) -> Answer + Send + Sync + 'static,
    ) -> Self {
        let transport = Arc::new(Scripted { script: Box::new(script), asked: Mutex::default() });
        let clock = Arc::new(ManualClock::at(now()));
        let access = Access { credential, budget };
        let zendesk = Zendesk::new(access, transport.clone(), clock.clone(), Arc::new(SeededChance::new(7)));
        Self { zendesk, transport, clock }
    }

    fn new(script: impl Fn(usize, &Request) -> Answer + Send + Sync + 'static) -> Self {
        Self::with(Credential::Token(SecretString::from("t")), 1_000_000, script)
    }

    /// Gives these answers in turn, the last one again and again.
    fn says(answers: &'static [(u16, &'static str)]) -> Self {
        Self::new(move |turn, _| {
            let (status, body) = answers[turn.min(answers.len() - 1)];
            answer(status, body)
        })
    }

    fn asked(&self) -> Vec<String> {
        self.transport.asked.lock().unwrap().clone()
    }

    fn waited(&self) -> Duration {
        self.clock.monotonic()
    }

    fn list(&self) -> Listing {
        run(self.zendesk.sessions(&mut |_| ()))
    }

    fn delete(&self) -> Result<Dated<Deleted>, Trouble> {
        run(self.zendesk.delete_session(user(2), SessionId(1), &|| true))
    }

    fn show(&self) -> Result<Dated<Option<crate::model::Session>>, Trouble> {
        run(self.zendesk.session(user(2), SessionId(1)))
    }
}

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

fn now() -> Timestamp {
    "2026-11-23T20:38:00Z".parse().unwrap()
}

fn user(id: u64) -> UserId {
    UserId::new(id).unwrap()
}

fn answer(status: u16, body: &str) -> Answer {
    with(status, body, &[("date", DATE)])
}

#[expect(clippy::unnecessary_wraps, reason = "scripts also give losses")]
fn with(status: u16, body: &str, headers: &[(&str, &str)]) -> Answer {
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Ok(Response { status, headers, body: body.as_bytes().to_vec() })
}

fn client() -> Credential {
    Credential::OauthClient { id: "c".to_owned(), secret: "s3cret".into(), scope: "read write".to_owned() }
}

/// An account whose tokens are `t0`, `t1`, … by the number of the request that fetched them.
fn oauth(grant: &'static str, answers: impl Fn(&str) -> Answer + Send + Sync + 'static) -> Bench {
    Bench::with(client(), 100, move |turn, request| {
        if request.path != "/oauth/tokens" {
            return answers(request.authorization.as_ref().unwrap().expose_secret());
        }
        let body: serde_json::Value = serde_json::from_str(request.body.as_ref().unwrap().expose_secret()).unwrap();
        assert_eq!((request.method, request.authorization.is_none()), (Method::Post, true));
        for (key, value) in [
            ("grant_type", "client_credentials"),
            ("client_id", "c"),
            ("client_secret", "s3cret"),
            ("scope", "read write"),
        ] {
            assert_eq!(body[key], value);
        }
        assert!((300..=172_800).contains(&body["expires_in"].as_u64().unwrap()));
        answer(201, &grant.replace('N', &turn.to_string()))
    })
}
