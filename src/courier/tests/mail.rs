//! Mail: what a letter looks like, what becomes of it for each answer of a server, and that no channel waits for another.

use std::time::Duration;

use super::server::{CUT, SILENCE, Script, Server};
use super::*;
use crate::alert::AlertKind;
use crate::config::SmtpSettings;
use crate::model::Severity;

/// These settings of `alerts.smtp`, behind what every letter needs.
pub(super) fn settings(port: u16, lines: &str) -> SmtpSettings {
    let lines = format!(
        "[alerts.smtp]\nport = {port}\nfrom = \"evictd@example.com\"\nto = [\"soc@example.com\", \"head@example.org\"]\n{lines}"
    );
    alerts(&lines).smtp.unwrap()
}

/// Mail to a server on this machine, in the plain.
fn mail(port: u16) -> Mail {
    let settings = settings(port, "host = \"127.0.0.1\"\ntls = \"none\"\n");
    Mail::new(&settings, None, None, Arc::new(ManualClock::at(start()))).unwrap()
}

fn alert() -> Alert {
    Alert {
        id: "812".to_owned(),
        account: AccountName::new("acme"),
        kind: AlertKind::Hold,
        severity: Severity::High,
        at: start(),
        text: "12 people are withheld. Do: decide".to_owned(),
        seq: 812,
        digest: Some("d1".to_owned()),
        mark: crate::alert::Mark::Record,
    }
}

/// What comes of an alert at a server with this script, and what it was told.
async fn exchange(alert: &Alert, script: Script<'_>) -> (String, Result<Passed, String>) {
    let server = Server::open().await;
    let mail = mail(server.port);
    tokio::join!(server.serve(script), mail.hand_over(alert))
}

#[tokio::test]
async fn a_letter_says_what_it_is_and_is_the_same_when_it_comes_again() {
    let (heard, passed) = exchange(&alert(), &[]).await;
    assert_eq!(passed.unwrap().to_string(), "taken");
    let (dialogue, letter) = heard.split_once("DATA\r\n").unwrap();
    assert_eq!(
        dialogue,
        "EHLO [127.0.0.1]\r\nMAIL FROM:<evictd@example.com>\r\nRCPT TO:<soc@example.com>\r\nRCPT TO:<head@example.org>\r\n"
    );
    for line in [
        "From: evictd@example.com",
        "To: soc@example.com, head@example.org",
        "Subject: evictd: high hold, account acme",
        "Date: Fri, 27 Nov 2026 08:00:00 +0000",
        "Auto-Submitted: auto-generated",
        "Content-Type: text/plain; charset=utf-8",
        "12 people are withheld. Do: decide",
        "record: 812",
        "digest: d1",
    ] {
        assert!(letter.contains(&format!("{line}\r\n")), "{line}: {letter}");
    }
    let id = |letter: &str| letter.lines().find(|line| line.starts_with("Message-ID: ")).unwrap().to_owned();
    assert!(id(letter).starts_with("Message-ID: <812.") && id(letter).ends_with("@example.com>"), "{letter}");
    assert_eq!(id(&exchange(&alert(), &[]).await.0), id(letter));
    for other in [
        Alert { at: start() + jiff::SignedDuration::from_secs(1), ..alert() },
        Alert { account: AccountName::new("other"), ..alert() },
        Alert { id: "813".to_owned(), ..alert() },
    ] {
        assert_ne!(id(&exchange(&other, &[]).await.0), id(letter), "another trail's is another one");
    }
    let again = Alert { at: start() + jiff::SignedDuration::from_secs(1), mark: crate::alert::Mark::Told, ..alert() };
    let first = Alert { at: start(), ..again.clone() };
    assert_eq!(again.message_id("x"), first.message_id("x"), "what came due has the instant of the try");
}

