//! Signed packages that the service returns and that are arranged to cost much, or to harm the one who unpacks them: none is
//! delivered, other folders continue, and a stop is obeyed.

use std::io::{Cursor, Write};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::harness::{TestEnv, bytes, usual_quirks, wait_for};

const GOOD: &str = "cab/good-signed-ts.cab";

fn archive(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in entries {
        writer.start_file(*name, zip::write::SimpleFileOptions::default()).expect("started");
        writer.write_all(content).expect("written");
    }
    writer.finish().expect("finished").into_inner()
}

/// Two entries of the directory with the data of the first.
fn overlapping_archive() -> Vec<u8> {
    let mut archive = archive(&[("echo.inf", b"same"), ("echo.sys", b"same")]);
    let at = archive.windows(4).rposition(|four| four == b"PK\x01\x02").expect("a directory");
    archive[at + 42..at + 46].fill(0);
    archive
}

/// The archives, each with a part of the reason for which it is refused.
fn refused_archives() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("its entries overlap", overlapping_archive()),
        ("unpacks to 104857600 bytes", archive(&[("echo.inf", &vec![0; 100 << 20])])),
        ("leads out of the archive", archive(&[("../../echo.inf", b"x")])),
        ("is an absolute path", archive(&[("C:\\echo.inf", b"x")])),
        ("has a control character", archive(&[("echo\u{1b}[2J.inf", b"x")])),
        ("is used twice", archive(&[("echo.inf", b"x"), ("Echo.INF", b"y")])),
        ("does not contain", archive(&[("other.inf", b"x")])),
        ("not a ZIP", b"PK\x05\x06 and no more than that".to_vec()),
    ]
}

/// Returns this file for the blob at this path from now on.
fn serve(env: &TestEnv, path: &str, file: &[u8]) {
    let action = json!({ "kind": "file", "base64": STANDARD.encode(file) });
    env.only_fault(&json!({ "path": path, "method": "GET", "times": 0, "action": action }));
}

/// The path of the signed package that was downloaded last.
fn path_of_package(env: &TestEnv) -> String {
    let requests = env.sandbox_page("requests");
    let requests = requests.as_array().expect("a list").iter().rev();
    let mut blobs = requests.filter(|request| request["operation"] == "blob" && request["method"] == "GET");
    blobs.next().expect("a download")["path"].as_str().expect("a path").to_owned()
}

fn receipt_of(env: &TestEnv, folder: &str) -> Option<Value> {
    env.receipts().into_iter().find(|receipt| receipt["folder"] == folder)
}

/// Approves the job of this folder if it is held.
fn approve(env: &TestEnv, receipt: &Value) {
    if receipt["state"] == "held" {
        env.run(&["approve", receipt["id"].as_str().expect("an id")]);
    }
}

/// Waits until the job of this folder has succeeded; approves it whenever it is held.
fn approve_until_success(env: &TestEnv, folder: &str) {
    let succeeded = || {
        let receipt = receipt_of(env, folder)?;
        approve(env, &receipt);
        (receipt["state"] == "succeeded").then_some(receipt)
    };
    let end = wait_for("a success", succeeded);
    assert!(end.is_some(), "{:#?} {}", env.receipts(), env.log());
}

#[test]
fn hostile_signed_packages_are_refused_other_folders_go_on_and_the_sound_one_is_delivered() {
    let quiet = "[[folder]]\nname = \"quiet\"\npath = \"quiet\"\noutbox = \"out\"\nsettle = \"200ms\"\npoll = \"1s\"\n";
    let env = TestEnv::with(usual_quirks(), quiet);
    std::fs::create_dir(env.path("quiet")).expect("a folder");
    let archives = refused_archives();
    env.fault(
        &json!({ "operation": "blob", "method": "GET", "times": 0, "action": { "kind": "drop_before" } }),
    );
    let daemon = env.daemon(&[]);
    env.drop_package("echo.cab", &bytes(GOOD));
    let tried = || receipt_of(&env, "in").filter(|receipt| receipt["error"]["kind"] == "transfer");
    wait_for("a download", tried).unwrap_or_else(|| panic!("{}", env.log()));
    let path = path_of_package(&env);
    for (index, (reason, file)) in archives.iter().enumerate() {
        serve(&env, &path, file);
        let refused = || {
            let receipt = receipt_of(&env, "in")?;
            approve(&env, &receipt);
            let message = receipt["error"]["message"].as_str()?;
            message.contains(reason).then_some(receipt)
        };
        let receipt =
            wait_for(reason, refused).unwrap_or_else(|| panic!("not refused with `{reason}`: {}", env.log()));
        assert_eq!(receipt["error"]["kind"], "bad-download", "{receipt:#}");
        assert!(!receipt["files"].to_string().contains("signed.zip"), "{receipt:#}");
        if index == 0 {
            std::fs::write(env.path("quiet/other.cab"), bytes(GOOD)).expect("dropped");
            approve_until_success(&env, "quiet");
        }
    }
    // The daemon is stopped while it unpacks an archive that is just within its limit.
    serve(&env, &path, &archive(&[("zeros", &vec![0; 64 << 20])]));
    let id = receipt_of(&env, "in").expect("a receipt")["id"].as_str().expect("an id").to_owned();
    let staged = env.path(&format!("store/packages/{id}/downloads/signed.zip"));
    let unpacking = || {
        approve(&env, &receipt_of(&env, "in")?);
        staged.exists().then_some(())
    };
    wait_for("the check", unpacking).unwrap_or_else(|| panic!("{}", env.log()));
    assert_eq!(daemon.terminate(), Some(0), "{}", env.log());
    env.no_faults();
    let daemon = env.daemon(&[]);
    approve_until_success(&env, "in");
    assert_eq!(daemon.terminate(), Some(0));
}
