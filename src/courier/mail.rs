//! Mail to where alerts go: each alert one message, handed to one server, over a connection of its own.
//!
//! It is taken once the server has it for at least one recipient: a mailbox that is gone must not silence the others.
//! Of what the server says only the numbers are told.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use lettre::Address;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, Message};
use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::{
    AsyncSmtpConnection, AsyncTokioStream, Certificate, CertificateStore, TlsParameters,
};
use lettre::transport::smtp::commands::{Data, Mail as Sender, Rcpt};
use lettre::transport::smtp::extension::ClientId;
use lettre::transport::smtp::response::Severity;
use secrecy::{ExposeSecret as _, SecretString};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::Channel;
use super::wary::{Veiled, Wary};
use crate::alert::Alert;
use crate::clock::{Clock, Pending};
use crate::config::{MailAddress, SmtpSettings, SmtpTls};

/// A server that is there lets somebody in within so long.
const CONNECT_TIME_MAX: Duration = Duration::from_secs(10);

/// A mail is given up after so long, all in all. Servers that look at mail while it is handed over take their time.
const TIME_MAX: Duration = Duration::from_mins(1);

/// A goodbye may take so long: the mail is taken already.
const GOODBYE_TIME_MAX: Duration = Duration::from_secs(2);

/// What a certificate in a file begins with (RFC 7468, section 5).
const CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----";

/// Hands each alert to a mail server.
pub struct Mail {
    host: String,
    port: u16,
    protection: Protection,
    login: Option<(String, SecretString)>,
    from: Address,
    to: Vec<Address>,
    subject_prefix: String,
    clock: Arc<dyn Clock>,
}

/// How the connection is protected, and by whom the server is vouched for.
enum Protection {
    Implicit(TlsParameters),
    Starttls(TlsParameters),
    None,
}

/// A mail that was taken, and for whom not: places in `to`, from 1, with the server's number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passed {
    /// Who was refused.
    pub refused: Vec<(usize, u16)>,
    /// How many recipients there are.
    pub of: usize,
}

impl fmt::Display for Passed {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.refused.is_empty() {
            return out.write_str("taken");
        }
        write!(out, "taken, but not for {}", Refused(self))
    }
}

/// Who was refused, in words.
struct Refused<'p>(&'p Passed);

impl fmt::Display for Refused<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let each: Vec<String> =
            self.0.refused.iter().map(|(place, code)| format!("number {place} of {} ({code})", self.0.of)).collect();
        write!(out, "{} in `to`", each.join(", "))
    }
}

