//! Tests that change the system: small limits, mounts, missing permissions.
//!
//! Each test starts this test program again under `unshare` (util-linux), in its own user namespace, so that nothing outside
//! is changed. Some systems allow user namespaces only for root, so these tests run only with `DROPSHIP_ROOT_TESTS=1`:
//!
//! ```text
//! DROPSHIP_ROOT_TESTS=1 cargo test -p dropship-intake rooted
//! ```
//!
//! One test changes a limit of the whole system for some milliseconds. It needs `DROPSHIP_ROOT_TESTS=system`, and root.

use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use super::*;
use crate::lease::{WriterPresence, detect_writer};

const ENABLED: &str = "DROPSHIP_ROOT_TESTS";
const INSIDE: &str = "DROPSHIP_INSIDE";

/// Returns true inside the namespace, where the test does its work. Outside, it runs the test inside and returns false.
fn inside(test: &str, namespaces: &str, prepare: &str) -> bool {
    if std::env::var_os(INSIDE).is_some() {
        return true;
    }
    if std::env::var_os(ENABLED).is_none() {
        eprintln!("not run: set {ENABLED}=1");
        return false;
    }
    let home = tempfile::tempdir().unwrap();
    let output = Command::new("unshare")
        .args(namespaces.split_whitespace())
        .args(["sh", "-ec", &format!("{prepare}\nexec \"$0\" \"$@\"")])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", &format!("tests::rooted::{test}"), "--nocapture"])
        .env(INSIDE, "1")
        .env("TMPDIR", home.path())
        .output()
        .unwrap();
    let stdout = String::from_utf8_lossy(&output.stdout);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && stdout.contains("1 passed"), "{stdout}\n{stderr}");
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
fn folder_without_watches_is_polled_and_names_the_limit() {
    if !inside(
        "folder_without_watches_is_polled_and_names_the_limit",
        "-Ur",
        "echo 1 > /proc/sys/user/max_inotify_watches",
    ) {
        return;
    }
    on_a_runtime(async {
        let folder = TestFolder::new();
        let one = FolderSpec { depth: 2, poll: Duration::from_millis(50), ..folder.spec() };
        fs::create_dir(folder.root().join("sub")).unwrap();
        let intake = folder.open(one).await;
        let before = health(&intake);
        assert_eq!(before.state, FolderState::Polling, "{before:?}");
        assert!(before.advice.unwrap().contains("fs.inotify.max_user_watches"));
        fs::write(folder.root().join("sub/a.cab"), VALID).unwrap();
        until("a scan finds it", || folder.receiver.admitted().len() == 1).await;
        run("echo 100 > /proc/sys/user/max_inotify_watches");
        intake.rescan(None);
        until("it is ok again", || health(&intake).state == FolderState::Ok).await;
        intake.stop().await;
    });
}

#[test]
fn folder_without_instances_is_polled_and_names_the_limit() {
    if !inside(
        "folder_without_instances_is_polled_and_names_the_limit",
        "-Ur",
        "echo 0 > /proc/sys/user/max_inotify_instances",
    ) {
        return;
    }
    on_a_runtime(async {
        let folder = TestFolder::new();
        let intake = folder.open(FolderSpec { poll: Duration::from_millis(50), ..folder.spec() }).await;
        let before = health(&intake);
        assert_eq!(before.state, FolderState::Polling, "{before:?}");
        assert!(before.advice.unwrap().contains("fs.inotify.max_user_instances"));
        fs::write(folder.path("a.cab"), VALID).unwrap();
        until("a scan finds it", || folder.receiver.admitted().len() == 1).await;
        assert!(folder.receiver.offers("a.cab")[0].file.polled);
        intake.stop().await;
    });
}

