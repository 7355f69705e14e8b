//! Requests that the control socket cannot answer.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;

use serde_json::Value;

use super::http::is_up;
use crate::harness::{TestEnv, text};

/// Sends a request with a body; returns the status and the body of the answer.
fn ask(env: &TestEnv, head: &str, kind: &str, body: &str) -> (u16, String) {
    let mut stream = UnixStream::connect(env.path("control.sock")).expect("the socket");
    let request = format!(
        "{head} HTTP/1.1\r\nHost: dropship\r\nConnection: close\r\n{kind}Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).expect("asked");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("an answer");
    let answer = text(&answer);
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
    (head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status"), body.to_owned())
}

#[test]
fn request_that_is_not_understood_is_answered_with_kind_and_message() {
    let env = TestEnv::new();
    let daemon = env.daemon(&[]);
    is_up(&env);
    const JSON: &str = "Content-Type: application/json\r\n";
    let long = format!("{{\"folder\": \"{}\"}}", "x".repeat(70 << 10));
    for (head, kind, body, expected, named) in [
        ("GET /v1/jobs?limit=many", "", "", (400, "malformed"), "limit"),
        ("GET /v1/jobs?state=lost", "", "", (400, "malformed"), "state"),
        ("GET /v1/jobs?since=yesterday", "", "", (400, "malformed"), "since"),
        // A misspelt filter must not widen what a request is about.
        ("GET /v1/jobs?stat=held", "", "", (400, "malformed"), "stat"),
        ("POST /v1/resume", JSON, "{\"foldr\": \"in\"}", (400, "malformed"), "foldr"),
        ("GET /v1/files", "", "", (400, "malformed"), "path"),
        ("GET /v1/who", "", "", (400, "malformed"), "hardware_id"),
        ("GET /v1/who?hardware_id=%5B", "", "", (400, "malformed"), "hardware_id"),
        ("GET /v1/remembered?since=1", "", "", (400, "malformed"), "since"),
        ("GET /v1/jobs/%FF", "", "", (400, "malformed"), "UTF-8"),
        ("GET /v1/jobs/x", "", "", (404, "not-found"), "x"),
        ("POST /v1/submit", "", "bytes", (400, "malformed"), "name"),
        ("POST /v1/pause", "", "{}", (400, "malformed"), "application/json"),
        ("POST /v1/pause", JSON, "{", (400, "malformed"), "EOF"),
        ("POST /v1/pause", JSON, "{\"folder\": 1}", (400, "malformed"), "folder"),
        ("POST /v1/pause", JSON, &long, (400, "malformed"), "limit"),
        ("POST /v1/adopt", JSON, "{\"product\": \"x\"}", (400, "malformed"), "product"),
        ("POST /v1/log-level", JSON, "{\"level\": \"loud\"}", (400, "malformed"), "loud"),
        ("POST /v1/labels/x/changes", JSON, "{}", (400, "malformed"), "x"),
        ("POST /v1/jobs/1m8hbq3c7xk2sd/actions", JSON, "\"explode\"", (400, "malformed"), "explode"),
        ("GET /v2/status", "", "", (404, "unknown-request"), "GET /v2/status"),
        ("GET /", "", "", (404, "unknown-request"), "GET /"),
        ("DELETE /v1/status", "", "", (404, "unknown-request"), "DELETE /v1/status"),
        ("GET /v1/pause", "", "", (404, "unknown-request"), "GET /v1/pause"),
        ("POST /metrics", "", "", (404, "unknown-request"), "POST /metrics"),
    ] {
        let (status, answer) = ask(&env, head, kind, body);
        let document: Value =
            serde_json::from_str(&answer).unwrap_or_else(|_| panic!("{head}: {status} {answer:?}"));
        assert_eq!((status, document["kind"].as_str()), (expected.0, Some(expected.1)), "{head}: {answer}");
        assert!(
            document["message"].as_str().is_some_and(|message| message.contains(named)),
            "{head}: {answer}"
        );
    }
    assert_eq!(daemon.terminate(), Some(0));
}
