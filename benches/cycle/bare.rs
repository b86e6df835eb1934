//! The bare fetch: the requests of a cycle, one after the other over one connection, through a client as evictd sets its
//! own up. Answers are read to their end and dropped.

use std::error::Error;
use std::time::Duration;

use super::process::{Cost, Meter};
use super::world::World;

/// Fetches what a cycle fetches in which nobody is unknown, so many times.
pub async fn fetch(world: World, port: u16, cycles: usize) -> Result<Vec<Cost>, Box<dyn Error>> {
    #[expect(clippy::disallowed_methods, reason = "what evictd does is measured beside a client of its own")]
    let client = reqwest::Client::builder()
        .user_agent("bare")
        .redirect(reqwest::redirect::Policy::none())
        .referer(false)
        .no_proxy()
        .timeout(Duration::from_secs(30))
        .tls_certs_only([])
        .build()?;
    let mut meter = Meter::start();
    let mut costs = Vec::new();
    for _ in 0..cycles {
        let stream = "/api/v2/incremental/users/cursor?cursor=MTc2NTQzMjEwMC4wfHwxMjM0".to_owned();
        for path in std::iter::once(stream).chain((0..world.pages()).map(World::path)) {
            let request = client.get(format!("http://127.0.0.1:{port}{path}")).bearer_auth("token");
            let mut answer = request.header("accept", "application/json").send().await?.error_for_status()?;
            while answer.chunk().await?.is_some() {}
        }
        costs.push(meter.lap());
    }
    Ok(costs)
}
