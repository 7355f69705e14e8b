//! File names that are long, or that a terminal or a shell would interpret.

use dropship_sandbox::Quirks;

use super::{receipt_of, wait_for_daemon};
use crate::harness::{TestEnv, bytes, text, wait_for};

/// A name with control characters, a terminal escape, a change of direction, a character without width and a line break.
const HOSTILE: &str = "a\u{1b}[2J\u{202e}b\u{200b}c\n$(touch x)'\".cab";

#[test]
fn hostile_and_long_names_are_served_and_shown_escaped() {
    let env = TestEnv::with(Quirks::none(), "");
    let daemon = env.daemon(&[]);
    wait_for_daemon(&env);
    let long = format!("{}.cab", "ä".repeat(125));
    assert_eq!(long.len(), 254);
    // The staged name of `drop_package` would be too long.
    std::fs::write(env.path("drop").join(&long), bytes("cab/good-signed.cab")).expect("written");
    let job = receipt_of(&env, &long, "succeeded");
    let folder = job["outbox"].as_str().expect("a path").rsplit('/').next().expect("a name").to_owned();
    assert!(folder.len() <= 255 && folder.starts_with("ää"), "{folder}");
    assert!(env.path("out").join(&folder).join("signed.zip").exists(), "{}", env.log());

    std::fs::write(env.path("drop").join(HOSTILE), bytes("cab/unsigned.cab")).expect("written");
    let job = receipt_of(&env, HOSTILE, "rejected");
    let id = job["id"].as_str().expect("an id");
    let path = env.path("drop").join(HOSTILE);
    let path = path.to_str().expect("UTF-8");
    let outputs: [&[&str]; 8] = [
        &["jobs"],
        &["show", id],
        &["show", id, "--events"],
        &["status"],
        &["top"],
        &["wait", id],
        &["inspect", path],
        &["plan", path, "--folder", "in"],
    ];
    for args in outputs {
        let output = env.run(args);
        let shown = text(&output.stdout) + &text(&output.stderr);
        for hidden in ['\u{1b}', '\u{202e}', '\u{200b}'] {
            assert!(!shown.contains(hidden), "{args:?}: {shown:?}");
        }
    }
    for hidden in ["\u{1b}[2J", "\u{202e}", "\u{200b}"] {
        assert!(!env.log().contains(hidden), "{}", env.log());
    }
    assert!(!env.log().lines().any(|line| line.starts_with('$')), "{}", env.log());
    // JSON is complete.
    assert_eq!(env.json(&["show", id])["package"], HOSTILE);
    assert_eq!(daemon.terminate(), Some(0));
}

#[test]
fn second_file_with_the_same_bytes_is_noted_in_the_job_once() {
    let env = TestEnv::with(Quirks::none(), "");
    let daemon = env.daemon(&[]);
    wait_for_daemon(&env);
    env.drop_package("echo.cab", &bytes("cab/good-signed.cab"));
    let job = receipt_of(&env, "echo.cab", "succeeded");
    env.drop_package("copy.cab", &bytes("cab/good-signed.cab"));
    let id = job["id"].as_str().expect("an id").to_owned();
    let notes = || {
        let job = env.json(&["show", &id]);
        let events = job["events"].as_array().expect("events").clone();
        events.into_iter().filter(|event| event["event"] == "same_bytes").collect::<Vec<_>>()
    };
    wait_for("a note", || (!notes().is_empty()).then_some(())).unwrap_or_else(|| panic!("{}", env.log()));
    env.drop_package("other.cab", &bytes("cab/stored-signed.cab"));
    receipt_of(&env, "other.cab", "succeeded");
    let notes = notes();
    let path = env.path("drop/copy.cab").display().to_string();
    assert_eq!(notes.len(), 1, "{notes:#?}\n{}", env.log());
    assert_eq!(notes[0]["path"], path.as_str());
    assert!(env.log().contains(&format!("found again with the same bytes: {path}")), "{}", env.log());
    assert_eq!(env.json(&["show", &id])["state"], "succeeded");
    assert_eq!(env.created().0, 2);
    assert_eq!(daemon.terminate(), Some(0));
}
