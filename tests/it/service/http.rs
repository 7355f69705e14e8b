//! Metrics and health, on the control socket and over TCP.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::path::Path;

use serde_json::{Value, json};

use crate::harness::{TestEnv, bytes, free_port, text, wait_for};

/// Requests a page; returns the status and the body.
fn ask(mut stream: impl Read + Write, page: &str) -> (u16, String) {
    let request = format!("GET {page} HTTP/1.1\r\nHost: dropship\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).expect("asked");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("an answer");
    let answer = text(&answer);
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
    (head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status"), body.to_owned())
}

/// Requests a page of the control socket. A daemon that has just created the socket may not listen on it yet.
pub(crate) fn on_socket(socket: &Path, page: &str) -> (u16, String) {
    let connection = wait_for("a connection to the socket", || UnixStream::connect(socket).ok());
    ask(connection.unwrap_or_else(|| panic!("nothing listens on {}", socket.display())), page)
}

pub(super) fn is_up(env: &TestEnv) {
    let socket = env.path("control.sock");
    wait_for("the socket", || UnixStream::connect(&socket).ok()).unwrap_or_else(|| panic!("{}", env.log()));
}

#[test]
fn metrics_follow_the_jobs_in_the_documented_format() {
    let port = free_port();
    let env =
        TestEnv::with(crate::harness::usual_quirks(), &format!("[metrics]\nlisten = \"127.0.0.1:{port}\"\n"));
    let daemon = env.daemon(&[]);
    is_up(&env);
    env.drop_package("echo.cab", &bytes("cab/good-signed-ts.cab"));
    env.wait_for_end();
    let (status, page) = ask(TcpStream::connect(("127.0.0.1", port)).expect("the port"), "/metrics");
    assert_eq!(status, 200);
    for expected in [
        "dropship_jobs{state=\"succeeded\"} 1\n",
        "dropship_jobs_ended_total{rule=\"ring\",state=\"succeeded\"} 1\n",
        "dropship_api_requests_total{operation=\"create product\",code=\"201\"} 1\n",
        "dropship_folder_accepted_total{folder=\"in\"} 1\n",
        "dropship_account_paused{account=\"default\"} 0\n",
        "dropship_heartbeat_age_seconds{part=\"store\"}",
    ] {
        assert!(page.contains(expected), "no {expected:?} in\n{page}");
    }
    assert!(page.contains("dropship_config_last_reload_successful 1\n"), "no reload was refused yet: {page}");
    for (config, well, code) in [("nonsense = 1\n", "0", 78), ("", "1", 0)] {
        let good = std::fs::read_to_string(env.path("dropship.toml")).expect("a configuration");
        std::fs::write(env.path("dropship.toml"), format!("{config}{good}")).expect("written");
        assert_eq!(env.run(&["reload"]).status.code(), Some(code));
        std::fs::write(env.path("dropship.toml"), good).expect("written");
        let (_, page) = ask(TcpStream::connect(("127.0.0.1", port)).expect("the port"), "/metrics");
        assert!(page.contains(&format!("dropship_config_last_reload_successful {well}\n")), "{page}");
        assert!(page.contains("dropship_config_last_reload_timestamp_seconds "), "{page}");
    }
    for secret in ["echo.cab", env.receipts()[0]["product_id"].as_str().expect("an id")] {
        assert!(!page.contains(secret), "an unbounded label, {secret}, in\n{page}");
    }
    // Each name is described once, before its samples.
    let mut described = std::collections::BTreeSet::new();
    for line in page.lines() {
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').expect("a kind");
            assert!(described.insert(name.to_owned()), "{name} is described twice");
            assert_eq!(kind == "counter", name.ends_with("_total"), "{line}");
        } else if !line.starts_with('#') {
            let name = line.split(['{', ' ']).next().expect("a name");
            let family = name.trim_end_matches("_sum").trim_end_matches("_count");
            assert!(described.contains(name) || described.contains(family), "{line}");
            assert!(line.rsplit(' ').next().expect("a value").parse::<f64>().is_ok(), "{line}");
        }
    }
    assert_eq!(on_socket(&env.path("control.sock"), "/livez").0, 200);
    assert_eq!(ask(TcpStream::connect(("127.0.0.1", port)).expect("the port"), "/v1/jobs").0, 404);
    assert_eq!(daemon.terminate(), Some(0));
}

#[test]
fn readyz_lists_the_reasons() {
    let env = TestEnv::new();
    env.fault(&json!({
        "operation": "token", "times": 1000, "action": { "kind": "status", "status": 401 }
    }));
    let daemon = env.daemon(&[]);
    is_up(&env);
    let socket = env.path("control.sock");
    assert_eq!(on_socket(&socket, "/readyz").0, 200);
    env.drop_package("echo.cab", &bytes("cab/good-signed-ts.cab"));
    let page = wait_for("a refused account", || {
        let (status, page) = on_socket(&socket, "/readyz");
        let page: Value = serde_json::from_str(&page).expect("JSON");
        (page["warnings"] == json!(["account-suspended"])).then_some((status, page))
    });
    let (status, page) = page.unwrap_or_else(|| panic!("{}", env.log()));
    assert_eq!(
        (status, &page["ready"], &page["reasons"]),
        (200, &json!(true), &json!([])),
        "packages are still accepted"
    );
    let message = page["trouble"][0]["message"].as_str().expect("a message");
    assert!(message.contains("account `default`"), "{page}");
    std::fs::rename(env.path("drop"), env.path("gone")).expect("moved");
    env.json(&["rescan"]);
    let page = wait_for("a folder that is gone", || {
        let (status, page) = on_socket(&socket, "/readyz");
        (status == 503).then_some(page)
    });
    let page: Value = serde_json::from_str(&page.unwrap_or_else(|| panic!("{}", env.log()))).expect("JSON");
    assert_eq!(
        (&page["ready"], &page["reasons"]),
        (&json!(false), &json!(["folder-degraded"])),
        "no folder is left"
    );
    assert_eq!(daemon.terminate(), Some(0));
}
