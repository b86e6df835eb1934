//! The real transport: HTTPS to one account's host, and nothing that would carry a credential elsewhere.
//!
//! No redirects, no cookies, no proxy from the environment. Time and size are capped here, because only here is the
//! answer still a stream.

use std::error::Error as _;
use std::fmt;
use std::time::Duration;

use reqwest::{Client, Url, header, redirect};
use secrecy::ExposeSecret;

use super::{Lost, Method, Request, Response, Transport, Trouble};
use crate::clock::Pending;
use crate::model::Foreign;

/// Bytes of a body, after decompression. A page of 100 sessions has about 20 KB, of 100 users some hundred.
pub(super) const BODY_BYTES_MAX: usize = 8 * 1024 * 1024;

/// Bytes that are set aside for a body on the word of its header alone.
const BODY_BYTES_BELIEVED: usize = 1024 * 1024;

const CONNECT_TIME_MAX: Duration = Duration::from_secs(10);

/// A stop waits 45 s for a changing request on the wire: its answer or its loss must be known before.
const TOTAL_TIME_MAX: Duration = Duration::from_secs(30);

/// Below any load balancer's own limit: a connection that the other side closed would cost an unclear DELETE.
const IDLE_CONNECTION_TIME_MAX: Duration = Duration::from_secs(15);

/// Scheme, host and port of an account: all that requests are ever sent to.
#[derive(Clone, PartialEq, Eq)]
pub struct BaseUrl(Url);

/// Why an address cannot be an account's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum BadBaseUrl {
    #[error("a subdomain has 1 to 63 letters, digits and hyphens, and no hyphen at either end")]
    Subdomain,
    #[error("it is no URL of scheme and host alone, such as `http://127.0.0.1:8080`")]
    NotABase,
    #[error("only a loopback address may be used without `dangerous-base-url = true`")]
    NotLoopback,
    #[error("credentials are sent over HTTPS only, loopback excepted")]
    NotHttps,
}

impl BaseUrl {
    /// `https://{subdomain}.zendesk.com`.
    pub fn subdomain(name: &str) -> Result<Self, BadBaseUrl> {
        let letters = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        if !letters || name.is_empty() || name.len() > 63 || name.starts_with('-') || name.ends_with('-') {
            return Err(BadBaseUrl::Subdomain);
        }
        Self::dangerous(&format!("https://{name}.zendesk.com"))
    }

    /// A loopback address, HTTP or HTTPS: a simulator.
    pub fn loopback(text: &str) -> Result<Self, BadBaseUrl> {
        let base = Self::dangerous(text);
        match base {
            Ok(base) if base.is_loopback() => Ok(base),
            Ok(_) | Err(BadBaseUrl::NotHttps) => Err(BadBaseUrl::NotLoopback),
            Err(other) => Err(other),
        }
    }

    /// Any host, over HTTPS unless it is loopback: for those who know that it is their account's.
    pub fn dangerous(text: &str) -> Result<Self, BadBaseUrl> {
        let Ok(url) = Url::parse(text) else { return Err(BadBaseUrl::NotABase) };
        let is_bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
        let anonymous = url.username().is_empty() && url.password().is_none();
        if !is_bare || !anonymous || !url.has_host() || !matches!(url.scheme(), "http" | "https") {
            return Err(BadBaseUrl::NotABase);
        }
        let base = Self(url);
        if base.0.scheme() == "https" || base.is_loopback() { Ok(base) } else { Err(BadBaseUrl::NotHttps) }
    }

    /// Whether it is this very host. Names but `localhost` are none, wherever they may point.
    pub fn is_loopback(&self) -> bool {
        let host = self.0.host_str().unwrap_or_default();
        let address = host.trim_start_matches('[').trim_end_matches(']').parse::<std::net::IpAddr>();
        host == "localhost" || address.is_ok_and(|address| address.is_loopback())
    }

    /// The address of a request; none if the path would lead to another host.
    fn join(&self, path: &str) -> Option<Url> {
        let base = self.0.as_str().trim_end_matches('/');
        let url = Url::parse(&format!("{base}{path}")).ok()?;
        (url.origin() == self.0.origin()).then_some(url)
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(self.0.as_str().trim_end_matches('/'))
    }
}

impl fmt::Debug for BaseUrl {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "BaseUrl({self})")
    }
}

/// Requests over the network to one account's host.
#[derive(Debug)]
pub struct HttpsTransport {
    base: BaseUrl,
    client: Client,
}

