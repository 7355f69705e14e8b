//! Folders of a build job whose names have control characters, and such paths in a rule file of another author.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::Value;

use super::build_job::{STRANGER, attack, is_not_root};
use super::environment::{attacked_env, configure, is_up, nothing_else_happened, start, wait_for_state};
use crate::harness::{TestEnv, bytes, text, wait_for};

/// Names of folders, as `printf` of the shell writes them: a line of a unit file, terminal escapes, a change of direction, octets that
/// are no text, and quotes.
const NAMES: [&str; 8] = [
    r"a\nReadWritePaths=/etc",
    r"b\033]0;owned\007\033[2J",
    r"c\342\200\256gpj",
    r"d\377\376",
    r"e\r\nHTTP 200",
    r"f\177\302\205",
    r"g$(touch owned)\140touch owned\140",
    r#"h" ; touch owned; ""#,
];

/// Characters that must not be in an output for people.
fn is_odd(c: char) -> bool {
    c.is_control() && c != '\n' || c == '\u{202e}'
}

fn assert_plain(env: &TestEnv, args: &[&str]) {
    let output = env.run(args);
    let shown = text(&output.stdout) + &text(&output.stderr);
    assert!(!shown.contains(is_odd), "{args:?}: {shown:?}");
    assert!(
        !shown.lines().any(|line| ["=/etc", "=\\"]
            .iter()
            .any(|end| line.trim_start().starts_with(&format!("ReadWritePaths{end}")))),
        "{args:?}: {shown}"
    );
}

#[test]
fn root_packages_in_folders_with_control_characters_are_served_and_shown_escaped() {
    if is_not_root() {
        return;
    }
    let env = attacked_env("recursive = true\nafter = \"move:done\"", "");
    fs::create_dir(env.path("done")).expect("a folder");
    fs::set_permissions(env.path("done"), fs::Permissions::from_mode(0o777)).expect("a mode");
    let daemon = start(&env, "debug");
    is_up(&env);
    fs::write(env.path("outside/start"), bytes("cab/good-signed.cab")).expect("written");
    fs::set_permissions(env.path("outside/start"), fs::Permissions::from_mode(0o644)).expect("a mode");
    for (number, name) in NAMES.iter().enumerate() {
        attack(
            &env,
            &format!(
                "d=\"drop/$(printf '{name}')\"; mkdir -p \"$d\"; echo junk {number} > \"$d/junk{number}.cab\"; \
                 cp outside/start \"$d/.good{number}\"; printf '%08d' {number} >> \"$d/.good{number}\"; \
                 mv \"$d/.good{number}\" \"$d/good{number}.cab\""
            ),
        );
    }
    // One package with the bytes as they were signed; those above have more of them.
    attack(
        &env,
        "d=\"$(printf 'drop/i\\nj\\033[31m')\"; mkdir \"$d\"; cp outside/start \"$d/.x\"; mv \"$d/.x\" \"$d/whole.cab\"",
    );
    fs::remove_file(env.path("outside/start")).expect("removed");
    let whole = wait_for_state(&env, "whole.cab", "succeeded");
    for number in 0..NAMES.len() {
        for kind in ["junk", "good"] {
            let job = wait_for_state(&env, &format!("{kind}{number}.cab"), "rejected");
            let id = job["id"].as_str().expect("an id");
            assert_plain(&env, &["show", id]);
            assert_plain(&env, &["show", id, "--events"]);
        }
    }
    assert_plain(&env, &["show", whole["id"].as_str().expect("an id")]);
    for args in
        [&["status"][..], &["jobs"], &["labels"], &["top", "--once"], &["doctor"], &["systemd", "paths"]]
    {
        assert_plain(&env, args);
    }
    let receipt = fs::read_to_string(format!("{}/receipt.json", whole["outbox"].as_str().expect("a folder")));
    let receipt: Value = serde_json::from_str(&receipt.expect("a receipt")).expect("JSON");
    assert_eq!(receipt["id"], whole["id"]);
    let log = env.log();
    assert!(!log.contains(is_odd), "{:?}", log.lines().find(|line| line.contains(is_odd)));
    assert!(!env.path("owned").exists(), "no name was run as a command");
    nothing_else_happened(&env, daemon);
}

#[test]
fn root_paths_with_control_characters_in_a_rule_file_of_another_author_are_refused() {
    if is_not_root() {
        return;
    }
    let env = attacked_env("", "");
    configure(&env, "[account]", "include = [\"rules.d/*.toml\"]\n[account]");
    fs::create_dir(env.path("rules.d")).expect("a folder");
    std::os::unix::fs::chown(env.path("rules.d"), Some(STRANGER), Some(STRANGER)).expect("an owner");
    let daemon = start(&env, "trace");
    is_up(&env);
    for (key, value) in [
        ("path", r"theirs\nReadWritePaths=/etc"),
        ("path", r"theirs\u001b[2J"),
        ("path", r"theirs\u202e"),
        ("path", r"theirs\u0000"),
        ("path", r"theirs\u0085"),
        ("outbox", r"out\r\nExecStartPre=/bin/sh"),
        ("outbox", r"out\u0007"),
        ("after", r"move:done\nReadWritePaths=/"),
        ("after", r"move:\u007f"),
    ] {
        let path = if key == "path" { "" } else { "path = \"../outside\"\n" };
        let file = format!("[[folder]]\nname = \"theirs\"\n{path}{key} = \"../{value}\"\n");
        let file = file.replace("\"../move:", "\"move:../");
        attack(&env, &format!("cat > rules.d/theirs.toml <<'END'\n{file}END\n"));
        for args in [
            &["check"][..],
            &["reload"],
            &["reload", "--dry-run"],
            &["systemd", "paths"],
            &["config", "show"],
        ] {
            let output = env.run(args);
            assert!(!output.status.success(), "{args:?} of {value}");
            assert_plain(&env, args);
        }
    }
    // The name of the file itself.
    attack(&env, "rm rules.d/theirs.toml; echo x > \"rules.d/$(printf 'x\\nReadWritePaths=\\033[2J.toml')\"");
    for args in [&["check"][..], &["reload"], &["reload", "--dry-run"], &["config", "show"]] {
        assert!(!env.run(args).status.success(), "{args:?}");
        assert_plain(&env, args);
    }
    attack(&env, "rm rules.d/*");
    let reloaded = || env.run(&["reload"]).status.success().then_some(());
    wait_for("a reload", reloaded).unwrap_or_else(|| panic!("{}", text(&env.run(&["reload"]).stderr)));
    assert!(!env.log().contains(is_odd), "{:?}", env.log().lines().find(|line| line.contains(is_odd)));
    nothing_else_happened(&env, daemon);
}
