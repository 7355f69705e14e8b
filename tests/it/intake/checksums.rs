//! `ready = "sidecar:.sha256"`: a file next to the package contains its checksum.

use std::fs;

use dropship_sandbox::Quirks;

use super::{edit, receipt_of};
use crate::harness::{TestEnv, bytes};

const CAB: &str = "cab/good-signed-ts.cab";

fn env() -> TestEnv {
    let env = TestEnv::with(Quirks::none(), "");
    edit(&env, &[("settle = \"200ms\"", "settle = \"200ms\"\nready = \"sidecar:.sha256\"")]);
    env
}

fn line(env: &TestEnv) -> String {
    let sum = std::process::Command::new("sha256sum").arg("echo.cab").current_dir(env.path("drop")).output();
    crate::harness::text(&sum.expect("sha256sum runs").stdout)
}

#[test]
fn wrong_checksum_is_rejected_and_its_correction_is_accepted() {
    let env = env();
    let daemon = env.daemon(&[]);
    env.drop_package("echo.cab", &bytes(CAB));
    let right = line(&env);
    let wrong = right.replace(&right[..8], "00000000");
    fs::write(env.path("drop/echo.cab.sha256"), &wrong).expect("a sidecar");
    let receipt = receipt_of(&env, "echo.cab", "rejected");
    assert_eq!((&receipt["error"]["kind"], &receipt["accepted"]), (&"sidecar".into(), &false.into()));
    let message = receipt["error"]["message"].as_str().expect("a message");
    assert!(message.contains(&right[..64]) && message.contains(&wrong[..64]), "{message}");
    assert!(env.log().contains("its sidecar"), "{}", env.log());
    assert_eq!(env.created(), (0, 0, 0));
    // A rescan changes nothing while the sidecar is wrong.
    let id = receipt["id"].as_str().expect("an id");
    assert_eq!(env.run(&["retry", id]).status.code(), Some(0));
    let history = || env.json(&["show", id])["events"].as_array().map_or(0, Vec::len);
    crate::harness::wait_for("another verdict", || (history() >= 4).then_some(())).expect("a verdict");
    receipt_of(&env, "echo.cab", "rejected");
    // Corrected while no daemon runs.
    daemon.kill();
    fs::write(env.path("drop/echo.cab.sha256"), right).expect("a sidecar");
    let daemon = env.daemon(&[]);
    let done = receipt_of(&env, "echo.cab", "succeeded");
    assert_eq!(done["id"], id, "the same job");
    // Deleting the sidecar afterwards does not make the package new.
    fs::remove_file(env.path("drop/echo.cab.sha256")).expect("removed");
    assert_eq!(daemon.terminate(), Some(0));
    assert_eq!(env.daemon(&["--until-idle"]).wait(), Some(0), "{}", env.log());
    assert_eq!((env.json(&["jobs"]).as_array().map(Vec::len), env.created()), (Some(1), (1, 1, 1)));
}

#[test]
fn checksum_file_without_checksum_or_above_4_kib_is_rejected() {
    for (text, why) in [
        ("not a checksum".to_owned(), "has no SHA-256 for it"),
        (format!("{}{}", "ab".repeat(32), " ".repeat(4097)), "longer than 4 KiB"),
    ] {
        let env = env();
        let daemon = env.daemon(&[]);
        fs::write(env.path("drop/echo.cab.sha256"), text).expect("a sidecar");
        env.drop_package("echo.cab", &bytes(CAB));
        let receipt = receipt_of(&env, "echo.cab", "rejected");
        let message = receipt["error"]["message"].as_str().expect("a message");
        assert!(message.contains(why) && message.contains("as sha256sum writes it"), "{message}");
        drop(daemon);
    }
}

#[test]
fn partial_copy_with_the_checksum_of_the_whole_is_awaited() {
    let env = env();
    let whole = bytes(CAB);
    let path = env.path("drop/echo.cab");
    fs::write(&path, &whole).expect("a package");
    let sum = line(&env);
    fs::write(&path, &whole[..whole.len() / 2]).expect("half of it");
    fs::write(env.path("drop/echo.cab.sha256"), sum).expect("a sidecar");
    let daemon = env.daemon(&[]);
    // Once when it was found, and once when it had settled.
    let offered = || (env.log().matches("not admitted yet").count() >= 2).then_some(());
    crate::harness::wait_for("half of it to be offered", offered).unwrap_or_else(|| panic!("{}", env.log()));
    assert_eq!(env.json(&["jobs"]).as_array().map(Vec::len), Some(0), "no verdict on what is not all there");
    let mut file = fs::OpenOptions::new().append(true).open(&path).expect("opened");
    std::io::Write::write_all(&mut file, &whole[whole.len() / 2..]).expect("the rest");
    drop(file);
    receipt_of(&env, "echo.cab", "succeeded");
    assert_eq!(env.json(&["jobs"]).as_array().map(Vec::len), Some(1));
    drop(daemon);
}
