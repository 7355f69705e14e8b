//! The list of troubles: each kind is caused, seen in every output, cured, and gone.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::process::Stdio;
use std::time::Duration;

use dropship_sandbox::{Credentials, Options, Quirks};
use serde_json::{Value, json};

use super::http::{is_up, on_socket};
use super::manager::Manager;
use crate::harness::{TestDaemon, TestEnv, bytes, free_port, outage, text, wait_for};

/// Replaces a part of the configuration, which must exist.
fn edit(env: &TestEnv, from: &str, to: &str) {
    let config = fs::read_to_string(env.path("dropship.toml")).expect("a configuration");
    assert!(config.contains(from), "{from} is not in the configuration");
    fs::write(env.path("dropship.toml"), config.replacen(from, to, 1)).expect("written");
}

/// The line and the exit code of `status --check`.
fn check(env: &TestEnv) -> (Option<i32>, String) {
    let done = env.run(&["status", "--check"]);
    (done.status.code(), text(&done.stdout))
}

fn metrics(env: &TestEnv) -> String {
    on_socket(&env.path("control.sock"), "/metrics").1
}

fn readyz(env: &TestEnv) -> (u16, Value) {
    let (status, page) = on_socket(&env.path("control.sock"), "/readyz");
    (status, serde_json::from_str(&page).expect("JSON"))
}

/// Waits until a kind is listed, and checks every output. `stops` is whether it stops intake. Returns its message.
fn appears(env: &TestEnv, kind: &str, stops: bool) -> String {
    let item = wait_for(kind, || {
        let status = env.json(&["status"]);
        status["trouble"].as_array().expect("a list").iter().find(|item| item["kind"] == kind).cloned()
    });
    let item =
        item.unwrap_or_else(|| panic!("{kind} is not listed; {:#}\n{}", env.json(&["status"]), env.log()));
    let message = item["message"].as_str().expect("a message").to_owned();
    assert!(item["since"].as_str().is_some_and(|since| since.ends_with('Z')), "{item}");
    let (code, line) = check(env);
    assert!(code == Some(1) && line.contains(kind) && line.lines().count() == 1, "{code:?} {line}");
    let shown = text(&env.run(&["status"]).stdout);
    assert!(shown.contains(&format!(": {kind}: ")), "{shown}");
    let (code, page) = readyz(env);
    let (place, expected) = if stops { ("reasons", 503) } else { ("warnings", 200) };
    assert!(page[place].as_array().expect("a list").contains(&json!(kind)), "{kind}: {page}");
    if stops {
        assert_eq!(code, expected, "{page}");
    }
    let page = metrics(env);
    assert!(page.contains(&format!("dropship_trouble{{kind=\"{kind}\"}} 1\n")), "{page}");
    message
}

/// Waits until a kind is no longer listed.
fn ends(env: &TestEnv, kind: &str) {
    let end = wait_for("the end of the trouble", || (!check(env).1.contains(kind)).then_some(()));
    end.unwrap_or_else(|| panic!("{kind} remains: {:#}\n{}", env.json(&["status"]), env.log()));
    assert!(metrics(env).contains(&format!("dropship_trouble{{kind=\"{kind}\"}} 0\n")));
}

/// Number of log entries about the appearance and about the end of a kind.
fn count_logged(env: &TestEnv, kind: &str) -> (usize, usize) {
    let log = env.log();
    let ends = log.matches(&format!(" {kind} is over, which began at ")).count();
    (log.matches(&format!(" {kind}: ")).count(), ends)
}

