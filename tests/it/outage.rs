//! Responses that are lost, late or wrong.

use dropship_sandbox::Quirks;
use serde_json::json;

use crate::harness::{TestEnv, bytes, outage, wait_for};
use crate::storm::PackageTemplate;

/// Runs a package with a scripted fault. It must succeed, and each object must exist once.
fn assert_survived(fault: &serde_json::Value) {
    let env = TestEnv::new();
    env.fault(fault);
    env.drop_package("echo.cab", &bytes("cab/good-signed-ts.cab"));
    assert_eq!(env.daemon(&["--until-idle"]).wait(), Some(0), "{fault}: {}", env.log());
    let receipt = env.wait_for_end();
    assert_eq!(receipt["state"], "succeeded", "{fault}: {receipt:#}\n{}", env.log());
    assert_eq!(env.created(), (1, 1, 1), "{fault}");
}

#[test]
fn create_with_lost_response_is_found_and_adopted() {
    for operation in ["create_product", "create_submission", "create_label"] {
        assert_survived(&json!({ "operation": operation, "action": { "kind": "drop_after" } }));
    }
}

#[test]
fn create_without_effect_is_searched_twice_then_repeated() {
    for operation in ["create_product", "create_submission", "create_label"] {
        assert_survived(&json!({ "operation": operation, "action": { "kind": "drop_before" } }));
    }
}

#[test]
fn create_with_late_effect_is_not_repeated() {
    for operation in ["create_product", "create_submission", "create_label"] {
        assert_survived(
            &json!({ "operation": operation, "action": { "kind": "late", "ms": 1000, "cut": true } }),
        );
    }
}

#[test]
fn product_list_is_shared_except_for_creates_in_doubt() {
    const FLOOD: usize = 24;
    // Without quirks, one page contains all products.
    let env = TestEnv::with(Quirks::none(), "");
    env.fault(&json!({ "operation": "create_product", "action": { "kind": "drop_after" } }));
    let template = PackageTemplate::new(&bytes("cab/good-signed.cab"));
    for number in 0..FLOOD {
        env.drop_package(&format!("{number}.cab"), &template.package(number as u64));
    }
    assert_eq!(env.daemon(&["--until-idle"]).wait(), Some(0), "{}", env.log());
    assert_eq!(env.created(), (FLOOD, FLOOD, FLOOD), "{}", env.log());
    let requests = env.sandbox.control().requests();
    let lists = requests.iter().filter(|entry| entry.operation == "list_products").count();
    // Without a shared list, each product needs one of its own. How many share one depends on the speed of the machine.
    assert!((2..FLOOD).contains(&lists), "{lists} lists for {FLOOD} products");
}

#[test]
fn commit_with_lost_response_is_resolved_by_one_read() {
    assert_survived(&json!({ "operation": "commit", "action": { "kind": "drop_after" } }));
    assert_survived(&json!({ "operation": "commit", "action": { "kind": "drop_before" } }));
}

#[test]
fn throttled_and_broken_responses_are_retried() {
    assert_survived(
        &json!({ "operation": "create_product", "action": { "kind": "status", "status": 429, "retry_after": "1" } }),
    );
    assert_survived(
        &json!({ "operation": "get_submission", "times": 3, "action": { "kind": "status", "status": 500 } }),
    );
    assert_survived(&json!({ "operation": "create_label", "action": { "kind": "garbage" } }));
    assert_survived(&json!({ "operation": "blob", "method": "GET", "action": { "kind": "truncate" } }));
}

/// Drops a package whose create of the product gets no response, cancels the job, and kills the daemon.
fn cancelled_in_doubt(env: &TestEnv) -> String {
    let daemon = env.daemon(&[]);
    env.drop_package("echo.cab", &bytes("cab/good-signed-ts.cab"));
    let is_in_doubt = || env.log().contains("no response to the product").then_some(());
    wait_for("the lost answer", is_in_doubt).expect("a lost answer");
    let id = env.json(&["jobs"])[0]["id"].as_str().expect("a job").to_owned();
    let cancelled = || env.run(&["cancel", &id]).status.success().then_some(());
    wait_for("the cancellation", cancelled).expect("cancelled");
    daemon.kill();
    id
}

#[test]
fn late_product_of_a_cancelled_job_is_reported_and_a_retry_uses_it() {
    let env = TestEnv::new();
    env.fault(
        &json!({ "operation": "create_product", "action": { "kind": "late", "ms": 1500, "cut": true } }),
    );
    let id = cancelled_in_doubt(&env);
    // The check takes place after a restart, too.
    let daemon = env.daemon(&[]);
    let logged = || env.log().contains("was created after all and is unused").then_some(());
    wait_for("the late product", logged).expect("a log entry");
    assert_eq!(env.created(), (1, 0, 0), "{}", env.log());
    assert_eq!(env.json(&["show", &id])["state"], "cancelled");

    assert!(env.run(&["retry", &id]).status.success());
    // The receipt of the cancelled job is there until the retry has written its own.
    let succeeded = || (env.receipts().pop()?["state"] == "succeeded").then_some(());
    wait_for("the retried job", succeeded).unwrap_or_else(|| panic!("{}", env.log()));
    assert_eq!(env.created(), (1, 1, 1), "the late product is the job's own");
    daemon.terminate();
}

