//! `plan --replay`: packages that the store remembers, planned again with the configuration on disk.

use std::fs;

use serde_json::{Value, json};

use super::running::{edit, id, receipt_of, wait_for_daemon};
use crate::harness::{TestEnv, bytes, text};

const AUDIENCES: &str = "audiences = [\"Test Registry Key\"]";

/// A second rule, which matches nothing that a test drops, and takes what is submitted with its name.
const OTHER: &str = r#"
[[rule]]
name = "other"
match = { file = "st*.cab" }
product = { name = "{{ file.stem }} {{ inf.version }}", test_harness = "attestation", device_type = "internal", requested_signatures = ["WINDOWS_v100_X64_NI_FULL"], announcement_date = "+30d" }
[[rule]]
name = "kits"
match = { file = "*.hlkx", signer = "Fabrikam*" }
product = { name = "{{ file.stem }}", test_harness = "hlk", device_type = "internal", requested_signatures = "from_package", selected_product_types = { windows_v100_CO = "Touch" } }
"#;

/// The packages of the first rule.
const RING: &str = "match = { file = [\"echo*.cab\", \"stored*.cab\"] }";

/// The exit code, standard output and standard error of a replay.
fn replay(env: &TestEnv, args: &[&str]) -> (Option<i32>, String, String) {
    let output = env.run(&[&["plan", "--replay"], args].concat());
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

/// The differences of the one package that has some.
fn differences(report: &Value) -> &Vec<Value> {
    assert_eq!(report["packages"].as_array().map(Vec::len), Some(1), "{report:#}");
    report["packages"][0]["differences"].as_array().expect("differences")
}

#[test]
fn replay_prints_what_an_edit_would_change_and_why() {
    let env = TestEnv::with(crate::harness::usual_quirks(), OTHER);
    edit(&env, &[("match = { file = \"*.cab\" }", RING)]);
    let daemon = env.daemon(&[]);
    wait_for_daemon(&env);
    env.drop_package("echo.cab", &bytes("cab/good-signed-ts.cab"));
    let job = receipt_of(&env, "echo.cab", "succeeded");
    env.drop_package("kit.hlkx", &bytes("hlkx/good.hlkx"));
    receipt_of(&env, "kit.hlkx", "rejected");
    // This one matches `ring` first, and was planned by the rule that the submitter named.
    fs::write(env.path("stored.cab"), bytes("cab/stored-signed.cab")).expect("a package");
    let path = env.path("stored.cab");
    let submitted =
        env.run(&["submit", path.to_str().expect("a path"), "--folder", "in", "--rule", "other", "--wait"]);
    assert_eq!(submitted.status.code(), Some(0), "{}{}", text(&submitted.stderr), env.log());
    assert_eq!(replay(&env, &["--verbose"]), (Some(0), String::new(), String::new()));
    let report = env.json(&["plan", "--replay"]);
    let counts = json!({"planned": 3, "different": 0, "facts_gone": 0, "not_planned": 0, "causes": [], "packages": []});
    assert_eq!(report, counts);

    let original = fs::read_to_string(env.path("dropship.toml")).expect("a configuration");
    // Values and targets of a label.
    edit(
        &env,
        &[
            (AUDIENCES, "audiences = [\"Test Registry Key\", \"Fabrikam\"]\nhold = true"),
            ("_CO_FULL\"]\n", "_NI_FULL\"]\n"),
        ],
    );
    let (code, counted, _) = replay(&env, &[]);
    assert_eq!(code, Some(2), "{counted}");
    assert!(counted.starts_with("1 of 3 packages would be planned differently\n"), "{counted}");
    for line in [
        "rule `ring`, label `{{ file.stem }} test ring`: audiences\n  1 package, 1 label\n",
        "rule `ring`, label `{{ file.stem }} test ring`: hold\n",
        "rule `ring`, label `{{ file.stem }} test ring`: hardware_ids.operating_systems\n  1 package, 1 label, targets +",
    ] {
        assert!(counted.contains(line), "{line} in {counted}");
    }
    assert!(!counted.contains("echo.cab"), "details need --verbose: {counted}");
    let (_, listed, _) = replay(&env, &["-v"]);
    for line in [
        format!("echo.cab (job {})", id(&job["id"])),
        "audiences [\"Test Registry Key\",\"Fabrikam\"] instead of [\"Test Registry Key\"]".to_owned(),
        "hold true instead of false".to_owned(),
        " WINDOWS_v100_X64_NI_FULL pci\\".to_owned(),
    ] {
        assert!(listed.contains(&line), "{line} in {listed}");
    }
    let report = env.json(&["plan", "--replay"]);
    let found = differences(&report);
    let targets = found.iter().find(|one| one["change"] == "targets").expect("targets");
    for (side, os) in [("added", "NI"), ("removed", "CO")] {
        let rows = targets[side].as_array().expect("rows");
        assert!(!rows.is_empty() && targets[format!("{side}_count")] == rows.len(), "{targets:#}");
        let code = format!("WINDOWS_v100_X64_{os}_FULL");
        assert!(rows.iter().all(|row| row["os"] == code && row["inf"] == "echo.inf"), "{targets:#}");
        // The bundle id of Microsoft's driver metadata, not a foreseen one.
        assert!(rows.iter().all(|row| !id(&row["bundle"]).starts_with("foreseen")), "{targets:#}");
    }

    // Filters.
    assert_eq!(replay(&env, &["--since", "2999-01-01T00:00:00Z"]).0, Some(0));
    assert_eq!(replay(&env, &["--since", "90d", "--rule", "ring"]).0, Some(2));
    assert_eq!(replay(&env, &["--rule", "other"]), (Some(0), String::new(), String::new()));
    let unknown = replay(&env, &["--rule", "rnig"]);
    assert!(unknown.0 == Some(64) && unknown.2.contains("did you mean `ring`"), "{unknown:?}");

    // Another rule, and a package that no rule was for.
    let kits = original.replace("signer = \"Fabrikam*\"", "signer = \"*\"");
    fs::write(
        env.path("dropship.toml"),
        kits.replace(RING, "match = { file = [\"x*.cab\", \"stored*.cab\"] }"),
    )
    .expect("written");
    let report = env.json(&["plan", "--replay"]);
    let of = |package: &str| {
        let packages = report["packages"].as_array().expect("packages").iter();
        packages.filter(|one| one["package"] == package).collect::<Vec<_>>()
    };
    let [kit, echo] = [of("kit.hlkx"), of("echo.cab")];
    assert_eq!((report["different"].clone(), kit.len(), echo.len()), (json!(2), 1, 1), "{report:#}");
    assert_eq!(
        kit[0]["differences"],
        json!([{
            "cause": {"kind": "matches_now", "rule": "kits", "keys": ["match.signer"]},
            "change": "rule", "old": null, "new": "kits",
        }])
    );
    let cause = json!({"kind": "no_longer_matches", "rule": "ring", "keys": ["match.file"]});
    assert_eq!((&echo[0]["differences"][0]["cause"], &echo[0]["new_rule"]), (&cause, &Value::Null));
    let (_, listed, _) = replay(&env, &["--verbose"]);
    assert!(listed.contains("rejected instead of being planned: No rule is for this package"), "{listed}");

    // A rule that is moved before another one; its labels are compared, too.
    let (before, other) = original.split_at(original.find("\n[[rule]]\nname = \"other\"").expect("a rule"));
    let first = before.find("[[rule]]").expect("a rule");
    let moved = format!(
        "{}{}{}",
        &before[..first],
        other.replace("\"st*.cab\"", "[\"echo.cab\", \"st*.cab\"]"),
        &before[first..]
    );
    fs::write(env.path("dropship.toml"), moved).expect("written");
    let report = env.json(&["plan", "--replay"]);
    let found = differences(&report);
    assert!(
        found.iter().all(|one| one["cause"] == json!({"kind": "new_or_moved", "rule": "other"})),
        "{found:#?}"
    );
    assert!(found.iter().any(|one| one["change"] == "label_removed"), "{found:#?}");
    assert!(found.iter().any(|one| one["key"] == "product.requested_signatures"), "{found:#?}");

    // The same without a daemon, and for a package whose plan is gone.
    fs::write(env.path("dropship.toml"), original).expect("written");
    assert_eq!(daemon.terminate(), Some(0));
    assert_eq!(replay(&env, &[]), (Some(0), String::new(), String::new()));
    edit(&env, &[(AUDIENCES, "audiences = [\"Fabrikam\", \"Test Registry Key\"]")]);
    assert_eq!(replay(&env, &[]).0, Some(2));
    fs::remove_file(env.path(&format!("store/packages/{}/dossier.json", id(&job["id"])))).expect("a plan");
    let (code, printed, noted) = replay(&env, &[]);
    assert_eq!((code, printed.as_str()), (Some(0), ""));
    assert!(noted.contains("1 package cannot be planned again"), "{noted}");
    assert_eq!(env.json(&["plan", "--replay"])["facts_gone"], 1);
}

#[test]
fn replay_of_an_invalid_configuration_or_command_line_is_refused() {
    let env = TestEnv::with(crate::harness::usual_quirks(), "");
    assert_eq!(replay(&env, &[]).0, Some(69), "neither a daemon nor a store");
    assert_eq!(replay(&env, &["echo.cab"]).0, Some(64));
    assert_eq!(env.run(&["plan", "echo.cab", "--since", "1d"]).status.code(), Some(64));
    assert_eq!(env.run(&["plan"]).status.code(), Some(64));
    edit(&env, &[("device_type", "device_typ")]);
    assert_eq!(replay(&env, &[]).0, Some(78));
}
