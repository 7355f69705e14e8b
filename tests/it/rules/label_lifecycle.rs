//! Labels until they are published or withdrawn, by Microsoft or by an operator.

use dropship_sandbox::{Options, Quirks, Wait};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::cab::cab_with;
use super::labels::{PCI, at, targeted_rows};
use super::running::{bodies, edit, id, receipt_of, wait_for_daemon};
use crate::harness::{TestEnv, bytes, text, wait_for};

const CAB: &str = "cab/good-signed-ts.cab";

/// The only label of the rule, which tests replace.
const ONE: &str = "audiences = [\"Test Registry Key\"]";

/// The text after the first label of the rule.
const NEXT: &str = r#"
[[rule.label]]
name = "{{ file.stem }} pilot"
destination = "windows_update"
audiences = ["Test Registry Key"]
after = "* test ring"
"#;

fn waiting_env(options: Options, more: &str) -> TestEnv {
    TestEnv::at(Options { speed: 1200.0, ..options }, more)
}

/// Waits until the first label of the one job is seen in this step.
fn seen_in(env: &TestEnv, step: &str) -> Value {
    wait_for(step, || {
        let receipt = env.receipts().pop()?;
        let seen = receipt["labels"][0]["step"].as_str().unwrap_or_default().to_lowercase();
        (seen == step.to_lowercase()).then_some(receipt)
    })
    .unwrap_or_else(|| panic!("{:#?}\n{}", env.receipts(), env.log()))
}

fn label_number(job: &Value, at: usize) -> u64 {
    id(&job["labels"][at]["id"]).parse().expect("a number")
}

#[test]
fn gradual_rollout_is_followed_to_its_end() {
    let env = waiting_env(Options { rollout: Wait::UntilReleased, ..Options::default() }, "");
    let daemon = env.daemon(&[]);
    env.drop_package("echo.cab", &bytes(CAB));
    let job = seen_in(&env, "publishing");
    let looks = env.sandbox.control().count("get_label");
    wait_for("ten more looks", || (env.sandbox.control().count("get_label") > looks + 10).then_some(()))
        .unwrap_or_else(|| panic!("{}", env.log()));
    // The job waits between two polls.
    let waits = || {
        let now = env.receipts().pop()?;
        assert_eq!(now["step"], "publish", "{now:#}");
        (now["state"] == "waiting").then_some(())
    };
    wait_for("it to wait", waits).unwrap_or_else(|| panic!("{}", env.log()));
    assert!(env.sandbox.control().release(label_number(&job, 0)));
    let done = receipt_of(&env, "echo.cab", "succeeded");
    assert_eq!(
        done["labels"][0]["step"].as_str().map(str::to_lowercase).as_deref(),
        Some("finalizepublishing")
    );
    drop(daemon);
}

/// Further labels of the rule.
const BESIDE: &str = r#"
[[rule.label]]
name = "{{ file.stem }} second"
destination = "windows_update"
audiences = ["Test Registry Key"]
[rule.label.hardware_ids]
include = ["pci\\*"]
[[rule.label]]
name = "{{ file.stem }} third"
destination = "windows_update"
audiences = ["Test Registry Key"]
[rule.label.hardware_ids]
include = ["pci\\*"]
"#;

#[test]
fn labels_of_one_package_are_polled_by_one_list() {
    let env = waiting_env(Options { rollout: Wait::UntilReleased, ..Options::default() }, BESIDE);
    let daemon = env.daemon(&[]);
    env.drop_package("echo.cab", &bytes(CAB));
    let job = seen_in(&env, "publishing");
    let control = env.sandbox.control();
    let lists = control.count("list_labels");
    wait_for("ten lists", || (control.count("list_labels") > lists + 10).then_some(()))
        .unwrap_or_else(|| panic!("{}", env.log()));
    let alone = control.count("get_label");
    assert!(alone < 10, "{alone} requests for one label although lists have all");
    (0..3).for_each(|at| assert!(control.release(label_number(&job, at))));
    let done = receipt_of(&env, "echo.cab", "succeeded");
    assert_eq!(done["labels"].as_array().map(Vec::len), Some(3));
    drop(daemon);
}

