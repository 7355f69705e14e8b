//! Several jobs, or filters in place of jobs.

use serde_json::Value;

use crate::harness::rules::hlkx_rule;
use crate::harness::{TestEnv, bytes, text, usual_quirks, wait_for};
use crate::storm::PackageTemplate;

/// A label that is on hold for a reason of its own.
const GUARDED: &str = r#"name = "{{ file.stem }} for everybody"
destination = "windows_update"
go_live = "+30d"
"#;

fn ids(document: &Value) -> Vec<&str> {
    document.as_array().expect("a list").iter().filter_map(|job| job["id"].as_str()).collect()
}

/// The jobs that `jobs` lists with these filters.
fn list_jobs(env: &TestEnv, filters: &[&str]) -> Vec<String> {
    let document = env.json(&[&["jobs"], filters].concat());
    ids(&document).into_iter().map(str::to_owned).collect()
}

#[test]
fn filters_select_jobs_for_lists_and_actions() {
    let guarded = format!("\n[guard]\neverybody = \"hold\"{}", hlkx_rule("guarded", GUARDED));
    let env = TestEnv::with(usual_quirks(), &guarded);
    env.edit_configuration("audiences = [", "hold = true\naudiences = [");
    let template = PackageTemplate::new(&bytes("cab/good-signed.cab"));
    for number in 0..3_u64 {
        env.drop_package(&format!("Echo-{number}.cab"), &template.package(number));
    }
    env.drop_package("kit.hlkx", &bytes("hlkx/good.hlkx"));
    env.drop_package("broken.cab", &bytes("cab/unsigned.cab"));
    let daemon = env.daemon(&[]);
    wait_for("four jobs on hold", || {
        let held = env.receipts().into_iter().filter(|receipt| receipt["state"] == "held").count();
        (held == 4).then_some(())
    })
    .unwrap_or_else(|| panic!("{:#?}\n{}", env.receipts(), env.log()));

    assert_eq!(list_jobs(&env, &["--state", "held"]).len(), 4);
    assert_eq!(list_jobs(&env, &["--state", "rejected", "--folder", "in"]).len(), 1);
    assert_eq!(list_jobs(&env, &["--rule", "guarded"]).len(), 1);
    assert_eq!(list_jobs(&env, &["--package", "echo-[01].cab"]).len(), 2, "case is ignored");
    assert_eq!(list_jobs(&env, &["--package", "echo-*", "--limit", "2"]).len(), 2);
    assert_eq!(list_jobs(&env, &["--since", "1h"]).len(), 5);
    assert_eq!(list_jobs(&env, &["--since", "2999-01-01T00:00:00Z"]).len(), 0);
    let newest = &list_jobs(&env, &["--package", "echo-*"])[0];
    assert_eq!(list_jobs(&env, &["--package", "echo-*", "--before", newest]).len(), 2);

    let upcoming = env.json(&["labels", "--upcoming"]);
    let planned = upcoming.as_array().expect("a list");
    assert_eq!(planned.len(), 4, "{upcoming:#}");
    assert!(planned.iter().all(|label| label["id"].is_null() && label["hold"] == true), "{upcoming:#}");

    // Filters approve what the rule asks for, and nothing that a limit has stopped.
    let output = env.run(&["approve", "--state", "held", "--note", "release 26.11"]);
    let shown = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{shown}");
    assert!(shown.starts_with("approve 4 jobs:\n"), "{shown}");
    assert_eq!(shown.matches("approved label `Echo-").count(), 3, "{shown}");
    assert!(shown.contains("is held for `guard`") && env.created().2 <= 3, "{shown}");
    wait_for("three published jobs", || {
        (env.run(&["jobs"]).status.success() && list_jobs(&env, &["--state", "succeeded"]).len() == 3)
            .then_some(())
    })
    .unwrap_or_else(|| panic!("{:#?}\n{}", env.receipts(), env.log()));
    let nothing = env.run(&["approve", "--package", "echo-*"]);
    assert_eq!(nothing.status.code(), Some(0));
    assert!(text(&nothing.stdout).contains("no job matches the filters"), "{}", text(&nothing.stdout));
    assert_eq!(env.json(&["retry", "--state", "failed"]), serde_json::json!([]));

    // Several named jobs: each is tried.
    let guarded = list_jobs(&env, &["--rule", "guarded"]).remove(0);
    let args = ["--json", "cancel", newest.as_str(), "1m8hbq3c7xk2sd", guarded.as_str(), guarded.as_str()];
    let output = env.run(&args);
    let outcomes: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!((output.status.code(), outcomes.as_array().map(Vec::len)), (Some(1), Some(3)), "{outcomes:#}");
    assert_eq!(outcomes[1]["error"]["kind"], "not-found", "{outcomes:#}");
    assert_eq!(
        (&outcomes[2]["ok"], &outcomes[2]["job"]["state"]),
        (&true.into(), &"cancelled".into()),
        "{outcomes:#}"
    );
    // A job that was cancelled requests no more labels.
    let all = env.json(&["labels", "--rule", "guarded"]);
    assert_eq!((&all[0]["state"], &all[0]["job_state"]), (&"planned".into(), &"cancelled".into()), "{all:#}");
    let line = text(&env.run(&["labels", "--rule", "guarded"]).stdout);
    assert!(line.contains("planned, job cancelled"), "{line}");
    let refused = env.run(&["retry", newest]);
    let why = text(&refused.stderr);
    assert!(
        why.starts_with(&format!("dropship: cannot retry job {newest} in step publish, state succeeded: ")),
        "{why}"
    );
    // The package is still unsigned.
    let again = env.json(&["retry", "--package", "broken.*"]);
    assert_eq!(again[0]["ok"], true, "{again:#}");
    assert_eq!(daemon.terminate(), Some(0));
}
