//! Captured packages on object storage, with Azurite, Microsoft's emulator. `.ci/postgres` runs these with the feature `postgres`.

use std::fs;
use std::process::{Child, Command, Stdio};

use dropship_objects::{Address, Objects, Settings};
use serde_json::{Value, json};
use url::Url;

use crate::fleet::server::{Database, database_of_its_own};
use crate::hardware::azurite::{ACCOUNT, KEY, make_container};
use crate::harness::{TestDaemon, TestEnv, bytes, free_port, outage, text, wait_for};
use crate::service::http::on_socket;

#[path = "../../crates/dropship-objects/tests/it/s3.rs"]
#[expect(dead_code, reason = "the tests of the crate use more of it")]
pub(crate) mod s3;

const PLACE: &str = "az://captured/fleet/one";

/// A running Azurite.
struct Azurite {
    program: std::ffi::OsString,
    folder: tempfile::TempDir,
    port: u16,
    process: Child,
}

impl Azurite {
    /// `None`, with a message, if it is not installed.
    fn start() -> Option<Self> {
        let Some(program) = std::env::var_os("DROPSHIP_AZURITE") else {
            assert!(std::env::var_os("CI").is_none(), "CI has Azurite: DROPSHIP_AZURITE=$(.ci/azurite)");
            eprintln!("NOT RUN: packages on object storage, for want of DROPSHIP_AZURITE=$(.ci/azurite)");
            return None;
        };
        drop(rustls::crypto::ring::default_provider().install_default());
        let folder = tempfile::tempdir().expect("a folder");
        let port = free_port();
        let process = Self::process(&program, &folder, port);
        let azurite = Self { program, folder, port, process };
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        let base: Url = format!("http://127.0.0.1:{port}").parse().expect("a URL");
        wait_for("Azurite", || runtime.block_on(make_container(&base, "captured")).then_some(()))
            .expect("it listens");
        Some(azurite)
    }

    fn process(program: &std::ffi::OsStr, folder: &tempfile::TempDir, port: u16) -> Child {
        let mut command = Command::new(program);
        command.args(["--blobHost", "127.0.0.1", "--blobPort", &port.to_string(), "--silent", "--loose"]);
        command.args(["--skipApiVersionCheck", "--disableTelemetry", "-l"]).arg(folder.path());
        command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("Azurite starts")
    }

    fn stop(&mut self) {
        self.process.kill().expect("killed");
        self.process.wait().expect("gone");
    }

    fn start_again(&mut self) {
        self.process = Self::process(&self.program, &self.folder, self.port);
    }

    fn signal(&self, signal: &str) {
        let sent = Command::new("kill").args([signal, &self.process.id().to_string()]).status();
        assert!(sent.expect("kill runs").success());
    }

    fn settings(&self) -> String {
        format!(
            "# the account\nAZURE_STORAGE_ACCOUNT_NAME={ACCOUNT}\nAZURE_STORAGE_ACCOUNT_KEY={KEY}\nAZURE_STORAGE_ENDPOINT=http://127.0.0.1:{}/{ACCOUNT}\n",
            self.port
        )
    }

    /// The objects as another program sees them.
    fn objects(&self) -> Objects {
        let settings = Settings::default().with_file(&self.settings()).expect("settings");
        Objects::connect(&Address::parse(PLACE).expect("an address"), &settings).expect("a client")
    }
}

