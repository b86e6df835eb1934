//! The way from the daemon to one account's Zendesk, which a test can cut, slow down or bewitch.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use evictd::clock::{Clock, Pending};
use evictd::zendesk::{Lost, Method, Request, Response, Transport};

/// After this long the real transport gives a request up.
const GIVEN_UP_AFTER: Duration = Duration::from_secs(30);

/// How the way is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Weather {
    #[default]
    Fair,
    /// No connection.
    Down,
    /// Requests are given up without an answer.
    Hanging,
    /// Whoever asks with this verb is never heard of again: a bug of a transport.
    Bewitched(Method),
    /// Whoever asks for a path with this in it is never heard of again.
    Swallowing(&'static str),
    /// Answers come this much late.
    Slow(Duration),
    /// This verb's answers come this much late.
    SlowFor(Method, Duration),
    /// Every request is refused with this status, and a `Retry-After` of so many seconds.
    Refusing(u16, u64),
}

/// Carries requests, and knows how many are on their way at once.
pub struct Wire {
    inner: Arc<dyn Transport>,
    clock: Arc<dyn Clock>,
    weather: Mutex<Weather>,
    /// What the weather turns to, once so many more requests have left.
    change: Mutex<Option<(usize, Weather)>>,
    sent: Mutex<Vec<(Duration, Method)>>,
    on_way: AtomicUsize,
    on_way_max: AtomicUsize,
}

impl Wire {
    pub fn new(inner: Arc<dyn Transport>, clock: Arc<dyn Clock>) -> Self {
        Self {
            inner,
            clock,
            weather: Mutex::default(),
            change: Mutex::default(),
            sent: Mutex::default(),
            on_way: AtomicUsize::new(0),
            on_way_max: AtomicUsize::new(0),
        }
    }

    pub fn turns(&self, weather: Weather) {
        *self.weather.lock().unwrap() = weather;
    }

    /// So many more requests find the weather as it is; the next finds this.
    pub fn after(&self, requests: usize, weather: Weather) {
        *self.change.lock().unwrap() = Some((requests, weather));
    }

    /// When requests left, on the monotonic clock.
    pub fn sent(&self) -> Vec<Duration> {
        self.sent.lock().unwrap().iter().map(|(at, _)| *at).collect()
    }

    /// Requests on their way at once, at most.
    pub fn on_way_max(&self) -> usize {
        self.on_way_max.load(Ordering::Relaxed)
    }

    pub fn is_on_way(&self) -> bool {
        self.on_way.load(Ordering::Relaxed) > 0
    }

    /// One request more.
    fn pass(&self) {
        let mut change = self.change.lock().unwrap();
        *change = match change.take() {
            Some((0, weather)) => {
                self.turns(weather);
                None
            }
            Some((requests, weather)) => Some((requests - 1, weather)),
            None => None,
        };
    }

    async fn carry(&self, request: Request) -> Result<Response, Lost> {
        self.sent.lock().unwrap().push((self.clock.monotonic(), request.method));
        self.pass();
        let weather = *self.weather.lock().unwrap();
        match weather {
            Weather::Down => return Err(Lost::Unsent("connection refused".to_owned())),
            Weather::Hanging => {
                self.clock.sleep(GIVEN_UP_AFTER).await;
                return Err(Lost::Unanswered("timed out".to_owned()));
            }
            Weather::Bewitched(method) if method == request.method => std::future::pending().await,
            Weather::Swallowing(part) if request.path.contains(part) => std::future::pending().await,
            Weather::Slow(late) => self.clock.sleep(late).await,
            Weather::SlowFor(method, late) if method == request.method => self.clock.sleep(late).await,
            Weather::Refusing(status, seconds) => return Ok(refusal(status, seconds)),
            Weather::Fair | Weather::Bewitched(_) | Weather::Swallowing(_) | Weather::SlowFor(..) => {}
        }
        self.inner.send(request).await
    }
}

fn refusal(status: u16, seconds: u64) -> Response {
    let date = ("date".to_owned(), "Mon, 02 Mar 2026 00:00:07 GMT".to_owned());
    let retry = ("retry-after".to_owned(), seconds.to_string());
    Response { status, headers: vec![date, retry], body: br#"{"error":"refused by the test"}"#.to_vec() }
}

/// One request more on its way, for as long as this lives.
struct OnWay<'w>(&'w Wire);

impl<'w> OnWay<'w> {
    fn of(wire: &'w Wire) -> Self {
        let now = wire.on_way.fetch_add(1, Ordering::Relaxed) + 1;
        wire.on_way_max.fetch_max(now, Ordering::Relaxed);
        Self(wire)
    }
}

impl Drop for OnWay<'_> {
    fn drop(&mut self) {
        self.0.on_way.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Transport for Wire {
    fn send(&self, request: Request) -> Pending<'_, Result<Response, Lost>> {
        Box::pin(async move {
            let _on_way = OnWay::of(self);
            self.carry(request).await
        })
    }
}