#[test]
fn refused_label_fails_the_job_with_its_error_report() {
    let env = waiting_env(Options { approval: Wait::UntilReleased, ..Options::default() }, "");
    let daemon = env.daemon(&[]);
    wait_for_daemon(&env);
    env.drop_package("echo.cab", &bytes(CAB));
    let job = seen_in(&env, "microsoftApproval");
    let why = "The hardware id is owned by Fabrikam.";
    assert!(env.sandbox.control().refuse_label(label_number(&job, 0), why));
    let failed = receipt_of(&env, "echo.cab", "failed");
    assert_eq!(failed["error"]["kind"], "label-failed");
    let message = failed["error"]["message"].as_str().expect("a message");
    assert!(message.contains(why) && message.contains("error-report.txt"), "{message}");
    let shown = text(&env.run(&["show", id(&failed["id"])]).stdout);
    assert!(shown.contains(why), "{shown}");
    let folder = env.path("out").join(failed["outbox"].as_str().expect("a folder"));
    let report = std::fs::read_to_string(folder.join("error-report.txt")).expect("a report");
    assert!(report.contains(why), "{report}");
    drop(daemon);
}

#[test]
fn successor_of_a_refused_label_is_held() {
    let env = waiting_env(Options { approval: Wait::UntilReleased, ..Options::default() }, NEXT);
    let daemon = env.daemon(&[]);
    env.drop_package("echo.cab", &bytes(CAB));
    let job = seen_in(&env, "microsoftApproval");
    assert!(env.sandbox.control().refuse_label(label_number(&job, 0), "No."));
    let held = receipt_of(&env, "echo.cab", "held");
    assert_eq!(held["error"]["kind"], "predecessor-lost", "{held:#}");
    assert_eq!(env.created().2, 1, "the one that follows is not made");
    drop(daemon);
}

