//! A store that was restored from a backup is older than the receipts in the outbox. Nothing is sent a second time.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::harness::{TestEnv, bytes, outage, text, wait_for};

mod committed;
mod offline;

type Reached = fn(&TestEnv) -> bool;

/// The points at which the job is interrupted, in the order of its life: the fault, and what shows that it is reached.
fn points() -> Vec<(&'static str, Value, Reached)> {
    let status = |operation: &str| json!({"operation": operation, "times": 0, "action": {"kind": "status", "status": 503}});
    // The request takes effect at once, and the response never arrives.
    let in_flight =
        |operation: &str| json!({"operation": operation, "action": {"kind": "delay", "ms": 600_000}});
    let blob = |method: &str| json!({"operation": "blob", "method": method, "times": 0, "action": {"kind": "drop_before"}});
    vec![
        ("product list", outage(), |env| is_at(env, "product", true)),
        ("product in flight", in_flight("create_product"), |env| env.created().0 == 1),
        ("submission in flight", in_flight("create_submission"), |env| env.created().1 == 1),
        ("upload", blob("PUT"), |env| is_at(env, "upload", true)),
        ("commit", status("commit"), |env| is_at(env, "commit", true)),
        ("collect", blob("GET"), |env| is_at(env, "collect", true)),
        ("label in flight", in_flight("create_label"), |env| env.created().2 == 1),
    ]
}

fn is_at(env: &TestEnv, step: &str, failing: bool) -> bool {
    env.receipts().iter().any(|receipt| receipt["step"] == step && (!failing || !receipt["error"].is_null()))
}

fn copy_folder(from: &Path, to: &Path) {
    let status = std::process::Command::new("cp").arg("-a").arg(from).arg(to).status();
    assert!(status.expect("cp runs").success(), "{}", from.display());
}

/// Replaces store and outbox by copies.
fn restore(env: &TestEnv, store: Option<&str>, outbox: &str) {
    for (name, copy) in [("store", store), ("out", Some(outbox))] {
        drop(fs::remove_dir_all(env.path(name)));
        if let Some(copy) = copy {
            copy_folder(&env.path(copy), &env.path(name));
        }
    }
}

fn run_until_idle(env: &TestEnv, what: &str) {
    assert_eq!(env.daemon(&["--until-idle"]).wait(), Some(0), "{what}: {}", env.log());
}

/// An environment after one package has succeeded, with copies `store-0` (before the drop), `store-1`, … (at each point) and
/// of the outbox. Returns the number of the last copy.
fn run_with_copies() -> (TestEnv, usize) {
    let points = points();
    let env = run_interrupted(points.len());
    run_until_idle(&env, "the end");
    assert_eq!(env.wait_for_end()["state"], "succeeded", "{}", env.log());
    assert_eq!(env.created(), (1, 1, 1));
    copy_state(&env, points.len() + 1);
    (env, points.len() + 1)
}

fn copy_state(env: &TestEnv, number: usize) {
    copy_folder(&env.path("store"), &env.path(&format!("store-{number}")));
    copy_folder(&env.path("out"), &env.path(&format!("out-{number}")));
}

/// An environment whose package was interrupted at each of the first points in turn, with these copies.
fn run_interrupted(count: usize) -> TestEnv {
    let env = TestEnv::new();
    run_until_idle(&env, "an empty folder");
    fs::create_dir_all(env.path("out")).expect("an outbox");
    copy_state(&env, 0);
    env.drop_package("echo.cab", &bytes("cab/good-signed-ts.cab"));
    for (number, (name, fault, is_reached)) in (1..).zip(points().iter().take(count)) {
        env.fault(fault);
        let daemon = env.daemon(&[]);
        let reached = wait_for(name, || is_reached(&env).then_some(()));
        assert!(reached.is_some(), "{name}: {:#?}\n{}", env.receipts(), env.log());
        daemon.kill();
        env.no_faults();
        copy_state(&env, number);
    }
    env
}

#[test]
fn restored_store_sends_nothing_again_at_any_step() {
    let (env, last) = run_with_copies();
    let name = |point: usize| points().get(point.wrapping_sub(1)).map_or("the end", |(name, ..)| *name);
    let one_step = (1..last).map(|point| (point, point + 1));
    let from_start = (1..=last).map(|point| (0, point));
    let to_end = (1..last).map(|point| (point, last));
    for (store, outbox) in from_start.chain(one_step).chain(to_end) {
        let what = format!(
            "a store of `{}`, an outbox of `{}`",
            if store == 0 { "nothing" } else { name(store) },
            name(outbox)
        );
        restore(&env, Some(&format!("store-{store}")), &format!("out-{outbox}"));
        fs::write(env.path("daemon.log"), "").expect("a new log");
        let findings = text(&env.run(&["doctor"]).stdout);
        assert!(findings.contains("store-older-than-receipts"), "{what}: {findings}");
        run_until_idle(&env, &what);
        assert_eq!(env.created(), (1, 1, 1), "{what}: {}", env.log());
        let jobs = env.json(&["jobs"]);
        assert_eq!(jobs.as_array().map(Vec::len), Some(1), "{what}: {jobs:#}");
        let expected = if outbox == last { "succeeded" } else { "held" };
        assert_eq!(jobs[0]["state"], expected, "{what}: {jobs:#}\n{}", env.log());
        if expected == "held" {
            assert_eq!(jobs[0]["error"]["kind"], "recovered", "{what}");
        }
        let receipt: Value = env.receipts().pop().expect("a receipt");
        assert_eq!((&receipt["id"], &receipt["state"]), (&jobs[0]["id"], &json!(expected)), "{what}");
        let findings = env.run(&["doctor"]);
        assert_eq!(findings.status.code(), Some(0), "{what}: {}", text(&findings.stdout));
    }
}

