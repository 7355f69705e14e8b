//! The approval page of `show`: the request that will be sent, and the command that approves it.

use std::fs;
use std::path::Path;
use std::process::Command;

use dropship_sandbox::Quirks;
use serde_json::Value;

use super::running::{bodies, edit, id, receipt_of};
use crate::harness::{TestEnv, bytes, text};

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