#[test]
fn troubles_of_files_and_configuration_appear_everywhere_and_end_with_their_cure() {
    let env = TestEnv::with(Quirks::none(), "");
    edit(
        &env,
        "client_secret_file = \"secret\"",
        "client_secret_file = \"secret\"\nsecret_expires = \"2020-01-02\"",
    );
    let mut manager = Manager::of(&env);
    let daemon = manager.start(&env, None);
    is_up(&env);
    fs::write(env.path("out"), "in the way").expect("a file in place of the outbox");

    let message = appears(&env, "secret-expiring", false);
    assert!(message.contains("account `default`") && message.contains("expired on 2020-01-02"), "{message}");
    let message = appears(&env, "outbox-unwritable", false);
    assert!(message.contains("folder `in`") && message.contains("is not a folder"), "{message}");
    assert!(metrics(&env).contains("dropship_outbox_writable{folder=\"in\"} 0\n"));
    assert!(
        metrics(&env).contains("dropship_secret_expiry_timestamp_seconds{account=\"default\"} 1577923200\n")
    );
    manager.expect(|line| line.contains("needs attention: outbox-unwritable, secret-expiring"));

    edit(&env, "uncertain = \"2s\"", "uncertain = \"3s\"");
    assert!(env.run(&["reload"]).status.success());
    let message = appears(&env, "restart-pending", false);
    assert!(message.contains("[api] uncertain (\"2s\", in the file \"3s\")"), "{message}");
    assert_eq!(env.json(&["status"])["restart"], json!(["[api] uncertain"]));
    edit(&env, "uncertain = \"3s\"", "uncertain = \"2s\"\nnonsense = 1");
    assert_eq!(env.run(&["reload"]).status.code(), Some(78));
    let message = appears(&env, "reload-refused", false);
    assert!(message.contains("nonsense"), "{message}");
    assert!(metrics(&env).contains("dropship_config_last_reload_successful 0\n"));
    appears(&env, "restart-pending", false);

    // The package is processed nevertheless; its receipt is written once the outbox works.
    env.drop_package("echo.cab", &bytes("cab/good-signed-ts.cab"));
    let job = wait_for("the job", || {
        let jobs = env.json(&["jobs"]);
        jobs.get(0).filter(|job| job["step"] != "inspect").cloned()
    });
    assert!(job.is_some(), "{}", env.log());
    fs::remove_file(env.path("out")).expect("removed");
    ends(&env, "outbox-unwritable");
    assert_eq!(env.wait_for_end()["state"], "succeeded", "{}", env.log());
    assert!(metrics(&env).contains("dropship_outbox_writable{folder=\"in\"} 1\n"));

    // Without a reload: the configuration on disk is the active one again.
    edit(&env, "\nnonsense = 1", "");
    for kind in ["reload-refused", "restart-pending"] {
        ends(&env, kind);
    }
    assert!(metrics(&env).contains("dropship_config_last_reload_successful 1\n"));
    assert!(metrics(&env).contains("dropship_config_generation 2\n"), "{}", metrics(&env));
    edit(&env, "secret_expires = \"2020-01-02\"", "secret_expires = \"2090-01-02\"");
    assert!(env.run(&["reload"]).status.success(), "{}", env.log());
    ends(&env, "secret-expiring");
    assert_eq!(check(&env), (Some(0), "ok: nothing needs attention\n".to_owned()));
    assert_eq!(readyz(&env).0, 200);
    assert!(metrics(&env).contains("dropship_config_generation 3\n"), "{}", metrics(&env));
    manager.expect(|line| line.starts_with("STATUS=") && !line.contains("needs attention"));
    for kind in ["outbox-unwritable", "restart-pending", "secret-expiring"] {
        assert_eq!(count_logged(&env, kind), (1, 1), "{kind}: {}", env.log());
    }
    // The daemon waits for the service manager to read its messages.
    std::thread::scope(|scope| {
        let ending = scope.spawn(|| daemon.terminate());
        while !ending.is_finished() {
            manager.receive(Duration::from_millis(20));
        }
        assert_eq!(ending.join().expect("it is asked to end"), Some(0));
    });
    assert_eq!(check(&env).0, Some(69), "without a daemon");
}

#[test]
fn troubles_of_the_service_appear_everywhere_and_end_with_their_cure() {
    let env = TestEnv::with(Quirks::none(), "");
    let daemon = env.daemon(&[]);
    is_up(&env);
    assert!(metrics(&env).contains("dropship_service_up{account=\"default\"} 1\n"));
    assert_eq!(check(&env).0, Some(0), "{}", check(&env).1);

    env.fault(&outage());
    env.sandbox.control().offset_dates(-900);
    env.drop_package("echo.cab", &bytes("cab/good-signed-ts.cab"));
    let message = appears(&env, "service-down", false);
    let url = env.sandbox.base_url().to_owned();
    assert!(
        message.contains(&url) && message.contains("503") && message.contains("the next attempt is at"),
        "{message}"
    );
    assert!(metrics(&env).contains("dropship_service_up{account=\"default\"} 0\n"));
    let message = appears(&env, "clock-skew", false);
    assert!(message.contains("ahead of the service's"), "{message}");
    env.no_faults();
    env.sandbox.control().offset_dates(0);
    ends(&env, "service-down");
    ends(&env, "clock-skew");
    assert_eq!(env.wait_for_end()["state"], "succeeded", "{}", env.log());

    env.fault(&json!({
        "operation": "list_products", "times": 1, "action": {"kind": "status", "status": 429, "retry_after": "3"}
    }));
    env.drop_package("more.cab", &bytes("cab/good-signed.cab"));
    let message = appears(&env, "throttled", false);
    assert!(message.contains("account `default`") && message.contains("continue at"), "{message}");
    ends(&env, "throttled");
    for kind in ["service-down", "clock-skew", "throttled"] {
        assert_eq!(count_logged(&env, kind), (1, 1), "{kind}: {}", env.log());
    }
    assert_eq!(daemon.terminate(), Some(0));
}

