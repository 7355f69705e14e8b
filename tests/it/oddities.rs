//! Answers of the real service that differ from its documents: no job ends, stops or waits without a word because of one.

use dropship_sandbox::{Options, Quirk, Quirks, Wait};
use serde_json::{Value, json};

use crate::harness::{TestEnv, bytes, text, usual_quirks, wait_for};

const CAB: &str = "cab/good-signed-ts.cab";

fn with(quirks: &str) -> TestEnv {
    let quirks_to_add = Quirks::parse(quirks).expect("quirks");
    let all = Quirk::ALL
        .iter()
        .filter(|quirk| quirks_to_add.has(**quirk))
        .fold(usual_quirks(), |all, one| all.with(*one));
    TestEnv::with(all, "")
}

fn in_state(env: &TestEnv, state: &str) -> Value {
    wait_for(&format!("a job that is {state}"), || {
        env.receipts().pop().filter(|receipt| receipt["state"] == state)
    })
    .unwrap_or_else(|| panic!("{:?}\n{}", env.receipts(), env.log()))
}

fn approve(env: &TestEnv, job: &Value) {
    let output = env.run(&["approve", job["id"].as_str().expect("an id")]);
    assert!(output.status.success(), "{}", text(&output.stderr));
}

#[test]
fn package_reaches_its_label_with_every_oddity() {
    for quirks in [
        "new-product-404,new-submission-404,new-label-404",
        "unknown-steps,unknown-states,other-last-step,published-state,unknown-downloads",
        "redirected-downloads,sign-in-page,crc64-mismatch,md5-mismatch,proxy-pages",
        "numbers-as-text,text-as-numbers,booleans-as-text,null-lists,missing-lists,objects-for-lists,lists-for-maps,negative-publisher-id",
        "all",
    ] {
        let env = with(quirks);
        let daemon = env.daemon(&[]);
        env.drop_package("echo.cab", &bytes(CAB));
        let receipt = env.wait_for_end();
        assert_eq!(receipt["state"], "succeeded", "{quirks}: {receipt:#}\n{}", env.log());
        assert_eq!(env.created(), (1, 1, 1), "{quirks}");
        let folder = env.path("out").join(receipt["outbox"].as_str().unwrap_or_default());
        let names: Vec<_> =
            receipt["files"].as_array().expect("files").iter().map(|file| file["name"].clone()).collect();
        assert!(names.contains(&json!("signed.zip")), "{quirks}: {names:?}");
        if quirks.contains("sign-in-page") || quirks == "all" {
            assert!(
                !names.contains(&json!("certification-report")),
                "{quirks}: {names:?} in {}",
                folder.display()
            );
            assert!(env.log().contains("sign-in page"), "{quirks}: the page is reported");
        }
        drop(daemon);
    }
}

#[test]
fn unknown_own_object_is_held_after_a_while_and_followed_after_approval() {
    for (operation, status) in [
        ("get_label", 404),
        ("get_submission", 404),
        ("commit", 400),
        ("create_label", 400),
        ("create_submission", 404),
    ] {
        let env = with("none");
        env.fault(
            &json!({"operation": operation, "times": 0, "action": {"kind": "status", "status": status}}),
        );
        let daemon = env.daemon(&[]);
        env.drop_package("echo.cab", &bytes(CAB));
        let receipt = in_state(&env, "held");
        assert_eq!(receipt["error"]["kind"], "not-shown", "{operation}: {receipt:#}");
        let message = receipt["error"]["message"].as_str().expect("a message");
        assert!(
            message.contains("Partner Center") && message.contains(&status.to_string()),
            "{operation}: {message}"
        );
        env.no_faults();
        approve(&env, &receipt);
        assert_eq!(env.wait_for_end()["state"], "succeeded", "{operation}: {}", env.log());
        assert_eq!(env.created(), (1, 1, 1), "{operation}");
        drop(daemon);
    }
}

#[test]
fn failed_label_without_a_step_fails_the_job() {
    let quirks = usual_quirks()
        .with(Quirk::FailedWithoutStep)
        .without(Quirk::NumericCurrentStep)
        .without(Quirk::IntermediateCompleted);
    let options = Options { speed: 1200.0, quirks, approval: Wait::UntilReleased, ..Options::default() };
    let env = TestEnv::at(options, "");
    let daemon = env.daemon(&[]);
    env.drop_package("echo.cab", &bytes(CAB));
    let label = wait_for("a label in approval", || {
        let receipt = env.receipts().pop()?;
        let label = &receipt["labels"][0];
        let step = label["step"].as_str()?.to_lowercase();
        (step == "microsoftapproval")
            .then(|| label["id"].as_str().and_then(|id| id.parse::<u64>().ok()))
            .flatten()
    });
    let label = label.unwrap_or_else(|| panic!("{:?}\n{}", env.receipts(), env.log()));
    assert!(env.sandbox.control().refuse_label(label, "Not approved."));
    let receipt = in_state(&env, "failed");
    assert_eq!(receipt["error"]["kind"], "label-failed");
    assert!(
        receipt["error"]["message"].as_str().is_some_and(|text| text.contains("Not approved.")),
        "{receipt:#}"
    );
    drop(daemon);
}

#[test]
fn page_of_a_proxy_suspends_no_account() {
    let env = with("none");
    for operation in ["token", "create_product", "get_submission", "commit", "create_label", "blob"] {
        for status in [403, 407] {
            env.fault(&json!({"operation": operation, "action": {"kind": "status", "status": status, "body": "html"}}));
        }
    }
    let daemon = env.daemon(&[]);
    env.drop_package("echo.cab", &bytes(CAB));
    assert_eq!(env.wait_for_end()["state"], "succeeded", "{}", env.log());
    assert_eq!(env.created(), (1, 1, 1));
    let log = env.log();
    assert!(log.contains("a proxy answered") && !log.contains("account_suspended"), "{log}");
    drop(daemon);
}

#[test]
fn online_check_explains_a_lasting_500_unknown_audience_and_prints_advice_once() {
    let env = with("none");
    let fault = |status: u16| json!({"operation": "list_audiences", "times": 0, "action": {"kind": "status", "status": status}});
    env.fault(&fault(500));
    let output = env.run(&["check", "--online"]);
    let printed = format!("{}{}", text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(78), "{printed}");
    assert!(
        printed.contains("not set up completely") && !printed.contains("whether the service did it"),
        "{printed}"
    );
    env.no_faults();
    env.fault(&fault(403));
    let output = env.run(&["check", "--online"]);
    let printed = format!("{}{}", text(&output.stdout), text(&output.stderr));
    assert_eq!(printed.matches("Driver Submitter").count(), 1, "{printed}");
    env.no_faults();
    let output = env.run(&["check", "--online"]);
    let printed = text(&output.stdout);
    assert!(output.status.success() && printed.contains("clocks differ by"), "{printed}");
    let path = env.path("dropship.toml");
    let config = std::fs::read_to_string(&path).expect("a configuration");
    std::fs::write(&path, config.replace("\"Test Registry Key\"", "\"Test Registry Key\", \"No Such Ring\""))
        .expect("written");
    let output = env.run(&["check", "--online"]);
    let printed = format!("{}{}", text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(78), "{printed}");
    assert!(printed.contains("no audience `No Such Ring`") && printed.contains("rule `ring`"), "{printed}");
}
