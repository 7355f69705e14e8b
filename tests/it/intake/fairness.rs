//! Many files at once, priorities and degraded folders, in `status` and in the log.

use std::fs;
use std::os::unix::fs::MetadataExt;

use dropship_sandbox::Quirks;
use serde_json::Value;

use super::{edit, wait_for_daemon};
use crate::harness::{TestEnv, bytes, wait_for};
use crate::storm::PackageTemplate;

fn jobs(env: &TestEnv) -> Vec<Value> {
    // Newest first, because ids are sortable by time.
    let mut jobs = env.json(&["jobs"]).as_array().cloned().unwrap_or_default();
    jobs.sort_by_key(|job| job["id"].as_str().map(str::to_owned));
    jobs
}

fn folder(env: &TestEnv, name: &str) -> Value {
    let status: Value = serde_json::from_slice(&env.run(&["--json", "status"]).stdout).unwrap_or_default();
    let folders = status["folders"].as_array().cloned().unwrap_or_default();
    folders.into_iter().find(|folder| folder["name"] == name).unwrap_or_default()
}

/// An environment with a second folder that has these keys.
fn with_second_folder(folder: &str, keys: &str) -> TestEnv {
    let more = format!(
        "[[folder]]\nname = \"{folder}\"\npath = \"{folder}\"\nsettle = \"200ms\"\npoll = \"1s\"\nsame_content = \"take\"\n{keys}\n"
    );
    let env = TestEnv::with(Quirks::none(), &more);
    fs::create_dir(env.path(folder)).expect("a folder");
    env
}

#[test]
fn flooded_folder_does_not_starve_another() {
    const FLOOD: u64 = 300;
    let env = with_second_folder("calm", "");
    let template = PackageTemplate::new(&bytes("cab/good-signed.cab"));
    for number in 0..FLOOD {
        fs::write(env.path(&format!("drop/{number}.cab")), template.package(number)).expect("a package");
    }
    let daemon = env.quiet_daemon();
    wait_for_daemon(&env);
    wait_for("the flood to run", || (jobs(&env).len() > 5).then_some(())).expect("jobs");
    for number in 0..5 {
        fs::write(env.path(&format!("calm/{number}.cab")), template.package(FLOOD + number))
            .expect("a package");
    }
    let done = |folder: &str| {
        let jobs = jobs(&env);
        jobs.iter().filter(|job| job["folder"] == folder && job["state"] == "succeeded").count()
    };
    wait_for("the calm folder's packages to be published", || (done("calm") == 5).then_some(()))
        .unwrap_or_else(|| panic!("{} and {} of the flood\n{}", done("calm"), done("in"), env.log()));
    let flood = done("in") as u64;
    assert!(flood < FLOOD / 2, "the calm folder's were published when {flood} of the flood's {FLOOD} were");
    drop(daemon);
}

#[test]
fn missing_folder_is_degraded_with_advice() {
    let more = "[[folder]]\nname = \"absent\"\npath = \"absent\"\npoll = \"1s\"\n\
                [[folder]]\nname = \"file\"\npath = \"file\"\npoll = \"1s\"\n";
    let env = TestEnv::with(Quirks::none(), more);
    fs::create_dir(env.path("file")).expect("a folder");
    let daemon = env.daemon(&[]);
    wait_for_daemon(&env);
    fs::remove_dir(env.path("file")).expect("removed");
    fs::write(env.path("file"), "no folder").expect("a file");
    let says = |name: &str, state: &str| {
        wait_for(&format!("{name} to be {state}"), || {
            let folder = folder(&env, name);
            (folder["state"] == state).then_some(folder)
        })
        .unwrap_or_else(|| panic!("{:#}\n{}", folder(&env, name), env.log()))
    };
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let absent = says("absent", "degraded");
    assert!(text(&absent["why"]).contains("does not exist"), "{absent:#}");
    assert!(text(&absent["advice"]).contains("systemd paths"), "{absent:#}");
    let is_no_folder = || text(&folder(&env, "file")["why"]).contains("is not a folder").then_some(());
    wait_for("the file in place of a folder", is_no_folder).unwrap_or_else(|| panic!("{}", env.log()));
    // The other folders continue, and this one recovers automatically.
    says("in", "ok");
    fs::create_dir(env.path("absent")).expect("a folder");
    fs::write(env.path("absent/echo.cab"), bytes("cab/good-signed-ts.cab")).expect("a package");
    says("absent", "ok");
    wait_for("its package to be taken", || (jobs(&env).len() == 1).then_some(())).expect("a job");
    let shown = crate::harness::text(&env.run(&["status"]).stdout);
    assert!(shown.contains("degraded") && shown.contains("set `path`"), "{shown}");
    assert!(env.log().contains("folder `absent` is degraded: "), "{}", env.log());

    // The watched folder is deleted, and another one is created in its place.
    let before = fs::metadata(env.path("drop")).expect("a folder").ino();
    fs::rename(env.path("drop"), env.path("old")).expect("renamed");
    fs::create_dir(env.path("drop")).expect("a folder");
    assert_ne!(fs::metadata(env.path("drop")).expect("a folder").ino(), before);
    env.drop_package("two.cab", &bytes("cab/stored-signed.cab"));
    wait_for("the new folder's package", || (jobs(&env).len() == 2).then_some(())).expect("a job");
    drop(daemon);
}

