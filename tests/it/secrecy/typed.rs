//! Secrets that are typed into the configuration, and files that other users can read or change.

mod forms;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::harness::{self, TestDaemon, TestEnv, bytes, text, wait_for};
use forms::forms;

/// What is typed.
const SECRET: &str = "xY8Q~Hunter2.Hunter2-Hunter2_Hunter2Zz~";
/// The same with blanks, and without anything that looks random.
const PHRASE: &str = "correct horse (battery) staple";

fn output_text(output: &Output) -> String {
    text(&output.stdout) + &text(&output.stderr)
}

/// The configuration of the environment with another account.
fn configuration(good: &str, account: &str) -> String {
    let rest = &good[good.find("[api]").expect("a table")..];
    let rest = if account.contains("[api]") { &rest[rest.find("[store]").expect("a table")..] } else { rest };
    format!("{account}{rest}")
}

fn write(env: &TestEnv, good: &str, account: &str) {
    fs::write(env.path("dropship.toml"), configuration(good, account)).expect("written");
}

/// Runs one command on one form, which stands in the main file or in an included one.
fn attempt(env: &TestEnv, good: &str, number: usize, form: &str) {
    let commands: [&[&str]; 5] =
        [&["check"], &["--json", "check"], &["run"], &["test"], &["--json", "plan", "x.cab"]];
    let (file, included) = (format!("form-{number}.toml"), format!("included-{number}.toml"));
    let is_included = number % 5 == 4;
    let main = if is_included {
        fs::write(env.path(&included), form).expect("written");
        format!("include = [\"{included}\"]\n{good}")
    } else {
        configuration(good, form)
    };
    fs::write(env.path(&file), main).expect("written");
    let args = commands[if number.is_multiple_of(3) { number / 3 % commands.len() } else { number % 2 }];
    let mut command = Command::new(env!("CARGO_BIN_EXE_dropship"));
    let output = command.arg("--config").arg(env.path(&file)).args(args).output().expect("it runs");
    let all = output_text(&output);
    assert_ne!(output.status.code(), Some(0), "{args:?} of {form}\n{all}");
    for secret in [SECRET, PHRASE] {
        assert!(!all.contains(secret), "{args:?} of {form}\n{all}");
    }
    let names_secret = form.lines().any(|line| line.trim_start().starts_with("client_secret ="));
    let names_a_place = all.contains("client_secret_file") || all.contains("secret_credential");
    assert!(!names_secret || is_included || names_a_place, "{args:?} of {form}\n{all}");
}

#[test]
fn secret_in_the_configuration_is_shown_by_no_command() {
    let env = TestEnv::new();
    let good = fs::read_to_string(env.path("dropship.toml")).expect("a configuration");
    let forms: Vec<_> = forms(SECRET).into_iter().chain(forms(PHRASE)).collect();
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::SeqCst);
                    let Some(form) = forms.get(number) else { break };
                    attempt(&env, &good, number, form);
                }
            });
        }
    });
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
    for account in forms(SECRET).into_iter().step_by(23) {
        write(&env, &good, &account);
        let before = refusals();
        assert!(Command::new("kill").args(["-HUP", &id]).status().expect("kill runs").success());
        wait_for("a refusal", || (refusals() > before).then_some(()))
            .unwrap_or_else(|| panic!("{account}\n{}", env.log()));
        for args in [&["reload"][..], &["--json", "reload"], &["--json", "status"]] {
            let all = output_text(&env.run(args));
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
        ("roots.pem", 0o666, 0o644, "every user can change it (its mode is 0666)"),
        ("store", 0o777, 0o700, "every user can change it (its mode is 0777)"),
        ("", 0o777, 0o700, "every user can change it (its mode is 0777)"),
    ] {
        set_mode(&env.path(path), mode);
        assert!(warnings().contains(part), "{path}: {}", warnings());
        set_mode(&env.path(path), usual);
        assert!(!warnings().contains(part), "{path}: {}", warnings());
    }
}

#[test]
fn root_check_warns_of_what_a_group_of_other_users_can_change() {
    if std::env::var_os("DROPSHIP_ROOT_TESTS").is_none() {
        eprintln!("not run: it changes the group of files, which needs root; set DROPSHIP_ROOT_TESTS=1");
        return;
    }
    let env = TestEnv::new();
    fs::create_dir_all(env.path("store")).expect("a store");
    for (path, mode) in [("dropship.toml", 0o664), ("store", 0o770)] {
        set_mode(&env.path(path), mode);
        std::os::unix::fs::chown(env.path(path), None, Some(61_236)).expect("another group");
        let warnings = env.json(&["check"])["warnings"].to_string();
        let part = format!("every member of the group 61236 can change it (its mode is {mode:04o})");
        assert!(warnings.contains(&part), "{path}: {warnings}");
        set_mode(&env.path(path), mode & !0o020);
        let warnings = env.json(&["check"])["warnings"].to_string();
        assert!(!warnings.contains("61236"), "{path}: {warnings}");
    }
}

#[test]
fn reload_after_a_credential_of_systemd_disappeared_warns_and_keeps_the_account() {
    let env = TestEnv::new();
    let path = env.path("dropship.toml");
    let good = fs::read_to_string(&path).expect("a configuration");
    let by_credential =
        good.replace("client_secret_file = \"secret\"", "client_secret_credential = \"dropship.secret\"");
    fs::write(&path, by_credential).expect("written");
    let credential = env.path("credentials/dropship.secret");
    fs::create_dir(env.path("credentials")).expect("a folder");
    let put = || {
        fs::write(&credential, harness::SECRET).expect("a credential");
        set_mode(&credential, 0o600);
    };
    put();
    let log = fs::File::create(env.path("daemon.log")).expect("a log");
    let mut command = env.command(&["run", "--log-level", "trace"]);
    let child = command.env("CREDENTIALS_DIRECTORY", env.path("credentials")).stderr(log).spawn();
    let daemon = TestDaemon { child: child.expect("it starts") };
    wait_for("the daemon to listen", || env.run(&["status"]).status.success().then_some(()))
        .expect("it runs");

    env.drop_package("first.cab", &bytes("cab/good-signed-ts.cab"));
    assert_eq!(env.wait_for_end()["state"], "succeeded", "{}", env.log());

    fs::remove_file(&credential).expect("removed");
    for args in [&["reload"][..], &["--json", "reload"]] {
        let output = env.run(args);
        let all = output_text(&output);
        assert_eq!(output.status.code(), Some(0), "{all}\n{}", env.log());
        assert!(all.contains("dropship.secret") && !all.contains(harness::SECRET), "{all}");
    }
    // The account of the start is still in force, with its token.
    env.drop_package("second.cab", &bytes("cab/good-signed.cab"));
    let ended = wait_for("the second package", || {
        let ended = env.receipts().iter().filter(|receipt| receipt["state"] == "succeeded").count();
        (ended == 2).then_some(())
    });
    assert!(ended.is_some(), "{:#?}\n{}", env.receipts(), env.log());

    put();
    let output = env.run(&["reload"]);
    assert_eq!(output.status.code(), Some(0), "{}", env.log());
    assert!(!output_text(&output).contains("dropship.secret"), "{}", output_text(&output));
    assert!(!env.log().contains(harness::SECRET), "no secret in the log");
    assert_eq!(daemon.terminate(), Some(0));
}