impl Mail {
    /// Opens no connection yet. The password is that of the settings' login, the authority its file's text.
    ///
    /// # Errors
    ///
    /// When the host has no usable store of certificates, the authority's text holds none, or an address is none.
    pub fn new(
        settings: &SmtpSettings,
        password: Option<SecretString>,
        authority: Option<&str>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, String> {
        let protection = match settings.tls {
            SmtpTls::Implicit => Protection::Implicit(tls(&settings.host, authority)?),
            SmtpTls::Starttls => Protection::Starttls(tls(&settings.host, authority)?),
            SmtpTls::None => Protection::None,
        };
        let login = settings.login.as_ref().map(|login| login.user.clone()).zip(password);
        Ok(Self {
            host: settings.host.clone(),
            port: settings.port,
            protection,
            login,
            from: address(&settings.from)?,
            to: settings.to.iter().map(address).collect::<Result<_, _>>()?,
            subject_prefix: settings.subject_prefix.clone(),
            clock,
        })
    }

    /// Hands over one alert.
    ///
    /// # Errors
    ///
    /// Why it was not taken, in plain words.
    pub async fn hand_over(&self, alert: &Alert) -> Result<Passed, String> {
        let letter = self.letter(alert)?;
        let (mut server, passed) = timeout(TIME_MAX, self.exchange(&letter))
            .await
            .unwrap_or_else(|_| Err(format!("it did not take the mail within {} s", TIME_MAX.as_secs())))?;
        // Whatever becomes of the goodbye, the mail is taken.
        timeout(GOODBYE_TIME_MAX, server.abort()).await.ok();
        Ok(passed)
    }

    /// The message, with all its headers.
    fn letter(&self, alert: &Alert) -> Result<Vec<u8>, String> {
        let automatic = HeaderValue::new(HeaderName::new_from_ascii_str("Auto-Submitted"), "auto-generated".to_owned());
        let now = u64::try_from(self.clock.now().as_second()).unwrap_or_default();
        let mut message = Message::builder()
            .from(Mailbox::new(None, self.from.clone()))
            .subject(alert.subject(&self.subject_prefix))
            .date(SystemTime::UNIX_EPOCH + Duration::from_secs(now))
            .message_id(Some(format!("<{}>", alert.message_id(self.from.domain()))))
            .raw_header(automatic)
            .header(ContentType::TEXT_PLAIN);
        for to in &self.to {
            message = message.to(Mailbox::new(None, to.clone()));
        }
        let message = message.body(alert.letter()).map_err(|error| format!("the mail cannot be written: {error}"))?;
        Ok(message.formatted())
    }

    async fn exchange(&self, letter: &[u8]) -> Result<(AsyncSmtpConnection, Passed), String> {
        let mut server = self.connect().await?;
        self.sign_in(&mut server).await?;
        let sender = Sender::new(Some(self.from.clone()), Vec::new());
        server.command(sender).await.map_err(|error| why(&error, "the sender"))?;
        let mut passed = Passed { refused: Vec::new(), of: self.to.len() };
        for (place, to) in (1..).zip(&self.to) {
            if let Err(error) = server.command(Rcpt::new(to.clone(), Vec::new())).await {
                let code = error.status().ok_or_else(|| why(&error, "a recipient"))?;
                passed.refused.push((place, code.into()));
            }
        }
        if passed.refused.len() == passed.of {
            return Err(format!("it takes mail for nobody: not for {}", Refused(&passed)));
        }
        server.command(Data).await.map_err(|error| why(&error, "the wish to hand over a mail"))?;
        let answer = server.message(letter).await.map_err(|error| why(&error, "the mail"))?;
        if answer.code().severity != Severity::PositiveCompletion {
            return Err(format!("it answers {} to the mail", answer.code()));
        }
        Ok((server, passed))
    }

    async fn connect(&self) -> Result<AsyncSmtpConnection, String> {
        let (host, hello) = (self.host.as_str(), ClientId::default());
        let Ok(Ok(stream)) = timeout(CONNECT_TIME_MAX, TcpStream::connect((host, self.port))).await else {
            return Err(unreached());
        };
        let stream: Box<dyn AsyncTokioStream> = match &self.protection {
            Protection::Implicit(tls) => {
                let veiled = timeout(CONNECT_TIME_MAX, Veiled::over(Wary::of(stream), tls.clone())).await;
                let Ok(Ok(veiled)) = veiled else { return Err(unreached()) };
                Box::new(veiled)
            }
            Protection::Starttls(_) | Protection::None => Box::new(Wary::of(stream)),
        };
        let server = AsyncSmtpConnection::connect_with_transport(stream, &hello).await;
        let mut server = server.map_err(|error| unopened(&error))?;
        if let Protection::Starttls(tls) = &self.protection {
            if !server.can_starttls() {
                return Err("it offers no STARTTLS, and without TLS it is told nothing".to_owned());
            }
            server.starttls(tls.clone(), &hello).await.map_err(|error| unopened(&error))?;
        }
        Ok(server)
    }

    async fn sign_in(&self, server: &mut AsyncSmtpConnection) -> Result<(), String> {
        let Some((user, password)) = &self.login else { return Ok(()) };
        if server.server_info().get_auth_mechanism(DEFAULT_MECHANISMS).is_none() {
            return Err("it offers no way to sign in that evictd knows: PLAIN or LOGIN".to_owned());
        }
        let credentials = Credentials::new(user.clone(), password.expose_secret().to_owned());
        server
            .auth(DEFAULT_MECHANISMS, &credentials)
            .await
            .map_err(|error| why(&error, "the user and the password"))?;
        Ok(())
    }
}

impl Channel for Mail {
    fn send<'a>(&'a self, alert: &'a Alert) -> Pending<'a, Result<(), String>> {
        Box::pin(async move {
            let passed = self.hand_over(alert).await?;
            if !passed.refused.is_empty() {
                tracing::warn!(account = %alert.account, "the mail of an alert was {passed}");
            }
            Ok(())
        })
    }
}

fn tls(host: &str, authority: Option<&str>) -> Result<TlsParameters, String> {
    let mut builder = TlsParameters::builder(host.to_owned());
    if let Some(authority) = authority {
        let certificate = Certificate::from_pem(authority.as_bytes()).ok();
        let certificate = certificate.filter(|_| authority.contains(CERTIFICATE));
        let certificate = certificate.ok_or("the file in `smtp.ca` holds no certificate in PEM")?;
        builder = builder.certificate_store(CertificateStore::None).add_root_certificate(certificate);
    }
    builder.build().map_err(|error| format!("`smtp`: TLS cannot be used: {error}"))
}

fn address(address: &MailAddress) -> Result<Address, String> {
    Address::new(address.local(), address.domain()).map_err(|error| format!("{address}: {error}"))
}

fn unreached() -> String {
    "it cannot be reached, or its certificate is not good".to_owned()
}

/// Why there is no connection that can be used.
fn unopened(error: &Error) -> String {
    if error.status().is_some() || error.is_response() { why(error, "a connection") } else { unreached() }
}

/// Why something was not taken. What the server says beyond its number is left out.
fn why(error: &Error, what: &str) -> String {
    match error.status() {
        Some(code) => format!("it answers {code} to {what}"),
        None if error.is_response() => "the connection broke off, or it speaks no SMTP".to_owned(),
        None => "the connection broke off".to_owned(),
    }
}
