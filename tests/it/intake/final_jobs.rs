//! A cancelled or rejected job starts again when its package is dropped again, and for no other change of the file.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{Duration, SystemTime};

use dropship_sandbox::Quirks;

use super::{receipt_of, wait_for_daemon};
use crate::harness::{TestEnv, bytes, text, wait_for};

/// Two jobs that have ended: one that was cancelled before anything was created, and a rejected one.
const FINAL: [(&str, &str); 2] = [("echo.cab", "cancelled"), ("bad.cab", "rejected")];

fn content(name: &str) -> Vec<u8> {
    bytes(if name == "echo.cab" { "cab/good-signed-ts.cab" } else { "cab/unsigned.cab" })
}

fn run(env: &TestEnv, args: &[&str]) {
    let output = env.run(args);
    assert!(output.status.success(), "{args:?}: {}{}", text(&output.stderr), env.log());
}

/// The job of a package, with its history.
fn job(env: &TestEnv, package: &str) -> serde_json::Value {
    let receipt = env.receipts().into_iter().find(|receipt| receipt["package"] == package);
    let receipt = receipt.unwrap_or_else(|| panic!("no receipt of {package}\n{}", env.log()));
    env.json(&["show", receipt["id"].as_str().expect("an id")])
}

/// How often a job was started again.
fn count_restarts(env: &TestEnv, package: &str) -> usize {
    let job = job(env, package);
    let events = job["events"].as_array().expect("events");
    events.iter().filter(|event| event["by"] == "a new drop of the same bytes").count()
}

/// Drops both packages while everything is paused, and cancels the accepted one.
fn drop_both(env: &TestEnv) {
    run(env, &["pause"]);
    for (name, _) in FINAL {
        env.drop_package(name, &content(name));
    }
    receipt_of(env, "bad.cab", "rejected");
    wait_for("the package to be accepted", || {
        env.receipts()
            .into_iter()
            .find(|receipt| receipt["package"] == "echo.cab" && receipt["accepted"] == true)
    })
    .unwrap_or_else(|| panic!("{}", env.log()));
    cancel(env);
}

fn cancel(env: &TestEnv) {
    run(env, &["cancel", job(env, "echo.cab")["id"].as_str().expect("an id")]);
    receipt_of(env, "echo.cab", "cancelled");
}

/// Waits until the daemon has logged that the file `name` starts no job.
fn wait_until_ignored(env: &TestEnv, since: usize, name: &str, change: &str) {
    let path = env.path("drop").join(name).display().to_string();
    wait_for(change, || {
        run(env, &["rescan"]);
        let log = env.log();
        log[since..].lines().any(|line| line.contains(&path) && line.contains("stays so")).then_some(())
    })
    .unwrap_or_else(|| panic!("{change}\n{}", env.log()));
}

fn assert_final(env: &TestEnv, restarted: usize, change: &str) {
    for (name, state) in FINAL {
        let job = job(env, name);
        assert_eq!(job["state"], state, "{change}: {job:#}\n{}", env.log());
        assert_eq!(count_restarts(env, name), restarted, "{change}: {job:#}\n{}", env.log());
    }
    let packages = env.receipts().into_iter().map(|receipt| receipt["package"].as_str().map(str::to_owned));
    let is_marker = |package: &Option<String>| {
        package.as_ref().is_some_and(|package| package.starts_with("marker") || package == "other.cab")
    };
    assert_eq!(packages.filter(|package| !is_marker(package)).count(), 2, "{change}");
}

/// Returns when a scan that started after this call has ended.
fn wait_for_scan(env: &TestEnv, marker: &str) {
    fs::write(env.path("drop").join(marker), marker).expect("written");
    receipt_of(env, marker, "rejected");
    fs::remove_file(env.path("drop").join(marker)).expect("removed");
}

