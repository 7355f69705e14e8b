//! The store is lost, damaged, full, read-only, examined or moved.

use std::fs;
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::harness::{TestDaemon, TestEnv, bytes, text, wait_for};

/// An environment after one package has succeeded.
fn with_one_done() -> TestEnv {
    let env = TestEnv::new();
    env.drop_package("echo.cab", &bytes("cab/good-signed-ts.cab"));
    assert_eq!(env.daemon(&["--until-idle"]).wait(), Some(0), "{}", env.log());
    assert_eq!(env.wait_for_end()["state"], "succeeded");
    env
}

fn ready(env: &TestEnv) -> TestDaemon {
    let daemon = env.daemon(&[]);
    let answers = || std::os::unix::net::UnixStream::connect(env.path("control.sock")).ok();
    wait_for("a daemon that answers", answers).unwrap_or_else(|| panic!("{}", env.log()));
    daemon
}

fn findings(env: &TestEnv, code: i32) -> Vec<String> {
    let output = env.run(&["--json", "doctor"]);
    assert_eq!(output.status.code(), Some(code), "{}{}", text(&output.stdout), text(&output.stderr));
    let findings: Vec<Value> = serde_json::from_slice(&output.stdout).expect("JSON");
    findings.iter().map(|finding| format!("{} -> {}", finding["what"], finding["mend"])).collect()
}

#[test]
fn lost_store_is_recovered_from_receipts_without_resubmission() {
    let env = with_one_done();
    let before = env.wait_for_end();
    fs::remove_dir_all(env.path("store")).expect("lost");
    // The same bytes with another name.
    env.drop_package("echo-again.cab", &bytes("cab/good-signed-ts.cab"));
    assert_eq!(env.daemon(&["--until-idle"]).wait(), Some(0), "{}", env.log());
    assert_eq!(env.created(), (1, 1, 1));
    let jobs = env.json(&["jobs"]);
    assert_eq!(jobs.as_array().map(Vec::len), Some(1), "{jobs:#}");
    for key in ["id", "sha256", "state", "product_id", "submission_id", "labels", "files", "rule"] {
        assert_eq!(jobs[0][key], before[key], "{key}");
    }
    assert!(env.log().contains("recovered 1 job"), "{}", env.log());
}

#[test]
fn unfinished_job_of_a_lost_store_is_held() {
    let env = TestEnv::with(
        crate::harness::usual_quirks(),
        "[[rule.label]]\nname = \"later\"\nhold = true\ndestination = \"windows_update\"\naudiences = [\"Test Registry Key\"]\n[rule.label.hardware_ids]\ninclude = [\"pci\\\\*\"]\n",
    );
    env.drop_package("echo.cab", &bytes("cab/good-signed-ts.cab"));
    let daemon = env.daemon(&[]);
    let held = || env.receipts().pop().filter(|receipt| receipt["state"] == "held");
    let before = wait_for("a held job", held).unwrap_or_else(|| panic!("{}", env.log()));
    daemon.kill();
    let created = env.created();
    // The copies stay: a job can continue with its stored plan.
    fs::remove_dir_all(env.path("store/journal")).expect("lost");
    fs::remove_dir_all(env.path("store/sled")).expect("lost");
    let daemon = ready(&env);
    let id = before["id"].as_str().expect("an id");
    let job = env.json(&["show", id]);
    assert_eq!((&job["state"], &job["error"]["kind"]), (&json!("held"), &json!("recovered")), "{job:#}");
    assert_eq!(env.created(), created, "nothing is created before an operator has approved");
    assert!(env.run(&["approve", id]).status.success());
    // Held again, because of the rule's `hold`.
    let again = wait_for("the rule's own hold", || {
        let job = env.json(&["show", id]);
        (job["state"] == "held" && job["error"]["kind"] != "recovered").then_some(job)
    });
    assert!(again.is_some(), "{:#}\n{}", env.json(&["show", id]), env.log());
    assert_eq!(env.created(), created, "existing objects were not created again");
    assert_eq!(daemon.terminate(), Some(0));
}

