//! Zendesk's answers: whatever status, headers and body come, every verb ends in a value or in its trouble, after a
//! bounded number of requests.

use std::fmt::Debug;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};

use evictd::clock::{ManualClock, Pending, SeededChance};
use evictd::model::{Seen, SessionId, UserId};
use evictd::zendesk::{
    Access, BudgetLimits, Credential, Dated, LogPage, Lost, Purpose, Request, Response, Transport, Trouble, UsersFrom,
    Zendesk,
};

use super::CUT;

/// What a missing `date` header is taken to be: without one no answer is believed, and little would be reached.
const DATE: &str = "Mon, 23 Nov 2026 20:38:00 GMT";

/// Only a hostile dictionary would know it.
const SECRET: &str = "s3cr3t-of-ours";

/// Requests that waiting may cost beyond those for the answers themselves: one each second of the longest patience.
const REQUESTS_OF_WAITING_MAX: u64 = 700;

/// One answer after another, [`CUT`] between them: a line with the status, or `lost`, or `unsent`; headers, one on each
/// line; an empty line; the body. The last one is given again and again.
pub fn survives(bytes: &[u8]) {
    let answers = Answers::read(bytes);
    let user = UserId::new(2).unwrap();
    let since = UsersFrom::Start("2026-11-23T20:00:00Z".parse().unwrap());
    answers.shown(Token, async |zendesk| {
        let listing = zendesk.sessions(&mut |_| ()).await;
        assert_eq!(listing.completeness.is_complete(), listing.trouble.is_none());
        format!("{:?}", listing.trouble)
    });
    answers.shown(Token, async |zendesk| {
        let listing = zendesk.sessions_of(user, Purpose::Act).await;
        assert!(listing.rows.iter().all(|row| row.user.is_none_or(|own| own == user)));
        format!("{:?}", listing.trouble)
    });
    answers.shown(Client, async |zendesk| {
        let roll = zendesk.staff().await;
        assert_eq!(roll.completeness.is_complete(), roll.trouble.is_none());
        format!("{:?}", roll.trouble)
    });
    answers.shown(Token, async |zendesk| {
        let memberships = zendesk.group_memberships(Purpose::Sweep).await;
        assert_eq!(memberships.completeness.is_complete(), memberships.trouble.is_none());
        format!("{:?}", memberships.trouble)
    });
    answers.shown(Token, async |zendesk| format!("{:?}", zendesk.session(user, SessionId(1)).await.err()));
    answers.shown(Client, async |zendesk| {
        format!("{:?}", zendesk.delete_session(user, SessionId(1), &|| true).await.err())
    });
    answers.shown(Token, async |zendesk| format!("{:?}", zendesk.delete_sessions(user, &|| true).await.err()));
    answers.shown(Client, async |zendesk| {
        zendesk.room_to_act().await;
        format!("{:?} {:?}", zendesk.me().await.err(), zendesk.me().await.err())
    });
    answers.shown(Token, async |zendesk| format!("{:?}", zendesk.current_token().await.err()));
    answers.shown(Token, async |zendesk| {
        let people = zendesk.people(&[user], Purpose::Act).await;
        assert!(people.iter().flat_map(|found| &found.value).all(|person| person.id == user));
        format!("{:?}", people.err())
    });
    answers.shown(Token, async |zendesk| {
        format!("{:?}", zendesk.people_by_external_id(&["hr-1"], Purpose::Sweep).await.err())
    });
    answers.shown(Token, async |zendesk| {
        format!("{:?}", zendesk.person_by_email("ann@example.com", Purpose::Sweep).await.err())
    });
    answers.shown(Token, async |zendesk| format!("{:?}", zendesk.changed_users(since).await.err()));
    logs_survive(&answers);
}

fn logs_survive(answers: &Answers) {
    let since = "2026-11-23T20:00:00Z".parse().unwrap();
    let until = "2026-11-23T20:30:00Z".parse().unwrap();
    answers.shown(Token, async |zendesk| {
        read_on(
            async |after| zendesk.sign_ins(since, until, after).await,
            |row| {
                assert_eq!(row.seen.agent, None);
                &row.seen
            },
        )
        .await
    });
    answers.shown(Client, async |zendesk| {
        read_on(
            async |after| zendesk.accesses(since, until, after).await,
            |row| {
                assert_eq!(row.id.len(), 26);
                &row.seen
            },
        )
        .await
    });
    answers
        .shown(Token, async |zendesk| read_on(async |after| zendesk.ticket_audits(after).await, |row| &row.seen).await);
    answers.shown(Token, async |zendesk| format!("{:?}", zendesk.security_settings().await.err()));
}

