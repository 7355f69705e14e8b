//! The user-visible texts, recorded in `tests/golden`. A change of these files is a change for users.
//!
//! A failing test prints the difference. `INSTA_UPDATE=always cargo test --test it golden` writes the files again; then
//! review the diff.

mod commands;
mod exits;
mod help;
mod log;

use std::process::Command;

use crate::harness::{TestEnv, text};

/// Compares with `tests/golden/NAME.snap`, after `filters` (pattern, replacement) and the filters for all.
fn assert_recorded(name: &str, filters: &[(String, String)], seen: &str) {
    let mut settings = insta::Settings::clone_current();
    let (folder, name) = name.rsplit_once('/').unwrap_or((".", name));
    settings.set_snapshot_path(format!("../golden/{folder}"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    for (pattern, replacement) in filters {
        settings.add_filter(pattern, replacement.clone());
    }
    for (pattern, replacement) in [
        (r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?Z?", "<time>"),
        (r"\b[0-9a-f]{64}\b", "<sha256>"),
        (r"(echo|held|broken|refused)-[0-9a-f]{8}\b", "$1-<sha8>"),
        (r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", "<uuid>"),
        (r"\b\d{15,20}\b", "<id>"),
        (r#"("size":\s*)\d+"#, "$1<size>"),
        (r"(?m)^(result .*)\(\d+ bytes\)", "$1(<size> bytes)"),
        (r"\b1[0-9a-hjkmnp-tv-z]{5,12}…", "<job>…"),
        (r"127\.0\.0\.1:\d+", "127.0.0.1:<port>"),
    ] {
        settings.add_filter(pattern, replacement);
    }
    settings.bind(|| insta::assert_snapshot!(name, seen));
}

/// The patterns for the paths and URLs of an environment, and for its jobs by the names of their packages.
fn filters(env: &TestEnv) -> Vec<(String, String)> {
    let folder = env.folder.path().canonicalize().expect("a folder");
    let mut filters = vec![
        (literal(&folder.display().to_string()), "<home>".to_owned()),
        (literal(&env.folder.path().display().to_string()), "<home>".to_owned()),
        (literal(env.sandbox.base_url()), "<sandbox>".to_owned()),
    ];
    for receipt in env.receipts() {
        let (id, name) =
            (receipt["id"].as_str().expect("an id"), receipt["package"].as_str().expect("a name"));
        filters.push((literal(id), format!("<job of {name}>")));
    }
    filters
}

/// A pattern that matches exactly this text.
fn literal(text: &str) -> String {
    let mut pattern = String::new();
    for letter in text.chars() {
        if letter.is_ascii_punctuation() {
            pattern.push('\\');
        }
        pattern.push(letter);
    }
    pattern
}

/// The command line, the exit code and both outputs of a command, as a terminal shows them.
fn transcript(shown: &str, command: &mut Command) -> String {
    let done = fixed(command).output().expect("the command runs");
    let code = done.status.code().map_or_else(|| "killed".to_owned(), |code| code.to_string());
    let mut seen = format!("$ dropship {shown}   # exit {code}\n");
    seen.push_str(&text(&done.stdout));
    for line in text(&done.stderr).lines() {
        seen.push_str(&format!("stderr: {line}\n"));
    }
    seen
}

/// Sets the width of a terminal, and removes the variables of this machine.
fn fixed(command: &mut Command) -> &mut Command {
    for name in ["DROPSHIP_CONFIG", "DROPSHIP_LOG", "STATE_DIRECTORY", "RUNTIME_DIRECTORY", "RUST_LOG"] {
        command.env_remove(name);
    }
    command.env("COLUMNS", "100").env("NO_COLOR", "1").env("TZ", "UTC")
}
