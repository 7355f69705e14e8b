//! Folders that are on one node only, while all nodes have no folder in common: results come through object storage.

use std::collections::BTreeMap;
use std::fs;
use std::time::{Duration, Instant};

use dropship_sandbox::{Fault, FaultAction};
use serde_json::{Value, json};

use super::environment_at;
use super::nodes::{Fleet, NODES, write_settings};
use super::own_folders::{drop_at_two, results, wait_for_results, wait_for_start, with_folder_of_two};
use super::second_daemon;
use super::server::database_of_its_own;
use crate::fleet_objects::s3::{self, S3};
use crate::harness::{TIME_LIMIT, TestEnv, bytes, text, wait_for};
use crate::storm::PackageTemplate;

/// Longer than the test: the node stays down until it is repaired.
const LONG: Duration = Duration::from_secs(3600);

/// Waits until something is so, while nodes that are due are started.
fn until<T>(fleet: &mut Fleet, what: &str, mut holds: impl FnMut(&Fleet) -> Option<T>) -> T {
    let (begun, (_keep, never)) = (Instant::now(), std::sync::mpsc::channel::<()>());
    loop {
        fleet.tick();
        if let Some(found) = holds(fleet) {
            return found;
        }
        assert!(begun.elapsed() < TIME_LIMIT, "{what}: {:#?}\n{}", fleet.receipts(), fleet.logs());
        let _timed_out = never.recv_timeout(Duration::from_millis(50));
    }
}

/// The answer of a node; `None` while it has none.
fn ask(fleet: &Fleet, node: usize, args: &[&str]) -> Option<Value> {
    let answer = fleet.command(node, &[&["--json"], args].concat()).output().expect("it runs");
    serde_json::from_slice(&answer.stdout).ok()
}

/// The node that processes the jobs.
fn active(fleet: &mut Fleet) -> usize {
    until(fleet, "an active node", |fleet| {
        (0..NODES).filter(|node| fleet.is_running(*node)).find(|node| {
            ask(fleet, *node, &["status"])
                .is_some_and(|status| status["running"] == true && status["stands_by_for"].is_null())
        })
    })
}

fn in_state(fleet: &Fleet, state: &str) -> usize {
    fleet.receipts().iter().filter(|receipt| receipt["state"] == state).count()
}

fn wait_for_successes(fleet: &mut Fleet, count: usize) {
    until(fleet, "the results", |fleet| (in_state(fleet, "succeeded") == count).then_some(()));
}

fn job(fleet: &mut Fleet, what: &str, holds: impl Fn(&Value) -> bool) -> Value {
    let node = active(fleet);
    until(fleet, what, |fleet| {
        ask(fleet, node, &["jobs"])?.as_array()?.iter().find(|job| holds(job)).cloned()
    })
}

fn trouble(fleet: &mut Fleet, node: usize, kind: &str) -> Value {
    until(fleet, kind, |fleet| {
        let trouble = ask(fleet, node, &["status"])?["trouble"].clone();
        trouble.as_array()?.iter().find(|item| item["kind"] == kind).cloned()
    })
}

/// The requests about each package's results, in order.
fn of_packages(s3: &S3) -> BTreeMap<String, Vec<String>> {
    let mut packages = BTreeMap::<_, Vec<_>>::new();
    for request in s3.requests() {
        let Some((method, rest)) = request.split_once(" captured/fleet/outbox/") else { continue };
        if let Some((package, object)) = rest.rsplit_once('/') {
            packages.entry(package.to_owned()).or_default().push(format!("{method} {object}"));
        }
    }
    packages
}