#[test]
fn unmounted_folder_is_degraded_and_its_files_are_not_removed() {
    if !inside("unmounted_folder_is_degraded_and_its_files_are_not_removed", "-Urm", "true") {
        return;
    }
    on_a_runtime(async {
        let folder = TestFolder::new();
        let spec = folder.spec();
        let disk = folder.dir.path().join("disk");
        fs::create_dir(&disk).unwrap();
        let (root, disk) = (folder.root(), disk.display().to_string());
        let mount = format!("mount --bind {disk} {}", root.display());
        run(&format!("mount -t tmpfs none {disk}; {mount}"));
        let intake = folder.open(spec).await;
        fs::write(root.join("a.cab"), VALID).unwrap();
        until("it is admitted", || folder.receiver.admitted().len() == 1).await;
        // No `rescan`: only the kernel's event can reveal it before `poll`, an hour away.
        run(&format!("umount {0}; umount {disk}", root.display()));
        until("it is degraded", || health(&intake).state == FolderState::Degraded).await;
        assert!(health(&intake).reason.as_ref().unwrap().contains("mounted"), "{:?}", intake.health());
        assert!(folder.receiver.removed().is_empty());
        run(&format!("mount -t tmpfs none {disk}; {mount}"));
        fs::write(root.join("b.cab"), VALID).unwrap();
        intake.rescan(None);
        until("it is ok again", || health(&intake).state == FolderState::Ok).await;
        until("its file is admitted", || folder.receiver.admissions("b.cab") == 1).await;
        fs::write(root.join("c.cab"), VALID).unwrap();
        until("it is watched", || folder.receiver.admissions("c.cab") == 1).await;
        intake.stop().await;
    });
}

/// How often the kind of a file system was asked for.
static ASKED: AtomicUsize = AtomicUsize::new(0);

#[expect(clippy::unnecessary_wraps, reason = "the type of the function")]
fn nfs_since_the_second_question(_: &Path) -> std::io::Result<Option<&'static str>> {
    Ok((ASKED.fetch_add(1, Ordering::Relaxed) > 0).then_some("NFS"))
}

#[test]
fn kind_of_file_system_is_asked_for_once_for_each_mount() {
    if !inside("kind_of_file_system_is_asked_for_once_for_each_mount", "-Urm", "true") {
        return;
    }
    on_a_runtime(async {
        let folder = TestFolder::new();
        let spec = FolderSpec { poll: Duration::from_millis(20), ..folder.spec() };
        let intake = folder.start_on(vec![spec], nfs_since_the_second_question);
        let scanned = |times| {
            let scans_before = intake.health().remove(0).scans;
            let health = || intake.health().remove(0);
            async move { until("scans", || health().scans >= scans_before + times).await }
        };
        scanned(5).await;
        assert_eq!((ASKED.load(Ordering::Relaxed), health(&intake).state), (1, FolderState::Ok));
        run(&format!("mount -t tmpfs none {}", folder.root().display()));
        scanned(5).await;
        assert_eq!((ASKED.load(Ordering::Relaxed), health(&intake).state), (2, FolderState::Polling));
        intake.stop().await;
    });
}

#[test]
fn unreadable_file_or_subfolder_is_reported_and_admitted_when_readable() {
    // Without a map of users the process has no privileges, but it still owns the files.
    if !inside("unreadable_file_or_subfolder_is_reported_and_admitted_when_readable", "-U", "true") {
        return;
    }
    on_a_runtime(async {
        let folder = TestFolder::new();
        let intake = folder.open(FolderSpec { depth: 1, ..folder.spec() }).await;
        let mode = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        let aside = folder.dir.path().join("aside");
        fs::write(&aside, VALID).unwrap();
        mode(&aside, 0o000);
        let file = folder.path("a.cab");
        fs::rename(&aside, &file).unwrap();
        until("it is reported", || health(&intake).state == FolderState::Degraded).await;
        let before = health(&intake);
        assert!(before.reason.unwrap().contains("a.cab") && before.advice.unwrap().contains("setfacl"));
        let offered = folder.receiver.offers("a.cab").remove(0).file;
        assert!(matches!(
            capture(&offered, &folder.dir.path().join("copy"), &CaptureLimits::default(), &mut ()),
            Err(CaptureError::Denied(_))
        ));
        mode(&file, 0o400);
        until("it is admitted", || folder.receiver.admitted().len() == 1).await;
        until("it is ok", || health(&intake).state == FolderState::Ok).await;

        let sub = folder.root().join("sub");
        fs::create_dir(&sub).unwrap();
        fs::write(sub.join("b.cab"), VALID).unwrap();
        until("it is admitted", || folder.receiver.admissions("b.cab") == 1).await;
        mode(&sub, 0o000);
        intake.rescan(None);
        until("it is reported", || health(&intake).state == FolderState::Degraded).await;
        assert!(folder.receiver.removed().is_empty(), "files that cannot be seen are not removed");
        mode(&sub, 0o700);
        intake.rescan(None);
        until("it is ok", || health(&intake).state == FolderState::Ok).await;
        intake.stop().await;
    });
}

