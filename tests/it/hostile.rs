//! Attacks of a build job that may write to drop folder and outbox. Each is carried out by another user, so they run only as
//! root. Each ends with: nothing written outside, other folders served, SIGTERM obeyed.

use std::fs;
use std::io::Read;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command};

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::harness::{TestDaemon, TestEnv, bytes, text, usual_quirks, wait_for};

/// A uid and gid without a user: the build job.
const STRANGER: u32 = 61_236;

fn not_root() -> bool {
    let lacks = std::env::var_os("DROPSHIP_ROOT_TESTS").is_none();
    if lacks {
        eprintln!("not run: it acts as another user, which needs root; set DROPSHIP_ROOT_TESTS=1");
    }
    lacks
}

/// A daemon's environment in which the build job may write to the drop folder `in` and add names to its outbox. The folder
/// `quiet` is not attacked.
fn attacked(more: &str) -> TestEnv {
    let quiet = "[[folder]]\nname = \"quiet\"\npath = \"quiet\"\noutbox = \"quiet-out\"\nsettle = \"200ms\"\npoll = \"1s\"\n";
    let env = TestEnv::with(usual_quirks(), &format!("{quiet}{more}"));
    let mode = |name: &str, mode: u32| {
        let path = env.path(name);
        fs::create_dir_all(&path).expect("a folder");
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("a mode");
    };
    mode("", 0o755);
    mode("drop", 0o777);
    mode("out", 0o1777);
    mode("quiet", 0o755);
    mode("outside", 0o777);
    fs::write(env.path("outside/file"), "untouched").expect("a file");
    fs::set_permissions(env.path("outside/file"), fs::Permissions::from_mode(0o666)).expect("a mode");
    env
}

/// A shell of the build job, in the environment's folder.
fn shell(env: &TestEnv, script: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", script]).current_dir(env.folder.path()).uid(STRANGER).gid(STRANGER);
    command
}

fn attack(env: &TestEnv, script: &str) {
    let output = shell(env, &format!("set -e; {script}")).output().expect("a shell");
    assert!(output.status.success(), "{script}: {}", text(&output.stderr));
}

fn sha8(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().take(4).map(|byte| format!("{byte:02x}")).collect()
}

/// The jobs, by package name.
fn job(env: &TestEnv, package: &str) -> Option<Value> {
    let output = env.run(&["--json", "jobs"]);
    let jobs: Value = serde_json::from_slice(&output.stdout).ok()?;
    jobs.as_array()?.iter().find(|job| job["package"] == package).cloned()
}

fn wait_for_state(env: &TestEnv, package: &str, state: &str) -> Value {
    wait_for(&format!("{package} to be {state}"), || job(env, package).filter(|job| job["state"] == state))
        .unwrap_or_else(|| panic!("{package}: {:?}\n{}", job(env, package), env.log()))
}

/// The job with this id.
fn job_of(env: &TestEnv, id: &Value) -> Option<Value> {
    let output = env.run(&["--json", "jobs"]);
    let jobs: Value = serde_json::from_slice(&output.stdout).ok()?;
    jobs.as_array()?.iter().find(|job| job["id"] == *id).cloned()
}

/// The folder that is not attacked is served, nothing outside has changed, and the daemon ends within its drain time.
fn nothing_else_happened(env: &TestEnv, daemon: TestDaemon) {
    let quiet = bytes("cab/good-signed-ts.cab");
    let name = "quiet.cab";
    fs::write(env.path("quiet/quiet.cab.part"), &quiet).expect("written");
    fs::rename(env.path("quiet/quiet.cab.part"), env.path("quiet").join(name)).expect("renamed");
    wait_for_state(env, name, "succeeded");
    assert_eq!(fs::read(env.path("outside/file")).expect("it is there"), b"untouched");
    let outside = fs::read_dir(env.path("outside")).expect("listed").count();
    assert_eq!(outside, 1, "nothing was created outside");
    assert_eq!(daemon.terminate(), Some(0), "{}", env.log());
}