#[test]
fn doctor_and_export_agree_with_and_without_a_daemon() {
    let env = with_one_done();
    let lines = |output: std::process::Output| -> Vec<Value> {
        assert!(output.status.success(), "{}", text(&output.stderr));
        let lines = text(&output.stdout);
        lines.lines().map(|line| serde_json::from_str(line).expect("a JSON line")).collect()
    };
    assert_eq!(findings(&env, 0), [""; 0]);
    let alone = lines(env.run(&["export"]));
    let entries: Vec<_> = alone.iter().map(|line| line["entry"].as_str().expect("an entry")).collect();
    for entry in ["snapshot", "known_file", "setting", "history"] {
        assert!(entries.contains(&entry), "{entry}: {entries:?}");
    }
    let events =
        alone.iter().filter(|line| line["entry"] == "history").flat_map(|line| line["events"].as_array());
    let events: Vec<_> = events.flatten().map(|event| event[1]["event"].as_str().expect("a name")).collect();
    assert!(
        events.contains(&"accepted") && events.contains(&"published") && events.contains(&"succeeded"),
        "{events:?}"
    );
    let daemon = ready(&env);
    assert_eq!(findings(&env, 0), [""; 0]);
    assert_eq!(lines(env.run(&["export"])), alone);
    assert_eq!(env.json(&["export"]).as_array().map(Vec::len), Some(alone.len()), "one document with --json");
    assert_eq!(daemon.terminate(), Some(0));
    assert_eq!(findings(&env, 0), [""; 0]);
}

/// The database is copied now and then, and the copy takes its place by two renames.
#[test]
fn crash_during_database_replacement_loses_nothing() {
    let env = with_one_done();
    let (sled, new, old) = (env.path("store/sled"), env.path("store/sled.new"), env.path("store/sled.old"));
    fs::rename(&sled, &old).expect("the first rename");
    fs::create_dir(&new).expect("the copy");
    let daemon = ready(&env);
    assert_eq!(env.wait_for_end()["state"], "succeeded");
    assert!(sled.join("db").exists() && !new.exists() && !old.exists());
    drop(daemon);
    assert_eq!(findings(&env, 0), [] as [String; 0]);
    assert_eq!(env.created(), (1, 1, 1));
    let put_aside = fs::read_dir(env.path("store")).expect("the store").flatten();
    assert!(
        put_aside.map(|item| item.file_name()).all(|name| !name.to_string_lossy().starts_with("damaged"))
    );
}

/// Overwrites some bytes of a file.
fn scribble(path: &Path, at: u64) {
    let mut file = fs::OpenOptions::new().write(true).open(path).expect("a file");
    file.seek(SeekFrom::Start(at)).expect("found");
    file.write_all(&[0x5a; 40]).expect("scribbled");
}

#[test]
fn doctor_reports_repairs_of_the_next_start_and_changes_nothing() {
    let env = with_one_done();
    scribble(&env.path("store/journal/00000001.jsonl"), 200);
    scribble(&env.path("store/sled/db"), 40);
    let database = fs::read(env.path("store/sled/db")).expect("the database");
    fs::create_dir(env.path("store/packages/00000000000000")).expect("a folder of no job");
    let findings = findings(&env, 1);
    let found = |what: &str| findings.iter().any(|finding| finding.contains(what));
    // Both are damaged, so the database cannot be rebuilt from the journal; an operator has to decide.
    assert!(found("00000001.jsonl at offset"), "{findings:#?}");
    assert_eq!(fs::read(env.path("store/sled/db")).expect("the database"), database);
    let names = fs::read_dir(env.path("store")).expect("the store").flatten().map(|item| item.file_name());
    let names: Vec<_> = names.map(|name| name.to_string_lossy().into_owned()).collect();
    assert!(
        !names.iter().any(|name| name.starts_with("damaged") || name.starts_with("rehearsal")),
        "{names:?}"
    );
}

#[test]
fn doctor_reports_lost_copy_changed_plan_and_stale_receipt() {
    let env = TestEnv::with(dropship_sandbox::Quirks::default(), "");
    env.drop_package("echo.cab", &bytes("cab/good-signed-ts.cab"));
    env.fault(
        &json!({"operation": "blob", "method": "PUT", "times": 1000, "action": {"kind": "drop_before"}}),
    );
    let daemon = env.daemon(&[]);
    let submission = || env.receipts().pop().filter(|receipt| receipt["step"] == "upload");
    let receipt = wait_for("an upload", submission).unwrap_or_else(|| panic!("{}", env.log()));
    daemon.kill();
    let id = receipt["id"].as_str().expect("an id");
    let copy = env.path(&format!("store/packages/{id}/package"));
    let whole = fs::read(&copy).expect("the copy");
    fs::write(&copy, b"other bytes").expect("changed");
    assert!(findings(&env, 1)[0].contains("has other bytes than the package that was inspected"));
    fs::write(&copy, &whole).expect("put back");
    let snapshot = env.path(&format!("store/packages/{id}/dossier.json"));
    let plan = fs::read(&snapshot).expect("the plan snapshot");
    fs::write(&snapshot, [&plan[..], b" "].concat()).expect("changed");
    assert!(findings(&env, 1)[0].contains("was changed after the package was accepted"));
    fs::write(&snapshot, &plan).expect("put back");
    assert_eq!(findings(&env, 0), [""; 0]);
}

