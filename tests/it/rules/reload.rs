//! Reload: a running daemon applies the new configuration completely or not at all.

use std::fs;
use std::process::Command;

use serde_json::{Value, json};

use super::running::{edit, receipt_of, wait_for_daemon};
use crate::harness::{TestEnv, bytes, text, wait_for};

#[test]
fn reload_applies_to_new_jobs_and_running_jobs_keep_their_plan() {
    let env = TestEnv::with(crate::harness::usual_quirks(), "");
    edit(
        &env,
        &[("audiences = [\"Test Registry Key\"]", "audiences = [\"Test Registry Key\"]\nhold = true")],
    );
    let daemon = env.daemon(&[]);
    wait_for_daemon(&env);
    env.drop_package("echo.cab", &bytes("cab/good-signed-ts.cab"));
    let held = receipt_of(&env, "echo.cab", "held");

    fs::create_dir(env.path("drop2")).expect("a folder");
    let more = "[[folder]]\nname = \"two\"\npath = \"drop2\"\noutbox = \"out\"\nsettle = \"200ms\"\n";
    edit(
        &env,
        &[
            ("hold = true\n", ""),
            ("{{ file.stem }} test ring", "{{ file.stem }} second ring"),
            ("[signers]", &format!("{more}[signers]")),
            ("uncertain = \"2s\"", "uncertain = \"3s\""),
            (
                "[control]",
                "[metrics]\nlisten = \"127.0.0.1:9\"\n[api.overdue]\nsign = \"3d\"\n[[notify]]\nname = \"hook\"\non = [\"held\"]\ncommand = [\"/bin/true\"]\n\
                 [control]\noperators = [\"nobody\"]",
            ),
        ],
    );
    let mut answer = env.json(&["reload"]);
    assert!(answer["warnings"].take().is_array());
    assert_eq!(
        answer,
        json!({
            "ok": true,
            "rules": {"added": [], "removed": [], "changed": ["ring"], "reordered": false},
            "folders": {"added": ["two"], "removed": [], "changed": [], "reordered": false},
            "keys": ["[control] operators"],
            "restart": ["[api] uncertain", "[api.overdue]", "[metrics] listen", "[[notify]]"],
            "warnings": null,
            "jobs": [{
                "id": held["id"], "package": "echo.cab", "rule": "ring", "rule_change": "changed",
                "differences": [
                    {
                        "cause": {"kind": "keys", "rule": "ring", "label": "{{ file.stem }} second ring", "keys": ["hold"]},
                        "label": "echo second ring", "change": "value", "key": "hold", "old": true, "new": false,
                    },
                    {
                        "cause": {"kind": "keys", "rule": "ring", "label": "{{ file.stem }} second ring", "keys": ["name"]},
                        "label": "echo second ring", "change": "value", "key": "name",
                        "old": "echo test ring", "new": "echo second ring",
                    },
                ],
            }],
            "guard": [],
        }),
    );
    assert_eq!(held.get("rule_change"), None);
    let id = held["id"].as_str().expect("an id");
    assert_eq!(env.json(&["show", id])["rule_change"], "changed");
    let shown = text(&env.run(&["show", id]).stdout);
    assert!(shown.contains("ring (changed since the job was planned"), "{shown}");
    let id_of = |option| {
        let output = Command::new("id").arg(option).output().expect("id runs");
        text(&output.stdout).trim().to_owned()
    };
    let logged = format!(
        "reloaded the configuration, requested by {} (uid {}): rules changed: ring",
        id_of("-un"),
        id_of("-u")
    );
    assert!(env.log().contains(&logged), "{logged} in {}", env.log());
    assert_eq!(
        text(&env.run(&["reload"]).stdout).lines().next(),
        Some("needs a restart: [api] uncertain, [api.overdue], [metrics] listen, [[notify]]")
    );
    let again = text(&env.run(&["reload"]).stdout);
    assert!(again.contains(&format!("keep an older plan: {id} (rule `ring` changed)")), "{again}");

    // The new folder is watched and the new rule applies; the held job keeps its plan.
    fs::write(env.path("drop2/stored.cab"), bytes("cab/stored-signed.cab")).expect("dropped");
    let new = receipt_of(&env, "stored.cab", "succeeded");
    assert_eq!((&new["folder"], &new["labels"][0]["name"]), (&json!("two"), &json!("stored second ring")));
    // The rule has another name now.
    edit(&env, &[("name = \"ring\"", "name = \"renamed\"")]);
    assert_eq!(env.json(&["reload"])["jobs"][0]["rule_change"], "gone");
    assert_eq!(env.json(&["show", id])["rule_change"], "gone");
    let approved = env.run(&["approve", id]);
    let message = text(&approved.stdout);
    assert!(approved.status.success() && message.contains("rule `ring` no longer exists"), "{message}");
    let old = receipt_of(&env, "echo.cab", "succeeded");
    assert_eq!(old["labels"][0]["name"], "echo test ring");

    // A folder that is removed from the configuration is no longer watched.
    edit(&env, &[(more, "")]);
    assert_eq!(env.json(&["reload"])["folders"]["removed"], json!(["two"]));
    assert_eq!(env.json(&["status"])["folders"].as_array().map(Vec::len), Some(1));
    drop(daemon);
}