#[tokio::test]
async fn nothing_in_an_alert_makes_a_header_or_a_command() {
    let evil = "x\r\nBcc: evil@example.com\r\n\r\n.\r\nMAIL FROM:<evil@example.com>\r\n";
    let long = "ä".repeat(5_000);
    let (account, text, digest) = (AccountName::new(evil), format!("{evil}{long}"), Some(evil.to_owned()));
    let (heard, passed) = exchange(&Alert { account, text, digest, ..alert() }, &[]).await;
    assert_eq!(passed.unwrap().to_string(), "taken");
    assert!(heard.is_ascii() && heard.lines().all(|line| line.len() < 998), "{heard}");
    let (dialogue, letter) = heard.split_once("DATA\r\n").unwrap();
    assert_eq!(dialogue.matches("MAIL FROM").count(), 1);
    let (head, _) = letter.split_once("\r\n\r\n").unwrap();
    assert!(!head.lines().any(|line| line.starts_with("Bcc") || line.starts_with("MAIL")), "{head}");
    let ends = heard.matches("\r\n.\r\n").count();
    assert_eq!(
        (ends, heard.ends_with("\r\n.\r\nQUIT\r\n")),
        (1, true),
        "a dot of the text's own ends nothing: {heard}"
    );
}

#[tokio::test]
async fn each_answer_is_a_yes_or_a_no_in_numbers() {
    for (script, said) in [
        (&[("hello", "554 s3cret")][..], "no: it answers 554 to a connection"),
        (&[("EHLO", "421 s3cret")], "no: it answers 421 to a connection"),
        (&[("hello", "HTTP/1.1 400 s3cret")], "no: the connection broke off, or it speaks no SMTP"),
        (&[("MAIL", "530 s3cret")], "no: it answers 530 to the sender"),
        (&[("RCPT TO:<soc", "550 s3cret")], "taken, but not for number 1 of 2 (550) in `to`"),
        (&[("RCPT TO:<head", "450 s3cret")], "taken, but not for number 2 of 2 (450) in `to`"),
        (
            &[("RCPT", "550 s3cret")],
            "no: it takes mail for nobody: not for number 1 of 2 (550), number 2 of 2 (550) in `to`",
        ),
        (&[("DATA", "451 s3cret")], "no: it answers 451 to the wish to hand over a mail"),
        (&[(".", "452 s3cret")], "no: it answers 452 to the mail"),
        (&[(".", "554 s3cret")], "no: it answers 554 to the mail"),
        (&[(".", "354 s3cret")], "no: it answers 354 to the mail"),
        (&[("hello", CUT)], "no: the connection broke off, or it speaks no SMTP"),
        (&[("RCPT", CUT)], "no: the connection broke off, or it speaks no SMTP"),
        (&[("DATA", CUT)], "no: the connection broke off, or it speaks no SMTP"),
        (&[(".", CUT)], "no: the connection broke off, or it speaks no SMTP"),
        (&[("QUIT", CUT)], "taken"),
        (&[("QUIT", "500 s3cret")], "taken"),
    ] {
        let (heard, passed) = exchange(&alert(), script).await;
        let came = passed.map_or_else(|why| format!("no: {why}"), |passed| passed.to_string());
        assert_eq!(came, said, "{script:?}: {heard}");
    }
    let nobody = mail(1).hand_over(&alert()).await.unwrap_err();
    assert_eq!(nobody, "it cannot be reached, or its certificate is not good");
}

#[tokio::test]
async fn a_server_that_never_stops_is_left() {
    let server = Server::open().await;
    let endless = format!("250-{}", "x".repeat(1 << 20));
    let script = [("hello", endless.as_str())];
    let (mail, alert) = (mail(server.port), alert());
    let (_, passed) = tokio::join!(server.serve(&script), mail.hand_over(&alert));
    assert_eq!(passed.unwrap_err(), "it cannot be reached, or its certificate is not good");
}

/// From the silence on time is simulated: it passes where everybody waits.
#[tokio::test]
async fn whoever_says_nothing_is_left_after_a_minute_unless_the_mail_is_taken() {
    for silent in ["hello", "EHLO", "MAIL", "RCPT", "DATA", "."] {
        let server = Server::open().await;
        let (mail, alert, script) = (mail(server.port), alert(), [(silent, SILENCE)]);
        tokio::select! {
            passed = mail.hand_over(&alert) => {
                assert_eq!(passed.unwrap_err(), "it did not take the mail within 60 s", "{silent}");
            }
            heard = server.serve(&script) => panic!("{heard}"),
        }
        tokio::time::resume();
    }
    let server = Server::open().await;
    let mail = mail(server.port);
    tokio::select! {
        passed = async { mail.hand_over(&alert()).await } => assert_eq!(passed.unwrap().to_string(), "taken"),
        heard = server.serve(&[("QUIT", SILENCE)]) => panic!("{heard}"),
    }
}

