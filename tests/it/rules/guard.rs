//! `[guard]`: limits that no rule can exceed, in `check`, in `plan` and before a label is sent.

use dropship_sandbox::Quirks;
use serde_json::{Value, json};

use super::cab::cab_with;
use super::running::{bodies, edit, receipt_of, wait_for_daemon};
use crate::harness::rules::{LABEL, RULE, RuleFixture};
use crate::harness::{TestEnv, bytes, text, wait_for};

const CAB: &str = "cab/good-signed-ts.cab";

fn with_guard(guard: &str, label: &str) -> RuleFixture {
    RuleFixture::new(&format!("guard = {{ {guard} }}\n{RULE}{label}"))
}

#[test]
fn label_that_exceeds_a_limit_is_reported_by_check_and_plan() {
    let everybody = LABEL.replace("audiences = [\"Test Registry Key\"]", "floor_build = 26100");
    let to = |ids: &str| format!("{LABEL}hardware_ids = {{ include = ['{ids}'] }}\n");
    for (guard, label, why) in [
        ("everybody = \"refuse\"", &everybody, "refuses labels for everybody"),
        ("hardware_ids = ['pci\\*']", &to("usb\\vid_*"), "selects only targets that `[guard]` refuses"),
        ("hardware_ids = []", &LABEL.to_owned(), "every target would be refused"),
        ("max_targets = 0", &LABEL.to_owned(), "every label would be held"),
        ("everybody = \"never\"", &LABEL.to_owned(), "never"),
    ] {
        let printed = with_guard(guard, label).check();
        assert!(printed.contains(why) && printed.contains("dropship.toml:"), "{guard}: {printed}");
    }
    let no_limit = json!({"refused": [], "held": []});
    for (guard, label, code, refused, held) in [
        ("everybody = \"hold\"", &everybody, 0, "", "reaches everybody"),
        ("everybody = \"hold\"", &LABEL.to_owned(), 0, "", ""),
        ("hardware_ids = ['pci\\*']", &to("*"), 65, "`root\\\\echo`", ""),
        ("hardware_ids = ['PCI\\*', '*echo']", &to("*"), 0, "", ""),
        ("max_targets = 3", &to("*"), 0, "", "4 targets, more than"),
        ("max_targets = 4, unforeseen = \"hold\"", &to("*"), 0, "", ""),
    ] {
        let fixture = with_guard(guard, label);
        assert_eq!(fixture.check(), "", "{guard}");
        let (exit, plan) = fixture.plan(CAB, "echo.cab");
        let verdict = &plan["labels"][0]["guard"];
        assert_eq!(exit, Some(code), "{guard}: {plan:#}");
        assert!(verdict["refused"].to_string().contains(refused), "{guard}: {verdict}");
        assert!(verdict["held"].to_string().contains(held), "{guard}: {verdict}");
        assert_eq!(*verdict == no_limit, refused.is_empty() && held.is_empty(), "{guard}: {verdict}");
        let file = fixture.path("drop/echo.cab");
        let printed = text(&fixture.run(&["plan", file.to_str().expect("a path")]).stdout);
        assert_eq!(
            printed.contains("\n  held: ") || printed.contains("\n  refused: "),
            *verdict != no_limit,
            "{printed}"
        );
    }
}

/// The usual rule for other packages, with another label.
fn rule(name: &str, label: &str) -> String {
    format!(
        "{}\n[[rule.label]]\nname = \"{{{{ file.stem }}}} {name}\"\ndestination = \"windows_update\"\n{label}\n",
        RULE.replace("\"ring\"", &format!("\"{name}\"")).replace("*.cab", &format!("{name}*.cab"))
    )
}

