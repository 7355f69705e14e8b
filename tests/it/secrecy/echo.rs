//! A service, or a proxy in its place, that answers every request with the request itself.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

use super::files;
use crate::harness::{SECRET, TestEnv, bytes, text, wait_for};

/// Statuses of the answers, by turns.
const STATUSES: [u16; 9] = [400, 200, 500, 403, 404, 503, 409, 302, 429];

/// The token of the double, which does not look like one.
const TOKEN: &str = "0paque+Token/of~the_double.with-every&character=0123456789";

/// One request as it came.
fn request(stream: &TcpStream) -> Option<(String, String)> {
    let mut reader = BufReader::new(stream);
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().ok()?;
        }
        head.push_str(&line);
        if line == "\r\n" {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some((head, text(&body)))
}

fn percent(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

fn html(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;").replace('+', "&#43;")
}

/// The answers that a request can get: (type, body).
fn echoes(seen: &str) -> Vec<(&'static str, String)> {
    let json = |value: serde_json::Value| ("application/json", value.to_string());
    vec![
        json(
            serde_json::json!({"error": {"code": seen, "message": seen, "validationErrors": [{"target": seen, "message": seen}]}}),
        ),
        json(
            serde_json::json!({"error": "invalid_client", "error_description": format!("AADSTS7000215: {seen}")}),
        ),
        json(serde_json::json!({"error": seen, "error_description": seen})),
        json(serde_json::json!({"statusCode": 500, "message": percent(seen)})),
        json(serde_json::json!({"message": percent(&percent(seen)).to_lowercase()})),
        json(
            serde_json::json!({"id": seen, "name": seen, "value": [{"id": seen, "name": seen, seen: seen}], "links": [{"rel": "next_link", "href": seen}]}),
        ),
        json(serde_json::json!({"request": serde_json::json!({"body": seen}).to_string()})),
        json(serde_json::Value::from(STANDARD.encode(seen))),
        ("text/html", format!("<html><head><title>{}</title></head><body>{}</body>", html(seen), html(seen))),
        ("text/html", format!("<html><body><pre>{}</pre>", html(&html(seen)))),
        ("text/plain", seen.to_owned()),
        ("text/plain", seen.split_whitespace().last().unwrap_or_default().to_owned()),
        ("text/plain", URL_SAFE_NO_PAD.encode(format!("x{seen}"))),
        ("text/xml", format!("<Error><Code>{}</Code><Message>{}</Message></Error>", html(seen), html(seen))),
    ]
}

/// Starts the double; it gives a token to every second request for one. Returns its URL and what it answered.
fn double() -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let base = format!("http://{}", listener.local_addr().expect("an address"));
    let answered = Arc::new(Mutex::new(Vec::new()));
    let (kept, turn) = (Arc::clone(&answered), Arc::new(AtomicUsize::new(0)));
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let (kept, turn) = (Arc::clone(&kept), Arc::clone(&turn));
            std::thread::spawn(move || {
                while let Some((head, body)) = request(&stream) {
                    let at = turn.fetch_add(1, Ordering::SeqCst);
                    let seen = format!("{head}{body}");
                    let is_token = head.contains("/oauth2/");
                    let (status, (kind, body)) = if is_token && at % 2 == 0 {
                        let token = serde_json::json!({"access_token": TOKEN, "expires_in": 1}).to_string();
                        (200, ("application/json", token))
                    } else {
                        let mut all = echoes(&seen);
                        let answer = all.swap_remove(at % all.len());
                        kept.lock().expect("not poisoned").push(answer.1.clone());
                        (STATUSES[at / 2 % STATUSES.len()], answer)
                    };
                    let written = write!(
                        stream,
                        "HTTP/1.1 {status} X\r\ncontent-type: {kind}\r\ncontent-length: {}\r\nx-request-echo: {}\r\n\r\n{body}",
                        body.len(),
                        percent(&seen)
                    );
                    if written.is_err() {
                        return;
                    }
                }
            });
        }
    });
    (base, answered)
}

/// Each form of a secret that is looked for.
fn forms(secret: &str) -> Vec<String> {
    let json = serde_json::Value::from(secret).to_string();
    let mut all = vec![
        secret.to_owned(),
        percent(secret),
        percent(secret).to_lowercase(),
        percent(&percent(secret)),
        html(secret),
        json.trim_matches('"').to_owned(),
    ];
    for (shift, dependent) in [(0, 0), (1, 2), (2, 3)] {
        for carried in [secret, &percent(secret)] {
            let encoded = STANDARD.encode(format!("{}{carried}", "x".repeat(shift)));
            let own = encoded.trim_end_matches('=');
            all.push(own[dependent..own.len() - 2].to_owned());
            all.push(own[dependent..own.len() - 2].replace('+', "-").replace('/', "_"));
        }
    }
    all
}

#[test]
fn service_that_echoes_every_request_leaves_no_secret_anywhere() {
    let env = TestEnv::new();
    let (base, answered) = double();
    let path = env.path("dropship.toml");
    let configuration = fs::read_to_string(&path).expect("a configuration");
    fs::write(&path, configuration.replace(env.sandbox.base_url(), &base)).expect("a configuration");
    env.drop_package("echo.cab", &bytes("cab/good-signed-ts.cab"));
    let mut daemon = env.command(&["run", "--log", "json", "--log-level", "trace"]);
    let log = fs::File::create(env.path("daemon.log")).expect("a log");
    let mut daemon = daemon.stderr(log).spawn().expect("the daemon starts");
    let count =
        wait_for("enough answers", || Some(answered.lock().expect("not poisoned").len()).filter(|n| *n > 20));
    let mut found = Vec::new();
    for args in [
        &["--json", "jobs"][..],
        &["status"],
        &["--json", "status"],
        &["check", "--online"],
        &["--json", "check", "--online"],
        &["--json", "api", "audience", "list"],
        &["api", "product", "list"],
        &["--json", "api", "product", "get", "7"],
    ] {
        let output = env.run(args);
        found.push((format!("{args:?}"), [output.stdout, output.stderr].concat()));
    }
    let jobs = env.json(&["jobs"]);
    if let Some(id) = jobs[0]["id"].as_str() {
        for args in [&["--json", "show", id][..], &["show", id, "--events"]] {
            found.push((format!("{args:?}"), env.run(args).stdout));
        }
    }
    daemon.kill().expect("the daemon runs");
    daemon.wait().expect("it ended");
    assert!(count.is_some(), "the daemon asks again: {}", env.log());
    fs::remove_file(env.path("secret")).expect("the one place where the secret belongs");
    files(env.folder.path(), &mut found);
    assert!(found.iter().any(|(name, _)| name.contains("daemon.log")));
    for (name, content) in &found {
        let content = text(content);
        for secret in [SECRET, TOKEN] {
            for form in forms(secret) {
                if let Some(at) = content.find(&form) {
                    let from = content.floor_char_boundary(at.saturating_sub(200));
                    panic!("{name} holds {form}: …{}…", &content[from..content.len().min(at + 20)]);
                }
            }
        }
    }
}
