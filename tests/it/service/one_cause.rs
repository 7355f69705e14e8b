//! The log when many jobs meet one error.

use dropship_sandbox::Quirks;
use serde_json::json;

use crate::harness::{TestEnv, bytes, outage, wait_for};
use crate::storm::PackageTemplate;

const JOBS: usize = 60;

/// The lines of this level that contain a text.
fn lines(env: &TestEnv, level: &str, text: &str) -> Vec<String> {
    let log = env.log();
    let lines = log.lines().filter(|line| line.contains(&format!(" {level} ")) && line.contains(text));
    lines.map(str::to_owned).collect()
}

fn drop_packages(env: &TestEnv, numbers: std::ops::Range<usize>) {
    let template = PackageTemplate::new(&bytes("cab/good-signed.cab"));
    for number in numbers {
        env.drop_package(&format!("build-{number:03}.cab"), &template.package(number as u64));
    }
}

fn wait_for_jobs(env: &TestEnv, what: &str, count: usize, condition: impl Fn(&serde_json::Value) -> bool) {
    let all = || {
        let jobs = env.json(&["jobs"]);
        (jobs.as_array()?.iter().filter(|job| condition(job)).count() == count).then_some(())
    };
    wait_for(what, all).unwrap_or_else(|| panic!("{what}: {:#}", env.json(&["jobs"])));
}

#[test]
fn error_of_many_jobs_is_logged_once_and_counted() {
    let env = TestEnv::with(Quirks::none(), "");
    env.fault(&outage());
    let daemon = env.daemon(&[]);
    drop_packages(&env, 0..JOBS);
    wait_for_jobs(&env, "jobs that met the outage", JOBS, |job| job["attempts"].as_u64() > Some(0));
    let unavailable = lines(&env, "warn", " failed, next at ");
    assert_eq!(unavailable.len(), 1, "{unavailable:#?}");
    // Now every create is refused.
    env.only_fault(
        &json!({"operation": "create_product", "action": {"kind": "status", "status": 400}, "times": 0}),
    );
    wait_for_jobs(&env, "failed jobs", JOBS, |job| job["state"] == "failed");
    let over = format!(
        "no job meets this error any more: the service was not available to account `default` ({JOBS} jobs"
    );
    wait_for("the end of the outage", || env.log().contains(&over).then_some(()))
        .unwrap_or_else(|| panic!("{}", env.log()));
    let refused = lines(&env, "error", "cannot create product: 400");
    assert_eq!(refused.len(), 6, "five and the tenth: {refused:#?}");
    assert!(refused[5].contains("the 10th job with such an error"), "{refused:#?}");
    let brief = env.log().matches("failed with the same error as job ").count();
    assert_eq!(brief, JOBS - 6, "each job has a line");
    // Lost responses: the creates are sent, and nothing answers.
    env.only_fault(&json!({"operation": "create_product", "action": {"kind": "drop_before"}, "times": 0}));
    drop_packages(&env, JOBS..JOBS + 20);
    wait_for_jobs(&env, "held jobs", 20, |job| job["state"] == "held");
    for text in ["no response to the product", "was not found; checking again", "not found in two searches"] {
        let seen = lines(&env, "warn", text);
        assert!((1..=3).contains(&seen.len()), "{text}: {seen:#?}");
    }
    assert_eq!(lines(&env, "warn", "held: the create of the product").len(), 6);
    drop(daemon);
}