#[test]
fn root_foreign_names_in_the_outbox_are_left_alone() {
    if not_root() {
        return;
    }
    let env = attacked("");
    let kinds = [
        ("link", "ln -s ../outside $P"),
        ("dangling", "ln -s ../outside/new $P"),
        ("fifo", "mkfifo $P"),
        ("file", "echo foreign > $P"),
        ("sparse", "truncate -s 100G $P"),
        ("hardlink", "echo foreign > out/one; ln out/one $P"),
        ("folder", "mkdir $P"),
        ("open", "mkdir -m 777 $P; mkfifo $P/receipt.json"),
        ("receipt-link", "mkdir -m 777 $P; ln -s ../../outside/file $P/receipt.json"),
        ("receipt-fifo", "mkdir $P; mkfifo $P/receipt.json $P/signed.zip"),
        ("receipt-sparse", "mkdir $P; truncate -s 100G $P/receipt.json"),
        ("receipt-folder", "mkdir -p $P/receipt.json/x $P/.receipt.json.part"),
    ];
    let junk = |kind: &str| format!("no cabinet: {kind}").into_bytes();
    for (kind, script) in kinds {
        let name = format!("out/{kind}-{}", sha8(&junk(kind)));
        attack(&env, &script.replace("$P", &name));
    }
    let daemon = env.daemon(&[]);
    for (kind, _) in kinds {
        env.drop_package(&format!("{kind}.cab"), &junk(kind));
    }
    for (kind, _) in kinds {
        let job = wait_for_state(&env, &format!("{kind}.cab"), "rejected");
        let folder = Path::new(job["outbox"].as_str().expect("a folder")).to_owned();
        let receipt = wait_for("the receipt", || fs::read(folder.join("receipt.json")).ok());
        let receipt: Value = serde_json::from_slice(&receipt.expect("a receipt")).expect("JSON");
        assert_eq!(receipt["id"], job["id"], "{kind}");
        let meta = fs::symlink_metadata(&folder).expect("a folder");
        assert!(meta.is_dir() && meta.uid() == 0 && meta.mode() & 0o022 == 0, "{kind}: {}", folder.display());
    }
    assert_eq!(
        env.log().matches("of the outbox is not dropship's own").count(),
        kinds.len(),
        "{}",
        env.log()
    );
    nothing_else_happened(&env, daemon);
}

#[test]
fn root_names_that_are_swapped_while_results_are_written_change_nothing_outside() {
    if not_root() {
        return;
    }
    let env = attacked("");
    // An administrator has opened the outbox after the start, so the build job can also replace the daemon's folders.
    let daemon = env.daemon(&[]);
    wait_for("the daemon", || env.log().contains("is ready").then_some(())).expect("ready");
    fs::set_permissions(env.path("out"), fs::Permissions::from_mode(0o777)).expect("a mode");
    let swap = "while :; do for f in out/*; do mv $f out/moved.$$ && ln -s ../outside $f; rm $f; mkfifo $f; rm $f; \
                mkdir $f && ln -s ../../outside/file $f/receipt.json; mv $f out/mine.$$; rm -rf out/mine.$$; \
                mv out/moved.$$ $f; done; done 2>/dev/null";
    let mut swapper = Swapper(shell(&env, swap).spawn().expect("a shell"));
    let good = bytes("cab/good-signed-ts.cab");
    env.drop_package("raced.cab", &good);
    wait_for("the job", || job(&env, "raced.cab").filter(|job| job["accepted"] == true)).expect("accepted");
    for number in 0..20 {
        env.drop_package(&format!("junk{number}.cab"), format!("no cabinet {number}").as_bytes());
    }
    for number in 0..20 {
        wait_for_state(&env, &format!("junk{number}.cab"), "rejected");
    }
    swapper.stop();
    // What was in the outbox is gone or replaced; the job may wait for the outbox, and says so.
    let state = |job: &Value| job["state"] == "succeeded" || job["error"]["kind"] == "outbox";
    wait_for("the job", || job(&env, "raced.cab").filter(state))
        .unwrap_or_else(|| panic!("{:?}\n{}", job(&env, "raced.cab"), env.log()));
    assert_eq!(fs::read(env.path("outside/file")).expect("it is there"), b"untouched");
    assert_eq!(fs::read_dir(env.path("outside")).expect("listed").count(), 1, "nothing was created outside");
    assert_eq!(daemon.terminate(), Some(0), "{}", env.log());
}

/// A loop of the build job.
struct Swapper(Child);