#[test]
fn failing_late_duplicate_check_is_logged_and_backs_off() {
    let env = TestEnv::new();
    // Also the create that a job repeats which is cancelled late.
    env.fault(
        &json!({ "operation": "create_product", "times": 100_000, "action": { "kind": "drop_before" } }),
    );
    cancelled_in_doubt(&env);
    env.fault(&json!({ "operation": "list_products", "times": 100_000, "action": { "kind": "status", "status": 403 } }));
    env.daemon(&["--until-idle"]).wait().expect("it ends without a signal");
    let checks = env.log().matches("duplicate check for").count();
    assert!((1..=3).contains(&checks), "{checks}: {}", env.log());
    // Once the list can be read, it has no late product, and the check ends.
    env.no_faults();
    env.daemon(&["--until-idle"]).wait().expect("it ends without a signal");
    assert_eq!(env.created(), (0, 0, 0));
    let doctor = env.run(&["doctor"]);
    assert!(doctor.status.success(), "{}", String::from_utf8_lossy(&doctor.stdout));
}

#[test]
fn object_of_another_client_with_more_fields_is_not_adopted() {
    let env = TestEnv::with(Quirks::none(), "");
    let configuration = std::fs::read_to_string(env.path("dropship.toml")).expect("a configuration");
    let configuration = configuration.replace("uncertain = \"2s\"", "uncertain = \"6s\"");
    std::fs::write(env.path("dropship.toml"), configuration).expect("written");
    env.fault(&json!({ "operation": "create_product", "action": { "kind": "drop_before" } }));
    let daemon = env.daemon(&[]);
    env.drop_package("echo.cab", &bytes("cab/good-signed-ts.cab"));
    let not_found = || {
        let log = env.log();
        let line = log.lines().find(|line| line.contains("creating product `"))?;
        let name = line.split("creating product `").nth(1)?.split('`').next()?.to_owned();
        env.receipts().into_iter().any(|job| job["state"] == "waiting").then_some(name)
    };
    let name = wait_for("the first search", not_found).unwrap_or_else(|| panic!("{}", env.log()));
    // Everything that the rule sends is the same.
    let product = json!({"productName": name, "testHarness": "attestation", "deviceType": "internal",
        "requestedSignatures": ["WINDOWS_v100_X64_CO_FULL", "WINDOWS_v100_X64_NI_FULL"], "selectedProductTypes": {},
        "isTestSign": false, "isFlightSign": false, "firmwareVersion": "980"});
    std::fs::write(env.path("product.json"), product.to_string()).expect("written");
    let created =
        env.run(&["api", "product", "create", "--file", env.path("product.json").to_str().expect("UTF-8")]);
    assert!(created.status.success(), "{}", crate::harness::text(&created.stderr));
    let held = wait_for("the hold", || env.receipts().into_iter().find(|job| job["state"] == "held"));
    let held = held.unwrap_or_else(|| panic!("{}", env.log()));
    assert_eq!(held["error"]["kind"], "ambiguous", "{held:#}\n{}", env.log());
    assert!(held["error"]["message"].as_str().expect("a message").contains("firmwareVersion"), "{held:#}");
    assert_eq!(env.created().0, 1, "{}", env.log());
    assert_eq!(daemon.terminate(), Some(0));
}

#[test]
fn outage_is_one_line_for_all_jobs_and_a_count_when_it_ends() {
    const JOBS: usize = 20;
    let env = TestEnv::with(Quirks::none(), "");
    env.fault(&outage());
    let daemon = env.daemon(&[]);
    let template = PackageTemplate::new(&bytes("cab/good-signed.cab"));
    for number in 0..JOBS {
        env.drop_package(&format!("{number}.cab"), &template.package(number as u64));
    }
    let failing = || {
        let receipts = env.receipts();
        receipts.iter().filter(|receipt| receipt["attempts"].as_u64() > Some(1)).count() == JOBS
    };
    wait_for("two failures of each job", || failing().then_some(()))
        .unwrap_or_else(|| panic!("{}", env.log()));
    env.no_faults();
    let all = || env.receipts().iter().filter(|receipt| receipt["state"] == "succeeded").count() == JOBS;
    wait_for("the packages", || all().then_some(())).unwrap_or_else(|| panic!("{}", env.log()));
    assert_eq!(daemon.terminate(), Some(0));
    let log = env.log();
    let lines: Vec<_> =
        log.lines().filter(|line| line.contains(" warn  ") && line.contains(" failed, next at ")).collect();
    assert_eq!(lines.len(), 1, "{lines:#?}");
    let over: Vec<_> = log.lines().filter(|line| line.contains("no job meets this error any more")).collect();
    assert!(over.iter().any(|line| line.contains(&format!("({JOBS} jobs, "))), "{over:#?}");
}

/// Waits until the service has throttled a call; returns the number of calls a minute that the daemon has learnt from that.
pub(crate) fn learnt_limit(env: &TestEnv) -> String {
    env.fault(&json!({
        "operation": "create_product", "times": 1, "action": {"kind": "status", "status": 429, "retry_after": "2"}
    }));
    env.drop_package("echo.cab", &bytes("cab/good-signed-ts.cab"));
    let limit = wait_for("a limit", || {
        let log = env.log();
        let (_, rest) = log.split_once("then continue at ")?;
        rest.split_once(" a minute").map(|(limit, _)| limit.to_owned())
    });
    limit.unwrap_or_else(|| panic!("{}", env.log()))
}

#[test]
fn limit_of_calls_is_known_after_a_restart() {
    let env = TestEnv::with(Quirks::none(), "");
    let daemon = env.daemon(&[]);
    let limit = learnt_limit(&env);
    assert_eq!(daemon.terminate(), Some(0), "{}", env.log());
    let daemon = env.daemon(&["--until-idle"]);
    assert_eq!(daemon.wait(), Some(0), "{}", env.log());
    assert!(env.log().contains(&format!("calls start at {limit} a minute")), "{}", env.log());
    assert_eq!(env.wait_for_end()["state"], "succeeded", "{}", env.log());
}
