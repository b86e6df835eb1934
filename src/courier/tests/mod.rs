//! At least once, in order, and never in anybody's way.

mod mail;
mod server;
mod tls;

use std::sync::atomic::{AtomicUsize, Ordering};

use jiff::Timestamp;
use secrecy::SecretString;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::*;
use crate::alert::{Around, signature};
use crate::clock::{Clock as _, ManualClock, SeededChance};
use crate::config::{AlertSettings, WebAddress};
use crate::files::{Medium as _, MemoryMedium};
use crate::model::{AccountName, Pause};
use crate::record::{DaemonStopped, Entry, PolicyRejected};
use crate::trail::Trail;

fn start() -> Timestamp {
    "2026-11-27T08:00:00Z".parse().unwrap()
}

/// Notes what it is sent, and takes it unless told otherwise.
#[derive(Default)]
struct Recording {
    sent: Mutex<Vec<String>>,
    /// So many are taken; all later ones are not.
    takes: AtomicUsize,
}

impl Channel for Recording {
    fn send<'a>(&'a self, alert: &'a Alert) -> Pending<'a, Result<(), String>> {
        self.sent.lock().unwrap().push(alert.id.clone());
        let left = self.takes.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
        Box::pin(std::future::ready(left.map(drop).or(Err("it answers 503".to_owned()))))
    }
}

impl Witness for Recording {
    fn tell(&self) -> Pending<'_, Result<(), String>> {
        self.sent.lock().unwrap().push("beat".to_owned());
        Box::pin(std::future::ready(Ok(())))
    }
}

/// An account's trail and state, and the channel; a process is begun as often as wanted.
struct Stage {
    trail: MemoryMedium,
    state: MemoryMedium,
    clock: Arc<ManualClock>,
    channel: Arc<Recording>,
    pause: Option<Pause>,
}

impl Stage {
    fn new() -> Self {
        let clock = Arc::new(ManualClock::at(start()));
        let channel = Arc::new(Recording::default());
        channel.takes.store(usize::MAX, Ordering::Relaxed);
        Self { trail: MemoryMedium::default(), state: MemoryMedium::default(), clock, channel, pause: None }
    }

    /// Writes so many records that are alerts, and after each one that is none.
    fn write(&self, alerts: usize) {
        let chance = Arc::new(SeededChance::new(1));
        let (trail, clock) = (Arc::new(self.trail.clone()), self.clock.clone());
        let (mut trail, _) = Trail::open(trail, AccountName::new("acme"), clock, chance).unwrap();
        for _ in 0..alerts {
            let rejected =
                PolicyRejected { errors: 1, kept: "x".to_owned(), during: "reload".to_owned(), unsigned: false };
            for entry in [Entry::from(rejected), DaemonStopped { exit: 0 }.into()] {
                trail.append(None, entry, None).unwrap();
                trail.sync().unwrap();
            }
        }
    }

    fn route(&self) -> Route {
        self.route_to(ChannelKind::Webhook, self.channel.clone())
    }

    fn route_to(&self, kind: ChannelKind, channel: Arc<dyn Channel>) -> Route {
        Route::new(self.backlog(kind), channel, self.clock.clone(), Arc::new(SeededChance::new(7)))
    }

    fn backlog(&self, channel: ChannelKind) -> Backlog {
        let pause = self.pause.clone();
        let around = move |now| Around { now, pause: pause.clone(), ..Around::default() };
        Backlog {
            account: AccountName::new("acme"),
            trail: Arc::new(self.trail.clone()),
            state: Arc::new(self.state.clone()),
            channel,
            around: Box::new(around),
        }
    }

    /// Gives others turns until so many were sent, or many turns were in vain.
    async fn until_sent(&self, number: usize) {
        for _ in 0..10_000 {
            if self.channel.sent.lock().unwrap().len() >= number {
                break;
            }
            tokio::task::yield_now().await;
        }
    }

    fn takes(&self, takes: usize) {
        self.channel.takes.store(takes, Ordering::Relaxed);
    }

    /// What was sent since the last time.
    fn sent(&self) -> Vec<String> {
        std::mem::take(&mut *self.channel.sent.lock().unwrap())
    }

    fn cursor(&self) -> Cursor {
        Cursor::read(&self.state, ChannelKind::Webhook).unwrap()
    }
}

#[tokio::test]
async fn each_alert_arrives_once_across_a_refusal_and_a_crash() {
    let stage = Stage::new();
    stage.write(3);
    stage.takes(1);
    let mut route = stage.route();
    let waits = [route.step().await, route.step().await, route.step().await];
    assert_eq!(stage.sent(), ["1", "3", "3", "3"], "the first that is not taken holds up those behind it");
    assert!(waits.is_sorted() && waits[0] >= std::time::Duration::from_secs(5), "{waits:?}");
    assert_eq!(stage.cursor().seq, 1);
    drop(route);
    stage.trail.crash(|_, _| None);
    stage.state.crash(|_, _| None);
    stage.takes(usize::MAX);
    let mut route = stage.route();
    route.step().await;
    assert_eq!(
        (stage.sent(), stage.cursor().seq, stage.cursor().failing_since),
        (vec!["3".to_owned(), "5".into()], 5, None)
    );
    stage.write(1);
    route.step().await;
    route.step().await;
    assert_eq!(stage.sent(), ["7"]);
    stage.route().step().await;
    assert_eq!(stage.sent(), Vec::<String>::new(), "the next process repeats nothing");
}

