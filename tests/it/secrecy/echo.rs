//! A service, or a proxy in its place, that answers every request with the request itself.

use std::fs;
use std::io::Write;
use std::net::TcpStream;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

use super::files;
use crate::harness::{SECRET, TestEnv, bytes, start_double, text, wait_for};

/// Statuses of the answers, by turns.
const STATUSES: [u16; 9] = [400, 200, 500, 403, 404, 503, 409, 302, 429];

/// The token of the double, which does not look like one.
pub(super) const TOKEN: &str = "0paque+Token/of~the_double.with-every&character=0123456789";

pub(super) fn percent(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

pub(super) fn html(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;").replace('+', "&#43;")
}

pub(super) fn hex(text: &str) -> String {
    text.bytes().map(|byte| format!("{byte:02x}")).collect()
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
        ("text/plain", hex(seen)),
        json(serde_json::json!({"message": format!("\\x{}", hex(&percent(seen)).to_uppercase())})),
        ("text/xml", format!("<Error><Code>{}</Code><Message>{}</Message></Error>", html(seen), html(seen))),
    ]
}

/// Starts the double; it gives a token to every second request for one. Returns its URL and what it answered.
fn start_echo() -> (String, Arc<Mutex<Vec<String>>>) {
    let answered = Arc::new(Mutex::new(Vec::new()));
    let (kept, turn) = (Arc::clone(&answered), AtomicUsize::new(0));
    let base = start_double(move |request, stream| {
        let at = turn.fetch_add(1, Ordering::SeqCst);
        let seen = format!("{}{}", request.head, request.body);
        let (status, (kind, body)) = if request.is_for_token() && at % 2 == 0 {
            let token = serde_json::json!({"access_token": TOKEN, "expires_in": 1}).to_string();
            (200, ("application/json", token))
        } else {
            let mut all = echoes(&seen);
            let answer = all.swap_remove(at % all.len());
            kept.lock().expect("not poisoned").push(answer.1.clone());
            (STATUSES[at / 2 % STATUSES.len()], answer)
        };
        respond(stream, status, kind, &format!("x-request-echo: {}\r\n", percent(&seen)), &body)
    });
    (base, answered)
}

/// Writes a response; the connection continues.
pub(super) fn respond(
    stream: &mut TcpStream,
    status: u16,
    kind: &str,
    headers: &str,
    body: &str,
) -> std::io::Result<bool> {
    let length = body.len();
    write!(
        stream,
        "HTTP/1.1 {status} X\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\n{headers}\r\n{body}"
    )?;
    Ok(true)
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
        hex(secret),
        hex(secret).to_uppercase(),
        hex(&percent(secret)),
        hex(&percent(secret)).to_uppercase(),
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
    let (base, answered) = start_echo();
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
    holds_none(&found, &[SECRET, TOKEN]);
}

/// None of the contents holds a form of a secret.
pub(super) fn holds_none(found: &[(String, Vec<u8>)], secrets: &[&str]) {
    for (name, content) in found {
        let content = text(content);
        for form in secrets.iter().flat_map(|secret| forms(secret)) {
            if let Some(at) = content.find(&form) {
                let from = content.floor_char_boundary(at.saturating_sub(200));
                panic!("{name} holds {form}: …{}…", &content[from..content.len().min(at + 20)]);
            }
        }
    }
}

/// The signature in the URL of the upload.
pub(super) const SIGNATURE: &str = "Zx9+/kQ7wTn4vRr0/pL2sDq8+uY1hBc6jMe5oGiWfA=";

/// The answers of the blob store, by turns: status, headers and body.
fn refusals(line: &str) -> Vec<(u16, String, String)> {
    let url = line.split(' ').nth(1).unwrap_or_default();
    let query = url.split_once('?').map_or("", |(_, query)| query);
    let decoded: String = url::form_urlencoded::parse(query.as_bytes())
        .map(|(name, value)| format!("{name}={value}&"))
        .collect();
    let error = |code: &str, message: &str, detail: &str| {
        format!(
            "\u{feff}<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>{message}\nRequestId:1</Message>\
             <AuthenticationErrorDetail>{detail}</AuthenticationErrorDetail></Error>"
        )
    };
    let plain = String::new;
    vec![
        (
            403,
            plain(),
            error("AuthenticationFailed", &html(url), &format!("String to sign was {}", html(&decoded))),
        ),
        (400, plain(), error("InvalidQueryParameterValue", "sig", &html(SIGNATURE))),
        (409, plain(), error(&html(url), &html(&percent(url)), &STANDARD.encode(&decoded))),
        (404, format!("x-ms-error-code: {url}\r\n"), plain()),
        (412, format!("x-ms-error-code: {}\r\n", percent(&decoded)), decoded.clone()),
        (500, plain(), format!("<html><title>{}</title><p>{}", html(url), html(&decoded))),
        (302, format!("location: {url}\r\n"), plain()),
        (403, plain(), serde_json::json!({"error": {"code": decoded, "message": url}}).to_string()),
        (416, plain(), URL_SAFE_NO_PAD.encode(format!("xy{SIGNATURE}"))),
        (401, plain(), SIGNATURE.to_owned()),
    ]
}

