//! Rejected packages and the reasons.

use std::process::Command;

use crate::harness::{TestEnv, bytes, fixture, text};

/// Drops one package; returns its receipt once it is rejected.
fn run_rejected(bytes: &[u8]) -> (TestEnv, serde_json::Value) {
    let env = TestEnv::new();
    env.drop_package("bad.cab", bytes);
    assert_eq!(env.daemon(&["--until-idle"]).wait(), Some(0), "{}", env.log());
    let receipt = env.wait_for_end();
    assert_eq!(receipt["state"], "rejected", "{receipt:#}");
    assert_eq!(receipt["accepted"], false);
    assert_eq!(env.created(), (0, 0, 0), "nothing was sent");
    (env, receipt)
}

#[test]
fn package_altered_by_one_byte_is_rejected_with_reason() {
    let mut altered = bytes("cab/good-signed-ts.cab");
    let middle = altered.len() / 2;
    altered[middle] ^= 1;
    let (_home, receipt) = run_rejected(&altered);
    assert_eq!(receipt["error"]["kind"], "digest-mismatch", "{receipt:#}");
}

#[test]
fn unsigned_package_is_rejected_with_reason() {
    let (_home, receipt) = run_rejected(&bytes("cab/unsigned.cab"));
    assert_eq!(receipt["error"]["kind"], "unsigned", "{receipt:#}");
}

#[test]
fn package_of_an_untrusted_signer_is_rejected() {
    let (_home, receipt) = run_rejected(&bytes("cab/wrong-ca.cab"));
    assert_eq!(receipt["error"]["kind"], "chain-unknown-issuer", "{receipt:#}");
}

#[test]
fn package_without_matching_rule_is_rejected_with_the_closest_rules() {
    let env = TestEnv::new();
    let path = env.path("dropship.toml");
    let config = std::fs::read_to_string(&path).expect("configuration");
    std::fs::write(
        &path,
        config.replace("match = { file = \"*.cab\" }", "match = { file = \"other*.cab\" }"),
    )
    .expect("changed");
    env.drop_package("echo.cab", &bytes("cab/good-signed-ts.cab"));
    assert_eq!(env.daemon(&["--until-idle"]).wait(), Some(0), "{}", env.log());
    let receipt = env.wait_for_end();
    assert_eq!(receipt["error"]["kind"], "no-rule", "{receipt:#}");
    let message = receipt["error"]["message"].as_str().expect("a message");
    assert!(message.contains("ring") && message.contains("other*.cab"), "{message}");

    // With corrected rules, a retry inspects the package again.
    std::fs::write(&path, config).expect("repaired");
    let id = receipt["id"].as_str().expect("an id");
    let retried = env.run(&["retry", id]);
    assert_eq!(retried.status.code(), Some(0), "{}", text(&retried.stderr));
    assert_eq!(env.daemon(&["--until-idle"]).wait(), Some(0), "{}", env.log());
    assert_eq!(env.wait_for_end()["state"], "succeeded", "{}", env.log());
}

