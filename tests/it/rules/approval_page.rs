//! The approval page of `show`: the request that will be sent, and the command that approves it.

use std::fs;
use std::path::Path;
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use dropship_sandbox::Quirks;
use serde_json::{Value, json};

use super::running::{bodies, edit, id, receipt_of};
use crate::harness::{TestEnv, bytes, text, wait_for};

/// A name that a shell would take apart.
const NAME: &str = "{{ file.stem }} it's $HOME -x";

/// The page of the one label of a job.
fn page_of(env: &TestEnv, job: &str) -> Value {
    let shown = env.json(&["show", job]);
    assert_eq!(shown["approval"].as_array().map(Vec::len), Some(1), "{shown:#}");
    let page = shown["approval"][0].clone();
    assert_eq!(page["request"], shown["labels"][0]["request"]);
    page
}

/// Runs the last line of `show` in a shell, in which `dropship` is the binary under test.
fn paste(env: &TestEnv, shown: &str) -> std::process::Output {
    let command = shown.lines().last().expect("a command").trim();
    assert!(command.starts_with("dropship --config "), "{command}");
    let binary = Path::new(env!("CARGO_BIN_EXE_dropship")).parent().expect("a folder").display();
    let script = format!("PATH={binary}:$PATH\n{command}");
    Command::new("bash").args(["-c", &script]).current_dir(env.path("")).output().expect("bash runs")
}

#[test]
fn approval_page_has_the_request_that_is_sent_and_its_command() {
    let env = TestEnv::with(Quirks::none(), "");
    edit(
        &env,
        &[
            ("\"{{ file.stem }} test ring\"", &format!("\"{NAME}\"")),
            (
                "audiences = [\"Test Registry Key\"]",
                "audiences = [\"Test Registry Key\"]\nhold = true\ngo_live = \"+7d\"",
            ),
        ],
    );
    let daemon = env.daemon(&[]);
    env.drop_package("first.cab", &bytes("cab/good-signed-ts.cab"));
    let held = receipt_of(&env, "first.cab", "held");
    assert!(!id(&held["error"]["message"]).contains('{'), "{held:#}");
    let first = id(&held["id"]);
    let page = page_of(&env, first);
    assert_eq!(page["problem"], Value::Null, "{page:#}");
    let content = &page["content"];
    assert_eq!(content["audiences"][0]["name"], "Test Registry Key");
    assert_eq!(content["audiences"][0]["id"], content["body"]["targeting"]["restrictedToAudiences"][0]);
    let targets = &content["targets"];
    let total = targets["total"].as_u64().expect("a number");
    let rows = content["body"]["targeting"]["hardwareIds"].as_array().map(Vec::len);
    assert_eq!(rows, usize::try_from(total).ok(), "{page:#}");
    assert_eq!(targets["operating_systems"]["WINDOWS_v100_X64_CO_FULL"], total, "{page:#}");
    let by_vendor: u64 =
        targets["vendors"].as_object().expect("counts").values().filter_map(Value::as_u64).sum();
    assert_eq!(by_vendor, total);
    assert_eq!(content["foreseen"]["unchanged"], total, "{page:#}");
    assert_eq!(content["previous"], Value::Null);
    let shown = text(&env.run(&["show", first]).stdout);
    for expected in
        ["audiences Test Registry Key", "if approved now, by `go_live = \"+7d\"`", "the same targets"]
    {
        assert!(shown.contains(expected), "{expected}: {shown}");
    }
    let pasted = paste(&env, &shown);
    assert_eq!(pasted.status.code(), Some(0), "{shown}\n{}", text(&pasted.stderr));
    receipt_of(&env, "first.cab", "succeeded");
    let sent = bodies(&env, "create_label");
    assert_eq!(sent.len(), 1);
    for part in ["name", "targeting"] {
        assert_eq!(sent[0][part], content["body"][part]);
    }
    assert!(env.json(&["show", first])["approval"].is_null(), "nothing is left to be approved");

    // The next package of the rule is compared with the published label.
    env.drop_package("second.cab", &bytes("cab/good-signed.cab"));
    let held = receipt_of(&env, "second.cab", "held");
    let second = id(&held["id"]);
    let page = page_of(&env, second);
    let previous = &page["content"]["previous"];
    assert_eq!(
        (&previous["job"], &previous["targets"]["unchanged"]),
        (&first.into(), &total.into()),
        "{page:#}"
    );

    assert_eq!(previous["settings"], serde_json::json!([]), "{page:#}");

    // Without the metadata that the request was computed from, the page says so.
    let metadata = env.path(&format!("store/packages/{second}/driver-metadata.json"));
    let original = fs::read_to_string(&metadata).expect("metadata");
    fs::write(&metadata, original.replace("PCI", "USB").replace("pci", "usb")).expect("written");
    let page = page_of(&env, second);
    assert!(id(&page["problem"]).contains("driver metadata"), "{page:#}");
    assert_eq!(page["content"], Value::Null);
    fs::write(&metadata, original).expect("written");

    // Without a daemon the page is the same.
    assert_eq!(daemon.terminate(), Some(0));
    let page = page_of(&env, second);
    assert_eq!(
        (&page["problem"], &page["content"]["previous"]["job"]),
        (&Value::Null, &first.into()),
        "{page:#}"
    );
}