#[test]
fn blob_store_that_echoes_the_signed_url_leaves_no_signature_anywhere() {
    let env = TestEnv::new();
    let (turn, own) = (AtomicUsize::new(0), Arc::new(Mutex::new(String::new())));
    let (at, refused) = (Arc::clone(&own), Arc::new(AtomicUsize::new(0)));
    let count = Arc::clone(&refused);
    let base = start_double(move |request, stream| {
        let base = at.lock().expect("not poisoned").clone();
        let mut json = |status: u16, body: serde_json::Value| {
            respond(stream, status, "application/json", "", &body.to_string())
        };
        let submission = || {
            serde_json::json!({"id": 8, "productId": 7, "name": "echo", "type": "initial", "commitStatus": "commitPending",
            "downloads": {"items": [{"type": "initialPackage", "url": format!("{base}/blob/8?sv=2021&se=2099-01-01T00%3A00%3A00Z&sr=b&sp=rw&sig={}", percent(SIGNATURE))}]}})
        };
        match request.target() {
            (_, path) if path.contains("/oauth2/") => {
                json(200, serde_json::json!({"access_token": TOKEN, "expires_in": 3600}))
            }
            (_, path) if path.starts_with("/blob/") => {
                let line = request.head.lines().next().unwrap_or_default();
                let mut all = refusals(line);
                let (status, headers, body) =
                    all.swap_remove(turn.fetch_add(1, Ordering::SeqCst) % all.len());
                count.fetch_add(1, Ordering::SeqCst);
                respond(stream, status, "application/xml", &headers, &body)
            }
            ("POST", path) if path.ends_with("submissions") => json(201, submission()),
            ("POST", _) => json(201, serde_json::json!({"id": 7, "productName": "x"})),
            (_, path) if path.ends_with("/submissions/8") => json(200, submission()),
            _ => json(200, serde_json::json!({"value": []})),
        }
    });
    own.lock().expect("not poisoned").clone_from(&base);
    let path = env.path("dropship.toml");
    let configuration = fs::read_to_string(&path).expect("a configuration");
    fs::write(&path, configuration.replace(env.sandbox.base_url(), &base)).expect("a configuration");
    env.drop_package("echo.cab", &bytes("cab/good-signed-ts.cab"));
    let daemon = env.daemon(&[]);
    // Each answer twice. A job that is held for one of them continues.
    let is_refused = wait_for("refused uploads", || {
        let held = env.json(&["jobs", "--state", "held"]);
        if let Some(id) = held[0]["id"].as_str() {
            env.run(&["approve", id]);
        }
        (refused.load(Ordering::SeqCst) > 20).then_some(())
    });
    assert!(is_refused.is_some(), "{} refusals: {}", refused.load(Ordering::SeqCst), env.log());
    let mut found = Vec::new();
    for args in [&["--json", "jobs"][..], &["export"], &["--json", "status"], &["status"]] {
        let output = env.run(args);
        found.push((format!("{args:?}"), [output.stdout, output.stderr].concat()));
    }
    let jobs = env.json(&["jobs"]);
    let id = jobs[0]["id"].as_str().expect("a job");
    for args in [&["--json", "show", id][..], &["show", id, "--events"]] {
        found.push((format!("{args:?}"), env.run(args).stdout));
    }
    assert_eq!(daemon.terminate(), Some(0), "{}", env.log());
    fs::remove_file(env.path("secret")).expect("the one place where the secret belongs");
    files(env.folder.path(), &mut found);
    holds_none(&found, &[SECRET, TOKEN, SIGNATURE]);
}
