//! Tests that need root. Without `DROPSHIP_ROOT_TESTS`, which CI sets, they print that they did not run.

use std::collections::BTreeMap;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::time::Duration;

use crate::harness::{TestEnv, bytes, text, wait_for};

/// The socket on which journald listens.
const JOURNAL: &str = "/run/systemd/journal/socket";

/// One native journal entry: `KEY=value` lines, or a line with the key, then the value with its length before it
/// (systemd's "Native Journal Protocol").
fn fields(mut entry: &[u8]) -> BTreeMap<String, String> {
    let mut fields = BTreeMap::new();
    while let Some(end) = entry.iter().position(|byte| *byte == b'\n') {
        let line = text(&entry[..end]);
        entry = &entry[end + 1..];
        if let Some((key, value)) = line.split_once('=') {
            fields.insert(key.to_owned(), value.to_owned());
        } else if let Some((length, rest)) = entry.split_first_chunk::<8>() {
            let length = usize::try_from(u64::from_le_bytes(*length)).expect("a length");
            fields.insert(line, text(&rest[..length]));
            entry = &rest[length + 1..];
        }
    }
    fields
}

#[test]
fn root_journal_entries_have_the_documented_fields() {
    if std::env::var_os("DROPSHIP_ROOT_TESTS").is_none() {
        eprintln!(
            "not run: it listens in the place of journald, which needs root; set DROPSHIP_ROOT_TESTS=1"
        );
        return;
    }
    assert!(!Path::new(JOURNAL).exists(), "a journald runs here; its socket is not taken away from it");
    std::fs::create_dir_all("/run/systemd/journal").expect("a folder");
    let journal = UnixDatagram::bind(JOURNAL).expect("a socket");
    journal.set_read_timeout(Some(Duration::from_millis(50))).expect("a timeout");
    let env = TestEnv::new();
    env.drop_package("echo.cab", &bytes("cab/good-signed-ts.cab"));
    let mut daemon =
        env.command(&["run", "--until-idle", "--log", "journal"]).spawn().expect("the daemon starts");
    let mut entries = Vec::new();
    let mut buffer = vec![0; 1 << 16];
    let ended = wait_for("the daemon to end", || {
        while let Ok(size) = journal.recv(&mut buffer) {
            entries.push(fields(&buffer[..size]));
        }
        daemon.try_wait().expect("asked")
    });
    std::fs::remove_file(JOURNAL).expect("removed");
    assert_eq!(ended.and_then(|status| status.code()), Some(0));
    let id = env.wait_for_end()["id"].as_str().expect("an id").to_owned();
    let history: Vec<_> = entries.iter().filter(|entry| entry.get("JOB_ID") == Some(&id)).collect();
    assert!(history.len() > 8, "one job's history: {entries:#?}");
    for (event, keys) in [
        ("accepted", &["STEP", "FOLDER", "RULE", "MESSAGE_ID", "MESSAGE"][..]),
        ("committed", &["STEP", "PRODUCT_ID", "SUBMISSION_ID"]),
        ("published", &["LABEL_ID", "SUBMISSION_ID"]),
    ] {
        let entry = history.iter().find(|entry| entry.get("EVENT").is_some_and(|name| name == event));
        let entry = entry.unwrap_or_else(|| panic!("no entry for `{event}`: {history:#?}"));
        for key in keys {
            assert!(entry.contains_key(*key), "`{event}` has no {key}: {entry:#?}");
        }
    }
}
