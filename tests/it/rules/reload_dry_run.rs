//! `reload --dry-run`: what a reload would change, and the unfinished jobs that it concerns. The reload itself logs the same.

use std::fs;

use serde_json::{Value, json};

use super::running::{edit, id, receipt_of, wait_for_daemon};
use crate::harness::{TestEnv, bytes, text};

#[test]
fn dry_run_of_a_reload_prints_what_the_reload_then_logs() {
    let env = TestEnv::with(crate::harness::usual_quirks(), "");
    let audiences = "audiences = [\"Test Registry Key\"]";
    edit(&env, &[(audiences, "audiences = [\"Test Registry Key\"]\nhold = true")]);
    assert_eq!(env.run(&["reload", "--dry-run"]).status.code(), Some(69), "no daemon");
    let daemon = env.daemon(&[]);
    wait_for_daemon(&env);
    env.drop_package("echo.cab", &bytes("cab/good-signed-ts.cab"));
    let held = receipt_of(&env, "echo.cab", "held");
    let job = id(&held["id"]);
    let dry_run = || text(&env.run(&["reload", "--dry-run"]).stdout);
    assert_eq!(dry_run(), "no changes\n");

    // A label of another rule: the job keeps its plan. `[guard]` applies to it at once.
    edit(
        &env,
        &[
            ("include = [\"pci\\\\*\"]", "include = [\"*\"]"),
            ("settle = \"200ms\"", "settle = \"300ms\""),
            ("uncertain = \"2s\"", "uncertain = \"3s\""),
            ("[signers]", "[guard]\nmax_targets = 0\n[signers]"),
        ],
    );
    // `max_targets = 0` is an error of the configuration.
    let refused = env.run(&["reload", "--dry-run"]);
    assert_eq!(refused.status.code(), Some(78));
    assert!(text(&refused.stderr).contains("a reload would be refused"), "{}", text(&refused.stderr));
    assert_eq!(env.json(&["reload", "--dry-run"])["error"]["kind"], "configuration");
    edit(&env, &[("max_targets = 0", "hardware_ids = ['usb\\*', 'root\\*']")]);
    let answer = env.json(&["reload", "--dry-run"]);
    assert_eq!(answer["rules"]["changed"], json!(["ring"]), "{answer:#}");
    assert_eq!(answer["folders"]["changed"], json!(["in"]));
    assert_eq!((&answer["keys"], &answer["restart"]), (&json!(["[guard]"]), &json!(["[api] uncertain"])));
    let older = &answer["jobs"][0];
    assert_eq!((&older["id"], &older["rule_change"]), (&held["id"], &json!("changed")), "{answer:#}");
    let targets = &older["differences"][0];
    assert_eq!((&targets["change"], &targets["removed_count"]), (&json!("targets"), &json!(0)), "{answer:#}");
    assert_eq!(targets["cause"]["keys"], json!(["hardware_ids.include"]), "{answer:#}");
    let guard = &answer["guard"][0];
    assert_eq!(
        (&guard["label"], &guard["effect"]),
        (&json!("echo test ring"), &json!("refuse")),
        "{answer:#}"
    );
    let printed = dry_run();
    for line in [
        "rules changed: ring".to_owned(),
        "folders changed: in".to_owned(),
        "needs a restart: [api] uncertain".to_owned(),
        format!("unfinished jobs that keep an older plan: {job} (rule `ring` changed)"),
        format!("job {job}, echo.cab: label `echo test ring`: targets +"),
        format!("job {job}: label `echo test ring` is refused: `[guard] hardware_ids` does not contain"),
    ] {
        assert!(printed.lines().any(|shown| shown.starts_with(&line)), "{line} in {printed}");
    }

    // Nothing was applied; the reload logs the same text.
    assert_eq!(env.json(&["show", job]).get("rule_change"), None);
    assert!(!env.log().contains("reloaded the configuration"), "{}", env.log());
    let reloaded = text(&env.run(&["reload"]).stdout);
    assert_eq!(reloaded, printed);
    let logged = printed.trim_end().replace('\n', "; ");
    assert!(env.log().contains(&logged), "{logged} in {}", env.log());
    assert_eq!(env.json(&["show", job])["rule_change"], "changed");

    // Without the limit, the label is still on hold by its rule.
    edit(&env, &[("hardware_ids = ['usb\\*', 'root\\*']", "max_targets = 500")]);
    let released = dry_run();
    let line = format!(
        "job {job}: label `echo test ring` is within `[guard]` now, and still waits for `dropship approve {job}`"
    );
    assert!(released.contains(&line), "{released}");

    // Another rule would be chosen now, while the job's own rule is the same.
    assert_eq!(env.run(&["reload"]).status.code(), Some(0));
    let config = fs::read_to_string(env.path("dropship.toml")).expect("a configuration");
    let (before, rule) = config.split_at(config.find("[[rule]]").expect("a rule"));
    let first = rule.replace("name = \"ring\"", "name = \"first\"").replace("\"*.cab\"", "\"e*.cab\"");
    fs::write(env.path("dropship.toml"), format!("{before}{first}\n{rule}")).expect("written");
    let answer: Value = env.json(&["reload", "--dry-run"]);
    let difference = &answer["jobs"][0]["differences"][0];
    assert_eq!((&difference["old"], &difference["new"]), (&json!("ring"), &json!("first")), "{answer:#}");
    assert_eq!(env.run(&["cancel", job]).status.code(), Some(0));
    assert_eq!(env.json(&["reload", "--dry-run"])["jobs"], json!([]));
    drop(daemon);
}
