//! File systems that do not respond below drop folder, outbox and the target of `after`.

use std::fs;
use std::os::unix::fs::chown;
use std::time::Duration;

use serde_json::Value;

use super::build_job::is_not_root;
use super::environment::{
    DAEMON, attacked_env, is_up, job_of, nothing_else_happened, quiet_folder_is_served, start, start_after,
    wait_for_state,
};
use super::hung_mount::HungMount;
use crate::harness::{TestDaemon, TestEnv, bytes, wait_for};
use crate::service::http::on_socket;

/// Half of it is the time after which a component counts as stalled.
const WATCHDOG: Duration = Duration::from_secs(10);

/// More folders than are scanned, and more jobs than are processed, at the same time.
const MANY: usize = 6;

fn start_watched(env: &TestEnv) -> TestDaemon {
    start_after(env, "trace", &format!("export WATCHDOG_USEC={}", WATCHDOG.as_micros()))
}

/// Waits until `/livez` warns of the stalled component, or of none. A restart would not help, so the daemon is alive.
fn livez_shows(env: &TestEnv, stalled: Option<&str>) {
    let is_shown = || {
        let (status, page) = on_socket(&env.path("control.sock"), "/livez");
        let page: Value = serde_json::from_str(&page).expect("JSON");
        // A component that a restart would help may be late for a moment on a busy machine.
        if status != 200 || page["live"] != true {
            return None;
        }
        let warnings = page["warnings"].as_array().expect("a list");
        let names = |component| {
            warnings.iter().any(|text| text.as_str().is_some_and(|text| text.contains(component)))
        };
        stalled.map_or(warnings.is_empty(), names).then_some(())
    };
    wait_for("/livez", is_shown).unwrap_or_else(|| panic!("{stalled:?}\n{}", env.log()));
}

/// Folders `hung0` and so on, with this number.
fn folders(count: usize) -> String {
    let folder = |number| {
        format!(
            "[[folder]]\nname = \"hung{number}\"\npath = \"hung{number}\"\nsettle = \"200ms\"\npoll = \"1s\"\n"
        )
    };
    (0..count).map(folder).collect()
}

#[test]
fn root_drop_folders_that_hang_are_reported_and_delay_no_other_folder() {
    if is_not_root() {
        return;
    }
    let env = attacked_env("", &folders(MANY));
    (0..MANY).for_each(|number| fs::create_dir(env.path(&format!("hung{number}"))).expect("a folder"));
    let daemon = start_watched(&env);
    is_up(&env);
    livez_shows(&env, None);
    let mut hung: Vec<_> =
        (0..MANY).map(|number| HungMount::folder(&env.path(&format!("hung{number}")))).collect();
    livez_shows(&env, Some("folder access"));
    wait_for("the folders in `status`", || {
        let status = env.json(&["status"]).to_string();
        (0..MANY).all(|number| status.contains(&format!("folder `hung{number}`"))).then_some(())
    })
    .unwrap_or_else(|| panic!("{}\n{}", env.json(&["status"]), env.log()));
    quiet_folder_is_served(&env);
    // A daemon that starts meets folders that hang already.
    assert_eq!(daemon.terminate(), Some(0), "{}", env.log());
    let daemon = start_watched(&env);
    is_up(&env);
    livez_shows(&env, Some("folder access"));
    quiet_folder_is_served(&env);
    // The file systems respond again.
    let last = hung.pop();
    hung.clear();
    fs::write(env.path("hung0/back.cab"), bytes("cab/good-signed.cab")).expect("written");
    wait_for_state(&env, "back.cab", "succeeded");
    drop(last);
    livez_shows(&env, None);
    nothing_else_happened(&env, daemon);
}

#[test]
fn root_dropped_file_that_hangs_is_reported_whatever_its_size_is() {
    if is_not_root() {
        return;
    }
    let env = attacked_env("", "");
    let daemon = start_watched(&env);
    is_up(&env);
    let hung = HungMount::file(&env.path("drop/huge.cab"), 4 << 30);
    livez_shows(&env, Some("folder access"));
    quiet_folder_is_served(&env);
    drop(hung);
    livez_shows(&env, None);
    fs::remove_file(env.path("drop/huge.cab")).expect("removed");
    env.drop_package("next.cab", &bytes("cab/good-signed.cab"));
    wait_for_state(&env, "next.cab", "succeeded");
    let _hung = HungMount::file(&env.path("drop/huge2.cab"), 4 << 30);
    livez_shows(&env, Some("folder access"));
    nothing_else_happened(&env, daemon);
}