#[test]
fn label_that_exceeds_a_limit_is_not_sent_before_its_approval() {
    let ring = "audiences = [\"Test Registry Key\"]";
    let rules = rule("everybody", "floor_build = 26100\nhardware_ids = { include = [\"pci*\"] }")
        + &rule("outside", &format!("{ring}\nhardware_ids = {{ include = [\"{{root,pci}}*\"] }}"))
        + &rule("many", &format!("{ring}\nhardware_ids = {{ include = [\"pci*\"] }}"));
    let env = TestEnv::with(Quirks::none(), &rules);
    let guard =
        "[guard]\neverybody = \"hold\"\nhardware_ids = [\"pci*\"]\nmax_targets = 1\nunforeseen = \"hold\"\n";
    edit(
        &env,
        &[
            ("match = { file = \"*.cab\" }", "match = { file = \"clear*.cab\" }"),
            ("[signers]", &format!("{guard}[signers]\nallow_unsigned = true")),
        ],
    );
    let daemon = env.daemon(&[]);
    wait_for_daemon(&env);
    for (name, version) in
        [("clear", "1.2.3.1"), ("everybody", "1.2.3.2"), ("outside", "1.2.3.3"), ("many", "1.2.3.5")]
    {
        env.drop_package(&format!("{name}.cab"), &cab_with(&[("1.2.3.4", version)]));
    }
    receipt_of(&env, "clear.cab", "succeeded");
    let held = |name: &str, kind: &str, why: &str| {
        let held = receipt_of(&env, &format!("{name}.cab"), "held");
        assert_eq!(held["error"]["kind"], kind, "{held:#}");
        let message = held["error"]["message"].as_str().expect("a message");
        assert!(message.contains(why), "{message}");
        held["id"].as_str().expect("an id").to_owned()
    };
    let everybody = held("everybody", "guard", "it has no audiences, so it reaches everybody");
    let many = held("many", "guard", "it has 2 targets, more than `[guard] max_targets = 1`");
    let outside = held("outside", "guard-refused", "`[guard] hardware_ids` does not contain `root\\echo`");
    assert_eq!(env.created().2, 1, "only the label within the limits");
    // An approval does not release what is refused.
    assert!(env.run(&["approve", &outside]).status.success());
    held("outside", "guard-refused", "`root\\echo`");
    for job in [&everybody, &many] {
        assert!(env.run(&["approve", job]).status.success());
    }
    receipt_of(&env, "everybody.cab", "succeeded");
    receipt_of(&env, "many.cab", "succeeded");
    let sent = bodies(&env, "create_label");
    assert_eq!(sent.len(), 3, "{sent:#?}");
    let to_everybody =
        |body: &&Value| body["targeting"]["restrictedToAudiences"].as_array().is_none_or(Vec::is_empty);
    assert_eq!(sent.iter().filter(to_everybody).count(), 1, "{sent:#?}");
    assert!(!json!(sent).to_string().contains("root"), "{sent:#?}");
    // A reload changes the limits.
    edit(
        &env,
        &[
            ("hardware_ids = [\"pci*\"]", "hardware_ids = [\"pci*\", \"root*\"]"),
            ("max_targets = 1", "max_targets = 9"),
        ],
    );
    let reloaded = env.json(&["reload"]);
    assert_eq!(reloaded["ok"], true, "{reloaded:#}");
    // A label of the job was approved before, so this approval names its label.
    assert!(env.run(&["approve", &outside, "--label", "outside outside"]).status.success());
    receipt_of(&env, "outside.cab", "succeeded");
    drop(daemon);
}

#[test]
fn lost_create_is_sent_again_only_within_the_limits_of_now() {
    let env = TestEnv::new();
    env.edit_configuration("uncertain = \"2s\"", "uncertain = \"10s\"");
    env.edit_configuration("include = [\"pci\\\\*\"]", "include = [\"*\"]");
    env.fault(&json!({"operation": "create_label", "action": {"kind": "drop_before"}}));
    let daemon = env.daemon(&[]);
    wait_for_daemon(&env);
    env.drop_package("echo.cab", &bytes(CAB));
    let sent = || bodies(&env, "create_label").len();
    wait_for("a request that is lost", || (sent() == 1).then_some(()))
        .unwrap_or_else(|| panic!("{}", env.log()));
    assert!(env.run(&["pause"]).status.success());
    env.edit_configuration("[signers]", "[guard]\nhardware_ids = ['USB\\*']\n[signers]");
    let reloaded = env.json(&["reload"]);
    assert_eq!(reloaded["guard"][0]["effect"], "refuse", "{reloaded:#}");
    assert!(env.run(&["resume"]).status.success());
    let approve = |id: &str| {
        let output = env.run(&["approve", id, "--label", "echo test ring"]);
        assert!(output.status.success(), "{}", text(&output.stderr));
    };
    let label = || env.json(&["jobs"])[0]["labels"][0].clone();
    let refused = || (label()["error"]["kind"] == "guard-refused").then_some(());
    wait_for("a label that is refused", refused).unwrap_or_else(|| panic!("{:#}\n{}", label(), env.log()));
    assert_eq!((sent(), env.created().2), (1, 0), "{}", env.log());
    env.edit_configuration("hardware_ids = ['USB\\*']", "max_targets = 1");
    assert!(env.run(&["reload"]).status.success());
    let id = env.json(&["jobs"])[0]["id"].as_str().expect("an id").to_owned();
    approve(&id);
    let held = || (label()["error"]["kind"] == "guard").then_some(());
    wait_for("a label that needs an approval", held)
        .unwrap_or_else(|| panic!("{:#}\n{}", label(), env.log()));
    assert_eq!((sent(), env.created().2), (1, 0), "{}", env.log());
    approve(&id);
    assert_eq!(env.wait_for_end()["state"], "succeeded", "{}", env.log());
    assert_eq!((sent(), env.created().2), (2, 1), "{}", env.log());
    assert_eq!(daemon.terminate(), Some(0));
}
