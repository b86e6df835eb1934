//! HTTP to where alerts and signs of life go: no redirects, no proxy, no cookies, ten seconds, and of an answer its
//! status alone. What else it says is not read, however long it is.

use std::sync::Arc;
use std::time::Duration;

use reqwest::{Client, Url, header, redirect};
use secrecy::{ExposeSecret as _, SecretString};

use super::{Channel, Witness};
use crate::alert::{Alert, signature};
use crate::clock::{Clock, Pending};
use crate::config::WebAddress;

/// A request is given up after so long.
const TIME_MAX: Duration = Duration::from_secs(10);

/// The header that carries the signature.
const SIGNATURE: &str = "X-Evictd-Signature";

/// One address and a client for it.
struct Door {
    url: Url,
    client: Client,
}

impl Door {
    fn to(address: &WebAddress) -> Result<Self, String> {
        let url = Url::parse(address.whole()).map_err(|error| format!("{address}: {error}"))?;
        #[expect(clippy::disallowed_methods, reason = "a client that shares nothing with any account's")]
        let mut builder = Client::builder()
            .user_agent(concat!("evictd/", env!("CARGO_PKG_VERSION")))
            .redirect(redirect::Policy::none())
            .referer(false)
            .no_proxy()
            .https_only(!address.is_loopback())
            .timeout(TIME_MAX);
        if url.scheme() == "http" {
            builder = builder.tls_certs_only([]);
        }
        let client = builder.build().map_err(|error| format!("{address}: {}", error.without_url()))?;
        Ok(Self { url, client })
    }
}

/// Whether the answer says that it was taken. The address is left out of all that is said: it may be a secret.
async fn taken(request: reqwest::RequestBuilder) -> Result<(), String> {
    match request.send().await {
        Ok(answer) if answer.status().is_success() => Ok(()),
        Ok(answer) if answer.status().is_redirection() => {
            Err(format!("it answers {} and leads elsewhere, which is not followed", answer.status().as_u16()))
        }
        Ok(answer) => Err(format!("it answers {}", answer.status().as_u16())),
        Err(error) if error.is_timeout() => Err(format!("no answer within {} s", TIME_MAX.as_secs())),
        Err(error) if error.is_connect() => Err("it cannot be reached, or its certificate is not good".to_owned()),
        Err(_) => Err("the connection broke off".to_owned()),
    }
}

/// Posts each alert as JSON, signed.
pub struct Webhook {
    door: Door,
    secret: SecretString,
    clock: Arc<dyn Clock>,
}

impl Webhook {
    /// Opens no connection yet.
    ///
    /// # Errors
    ///
    /// When the host has no usable store of certificates.
    pub fn new(address: &WebAddress, secret: SecretString, clock: Arc<dyn Clock>) -> Result<Self, String> {
        Ok(Self { door: Door::to(address)?, secret, clock })
    }
}

impl Channel for Webhook {
    fn send<'a>(&'a self, alert: &'a Alert) -> Pending<'a, Result<(), String>> {
        let body = alert.body();
        let signature = signature(self.secret.expose_secret().as_bytes(), self.clock.now(), &body);
        let request = self.door.client.post(self.door.url.clone()).header(header::CONTENT_TYPE, "application/json");
        Box::pin(taken(request.header(SIGNATURE, signature).body(body)))
    }
}

/// Asks for an address.
pub struct Beat(Door);

impl Beat {
    /// Opens no connection yet.
    ///
    /// # Errors
    ///
    /// When the host has no usable store of certificates.
    pub fn new(address: &WebAddress) -> Result<Self, String> {
        Door::to(address).map(Self)
    }
}

impl Witness for Beat {
    fn tell(&self) -> Pending<'_, Result<(), String>> {
        Box::pin(taken(self.0.client.get(self.0.url.clone())))
    }
}
