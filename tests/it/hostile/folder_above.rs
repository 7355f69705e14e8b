//! A build job to whom the folder above a drop folder and an outbox belongs: it can replace both.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};

use super::build_job::{STRANGER, attack, is_not_root};
use super::environment::{
    DAEMON, attacked_env, configure, is_up, job, nothing_else_happened, quiet_folder_is_served, start,
    wait_for_state,
};
use crate::harness::{bytes, text, wait_for};

#[test]
fn root_folder_above_that_belongs_to_a_build_job_leads_nowhere() {
    if is_not_root() {
        return;
    }
    let env = attacked_env("after = \"delete\"", "");
    configure(&env, "path = \"drop\"", "path = \"home/drop\"");
    configure(&env, "outbox = \"out\"", "outbox = \"home/out\"");
    for (name, owner, mode) in [
        ("home", STRANGER, 0o755),
        ("home/drop", 0, 0o777),
        ("home/out", DAEMON, 0o755),
        ("elsewhere", DAEMON, 0o755),
    ] {
        fs::create_dir_all(env.path(name)).expect("a folder");
        fs::set_permissions(env.path(name), fs::Permissions::from_mode(mode)).expect("a mode");
        chown(env.path(name), Some(owner), Some(owner)).expect("an owner");
    }
    let good = bytes("cab/good-signed.cab");
    fs::write(env.path("elsewhere/theirs.cab"), &good).expect("written");
    let checked = || {
        let output = env.run(&["check"]);
        text(&output.stdout) + &text(&output.stderr)
    };
    let warned = checked();
    assert!(
        warned.contains("can replace the outbox") && warned.contains(&format!("(uid {STRANGER})")),
        "{warned}"
    );
    let daemon = start(&env, "trace");
    is_up(&env);
    attack(&env, "echo no cabinet > home/drop/first.cab");
    wait_for_state(&env, "first.cab", "rejected");

    attack(
        &env,
        "mv home/out home/was; ln -s ../elsewhere home/out; echo no cabinet 2 > home/drop/second.cab",
    );
    wait_for_state(&env, "second.cab", "rejected");
    let status = || text(&env.run(&["status"]).stdout);
    wait_for("the outbox in `status`", || status().contains("outbox-unwritable").then_some(()))
        .unwrap_or_else(|| panic!("{}\n{}", status(), env.log()));

    attack(&env, "mv home/drop home/dropped; ln -s ../elsewhere home/drop");
    let is_named = || status().contains("is a link that another user made").then_some(());
    wait_for("the drop folder in `status`", is_named)
        .unwrap_or_else(|| panic!("{}\n{}", status(), env.log()));
    quiet_folder_is_served(&env);
    let names = fs::read_dir(env.path("elsewhere")).expect("listed").count();
    assert_eq!((names, job(&env, "theirs.cab")), (1, None), "{}", env.log());
    assert_eq!(fs::read(env.path("elsewhere/theirs.cab")).expect("it is there"), good);
    // `check` reports the same.
    assert!(checked().contains("is a link that another user made"), "{}", checked());

    attack(&env, "rm home/out home/drop; mv home/was home/out; mv home/dropped home/drop");
    wait_for("the receipt", || {
        let job = job(&env, "second.cab")?;
        fs::metadata(format!("{}/receipt.json", job["outbox"].as_str()?)).ok()
    })
    .unwrap_or_else(|| panic!("{}\n{}", status(), env.log()));
    nothing_else_happened(&env, daemon);
}

#[test]
fn root_names_that_a_check_of_access_could_use_do_not_keep_the_daemon_from_starting() {
    if is_not_root() {
        return;
    }
    let env = attacked_env("after = \"delete\"", "");
    // The process of the shell becomes the daemon, so its id is known.
    let first = "for folder in drop out; do touch $folder/.dropship-check-$$; done";
    let daemon = super::environment::start_after(&env, "trace", first);
    is_up(&env);
    nothing_else_happened(&env, daemon);
}
