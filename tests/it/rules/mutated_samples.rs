//! The cases of the samples in `config/` notice each change that widens what their rules reach.

use std::fs;
use std::process::Command;

use serde_json::{Value, json};

/// The exit code of `test` with the samples, after one change to the text of a file.
fn changed_samples(file: &str, change: (&str, &str)) -> i32 {
    let folder = tempfile::tempdir().expect("a folder");
    let source = format!("{}/config", env!("CARGO_MANIFEST_DIR"));
    fs::create_dir(folder.path().join("rules.d")).expect("a folder");
    fs::copy(format!("{source}/dropship.toml"), folder.path().join("dropship.toml")).expect("a copy");
    for entry in fs::read_dir(format!("{source}/rules.d")).expect("samples") {
        let path = entry.expect("a sample").path();
        let name = path.file_name().expect("a name").to_str().expect("a text").to_owned();
        let mut text = fs::read_to_string(&path).expect("a sample");
        if name == file {
            assert!(text.contains(change.0), "{file}: {}", change.0);
            text = text.replacen(change.0, change.1, 1);
        }
        fs::write(folder.path().join("rules.d").join(name), text).expect("written");
    }
    let mut command = Command::new(env!("CARGO_BIN_EXE_dropship"));
    command.arg("--config").arg(folder.path().join("dropship.toml")).arg("test");
    command.output().expect("it runs").status.code().expect("a code")
}

#[test]
fn cases_of_the_samples_notice_every_change_that_the_command_makes() {
    let config = concat!(env!("CARGO_MANIFEST_DIR"), "/config/dropship.toml");
    let output = Command::new(env!("CARGO_BIN_EXE_dropship"))
        .args(["--config", config, "--json", "test", "--coverage", "--min", "100", "--mutate"])
        .output()
        .expect("it runs");
    let json: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(json["mutation"]["survivors"], json!([]));
    assert_eq!(output.status.code(), Some(0), "{json:#}");
    assert!(json["mutation"]["mutants"].as_u64() > Some(30), "{json:#}");
}

/// Changes to the text, which do not depend on the mutants of the command.
#[test]
fn cases_of_the_samples_notice_changes_to_their_text_that_widen_the_reach() {
    let unchanged = ("[[rule]]", "[[rule]]");
    assert_eq!(changed_samples("10-attestation.toml", unchanged), 0);
    for (file, changes) in [
        (
            "10-attestation.toml",
            &[
                ("folders = [\"attestation\"]\n", ""),
                ("kind = \"cab\", ", ""),
                (", provider = \"Contoso*\"", ""),
                ("\"Contoso*\"", "\"*\""),
                ("audiences = [\"Test Registry Key\"]\n", ""),
                ("disclosure_restricted = true\n", ""),
                ("hardware_ids = { lowest_os_only = true }", ""),
            ][..],
        ),
        (
            "20-whql-retail.toml",
            &[
                ("folders = [\"whql\"]\n", ""),
                ("match = { kind = \"hlkx\" }\n", ""),
                ("audiences = [\"Test Registry Key\"]\n", ""),
                ("disclosure_restricted = true\n", ""),
                ("after = \"* test ring\"\nsoak = \"3d\"\n", ""),
                ("soak = \"3d\"", "soak = \"2d\""),
                ("after = \"* pilot\"\nsoak = \"7d\"\n", ""),
                ("after = \"* pilot\"", "after = \"* test ring\""),
                ("soak = \"7d\"", "soak = \"6d\""),
                ("hold = true\n", ""),
                ("go_live = \"next_working_day\"\n", ""),
                ("\"2026-12-18..2027-01-01\", ", ""),
                (", \"2027-07-05\"", ""),
            ],
        ),
        (
            "30-oem-sharing.toml",
            &[
                ("folders = [\"oem\"]\n", ""),
                ("kind = \"hlkx\", ", ""),
                ("signer = \"Contoso*\", ", ""),
                ("operating_system = \"WINDOWS_v100_*\", ", ""),
                (", not = { file = \"*-internal*\" }", ""),
                ("'*&SUBSYS_????1028'", "'*'"),
                ("'*&SUBSYS_????17AA'", "'*'"),
                ("hardware_ids = { include = ['*&SUBSYS_????1028', '*&SUBSYS_????17AA'] }", ""),
                ("enforce_chid_targeting = true", ""),
            ],
        ),
    ] {
        for change in changes {
            let code = changed_samples(file, *change);
            assert!(code == 1 || code == 78, "{file}: no case notices {change:?}");
        }
    }
}
