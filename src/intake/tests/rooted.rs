//! What needs another system than the one that tests run on: small limits, mounts, no permission.
//!
//! Each test starts this test program anew under `unshare` (util-linux), in a user namespace of its
//! own, so nothing outside is touched. Where such namespaces are forbidden root is needed; so these
//! run only with `DROPSHIP_ROOT_TESTS=1` in the environment:
//!
//! ```text
//! DROPSHIP_ROOT_TESTS=1 cargo test --lib intake::tests::rooted
//! ```
//!
//! The one test that changes a limit of the whole system for some milliseconds wants
//! `DROPSHIP_ROOT_TESTS=system`, and root.

use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use super::*;

const ASKED: &str = "DROPSHIP_ROOT_TESTS";
const INSIDE: &str = "DROPSHIP_INSIDE";

/// True inside the namespace, where the test is to do its work; outside it has been done then.
fn inside(test: &str, namespaces: &str, prepare: &str) -> bool {
    if std::env::var_os(INSIDE).is_some() {
        return true;
    }
    if std::env::var_os(ASKED).is_none() {
        eprintln!("not run: set {ASKED}=1");
        return false;
    }
    let home = tempfile::tempdir().unwrap();
    let output = Command::new("unshare")
        .args(namespaces.split_whitespace())
        .args(["sh", "-ec", &format!("{prepare}\nexec \"$0\" \"$@\"")])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", &format!("intake::tests::rooted::{test}"), "--nocapture"])
        .env(INSIDE, "1")
        .env("TMPDIR", home.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let cried = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("1 passed"), "{said}\n{cried}");
    false
}

fn on_a_runtime(test: impl Future<Output = ()>) {
    tokio::runtime::Runtime::new().unwrap().block_on(test);
}

fn run(command: &str) {
    assert!(Command::new("sh").args(["-ec", command]).status().unwrap().success(), "{command}");
}

const SMALL_DISK: &str = "mount -t tmpfs -o size=1m none \"$TMPDIR\"";

#[test]
fn without_watches_folders_are_polled_and_it_says_which_limit() {
    if !inside(
        "without_watches_folders_are_polled_and_it_says_which_limit",
        "-Ur",
        "echo 1 > /proc/sys/user/max_inotify_watches",
    ) {
        return;
    }
    on_a_runtime(async {
        let house = House::new();
        let one = Spec { depth: 2, poll: Duration::from_millis(50), ..house.spec() };
        fs::create_dir(house.root().join("sub")).unwrap();
        let intake = house.open(one).await;
        let health = intake.health().remove(0);
        assert_eq!(health.state, State::Polling, "{health:?}");
        assert!(health.advice.unwrap().contains("fs.inotify.max_user_watches"));
        fs::write(house.root().join("sub/a.cab"), b"whole").unwrap();
        until("it is found by looking", || house.desk.taken().len() == 1).await;
        run("echo 100 > /proc/sys/user/max_inotify_watches");
        intake.rescan(None);
        until("it is well again", || intake.health()[0].state == State::Ok).await;
        intake.stop().await;
    });
}

#[test]
fn without_instances_folders_are_polled_and_it_says_which_limit() {
    if !inside(
        "without_instances_folders_are_polled_and_it_says_which_limit",
        "-Ur",
        "echo 0 > /proc/sys/user/max_inotify_instances",
    ) {
        return;
    }
    on_a_runtime(async {
        let house = House::new();
        let intake = house.open(Spec { poll: Duration::from_millis(50), ..house.spec() }).await;
        let health = intake.health().remove(0);
        assert_eq!(health.state, State::Polling, "{health:?}");
        assert!(health.advice.unwrap().contains("fs.inotify.max_user_instances"));
        fs::write(house.root().join("a.cab"), b"whole").unwrap();
        until("it is found by looking", || house.desk.taken().len() == 1).await;
        intake.stop().await;
    });
}

#[test]
fn an_unmounted_folder_is_degraded_and_none_of_its_files_is_gone() {
    if !inside("an_unmounted_folder_is_degraded_and_none_of_its_files_is_gone", "-Urm", "true") {
        return;
    }
    on_a_runtime(async {
        let house = House::new();
        let spec = house.spec();
        let disk = house.dir.path().join("disk");
        fs::create_dir(&disk).unwrap();
        let (root, disk) = (house.root(), disk.display().to_string());
        let mount = format!("mount --bind {disk} {}", root.display());
        run(&format!("mount -t tmpfs none {disk}; {mount}"));
        let intake = house.open(spec).await;
        fs::write(root.join("a.cab"), b"whole").unwrap();
        until("it is taken", || house.desk.taken().len() == 1).await;
        // No `rescan`: the kernel tells, or nobody does until `poll`, an hour away.
        run(&format!("umount {0}; umount {disk}", root.display()));
        until("it is missed", || intake.health()[0].state == State::Degraded).await;
        assert!(intake.health()[0].why.as_ref().unwrap().contains("mounted"), "{:?}", intake.health());
        assert!(house.desk.gone.lock().unwrap().is_empty());
        run(&format!("mount -t tmpfs none {disk}; {mount}"));
        fs::write(root.join("b.cab"), b"whole").unwrap();
        intake.rescan(None);
        until("it is well again", || intake.health()[0].state == State::Ok).await;
        until("and taken up", || house.desk.took("b.cab") == 1).await;
        fs::write(root.join("c.cab"), b"whole").unwrap();
        until("and watched", || house.desk.took("c.cab") == 1).await;
        intake.stop().await;
    });
}