#[test]
fn changed_copy_is_not_uploaded_until_it_is_restored() {
    let env = TestEnv::with(dropship_sandbox::Quirks::default(), "");
    env.drop_package("echo.cab", &bytes("cab/good-signed-ts.cab"));
    env.fault(&json!({"operation": "blob", "times": 1000, "action": {"kind": "drop_before"}}));
    let daemon = env.daemon(&[]);
    let submission = || env.receipts().pop().filter(|receipt| receipt["step"] == "upload");
    let receipt = wait_for("an upload", submission).unwrap_or_else(|| panic!("{}", env.log()));
    daemon.kill();
    env.no_faults();
    let id = receipt["id"].as_str().expect("an id").to_owned();
    let copy = env.path(&format!("store/packages/{id}/package"));
    let whole = fs::read(&copy).expect("the copy");
    let mut other = whole.clone();
    other[whole.len() / 2] ^= 1;
    fs::write(&copy, &other).expect("changed");
    let daemon = ready(&env);
    let held = |code: &str| {
        let why = |job: &Value| job["state"] == "held" && job["error"]["kind"] == code;
        let job = wait_for(code, || Some(env.json(&["show", &id])).filter(why));
        job.unwrap_or_else(|| panic!("{:#} {}", env.json(&["show", &id]), env.log()));
    };
    held("copy-changed");
    fs::remove_file(&copy).expect("removed");
    assert!(env.run(&["approve", &id]).status.success());
    held("copy-lost");
    fs::write(&copy, &whole).expect("put back");
    assert!(env.run(&["approve", &id]).status.success());
    assert_eq!(env.wait_for_end()["state"], "succeeded", "{}", env.log());
    assert_eq!(env.created(), (1, 1, 1));
    assert_eq!(daemon.terminate(), Some(0));
}

/// A small file system of its own.
struct Small(std::path::PathBuf);

impl Small {
    fn mount(at: &Path, size: &str) -> Self {
        fs::create_dir_all(at).expect("a folder");
        let options = format!("size={size}");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &options, "tmpfs"]).arg(at).status();
        assert!(mounted.expect("mount runs").success());
        Self(at.to_owned())
    }

    fn remount(&self, options: &str) {
        let done = Command::new("mount").args(["-o", &format!("remount,{options}")]).arg(&self.0).status();
        assert!(done.expect("mount runs").success());
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        drop(Command::new("umount").arg("-l").arg(&self.0).status());
    }
}

fn is_not_root() -> bool {
    let lacks = std::env::var_os("DROPSHIP_ROOT_TESTS").is_none();
    if lacks {
        eprintln!("not run: it mounts file systems, which needs root; set DROPSHIP_ROOT_TESTS=1");
    }
    lacks
}

/// A daemon with a store on a small file system, and a package whose label is not published until
/// [`next_daemon_finishes`] removes the fault.
fn waiting_to_publish() -> (TestEnv, Small, TestDaemon) {
    let env = TestEnv::new();
    let small = Small::mount(&env.path("store"), "400m");
    env.fault(
        &json!({"operation": "get_label", "times": 100_000, "action": {"kind": "status", "status": 500}}),
    );
    env.drop_package("echo.cab", &bytes("cab/good-signed-ts.cab"));
    let daemon = env.daemon(&[]);
    let labelled = || env.receipts().pop().filter(|receipt| receipt["step"] == "publish");
    wait_for("the step publish", labelled).unwrap_or_else(|| panic!("{}", env.log()));
    (env, small, daemon)
}

/// Starts another daemon after the cause is removed: the job succeeds, nothing is lost, and nothing is created twice.
fn next_daemon_finishes(env: &TestEnv) {
    env.no_faults();
    assert_eq!(env.daemon(&["--until-idle"]).wait(), Some(0), "{}", env.log());
    assert_eq!(env.wait_for_end()["state"], "succeeded", "{}", env.log());
    assert_eq!(env.created(), (1, 1, 1));
    assert_eq!(findings(env, 0), [""; 0]);
}