/// A route of mail, and one turn of it.
fn route(stage: &Stage, port: u16) -> Route {
    stage.route_to(ChannelKind::Smtp, Arc::new(mail(port)))
}

/// The ids of letters that were taken.
fn letters(heard: &str) -> Vec<&str> {
    heard.lines().filter_map(|line| line.strip_prefix("id: ")).collect()
}

#[tokio::test]
async fn what_is_not_taken_is_sent_again_and_what_is_taken_never_not_even_by_the_next_process() {
    for refusal in [("RCPT", "451 later"), (".", "554 spam"), (".", CUT)] {
        let (stage, server) = (Stage::new(), Server::open().await);
        stage.write(1);
        let mut first = route(&stage, server.port);
        let script = [refusal];
        let (heard, wait) = tokio::join!(server.serve(&script), first.step());
        assert!(wait >= Duration::from_secs(5), "{heard}");
        let cursor = Cursor::read(&stage.state, ChannelKind::Smtp).unwrap();
        assert_eq!((cursor.seq, cursor.failing_since.as_deref()), (0, Some("2026-11-27T08:00:00Z")));
        drop(first);
        let mut second = route(&stage, server.port);
        let (heard, _) = tokio::join!(server.serve(&[]), second.step());
        assert_eq!(letters(&heard), ["1"]);
        let cursor = Cursor::read(&stage.state, ChannelKind::Smtp).unwrap();
        assert_eq!((cursor.seq, cursor.failing_since), (1, None));
        let mut third = route(&stage, server.port);
        tokio::select! {
            biased;
            heard = server.serve(&[]) => panic!("it was sent again: {heard}"),
            _ = third.step() => {}
        }
    }
}

#[tokio::test]
async fn a_mailbox_that_is_gone_does_not_silence_the_others() {
    let (stage, server) = (Stage::new(), Server::open().await);
    stage.write(1);
    let mut route = route(&stage, server.port);
    let script = [("RCPT TO:<soc", "550 gone")];
    let (heard, _) = tokio::join!(server.serve(&script), route.step());
    assert_eq!(letters(&heard), ["1"]);
    assert_eq!(Cursor::read(&stage.state, ChannelKind::Smtp).unwrap().seq, 1);
}

#[tokio::test]
async fn a_channel_that_is_down_leaves_the_other_alone() {
    let (stage, server) = (Stage::new(), Server::open().await);
    stage.write(2);
    let (mut posts, mut mails) = (stage.route(), route(&stage, server.port));
    stage.takes(0);
    let both = async { (server.serve(&[]).await, server.serve(&[]).await) };
    let ((one, two), _, _) = tokio::join!(both, mails.step(), posts.step());
    assert_eq!((letters(&one), letters(&two)), (vec!["1"], vec!["3"]));
    assert_eq!((stage.cursor().seq, Cursor::read(&stage.state, ChannelKind::Smtp).unwrap().seq), (0, 3));
    drop(stage.sent());
    stage.takes(usize::MAX);
    stage.write(1);
    tokio::join!(server.serve(&[("hello", CUT)]), mails.step(), posts.step());
    assert_eq!(stage.sent(), ["1", "3", "5"]);
    assert_eq!((stage.cursor().seq, Cursor::read(&stage.state, ChannelKind::Smtp).unwrap().seq), (5, 3));
}

#[tokio::test]
async fn a_channel_that_never_answers_silences_no_other() {
    for dead in [ChannelKind::Webhook, ChannelKind::Smtp] {
        let mut stage = Stage::new();
        stage.pause = Some(Pause { until: None });
        stage.write(3);
        let routes = [ChannelKind::Webhook, ChannelKind::Smtp].map(|kind| {
            let channel: Arc<dyn Channel> = if kind == dead { Arc::new(Dead) } else { stage.channel.clone() };
            let clock = Arc::new(Yielding(stage.clock.clone()));
            Route::new(stage.backlog(kind), channel, clock, Arc::new(SeededChance::new(7)))
        });
        let tray = Tray::default();
        tray.put(Errands { routes: routes.into(), heartbeat: None });
        beside(stage.until_sent(4), &tray).await;
        assert_eq!(stage.sent(), ["1", "3", "5", &format!("pause-{}", start().as_second())], "{dead:?}");
    }
}