#[test]
fn what_may_not_be_read_is_told_and_taken_when_it_may() {
    // Without a map of users all privileges are gone; the files are ours nonetheless.
    if !inside("what_may_not_be_read_is_told_and_taken_when_it_may", "-U", "true") {
        return;
    }
    on_a_runtime(async {
        let house = House::new();
        let intake = house.open(Spec { depth: 1, ..house.spec() }).await;
        let mode = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        let aside = house.dir.path().join("aside");
        fs::write(&aside, b"whole").unwrap();
        mode(&aside, 0o000);
        let file = house.root().join("a.cab");
        fs::rename(&aside, &file).unwrap();
        until("it is told", || intake.health()[0].state == State::Degraded).await;
        let health = intake.health().remove(0);
        assert!(health.why.unwrap().contains("a.cab") && health.advice.unwrap().contains("setfacl"));
        let find = house.desk.of("a.cab").remove(0).0;
        assert!(matches!(capture(&find, &house.dir.path().join("copy")), Err(CaptureError::Denied(_))));
        mode(&file, 0o400);
        until("it is taken", || house.desk.taken().len() == 1).await;
        until("all is well", || intake.health()[0].state == State::Ok).await;

        let sub = house.root().join("sub");
        fs::create_dir(&sub).unwrap();
        fs::write(sub.join("b.cab"), b"whole").unwrap();
        until("it is taken", || house.desk.took("b.cab") == 1).await;
        mode(&sub, 0o000);
        intake.rescan(None);
        until("it is told", || intake.health()[0].state == State::Degraded).await;
        assert!(house.desk.gone.lock().unwrap().is_empty(), "what cannot be seen is not gone");
        mode(&sub, 0o700);
        intake.rescan(None);
        until("all is well", || intake.health()[0].state == State::Ok).await;
        intake.stop().await;
    });
}

#[test]
fn a_full_disk_leaves_no_copy_and_says_what_to_do() {
    if !inside("a_full_disk_leaves_no_copy_and_says_what_to_do", "-Urm", SMALL_DISK) {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.cab");
    fs::write(&path, vec![0; 700_000]).unwrap();
    let identity = Identity::from(&fs::metadata(&path).unwrap());
    let root = dir.path().to_owned();
    let (folder, name) = ("audio".to_owned(), "a.cab".into());
    let find = Find {
        folder,
        root,
        path,
        name,
        identity,
        settled: true,
        stale: false,
        backlog: false,
        sidecar: None,
    };
    let copy = dir.path().join("copy");
    let why = capture(&find, &copy).unwrap_err();
    assert!(matches!(why, CaptureError::NoSpace(_)) && why.to_string().contains("[store] path"), "{why}");
    assert!(!copy.exists());
    let free = Free::new(dir.path(), 200_000);
    assert_eq!(free.check(0).unwrap(), Ok(()));
    assert!(free.check(700_000).unwrap().is_err());
    fs::remove_file(&find.path).unwrap();
    assert_eq!(free.check(700_000).unwrap(), Ok(()));
}

/// The limit is taken when the instance is made, so it can be put back at once.
#[test]
fn a_tiny_event_queue_loses_nothing() {
    const LIMIT: &str = "/proc/sys/fs/inotify/max_queued_events";
    if std::env::var_os(ASKED).is_none_or(|asked| asked != "system") {
        eprintln!("not run: set {ASKED}=system");
        return;
    }
    on_a_runtime(async {
        let house = House::new();
        let before = fs::read_to_string(LIMIT).unwrap();
        fs::write(LIMIT, "16").unwrap();
        let intake = house.open(house.spec()).await;
        fs::write(LIMIT, &before).unwrap();
        let root = house.root();
        let write = move |writer: usize| {
            for number in 0..1000 {
                fs::write(root.join(format!("{writer}-{number}.cab")), b"whole").unwrap();
            }
        };
        let writers = [0, 1, 2, 3].map(|writer| {
            let write = write.clone();
            tokio::task::spawn_blocking(move || write(writer))
        });
        for writer in writers {
            writer.await.unwrap();
        }
        until("all are taken", || house.desk.taken().len() == 4000).await;
        assert!(intake.overflows() > 0);
        intake.stop().await;
    });
}

/// Leases are given to a file's owner alone.
#[test]
fn files_of_others_settle_in_twice_the_time() {
    const ROOT: &str = "DROPSHIP_ROOT";
    if std::env::var_os(INSIDE).is_none() {
        if std::env::var_os(ASKED).is_none() || !rustix::process::geteuid().is_root() {
            eprintln!("not run: set {ASKED}=1, as root");
            return;
        }
        let dir = tempfile::tempdir().unwrap();
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let drop = dir.path().join("drop");
        fs::create_dir(&drop).unwrap();
        fs::write(drop.join("a.cab"), b"broken").unwrap();
        // The program may lie where others may not go.
        let program = dir.path().join("tests");
        fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
        let output = Command::new("setpriv")
            .args(["--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all"])
            .arg(&program)
            .args(["--exact", "intake::tests::rooted::files_of_others_settle_in_twice_the_time"])
            .envs([(INSIDE, "1".as_ref()), (ROOT, drop.as_os_str())])
            .current_dir("/")
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && said.contains("1 passed"), "{said}");
        return;
    }
    on_a_runtime(async {
        let house = House::new();
        let path = PathBuf::from(std::env::var_os(ROOT).unwrap());
        let file = fs::File::open(path.join("a.cab")).unwrap();
        assert_eq!(writer_present(&file), Writer::Unknown);
        let spec = Spec { path, ..house.spec() };
        let (start, settle) = (Instant::now(), spec.settle);
        let intake = house.open(spec).await;
        until("its verdict counts", || house.desk.took("a.cab") == 1).await;
        assert!(start.elapsed() >= settle * 2);
        assert_eq!(intake.health()[0].state, State::Ok);
        intake.stop().await;
    });
}