#[test]
fn suspended_account_is_listed_and_resumes_with_the_new_secret_without_a_restart() {
    // The application has a new secret, and the file still has the old one.
    let credentials = Credentials::One {
        tenant_id: "tenant".to_owned(),
        client_id: "client".to_owned(),
        client_secret: "the-n3w-secret-of-the-account".to_owned().into(),
    };
    let env =
        TestEnv::at(Options { speed: 1200.0, quirks: Quirks::none(), credentials, ..Options::default() }, "");
    edit(
        &env,
        "account = { first = \"100ms\", max = \"500ms\" }",
        "account = { first = \"5m\", max = \"5m\" }",
    );
    let daemon = env.daemon(&[]);
    is_up(&env);
    env.drop_package("echo.cab", &bytes("cab/good-signed-ts.cab"));
    let message = appears(&env, "account-suspended", false);
    assert!(message.contains("account `default`") && message.contains("the next attempt is at"), "{message}");
    assert!(metrics(&env).contains("dropship_account_paused{account=\"default\"} 1\n"));
    // Long before the next poll of the job.
    fs::write(env.path("secret"), "the-n3w-secret-of-the-account\n").expect("rotated");
    ends(&env, "account-suspended");
    assert_eq!(env.wait_for_end()["state"], "succeeded", "{}", env.log());
    assert_eq!(daemon.terminate(), Some(0));
}

#[test]
fn troubles_of_folders_and_jobs_end_with_their_cure() {
    let slow = Options { speed: 1.0, quirks: Quirks::none(), ..Options::default() };
    let env = TestEnv::at(slow, "[api.overdue]\nsign = \"1s\"\n");
    edit(&env, "poll = \"1s\"", "poll = \"10m\"");
    edit(&env, "path = \"store\"", "path = \"store\"\nmost_waiting = 1");
    let daemon = env.daemon(&[]);
    is_up(&env);

    fs::rename(env.path("drop"), env.path("gone")).expect("moved");
    env.json(&["rescan"]);
    let message = appears(&env, "folder-degraded", true);
    assert!(message.contains("folder `in`") && message.contains("does not exist"), "{message}");
    fs::rename(env.path("gone"), env.path("drop")).expect("moved back");
    ends(&env, "folder-degraded");

    env.drop_package("echo.cab", &bytes("cab/good-signed-ts.cab"));
    let message = appears(&env, "overdue", false);
    assert!(message.contains("echo.cab") && message.contains("step `sign`"), "{message}");
    assert!(!metrics(&env).contains("dropship_queue_oldest_job_age_seconds 0\n"));
    env.sandbox.control().advance_work(Duration::from_secs(86_400));
    ends(&env, "overdue");

    env.json(&["pause"]);
    env.drop_package("more.cab", &bytes("cab/good-signed.cab"));
    let accepted = || (env.json(&["jobs"]).as_array()?.len() == 2).then_some(());
    wait_for("the second job", accepted).unwrap_or_else(|| panic!("{}", env.log()));
    env.drop_package("third.hlkx", &bytes("hlkx/good.hlkx"));
    let message = appears(&env, "intake-paused", false);
    assert!(message.contains("files of folder `in` wait"), "{message}");
    env.json(&["resume"]);
    ends(&env, "intake-paused");
    assert_eq!(daemon.terminate(), Some(0));
}

#[test]
fn unreachable_service_is_noticed_without_a_job() {
    let env = TestEnv::with(Quirks::none(), "");
    let refused = format!("http://127.0.0.1:{}", free_port());
    let endpoint = format!("endpoint = \"{}\"", env.sandbox.base_url());
    edit(&env, &endpoint, &format!("endpoint = \"{refused}\""));
    let daemon = env.daemon(&[]);
    is_up(&env);
    let message = appears(&env, "service-down", false);
    assert!(message.contains(&refused) && message.contains("cannot be reached"), "{message}");
    assert_eq!(daemon.terminate(), Some(0));
}

