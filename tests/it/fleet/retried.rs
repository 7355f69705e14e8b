//! `retry` of a rejected package in a folder that is on another node only.

use serde_json::{Value, json};

use super::own_folders::{drop_at_two, wait_for_results, wait_for_start, with_folder_of_two};
use super::server::database_of_its_own;
use super::{environment, json_on_two, on_two, second_daemon, second_node};
use crate::harness::{TestEnv, text, wait_for};
use crate::storm::PackageTemplate;

/// The job of a package, once it is in this state.
fn job(env: &TestEnv, package: &str, state: &str) -> Value {
    let found = || {
        let jobs = env.json(&["jobs"]);
        jobs.as_array()?.iter().find(|job| job["package"] == package && job["state"] == state).cloned()
    };
    wait_for(state, found).unwrap_or_else(|| panic!("{:#}\n{}", env.json(&["jobs"]), env.log()))
}

fn id(job: &Value) -> String {
    job["id"].as_str().expect("an id").to_owned()
}

#[test]
fn rejected_package_of_another_node_is_inspected_again_there() {
    let Some(database) = database_of_its_own() else { return };
    let env = environment(&database);
    with_folder_of_two(&env);
    env.edit_configuration("file = \"*.cab\"", "file = \"z-*.cab\"");
    let packages = PackageTemplate::new(&crate::harness::bytes("cab/good-signed.cab"));
    let one = wait_for_start(&env, "control.sock", env.daemon(&[]));
    let two = wait_for_start(&env, "control2.sock", second_daemon(&env, &[]));
    for (number, name) in (1..).zip(["a.cab", "b.cab", "c.cab"]) {
        drop_at_two(&env, name, &packages.package(number));
    }
    let [a, b, c] = ["a.cab", "b.cab", "c.cab"].map(|package| id(&job(&env, package, "rejected")));
    assert_eq!(env.created(), (0, 0, 0));

    // The rules are still at fault: the inspection is made where the package is, and appended.
    assert_eq!(env.run(&["retry", &a]).status.code(), Some(0));
    let inspected_again = || {
        let job = env.json(&["show", &a]);
        let rejections =
            job["events"].as_array()?.iter().filter(|event| event["event"] == "rejected").count();
        (job["state"] == "rejected" && rejections == 2).then_some(())
    };
    wait_for("the second inspection", inspected_again)
        .unwrap_or_else(|| panic!("{:#}\n{}", env.json(&["show", &a]), env.log()));

    // While its node is away, the retry is refused, on every node that runs.
    env.edit_configuration("file = \"z-*.cab\"", "file = \"*.cab\"");
    assert_eq!(env.run(&["reload"]).status.code(), Some(0));
    two.kill();
    database.sql("UPDATE dropship.nodes SET seen = seen - interval '1 minute' WHERE name = 'two'");
    let refused = env.run(&["retry", &a]);
    let printed = text(&refused.stderr);
    assert_eq!(refused.status.code(), Some(1), "{printed}");
    for part in ["nothing was changed", "folder `site`", "node `two`, which does not run"] {
        assert!(printed.contains(part), "no {part:?} in {printed}");
    }
    assert_eq!(env.json(&["show", &a])["state"], "rejected");

    // From the active node, and from the node of the folder.
    let two = wait_for_start(&env, "control2.sock", second_daemon(&env, &[]));
    assert_eq!(env.run(&["retry", &a]).status.code(), Some(0), "{}", env.log());
    let (code, printed) = on_two(&env, &["retry", &b]);
    assert_eq!(code, Some(0), "{printed}");
    wait_for_results(&env, &["rejected", "succeeded", "succeeded"]);
    assert!(!env.path("drop2/a.cab").exists() && env.path("drop2/c.cab").exists(), "`after` is done there");
    assert_eq!(env.created(), (2, 2, 2), "{}", env.log());

    // A node that ends between the retry and the inspection makes it after its next start.
    two.kill();
    assert_eq!(env.run(&["retry", &c]).status.code(), Some(0), "it was seen a moment ago");
    let waiting = job(&env, "c.cab", "queued");
    assert_eq!(waiting["step"], "inspect", "{waiting:#}");
    std::fs::remove_file(env.path("drop2/c.cab")).expect("removed");
    second_node(&env);
    let two = wait_for_start(&env, "control2.sock", super::daemon_of(&env, "second.toml", &[]));
    let gone = job(&env, "c.cab", "rejected");
    assert_eq!(gone["error"]["kind"], json!("gone"), "{gone:#}");
    assert_eq!(json_on_two(&env, &["show", &c])["state"], "rejected");
    assert_eq!((two.terminate(), one.terminate()), (Some(0), Some(0)));
}