#[test]
fn job_taken_over_from_its_receipt_continues_after_approval() {
    let uploading = points().iter().position(|(name, ..)| *name == "upload").expect("a point") + 1;
    for store in [Some("store-0"), Some("store-1"), None] {
        let env = run_interrupted(uploading);
        restore(&env, store, &format!("out-{uploading}"));
        let daemon = env.daemon(&[]);
        let held = wait_for("a held job", || {
            let jobs = env.run(&["--json", "jobs", "--state", "held"]);
            let jobs: Value = serde_json::from_slice(&jobs.stdout).ok()?;
            // Without its plan, which is stored with the copy, it is planned again when the file is admitted.
            let why = jobs[0]["error"]["message"].as_str()?;
            why.contains("`approve` continues it").then(|| jobs[0]["id"].as_str().map(str::to_owned))?
        });
        let id = held.unwrap_or_else(|| panic!("{store:?}: {}", env.log()));
        let doctor = text(&env.run(&["doctor"]).stdout);
        assert_eq!(doctor.contains("store-older-than-receipts"), store.is_some(), "{store:?}: {doctor}");
        assert_eq!(env.run(&["approve", &id]).status.code(), Some(0));
        let state = wait_for("the end", || {
            let job = env.json(&["show", &id]);
            let is_over = job["state"] == "succeeded"
                || (job["state"] == "held" && job["error"]["kind"] != "recovered");
            is_over.then(|| job["state"].clone())
        });
        assert_eq!(
            state,
            Some(json!("succeeded")),
            "{store:?}: {:#}\n{}",
            env.json(&["show", &id]),
            env.log()
        );
        assert_eq!(env.created().0, 1, "{store:?}");
        let is_cured = || env.run(&["status", "--check"]).status.success().then_some(());
        assert!(wait_for("no trouble", is_cured).is_some(), "{store:?}: {}", env.log());
        assert_eq!(daemon.terminate(), Some(0));
    }
}

#[test]
fn doctor_names_captured_packages_whose_jobs_only_the_receipts_show() {
    let uploading = points().iter().position(|(name, ..)| *name == "upload").expect("a point") + 1;
    let env = run_interrupted(uploading);
    restore(&env, Some(&format!("store-{uploading}")), &format!("out-{uploading}"));
    // An older store with the captured packages of now.
    for name in ["journal", "sled"] {
        fs::remove_dir_all(env.path("store").join(name)).expect("removed");
        copy_folder(&env.path("store-0").join(name), &env.path("store").join(name));
    }
    let findings = text(&env.run(&["doctor"]).stdout);
    assert!(findings.contains("the next start recovers its job from the receipt"), "{findings}");
    assert!(!findings.contains("deletes it"), "{findings}");
    assert!(findings.contains("move the folders `journal` and `sled`"), "{findings}");
    let receipt = env.receipts().pop().expect("a receipt");
    let copy = env.path("store/packages").join(receipt["id"].as_str().expect("an id"));
    let daemon = env.daemon(&[]);
    let held = || (env.json(&["jobs"])[0]["state"] == "held").then_some(());
    wait_for("the job of the receipt", held).unwrap_or_else(|| panic!("{}", env.log()));
    assert!(copy.is_dir(), "{}", env.log());
    assert_eq!(daemon.terminate(), Some(0));
    let findings = text(&env.run(&["doctor"]).stdout);
    assert!(!findings.contains("belongs to no job"), "{findings}");
}