#[test]
fn full_disk_leaves_no_copy_and_advises() {
    if !inside("full_disk_leaves_no_copy_and_advises", "-Urm", SMALL_DISK) {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("a.cab"), vec![1; 700_000]).unwrap();
    let copy = dir.path().join("copy");
    let error = capture(&capturing::found(dir.path(), "a.cab"), &copy, &CaptureLimits::default(), &mut ())
        .unwrap_err();
    assert!(
        matches!(error, CaptureError::NoSpace(_)) && error.to_string().contains("[store] path"),
        "{error}"
    );
    assert!(!copy.exists());
}

/// The kernel reads the limit when an instance is created, so it can be restored at once.
#[test]
fn tiny_event_queue_loses_no_package() {
    const LIMIT: &str = "/proc/sys/fs/inotify/max_queued_events";
    if std::env::var_os(ENABLED).is_none_or(|value| value != "system") {
        eprintln!("not run: set {ENABLED}=system");
        return;
    }
    on_a_runtime(async {
        let folder = TestFolder::new();
        let before = fs::read_to_string(LIMIT).unwrap();
        fs::write(LIMIT, "16").unwrap();
        let intake = folder.open(folder.spec()).await;
        fs::write(LIMIT, &before).unwrap();
        let root = folder.root();
        let write = move |writer: usize| {
            for number in 0..1000 {
                fs::write(root.join(format!("{writer}-{number}.cab")), VALID).unwrap();
            }
        };
        let writers = [0, 1, 2, 3].map(|writer| {
            let write = write.clone();
            tokio::task::spawn_blocking(move || write(writer))
        });
        for writer in writers {
            writer.await.unwrap();
        }
        until("all are admitted", || folder.receiver.admitted().len() == 4000).await;
        assert!(intake.overflows() > 0);
        intake.stop().await;
    });
}

/// The kernel grants leases to a file's owner only.
#[test]
fn file_of_another_user_settles_in_twice_the_time() {
    const ROOT: &str = "DROPSHIP_ROOT";
    if std::env::var_os(INSIDE).is_none() {
        if std::env::var_os(ENABLED).is_none() || !rustix::process::geteuid().is_root() {
            eprintln!("not run: set {ENABLED}=1, as root");
            return;
        }
        let dir = tempfile::tempdir().unwrap();
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let drop = dir.path().join("drop");
        fs::create_dir(&drop).unwrap();
        fs::write(drop.join("a.cab"), b"broken").unwrap();
        // The program may be in a directory that other users cannot read.
        let program = dir.path().join("tests");
        fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
        let output = Command::new("setpriv")
            .args(["--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all"])
            .arg(&program)
            .args(["--exact", "tests::rooted::file_of_another_user_settles_in_twice_the_time"])
            .envs([(INSIDE, "1".as_ref()), (ROOT, drop.as_os_str())])
            .current_dir("/")
            .output()
            .unwrap();
        let stdout = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && stdout.contains("1 passed"), "{stdout}");
        return;
    }
    on_a_runtime(async {
        let folder = TestFolder::new();
        let path = PathBuf::from(std::env::var_os(ROOT).unwrap());
        let file = fs::File::open(path.join("a.cab")).unwrap();
        assert_eq!(detect_writer(&file), WriterPresence::Unknown);
        let spec = FolderSpec { path, ..folder.spec() };
        let (start, settle) = (Instant::now(), spec.settle);
        let intake = folder.open(spec).await;
        until("its verdict counts", || folder.receiver.admissions("a.cab") == 1).await;
        assert!(start.elapsed() >= settle * 2);
        assert_eq!(health(&intake).state, FolderState::Ok);
        intake.stop().await;
    });
}