#[test]
fn root_target_of_after_that_hangs_delays_no_other_folder() {
    if is_not_root() {
        return;
    }
    let more: String = (0..MANY)
        .map(|number| {
            format!(
                "[[folder]]\nname = \"full{number}\"\npath = \"full{number}\"\nsettle = \"200ms\"\npoll = \"1s\"\nafter = \"move:done\"\n"
            )
        })
        .collect();
    let env = attacked_env("", &more);
    let good = bytes("cab/good-signed.cab");
    for number in 0..MANY {
        let folder = env.path(&format!("full{number}"));
        fs::create_dir(&folder).expect("a folder");
        chown(&folder, Some(DAEMON), Some(DAEMON)).expect("an owner");
    }
    let hung = HungMount::folder(&env.path("done"));
    let daemon = start(&env, "trace");
    is_up(&env);
    for number in 0..MANY {
        fs::write(env.path(&format!("full{number}/p{number}.cab")), &good).expect("written");
    }
    quiet_folder_is_served(&env);
    for number in 0..MANY {
        let name = format!("p{number}.cab");
        let job = wait_for_state(&env, &name, "succeeded");
        let shown = env.json(&["show", job["id"].as_str().expect("an id")]);
        assert!(shown["after_failed"].to_string().contains("respond"), "{shown:#}");
        assert!(env.path(&format!("full{number}/{name}")).exists(), "{name} is still there");
    }
    nothing_else_happened(&env, daemon);
    drop(hung);
}

#[test]
fn root_outbox_that_hangs_delays_no_other_folder() {
    if is_not_root() {
        return;
    }
    let env = attacked_env("", "");
    let daemon = start_watched(&env);
    is_up(&env);
    let hung = HungMount::folder(&env.path("out"));
    for number in 0..MANY {
        env.drop_package(&format!("junk{number}.cab"), format!("no cabinet {number}").as_bytes());
    }
    env.drop_package("good.cab", &bytes("cab/good-signed.cab"));
    quiet_folder_is_served(&env);
    wait_for("the outbox in `status`", || {
        env.json(&["status"]).to_string().contains("outbox-unwritable").then_some(())
    })
    .unwrap_or_else(|| panic!("{}\n{}", env.json(&["status"]), env.log()));
    drop(hung);
    wait_for_state(&env, "good.cab", "succeeded");
    nothing_else_happened(&env, daemon);
}

#[test]
fn root_retries_of_files_that_hang_delay_no_other_folder() {
    if is_not_root() {
        return;
    }
    let env = attacked_env("", &folders(MANY));
    for number in 0..MANY {
        fs::create_dir(env.path(&format!("hung{number}"))).expect("a folder");
        let junk = format!("no cabinet {number}");
        fs::write(env.path(&format!("hung{number}/junk{number}.cab")), junk).expect("written");
    }
    let daemon = start(&env, "trace");
    is_up(&env);
    let ids: Vec<_> = (0..MANY)
        .map(|number| wait_for_state(&env, &format!("junk{number}.cab"), "rejected")["id"].clone())
        .collect();
    let _hung: Vec<_> =
        (0..MANY).map(|number| HungMount::folder(&env.path(&format!("hung{number}")))).collect();
    for id in &ids {
        let output = env.run(&["retry", id.as_str().expect("an id")]);
        assert!(output.status.success(), "{output:?}");
    }
    quiet_folder_is_served(&env);
    for id in &ids {
        let is_reported = |job: &Value| job["error"]["message"].to_string().contains("respond");
        wait_for("the reason", || job_of(&env, id).filter(is_reported))
            .unwrap_or_else(|| panic!("{:?}\n{}", job_of(&env, id), env.log()));
    }
    nothing_else_happened(&env, daemon);
}
