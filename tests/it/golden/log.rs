//! The fields of the log entries, for each kind of event, in `--log json` and in journald.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Stdio;

use dropship_sandbox::Quirks;
use serde_json::Value;

use super::assert_recorded;
use crate::harness::{TestDaemon, TestEnv, bytes};

/// The fields of one kind of event.
#[derive(Default)]
struct Kind {
    levels: BTreeSet<String>,
    message_ids: BTreeSet<String>,
    fields: BTreeSet<String>,
}

/// Events that are logged or not, depending on when a job was polled.
const BY_CHANCE: [&str; 3] = ["attempt_failed", "resumed", "waited"];

fn kinds(log: &str) -> BTreeMap<String, Kind> {
    let mut kinds: BTreeMap<String, Kind> = BTreeMap::new();
    for line in log.lines() {
        let Ok(Value::Object(line)) = serde_json::from_str(line) else { panic!("no JSON object: {line}") };
        let Some(event) = line.get("event").and_then(Value::as_str) else { continue };
        if BY_CHANCE.contains(&event) {
            continue;
        }
        let kind = kinds.entry(event.to_owned()).or_default();
        kind.levels.extend(line.get("level").and_then(Value::as_str).map(str::to_owned));
        kind.message_ids.extend(line.get("message_id").and_then(Value::as_str).map(str::to_owned));
        kind.fields.extend(line.keys().filter(|key| *key != "timestamp" && *key != "level").cloned());
    }
    kinds
}

#[test]
fn log_fields_of_each_event_are_as_recorded() {
    let env = TestEnv::with(Quirks::none(), "");
    env.drop_package("echo.cab", &bytes("cab/good-signed-ts.cab"));
    env.drop_package("broken.cab", &bytes("cab/tampered-data.cab"));
    let log = std::fs::File::create(env.path("daemon.log")).expect("a log");
    let args = ["run", "--until-idle", "--log", "json", "--log-level", "debug"];
    let child = env.command(&args).stdout(Stdio::null()).stderr(log).spawn().expect("the daemon starts");
    assert_eq!(TestDaemon { child }.wait(), Some(0), "{}", env.log());
    // What went wrong, if the comparison fails: a disk that does not respond for ten seconds makes a receipt late.
    for line in env.log().lines().filter(|line| line.contains("receipt_unwritten")) {
        println!("{line}");
    }
    let list = |set: &BTreeSet<String>| set.iter().map(String::as_str).collect::<Vec<_>>().join(" ");
    let mut seen = String::new();
    for (event, kind) in kinds(&env.log()) {
        let (levels, fields) = (list(&kind.levels), list(&kind.fields));
        seen.push_str(&format!("{event}: {levels} {}\n    {fields}\n", list(&kind.message_ids)));
    }
    assert_recorded("log", &[], &seen);
}
