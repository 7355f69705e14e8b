//! Labels to their end, at Microsoft's hands and at an operator's.

use dropship_sandbox::{Options, Quirks, Wait};
use serde_json::{Value, json};

use super::cab::saying;
use super::labels::{PCI, targeted};
use super::running::{bodies, edit, listening, receipt_of};
use crate::home::{Home, bytes, text, wait_for};

const CAB: &str = "cab/good-signed-ts.cab";

/// The rule's one label, to be replaced.
const ONE: &str = "audiences = [\"Test Registry Key\"]";

/// What follows the first label.
const NEXT: &str = r#"
[[rule.label]]
name = "{{ file.stem }} pilot"
destination = "windows_update"
audiences = ["Test Registry Key"]
after = "* test ring"
"#;

fn waiting(options: Options, more: &str) -> Home {
    Home::at(Options { speed: 1200.0, ..options }, more)
}

fn id(value: &Value) -> &str {
    value.as_str().expect("an id")
}

/// Waits until the first label of the one job is seen in this step.
fn seen_in(home: &Home, step: &str) -> Value {
    wait_for(step, || {
        let receipt = home.receipts().pop()?;
        let seen = receipt["labels"][0]["step"].as_str().unwrap_or_default().to_lowercase();
        (seen == step.to_lowercase()).then_some(receipt)
    })
    .unwrap_or_else(|| panic!("{:#?}\n{}", home.receipts(), home.log()))
}

fn label_number(job: &Value, at: usize) -> u64 {
    id(&job["labels"][at]["id"]).parse().expect("a number")
}

#[test]
fn a_gradual_rollout_has_no_step_of_its_own_and_is_followed_to_its_end() {
    let home = waiting(Options { rollout: Wait::UntilReleased, ..Options::default() }, "");
    let daemon = home.daemon(&[]);
    home.drop_package("echo.cab", &bytes(CAB));
    let job = seen_in(&home, "publishing");
    let looks = home.sandbox.control().count("get_label");
    wait_for("ten more looks", || (home.sandbox.control().count("get_label") > looks + 10).then_some(()))
        .unwrap_or_else(|| panic!("{}", home.log()));
    // Between two looks it waits, however long it takes.
    let waits = || {
        let now = home.receipts().pop()?;
        assert_eq!(now["step"], "publish", "{now:#}");
        (now["state"] == "waiting").then_some(())
    };
    wait_for("it to wait", waits).unwrap_or_else(|| panic!("{}", home.log()));
    assert!(home.sandbox.control().release(label_number(&job, 0)));
    let done = receipt_of(&home, "echo.cab", "succeeded");
    assert_eq!(
        done["labels"][0]["step"].as_str().map(str::to_lowercase).as_deref(),
        Some("finalizepublishing")
    );
    drop(daemon);
}

/// More labels beside the first.
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
fn the_labels_of_one_package_are_followed_by_one_list() {
    let home = waiting(Options { rollout: Wait::UntilReleased, ..Options::default() }, BESIDE);
    let daemon = home.daemon(&[]);
    home.drop_package("echo.cab", &bytes(CAB));
    let job = seen_in(&home, "publishing");
    let control = home.sandbox.control();
    let lists = control.count("list_labels");
    wait_for("ten lists", || (control.count("list_labels") > lists + 10).then_some(()))
        .unwrap_or_else(|| panic!("{}", home.log()));
    let alone = control.count("get_label");
    assert!(alone < 10, "{alone} looks at one label while lists tell of all");
    (0..3).for_each(|at| assert!(control.release(label_number(&job, at))));
    let done = receipt_of(&home, "echo.cab", "succeeded");
    assert_eq!(done["labels"].as_array().map(Vec::len), Some(3));
    drop(daemon);
}

#[test]
fn a_refused_label_fails_the_job_and_its_error_report_is_fetched_and_shown() {
    let home = waiting(Options { approval: Wait::UntilReleased, ..Options::default() }, "");
    let daemon = home.daemon(&[]);
    listening(&home);
    home.drop_package("echo.cab", &bytes(CAB));
    let job = seen_in(&home, "microsoftApproval");
    let why = "The hardware id is owned by Fabrikam.";
    assert!(home.sandbox.control().refuse_label(label_number(&job, 0), why));
    let failed = receipt_of(&home, "echo.cab", "failed");
    assert_eq!(failed["error"]["kind"], "label-failed");
    let message = failed["error"]["message"].as_str().expect("a message");
    assert!(message.contains(why) && message.contains("error-report.txt"), "{message}");
    let shown = text(&home.run(&["show", id(&failed["id"])]).stdout);
    assert!(shown.contains(why), "{shown}");
    let folder = home.path("out").join(failed["outbox"].as_str().expect("a folder"));
    let report = std::fs::read_to_string(folder.join("error-report.txt")).expect("a report");
    assert!(report.contains(why), "{report}");
    drop(daemon);
}

#[test]
fn what_follows_a_label_that_microsoft_refused_is_held() {
    let home = waiting(Options { approval: Wait::UntilReleased, ..Options::default() }, NEXT);
    let daemon = home.daemon(&[]);
    home.drop_package("echo.cab", &bytes(CAB));
    let job = seen_in(&home, "microsoftApproval");
    assert!(home.sandbox.control().refuse_label(label_number(&job, 0), "No."));
    let held = receipt_of(&home, "echo.cab", "held");
    assert_eq!(held["error"]["kind"], "label-awaited", "{held:#}");
    assert_eq!(home.created().2, 1, "the one that follows is not made");
    drop(daemon);
}