#[test]
fn reload_puts_the_largest_size_of_packages_into_effect() {
    let env = TestEnv::new();
    let limit = |old: &str, new: &str| {
        let size =
            |size: &str| if size.is_empty() { String::new() } else { format!("max_package = \"{size}\"\n") };
        edit(&env, &[(&format!("[store]\n{}", size(old)), &format!("[store]\n{}", size(new)))]);
        let answer = env.json(&["reload"]);
        assert_eq!(
            (&answer["keys"], &answer["restart"]),
            (&json!(["[store] max_package"]), &json!([])),
            "{answer:#}"
        );
    };
    let _daemon = env.daemon(&[]);
    wait_for_daemon(&env);
    limit("", "4KiB");
    env.drop_package("echo.cab", &bytes("cab/good-signed-ts.cab"));
    let rejected = receipt_of(&env, "echo.cab", "rejected");
    assert_eq!(rejected["error"]["kind"], "too-large", "{rejected:#}");
    limit("4KiB", "1MiB");
    env.drop_package("echo.cab", &bytes("cab/good-signed-ts.cab"));
    receipt_of(&env, "echo.cab", "succeeded");
    // Another key of the table needs a restart.
    edit(&env, &[("[store]\n", "[store]\nkeep = \"200d\"\n")]);
    let answer = env.json(&["reload"]);
    assert_eq!((&answer["keys"], &answer["restart"]), (&json!([]), &json!(["[store] keep"])), "{answer:#}");
}

#[test]
fn date_that_has_passed_is_refused_by_check_and_reload_and_does_not_stop_a_start() {
    let env = TestEnv::new();
    env.edit_configuration(
        "audiences = [\"Test Registry Key\"]",
        "audiences = [\"Test Registry Key\"]\ngo_live = 2025-12-24",
    );
    let checked = env.run(&["check"]);
    assert_eq!(checked.status.code(), Some(78));
    let printed = text(&checked.stdout) + &text(&checked.stderr);
    assert!(printed.contains("has passed"), "{printed}");

    let daemon = env.daemon(&[]);
    env.drop_package("echo.cab", &bytes("cab/good-signed-ts.cab"));
    let receipt = receipt_of(&env, "echo.cab", "held");
    assert_eq!(receipt["error"]["kind"], "go-live-passed", "{receipt:#}");
    assert_eq!(env.created(), (1, 1, 0), "no label");
    assert!(env.log().contains("has passed: the label is held before it is requested"), "{}", env.log());
    assert_eq!(env.json(&["jobs"]).as_array().map(Vec::len), Some(1));
    assert_eq!(env.run(&["reload"]).status.code(), Some(78));
    drop(daemon);
    assert_eq!(env.json(&["jobs"]).as_array().map(Vec::len), Some(1), "commands without a daemon work too");
}

