//! TLS to mail servers: who is believed, and that nothing is told before it.

use super::mail::settings;
use super::server::{CERTIFICATE, Script, Server};
use super::*;

const LOGIN: &str = "user = \"evictd\"\npassword = { env = \"P\" }\n";

/// Mail with a login over this kind of TLS, to a server of this name that whoever made this certificate vouches for.
fn mail(port: u16, (host, tls): (&str, &str), authority: Option<&str>) -> Mail {
    let settings = settings(port, &format!("host = \"{host}\"\ntls = \"{tls}\"\n{LOGIN}"));
    let password = Some(SecretString::from("s3cret"));
    Mail::new(&settings, password, authority, Arc::new(ManualClock::at(start()))).unwrap()
}

/// Hands over one alert; what the server was told, and what came of it.
async fn exchange(mail: impl Fn(u16) -> Mail, tls: &str, script: Script<'_>) -> (String, Result<Passed, String>) {
    let server = Server::open().await;
    let mail = mail(server.port);
    let alert = Alert::test(&AccountName::new("acme"), start());
    let serve = async {
        match tls {
            "implicit" => server.serve_tls(script).await,
            "starttls" => server.serve_starttls(script).await,
            _ => server.serve(script).await,
        }
    };
    tokio::join!(serve, mail.hand_over(&alert))
}

#[tokio::test]
async fn over_tls_evictd_signs_in_and_before_it_nothing_is_told() {
    for host in ["127.0.0.1", "localhost"] {
        let (heard, passed) = exchange(|port| mail(port, (host, "implicit"), Some(CERTIFICATE)), "implicit", &[]).await;
        assert_eq!(passed.unwrap().to_string(), "taken");
        assert!(heard.contains("AUTH PLAIN AGV2aWN0ZABzM2NyZXQ=\r\nMAIL FROM"), "{heard}");
    }
    let (heard, passed) =
        exchange(|port| mail(port, ("localhost", "starttls"), Some(CERTIFICATE)), "starttls", &[]).await;
    assert_eq!(passed.unwrap().to_string(), "taken");
    assert!(heard.starts_with("EHLO [127.0.0.1]\r\nSTARTTLS\r\n(TLS)\nEHLO [127.0.0.1]\r\nAUTH PLAIN "), "{heard}");
}

#[tokio::test]
async fn a_server_that_nobody_vouches_for_is_told_nothing() {
    let bad = "it cannot be reached, or its certificate is not good";
    for tls in ["implicit", "starttls"] {
        let (heard, passed) = exchange(|port| mail(port, ("localhost", tls), None), tls, &[]).await;
        assert_eq!(passed.unwrap_err(), bad, "{tls}");
        assert!(!heard.contains("AUTH") && !heard.contains("MAIL"), "{heard}");
        let elsewhere = |port| mail(port, ("127.0.0.2", tls), Some(CERTIFICATE));
        let server = Server::open().await;
        let alert = Alert::test(&AccountName::new("acme"), start());
        assert_eq!(elsewhere(server.port).hand_over(&alert).await.unwrap_err(), bad);
    }
    let (heard, passed) = exchange(|port| mail(port, ("localhost", "implicit"), Some(CERTIFICATE)), "none", &[]).await;
    assert_eq!(passed.unwrap_err(), bad, "a server without TLS: {heard}");
    let settings = settings(1, "host = \"localhost\"\n");
    let clock = Arc::new(ManualClock::at(start()));
    for text in ["", "nonsense", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
        assert!(Mail::new(&settings, None, Some(text), clock.clone()).is_err(), "{text}");
    }
}

#[tokio::test]
async fn without_starttls_or_a_way_to_sign_in_nothing_is_handed_over() {
    let starttls = |port| mail(port, ("localhost", "starttls"), Some(CERTIFICATE));
    for (script, why) in [
        (&[("EHLO", "250-here\r\n250 AUTH PLAIN")][..], "it offers no STARTTLS, and without TLS it is told nothing"),
        (&[("EHLO", "250-here\r\n250 STARTTLS")], "it offers no way to sign in that evictd knows: PLAIN or LOGIN"),
        (&[("STARTTLS", "454 not now")], "it answers 454 to a connection"),
        (&[("AUTH", "535 s3cret")], "it answers 535 to the user and the password"),
    ] {
        let (heard, passed) = exchange(starttls, "starttls", script).await;
        assert_eq!(passed.unwrap_err(), why, "{heard}");
        let plain = heard.split("(TLS)").next().unwrap();
        assert!(!plain.contains("AUTH") && !heard.contains("MAIL"), "{heard}");
    }
}

/// Whoever is on the path answers for the server before TLS, in the hope of being heard behind it.
#[tokio::test]
async fn what_is_slipped_in_before_tls_is_not_believed() {
    let yes = "250 fine\r\n".repeat(4);
    let slipped = format!("220 go on\r\n250-here\r\n250 AUTH PLAIN\r\n235 fine\r\n{yes}354 go on\r\n250 taken");
    let starttls = |port| mail(port, ("localhost", "starttls"), Some(CERTIFICATE));
    let (heard, passed) = exchange(starttls, "starttls", &[("STARTTLS", &slipped)]).await;
    assert_eq!(passed.unwrap_err(), "it cannot be reached, or its certificate is not good", "{heard}");
    assert!(!heard.contains("AUTH"), "{heard}");
}