#[test]
fn results_come_through_object_storage_whatever_fails() {
    let Some(database) = database_of_its_own() else { return };
    let (s3, packages) = (S3::start(), PackageTemplate::new(&bytes("cab/good-signed.cab")));
    let mut fleet = Fleet::new(database, Some(s3.clone()));

    // The active node is killed while it delivers.
    let first = active(&mut fleet);
    s3.hold(Some("-signed.zip"));
    fleet.drop_package(Some(1), "a.cab", &packages.package(1));
    fleet.drop_package(Some(2), "b.cab", &packages.package(2));
    until(&mut fleet, "a delivery", |_| {
        s3.requests()
            .iter()
            .any(|request| request.starts_with("PUT ") && request.ends_with("-signed.zip"))
            .then_some(())
    });
    assert_eq!(in_state(&fleet, "succeeded"), 0, "nothing counts as written before it is there");
    fleet.kill(first, Duration::from_secs(5));
    s3.hold(None);
    wait_for_successes(&mut fleet, 2);

    // The storage answers 503 when a result is to be delivered, and when a package is dropped.
    let blob = Fault::on("blob", FaultAction::status(503));
    let no_download = Fault { method: Some("GET".to_owned()), times: 0, ..blob };
    fleet.env.sandbox.control().fault(no_download).expect("a fault");
    fleet.drop_package(Some(1), "c.cab", &packages.package(3));
    job(&mut fleet, "a signed package", |job| {
        job["package"] == "c.cab" && job["step"] == "collect" && !job["error"].is_null()
    });
    s3.set_away(true);
    fleet.env.sandbox.control().clear_faults();
    let waits = job(&mut fleet, "a result that waits", |job| job["error"]["kind"] == "outbox");
    assert!(waits["error"]["message"].to_string().contains("s3://captured/fleet/outbox/site1/"), "{waits:#}");
    fleet.drop_package(Some(2), "d.cab", &packages.package(4));
    let node = active(&mut fleet);
    trouble(&mut fleet, node, "package-storage-away");
    trouble(&mut fleet, node, "outbox-unwritable");
    assert_eq!(in_state(&fleet, "succeeded"), 2);
    s3.set_away(false);
    wait_for_successes(&mut fleet, 4);

    // The node of the folder is down when its results arrive, and one of them is changed.
    let dump = fleet.database.dump();
    let node = active(&mut fleet);
    let down = if node == 1 { 2 } else { 1 };
    assert!(fleet.command(node, &["pause"]).status().expect("it runs").success());
    fleet.drop_package(Some(down), "e.cab", &packages.package(5));
    job(&mut fleet, "an accepted package", |job| job["package"] == "e.cab");
    fleet.kill(down, LONG);
    assert!(fleet.command(node, &["resume"]).status().expect("it runs").success());
    let ended =
        job(&mut fleet, "the last job", |job| job["package"] == "e.cab" && job["state"] == "succeeded");
    let place =
        ended["outbox"].as_str().and_then(|at| at.strip_prefix("s3://captured/")).expect("an address");
    let written = || {
        let receipt = s3.object(&format!("{place}/receipt.json"))?;
        let receipt: Value = serde_json::from_slice(&receipt).expect("a receipt");
        (receipt["state"] == "succeeded").then_some(())
    };
    until(&mut fleet, "the receipt", |_| written());
    assert_eq!(in_state(&fleet, "succeeded"), 4, "it is not delivered yet");
    assert_eq!(fleet.left(), 1, "its node has not deleted it yet");
    let signed = s3.keys().into_iter().find(|key| key.starts_with(place) && key.ends_with("-signed.zip"));
    let signed = signed.expect("a result");
    let result = s3.object(&signed).expect("bytes");
    s3.overwrite(&signed, &vec![7; result.len() + (1 << 20)]);
    fleet.repair_all();
    let refused = trouble(&mut fleet, down, "outbox-unwritable");
    assert!(refused.to_string().contains("does not have the bytes that the job has recorded"), "{refused}");
    assert_eq!((in_state(&fleet, "succeeded"), fleet.left()), (4, 1));
    s3.overwrite(&signed, &result);
    wait_for_successes(&mut fleet, 5);
    assert_eq!((fleet.env.created(), fleet.left()), ((5, 5, 5), 0), "{}", fleet.logs());

    // Results first, the receipt last.
    let of_packages = of_packages(&s3);
    assert_eq!(of_packages.len(), 5, "{of_packages:#?}");
    for (package, requests) in &of_packages {
        let last = |end: &str| {
            let last = requests.iter().rposition(|one| one.starts_with("PUT ") && one.ends_with(end));
            last.unwrap_or_else(|| panic!("{package}: no {end} in {requests:#?}"))
        };
        let results = last("-signed.zip").max(last("-driver-metadata.json"));
        assert!(last("receipt.json") > results, "{package}: {requests:#?}");
        let is_read_again = requests[results..].iter().any(|one| one.starts_with("GET "));
        assert!(is_read_again, "{package}: {requests:#?}");
    }

    // A restored database is older than the receipts.
    let node = active(&mut fleet);
    assert_eq!(ask(&fleet, node, &["doctor"]), Some(json!([])), "{}", fleet.logs());
    (0..NODES).for_each(|node| fleet.kill(node, LONG));
    fleet.database.restore(&dump);
    let found = text(&fleet.command(0, &["doctor"]).output().expect("it runs").stdout);
    assert!(found.contains("store-older-than-receipts"), "{found}");
    fleet.repair_all();
    let recovered = job(&mut fleet, "the last job", |job| job["package"] == "e.cab");
    assert_eq!((&recovered["id"], &recovered["state"]), (&ended["id"], &json!("succeeded")));
    let node = active(&mut fleet);
    fleet.drop_package(Some(down), "again.cab", &packages.package(5));
    fleet.drop_package(Some(down), "f.cab", &packages.package(6));
    wait_for_successes(&mut fleet, 6);
    assert_eq!(ask(&fleet, node, &["jobs"]).and_then(|jobs| jobs.as_array().map(Vec::len)), Some(6));
    assert_eq!(fleet.env.created(), (6, 6, 6), "{}", fleet.logs());
    assert_eq!(fleet.receipts().len(), 6);
    assert!(!fleet.is_logged("panicked") && !fleet.is_logged(s3::SECRET), "{}", fleet.logs());
}

