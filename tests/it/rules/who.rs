//! `who`: the published labels that reach a device.

use dropship_sandbox::{Options, Quirks};
use serde_json::{Value, json};

use super::cab::cab_with;
use super::labels::{PCI, superseding_env, targeted_rows};
use super::running::{edit, id, receipt_of};
use crate::harness::{TestEnv, bytes, text};

fn ids(found: &Value) -> Vec<&str> {
    found.as_array().expect("a list").iter().map(|label| id(&label["id"])).collect()
}

#[test]
fn who_lists_the_labels_that_reach_a_device_newest_first() {
    let env = TestEnv::at(Options { speed: 1200.0, quirks: Quirks::none(), ..Options::default() }, "");
    // Without a store there is nothing to read.
    assert_eq!(env.run(&["who", "x"]).status.code(), Some(69));
    let daemon = env.daemon(&[]);
    env.drop_package("first.cab", &bytes("cab/good-signed-ts.cab"));
    let first = receipt_of(&env, "first.cab", "succeeded");
    env.drop_package("second.cab", &bytes("cab/good-signed.cab"));
    let second = receipt_of(&env, "second.cab", "succeeded");
    let (old, new) = (id(&first["labels"][0]["id"]), id(&second["labels"][0]["id"]));
    let rows = targeted_rows(&env, &first);
    let device = rows.first().expect("a hardware id").clone();

    // In any case, and as a glob.
    let start: String = device.chars().take(9).collect();
    for query in [
        device.to_uppercase(),
        device.clone(),
        format!("{start}*"),
        "*".to_owned(),
        "{pci,usb}\\*".to_owned(),
    ] {
        assert_eq!(ids(&env.json(&["who", &query])), [new, old], "{query}");
    }
    // Not those that it only begins.
    for query in [start.as_str(), "usb\\*", &format!("{device}0"), "?"] {
        assert_eq!(env.json(&["who", query]), json!([]), "{query}");
    }
    let os = "WINDOWS_v100_X64_CO_FULL";
    assert_eq!(ids(&env.json(&["who", &device, "--os", &os.to_lowercase()])), [new, old]);
    assert_eq!(ids(&env.json(&["who", &device, "--os", "*_CO_*"])), [new, old]);
    assert_eq!(env.json(&["who", &device, "--os", "WINDOWS_v100_X64_NI_FULL"]), json!([]));

    let found = env.json(&["who", &device]);
    let label = &found[1];
    assert_eq!(
        (&label["job"], &label["rule"], &label["package"]),
        (&first["id"], &"ring".into(), &"first.cab".into())
    );
    assert_eq!((&label["audiences"], &label["account"]), (&json!(["Test Registry Key"]), &"default".into()));
    assert_eq!(label["targets"][0]["operating_system"], os, "{label:#}");
    assert_eq!(label["targets"][0]["hardware_id"], device);
    assert_eq!(label["version"], label["targets"][0]["version"]);
    assert!(id(&label["version"]).contains('.'), "{label:#}");
    assert_eq!((&label["go_live"], &label["supersedes"]), (&Value::Null, &json!([])));
    let shown = text(&env.run(&["who", &device]).stdout);
    for expected in [old, new, "Test Registry Key", "first.cab", "published", os] {
        assert!(shown.contains(expected), "{expected}: {shown}");
    }
    assert!(text(&env.run(&["who", "usb\\*"]).stdout).starts_with("no label"));
    let typo = "WINDOWS_v100_X64_C0_FULL";
    for (query, other, advice) in [
        (device.as_str(), typo, format!("labels reach it on other systems: {os}\n")),
        (&device, "WINDOWS_v100_X64_NI_FULL", format!("labels reach it on other systems: {os}\n")),
        (
            "usb\\*",
            typo,
            format!(
                "{typo} fits no OS code that dropship knows; did you mean `{os}`? (`dropship api codes` lists them)\n"
            ),
        ),
        (
            "usb\\*",
            "*_ZZ_*",
            "*_ZZ_* fits no OS code that dropship knows (`dropship api codes` lists them)\n".to_owned(),
        ),
        ("usb\\*", os, String::new()),
    ] {
        let output = env.run(&["who", query, "--os", other]);
        assert_eq!(text(&output.stdout), format!("no label of dropship reaches {query} on {other}\n"));
        assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), advice), "{query} {other}");
    }
    assert_eq!(env.run(&["who", "a{b"]).status.code(), Some(64));
    assert_eq!(env.run(&["who"]).status.code(), Some(64));

    // Without a daemon the answer is the same, with the exit code of a store.
    assert_eq!(daemon.terminate(), Some(0));
    let offline = env.run(&["--json", "who", &device]);
    assert_eq!(offline.status.code(), Some(69));
    assert_eq!(serde_json::from_slice::<Value>(&offline.stdout).expect("JSON"), found);
}

#[test]
fn label_whose_targets_a_newer_one_has_taken_over_reaches_no_device() {
    let env = superseding_env();
    let daemon = env.daemon(&[]);
    env.drop_package("old.cab", &cab_with(&[]));
    let old = receipt_of(&env, "old.cab", "succeeded");
    let (old_job, old_label) = (id(&old["id"]), id(&old["labels"][0]["id"]));
    assert_eq!(ids(&env.json(&["who", PCI])), [old_label]);
    env.drop_package("new.cab", &cab_with(&[("1.2.3.4", "1.2.3.5"), ("ROOT\\ECHO", "ROOT\\OHCE")]));
    let new = receipt_of(&env, "new.cab", "succeeded");
    let new_label = id(&new["labels"][0]["id"]);
    let found = env.json(&["who", PCI]);
    assert_eq!(ids(&found), [new_label], "{}", env.log());
    let supersedes = &found[0]["supersedes"][0];
    assert_eq!((id(&supersedes["id"]), id(&supersedes["job"])), (old_label, old_job), "{found:#}");
    assert_eq!(id(&found[0]["version"]), "1.2.3.5");
    // The older label keeps the target that the newer one does not have.
    let kept = env.json(&["who", "ROOT\\ECHO"]);
    assert_eq!(
        (ids(&kept), id(&kept[0]["superseded_by"][0]["id"])),
        (vec![old_label], new_label),
        "{kept:#}"
    );
    assert_eq!(id(&kept[0]["version"]), "1.2.3.4");
    drop(daemon);
}

#[test]
fn label_that_goes_live_later_reaches_no_device_yet() {
    let env = TestEnv::at(Options { speed: 1200.0, quirks: Quirks::none(), ..Options::default() }, "");
    let audiences = "audiences = [\"Test Registry Key\"]";
    edit(&env, &[(audiences, &format!("{audiences}\ngo_live = \"+30d\""))]);
    let daemon = env.daemon(&[]);
    env.drop_package("echo.cab", &bytes("cab/good-signed-ts.cab"));
    let done = receipt_of(&env, "echo.cab", "succeeded");
    assert_eq!(env.json(&["who", "*"]), json!([]));
    let upcoming = env.json(&["who", "*", "--upcoming"]);
    assert_eq!(ids(&upcoming), [id(&done["labels"][0]["id"])]);
    assert!(upcoming[0]["go_live"].is_string(), "{upcoming:#}");
    drop(daemon);
}
