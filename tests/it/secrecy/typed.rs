//! Secrets that are typed into the configuration, and files that other users can read or change.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};

use crate::harness::{TestEnv, text, wait_for};

/// What is typed.
const SECRET: &str = "xY8Q~Hunter2.Hunter2-Hunter2_Hunter2Zz~";

/// Each configuration of the forms, in place of the `[account]` of the environment.
fn forms(secret: &str) -> Vec<String> {
    let account = "[account]\ntenant_id = \"tenant\"\nclient_id = \"client\"\n";
    let valid = format!("{account}client_secret_file = \"secret\"\n");
    let in_account = [
        format!("client_secret = \"{secret}\""),
        format!("Client-Secret = '{secret}'"),
        format!("clientSecret = \"{secret}\" # until Friday"),
        format!("client_secrt = \"{secret}\""),
        format!("password = \"{secret}\""),
        format!("client_secret.value = \"{secret}\""),
        format!("client_secret = \"\"\"\n{secret}\"\"\""),
        format!("client_secret = '''\n{secret}\n'''"),
        format!("client_secret = [\"{secret}\"]"),
        format!("client_secret = {{ value = \"{secret}\" }}"),
        format!("client_secret = {secret}"),
        format!("client_secret = \"{secret}"),
        format!("client_secret == \"{secret}\""),
        format!("\"client_secret = \"{secret}\""),
        format!("client_secret: {secret}"),
        secret.to_owned(),
        format!("client_secret_file = \"{secret}\""),
        format!("client_secret_env = \"{secret}\""),
        format!("client_secret_credential = \"{secret}\""),
        format!("client_certificate_file = \"{secret}\""),
        format!("federated_token_file = \"{secret}\""),
    ];
    let elsewhere = [
        format!("client_secret = \"{secret}\"\n{valid}"),
        format!("account = \"{secret}\"\n"),
        format!("{valid}[[notify]]\nname = \"n\"\nurl = \"https://h/\"\nsecret = \"{secret}\"\n"),
        format!("{valid}[[notify]]\nname = \"n\"\nurl = \"https://h/\"\nsecret_file = \"{secret}\"\n"),
    ];
    let accounts = in_account.into_iter().map(|line| format!("{account}{line}\n"));
    accounts.chain(elsewhere).collect()
}

fn shown(output: &Output) -> String {
    text(&output.stdout) + &text(&output.stderr)
}

/// The configuration of the environment with another account.
fn write(env: &TestEnv, good: &str, account: &str) {
    let rest = &good[good.find("[api]").expect("a table")..];
    fs::write(env.path("dropship.toml"), format!("{account}{rest}")).expect("written");
}

#[test]
fn secret_in_the_configuration_is_shown_by_no_command() {
    let env = TestEnv::new();
    let good = fs::read_to_string(env.path("dropship.toml")).expect("a configuration");
    for account in forms(SECRET) {
        write(&env, &good, &account);
        for args in [&["check"][..], &["--json", "check"], &["run"], &["--json", "plan", "x.cab"]] {
            let output = env.run(args);
            let all = shown(&output);
            assert_ne!(output.status.code(), Some(0), "{args:?} of {account}\n{all}");
            assert!(!all.contains(SECRET), "{args:?} of {account}\n{all}");
        }
        let all = shown(&env.run(&["check"]));
        let names_a_place = all.contains("client_secret_file") || all.contains("secret_credential");
        assert!(names_a_place, "{account}\n{all}");
    }
}

#[test]
fn secret_in_the_configuration_is_not_logged_by_a_reload() {
    let env = TestEnv::new();
    let good = fs::read_to_string(env.path("dropship.toml")).expect("a configuration");
    let daemon = env.daemon(&[]);
    wait_for("the daemon to listen", || env.run(&["status"]).status.success().then_some(()))
        .expect("it runs");
    let id = daemon.child.id().to_string();
    let refusals = || env.log().matches("refused to reload the configuration, requested by SIGHUP").count();
    for account in forms(SECRET).into_iter().step_by(3) {
        write(&env, &good, &account);
        let before = refusals();
        assert!(Command::new("kill").args(["-HUP", &id]).status().expect("kill runs").success());
        wait_for("a refusal", || (refusals() > before).then_some(()))
            .unwrap_or_else(|| panic!("{account}\n{}", env.log()));
        for args in [&["reload"][..], &["--json", "reload"], &["--json", "status"]] {
            let all = shown(&env.run(args));
            assert!(!all.contains(SECRET), "{args:?} of {account}\n{all}");
        }
        assert!(!env.log().contains(SECRET), "{account}\n{}", env.log());
    }
    drop(daemon);
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("a mode");
}

#[test]
fn check_warns_of_files_that_other_users_can_read_or_change() {
    let env = TestEnv::new();
    let warnings = || {
        let document = env.json(&["check"]);
        assert_eq!(document["ok"], true, "{document:#}");
        document["warnings"].to_string()
    };
    let store = env.path("store");
    if !store.exists() {
        fs::create_dir(&store).expect("a store");
    }
    set_mode(&store, 0o700);
    assert!(!warnings().contains("its mode is"), "{}", warnings());
    for (path, mode, usual, part) in [
        ("secret", 0o644, 0o600, "every user can read this secret (its mode is 0644)"),
        ("secret", 0o602, 0o600, "every user can change this secret"),
        ("dropship.toml", 0o666, 0o644, "every user can change it (its mode is 0666)"),
        ("store", 0o777, 0o700, "every user can change it (its mode is 0777)"),
    ] {
        set_mode(&env.path(path), mode);
        assert!(warnings().contains(part), "{path}: {}", warnings());
        set_mode(&env.path(path), usual);
        assert!(!warnings().contains(part), "{path}: {}", warnings());
    }
}