#[test]
fn root_full_disk_stops_neither_daemon_nor_jobs() {
    if is_not_root() {
        return;
    }
    let (env, small, daemon) = waiting_to_publish();
    let filler = small.0.join("filler");
    let fill = || {
        let mut file = fs::File::options().append(true).create(true).open(&filler).expect("a file");
        for size in [1 << 20, 4096] {
            while file.write_all(&vec![0; size]).is_ok() {}
        }
    };
    let reserve = small.0.join("reserve");
    assert!(reserve.exists());
    fill();
    // Each of these writes a line of the journal, first to the space that is allocated already, then to the reserve.
    let change_until = |released: &dyn Fn() -> bool| {
        wait_for("the disk to be full", || {
            let mut change = env.command(&["pause"]).spawn().expect("the command starts");
            wait_for("a change", || {
                (change.try_wait().expect("asked").is_some() || released()).then_some(())
            })?;
            released().then_some(change)
        })
        .unwrap_or_else(|| panic!("{}", env.log()))
    };
    drop(change_until(&|| !reserve.exists()).wait());
    assert!(env.log().contains("the space that was reserved"), "{}", env.log());
    fill();
    let mut waiting = change_until(&|| env.log().contains("its reserve is used up"));
    fs::remove_file(&filler).expect("removed");
    assert!(waiting.wait().expect("it ends").success(), "{}", env.log());
    assert!(env.run(&["resume"]).status.success(), "{}", env.log());
    env.no_faults();
    assert_eq!(env.wait_for_end()["state"], "succeeded", "{}", env.log());
    wait_for("the reserve", || reserve.exists().then_some(())).unwrap_or_else(|| panic!("{}", env.log()));
    assert_eq!(daemon.terminate(), Some(0), "{}", env.log());
    next_daemon_finishes(&env);
}

#[test]
fn root_read_only_store_is_reported_without_loss() {
    if is_not_root() {
        return;
    }
    let (env, small, daemon) = waiting_to_publish();
    daemon.kill();
    small.remount("ro");
    assert_eq!(env.daemon(&["--until-idle"]).wait(), Some(78));
    assert!(env.log().contains("[store]: cannot write to"), "{}", env.log());
    assert!(env.log().contains("Read-only file system"), "{}", env.log());
    small.remount("rw");
    next_daemon_finishes(&env);
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for item in fs::read_dir(from).expect("listed").flatten() {
        let to = to.join(item.file_name());
        if item.path().is_dir() {
            copy_folder(&item.path(), &to);
        } else {
            fs::copy(item.path(), to).expect("copied");
        }
    }
}

/// The stores of all released versions open with the same jobs and histories. `UPDATE_STORES=1` adds one of this version
/// if there is none.
#[test]
fn store_of_every_released_version_opens() {
    let stores = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/stores");
    let present = stores.join(env!("CARGO_PKG_VERSION"));
    if std::env::var_os("UPDATE_STORES").is_some() && !present.exists() {
        let env = with_one_done();
        for part in ["journal", "sled"] {
            copy_folder(&env.path("store").join(part), &present.join(part));
        }
        let jobs = serde_json::to_vec_pretty(&env.json(&["jobs"])).expect("JSON");
        fs::write(present.join("jobs.json"), jobs).expect("written");
    }
    let versions: Vec<_> = fs::read_dir(&stores).expect("stores").flatten().map(|item| item.path()).collect();
    assert!(versions.contains(&present), "there is a store of the present version");
    for version in versions {
        let env = TestEnv::new();
        for part in ["journal", "sled"] {
            copy_folder(&version.join(part), &env.path("store").join(part));
        }
        let jobs: Value =
            serde_json::from_slice(&fs::read(version.join("jobs.json")).expect("jobs")).expect("JSON");
        assert_eq!(env.json(&["jobs"]), jobs, "{}", version.display());
        let id = jobs[0]["id"].as_str().expect("an id");
        let events = env.json(&["show", id])["events"].as_array().map(Vec::len);
        assert!(events.is_some_and(|events| events > 10), "{}: {events:?}", version.display());
        // A database that is rebuilt from the journal is the same.
        fs::remove_dir_all(env.path("store/sled")).expect("lost");
        assert_eq!(env.json(&["jobs"]), jobs, "{}", version.display());
    }
}