#[test]
fn reload_of_an_invalid_file_is_refused_completely() {
    let env = TestEnv::with(crate::harness::usual_quirks(), "");
    assert_eq!(env.run(&["reload"]).status.code(), Some(69), "no daemon to reload");
    let daemon = env.daemon(&[]);
    wait_for_daemon(&env);
    let good = fs::read_to_string(env.path("dropship.toml")).expect("a configuration");
    edit(
        &env,
        &[
            ("{{ file.stem }} test ring", "{{ file.stem }} second ring"),
            ("settle = \"200ms\"", "setle = \"200ms\""),
            ("WINDOWS_v100_X64_NI_FULL\"]\n[rule.sub", "WINDOWS_v100_X64_NO_FULL\"]\n[rule.sub"),
        ],
    );
    let output = env.run(&["reload"]);
    assert_eq!(output.status.code(), Some(78));
    let printed = text(&output.stderr);
    for part in ["setle", "WINDOWS_v100_X64_NO_FULL", "did you mean", "keeps its current configuration"] {
        assert!(printed.contains(part), "{part} in {printed}");
        assert!(part.contains("keeps its") || env.log().contains(part), "{part} in the log: {}", env.log());
    }
    assert_eq!(env.json(&["reload"])["error"]["kind"], "configuration");
    // The files that the configuration names are checked too.
    fs::write(
        env.path("dropship.toml"),
        good.replace("test ring", "second ring").replace("roots.pem\"]\ni", "gone.pem\"]\ni"),
    )
    .expect("written");
    let output = env.run(&["reload"]);
    assert_eq!(output.status.code(), Some(78));
    assert!(text(&output.stderr).contains("gone.pem"), "{}", text(&output.stderr));
    // An account that the running daemon does not have cannot be used by a rule yet.
    let account = "[accounts.new]\ntenant_id = \"t\"\nclient_id = \"c\"\nclient_secret_file = \"secret\"\n";
    fs::write(
        env.path("dropship.toml"),
        good.replace("[account]", &format!("{account}[accounts.default]"))
            .replace("name = \"ring\"", "name = \"ring\"\naccount = \"new\""),
    )
    .expect("written");
    let output = env.run(&["reload"]);
    assert_eq!(output.status.code(), Some(78), "{}{}", text(&output.stdout), text(&output.stderr));
    assert!(text(&output.stderr).contains("restart"), "{}", text(&output.stderr));

    env.drop_package("echo.cab", &bytes("cab/good-signed-ts.cab"));
    let receipt = receipt_of(&env, "echo.cab", "succeeded");
    assert_eq!(receipt["labels"][0]["name"], "echo test ring", "the rules before the reload");
    drop(daemon);
}

#[test]
fn sighup_reloads_and_logs_the_result() {
    let env = TestEnv::with(crate::harness::usual_quirks(), "");
    let daemon = env.daemon(&[]);
    wait_for_daemon(&env);
    let hang_up = || {
        let id = daemon.child.id().to_string();
        assert!(Command::new("kill").args(["-HUP", &id]).status().expect("kill runs").success());
    };
    let logged = |text: &str| {
        wait_for(text, || env.log().contains(text).then_some(())).unwrap_or_else(|| panic!("{}", env.log()));
    };
    edit(&env, &[("settle = \"200ms\"", "setle = \"200ms\"")]);
    hang_up();
    logged("refused to reload the configuration, requested by SIGHUP");
    edit(&env, &[("setle = \"200ms\"", "settle = \"300ms\""), ("test ring", "second ring")]);
    hang_up();
    logged("reloaded the configuration, requested by SIGHUP: rules changed: ring; folders changed: in");
    env.drop_package("echo.cab", &bytes("cab/good-signed-ts.cab"));
    let receipt: Value = receipt_of(&env, "echo.cab", "succeeded");
    assert_eq!(receipt["labels"][0]["name"], "echo second ring");
}