/// Two nodes, of which the second has a folder, with packages on object storage.
fn environment(url: &str, s3: &S3) -> TestEnv {
    let env = environment_at(url);
    write_settings(&env, s3);
    let packages = "packages = \"s3://captured/fleet\"\npackages_credentials_file = \"storage.env\"";
    env.edit_configuration("packages = \"shared\"", packages);
    with_folder_of_two(&env);
    env
}

#[test]
fn results_on_object_storage_are_fetched_on_each_node_and_removed_like_others() {
    let Some(database) = database_of_its_own() else { return };
    let s3 = S3::start();
    let env = environment(&database.url(), &s3);
    let package = bytes("cab/good-signed-ts.cab");
    let one = wait_for_start(&env, "control.sock", env.daemon(&[]));
    let two = wait_for_start(&env, "control2.sock", second_daemon(&env, &[]));
    drop_at_two(&env, "echo.cab", &package);
    let (folder, _) = wait_for_results(&env, &["succeeded"]).remove(0);
    let signed = fs::read(folder.join("signed.zip")).expect("the result");

    fs::write(env.path("copy.cab"), &package).expect("written");
    let (copy, got) = (env.path("copy.cab").display().to_string(), env.path("got").display().to_string());
    let fetched = env.run(&["wait", &copy, "--fetch", &got]);
    assert_eq!(fetched.status.code(), Some(0), "{}", text(&fetched.stderr));
    assert_eq!(fs::read(env.path("got/signed.zip")).expect("fetched"), signed);
    let incoming = env.path("store/packages/incoming-one");
    assert_eq!(fs::read_dir(incoming).expect("listed").count(), 0, "nothing is left of it");
    assert_eq!((two.terminate(), one.terminate()), (Some(0), Some(0)));

    env.edit_configuration("outbox = \"out2\"", "outbox = \"out2\"\noutbox_keep = \"2s\"");
    let _one = wait_for_start(&env, "control.sock", env.daemon(&[]));
    let _two = wait_for_start(&env, "control2.sock", second_daemon(&env, &[]));
    let remaining_names = || {
        let keys = s3.keys().into_iter().filter(|key| key.starts_with("fleet/outbox/"));
        keys.map(|key| key.rsplit('/').next().unwrap_or_default().to_owned()).collect::<Vec<_>>()
    };
    let is_removed =
        || (remaining_names() == ["receipt.json"] && !folder.join("signed.zip").exists()).then_some(());
    wait_for("the end of the results", is_removed)
        .unwrap_or_else(|| panic!("{:?}\n{}", remaining_names(), env.log()));
    assert_eq!(results(&env).len(), 1, "the receipt stays");
}