#[tokio::test]
async fn what_was_sent_and_not_noted_is_sent_again() {
    let stage = Stage::new();
    stage.write(1);
    stage.state.fail_after(0);
    stage.route().step().await;
    stage.state.heal();
    stage.route().step().await;
    assert_eq!(stage.sent(), ["1", "1"]);
}

#[tokio::test]
async fn without_a_cursor_the_last_day_is_told_and_with_one_everything_since() {
    let stage = Stage::new();
    stage.write(1);
    stage.clock.advance(std::time::Duration::from_hours(25));
    stage.write(1);
    stage.route().step().await;
    assert_eq!(stage.sent(), ["3"]);
    stage.write(1);
    stage.clock.advance(std::time::Duration::from_hours(240));
    stage.route().step().await;
    assert_eq!(stage.sent(), ["5"]);
    stage.state.replace(ChannelKind::Webhook.file(), b"{").unwrap();
    stage.write(1);
    stage.route().step().await;
    assert_eq!(stage.sent(), ["7"], "a broken one is none");
}

#[tokio::test]
async fn a_pause_is_told_once_by_all_processes_together() {
    let mut stage = Stage::new();
    stage.pause = Some(Pause { until: None });
    stage.route().step().await;
    stage.route().step().await;
    assert_eq!(stage.sent().len(), 1);
    stage.pause = None;
    stage.route().step().await;
    stage.route().step().await;
    assert_eq!(stage.sent().len(), 1);
}

#[tokio::test]
async fn a_channel_that_fails_says_since_when_and_memory_stays_bounded() {
    let stage = Stage::new();
    stage.takes(0);
    stage.write(500);
    let mut route = stage.route();
    let mut longest = std::time::Duration::ZERO;
    for _ in 0..20 {
        longest = longest.max(route.step().await);
    }
    assert_eq!(stage.cursor().failing_since.as_deref(), Some("2026-11-27T08:00:00Z"));
    assert!(longest <= std::time::Duration::from_mins(10), "{longest:?}");
    stage.takes(usize::MAX);
    drop(stage.sent());
    route.step().await;
    assert_eq!((stage.sent().len(), stage.cursor().seq), (500, 999), "all of them, in the end");
}

/// Waiting on it lets others go on.
struct Yielding(Arc<ManualClock>);

impl crate::clock::Clock for Yielding {
    fn now(&self) -> Timestamp {
        self.0.now()
    }

    fn monotonic(&self) -> std::time::Duration {
        self.0.monotonic()
    }

    fn sleep(&self, _: std::time::Duration) -> Pending<'_, ()> {
        Box::pin(tokio::task::yield_now())
    }
}

/// Never answers.
struct Dead;

impl Channel for Dead {
    fn send<'a>(&'a self, _: &'a Alert) -> Pending<'a, Result<(), String>> {
        Box::pin(std::future::pending())
    }
}

#[tokio::test]
async fn a_channel_that_never_answers_holds_up_no_work() {
    let stage = Stage::new();
    stage.write(1);
    let route = stage.route_to(ChannelKind::Webhook, Arc::new(Dead));
    let tray = Tray::default();
    tray.put(Errands { routes: vec![route], heartbeat: None });
    let work = async {
        for _ in 0..1_000 {
            tokio::task::yield_now().await;
        }
        stage.write(1);
        "done"
    };
    assert_eq!(beside(work, &tray).await, "done");
}

#[tokio::test]
async fn what_lies_in_the_tray_before_anybody_looks_is_carried() {
    let stage = Stage::new();
    stage.write(1);
    let route = Route::new(
        stage.backlog(ChannelKind::Webhook),
        stage.channel.clone(),
        Arc::new(Yielding(stage.clock.clone())),
        Arc::new(SeededChance::new(7)),
    );
    let tray = Tray::default();
    tray.put(Errands { routes: vec![route], heartbeat: None });
    let work = async {
        stage.until_sent(1).await;
        stage.write(1);
        stage.until_sent(2).await;
    };
    beside(work, &tray).await;
    assert_eq!(stage.sent(), ["1", "3"]);
}

/// What a configuration with these lines says of alerts.
fn alerts(lines: &str) -> AlertSettings {
    let text = format!(
        "schema = 1\n[accounts.a]\nsubdomain = \"acme\"\npolicies = [\"p\"]\nauth.token = {{ env = \"T\" }}\n{lines}"
    );
    let source = crate::diagnostic::Source::new("x", text);
    let settings = crate::config::read(&source, std::path::Path::new("/"), &mut crate::diagnostic::Findings::default());
    settings.unwrap().alerts
}

