//! A service whose answers are right, but have what a request carried in every text: steps, messages and reports.

use std::fs;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::echo::{SIGNATURE, TOKEN, holds_none, html, percent, respond};
use super::files;
use crate::harness::{SECRET, TestEnv, bytes, start_double, text};

/// Texts with secrets, by turns.
fn leaks() -> Vec<String> {
    let secrets = [TOKEN, SECRET, SIGNATURE];
    let plain = secrets.iter().map(|secret| format!("sent {secret} here"));
    let percent = secrets.iter().map(|secret| format!("sent {} here", percent(secret)));
    let html = secrets.iter().map(|secret| format!("sent {} here", html(secret)));
    let base64 = secrets.iter().map(|secret| format!("sent {} here", STANDARD.encode(secret)));
    plain.chain(percent).chain(html).chain(base64).collect()
}

#[test]
fn rejection_that_echoes_secrets_stores_none_and_is_short() {
    let env = TestEnv::new();
    let (own, polls, is_committed) =
        (Arc::new(Mutex::new(String::new())), AtomicUsize::new(0), AtomicBool::new(false));
    let (at, size) = (Arc::clone(&own), AtomicUsize::new(0));
    let base = start_double(move |request, stream| {
        let base = at.lock().expect("not poisoned").clone();
        let mut json =
            |status: u16, body: Value| respond(stream, status, "application/json", "", &body.to_string());
        let url = |name: &str| {
            format!(
                "{base}/blob/{name}?sv=2021&se=2099-01-01T00%3A00%3A00Z&sr=b&sp=rw&sig={}",
                percent(SIGNATURE)
            )
        };
        let submission = || {
            let poll = polls.fetch_add(1, Ordering::SeqCst);
            let leaks = leaks();
            let (step, state) = match poll {
                0..14 => (leaks[poll % leaks.len()].as_str(), "started"),
                _ => ("scanning", "failed"),
            };
            let messages: Vec<_> = leaks
                .iter()
                .cloned()
                .chain([("x".repeat(50_000))])
                .chain(vec!["more".to_owned(); 70])
                .collect();
            let status = json!({"currentStep": step, "state": state, "messages": messages, "errorReport": url("report")});
            let is_committed = is_committed.load(Ordering::SeqCst);
            json!({"id": 8, "productId": 7, "name": "echo", "type": "initial",
                "commitStatus": if is_committed { "commitComplete" } else { "commitPending" },
                "workflowStatus": if is_committed { status } else { Value::Null },
                "downloads": {"items": [{"type": "initialPackage", "url": url("package")}], "messages": leaks}})
        };
        match request.target() {
            (_, path) if path.contains("/oauth2/") => {
                json(200, json!({"access_token": TOKEN, "expires_in": 3600}))
            }
            ("HEAD", path) if path.starts_with("/blob/package") => {
                let length = size.load(Ordering::SeqCst);
                let status = if length == 0 { "404 X" } else { "200 X" };
                std::io::Write::write_all(
                    stream,
                    format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\nx-ms-blob-type: BlockBlob\r\nx-ms-error-code: BlobNotFound\r\n\r\n").as_bytes(),
                )?;
                Ok(true)
            }
            ("PUT", path) if path.starts_with("/blob/") => {
                let length = request.head.lines().find_map(|line| {
                    let (name, value) = line.split_once(':')?;
                    name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
                });
                // The list of blocks has no bytes of the package.
                if !path.contains("comp=blocklist") {
                    size.fetch_add(length.unwrap_or(0), Ordering::SeqCst);
                }
                respond(stream, 201, "text/plain", "", "")
            }
            (_, path) if path.starts_with("/blob/report") => {
                respond(stream, 200, "text/plain", "", &leaks().join("\n"))
            }
            ("POST", path) if path.ends_with("/commit") => {
                is_committed.store(true, Ordering::SeqCst);
                respond(stream, 202, "application/json", "", "")
            }
            ("POST", path) if path.ends_with("submissions") => json(201, submission()),
            ("POST", _) => json(201, json!({"id": 7, "productName": "x"})),
            (_, path) if path.ends_with("/submissions/8") => json(200, submission()),
            _ => json(200, json!({"value": []})),
        }
    });
    own.lock().expect("not poisoned").clone_from(&base);
    let path = env.path("dropship.toml");
    let configuration = fs::read_to_string(&path).expect("a configuration");
    fs::write(&path, configuration.replace(env.sandbox.base_url(), &base)).expect("a configuration");
    env.drop_package("echo.cab", &bytes("cab/good-signed-ts.cab"));
    let daemon = env.daemon(&[]);
    let receipt = env.wait_for_end();
    assert_eq!((&receipt["state"], &receipt["step"]), (&"failed".into(), &"sign".into()), "{receipt:#}");
    let message = receipt["error"]["message"].as_str().expect("a message");
    assert!(message.contains("sent *** here") && message.contains("more messages"), "{message}");
    assert!(message.len() < 12_000, "{} bytes", message.len());
    let report =
        fs::read(std::path::Path::new(receipt["outbox"].as_str().expect("a path")).join("error-report.txt"));
    let report = text(&report.expect("a report"));
    assert!(
        report.lines().count() == 12 && report.lines().all(|line| line.starts_with("sent ***")),
        "{report}"
    );
    let id = receipt["id"].as_str().expect("an id");
    let mut found = Vec::new();
    for args in [&["--json", "show", id][..], &["show", id, "--events"], &["export"], &["--json", "jobs"]] {
        found.push((format!("{args:?}"), env.run(args).stdout));
    }
    assert_eq!(daemon.terminate(), Some(0), "{}", env.log());
    fs::remove_file(env.path("secret")).expect("the one place where the secret belongs");
    files(env.folder.path(), &mut found);
    holds_none(&found, &[SECRET, TOKEN, SIGNATURE]);
}