impl Drop for Azurite {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

/// An environment whose jobs are in a database, and whose packages are objects.
fn environment(database: &Database, azurite: &Azurite) -> TestEnv {
    let env = TestEnv::new();
    let store = format!(
        "path = \"store\"\nurl = \"{}\"\npackages = \"{PLACE}\"\npackages_credentials_file = \"storage.env\"\nnode = \"one\"",
        database.url()
    );
    env.edit_configuration("path = \"store\"", &store);
    fs::write(env.path("storage.env"), azurite.settings()).expect("written");
    let private = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    fs::set_permissions(env.path("storage.env"), private).expect("private");
    env
}

fn job_in(env: &TestEnv, state: &str) -> Value {
    let found = || env.receipts().into_iter().find(|receipt| receipt["state"] == state);
    wait_for(state, found).unwrap_or_else(|| panic!("{:#?}\n{}", env.receipts(), env.log()))
}

fn reasons(env: &TestEnv) -> Value {
    let (_, page) = on_socket(&env.path("control.sock"), "/readyz");
    serde_json::from_str::<Value>(&page).expect("JSON")["reasons"].clone()
}

fn ends_idle(env: &TestEnv) {
    assert_eq!(env.daemon(&["--until-idle"]).wait(), Some(0), "{}", env.log());
}

fn has_finding(env: &TestEnv, what: &str) -> bool {
    let findings = env.json(&["doctor"]);
    findings
        .as_array()
        .expect("a list")
        .iter()
        .any(|finding| finding["what"].as_str().is_some_and(|text| text.contains(what)))
}

#[test]
fn captured_packages_are_objects_and_changed_ones_are_not_uploaded() {
    let (Some(database), Some(mut azurite)) = (database_of_its_own(), Azurite::start()) else { return };
    let (env, objects) = (environment(&database, &azurite), azurite.objects());
    env.fault(&outage());
    let daemon = env.daemon(&[]);
    let package = bytes("cab/good-signed-ts.cab");
    env.drop_package("echo.cab", &package);
    let accepted = || env.receipts().into_iter().find(|receipt| receipt["accepted"] == true);
    let job = wait_for("an accepted job", accepted).unwrap_or_else(|| panic!("{}", env.log()));
    let id = job["id"].as_str().expect("an id").to_owned();
    let name = format!("{id}/package");
    // What is acknowledged is an object, and is not on this machine any more.
    assert_eq!(objects.get(&name).expect("read"), Some(package.clone()));
    assert!(!env.path(&format!("store/packages/{name}")).exists());
    assert_eq!(env.json(&["doctor"]), json!([]));

    // Another program changes it.
    let mut other = package.clone();
    other[package.len() / 2] ^= 1;
    objects.put(&name, other).expect("written");
    assert!(has_finding(&env, "has other bytes"), "{:#}", env.json(&["doctor"]));
    env.no_faults();
    let held = job_in(&env, "held");
    assert_eq!(held["error"]["kind"], "copy-changed", "{held:#}");
    assert!(
        held["error"]["message"].as_str().is_some_and(|text| text.contains("az://captured/fleet/one/")),
        "{held:#}"
    );
    objects.put(&name, package).expect("written");
    let approved = env.run(&["approve", &id]);
    assert!(approved.status.success(), "{}", text(&approved.stderr));
    job_in(&env, "succeeded");
    wait_for("the object to be deleted", || objects.get(&name).expect("read").is_none().then_some(()))
        .expect("deleted");
    assert_eq!(env.created(), (1, 1, 1));

    // The storage is away: nothing is accepted and nothing is lost.
    azurite.stop();
    env.drop_package("other.cab", &bytes("cab/good-signed.cab"));
    let away = || (reasons(&env) == json!(["package-storage-away"])).then_some(());
    wait_for("the trouble", away).unwrap_or_else(|| panic!("{}\n{}", reasons(&env), env.log()));
    assert_eq!(env.receipts().len(), 1);
    let status = env.run(&["status"]);
    assert!(text(&status.stdout).contains(PLACE), "{}", text(&status.stdout));
    azurite.start_again();
    let both = || {
        (env.receipts().iter().filter(|receipt| receipt["state"] == "succeeded").count() == 2).then_some(())
    };
    wait_for("both jobs", both).unwrap_or_else(|| panic!("{:#?}\n{}", env.receipts(), env.log()));
    wait_for("no trouble", || (reasons(&env) == json!([])).then_some(())).expect("it is gone");
    assert_eq!(daemon.terminate(), Some(0));

    // An object without a job.
    let (most, last) = id.split_at(id.len() - 1);
    let orphan = format!("{most}{}", if last == "0" { "1" } else { "0" });
    objects.put(&format!("{orphan}/package"), b"x".to_vec()).expect("written");
    assert!(
        has_finding(&env, &format!("the captured package {orphan} belongs to no job")),
        "{:#}",
        env.json(&["doctor"])
    );
    assert!(!env.log().contains(KEY), "the key is in the log");
}

#[test]
fn daemon_killed_while_it_writes_an_object_accepts_the_package_once() {
    let (Some(database), Some(azurite)) = (database_of_its_own(), Azurite::start()) else { return };
    let env = environment(&database, &azurite);
    let daemon: TestDaemon = env.daemon(&[]);
    wait_for("the daemon", || env.path("control.sock").exists().then_some(()))
        .unwrap_or_else(|| panic!("{}", env.log()));
    azurite.signal("-STOP");
    env.drop_package("echo.cab", &bytes("cab/good-signed-ts.cab"));
    let copies = || -> Vec<_> {
        let folders = fs::read_dir(env.path("store/packages")).expect("packages").flatten();
        folders.map(|folder| folder.path().join("package")).filter(|path| path.exists()).collect()
    };
    wait_for("the object", || env.log().contains("writes the object").then_some(()))
        .unwrap_or_else(|| panic!("{}", env.log()));
    assert_eq!(env.receipts().len(), 0, "not acknowledged before it is an object");
    daemon.kill();
    azurite.signal("-CONT");
    ends_idle(&env);
    assert_eq!(env.wait_for_end()["state"], "succeeded", "{}", env.log());
    assert_eq!(env.created(), (1, 1, 1), "{}", env.log());
    assert_eq!(copies(), Vec::<std::path::PathBuf>::new(), "the copy of the killed daemon is deleted");
    // Objects that it may have written belong to no job; they are deleted by a start that is more than a day later.
    let known = env.json(&["jobs"]);
    let is_known = |folder: &String| known.to_string().contains(folder.as_str());
    let others: Vec<_> = azurite
        .objects()
        .folders()
        .expect("folders")
        .into_iter()
        .filter(|folder| !is_known(folder))
        .collect();
    assert_eq!(has_finding(&env, "belongs to no job"), !others.is_empty(), "{others:?}");
}

#[test]
fn results_of_a_folder_on_the_active_node_come_through_azure_storage() {
    let (Some(database), Some(azurite)) = (database_of_its_own(), Azurite::start()) else { return };
    let (env, objects) = (environment(&database, &azurite), azurite.objects());
    env.edit_configuration("outbox = \"out\"", "outbox = \"out\"\nnode = \"one\"\nafter = \"delete\"");
    let daemon = env.daemon(&[]);
    env.drop_package("echo.cab", &bytes("cab/good-signed-ts.cab"));
    let receipt = job_in(&env, "succeeded");
    let folder = receipt["outbox"].as_str().expect("a folder");
    assert!(folder.starts_with(&*env.path("out").to_string_lossy()), "{receipt:#}");
    assert!(fs::metadata(format!("{folder}/signed.zip")).expect("the result").len() > 0);
    assert!(!env.path("drop/echo.cab").exists(), "`after` was done before the receipt");
    let delivered = objects.folders_with("outbox/in", "receipt.json").expect("listed");
    assert_eq!(delivered, [receipt["sha256"].as_str().expect("a digest")]);
    let place = format!("outbox/in/{}", delivered[0]);
    let names = objects.names(&place).expect("listed");
    let is_recorded = |file: &Value| {
        let name =
            format!("{}-{}", file["sha256"].as_str().unwrap_or(""), file["name"].as_str().unwrap_or(""));
        names.iter().any(|(found, _)| *found == name)
    };
    assert!(receipt["files"].as_array().expect("a list").iter().all(is_recorded), "{names:?}");
    assert_eq!(env.json(&["doctor"]), json!([]), "{}", env.log());
    // Its receipt there is compared with the job.
    let text = objects.get(&format!("{place}/receipt.json")).expect("read").expect("a receipt");
    let mut older: Value = serde_json::from_slice(&text).expect("JSON");
    older["state"] = json!("queued");
    objects.put(&format!("{place}/receipt.json"), older.to_string().into_bytes()).expect("written");
    assert!(has_finding(&env, "shows queued"), "{:#}", env.json(&["doctor"]));
    assert_eq!(daemon.terminate(), Some(0));
    assert!(!env.log().contains(KEY), "the key is in the log");
}

#[test]
fn job_whose_package_is_on_s3_takes_its_credentials_from_the_environment() {
    let Some(database) = database_of_its_own() else { return };
    let (env, s3) = (TestEnv::new(), s3::S3::start());
    let store =
        format!("path = \"store\"\nurl = \"{}\"\npackages = \"s3://captured/fleet/one\"", database.url());
    env.edit_configuration("path = \"store\"", &store);
    env.drop_package("echo.cab", &bytes("cab/good-signed-ts.cab"));
    let settings = s3.settings();
    let mut command = env.command(&["run", "--until-idle", "--log-level", "trace"]);
    command.envs(settings.lines().filter_map(|line| line.split_once('=')));
    let done = command.output().expect("it runs");
    let log = text(&done.stderr);
    assert_eq!(done.status.code(), Some(0), "{log}");
    let receipt = env.wait_for_end();
    assert_eq!(receipt["state"], "succeeded", "{receipt:#}\n{log}");
    let id = receipt["id"].as_str().expect("an id");
    let package = format!("fleet/one/{id}/package");
    let written =
        s3.requests().iter().filter(|request| **request == format!("PUT captured/{package}")).count();
    assert_eq!(written, 1, "written once: {:?}", s3.requests());
    let keys = s3.keys();
    let is_plan = |key: &String| key.starts_with(&format!("fleet/one/{id}/plan-"));
    assert!(keys.iter().any(is_plan) && !keys.contains(&package), "{keys:?}");
    assert!(!log.contains(s3::SECRET), "the secret is in the log");
}
