//! Events and the offers that they cause.

use std::ffi::OsStr;
use std::io::{Read, Write};
use std::os::unix::ffi::OsStrExt;

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn valid_package_is_admitted_when_it_is_closed_moved_or_linked() {
    let folder = TestFolder::new();
    // No file settles within the test, so each is admitted because of its event.
    let intake = folder.open(FolderSpec { settle: Duration::from_secs(3600), ..folder.spec() }).await;
    fs::write(folder.path("closed.cab"), b"whole 1").unwrap();
    folder.move_in("moved.cab", b"whole 2");
    fs::write(folder.dir.path().join("elsewhere"), b"whole 3").unwrap();
    fs::hard_link(folder.dir.path().join("elsewhere"), folder.path("linked.cab")).unwrap();
    until("all three are admitted", || folder.receiver.admitted().len() == 3).await;
    let offers = folder.receiver.received.lock().clone();
    assert!(offers.iter().all(|offer| !offer.file.settled && !offer.file.backlog && !offer.file.polled));
    assert_eq!((health(&intake).scans, health(&intake).state), (1, FolderState::Ok));
    intake.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn temporary_file_is_offered_only_under_its_final_name() {
    let folder = TestFolder::new();
    let intake = folder.open(folder.spec()).await;
    for name in ["a.cab.part", ".b.cab.Xy12Zz", "~$c.cab", "d.cab.tmp"] {
        fs::write(folder.path(name), VALID).unwrap();
    }
    fs::rename(folder.path("a.cab.part"), folder.path("a.cab")).unwrap();
    folder.flush().await;
    assert_eq!(folder.receiver.admitted(), ["a.cab", "zz-last.cab"].map(|name| folder.path(name)));
    assert_eq!(folder.receiver.received.lock().len(), 2);
    intake.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn name_of_any_bytes_is_admitted() {
    let folder = TestFolder::new();
    let intake = folder.open(folder.spec()).await;
    let names = [&b"\xff\xfe\x80.cab"[..], b"new\nline.cab", b"\xc3\xbc.CAB", b"a b'\"$(x).cab"];
    for name in names {
        fs::write(folder.root().join(OsStr::from_bytes(name)), VALID).unwrap();
    }
    until("all are admitted", || folder.receiver.admitted().len() == names.len()).await;
    intake.stop().await;
}

/// 64 MiB in pieces of 64 KiB, 1,024 writes. notify 8.2 reports each of them.
#[tokio::test(flavor = "multi_thread")]
async fn large_copy_causes_two_events_and_reading_it_none() {
    let folder = TestFolder::new();
    let intake = folder.open(folder.spec()).await;
    let path = folder.path("large.cab");
    let mut file = fs::File::create(&path).unwrap();
    let piece = [b'x'; 64 * 1024];
    file.write_all(VALID).unwrap();
    for _ in 0..1024 {
        file.write_all(&piece).unwrap();
    }
    drop(file);
    until("it is admitted", || folder.receiver.admitted().len() == 1).await;
    for _ in 0..100 {
        fs::File::open(&path).unwrap().read_exact(&mut [0; 5]).unwrap();
    }
    folder.flush().await;
    let events = health(&intake).events;
    assert_eq!(events, 3, "created, closed, and the move of the last package");
    intake.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn known_file_is_offered_again_only_after_a_change() {
    let folder = TestFolder::new();
    let intake = folder.open(folder.spec()).await;
    fs::write(folder.path("a.cab"), b"whole 1").unwrap();
    until("it is admitted", || folder.receiver.admissions("a.cab") == 1).await;
    intake.rescan(Some("audio"));
    until("it is scanned again", || health(&intake).scans == 2).await;
    assert_eq!(folder.receiver.admissions("a.cab"), 1);
    // Other bytes of the same length under the same name, then the same bytes under another name.
    folder.move_in("a.cab", b"whole 2");
    until("it is offered again", || folder.receiver.admissions("a.cab") == 2).await;
    fs::rename(folder.path("a.cab"), folder.path("b.cab")).unwrap();
    until("it is offered under its new name", || folder.receiver.admissions("b.cab") == 1).await;
    intake.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rescan_of_an_unknown_folder_is_refused() {
    let folder = TestFolder::new();
    let intake = folder.open(folder.spec()).await;
    assert!(intake.rescan(Some("audio")) && intake.rescan(None) && !intake.rescan(Some("video")));
    intake.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn new_subfolder_is_scanned_and_watched_with_files_that_came_before_its_event() {
    let folder = TestFolder::new();
    let intake = folder.open(FolderSpec { depth: 3, ..folder.spec() }).await;
    for round in 0..20 {
        let deep = folder.path(&format!("{round}/b"));
        fs::create_dir_all(&deep).unwrap();
        fs::write(deep.join("a.cab"), VALID).unwrap();
        fs::write(folder.path(&format!("{round}/a.cab")), VALID).unwrap();
    }
    let too_deep = folder.path("1/2/3/4");
    fs::create_dir_all(&too_deep).unwrap();
    fs::write(too_deep.join("deep.cab"), VALID).unwrap();
    fs::create_dir(folder.path(".hidden")).unwrap();
    fs::write(folder.path(".hidden/hidden.cab"), VALID).unwrap();
    until("all are admitted", || folder.receiver.admitted().len() >= 40).await;
    // A subfolder that was moved is watched under its new name.
    fs::rename(folder.path("0"), folder.path("moved")).unwrap();
    until("its files are offered", || folder.receiver.admitted().len() >= 42).await;
    fs::write(folder.path("moved/b/later.cab"), VALID).unwrap();
    until("it is watched", || folder.receiver.admissions("later.cab") == 1).await;
    assert!(folder.receiver.offers("deep.cab").is_empty() && folder.receiver.offers("hidden.cab").is_empty());
    intake.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn file_that_changed_without_an_event_makes_its_folder_polled() {
    let folder = TestFolder::new();
    let intake = folder.open(folder.spec()).await;
    fs::write(folder.path("a.cab"), VALID).unwrap();
    let changed = Identity::from(&fs::metadata(folder.path("a.cab")).unwrap()).ctime;
    let at = |seconds: i64| FileTime { secs: changed.secs + seconds, ..changed };
    let context = Arc::clone(&intake.folders()["audio"].context);
    let detect = |since: i64, scan_started: i64| {
        crate::scan::detect_missed_event(&context, &folder.path("a.cab"), at(since), at(scan_started));
        health(&intake).state
    };
    assert_eq!(detect(0, 10), FolderState::Ok, "the file may be older than the watch");
    assert_eq!(detect(-10, 0), FolderState::Ok, "the event may be on its way");
    assert_eq!(detect(-10, 10), FolderState::Polling);
    assert!(health(&intake).reason.unwrap().contains("a.cab"));
    assert_eq!(folder.events.polled.load(Ordering::Relaxed), 1);
    intake.stop().await;
}
