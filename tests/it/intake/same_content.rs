//! Packages with the signed content of another job, under other bytes: held, naming that job.

use std::fs;
use std::io::{Cursor, Read as _, Write as _};

use dropship_sandbox::Quirks;
use serde_json::Value;

use super::{receipt_of, wait_for_daemon};
use crate::harness::{TestDaemon, TestEnv, bytes, text, wait_for};
use crate::storm::PackageTemplate;

/// A daemon with the default of `same_content`, and a second folder.
fn env() -> (TestEnv, TestDaemon) {
    let second = "[[folder]]\nname = \"other\"\npath = \"drop2\"\noutbox = \"out2\"\nsettle = \"200ms\"\npoll = \"1s\"\n\
                  [[rule]]\nname = \"kits\"\nmatch = { file = \"*.hlkx\" }\n[rule.product]\nname = \"{{ file.stem }}\"\n\
                  test_harness = \"hlk\"\ndevice_type = \"internal\"\nrequested_signatures = \"from_package\"\n\
                  [rule.submission]\nname = \"{{ file.stem }}\"\n";
    let env = TestEnv::with(Quirks::none(), second);
    let configuration = fs::read_to_string(env.path("dropship.toml")).expect("a configuration");
    let configuration = configuration.replace("same_content = \"take\"\n", "");
    fs::write(env.path("dropship.toml"), configuration).expect("written");
    fs::create_dir(env.path("drop2")).expect("a folder");
    let daemon = env.daemon(&[]);
    wait_for_daemon(&env);
    (env, daemon)
}

/// The package with another unsigned attribute.
fn stamped_again(number: u64) -> Vec<u8> {
    PackageTemplate::new(&bytes("cab/good-signed.cab")).package(number)
}

fn zipped_again(package: &[u8]) -> Vec<u8> {
    let mut archive = zip::ZipArchive::new(Cursor::new(package)).expect("a ZIP");
    let mut again = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index).expect("an entry");
        let (name, mut part) = (entry.name().expect("a name").into_owned(), Vec::new());
        entry.read_to_end(&mut part).expect("read");
        let options = zip::write::SimpleFileOptions::default();
        again.start_file(name, options.compression_method(zip::CompressionMethod::Stored)).expect("begun");
        again.write_all(&part).expect("written");
    }
    again.finish().expect("a ZIP").into_inner()
}

fn run(env: &TestEnv, args: &[&str]) {
    let output = env.run(args);
    assert!(output.status.success(), "{args:?}: {}{}", text(&output.stderr), env.log());
}

/// Asserts that the job is held for its content, and that the message names the first job.
fn assert_held(env: &TestEnv, job: &Value, first: &Value) {
    assert_eq!(job["error"]["kind"], "same-content", "{job:#}\n{}", env.log());
    let message = job["error"]["message"].as_str().expect("a message");
    assert!(message.contains(first["id"].as_str().expect("an id")), "{message}");
    assert_eq!((&job["accepted"], &job["product_id"]), (&Value::Bool(true), &Value::Null), "{job:#}");
}

fn id(job: &Value) -> &str {
    job["id"].as_str().expect("an id")
}

#[test]
fn package_with_the_signed_content_of_another_job_is_held_until_approved_or_cancelled() {
    let (env, daemon) = env();
    env.drop_package("first.cab", &bytes("cab/good-signed.cab"));
    let first = receipt_of(&env, "first.cab", "succeeded");
    // Another attribute, another signer with a timestamp, another algorithm.
    let again = [
        ("attribute.cab", stamped_again(1)),
        ("stamped.cab", bytes("cab/good-signed-ts.cab")),
        ("signed.cab", bytes("cab/good-signed-ec384.cab")),
    ];
    for (name, package) in &again {
        env.drop_package(name, package);
        assert_held(&env, &receipt_of(&env, name, "held"), &first);
    }
    env.drop_package("kit.hlkx", &bytes("hlkx/good.hlkx"));
    let kit = receipt_of(&env, "kit.hlkx", "succeeded");
    env.drop_package("zipped.hlkx", &zipped_again(&bytes("hlkx/good.hlkx")));
    assert_held(&env, &receipt_of(&env, "zipped.hlkx", "held"), &kit);
    assert_eq!(env.created().0, 2, "{}", env.log());

    // In another folder it is a job of its own, as the same bytes are; other content is not held.
    fs::write(env.path("drop2/elsewhere.cab"), stamped_again(2)).expect("written");
    env.drop_package("other.cab", &bytes("cab/stored-signed.cab"));
    receipt_of(&env, "other.cab", "succeeded");
    wait_for("the job of the other folder", || {
        let jobs = env.json(&["jobs"]);
        let jobs = jobs.as_array().expect("jobs").iter();
        let elsewhere =
            jobs.filter(|job| job["package"] == "elsewhere.cab").find(|job| job["state"] == "succeeded");
        elsewhere.map(drop)
    })
    .unwrap_or_else(|| panic!("{}", env.log()));

    run(&env, &["cancel", id(&receipt_of(&env, "attribute.cab", "held"))]);
    run(&env, &["approve", id(&receipt_of(&env, "stamped.cab", "held"))]);
    receipt_of(&env, "attribute.cab", "cancelled");
    receipt_of(&env, "stamped.cab", "succeeded");
    assert_eq!(env.created().0, 5, "{}", env.log());
    // A restart changes nothing, and neither does a store that was lost: the receipts name the content.
    assert_eq!(daemon.terminate(), Some(0));
    for entry in ["journal", "sled"] {
        fs::remove_dir_all(env.path("store").join(entry)).expect("removed");
    }
    let daemon = env.daemon(&[]);
    env.drop_package("late.cab", &stamped_again(3));
    let late = receipt_of(&env, "late.cab", "held");
    assert_eq!(late["error"]["kind"], "same-content", "{late:#}\n{}", env.log());
    assert_eq!(daemon.terminate(), Some(0));
}

#[test]
fn packages_with_one_content_dropped_at_once_are_submitted_once() {
    let (env, daemon) = env();
    run(&env, &["pause", "in"]);
    for number in 0..12 {
        env.drop_package(&format!("echo{number}.cab"), &stamped_again(number));
    }
    let jobs = || env.receipts().into_iter().filter(|job| job["accepted"] == true).collect::<Vec<_>>();
    wait_for("all jobs", || (jobs().len() == 12).then_some(())).unwrap_or_else(|| panic!("{}", env.log()));
    let held = |jobs: &[Value]| jobs.iter().filter(|job| job["error"]["kind"] == "same-content").count();
    wait_for("eleven holds", || (held(&jobs()) == 11).then_some(()))
        .unwrap_or_else(|| panic!("{}", env.log()));
    // Cancelled jobs do not count.
    let submitted = jobs().into_iter().find(|job| job["state"] != "held").expect("one that is not held");
    for job in jobs() {
        run(&env, &["cancel", id(&job)]);
    }
    receipt_of(&env, submitted["package"].as_str().expect("a name"), "cancelled");
    run(&env, &["resume", "in"]);
    env.drop_package("after.cab", &stamped_again(99));
    receipt_of(&env, "after.cab", "succeeded");
    assert_eq!(env.created().0, 1, "{}", env.log());
    assert_eq!(daemon.terminate(), Some(0));
}