#[test]
fn label_withdrawn_by_hand_counts_as_cancelled() {
    let options = Options {
        approval: Wait::UntilReleased,
        cancel: std::time::Duration::from_secs(60),
        ..Options::default()
    };
    let env = waiting_env(options, "");
    let daemon = env.daemon(&[]);
    wait_for_daemon(&env);
    env.drop_package("echo.cab", &bytes(CAB));
    let job = seen_in(&env, "microsoftApproval");
    let [product, submission] = ["product_id", "submission_id"].map(|key| id(&job[key]).to_owned());
    let label = id(&job["labels"][0]["id"]);
    let output = env.run(&["api", "label", "cancel", &product, &submission, label]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    receipt_of(&env, "echo.cab", "cancelled");
    let shows = wait_for("the service to say so", || {
        let label = env.json(&["api", "label", "get", &product, &submission, label]);
        label["workflowStatus"]["state"]
            .as_str()
            .filter(|state| state.eq_ignore_ascii_case("failed"))
            .map(drop)
    });
    assert!(shows.is_some(), "the sandbox shows a cancelled label as failed");
    assert_eq!(env.receipts().pop().expect("a receipt")["state"], "cancelled");
    drop(daemon);
}

#[test]
fn label_edit_appears_in_the_job_history() {
    let env = TestEnv::with(Quirks::none(), "");
    let daemon = env.daemon(&[]);
    wait_for_daemon(&env);
    env.drop_package("echo.cab", &bytes(CAB));
    let done = receipt_of(&env, "echo.cab", "succeeded");
    let [product, submission] = ["product_id", "submission_id"].map(|key| id(&done[key]).to_owned());
    let label = id(&done["labels"][0]["id"]);
    let update =
        ["api", "label", "update", &product, &submission, label, "--ceiling", "GE", "--justification", "x"];
    let output = env.run(&update);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let shown = env.json(&["show", id(&done["id"])]);
    let edited = shown["events"].as_array().expect("events").iter().find(|event| event["event"] == "edited");
    let edited = edited.unwrap_or_else(|| panic!("{shown:#}"));
    assert_eq!(edited["label"], 0);
    assert!(edited["update"].to_string().contains("ceiling"), "{edited:#}");
    drop(daemon);
}

#[test]
fn older_label_published_later_is_superseded() {
    let options = Options { approval: Wait::UntilReleased, ..Options::default() };
    let env = waiting_env(options, "");
    edit(
        &env,
        &[
            (ONE, &format!("{ONE}\nsupersede = true")),
            ("include = [\"pci\\\\*\"]", "include = [\"*\"]"),
            ("[signers]", "[signers]\nallow_unsigned = true"),
        ],
    );
    let daemon = env.daemon(&[]);
    let seen = |package: &str| {
        wait_for("the approval", || {
            let receipt = env.receipts().into_iter().find(|receipt| receipt["package"] == package)?;
            (receipt["labels"][0]["step"] == "microsoftApproval").then(|| label_number(&receipt, 0))
        })
        .unwrap_or_else(|| panic!("{:#?}\n{}", env.receipts(), env.log()))
    };
    env.drop_package("old.cab", &cab_with(&[]));
    let old = seen("old.cab");
    env.drop_package("new.cab", &cab_with(&[("1.2.3.4", "1.2.3.5"), ("ROOT\\ECHO", "ROOT\\OHCE")]));
    assert!(env.sandbox.control().release(seen("new.cab")));
    let new = receipt_of(&env, "new.cab", "succeeded");
    assert_eq!(
        env.sandbox.control().count("update_label"),
        0,
        "a label is changed only once it is published"
    );
    assert!(env.sandbox.control().release(old));
    let old = receipt_of(&env, "old.cab", "succeeded");
    assert_eq!(targeted_rows(&env, &old), ["root\\echo"], "the rows of the newer label are removed");
    assert_eq!(targeted_rows(&env, &new), [PCI, "root\\ohce"]);
    assert_eq!(env.sandbox.control().count("update_label"), 1);
    assert!(env.log().contains("gave up 1 hardware id to a newer label"), "{}", env.log());
    drop(daemon);
}

/// The go-live dates of the labels that the sandbox was asked for.
fn go_live_dates(env: &TestEnv) -> Vec<Timestamp> {
    let bodies = bodies(env, "create_label");
    let date =
        |body: &Value| body["publishingSpecifications"]["goLiveDate"].as_str().expect("a date").parse();
    bodies.iter().map(|body| date(body).expect("a date")).collect()
}

#[test]
fn go_live_offset_counts_from_each_request() {
    let env = TestEnv::with(Quirks::none(), "");
    edit(&env, &[(ONE, &format!("{ONE}\ngo_live = \"+7d\""))]);
    let daemon = env.daemon(&[]);
    // Requested twice without effect, by three daemons.
    env.fault(&json!({"operation": "create_label", "action": {"kind": "hang"}, "times": 2}));
    let week = SignedDuration::from_hours(7 * 24);
    let earliest = Timestamp::now() + week - SignedDuration::from_secs(1);
    env.drop_package("echo.cab", &bytes(CAB));
    let wait_for_requests = |times: usize| {
        wait_for("the label to be asked for", || (bodies(&env, "create_label").len() >= times).then_some(()))
            .unwrap_or_else(|| panic!("{}", env.log()));
    };
    wait_for_requests(1);
    daemon.kill();
    let daemon = env.daemon(&[]);
    wait_for_requests(2);
    daemon.kill();
    let daemon = env.daemon(&[]);
    receipt_of(&env, "echo.cab", "succeeded");
    let dates = go_live_dates(&env);
    assert_eq!(dates.len(), 3);
    assert!(earliest < dates[0] && dates[0] < dates[1] && dates[1] < dates[2], "{dates:?}");
    assert!(dates[2] <= Timestamp::now() + week, "{dates:?}");
    drop(daemon);
}

#[test]
fn label_whose_response_is_lost_is_adopted_whatever_its_date() {
    let env = TestEnv::with(Quirks::none(), "");
    edit(&env, &[(ONE, &format!("{ONE}\ngo_live = \"+7d next_working_day\""))]);
    let daemon = env.daemon(&[]);
    env.fault(&json!({"operation": "create_label", "action": {"kind": "drop_after"}}));
    env.drop_package("echo.cab", &bytes(CAB));
    receipt_of(&env, "echo.cab", "succeeded");
    assert_eq!((env.created().2, go_live_dates(&env).len()), (1, 1), "{}", env.log());
    drop(daemon);
}

#[test]
fn approved_label_goes_live_after_its_approval() {
    let env = TestEnv::with(Quirks::none(), "");
    edit(&env, &[(ONE, &format!("{ONE}\nhold = true\ngo_live = \"+1s\""))]);
    let daemon = env.daemon(&[]);
    env.drop_package("echo.cab", &bytes(CAB));
    let held = receipt_of(&env, "echo.cab", "held");
    let message = held["error"]["message"].as_str().expect("a message");
    let (_, rest) = message.split_once("it goes live on ").expect("a date");
    let (shown, rest) = rest.split_once(" (UTC) if approved today").expect("a condition");
    assert!(rest.contains("`go_live` is \"+1s\""), "{message}");
    let shown: Timestamp = shown.parse().expect("a date");
    wait_for("the shown date to pass", || (Timestamp::now() > shown).then_some(())).expect("time passes");
    let (_, digest) = message.split_once("--request ").expect("a digest");
    let approved = Timestamp::now();
    let approve = ["approve", id(&held["id"]), "--request", digest.split('`').next().expect("a digest")];
    assert_eq!(env.run(&approve).status.code(), Some(0), "the digest covers the rule, not the date");
    receipt_of(&env, "echo.cab", "succeeded");
    let dates = go_live_dates(&env);
    assert!(dates.len() == 1 && dates[0] > approved, "{dates:?} after {approved}");
    drop(daemon);
}

#[test]
fn predecessor_is_read_again_right_before_its_successor_is_requested() {
    for vanishes in [false, true] {
        let env = TestEnv::with(Quirks::none(), &format!("{NEXT}hold = true\n"));
        let daemon = env.daemon(&[]);
        wait_for_daemon(&env);
        env.drop_package("echo.cab", &bytes(CAB));
        let held = receipt_of(&env, "echo.cab", "held");
        assert_eq!(
            (&held["error"]["kind"], &held["labels"][0]["status"]),
            (&json!("approval"), &json!("published"))
        );
        if vanishes {
            env.fault(
                &json!({"operation": "get_label", "action": {"kind": "status", "status": 404}, "times": 0}),
            );
        } else {
            assert!(env.sandbox.control().refuse_label(label_number(&held, 0), "Rolled back."));
        }
        assert_eq!(env.run(&["approve", id(&held["id"])]).status.code(), Some(0));
        let lost = wait_for("the job to be held again", || {
            env.receipts().pop().filter(|receipt| receipt["error"]["kind"] == "predecessor-lost")
        })
        .unwrap_or_else(|| panic!("{:#?}\n{}", env.receipts(), env.log()));
        assert_eq!(
            (&lost["state"], &lost["labels"][0]["status"]),
            (&json!("held"), &json!("failed")),
            "{lost:#}"
        );
        assert_eq!(env.created().2, 1, "the successor is not requested");
        env.no_faults();
        // The operator wants it nevertheless.
        let approve = env.run(&["approve", id(&held["id"]), "--label", "echo pilot"]);
        assert_eq!(approve.status.code(), Some(0), "{}", text(&approve.stderr));
        wait_for("the successor", || (env.created().2 == 2).then_some(()))
            .unwrap_or_else(|| panic!("{}", env.log()));
        drop(daemon);
    }
}

#[test]
fn predecessor_that_the_service_does_not_know_for_a_moment_is_not_lost() {
    let env = TestEnv::with(Quirks::none(), &format!("{NEXT}hold = true\n"));
    let daemon = env.daemon(&[]);
    wait_for_daemon(&env);
    env.drop_package("echo.cab", &bytes(CAB));
    let held = receipt_of(&env, "echo.cab", "held");
    env.fault(&json!({"operation": "get_label", "action": {"kind": "status", "status": 404}}));
    assert_eq!(env.run(&["approve", id(&held["id"])]).status.code(), Some(0));
    let done = receipt_of(&env, "echo.cab", "succeeded");
    assert_eq!(done["labels"][0]["status"], "published", "{done:#}");
    assert_eq!(env.created().2, 2);
    drop(daemon);
}

/// Repeats a job with later and later go-live dates until its label is published before its date. A label that is published later
/// shows nothing about the date. `job` gets the seconds from the request to the date. It returns when the label was published, the
/// date, and the time of the event that has to wait for the date. Returns the last two.
fn job_published_before_its_date(job: impl Fn(u32) -> [Timestamp; 3]) -> [Timestamp; 2] {
    let mut jobs = [8, 16, 32, 64].into_iter().map(job);
    let found = jobs.find_map(|[published, live, event]| (published < live).then_some([live, event]));
    found.expect("a label that is published within a minute")
}

#[test]
fn soak_counts_from_the_go_live_date_of_the_label_before() {
    let [live, requested] = job_published_before_its_date(|seconds| {
        let env = TestEnv::with(Quirks::none(), &format!("{NEXT}soak = \"1s\"\n"));
        let first = "audiences = [\"Test Registry Key\"]\n";
        let next = "[rule.label.hardware_ids]";
        let dated = format!("{first}go_live = \"+{seconds}s\"\n{next}");
        edit(&env, &[(&format!("{first}{next}"), &dated)]);
        let daemon = env.daemon(&[]);
        wait_for_daemon(&env);
        env.drop_package("echo.cab", &bytes(CAB));
        let done = receipt_of(&env, "echo.cab", "succeeded");
        let date = bodies(&env, "create_label")[0]["publishingSpecifications"]["goLiveDate"].clone();
        let live: Timestamp = date.as_str().expect("a date").parse().expect("a date");
        let published = at(&env, &done, |event| event["event"] == "published" && event["label"] == 0);
        let requested = at(&env, &done, |event| event["event"] == "intended" && event["kind"]["label"] == 1);
        drop(daemon);
        [published, live, requested]
    });
    // A soak that counts from the publication ends before this.
    assert!(requested >= live + SignedDuration::from_secs(1), "{live} {requested}");
}

#[test]
fn superseding_label_takes_over_at_its_go_live_date() {
    let [live, taken] = job_published_before_its_date(|seconds| {
        let env = TestEnv::at(Options { speed: 1200.0, ..Options::default() }, "");
        edit(
            &env,
            &[
                (ONE, &format!("{ONE}\nsupersede = true\ngo_live = \"+{seconds}s\"")),
                ("include = [\"pci\\\\*\"]", "include = [\"*\"]"),
                ("[signers]", "[signers]\nallow_unsigned = true"),
            ],
        );
        let daemon = env.daemon(&[]);
        env.drop_package("old.cab", &cab_with(&[]));
        receipt_of(&env, "old.cab", "succeeded");
        env.drop_package("new.cab", &cab_with(&[("1.2.3.4", "1.2.3.5"), ("ROOT\\ECHO", "ROOT\\OHCE")]));
        let new = receipt_of(&env, "new.cab", "succeeded");
        let date = bodies(&env, "create_label")[1]["publishingSpecifications"]["goLiveDate"].clone();
        let live: Timestamp = date.as_str().expect("a date").parse().expect("a date");
        let published = at(&env, &new, |event| event["event"] == "published");
        let taken = at(&env, &new, |event| event["event"] == "taken_over");
        assert_eq!(env.sandbox.control().count("update_label"), 1);
        drop(daemon);
        [published, live, taken]
    });
    // A label that takes over as soon as it is published does so before its date.
    assert!(taken >= live, "{live} {taken}");
}
