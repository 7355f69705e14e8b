//! Names and receipts of a build job in the outbox.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::Path;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::build_job::{Repeated, STRANGER, attack, is_not_root};
use super::environment::{DAEMON, attacked_env, is_up, job, nothing_else_happened, start, wait_for_state};
use crate::harness::{bytes, text, wait_for};

fn sha8(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().take(4).map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn root_foreign_names_in_the_outbox_are_left_alone() {
    if is_not_root() {
        return;
    }
    let env = attacked_env("", "");
    let kinds = [
        ("link", "ln -s ../outside $P"),
        ("dangling", "ln -s ../outside/new $P"),
        ("fifo", "mkfifo $P"),
        ("file", "echo foreign > $P"),
        ("sparse", "truncate -s 100G $P"),
        ("hardlink", "echo foreign > out/one; ln out/one $P"),
        ("folder", "mkdir $P"),
        ("open", "mkdir -m 777 $P; mkfifo $P/receipt.json"),
        ("receipt-link", "mkdir -m 777 $P; ln -s ../../outside/file $P/receipt.json"),
        ("receipt-fifo", "mkdir $P; mkfifo $P/receipt.json $P/signed.zip"),
        ("receipt-sparse", "mkdir $P; truncate -s 100G $P/receipt.json"),
        ("receipt-folder", "mkdir -p $P/receipt.json/x $P/.receipt.json.part"),
    ];
    let junk = |kind: &str| format!("no cabinet: {kind}").into_bytes();
    for (kind, script) in kinds {
        let name = format!("out/{kind}-{}", sha8(&junk(kind)));
        attack(&env, &script.replace("$P", &name));
    }
    let daemon = start(&env, "trace");
    for (kind, _) in kinds {
        env.drop_package(&format!("{kind}.cab"), &junk(kind));
    }
    for (kind, _) in kinds {
        let job = wait_for_state(&env, &format!("{kind}.cab"), "rejected");
        let folder = Path::new(job["outbox"].as_str().expect("a folder")).to_owned();
        let receipt = wait_for("the receipt", || fs::read(folder.join("receipt.json")).ok());
        let receipt: Value = serde_json::from_slice(&receipt.expect("a receipt")).expect("JSON");
        assert_eq!(receipt["id"], job["id"], "{kind}");
        let meta = fs::symlink_metadata(&folder).expect("a folder");
        assert!(
            meta.is_dir() && meta.uid() == DAEMON && meta.mode() & 0o022 == 0,
            "{kind}: {}",
            folder.display()
        );
    }
    assert_eq!(
        env.log().matches("of the outbox is not dropship's own").count(),
        kinds.len(),
        "{}",
        env.log()
    );
    nothing_else_happened(&env, daemon);
}

#[test]
fn root_names_that_are_swapped_while_results_are_written_change_nothing_outside() {
    if is_not_root() {
        return;
    }
    let env = attacked_env("", "");
    // An administrator has opened the outbox after the start, so the build job can also replace the daemon's folders.
    let daemon = start(&env, "trace");
    is_up(&env);
    fs::set_permissions(env.path("out"), fs::Permissions::from_mode(0o777)).expect("a mode");
    let swap = "for f in out/*; do mv $f out/moved.$$ && ln -s ../outside $f; rm $f; mkfifo $f; rm $f; \
                mkdir $f && ln -s ../../outside/file $f/receipt.json; mv $f out/mine.$$; rm -rf out/mine.$$; \
                mv out/moved.$$ $f; done";
    let swapper = Repeated::start(&env, swap);
    let good = bytes("cab/good-signed-ts.cab");
    env.drop_package("raced.cab", &good);
    wait_for("the job", || job(&env, "raced.cab").filter(|job| job["accepted"] == true)).expect("accepted");
    for number in 0..20 {
        env.drop_package(&format!("junk{number}.cab"), format!("no cabinet {number}").as_bytes());
    }
    for number in 0..20 {
        wait_for_state(&env, &format!("junk{number}.cab"), "rejected");
    }
    drop(swapper);
    // What was in the outbox is gone or replaced; the job may wait for the outbox, and says so.
    let state = |job: &Value| job["state"] == "succeeded" || job["error"]["kind"] == "outbox";
    wait_for("the job", || job(&env, "raced.cab").filter(state))
        .unwrap_or_else(|| panic!("{:?}\n{}", job(&env, "raced.cab"), env.log()));
    fs::set_permissions(env.path("out"), fs::Permissions::from_mode(0o1777)).expect("a mode");
    nothing_else_happened(&env, daemon);
}

#[test]
fn root_receipts_of_others_are_not_recovered() {
    if is_not_root() {
        return;
    }
    let env = attacked_env("", "");
    let good = bytes("cab/good-signed-ts.cab");
    let sha256: String = Sha256::digest(&good).iter().map(|byte| format!("{byte:02x}")).collect();
    let forged = json!({"id": "1m846vq9nzr46c", "package": "echo.cab", "path": env.path("outside/file"), "sha256": sha256,
        "size": good.len(), "folder": "in", "rule": "ring", "accepted": true, "state": "succeeded", "step": "publish",
        "product_id": "1", "submission_id": "2", "labels": [], "files": [], "attempts": 0, "due": null,
        "error": null, "outbox": env.path("outside"), "created": "2026-01-01T00:00:00Z", "updated": "2026-01-01T00:00:00Z"});
    let forged = forged.to_string();
    attack(
        &env,
        &format!(
            "mkdir out/a out/b out/c; echo '{forged}' > out/a/receipt.json; mkfifo out/b/receipt.json; truncate -s 100G out/c/receipt.json"
        ),
    );
    // In a folder of the daemon that others could write, a receipt of theirs.
    fs::create_dir(env.path("out/d")).expect("a folder");
    fs::set_permissions(env.path("out/d"), fs::Permissions::from_mode(0o777)).expect("a mode");
    attack(&env, &format!("echo '{forged}' > out/d/receipt.json"));
    fs::create_dir(env.path("out/e")).expect("a folder");
    fs::write(env.path("out/e/receipt.json"), vec![b' '; (1 << 20) + 1]).expect("a long one");
    // The daemon's own, whose paths lead elsewhere.
    let mut own: Value = serde_json::from_str(&forged).expect("JSON");
    own["sha256"] = json!("ab".repeat(32));
    own["package"] = json!("file");
    fs::create_dir(env.path("out/own")).expect("a folder");
    fs::write(env.path("out/own/receipt.json"), own.to_string()).expect("a receipt");
    for own in ["d", "e", "e/receipt.json", "own", "own/receipt.json"] {
        chown(env.path("out").join(own), Some(DAEMON), Some(DAEMON)).expect("an owner");
    }
    let daemon = start(&env, "trace");
    env.drop_package("echo.cab", &good);
    wait_for_state(&env, "echo.cab", "succeeded");
    assert_eq!(env.created(), (1, 1, 1), "the forged receipts did not make it known");
    let recovered = job(&env, "file").unwrap_or_else(|| panic!("{}", env.log()));
    assert_eq!(recovered["path"], Value::Null, "{recovered}");
    assert_eq!(recovered["outbox"], json!(env.path("out/own")), "{recovered}");
    assert!(env.log().contains("recovered 1 job"), "{}", env.log());
    nothing_else_happened(&env, daemon);
}

#[test]
fn root_outbox_that_others_can_write_is_a_configuration_error() {
    if is_not_root() {
        return;
    }
    let env = attacked_env("", "");
    for (mode, owner, code) in [
        (0o1777, DAEMON, 0),
        (0o1777, 0, 0),
        (0o3775, DAEMON, 0),
        (0o2755, DAEMON, 0),
        (0o2750, DAEMON, 0),
        (0o777, DAEMON, 78),
        (0o2775, DAEMON, 78),
        (0o770, DAEMON, 78),
        (0o757, DAEMON, 78),
        // The owner of a sticky folder can replace names too.
        (0o1777, STRANGER, 78),
        (0o1755, STRANGER, 78),
    ] {
        chown(env.path("out"), Some(owner), Some(DAEMON)).expect("an owner");
        fs::set_permissions(env.path("out"), fs::Permissions::from_mode(mode)).expect("a mode");
        let output = env.run(&["check"]);
        let printed = text(&output.stdout) + &text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{mode:o} {owner}: {printed}");
        if code != 0 {
            assert!(
                printed.contains("can write to the outbox") && printed.contains("chmod 2750"),
                "{printed}"
            );
            assert_eq!(start(&env, "trace").wait(), Some(78), "{mode:o}: {}", env.log());
        }
    }
}