impl HttpsTransport {
    /// Opens no connection yet.
    ///
    /// # Errors
    ///
    /// [`Trouble::Unreachable`] if the host has no usable store of certificates.
    pub fn new(base: BaseUrl) -> Result<Self, Trouble> {
        #[expect(clippy::disallowed_methods, reason = "this is the room that makes HTTP clients")]
        let mut builder = Client::builder()
            .user_agent(concat!("evictd/", env!("CARGO_PKG_VERSION")))
            .redirect(redirect::Policy::none())
            .referer(false)
            .no_proxy()
            .https_only(!base.is_loopback())
            .connect_timeout(CONNECT_TIME_MAX)
            .timeout(TOTAL_TIME_MAX)
            .pool_idle_timeout(IDLE_CONNECTION_TIME_MAX);
        if base.0.scheme() == "http" {
            // A simulator must work on a machine that has no certificates at all.
            builder = builder.tls_certs_only([]);
        }
        let client = builder.build().map_err(|error| Trouble::Unreachable(said(error)))?;
        Ok(Self { base, client })
    }

    async fn carry(&self, request: Request) -> Result<Response, Lost> {
        let Some(url) = self.base.join(&request.path) else {
            return Err(Lost::Unsent("its path leads to another host".to_owned()));
        };
        let mut builder = match request.method {
            Method::Get => self.client.get(url),
            Method::Post => self.client.post(url),
            Method::Delete => self.client.delete(url),
        };
        builder = builder.header(header::ACCEPT, "application/json");
        if request.method != Method::Get {
            builder = builder.header(header::CONTENT_TYPE, "application/json");
        }
        if let Some(authorization) = &request.authorization {
            let Ok(mut value) = header::HeaderValue::from_str(authorization.expose_secret()) else {
                return Err(Lost::Unsent("the token holds letters that no header can carry".to_owned()));
            };
            value.set_sensitive(true);
            builder = builder.header(header::AUTHORIZATION, value);
        }
        if let Some(body) = &request.body {
            builder = builder.body(body.expose_secret().to_owned());
        }
        received(builder.send().await.map_err(lost)?).await
    }
}

impl Transport for HttpsTransport {
    fn send(&self, request: Request) -> Pending<'_, Result<Response, Lost>> {
        Box::pin(self.carry(request))
    }
}

/// Reads the answer to its end or to the cap. What lies beyond is dropped: cut JSON is no JSON, and reads as nonsense.
async fn received(mut answer: reqwest::Response) -> Result<Response, Lost> {
    let status = answer.status().as_u16();
    let text = |value: &header::HeaderValue| value.to_str().ok().map(ToOwned::to_owned);
    let mut headers = Vec::with_capacity(answer.headers().len());
    headers.extend(answer.headers().iter().filter_map(|(name, value)| Some((name.as_str().to_owned(), text(value)?))));
    let length = answer.content_length().and_then(|length| usize::try_from(length).ok()).unwrap_or_default();
    let mut body = Vec::with_capacity(length.min(BODY_BYTES_BELIEVED));
    while body.len() < BODY_BYTES_MAX
        && let Some(chunk) = answer.chunk().await.map_err(lost)?
    {
        let room = BODY_BYTES_MAX.saturating_sub(body.len());
        body.extend_from_slice(chunk.get(..room).unwrap_or(&chunk));
    }
    Ok(Response { status, headers, body })
}

/// Only what failed before a connection stood is certain never to have arrived.
fn lost(error: reqwest::Error) -> Lost {
    if error.is_connect() || error.is_builder() { Lost::Unsent(said(error)) } else { Lost::Unanswered(said(error)) }
}