#[test]
fn full_queue_pauses_intake_and_higher_priority_goes_first() {
    const FLOOD: u64 = 12;
    let env = with_second_folder("urgent", "priority = 9");
    edit(&env, &[("path = \"store\"", "path = \"store\"\nmost_waiting = 3")]);
    let template = PackageTemplate::new(&bytes("cab/good-signed.cab"));
    let daemon = env.quiet_daemon();
    wait_for_daemon(&env);
    assert!(env.run(&["pause"]).status.success());
    for number in 0..FLOOD {
        env.drop_package(&format!("{number}.cab"), &template.package(number));
    }
    let waits = |name: &str| {
        let folder = folder(&env, name);
        folder["no_room"].as_str().is_some_and(|why| why.contains("[store] most_waiting")).then_some(())
    };
    wait_for("intake to pause", || waits("in")).unwrap_or_else(|| panic!("{}", env.log()));
    for number in 20..23 {
        fs::write(env.path(&format!("urgent/{number}.cab")), template.package(number)).expect("a package");
    }
    wait_for("the urgent folder to stand in line", || waits("urgent"))
        .unwrap_or_else(|| panic!("{}", env.log()));
    assert_eq!(jobs(&env).len(), 3, "no more copies than may wait");
    let shown = crate::harness::text(&env.run(&["status"]).stdout);
    assert!(shown.contains("not accepting files: 3 accepted jobs"), "{shown}");
    assert_eq!(env.log().matches("intake pauses: 3 accepted jobs").count(), 1, "{}", env.log());

    // A scan finds the remaining files; a file that is gone by then is no error.
    fs::remove_file(env.path("drop/11.cab")).expect("it was in the folder");
    let daemon = {
        daemon.kill();
        env.quiet_daemon()
    };
    wait_for_daemon(&env);
    wait_for("intake to pause again", || waits("in").and(waits("urgent")))
        .unwrap_or_else(|| panic!("{}", env.log()));
    assert_eq!(jobs(&env).len(), 3, "those that wait count after a restart, too");
    assert!(env.run(&["resume"]).status.success());
    wait_for("all to be accepted", || (jobs(&env).len() == 14).then_some(()))
        .unwrap_or_else(|| panic!("{} jobs\n{}", jobs(&env).len(), env.log()));
    let jobs = jobs(&env);
    let last = jobs.iter().rposition(|job| job["folder"] == "urgent").expect("there are some");
    assert!(jobs.len() - 1 - last >= 3, "the urgent ones did not go first: {last} of {}", jobs.len());
    let open = || ["in", "urgent"].iter().all(|name| folder(&env, name)["no_room"].is_null());
    wait_for("intake to continue", || open().then_some(())).unwrap_or_else(|| panic!("{}", env.log()));
    drop(daemon);
}

#[test]
fn paused_folder_does_not_fill_the_queue_of_others() {
    let env = with_second_folder("calm", "");
    edit(&env, &[("path = \"store\"", "path = \"store\"\nmost_waiting = 3")]);
    let template = PackageTemplate::new(&bytes("cab/good-signed.cab"));
    let daemon = env.quiet_daemon();
    wait_for_daemon(&env);
    assert!(env.run(&["pause", "in"]).status.success());
    for number in 0..5 {
        env.drop_package(&format!("{number}.cab"), &template.package(number));
    }
    let full = || {
        folder(&env, "in")["no_room"]
            .as_str()
            .is_some_and(|why| why.contains("because this folder is paused"))
    };
    wait_for("the paused folder to fill up", || full().then_some(()))
        .unwrap_or_else(|| panic!("{}", env.log()));
    for number in 5..10 {
        fs::write(env.path(&format!("calm/{number}.cab")), template.package(number)).expect("a package");
    }
    let of = |name: &str, state: &str| {
        jobs(&env)
            .iter()
            .filter(|job| job["folder"] == name && (state.is_empty() || job["state"] == state))
            .count()
    };
    wait_for("the other folder's packages", || (of("calm", "succeeded") == 5).then_some(()))
        .unwrap_or_else(|| panic!("{}", env.log()));
    assert_eq!(of("in", ""), 3, "no more copies than may wait");
    assert_eq!(
        env.log().matches("intake from folder `in` pauses: 3 accepted jobs").count(),
        1,
        "{}",
        env.log()
    );
    assert!(env.run(&["resume", "in"]).status.success());
    wait_for("all to be done", || (of("in", "succeeded") == 5).then_some(()))
        .unwrap_or_else(|| panic!("{}", env.log()));
    drop(daemon);
}
