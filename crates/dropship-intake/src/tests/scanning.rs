//! Full scans: files that events missed, the backlog, removed files.

use std::os::unix::fs::symlink;
use std::time::SystemTime;

use rustix::fs::{CWD, FileType, Mode, mknodat};

use super::*;
use crate::scan::MAX_FOUND;

fn set_age(path: &Path, age: Duration) {
    fs::File::options().write(true).open(path).unwrap().set_modified(SystemTime::now() - age).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn backlog_is_offered_oldest_first_and_marked() {
    let folder = TestFolder::new();
    for (name, age) in [("young.cab", 10), ("old.cab", 1000), ("middle.cab", 100)] {
        fs::write(folder.path(name), VALID).unwrap();
        set_age(&folder.path(name), Duration::from_secs(age));
    }
    let intake = folder.open(folder.spec()).await;
    let admitted = folder.receiver.admitted();
    assert_eq!(admitted, ["old.cab", "middle.cab", "young.cab"].map(|name| folder.path(name)));
    assert!(folder.receiver.received.lock().iter().all(|offer| offer.file.backlog));
    fs::write(folder.path("new.cab"), VALID).unwrap();
    until("the new one is admitted", || folder.receiver.admissions("new.cab") == 1).await;
    assert!(!folder.receiver.offers("new.cab")[0].file.backlog);
    intake.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn file_without_an_event_is_found_by_the_poll() {
    let folder = TestFolder::new();
    let intake = folder.open(FolderSpec { poll: Duration::from_millis(20), ..folder.spec() }).await;
    // No subscription is left, so no event arrives, as on a share that another machine writes to.
    let context = Arc::clone(&intake.folders()["audio"].context);
    let unsubscribe = || context.watcher.release(&context.pending, |_| false);
    unsubscribe();
    let before = health(&intake).events;
    for name in 0..20 {
        unsubscribe();
        folder.move_in(&format!("{name}.cab"), VALID);
    }
    until("all are admitted", || folder.receiver.admitted().len() == 20).await;
    let events = health(&intake).events - before;
    assert!(events < 20, "at least one was found by a scan, {events} by events");
    intake.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn link_or_special_file_is_neither_offered_nor_opened() {
    let folder = TestFolder::new();
    let outside = folder.dir.path().join("outside.cab");
    fs::write(&outside, VALID).unwrap();
    let create = |suffix: &str| {
        symlink(&outside, folder.path(&format!("link{suffix}.cab"))).unwrap();
        symlink("nowhere", folder.path(&format!("dangling{suffix}.cab"))).unwrap();
        fs::create_dir(folder.path(&format!("dir{suffix}.cab"))).unwrap();
        let fifo = folder.path(&format!("fifo{suffix}.cab"));
        mknodat(CWD, &fifo, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
        std::os::unix::net::UnixListener::bind(folder.path(&format!("socket{suffix}.cab"))).unwrap();
    };
    create("-before");
    let intake = folder.open(folder.spec()).await;
    create("-after");
    folder.flush().await;
    assert_eq!(folder.receiver.received.lock().len(), 1, "only the flushed package");
    assert_eq!(health(&intake).candidates, 0);
    intake.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn removed_file_is_reported_after_a_complete_scan() {
    let folder = TestFolder::new();
    fs::write(folder.path("a.cab"), VALID).unwrap();
    fs::write(folder.path("b.cab"), VALID).unwrap();
    let intake = folder.open(folder.spec()).await;
    fs::remove_file(folder.path("a.cab")).unwrap();
    intake.rescan(None);
    until("it is reported", || folder.receiver.removed() == [folder.path("a.cab")]).await;
    intake.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn backlog_of_several_passes_is_admitted_completely_and_in_order() {
    let folder = TestFolder::new();
    let count = MAX_FOUND * 2 + 100;
    let time = SystemTime::now() - Duration::from_secs(1000);
    for number in 0..count {
        // All have the same age, so the name decides.
        let file = fs::File::create(folder.path(&format!("{number:06}.cab"))).unwrap();
        std::io::Write::write_all(&mut &file, VALID).unwrap();
        file.set_modified(time).unwrap();
    }
    let intake = folder.open(folder.spec()).await;
    let admitted = folder.receiver.admitted();
    assert_eq!(admitted.len(), count);
    assert!(admitted.is_sorted());
    intake.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn known_files_are_not_offered_again_by_a_scan() {
    let folder = TestFolder::new();
    for number in 0..100 {
        fs::write(folder.path(&format!("{number}.cab")), VALID).unwrap();
    }
    let intake = folder.open(folder.spec()).await;
    intake.rescan(None);
    until("it is scanned again", || health(&intake).scans == 2).await;
    assert_eq!(folder.receiver.received.lock().len(), 100);
    intake.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn full_queue_pauses_offers_until_there_is_capacity() {
    let folder = TestFolder::new();
    folder.receiver.is_full.store(true, Ordering::Relaxed);
    folder.receiver.must_not_receive.store(true, Ordering::Relaxed);
    fs::write(folder.path("a.cab"), VALID).unwrap();
    let intake = folder.start(vec![folder.spec()]);
    until("the folder reports the reason", || {
        health(&intake).backpressure.is_some_and(|reason| reason.contains("queue is full"))
    })
    .await;
    fs::write(folder.path("b.cab"), VALID).unwrap();
    folder.receiver.must_not_receive.store(false, Ordering::Relaxed);
    folder.receiver.is_full.store(false, Ordering::Relaxed);
    until("both are admitted", || folder.receiver.admitted().len() == 2).await;
    until("the reason is gone", || health(&intake).backpressure.is_none()).await;
    intake.stop().await;
}