/// The error and its causes, without the address: that may hold an e-mail.
fn said(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        words = format!("{words}: {error}");
        cause = error.source();
    }
    Foreign::new(words).to_string()
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;

    fn check(base: Result<BaseUrl, BadBaseUrl>, expected: Result<&str, BadBaseUrl>) {
        assert_eq!(base.map(|base| base.to_string()), expected.map(ToOwned::to_owned));
    }

    #[test]
    fn only_hosts_that_may_have_a_credential_are_accepted() {
        use BadBaseUrl::{NotABase, NotHttps, NotLoopback, Subdomain};
        check(BaseUrl::subdomain("acme-2"), Ok("https://acme-2.zendesk.com"));
        for name in ["", "a.b", "evil.com/", "a@b", "-a", "a-", "a b", "ä", "a#", &"a".repeat(64)] {
            check(BaseUrl::subdomain(name), Err(Subdomain));
        }
        check(BaseUrl::loopback("http://127.0.0.1:8080"), Ok("http://127.0.0.1:8080"));
        check(BaseUrl::loopback("http://[::1]:1/"), Ok("http://[::1]:1"));
        check(BaseUrl::loopback("https://localhost"), Ok("https://localhost"));
        check(BaseUrl::loopback("http://localhost.evil.com"), Err(NotLoopback));
        check(BaseUrl::loopback("https://acme.zendesk.com"), Err(NotLoopback));
        check(BaseUrl::loopback("http://10.0.0.1"), Err(NotLoopback));
        check(BaseUrl::dangerous("https://proxy.example.com:8443"), Ok("https://proxy.example.com:8443"));
        check(BaseUrl::dangerous("http://proxy.example.com"), Err(NotHttps));
        for text in ["", "localhost:80", "https://u@a.com", "https://:p@a.com", "https://a.com/x", "https://a.com?x"] {
            check(BaseUrl::dangerous(text), Err(NotABase));
        }
        check(BaseUrl::dangerous("ftp://127.0.0.1"), Err(NotABase));
    }

    #[test]
    fn paths_cannot_lead_to_another_host() {
        let base = BaseUrl::subdomain("acme").unwrap();
        for path in ["@evil.com/", ".evil.com/", ":8080/", "https://evil.com/"] {
            assert_eq!(base.join(path), None, "{path}");
        }
        for path in ["//evil.com/", "/@evil.com", "/\\evil.com"] {
            assert_eq!(base.join(path).unwrap().host_str(), Some("acme.zendesk.com"), "{path}");
        }
    }

    /// Sends one request to a server that answers with these bytes; gives what it heard and what came back.
    async fn exchange(method: Method, answer: Vec<u8>) -> (String, Result<Response, Lost>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = BaseUrl::loopback(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
        let transport = HttpsTransport::new(base).unwrap();
        let serve = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut heard = vec![0; 4096];
            let length = stream.read(&mut heard).await.unwrap();
            // The client may hang up at its cap.
            drop(stream.write_all(&answer).await);
            drop(stream.shutdown().await);
            String::from_utf8_lossy(&heard[..length]).to_lowercase()
        };
        let authorization = Some("Bearer abc".into());
        let request = Request { method, path: "/x?page[size]=1".to_owned(), authorization, body: None };
        tokio::join!(serve, transport.send(request))
    }

    #[tokio::test]
    async fn request_carries_its_headers_and_redirects_are_not_followed() {
        let answer = b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:9/\r\nContent-Length: 0\r\n\r\n";
        let (heard, got) = exchange(Method::Delete, answer.to_vec()).await;
        assert_eq!(got.unwrap().status, 302);
        for header in [
            "delete /x?page[size]=1 http/1.1",
            "accept: application/json",
            "content-type: application/json",
            "user-agent: evictd/",
            "authorization: bearer abc",
        ] {
            assert!(heard.contains(header), "{header} in {heard}");
        }
    }

    #[tokio::test]
    async fn body_is_cut_at_the_cap_also_when_compressed() {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(&vec![b' '; BODY_BYTES_MAX * 3]).unwrap();
        let packed = gzip.finish().unwrap();
        let head = |more: &str| format!("HTTP/1.1 200 OK\r\nConnection: close\r\n{more}\r\n").into_bytes();
        for answer in [
            [head(""), vec![b' '; BODY_BYTES_MAX + 70_000]].concat(),
            [head("Content-Encoding: gzip\r\n"), packed].concat(),
        ] {
            let (_, got) = exchange(Method::Get, answer).await;
            assert_eq!(got.unwrap().body.len(), BODY_BYTES_MAX);
        }
    }

    #[tokio::test]
    async fn what_was_cut_off_may_have_arrived_and_what_found_no_host_has_not() {
        let cut = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{".to_vec();
        for answer in [cut, Vec::new()] {
            let (_, got) = exchange(Method::Delete, answer).await;
            assert!(matches!(got, Err(Lost::Unanswered(_))), "{got:?}");
        }
        let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        let transport = HttpsTransport::new(BaseUrl::loopback(&format!("http://{free}")).unwrap()).unwrap();
        let send = |token: &str, path: &str| Request {
            method: Method::Delete,
            path: path.to_owned(),
            authorization: Some(token.into()),
            body: None,
        };
        for request in [send("a", "/x"), send("a\nb", "/x"), send("a", "@x")] {
            let got = transport.send(request).await;
            assert!(matches!(&got, Err(Lost::Unsent(why)) if !why.contains("/x")), "{got:?}");
        }
    }
}
