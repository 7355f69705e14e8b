//! `ready = "sidecar:.sha256"`: what a package must be is said beside it, and held to.

use std::fs;

use dropship_sandbox::Quirks;

use super::{edit, receipt_of};
use crate::home::{Home, bytes};

const CAB: &str = "cab/good-signed-ts.cab";

fn home() -> Home {
    let home = Home::with(Quirks::none(), "");
    edit(&home, &[("settle = \"200ms\"", "settle = \"200ms\"\nready = \"sidecar:.sha256\"")]);
    home
}

fn line(home: &Home) -> String {
    let sum = std::process::Command::new("sha256sum").arg("echo.cab").current_dir(home.path("drop")).output();
    crate::home::text(&sum.expect("sha256sum runs").stdout)
}

#[test]
fn a_wrong_checksum_is_rejected_with_both_and_its_correction_is_taken() {
    let home = home();
    let daemon = home.daemon(&[]);
    home.drop_package("echo.cab", &bytes(CAB));
    let right = line(&home);
    let wrong = right.replace(&right[..8], "00000000");
    fs::write(home.path("drop/echo.cab.sha256"), &wrong).expect("a sidecar");
    let receipt = receipt_of(&home, "echo.cab", "rejected");
    assert_eq!((&receipt["error"]["kind"], &receipt["accepted"]), (&"sidecar".into(), &false.into()));
    let message = receipt["error"]["message"].as_str().expect("a message");
    assert!(message.contains(&right[..64]) && message.contains(&wrong[..64]), "{message}");
    assert!(home.log().contains("its sidecar"), "{}", home.log());
    assert_eq!(home.created(), (0, 0, 0));
    // Asking again changes nothing while the sidecar is wrong.
    let id = receipt["id"].as_str().expect("an id");
    assert_eq!(home.run(&["retry", id]).status.code(), Some(0));
    let story = || home.json(&["show", id])["events"].as_array().map_or(0, Vec::len);
    crate::home::wait_for("another verdict", || (story() >= 4).then_some(())).expect("a verdict");
    receipt_of(&home, "echo.cab", "rejected");
    // Corrected while nobody looks.
    daemon.kill();
    fs::write(home.path("drop/echo.cab.sha256"), right).expect("a sidecar");
    let daemon = home.daemon(&[]);
    let done = receipt_of(&home, "echo.cab", "succeeded");
    assert_eq!(done["id"], id, "the same job");
    // A sidecar that is cleared away afterwards makes nothing new of it.
    fs::remove_file(home.path("drop/echo.cab.sha256")).expect("removed");
    assert_eq!(daemon.terminate(), Some(0));
    assert_eq!(home.daemon(&["--until-idle"]).wait(), Some(0), "{}", home.log());
    assert_eq!((home.json(&["jobs"]).as_array().map(Vec::len), home.created()), (Some(1), (1, 1, 1)));
}

#[test]
fn a_sidecar_without_a_checksum_or_beyond_4_kib_is_rejected() {
    for (text, why) in [
        ("not a checksum".to_owned(), "has no SHA-256 for it"),
        (format!("{}{}", "ab".repeat(32), " ".repeat(4097)), "longer than 4 KiB"),
    ] {
        let home = home();
        let daemon = home.daemon(&[]);
        fs::write(home.path("drop/echo.cab.sha256"), text).expect("a sidecar");
        home.drop_package("echo.cab", &bytes(CAB));
        let receipt = receipt_of(&home, "echo.cab", "rejected");
        let message = receipt["error"]["message"].as_str().expect("a message");
        assert!(message.contains(why) && message.contains("as sha256sum writes it"), "{message}");
        drop(daemon);
    }
}

#[test]
fn a_half_copy_beside_the_checksum_of_the_whole_is_waited_for() {
    let home = home();
    let whole = bytes(CAB);
    let path = home.path("drop/echo.cab");
    fs::write(&path, &whole).expect("a package");
    let sum = line(&home);
    fs::write(&path, &whole[..whole.len() / 2]).expect("half of it");
    fs::write(home.path("drop/echo.cab.sha256"), sum).expect("a sidecar");
    let daemon = home.daemon(&[]);
    // As it was found, and when it had settled.
    let offered = || (home.log().matches("not admitted yet").count() >= 2).then_some(());
    crate::home::wait_for("half of it to be offered", offered).unwrap_or_else(|| panic!("{}", home.log()));
    assert_eq!(home.json(&["jobs"]).as_array().map(Vec::len), Some(0), "no verdict on what is not all there");
    let mut file = fs::OpenOptions::new().append(true).open(&path).expect("opened");
    std::io::Write::write_all(&mut file, &whole[whole.len() / 2..]).expect("the rest");
    drop(file);
    receipt_of(&home, "echo.cab", "succeeded");
    assert_eq!(home.json(&["jobs"]).as_array().map(Vec::len), Some(1));
    drop(daemon);
}
