//! INVARIANT 12: credentials go to the account's host alone, and no output of evictd shows one.

use std::fmt::Write as _;
use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use evictd::address::Lists;
use evictd::clock::SeededChance;
use evictd::cycle;
use evictd::files::Medium;
use evictd::gather::Known;
use evictd::model::{CycleId, Memory};
use evictd::report::{Look, to_json, to_text};
use evictd::simulator::{Effect, Options, Script};
use evictd::snapshot;
use evictd::zendesk::{Access, BaseUrl, BudgetLimits, Credential, HttpsTransport, Method, Request, Transport, Zendesk};
use tracing_subscriber::fmt::MakeWriter;

use super::acts::LEFT;
use super::{OLD, SHOW, Stage, WIDE};

const BUDGET: BudgetLimits =
    BudgetLimits { requests_per_minute_max: 10_000, part_of_limit_max_percent: 100, reserve_percent: 0 };

/// Everything that is logged, at every level, by every crate.
#[derive(Debug, Clone, Default)]
struct Logged(Arc<Mutex<Vec<u8>>>);

impl Write for Logged {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Logged {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

/// Everything that this account's processes leave behind or show.
async fn outputs(stage: &Stage, tokens: &Arc<Mutex<Vec<String>>>) -> String {
    let mut shown = String::new();
    let seen = Arc::clone(tokens);
    *stage.wire().edit.lock().unwrap() = Some(Box::new(move |path, answer| {
        if path == "/oauth/tokens" {
            let body: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
            seen.lock().unwrap().extend(body["access_token"].as_str().map(str::to_owned));
        }
    }));
    stage.script(Script::any(Effect::RateLimit(1)));
    stage.script(Script::on_method(Method::Delete, Effect::Status(403)));
    stage.script(Script::on_method(Method::Delete, Effect::LoseRequest).after(1).times(2));
    stage.script(Script::on(Method::Get, SHOW, Effect::Status(500)).after(2).times(2));
    let cycle = stage.apply().await;
    stage.simulator.revoke_tokens();
    stage.script(Script::any(Effect::Status(401)).times(9));
    let trouble = stage.try_apply().await;
    write!(shown, "{trouble:?} {}", trouble.as_ref().unwrap_err()).unwrap();
    let look = Look { width: 200, colour: true };
    write!(shown, "{} {}", to_json(&cycle.report).unwrap(), to_text(&cycle.report, look)).unwrap();
    let bytes = snapshot::to_bytes(&cycle.snapshot).unwrap();
    flate2::read::GzDecoder::new(&bytes[..]).read_to_string(&mut shown).unwrap();
    for name in stage.memory.list().unwrap() {
        shown += &String::from_utf8(stage.memory.read(&name).unwrap()).unwrap();
    }
    let access = Access { credential: stage.credential(), budget: BUDGET };
    let request = Request {
        method: Method::Post,
        path: "/oauth/tokens".into(),
        authorization: Some(tokens.lock().unwrap()[0].clone().into()),
        body: Some(stage.simulator.credentials().client_secret.into()),
    };
    let ready = Credential::Token(stage.simulator.credentials().token.into());
    write!(shown, "{access:?} {request:?} {ready:?} {:?} {cycle:?}", stage.account).unwrap();
    shown
}

#[test]
fn no_output_shows_a_secret() {
    let logged = Logged::default();
    let subscriber =
        tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(logged.clone()).finish();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let tokens = Arc::new(Mutex::new(Vec::new()));
    let stage = Stage::new(LEFT, WIDE).with_old_sessions(4);
    let shown = tracing::subscriber::with_default(subscriber, || runtime.block_on(outputs(&stage, &tokens)));
    let log = String::from_utf8(logged.0.lock().unwrap().clone()).unwrap();
    assert!(log.contains("Zendesk") && shown.contains("cycle.finished") && shown.contains("unclear"), "{log}");
    let credentials = stage.simulator.credentials();
    let mut secrets = tokens.lock().unwrap().clone();
    secrets.extend([credentials.client_secret, credentials.token]);
    assert!(secrets.len() >= 3 && secrets.iter().all(|secret| secret.len() > 8), "{secrets:?}");
    for secret in secrets {
        assert!(!shown.contains(&secret), "an output shows `{secret}`");
        assert!(!log.contains(&secret), "the log shows `{secret}`");
    }
}

/// A port at which a credential would be seen.
fn trap() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    (listener, url)
}

fn is_untouched(trap: &TcpListener) -> bool {
    trap.accept().is_err_and(|error| error.kind() == ErrorKind::WouldBlock)
}

/// A client on real sockets, with the token of that account.
fn client(stage: &Stage, port: u16) -> Zendesk {
    let base = BaseUrl::loopback(&format!("http://127.0.0.1:{port}")).unwrap();
    let transport: Arc<dyn Transport> = Arc::new(HttpsTransport::new(base).unwrap());
    let access = Access { credential: stage.credential(), budget: BUDGET };
    Zendesk::new(access, transport, stage.clock.clone(), Arc::new(SeededChance::new(1)))
}

async fn plan(stage: &Stage, zendesk: &Zendesk) -> Result<cycle::Cycle, cycle::Halt> {
    let named = Lists::of(&stage.policies.lists);
    let setting = cycle::Setting {
        account: &stage.account,
        policies: &stage.policies,
        lists: &named,
        zendesk,
        clock: &*stage.clock,
        brakes: &*stage.brake,
    };
    let memory = Memory::default();
    let known = Known::first(CycleId::new("c"), &memory);
    cycle::dry(setting, known, &mut |_| ()).await
}

#[tokio::test]
async fn links_to_another_host_lead_nowhere() {
    let (trap, base_url) = trap();
    let options = Options { base_url: base_url.clone(), requests_per_minute: None, ..Options::default() };
    let stage = Stage::with(OLD, WIDE, options).with_old_sessions(98);
    for number in 200..350 {
        stage.signs_in(number, 99, 1);
    }
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let zendesk = client(&stage, listener.local_addr().unwrap().port());
    let cycle = tokio::select! {
        served = stage.simulator.serve(listener, std::future::pending()) => panic!("{served:?}"),
        cycle = plan(&stage, &zendesk) => cycle.unwrap(),
    };
    assert!(cycle.report.complete);
    assert_eq!((cycle.report.sessions_seen, cycle.report.revoke.len()), (249, 98));
    assert!(stage.requests(Method::Get).iter().filter(|path| *path == "/api/v2/sessions").count() >= 3);
    assert!(is_untouched(&trap), "somebody came to {base_url}");
}

/// Answers every request by sending the client to this place.
async fn redirector(listener: &tokio::net::TcpListener, place: &str) {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    loop {
        let (mut socket, _) = listener.accept().await.unwrap();
        let mut request = vec![0; 64 << 10];
        assert!(socket.read(&mut request).await.unwrap() > 0);
        let answer = format!(
            "HTTP/1.1 307 Temporary Redirect\r\nLocation: {place}/api/v2/users/me\r\nContent-Length: 0\r\n\
             Connection: close\r\n\r\n"
        );
        socket.write_all(answer.as_bytes()).await.unwrap();
        socket.shutdown().await.unwrap();
    }
}

#[tokio::test]
async fn redirects_are_refused() {
    let (trap, place) = trap();
    let stage = Stage::new(OLD, WIDE).with_old_sessions(1);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let zendesk = client(&stage, listener.local_addr().unwrap().port());
    let halt = tokio::select! {
        () = redirector(&listener, &place) => panic!("it ended"),
        halt = plan(&stage, &zendesk) => halt,
    };
    assert!(matches!(halt, Err(cycle::Halt::Zendesk(_))), "{halt:?}");
    assert!(is_untouched(&trap), "somebody came to {place}");
}