#[test]
fn final_job_whose_file_changes_in_anything_but_identity_stays_final() {
    let env = TestEnv::with(Quirks::none(), "");
    env.edit_configuration("poll = \"1s\"", "poll = \"1s\"\nrecursive = true");
    fs::create_dir(env.path("drop/below")).expect("a subfolder");
    let daemon = env.daemon(&[]);
    wait_for_daemon(&env);
    drop_both(&env);
    let at = |name: &str| env.path("drop").join(name);
    let mode =
        |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("chmod");
    let touch = |path: &Path| {
        let time = SystemTime::now() - Duration::from_secs(3600);
        fs::File::options().append(true).open(path).expect("opened").set_modified(time).expect("touched");
    };
    for (name, _) in FINAL {
        let (linked, renamed, copied) = (format!("l-{name}"), format!("r-{name}"), format!("c-{name}"));
        let changes: [(&str, &str, &dyn Fn()); 8] = [
            ("chmod", name, &|| mode(&at(name), 0o640)),
            ("touch", name, &|| touch(&at(name))),
            ("hard link", &linked, &|| fs::hard_link(at(name), at(&linked)).expect("linked")),
            ("rename", &renamed, &|| fs::rename(at(name), at(&renamed)).expect("renamed")),
            ("copy", &copied, &|| assert!(fs::copy(at(&renamed), at(&copied)).is_ok())),
            ("link removed", &renamed, &|| {
                fs::remove_file(at(&linked)).expect("removed");
                mode(&at(&renamed), 0o600);
            }),
            ("swapped", name, &|| {
                // The file has a new name and a copy its old one, at once.
                fs::rename(at(&renamed), at(&linked)).expect("renamed");
                assert!(fs::copy(at(&linked), at(name)).is_ok());
            }),
            ("moved into a subfolder", name, &|| {
                fs::rename(at(name), at("below").join(name)).expect("moved");
                assert!(fs::copy(at("below").join(name), at(name)).is_ok());
            }),
        ];
        for (change, file, make) in changes {
            let since = env.log().len();
            make();
            wait_until_ignored(&env, since, file, change);
        }
    }
    assert_final(&env, 0, "after all changes");

    assert_eq!(daemon.terminate(), Some(0));
    for (name, _) in FINAL {
        // While the daemon is down: renamed, its times changed, a copy beside it.
        fs::rename(at(name), at(&format!("down-{name}"))).expect("renamed");
        touch(&at(&format!("down-{name}")));
        fs::copy(at(&format!("c-{name}")), at(&format!("down-c-{name}"))).expect("copied");
    }
    let daemon = env.daemon(&[]);
    wait_for_daemon(&env);
    wait_for_scan(&env, "marker.cab");
    run(&env, &["rescan"]);
    wait_for_scan(&env, "other.cab");
    for (name, state) in FINAL {
        assert_eq!(job(&env, name)["state"], state, "{}", env.log());
        assert_eq!(count_restarts(&env, name), 0, "{}", env.log());
    }
    assert_eq!(env.created(), (0, 0, 0));
    assert_eq!(daemon.terminate(), Some(0));
}

#[test]
fn final_job_whose_package_is_dropped_again_starts_again() {
    let env = TestEnv::with(Quirks::none(), "");
    let mut daemon = env.daemon(&[]);
    wait_for_daemon(&env);
    drop_both(&env);
    let at = |name: &str| env.path("drop").join(name);
    let remove = || FINAL.iter().for_each(|(name, _)| fs::remove_file(at(name)).expect("removed"));
    let drop_again = || FINAL.iter().for_each(|(name, _)| env.drop_package(name, &content(name)));
    let mut restarted = 0;
    let mut starts = |env: &TestEnv, how: &str| {
        restarted += 1;
        for (name, _) in FINAL {
            wait_for(how, || (count_restarts(env, name) == restarted).then_some(()))
                .unwrap_or_else(|| panic!("{how}: {name}\n{}", env.log()));
        }
        receipt_of(env, "bad.cab", "rejected");
        cancel(env);
        assert_final(env, restarted, how);
    };

    drop_again();
    starts(&env, "replaced by another file");

    remove();
    drop_again();
    starts(&env, "removed and written again");

    remove();
    run(&env, &["rescan"]);
    wait_for_scan(&env, "marker.cab");
    for (name, _) in FINAL {
        env.drop_package(&format!("new-{name}"), &content(name));
    }
    starts(&env, "left, and dropped under another name");

    assert_eq!(daemon.terminate(), Some(0));
    FINAL.iter().for_each(|(name, _)| fs::remove_file(at(&format!("new-{name}"))).expect("removed"));
    drop_again();
    daemon = env.daemon(&[]);
    wait_for_daemon(&env);
    starts(&env, "left and came back while the daemon was down");
    assert_eq!(env.created(), (0, 0, 0));
    assert_eq!(daemon.terminate(), Some(0));
}

#[test]
fn cancelled_job_of_a_lost_store_stays_cancelled() {
    let env = TestEnv::with(Quirks::none(), "");
    let daemon = env.daemon(&[]);
    wait_for_daemon(&env);
    drop_both(&env);
    assert_eq!(daemon.terminate(), Some(0));
    fs::remove_dir_all(env.path("store")).expect("lost");
    let daemon = env.daemon(&[]);
    wait_for_daemon(&env);
    run(&env, &["pause"]);
    wait_for_scan(&env, "marker.cab");
    assert_eq!(job(&env, "echo.cab")["state"], "cancelled", "{}", env.log());
    assert_eq!(env.created(), (0, 0, 0), "{}", env.log());
    assert_eq!(daemon.terminate(), Some(0));
}