#[test]
fn submitted_package_with_a_rule_that_does_not_match_is_rejected() {
    let rule = |name: &str, conditions: &str| {
        let base = r#"
[rule.product]
name = "{{ file.stem }}"
test_harness = "attestation"
device_type = "internal"
requested_signatures = ["WINDOWS_v100_X64_CO_FULL"]
"#;
        format!("[[rule]]\nname = \"{name}\"\n{conditions}\n{base}")
    };
    let more = [
        rule("named", "match = { file = \"other*.cab\" }"),
        rule("excluded", "match = { not = { file = \"good*\" } }"),
        rule("elsewhere", "folders = [\"other\"]"),
        rule("placed", "folders = [\"in\"]"),
    ]
    .concat();
    let env = TestEnv::with(dropship_sandbox::Quirks::none(), "");
    let path = env.path("dropship.toml");
    let config = std::fs::read_to_string(&path).expect("configuration");
    let other = "[[folder]]\nname = \"other\"\npath = \"other\"\noutbox = \"out\"\n[signers]";
    let config = config.replacen("[signers]", other, 1).replacen("[[rule]]", &format!("{more}\n[[rule]]"), 1);
    std::fs::write(&path, config).expect("changed");
    std::fs::create_dir(env.path("other")).expect("a folder");
    let daemon = env.daemon(&[]);
    let paused = || env.run(&["pause"]).status.success().then_some(());
    crate::harness::wait_for("the daemon", paused).unwrap_or_else(|| panic!("{}", env.log()));
    let package = fixture("cab/good-signed-ts.cab").display().to_string();
    let submit = |args: &[&str]| env.run(&[&["--json", "submit", &package], args].concat());
    for (args, reason) in [
        (&["--rule", "elsewhere"][..], "the package is in no folder"),
        (&["--rule", "elsewhere", "--folder", "in"], "folder `in` is not"),
        (&["--rule", "placed"], "the package is in no folder"),
        (&["--rule", "placed", "--folder", "other"], "folder `other` is not"),
        (&["--rule", "named"], "other*.cab"),
        (&["--rule", "named", "--folder", "in"], "other*.cab"),
        (&["--rule", "excluded", "--folder", "in"], "`not` excludes it"),
    ] {
        let output = submit(args);
        assert_eq!(output.status.code(), Some(65), "{args:?}: {}", text(&output.stderr));
        let job: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
        assert_eq!(
            (&job["state"], &job["error"]["kind"]),
            (&"rejected".into(), &"no-rule".into()),
            "{args:?}"
        );
        let message = job["error"]["message"].as_str().expect("a message");
        assert!(message.contains("does not match") && message.contains(reason), "{args:?}: {message}");
        let shown = text(&env.run(&["show", job["id"].as_str().expect("an id")]).stdout);
        assert!(shown.contains("submit the package again"), "{shown}");
    }
    let output = submit(&["--rule", "nonsense"]);
    let failure: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!((output.status.code(), &failure["error"]["kind"]), (Some(64), &"unknown-rule".into()));
    assert!(failure["error"]["message"].as_str().is_some_and(|why| why.contains("`nonsense`")), "{failure}");
    for (args, rule) in
        [(&["--rule", "ring"][..], "ring"), (&["--rule", "placed", "--folder", "in"], "placed")]
    {
        let output = submit(args);
        assert_eq!(output.status.code(), Some(0), "{args:?}: {}", text(&output.stderr));
        let job: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
        assert_eq!((&job["rule"], &job["accepted"]), (&rule.into(), &true.into()), "{args:?}: {job:#}");
    }
    assert_eq!(env.created(), (0, 0, 0));
    assert_eq!(daemon.terminate(), Some(0));
}

#[test]
fn plan_and_inspect_agree_and_make_no_call() {
    let env = TestEnv::new();
    let good = fixture("cab/good-signed-ts.cab");
    let bad = fixture("cab/tampered-data.cab");
    let (good, bad) = (good.to_str().expect("a path"), bad.to_str().expect("a path"));
    let plan = env.json(&["plan", good, "--folder", "in"]);
    assert_eq!(plan["rule"], "ring", "{plan:#}");
    assert!(
        plan["plan"]["product"]["productName"].as_str().is_some_and(|name| name.contains("1.2.3.4")),
        "{plan:#}"
    );
    assert_eq!(env.run(&["plan", bad]).status.code(), Some(65));
    assert_eq!(env.run(&["inspect", good]).status.code(), Some(0));
    // The configuration that is named must exist, because its signers affect the verdict.
    let lost = env.path("lost.toml");
    for output in [
        Command::new(env!("CARGO_BIN_EXE_dropship"))
            .arg("--config")
            .arg(&lost)
            .args(["inspect", good])
            .output(),
        Command::new(env!("CARGO_BIN_EXE_dropship"))
            .env("DROPSHIP_CONFIG", &lost)
            .args(["inspect", good])
            .output(),
    ] {
        let output = output.expect("the command runs");
        assert_eq!(output.status.code(), Some(78), "{}", text(&output.stdout));
        assert!(text(&output.stderr).contains("lost.toml"), "{}", text(&output.stderr));
    }
    // The roots of the system are trusted if the configuration says so.
    let config = std::fs::read_to_string(env.path("dropship.toml")).expect("a configuration");
    let machines = config.replace("roots = [\"roots.pem\"]", "system_roots = true");
    std::fs::write(env.path("machines.toml"), machines).expect("written");
    for (bundle, code) in [("roots.pem", 0), ("tsaroots.pem", 65), ("lost.pem", 1)] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_dropship"));
        command.env("SSL_CERT_FILE", env.path(bundle)).arg("--config").arg(env.path("machines.toml"));
        let output = command.args(["inspect", good]).output().expect("the command runs");
        assert_eq!(
            output.status.code(),
            Some(code),
            "{bundle}: {}{}",
            text(&output.stdout),
            text(&output.stderr)
        );
    }
    let inspected = env.run(&["inspect", good, bad]);
    assert_eq!(inspected.status.code(), Some(65));
    assert!(text(&inspected.stdout).contains("digest-mismatch"), "{}", text(&inspected.stdout));
    let requests = env.sandbox_page("requests");
    assert_eq!(requests.as_array().map(Vec::len), Some(0), "{requests:#}");
}