/// What the address in this configuration is.
fn address(url: &str) -> WebAddress {
    alerts(&format!("[alerts]\nheartbeat.url = \"{url}\"\n")).heartbeat.unwrap()
}

/// Sends one alert to a server that answers with these bytes; what it heard, and what came of it.
async fn exchange(answer: &[u8]) -> (String, Result<(), String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/s3cret", listener.local_addr().unwrap());
    let clock = Arc::new(ManualClock::at(start()));
    let webhook = Webhook::new(&address(&url), SecretString::from("0123456789abcdef"), clock.clone()).unwrap();
    let alert = Alert::test(&AccountName::new("acme"), clock.now());
    let serve = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        let (mut heard, mut buffer) = (Vec::new(), [0; 4096]);
        while !heard.ends_with(b"}") {
            let length = stream.read(&mut buffer).await.unwrap();
            heard.extend_from_slice(&buffer[..length]);
        }
        drop(stream.write_all(answer).await);
        String::from_utf8(heard).unwrap()
    };
    tokio::join!(serve, webhook.send(&alert))
}

#[tokio::test]
async fn an_alert_is_posted_signed_and_only_its_status_is_read() {
    let (heard, taken) = exchange(b"HTTP/1.1 204 No Content\r\n\r\n").await;
    assert_eq!(taken, Ok(()));
    let (head, body) = heard.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("POST /s3cret HTTP/1.1"), "{head}");
    let wanted = format!("x-evictd-signature: {}", signature(b"0123456789abcdef", start(), body));
    assert!(head.to_lowercase().contains(&wanted), "{head}");
    let endless = [b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n".as_slice(), &vec![b'x'; 100_000]].concat();
    assert_eq!(exchange(&endless).await.1, Ok(()));
}

#[tokio::test]
async fn what_is_not_a_yes_is_a_no_that_quotes_nothing() {
    for (answer, why) in [
        ("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:9/s3cret\r\n\r\n", "is not followed"),
        ("HTTP/1.1 500 s3cret\r\nContent-Length: 6\r\n\r\ns3cret", "it answers 500"),
        ("nonsense s3cret\r\n\r\n", "broke off"),
        ("", "broke off"),
    ] {
        let said = exchange(answer.as_bytes()).await.1.unwrap_err();
        assert!(said.contains(why) && !said.contains("s3cret"), "{answer}: {said}");
    }
}

/// Time is simulated: it passes where everybody waits.
#[tokio::test(start_paused = true)]
async fn whoever_accepts_and_says_nothing_is_left_after_ten_seconds() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let beat = Beat::new(&address(&url)).unwrap();
    let accepted = async {
        let stream = listener.accept().await;
        std::future::pending::<()>().await;
        drop(stream);
    };
    tokio::select! {
        taken = beat.tell() => assert_eq!(taken, Err("no answer within 10 s".to_owned())),
        () = accepted => {}
    }
}

#[tokio::test]
async fn a_sign_of_life_waits_for_a_complete_sweep_of_every_account() {
    let (one, two) = (Stage::new(), Stage::new());
    let tail = |stage: &Stage| Tail::since(Arc::new(stage.trail.clone()), start(), u64::MAX).unwrap();
    let witness = one.channel.clone();
    let mut heartbeat = Heartbeat::new(vec![tail(&one), tail(&two)], witness, one.clock.clone());
    let sweep = |stage: &Stage, key: &str, value: serde_json::Value| {
        let mut body = serde_json::json!({"now": "2026-11-27T08:00:00Z", "mode": "report", "policy": "x", "complete": true,
            "sessions_seen": 0, "people_seen": {}, "clock_offset_ms": "0", "clock_trusted": true, "calls": 1, "rules": [],
            "undecided": [], "warnings": []});
        body[key] = value;
        let entry = Entry::from_line("cycle.finished", &body.to_string()).unwrap();
        let chance = Arc::new(SeededChance::new(1));
        let medium = Arc::new(stage.trail.clone());
        let (mut trail, _) = Trail::open(medium, AccountName::new("acme"), stage.clock.clone(), chance).unwrap();
        trail.append(None, entry, None).unwrap();
        trail.sync().unwrap();
    };
    sweep(&one, "calls", 2.into());
    for (key, value) in [("complete", false.into()), ("clock_trusted", false.into()), ("looked", serde_json::json!([]))]
    {
        sweep(&two, key, value);
    }
    heartbeat.step().await;
    assert_eq!(one.sent(), Vec::<String>::new());
    sweep(&two, "calls", 2.into());
    heartbeat.step().await;
    heartbeat.step().await;
    assert_eq!(one.sent(), ["beat"]);
}

/// Does this work to its end, while whatever lies in the tray is carried.
async fn beside<T>(work: impl Future<Output = T>, tray: &Tray) -> T {
    tokio::select! {
        biased;
        done = work => done,
        () = carry(tray) => std::future::pending().await,
    }
}