#[test]
fn rejected_package_of_a_node_is_inspected_again_once_the_storage_is_back() {
    let Some(database) = database_of_its_own() else { return };
    let s3 = S3::start();
    let env = environment(&database.url(), &s3);
    env.edit_configuration("file = \"*.cab\"", "file = \"z-*.cab\"");
    let one = wait_for_start(&env, "control.sock", env.daemon(&[]));
    let two = wait_for_start(&env, "control2.sock", second_daemon(&env, &[]));
    drop_at_two(&env, "echo.cab", &bytes("cab/good-signed.cab"));
    let job = || env.json(&["jobs"]).as_array().and_then(|jobs| jobs.first().cloned()).unwrap_or_default();
    let in_state = |what: &str, holds: &dyn Fn(&Value) -> bool| {
        wait_for(what, || Some(job()).filter(holds))
            .unwrap_or_else(|| panic!("{what}: {:#}\n{}", job(), env.log()))
    };
    let rejected = in_state("a rejection", &|job| job["state"] == "rejected");
    let id = rejected["id"].as_str().expect("an id").to_owned();
    env.edit_configuration("file = \"z-*.cab\"", "file = \"*.cab\"");
    assert_eq!(two.terminate(), Some(0));
    assert_eq!(env.run(&["reload"]).status.code(), Some(0));
    let two = wait_for_start(&env, "control2.sock", second_daemon(&env, &[]));

    // The copy cannot be written: the package is not rejected for that.
    s3.set_away(true);
    assert_eq!(env.run(&["retry", &id]).status.code(), Some(0), "{}", env.log());
    let waits = in_state("a delay", &|job| job["state"] == "waiting" && !job["error"].is_null());
    assert_eq!(
        (&waits["step"], &waits["error"]["kind"]),
        (&json!("inspect"), &json!("unreadable")),
        "{waits:#}"
    );
    s3.set_away(false);
    in_state("the end", &|job| job["state"] == "succeeded");
    assert_eq!(env.created(), (1, 1, 1), "{}", env.log());
    assert_eq!((two.terminate(), one.terminate()), (Some(0), Some(0)));
}

#[test]
fn package_on_object_storage_without_a_job_is_deleted_once_it_is_a_day_old() {
    let Some(database) = database_of_its_own() else { return };
    let s3 = S3::start();
    let env = environment(&database.url(), &s3);
    let start = || wait_for_start(&env, "control.sock", env.daemon(&[]));
    let daemon = start();
    assert_eq!(env.run(&["pause"]).status.code(), Some(0), "{}", env.log());
    env.drop_package("echo.cab", &bytes("cab/good-signed-ts.cab"));
    let job = || env.json(&["jobs"])[0]["id"].as_str().map(str::to_owned);
    let id = wait_for("the job", job).unwrap_or_else(|| panic!("{}", env.log()));
    assert_eq!(daemon.terminate(), Some(0));

    // Another node writes the objects of a package before its job: the new one is looked at before the old one.
    let (most, last) = id.split_at(id.len() - 1);
    let other = |digit, instead| format!("fleet/{most}{}/", if last == digit { instead } else { digit });
    let (new, old) = (other("0", "1"), other("z", "y"));
    for folder in [&new, &old] {
        s3.overwrite(&format!("{folder}package"), b"x");
        s3.overwrite(&format!("{folder}plan-0.json"), b"{}");
    }
    s3.age(&old, Duration::from_secs(25 * 3600));
    s3.age(&format!("fleet/{id}/"), Duration::from_secs(25 * 3600));
    let _daemon = start();
    let below = |folder: &str| s3.keys().iter().filter(|key| key.starts_with(folder)).count();
    wait_for("the old package to be deleted", || (below(&old) == 0).then_some(()))
        .unwrap_or_else(|| panic!("{:?}\n{}", s3.keys(), env.log()));
    assert_eq!(below(&new), 2, "its job may be created next");
    assert_eq!(env.run(&["resume"]).status.code(), Some(0));
    assert_eq!(env.wait_for_end()["state"], "succeeded", "a package with a job stays\n{}", env.log());
}
