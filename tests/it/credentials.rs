//! Where the secrets of each way to sign in are found, as the real program finds them, and what goes out with them.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use crate::program::{Ran, Room};

/// An account at this address that signs in so, with a file and a folder of credentials that hold a secret each.
fn room(address: &str, auth: &str) -> Room {
    let room = Room::new();
    room.write(
        "evictd.toml",
        format!(
            "schema = 1\npaths = {{ state = \"state\", trail = \"trail\" }}\n[accounts.one]\nbase-url = \"http://{address}\"\n\
             scope = \"everyone\"\npolicies = [\"policy.toml\"]\n{auth}\n"
        ),
    );
    room.write(
        "policy.toml",
        "schema = 1\n[[rule]]\nid = \"deleted\"\ntitle = \"Deleted\"\naction = \"revoke-user\"\nwhen.user.deleted = true\n",
    );
    for (name, secret) in [("secret", "from-a-file\n"), ("credentials/named", "from-systemd")] {
        room.write(name, secret);
        fs::set_permissions(room.path(name), fs::Permissions::from_mode(0o600)).unwrap();
    }
    room
}

fn plan(room: &Room) -> Ran {
    let mut command = Command::new(env!("CARGO_BIN_EXE_evictd"));
    command.args(["plan", "--config", "evictd.toml"]).env_clear().env("HELD", "from-the-environment");
    command.env("CREDENTIALS_DIRECTORY", room.path("credentials"));
    room.start_command(&mut command).end()
}

/// The first request of a program that signs in so, answered by a refusal that echoes its secret; and what the program said.
fn heard(auth: &str) -> (String, Ran) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let room = room(&listener.local_addr().unwrap().to_string(), auth);
    let serve = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut bytes = vec![0; 8192];
        let mut length = 0;
        loop {
            length += stream.read(&mut bytes[length..]).unwrap();
            let text = String::from_utf8_lossy(&bytes[..length]);
            if text.contains("\r\n\r\n") && (text.starts_with("GET") || text.ends_with('}')) {
                break;
            }
        }
        let request = String::from_utf8_lossy(&bytes[..length]).into_owned();
        let head = "HTTP/1.1 401 Unauthorized\r\nDate: Mon, 23 Nov 2026 20:38:00 GMT\r\nConnection: close\r\n";
        let echo = request.lines().find(|line| line.starts_with("authorization") || line.starts_with('{')).unwrap();
        write!(stream, "{head}Content-Type: text/plain\r\nContent-Length: {}\r\n\r\n{echo}", echo.len()).unwrap();
        request
    });
    let ran = plan(&room);
    (serve.join().unwrap(), ran)
}

#[test]
fn secrets_are_found_in_each_place_and_go_out_once_for_each_way_to_sign_in() {
    for (place, secret, basic) in [
        ("{ file = \"secret\" }", "from-a-file", "YUBiLmMvdG9rZW46ZnJvbS1hLWZpbGU="),
        ("{ credential = \"named\" }", "from-systemd", "YUBiLmMvdG9rZW46ZnJvbS1zeXN0ZW1k"),
        ("{ env = \"HELD\" }", "from-the-environment", "YUBiLmMvdG9rZW46ZnJvbS10aGUtZW52aXJvbm1lbnQ="),
    ] {
        let basic = format!("authorization: Basic {basic}\r\n");
        let bearer = format!("authorization: Bearer {secret}\r\n");
        let body = format!("\"client_secret\":\"{secret}\"");
        for (auth, sent) in [
            (format!("auth.api-token = {{ email = \"a@b.c\", token = {place} }}"), basic),
            (format!("auth.token = {place}"), bearer),
            (format!("auth.oauth-client = {{ id = \"c\", secret = {place} }}"), body),
        ] {
            let (request, ran) = heard(&auth);
            assert!(request.contains(&sent), "no {sent} in {request}");
            let ran = ran.says(77, &["refused for want of"]);
            let shown = ran.stdout + &ran.stderr;
            let value = sent.trim().rsplit([' ', ':']).next().unwrap().trim_matches('"');
            assert!(!shown.contains(value) && !shown.contains(secret) && shown.contains("(secret)"), "{shown}");
            assert_eq!(shown.contains("warning[api-token-ends]"), auth.contains("api-token"), "{shown}");
        }
    }
}

#[test]
fn the_secret_that_ends_sessions_is_not_looked_for_where_nothing_may_act() {
    let auth = "auth.token = { file = \"secret\" }\nauth.revoker.token = { file = \"none\" }";
    let (request, ran) = heard(auth);
    assert!(request.contains("Bearer from-a-file"), "{request}");
    ran.says(77, &["refused for want of"]);
    let apply = |lines: &str| {
        let room = room("127.0.0.1:9", &format!("{auth}\n{lines}"));
        let mut command = Command::new(env!("CARGO_BIN_EXE_evictd"));
        room.start_command(command.args(["apply", "--yes", "--config", "evictd.toml"]).env_clear()).end()
    };
    apply("").says(69, &["Zendesk cannot be reached"]);
    apply("mode = \"enforce\"\nprotected = [1]").says(78, &["there is no such file"]);
}

#[test]
fn api_tokens_that_cannot_be_read_end_the_command_before_anything_is_sent() {
    let check = |place: &str, parts: &[&str]| {
        let room = room("127.0.0.1:9", &format!("auth.api-token = {{ email = \"a@b.c\", token = {place} }}"));
        fs::set_permissions(room.path("secret"), fs::Permissions::from_mode(0o640)).unwrap();
        plan(&room).says(78, parts);
    };
    check("{ file = \"secret\" }", &["its mode 640 lets others than its owner in", "chmod 600"]);
    check("{ file = \"none\" }", &["there is no such file"]);
    check("{ env = \"NOT_HELD\" }", &["the environment has no `NOT_HELD`"]);
    check("{ credential = \"other\" }", &["there is no such file"]);
    check("{ credential = \"../secret\" }", &["a credential has a plain name"]);
}
