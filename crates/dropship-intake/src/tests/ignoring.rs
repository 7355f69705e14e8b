//! Ignored files are counted once each while they are in the folder.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use super::*;

fn spec(folder: &TestFolder) -> FolderSpec {
    let exclude = ["*.sync-conflict-*", "*conflicted copy*", "* - Copy*"].map(str::to_owned).to_vec();
    FolderSpec { exclude, ..folder.spec() }
}

fn ignored(intake: &Intake) -> (usize, Vec<PathBuf>) {
    let health = health(intake);
    (health.ignored, health.last_ignored)
}

#[tokio::test(flavor = "multi_thread")]
async fn excluded_file_is_counted_once_by_events_and_scans() {
    let folder = TestFolder::new();
    fs::write(folder.path("a - Copy.cab"), VALID).unwrap();
    let intake = folder.open(spec(&folder)).await;
    assert_eq!(ignored(&intake), (1, vec!["a - Copy.cab".into()]));
    fs::write(folder.path("b (conflicted copy).cab"), VALID).unwrap();
    until("the event is counted", || ignored(&intake).0 == 2).await;
    // Both may have been written within one tick of the file system's clock, so their order is not checked here.
    assert!(ignored(&intake).1.contains(&PathBuf::from("b (conflicted copy).cab")));
    // Written again, and seen again by two scans.
    fs::write(folder.path("a - Copy.cab"), VALID).unwrap();
    for scans in [2, 3] {
        intake.rescan(None);
        until("it is scanned", || health(&intake).scans == scans).await;
    }
    folder.flush().await;
    assert_eq!(ignored(&intake).0, 2);
    assert!(folder.receiver.offers("a - Copy.cab").is_empty());
    intake.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn removed_file_is_not_counted_any_more() {
    let folder = TestFolder::new();
    fs::write(folder.path("a - Copy.cab"), VALID).unwrap();
    fs::write(folder.path("b - Copy.cab"), VALID).unwrap();
    let intake = folder.open(spec(&folder)).await;
    fs::remove_file(folder.path("a - Copy.cab")).unwrap();
    until("the event is counted", || ignored(&intake).0 == 1).await;
    intake.folders()["audio"].context.watcher.silence(&folder.root());
    fs::remove_file(folder.path("b - Copy.cab")).unwrap();
    intake.rescan(None);
    until("the scan does not count it", || ignored(&intake).0 == 0).await;
    intake.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn temporary_or_unrelated_file_or_directory_is_not_counted() {
    let folder = TestFolder::new();
    let ready = "marker:.done".parse().unwrap();
    let include = ["*.cab", "*.done"].map(str::to_owned).to_vec();
    let intake = folder.open(FolderSpec { ready, include, ..spec(&folder) }).await;
    for name in ["a - Copy.zip", "a - Copy.cab.part", ".a - Copy.cab", "a - Copy.cab.done"] {
        fs::write(folder.path(name), VALID).unwrap();
    }
    fs::create_dir(folder.path("dir - Copy.cab")).unwrap();
    fs::write(folder.path("b - Copy.cab"), VALID).unwrap();
    intake.rescan(None);
    until("it is scanned", || health(&intake).scans == 2).await;
    assert_eq!(ignored(&intake), (1, vec!["b - Copy.cab".into()]));
    intake.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn names_are_bounded_and_relative_to_the_folder() {
    let folder = TestFolder::new();
    fs::create_dir(folder.path("sub")).unwrap();
    for number in 0..20 {
        fs::write(folder.path(&format!("sub/{number} - Copy.cab")), VALID).unwrap();
    }
    let unusual_name = OsStr::from_bytes(b"sub/\x1b[31m\xff - Copy.cab");
    fs::write(folder.root().join(unusual_name), VALID).unwrap();
    let intake = folder.open(FolderSpec { depth: 1, ..spec(&folder) }).await;
    let (count, names) = ignored(&intake);
    assert_eq!((count, names.len()), (21, FolderHealth::MAX_IGNORED_NAMES));
    assert!(names.iter().all(|name| name.starts_with("sub")), "{names:?}");
    intake.stop().await;
}