#[test]
fn check_warns_about_expiring_secrets_and_certificates() {
    let env = TestEnv::with(Quirks::none(), "");
    let key = "client_secret_file = \"secret\"";
    for (date, warns) in [("2090-01-02", false), ("2020-01-02", true), ("2020-01-02T03:04:05Z", true)] {
        edit(&env, key, &format!("{key}\nsecret_expires = \"{date}\""));
        let checked = env.json(&["check"]);
        let warning = checked["warnings"][0]["message"].as_str().unwrap_or_default().to_owned();
        assert_eq!(warning.contains("expired on 2020-01-02"), warns, "{date}: {checked}");
        edit(&env, &format!("{key}\nsecret_expires = \"{date}\""), key);
    }
    // A certificate that was made for one day.
    fs::write(env.path("app.pem"), include_bytes!("../../fixtures/credentials/expired.pem"))
        .expect("a certificate");
    let certificate = "client_certificate_file = \"app.pem\"";
    edit(&env, key, certificate);
    let warning = env.json(&["check"])["warnings"][0]["message"].as_str().unwrap_or_default().to_owned();
    assert!(warning.starts_with("account `default`: the certificate expire"), "{warning}");
    edit(&env, certificate, key);
    for (line, problem) in [
        ("client_secret_file = \"secret\"\nsecret_expires = \"soon\"", "is not a day"),
        ("managed_identity = true\nsecret_expires = \"2090-01-02\"", "belongs to a client secret"),
    ] {
        edit(&env, key, line);
        let done = env.run(&["check"]);
        assert_eq!(done.status.code(), Some(78));
        assert!(text(&done.stderr).contains(problem), "{}", text(&done.stderr));
        edit(&env, line, key);
    }
}

#[test]
fn root_outbox_without_permission_is_listed_until_it_is_granted() {
    if std::env::var_os("DROPSHIP_ROOT_TESTS").is_none() {
        eprintln!("not run: it runs the daemon as another user, which needs root; set DROPSHIP_ROOT_TESTS=1");
        return;
    }
    const USER: u32 = 61_236;
    let env = TestEnv::with(Quirks::none(), "");
    let own = |path: &std::path::Path| std::os::unix::fs::chown(path, Some(USER), Some(USER)).expect("owned");
    fs::create_dir(env.path("out")).expect("an outbox");
    for item in fs::read_dir(env.folder.path()).expect("the folder") {
        own(&item.expect("an item").path());
    }
    own(env.folder.path());
    let mode = |mode| fs::set_permissions(env.path("out"), fs::Permissions::from_mode(mode)).expect("a mode");
    let log = fs::File::create(env.path("daemon.log")).expect("a log");
    let mut command = env.command(&["run"]);
    let child =
        command.uid(USER).gid(USER).stdout(Stdio::null()).stderr(log).spawn().expect("the daemon starts");
    let daemon = TestDaemon { child };
    is_up(&env);
    mode(0o500);
    let message = appears(&env, "outbox-unwritable", false);
    assert!(message.contains("ermission denied"), "{message}");
    mode(0o700);
    ends(&env, "outbox-unwritable");
    assert_eq!(daemon.terminate(), Some(0));
}

/// A small file system of its own; unmounted when dropped.
struct Mount(std::path::PathBuf);

impl Drop for Mount {
    fn drop(&mut self) {
        drop(std::process::Command::new("umount").arg("-l").arg(&self.0).status());
    }
}

#[test]
fn root_disk_of_the_store_that_fills_up_is_listed_and_stops_intake() {
    if std::env::var_os("DROPSHIP_ROOT_TESTS").is_none() {
        eprintln!("not run: it mounts a file system, which needs root; set DROPSHIP_ROOT_TESTS=1");
        return;
    }
    let env = TestEnv::with(Quirks::none(), "");
    edit(&env, "path = \"store\"", "path = \"store\"\nmin_free = \"16MiB\"");
    fs::create_dir(env.path("store")).expect("a folder");
    let mount = Mount(env.path("store"));
    let mounted = std::process::Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=64m", "tmpfs"])
        .arg(&mount.0)
        .status();
    assert!(mounted.expect("mount runs").success());
    let daemon = env.daemon(&[]);
    is_up(&env);
    assert_eq!(check(&env).0, Some(0), "{}", check(&env).1);
    let fill = |name: &str, mebibytes: usize| {
        fs::write(env.path("store").join(name), vec![1; mebibytes << 20]).expect("filled")
    };
    let free = || {
        rustix::fs::statvfs(&mount.0).map(|disk| (disk.f_bavail * disk.f_frsize) >> 20).expect("free space")
    };
    fill("some", usize::try_from(free()).expect("small") - 24);
    let message = appears(&env, "disk-low", false);
    assert!(message.contains("getting full"), "{message}");
    assert_eq!(readyz(&env).0, 200);
    fill("more", 12);
    wait_for("a full disk", || (readyz(&env).0 == 503).then_some(())).expect("not ready");
    appears(&env, "disk-low", true);
    fs::remove_file(env.path("store/some")).expect("removed");
    fs::remove_file(env.path("store/more")).expect("removed");
    ends(&env, "disk-low");
    assert_eq!(daemon.terminate(), Some(0));
}