impl Swapper {
    fn stop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

impl Drop for Swapper {
    fn drop(&mut self) {
        self.stop();
    }
}

#[test]
fn root_receipts_of_others_are_not_recovered() {
    if not_root() {
        return;
    }
    let env = attacked("");
    let good = bytes("cab/good-signed-ts.cab");
    let sha256: String = Sha256::digest(&good).iter().map(|byte| format!("{byte:02x}")).collect();
    let forged = json!({"id": "1m846vq9nzr46c", "package": "echo.cab", "path": env.path("outside/file"), "sha256": sha256,
        "size": good.len(), "folder": "in", "rule": "ring", "accepted": true, "state": "succeeded", "step": "publish",
        "product_id": "1", "submission_id": "2", "labels": [], "files": [], "attempts": 0, "due": null,
        "error": null, "outbox": env.path("outside"), "created": "2026-01-01T00:00:00Z", "updated": "2026-01-01T00:00:00Z"});
    let forged = forged.to_string();
    attack(
        &env,
        &format!(
            "mkdir out/a out/b out/c; echo '{forged}' > out/a/receipt.json; mkfifo out/b/receipt.json; truncate -s 100G out/c/receipt.json"
        ),
    );
    // In a folder of the daemon that others could write, a receipt of theirs.
    fs::create_dir(env.path("out/d")).expect("a folder");
    fs::set_permissions(env.path("out/d"), fs::Permissions::from_mode(0o777)).expect("a mode");
    attack(&env, &format!("echo '{forged}' > out/d/receipt.json"));
    fs::create_dir(env.path("out/e")).expect("a folder");
    fs::write(env.path("out/e/receipt.json"), vec![b' '; (1 << 20) + 1]).expect("a long one");
    // The daemon's own, whose paths lead elsewhere.
    let mut own: Value = serde_json::from_str(&forged).expect("JSON");
    own["sha256"] = json!("ab".repeat(32));
    own["package"] = json!("file");
    fs::create_dir(env.path("out/own")).expect("a folder");
    fs::write(env.path("out/own/receipt.json"), own.to_string()).expect("a receipt");
    let daemon = env.daemon(&[]);
    env.drop_package("echo.cab", &good);
    wait_for_state(&env, "echo.cab", "succeeded");
    assert_eq!(env.created(), (1, 1, 1), "the forged receipts did not make it known");
    let recovered = job(&env, "file").unwrap_or_else(|| panic!("{}", env.log()));
    assert_eq!(recovered["path"], Value::Null, "{recovered}");
    assert_eq!(recovered["outbox"], json!(env.path("out/own")), "{recovered}");
    assert!(env.log().contains("recovered 1 jobs"), "{}", env.log());
    drop(fs::remove_file(env.path("drop/echo.cab")));
    assert_eq!(fs::read_dir(env.path("outside")).expect("listed").count(), 1);
    assert_eq!(daemon.terminate(), Some(0), "{}", env.log());
}

#[test]
fn root_outbox_that_others_can_write_is_a_configuration_error() {
    if not_root() {
        return;
    }
    let env = attacked("");
    for (mode, code) in [
        (0o1777, 0),
        (0o3775, 0),
        (0o2755, 0),
        (0o2750, 0),
        (0o777, 78),
        (0o2775, 78),
        (0o770, 78),
        (0o757, 78),
    ] {
        fs::set_permissions(env.path("out"), fs::Permissions::from_mode(mode)).expect("a mode");
        let output = env.run(&["check"]);
        let printed = text(&output.stdout) + &text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{mode:o}: {printed}");
        if code != 0 {
            assert!(
                printed.contains("can write to the outbox") && printed.contains("chmod 2750"),
                "{printed}"
            );
            assert_eq!(env.daemon(&[]).wait(), Some(78), "{mode:o}: {}", env.log());
        }
    }
}

#[test]
fn root_huge_sparse_files_fill_no_disk() {
    if not_root() {
        return;
    }
    let env = attacked("");
    fs::create_dir(env.path("store")).expect("a folder");
    let tmpfs = ["-t", "tmpfs", "-o", "size=400m", "tmpfs"];
    let mounted = Command::new("mount").args(tmpfs).arg(env.path("store")).status();
    assert!(mounted.expect("mount runs").success());
    let unmount = Unmount(env.path("store"));
    let daemon = env.daemon(&[]);
    let good = bytes("cab/good-signed-ts.cab");
    let hlkx = bytes("hlkx/good.hlkx");
    for (name, start) in
        [("huge.cab", &good[..]), ("long.cab", &good), ("junk.cab", b"junk"), ("head.hlkx", &hlkx)]
    {
        fs::write(env.path("outside/start"), start).expect("written");
        let size = if name == "huge.cab" { "100G" } else { "1G" };
        attack(
            &env,
            &format!(
                "cp outside/start drop/{name}.part; truncate -s {size} drop/{name}.part; mv drop/{name}.part drop/{name}"
            ),
        );
    }
    // An archive at the end of a long hole.
    attack(
        &env,
        "truncate -s 1G drop/tail.hlkx.part; cat outside/start >> drop/tail.hlkx.part; mv drop/tail.hlkx.part drop/tail.hlkx",
    );
    fs::remove_file(env.path("outside/start")).expect("removed");
    for (name, kind) in
        [("huge.cab", "too-large"), ("long.cab", "too-large"), ("tail.hlkx", "too-large"), ("junk.cab", "")]
    {
        let job = wait_for_state(&env, name, "rejected");
        assert!(kind.is_empty() || job["error"]["kind"] == kind, "{job}");
    }
    let retried = env.run(&["retry", job(&env, "huge.cab").expect("a job")["id"].as_str().expect("an id")]);
    assert!(retried.status.success(), "{}", text(&retried.stderr));
    wait_for_state(&env, "huge.cab", "rejected");
    let free = rustix::fs::statvfs(env.path("store")).expect("a disk");
    assert!(free.f_bavail * free.f_frsize > 256 << 20, "the disk was filled");
    nothing_else_happened(&env, daemon);
    drop(unmount);
}

struct Unmount(std::path::PathBuf);

impl Drop for Unmount {
    fn drop(&mut self) {
        drop(Command::new("umount").arg("-l").arg(&self.0).status());
    }
}

#[test]
fn root_file_that_is_replaced_is_neither_read_nor_removed() {
    if not_root() {
        return;
    }
    let kinds = [
        ("fifo", "mkfifo $P"),
        ("link", "ln -s ../outside/file $P"),
        ("loop", "ln -s $(basename $P) $P"),
        ("folder", "mkdir $P"),
        ("other", "echo other bytes of its own > $P"),
        ("hardlink", "echo other > drop/one; ln drop/one $P"),
        ("sparse", "truncate -s 100G $P"),
        ("nothing", "true"),
    ];
    let env = attacked("");
    let configuration = fs::read_to_string(env.path("dropship.toml")).expect("a configuration");
    let replaced = configuration.replacen("outbox = \"out\"", "outbox = \"out\"\nafter = \"delete\"", 1);
    fs::write(env.path("dropship.toml"), replaced).expect("written");
    let daemon = env.daemon(&[]);
    for (kind, _) in kinds {
        env.drop_package(&format!("{kind}.cab"), format!("no cabinet: {kind}").as_bytes());
    }
    env.drop_package("device.cab", b"no cabinet: device");
    let mut ids = Vec::new();
    for (kind, script) in kinds {
        let id = wait_for_state(&env, &format!("{kind}.cab"), "rejected")["id"].clone();
        attack(
            &env,
            &format!("rm -f drop/{kind}.cab; {}", script.replace("$P", &format!("drop/{kind}.cab"))),
        );
        let retried = env.run(&["retry", id.as_str().expect("an id")]);
        assert!(retried.status.success(), "{kind}: {}", text(&retried.stderr));
        ids.push((kind, id));
    }
    let id = wait_for_state(&env, "device.cab", "rejected")["id"].clone();
    fs::remove_file(env.path("drop/device.cab")).expect("removed");
    let zero = env.path("drop/device.cab");
    assert!(Command::new("mknod").arg(&zero).args(["c", "1", "5"]).status().expect("mknod").success());
    assert!(env.run(&["retry", id.as_str().expect("an id")]).status.success());
    ids.push(("device", id));
    // A file that was put in the place of another one may have a job of its own by now.
    for (kind, id) in ids {
        let gone = |job: &Value| job["state"] == "rejected" && job["error"]["kind"] == "gone";
        wait_for(kind, || job_of(&env, &id).filter(gone))
            .unwrap_or_else(|| panic!("{kind}: {:?}\n{}", job_of(&env, &id), env.log()));
    }
    // A package that succeeds while its name is swapped: only the file with its bytes may be deleted.
    let swap = "while :; do ln -s ../outside/file drop/x && mv -T drop/x drop/raced.cab; mkfifo drop/x && mv -T drop/x drop/raced.cab; \
                echo mine > drop/x && mv -T drop/x drop/raced.cab; ln drop/one drop/x && mv -T drop/x drop/raced.cab; done 2>/dev/null";
    env.drop_package("raced.cab", &bytes("cab/good-signed-ts.cab"));
    wait_for("the job", || job(&env, "raced.cab").filter(|job| job["accepted"] == true)).expect("accepted");
    let mut swapper = Swapper(shell(&env, swap).spawn().expect("a shell"));
    wait_for_state(&env, "raced.cab", "succeeded");
    swapper.stop();
    assert_eq!(fs::read(env.path("drop/one")).expect("it is there"), b"other\n");
    let mut mine = String::new();
    fs::File::open(env.path("drop/other.cab")).expect("there").read_to_string(&mut mine).expect("read");
    assert_eq!(mine, "other bytes of its own\n");
    nothing_else_happened(&env, daemon);
}