#[test]
fn request_that_has_changed_since_the_hold_is_named_and_not_sent() {
    let env = TestEnv::with(Quirks::none(), "");
    edit(
        &env,
        &[("audiences = [\"Test Registry Key\"]", "audiences = [\"Test Registry Key\"]\nhold = true")],
    );
    let daemon = env.daemon(&[]);
    env.drop_package("first.cab", &bytes("cab/good-signed-ts.cab"));
    let held = receipt_of(&env, "first.cab", "held");
    let first = id(&held["id"]).to_owned();
    let page = page_of(&env, &first);
    let known = id(&page["content"]["audiences"][0]["id"]).to_owned();
    assert_eq!(daemon.terminate(), Some(0));

    // Microsoft gives the audience another id. The daemon reads it for the next label.
    let other = "00000000-0000-4000-8000-000000000000";
    let audience = json!({"id": other, "name": "Test Registry Key", "audienceName": "Test_Registry_Key"});
    let answer = json!({"value": [audience], "links": []}).to_string();
    let file = json!({"kind": "file", "base64": STANDARD.encode(answer)});
    env.fault(&json!({"operation": "list_audiences", "times": 0, "action": file}));
    let daemon = env.daemon(&[]);
    env.drop_package("second.cab", &bytes("cab/good-signed.cab"));
    receipt_of(&env, "second.cab", "held");
    let page = page_of(&env, &first);
    let problem = id(&page["problem"]);
    assert!(problem.contains("is not the request that the label is on hold for"), "{page:#}");
    assert_eq!(page["content"]["audiences"][0]["id"], other, "{page:#}");
    let shown = text(&env.run(&["show", &first]).stdout);
    assert!(shown.contains("WARNING: this is not the request that the label is on hold for"), "{shown}");

    // The approval of the old request sends nothing; the label is held again with the new one.
    paste(&env, &shown);
    let is_new = |receipt: &Value| {
        receipt["package"] == "first.cab"
            && receipt["state"] == "held"
            && env.json(&["show", &first])["approval"][0]["problem"].is_null()
    };
    wait_for("the label to be held again", || env.receipts().into_iter().find(is_new))
        .unwrap_or_else(|| panic!("{:#}\n{}", env.json(&["show", &first]), env.log()));
    assert_eq!(bodies(&env, "create_label").len(), 0);
    let page = page_of(&env, &first);
    assert_ne!(page["request"], held["labels"][0]["request"]);
    let shown = text(&env.run(&["show", &first]).stdout);
    assert_eq!(paste(&env, &shown).status.code(), Some(0), "{shown}");
    wait_for("the request", || bodies(&env, "create_label").pop()).unwrap_or_else(|| panic!("{}", env.log()));
    let sent = bodies(&env, "create_label").remove(0);
    assert_eq!(sent["targeting"]["restrictedToAudiences"], json!([other]), "not {known}");
    assert_eq!(daemon.terminate(), Some(0));
}

#[test]
fn settings_are_compared_as_the_rule_has_them() {
    let pilot = "[[rule.label]]\nname = \"{{ file.stem }} pilot\"\ndestination = \"windows_update\"\nafter = \"* test ring\"\n\
                 audiences = [\"Test Registry Key\"]\nhold = true\nfloor = \"NI\"\n";
    let env = TestEnv::with(Quirks::none(), pilot);
    let daemon = env.daemon(&[]);
    env.drop_package("first.cab", &bytes("cab/good-signed-ts.cab"));
    let held = receipt_of(&env, "first.cab", "held");
    let shown = text(&env.run(&["show", id(&held["id"])]).stdout);
    assert_eq!(paste(&env, &shown).status.code(), Some(0), "{shown}");
    receipt_of(&env, "first.cab", "succeeded");

    edit(&env, &[("hold = true\nfloor = \"NI\"\n", "hold = true\nsoak = \"1s\"\n")]);
    assert_eq!(env.json(&["reload"])["ok"], true);
    env.drop_package("second.cab", &bytes("cab/good-signed.cab"));
    let second = receipt_of(&env, "second.cab", "held");
    let settings =
        env.json(&["show", id(&second["id"])])["approval"][0]["content"]["previous"]["settings"].clone();
    // It waits for a label of another name, which is the same label of the rule.
    assert_eq!(settings, json!(["floor none instead of \"NI\"", "soak \"1s\" instead of none"]));
    assert_eq!(daemon.terminate(), Some(0));
}