#[test]
fn receipt_counts_under_any_name_of_the_file_and_only_where_its_ids_are_valid() {
    let (env, last) = run_with_copies();
    let outbox = format!("out-{last}");
    let receipt_path = |env: &TestEnv| {
        let folder =
            fs::read_dir(env.path("out")).expect("the outbox").flatten().next().expect("a folder").path();
        folder.join("receipt.json")
    };
    let edit = |env: &TestEnv, key: &str, value: Value| {
        let path = receipt_path(env);
        let mut receipt: Value = serde_json::from_slice(&fs::read(&path).expect("a receipt")).expect("JSON");
        receipt[key] = value;
        fs::write(path, receipt.to_string()).expect("changed");
    };
    // The file has another name than its outbox folder.
    restore(&env, Some("store-0"), &outbox);
    fs::rename(env.path("drop/echo.cab"), env.path("drop/renamed.cab")).expect("renamed");
    run_until_idle(&env, "renamed");
    assert_eq!(env.created(), (1, 1, 1), "renamed: {}", env.log());

    // The file is dropped again, by a copy of the same bytes, and submitted.
    fs::remove_file(env.path("drop/renamed.cab")).expect("removed");
    restore(&env, Some("store-0"), &outbox);
    let daemon = env.daemon(&[]);
    env.drop_package("again.cab", &bytes("cab/good-signed-ts.cab"));
    let known = wait_for("a known file", || env.json(&["jobs"])[0]["id"].as_str().map(str::to_owned));
    assert!(known.is_some(), "{}", env.log());
    fs::write(env.path("echo.cab"), bytes("cab/good-signed-ts.cab")).expect("a package");
    let file = env.path("echo.cab");
    let submitted = env.json(&["submit", file.to_str().expect("UTF-8"), "--folder", "in"]);
    assert_eq!(submitted["id"].as_str(), known.as_deref(), "{submitted:#}");
    assert_eq!(daemon.terminate(), Some(0));
    assert_eq!(env.created(), (1, 1, 1));

    // Neither a sandbox's receipt, nor one of another tenant or service, nor one of another folder is ours.
    let origin = |endpoint: &str, tenant: &str| json!({"endpoint": endpoint, "tenant_id": tenant});
    let foreign = [
        ("sandbox", json!(true)),
        ("origin", origin(env.sandbox.base_url(), "another tenant")),
        ("origin", origin("https://example.com/", "tenant")),
        ("folder", json!("other")),
    ];
    for (count, (key, value)) in (2..).zip(foreign) {
        restore(&env, Some("store-0"), &outbox);
        edit(&env, key, value.clone());
        let before = fs::read(receipt_path(&env)).expect("a receipt");
        let foreign = receipt_path(&env);
        run_until_idle(&env, key);
        assert_eq!(env.created(), (count, count, count), "{key} {value}: {}", env.log());
        assert_eq!(fs::read(foreign).expect("a receipt"), before, "{key} {value}: it is not overwritten");
        assert_eq!(env.receipts().len(), 2, "{key} {value}");
    }
}

#[test]
fn restored_store_sends_nothing_again_after_its_results_have_expired() {
    let env = TestEnv::new();
    let config = fs::read_to_string(env.path("dropship.toml")).expect("a configuration");
    let config = config.replace("outbox = \"out\"", "outbox = \"out\"\noutbox_keep = \"1s\"");
    fs::write(env.path("dropship.toml"), config).expect("written");
    let (_, fault, is_reached) = points().remove(0);
    env.fault(&fault);
    env.drop_package("echo.cab", &bytes("cab/good-signed-ts.cab"));
    let daemon = env.daemon(&[]);
    assert!(wait_for("the product", || is_reached(&env).then_some(())).is_some(), "{}", env.log());
    daemon.kill();
    copy_folder(&env.path("store"), &env.path("backup"));
    env.no_faults();
    let daemon = env.daemon(&[]);
    assert_eq!(env.wait_for_end()["state"], "succeeded", "{}", env.log());
    fs::remove_file(env.path("drop/echo.cab")).expect("it was in the folder");
    // Of a package that was not sent, the receipt expires too.
    env.drop_package("bad.cab", &bytes("cab/unsigned.cab"));
    let bad = || {
        fs::read_dir(env.path("out"))
            .into_iter()
            .flatten()
            .flatten()
            .any(|item| item.file_name().to_string_lossy().starts_with("bad-"))
    };
    assert!(wait_for("the rejection", || bad().then_some(())).is_some(), "{}", env.log());
    fs::remove_file(env.path("drop/bad.cab")).expect("it was in the folder");
    assert!(wait_for("its receipt to expire", || (!bad()).then_some(())).is_some(), "{}", env.log());
    let result =
        std::path::PathBuf::from(env.receipts()[0]["outbox"].as_str().expect("a path")).join("signed.zip");
    // Its receipt may have been written after that of the other one.
    assert!(
        wait_for("the results to expire", || (!result.exists()).then_some(())).is_some(),
        "{}",
        env.log()
    );
    assert_eq!(daemon.terminate(), Some(0));
    fs::remove_dir_all(env.path("store")).expect("removed");
    copy_folder(&env.path("backup"), &env.path("store"));
    run_until_idle(&env, "the restored store");
    let jobs = env.json(&["jobs"]);
    assert_eq!(
        (env.created(), &jobs[0]["state"]),
        ((1, 1, 1), &json!("succeeded")),
        "{jobs:#}\n{}",
        env.log()
    );
}