/// Two pages of a log, and what is to hold of whatever they say; the trouble.
async fn read_on<R: Debug>(
    ask: impl AsyncFn(Option<&str>) -> Result<Dated<LogPage<R>>, Trouble>,
    seen: impl Fn(&R) -> &Seen,
) -> String {
    let mut after = None;
    for _ in 0..2 {
        let page = match ask(after.as_deref()).await {
            Ok(page) => page.value,
            Err(trouble) => return format!("{trouble:?}"),
        };
        for row in page.rows.iter().map(&seen) {
            assert!(row.address.is_none_or(|address| address.to_canonical() == address), "{row:?}");
            assert!(row.agent.as_ref().is_none_or(|agent| (1..=1_024).contains(&agent.len())), "{row:?}");
        }
        assert_ne!(page.next.as_deref(), Some(""));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    "None".to_owned()
}

/// How evictd signs in.
#[derive(Clone, Copy)]
enum SignIn {
    Token,
    Client,
}

use SignIn::{Client, Token};

struct Answers {
    all: Vec<Answer>,
    given: AtomicUsize,
}

#[derive(Clone)]
struct Answer {
    status: Result<u16, Lost>,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Answers {
    fn read(bytes: &[u8]) -> Self {
        let mut all = Vec::new();
        let mut rest = bytes;
        while let Some(at) = find(rest, CUT) {
            all.push(Answer::read(&rest[..at]));
            rest = &rest[at + CUT.len()..];
        }
        all.push(Answer::read(rest));
        Self { all, given: AtomicUsize::new(0) }
    }

    /// Asks one verb of a fresh account, and looks at what it would tell of trouble.
    fn shown(&self, sign_in: SignIn, ask: impl AsyncFnOnce(&Zendesk) -> String) {
        let credential = match sign_in {
            Token => Credential::Token(SECRET.into()),
            Client => Credential::OauthClient { id: "c".into(), secret: SECRET.into(), scope: "read".into() },
        };
        let limits =
            BudgetLimits { requests_per_minute_max: 1_000_000, part_of_limit_max_percent: 100, reserve_percent: 0 };
        let clock = ManualClock::at("2026-11-23T20:38:00Z".parse().unwrap());
        let transport = Arc::new(Self { all: self.all.clone(), given: AtomicUsize::new(0) });
        let access = Access { credential, budget: limits };
        let zendesk = Zendesk::new(access, transport, Arc::new(clock), Arc::new(SeededChance::new(7)));
        let told = at_once(ask(&zendesk));
        assert!(!told.contains(SECRET), "{told}");
        let requests_max = 5 * (self.all.len() as u64 + 4) + REQUESTS_OF_WAITING_MAX;
        assert!(zendesk.calls() <= requests_max, "{} requests for {} answers", zendesk.calls(), self.all.len());
    }
}

impl Answer {
    fn read(bytes: &[u8]) -> Self {
        let (head, body) = find(bytes, "\n\n").map_or((bytes, &[][..]), |at| (&bytes[..at], &bytes[at + 2..]));
        let head = String::from_utf8_lossy(head);
        let mut lines = head.lines();
        let status = match lines.next().unwrap_or_default() {
            "lost" => Err(Lost::Unanswered(SECRET.to_owned())),
            "unsent" => Err(Lost::Unsent(SECRET.to_owned())),
            status => Ok(status.parse().unwrap_or(200)),
        };
        let headers = lines.filter_map(|line| line.split_once(": "));
        let mut headers: Vec<_> = headers.map(|(name, value)| (name.to_lowercase(), value.to_owned())).collect();
        if !headers.iter().any(|(name, _)| name == "date") {
            headers.push(("date".to_owned(), DATE.to_owned()));
        }
        Self { status, headers, body: body.to_vec() }
    }
}

impl Transport for Answers {
    fn send(&self, _: Request) -> Pending<'_, Result<Response, Lost>> {
        let turn = self.given.fetch_add(1, Ordering::Relaxed);
        let Answer { status, headers, body } = self.all[turn.min(self.all.len() - 1)].clone();
        Box::pin(std::future::ready(status.map(|status| Response { status, headers, body })))
    }
}

fn find(bytes: &[u8], part: &str) -> Option<usize> {
    bytes.windows(part.len()).position(|window| window == part.as_bytes())
}

/// Nothing here waits: the clock moves on when it is slept on, and answers are there.
fn at_once<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("it waits for something that is not there"),
    }
}
