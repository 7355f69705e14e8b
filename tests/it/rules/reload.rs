//! Another configuration for a running daemon: all of it, or none.

use std::fs;
use std::process::Command;

use dropship_sandbox::Quirks;
use serde_json::{Value, json};

use super::running::{edit, listening, receipt_of};
use crate::home::{Home, bytes, text, wait_for};

#[test]
fn a_reload_brings_rules_and_folders_into_force_and_jobs_under_way_keep_theirs() {
    let home = Home::with(Quirks::all(), "");
    edit(
        &home,
        &[("audiences = [\"Test Registry Key\"]", "audiences = [\"Test Registry Key\"]\nhold = true")],
    );
    let daemon = home.daemon(&[]);
    listening(&home);
    home.drop_package("echo.cab", &bytes("cab/good-signed-ts.cab"));
    let held = receipt_of(&home, "echo.cab", "held");

    fs::create_dir(home.path("drop2")).expect("a folder");
    let more = "[[folder]]\nname = \"two\"\npath = \"drop2\"\noutbox = \"out\"\nsettle = \"200ms\"\n";
    edit(
        &home,
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
    let mut answer = home.json(&["reload"]);
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
        }),
    );
    let uid = Command::new("id").arg("-u").output().expect("id runs");
    let told = format!("Reloaded, asked for by uid {}: rules changed: ring", text(&uid.stdout).trim());
    assert!(home.log().contains(&told), "{told} in {}", home.log());
    assert_eq!(
        text(&home.run(&["reload"]).stdout).lines().next(),
        Some("needs a restart: [api] uncertain, [api.overdue], [metrics] listen, [[notify]]")
    );

    // The new folder is watched and the new rule is in force; the held job goes on as it was accepted.
    fs::write(home.path("drop2/stored.cab"), bytes("cab/stored-signed.cab")).expect("dropped");
    let new = receipt_of(&home, "stored.cab", "succeeded");
    assert_eq!((&new["folder"], &new["labels"][0]["name"]), (&json!("two"), &json!("stored second ring")));
    assert_eq!(home.run(&["approve", held["id"].as_str().expect("an id")]).status.code(), Some(0));
    let old = receipt_of(&home, "echo.cab", "succeeded");
    assert_eq!(old["labels"][0]["name"], "echo test ring");

    // A folder that goes is watched no more.
    edit(&home, &[(more, "")]);
    assert_eq!(home.json(&["reload"])["folders"]["removed"], json!(["two"]));
    assert_eq!(home.json(&["status"])["folders"].as_array().map(Vec::len), Some(1));
    drop(daemon);
}

#[test]
fn what_is_wrong_is_refused_as_a_whole_and_the_old_rules_stay_in_force() {
    let home = Home::with(Quirks::all(), "");
    assert_eq!(home.run(&["reload"]).status.code(), Some(69), "nobody to reload");
    let daemon = home.daemon(&[]);
    listening(&home);
    let good = fs::read_to_string(home.path("dropship.toml")).expect("a configuration");
    edit(
        &home,
        &[
            ("{{ file.stem }} test ring", "{{ file.stem }} second ring"),
            ("settle = \"200ms\"", "setle = \"200ms\""),
            ("WINDOWS_v100_X64_NI_FULL\"]\n[rule.sub", "WINDOWS_v100_X64_NO_FULL\"]\n[rule.sub"),
        ],
    );
    let output = home.run(&["reload"]);
    assert_eq!(output.status.code(), Some(78));
    let said = text(&output.stderr);
    for part in ["setle", "WINDOWS_v100_X64_NO_FULL", "did you mean", "keeps its current configuration"] {
        assert!(said.contains(part), "{part} in {said}");
        assert!(part.contains("keeps its") || home.log().contains(part), "{part} in the log: {}", home.log());
    }
    assert_eq!(home.json(&["reload"])["error"]["kind"], "configuration");
    // What the configuration names is judged too: all of it, or none.
    fs::write(
        home.path("dropship.toml"),
        good.replace("test ring", "second ring").replace("roots.pem\"]\ni", "gone.pem\"]\ni"),
    )
    .expect("written");
    let output = home.run(&["reload"]);
    assert_eq!(output.status.code(), Some(78));
    assert!(text(&output.stderr).contains("gone.pem"), "{}", text(&output.stderr));
    // An account that the running daemon does not have cannot be used by a rule yet.
    let account = "[accounts.new]\ntenant_id = \"t\"\nclient_id = \"c\"\nclient_secret_file = \"secret\"\n";
    fs::write(
        home.path("dropship.toml"),
        good.replace("[account]", &format!("{account}[accounts.default]"))
            .replace("name = \"ring\"", "name = \"ring\"\naccount = \"new\""),
    )
    .expect("written");
    let output = home.run(&["reload"]);
    assert_eq!(output.status.code(), Some(78), "{}{}", text(&output.stdout), text(&output.stderr));
    assert!(text(&output.stderr).contains("restart"), "{}", text(&output.stderr));

    home.drop_package("echo.cab", &bytes("cab/good-signed-ts.cab"));
    let receipt = receipt_of(&home, "echo.cab", "succeeded");
    assert_eq!(receipt["labels"][0]["name"], "echo test ring", "the rules that were in force");
    drop(daemon);
}

#[test]
fn a_hangup_reloads_and_what_came_of_it_is_logged() {
    let home = Home::with(Quirks::all(), "");
    let daemon = home.daemon(&[]);
    listening(&home);
    let hang_up = || {
        let id = daemon.child.id().to_string();
        assert!(Command::new("kill").args(["-HUP", &id]).status().expect("kill runs").success());
    };
    let logged = |what: &str| {
        wait_for(what, || home.log().contains(what).then_some(()))
            .unwrap_or_else(|| panic!("{}", home.log()));
    };
    edit(&home, &[("settle = \"200ms\"", "setle = \"200ms\"")]);
    hang_up();
    logged("asked for by SIGHUP, is refused");
    edit(&home, &[("setle = \"200ms\"", "settle = \"300ms\""), ("test ring", "second ring")]);
    hang_up();
    logged("Reloaded, asked for by SIGHUP: rules changed: ring; folders changed: in");
    home.drop_package("echo.cab", &bytes("cab/good-signed-ts.cab"));
    let receipt: Value = receipt_of(&home, "echo.cab", "succeeded");
    assert_eq!(receipt["labels"][0]["name"], "echo second ring");
}