#[test]
fn a_label_withdrawn_by_hand_counts_as_cancelled_though_the_service_says_failed() {
    let options = Options {
        approval: Wait::UntilReleased,
        cancel: std::time::Duration::from_secs(60),
        ..Options::default()
    };
    let home = waiting(options, "");
    let daemon = home.daemon(&[]);
    listening(&home);
    home.drop_package("echo.cab", &bytes(CAB));
    let job = seen_in(&home, "microsoftApproval");
    let [product, submission] = ["product_id", "submission_id"].map(|key| id(&job[key]).to_owned());
    let label = id(&job["labels"][0]["id"]);
    let output = home.run(&["api", "label", "cancel", &product, &submission, label]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    receipt_of(&home, "echo.cab", "cancelled");
    let shows = wait_for("the service to say so", || {
        let label = home.json(&["api", "label", "get", &product, &submission, label]);
        label["workflowStatus"]["state"]
            .as_str()
            .filter(|state| state.eq_ignore_ascii_case("failed"))
            .map(drop)
    });
    assert!(shows.is_some(), "the sandbox shows a cancelled label as failed");
    assert_eq!(home.receipts().pop().expect("a receipt")["state"], "cancelled");
    drop(daemon);
}

#[test]
fn a_change_by_hand_is_part_of_the_jobs_story() {
    let home = Home::with(Quirks::none(), "");
    let daemon = home.daemon(&[]);
    listening(&home);
    home.drop_package("echo.cab", &bytes(CAB));
    let done = receipt_of(&home, "echo.cab", "succeeded");
    let [product, submission] = ["product_id", "submission_id"].map(|key| id(&done[key]).to_owned());
    let label = id(&done["labels"][0]["id"]);
    let update =
        ["api", "label", "update", &product, &submission, label, "--ceiling", "GE", "--justification", "x"];
    let output = home.run(&update);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let story = home.json(&["show", id(&done["id"])]);
    let edited = story["events"].as_array().expect("events").iter().find(|event| event["event"] == "edited");
    let edited = edited.unwrap_or_else(|| panic!("{story:#}"));
    assert_eq!(edited["label"], 0);
    assert!(edited["update"].to_string().contains("ceiling"), "{edited:#}");
    drop(daemon);
}

#[test]
fn an_older_label_that_is_published_after_the_newer_one_gives_way_to_it() {
    let options = Options { approval: Wait::UntilReleased, ..Options::default() };
    let home = waiting(options, "");
    edit(
        &home,
        &[
            (ONE, &format!("{ONE}\nsupersede = true")),
            ("include = [\"pci\\\\*\"]", "include = [\"*\"]"),
            ("[signers]", "[signers]\nallow_unsigned = true"),
        ],
    );
    let daemon = home.daemon(&[]);
    let seen = |package: &str| {
        wait_for("the approval", || {
            let receipt = home.receipts().into_iter().find(|receipt| receipt["package"] == package)?;
            (receipt["labels"][0]["step"] == "microsoftApproval").then(|| label_number(&receipt, 0))
        })
        .unwrap_or_else(|| panic!("{:#?}\n{}", home.receipts(), home.log()))
    };
    home.drop_package("old.cab", &saying(&[]));
    let old = seen("old.cab");
    home.drop_package("new.cab", &saying(&[("1.2.3.4", "1.2.3.5"), ("ROOT\\ECHO", "ROOT\\OHCE")]));
    assert!(home.sandbox.control().release(seen("new.cab")));
    let new = receipt_of(&home, "new.cab", "succeeded");
    assert_eq!(home.sandbox.control().count("update_label"), 0, "what is not published takes no change");
    assert!(home.sandbox.control().release(old));
    let old = receipt_of(&home, "old.cab", "succeeded");
    assert_eq!(targeted(&home, &old), ["root\\echo"], "what the newer one targets too is gone");
    assert_eq!(targeted(&home, &new), [PCI, "root\\ohce"]);
    assert_eq!(home.sandbox.control().count("update_label"), 1);
    assert!(home.log().contains("gave 1 hardware ids up to a newer one"), "{}", home.log());
    drop(daemon);
}

#[test]
fn a_go_live_offset_is_fixed_once_whatever_is_restarted() {
    let home = Home::with(Quirks::none(), "");
    edit(&home, &[(ONE, &format!("{ONE}\ngo_live = \"+7d\""))]);
    let daemon = home.daemon(&[]);
    // Asked for twice without effect, by three daemons.
    home.fault(&json!({"operation": "create_label", "action": {"kind": "hang"}, "times": 2}));
    home.drop_package("echo.cab", &bytes(CAB));
    let asked = |times: usize| {
        wait_for("the label to be asked for", || {
            (bodies(&home, "create_label").len() >= times).then_some(())
        })
        .unwrap_or_else(|| panic!("{}", home.log()));
    };
    asked(1);
    daemon.kill();
    let daemon = home.daemon(&[]);
    asked(2);
    daemon.kill();
    let daemon = home.daemon(&[]);
    receipt_of(&home, "echo.cab", "succeeded");
    let dates: Vec<_> = bodies(&home, "create_label")
        .iter()
        .map(|body| body["publishingSpecifications"]["goLiveDate"].clone())
        .collect();
    assert_eq!(dates.len(), 3);
    assert!(dates[0].is_string() && dates.iter().all(|date| *date == dates[0]), "{dates:?}");
    drop(daemon);
}
