//! No secret, token or upload signature is written anywhere.

mod core;
#[cfg(feature = "postgres")]
mod database;
mod echo;
mod pem;
mod typed;
mod workflow;

use std::fs;
use std::path::Path;

use crate::harness::{SECRET, TestEnv, bytes, text};

/// The start of every token of the sandbox, which is a JSON Web Token like Entra's.
const TOKEN: &str = "eyJ";

/// The paths of all files below a folder.
fn files(folder: &Path, found: &mut Vec<(String, Vec<u8>)>) {
    for item in fs::read_dir(folder).expect("a folder").flatten() {
        let path = item.path();
        if path.is_dir() {
            files(&path, found);
        } else if path.is_file() {
            found.push((path.display().to_string(), fs::read(&path).expect("a file")));
        }
    }
}

#[test]
fn submission_at_trace_level_writes_no_secret() {
    let env = TestEnv::new();
    env.fault(&serde_json::json!({ "operation": "create_submission", "action": { "kind": "garbage" } }));
    env.fault(&serde_json::json!({ "operation": "blob", "action": { "kind": "status", "status": 500 } }));
    env.drop_package("echo.cab", &bytes("cab/good-signed-ts.cab"));
    let mut daemon = env.command(&["run", "--until-idle", "--log", "json", "--log-level", "trace"]);
    let output = daemon.output().expect("the daemon runs");
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let receipt = env.wait_for_end();
    assert_eq!(receipt["state"], "succeeded", "{receipt:#}");

    fs::remove_file(env.path("secret")).expect("the one place where the secret belongs");
    let mut found =
        vec![("the log".to_owned(), output.stderr), ("standard output".to_owned(), output.stdout)];
    let id = receipt["id"].as_str().expect("an id");
    for args in [&["--json", "show", id][..], &["--json", "jobs"], &["show", id]] {
        found.push((format!("{args:?}"), env.run(args).stdout));
    }
    files(env.folder.path(), &mut found);
    assert!(found.len() > 8, "there is something to look at: {}", found.len());
    let requests = env.sandbox_page("requests").to_string();
    assert!(
        requests.contains("token") && requests.contains("/blob/"),
        "tokens and signed URLs were handed out"
    );
    for (name, content) in &found {
        let content = text(content);
        assert!(!content.contains(SECRET), "{name} holds the client secret");
        assert!(!content.contains(TOKEN), "{name} holds a token");
        for (at, found) in content.match_indices("sig=") {
            let value = &content[at + found.len()..];
            assert!(value.starts_with("***"), "{name} holds a signature: sig={value:.20}");
        }
    }
}
