//! Unfinished and invalid files, and when a negative verdict on them counts.

use std::io::Write;
use std::os::unix::fs::FileExt;

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn invalid_file_is_offered_at_once_and_again_when_it_has_settled() {
    let folder = TestFolder::new();
    let settle = folder.spec().settle;
    let intake = folder.open(folder.spec()).await;
    folder.move_in("bad.cab", b"broken");
    until("its verdict counts", || folder.receiver.admissions("bad.cab") == 1).await;
    let offers = folder.receiver.offers("bad.cab");
    assert_eq!(offers.iter().map(|offer| offer.file.settled).collect::<Vec<_>>(), [false, true]);
    assert!(offers[1].at - offers[0].at >= settle / 2, "{offers:?}");
    until("it does not wait any more", || health(&intake).candidates == 0).await;
    intake.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn file_that_cannot_be_read_for_a_while_is_admitted_without_a_change() {
    let folder = TestFolder::new();
    // More than the stages at which a file is offered.
    folder.receiver.failing_reads.store(6, Ordering::Relaxed);
    let intake = folder.open(folder.spec()).await;
    folder.move_in("good.cab", VALID);
    until("it is admitted", || folder.receiver.admissions("good.cab") == 1).await;
    assert_eq!(folder.receiver.offers("good.cab").len(), 7);
    intake.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn file_with_a_writer_that_pauses_is_not_offered_until_it_is_closed() {
    let folder = TestFolder::new();
    let intake = folder.open(folder.spec()).await;
    let mut writer = fs::File::create(folder.path("slow.cab")).unwrap();
    writer.write_all(b"wh").unwrap();
    until("it is a candidate", || health(&intake).candidates == 1).await;
    // Ten times `settle` pass, measured by the settling of other files, with full scans in between.
    for round in 0..10 {
        let name = format!("bad-{round}.cab");
        intake.rescan(None);
        fs::write(folder.path(&name), b"broken").unwrap();
        until("the other file has settled", || folder.receiver.admissions(&name) == 1).await;
    }
    assert!(folder.receiver.offers("slow.cab").is_empty(), "{:?}", folder.receiver.offers("slow.cab"));
    writer.write_all(b"ole at last").unwrap();
    drop(writer);
    until("it is admitted", || folder.receiver.admissions("slow.cab") == 1).await;
    assert_eq!(folder.receiver.offers("slow.cab")[0].answer, Admitted::Yes);
    intake.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn file_written_in_pieces_that_are_closed_each_is_admitted_when_complete() {
    let folder = TestFolder::new();
    // The pieces come faster than this, so the file never settles.
    let intake = folder.open(FolderSpec { settle: Duration::from_secs(3600), ..folder.spec() }).await;
    let path = folder.path("pieces.cab");
    fs::write(&path, b"w").unwrap();
    for (number, piece) in ["h", "o", "l", "e"].iter().enumerate() {
        until("the piece before is offered", || folder.receiver.offers("pieces.cab").len() > number).await;
        fs::File::options().append(true).open(&path).unwrap().write_all(piece.as_bytes()).unwrap();
    }
    until("it is admitted", || folder.receiver.admitted() == [path.clone()]).await;
    intake.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn incomplete_file_becomes_stale() {
    let folder = TestFolder::new();
    let intake = folder.open(FolderSpec { incomplete: Duration::from_millis(1500), ..folder.spec() }).await;
    folder.move_in("cut.cab", b"cut");
    until("it is admitted as truncated", || folder.receiver.admitted().len() == 1).await;
    let offers = folder.receiver.offers("cut.cab");
    let stages: Vec<_> = offers.iter().map(|offer| (offer.file.settled, offer.file.stale)).collect();
    assert_eq!(stages, [(false, false), (true, false), (true, true)]);
    intake.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn modification_times_in_the_past_or_future_do_not_end_the_wait_for_a_writer() {
    let folder = TestFolder::new();
    let intake = folder.open(folder.spec()).await;
    for (name, time) in [
        ("old.cab", std::time::UNIX_EPOCH),
        ("future.cab", std::time::SystemTime::now() + Duration::from_secs(1_000_000_000)),
    ] {
        let mut file = fs::File::create(folder.path(name)).unwrap();
        file.write_all(b"br").unwrap();
        file.set_modified(time).unwrap();
        until("it is a candidate", || health(&intake).candidates == 1).await;
        folder.flush().await;
        assert!(folder.receiver.offers(name).is_empty(), "{name} is still being written");
        file.write_all(b"oken").unwrap();
        file.set_modified(time).unwrap();
        drop(file);
        until("its verdict counts", || folder.receiver.admissions(name) == 1).await;
        fs::remove_file(folder.path("zz-last.cab")).unwrap();
        folder.receiver.received.lock().clear();
    }
    intake.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn candidate_that_is_deleted_is_forgotten() {
    let folder = TestFolder::new();
    let intake = folder.open(FolderSpec { settle: Duration::from_secs(3600), ..folder.spec() }).await;
    fs::write(folder.path("a.cab"), b"broken").unwrap();
    until("it waits", || health(&intake).candidates == 1).await;
    fs::remove_file(folder.path("a.cab")).unwrap();
    until("it is forgotten", || health(&intake).candidates == 0).await;
    intake.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn preallocated_file_is_not_offered_before_it_is_closed() {
    let folder = TestFolder::new();
    let intake = folder.open(folder.spec()).await;
    let file = fs::File::create(folder.path("a.cab")).unwrap();
    file.set_len(1 << 20).unwrap();
    file.write_all_at(VALID, 0).unwrap();
    until("it is a candidate", || health(&intake).candidates == 1).await;
    intake.rescan(None);
    until("it is scanned", || health(&intake).scans == 2).await;
    fs::write(folder.path("bad.cab"), b"broken").unwrap();
    until("another file has settled", || folder.receiver.admissions("bad.cab") == 1).await;
    assert!(folder.receiver.offers("a.cab").is_empty());
    drop(file);
    until("it is admitted", || folder.receiver.admissions("a.cab") == 1).await;
    intake.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn file_rewritten_with_its_old_time_and_size_is_offered_again() {
    let folder = TestFolder::new();
    let intake = folder.open(folder.spec()).await;
    folder.move_in("a.cab", b"whole 1");
    let time = fs::metadata(folder.path("a.cab")).unwrap().modified().unwrap();
    until("it is admitted", || folder.receiver.admissions("a.cab") == 1).await;
    let mut file = fs::File::options().write(true).open(folder.path("a.cab")).unwrap();
    file.write_all(b"whole 2").unwrap();
    file.set_modified(time).unwrap();
    drop(file);
    until("it is admitted again", || folder.receiver.admissions("a.cab") == 2).await;
    let offers = folder.receiver.offers("a.cab");
    assert_eq!(offers[0].file.identity.mtime, offers[1].file.identity.mtime);
    assert_ne!(offers[0].file.identity, offers[1].file.identity);
    intake.stop().await;
}

/// An empty file gets a minute, or `incomplete` if that is less.
#[tokio::test(flavor = "multi_thread")]
async fn empty_file_is_offered_again_only_when_it_is_stale() {
    let folder = TestFolder::new();
    let intake = folder.open(FolderSpec { incomplete: Duration::from_millis(500), ..folder.spec() }).await;
    folder.move_in("empty.cab", b"");
    until("it is admitted", || folder.receiver.admitted().len() == 1).await;
    let offers = folder.receiver.offers("empty.cab");
    let stages: Vec<_> = offers.iter().map(|offer| (offer.file.settled, offer.file.stale)).collect();
    assert_eq!(stages, [(false, false), (true, true)]);
    intake.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn file_that_is_replaced_or_removed_before_it_is_taken_is_reported_as_lost() {
    let folder = TestFolder::new();
    let intake = folder.open(FolderSpec { settle: Duration::from_secs(3600), ..folder.spec() }).await;
    let lost = || folder.events.lost.lock().clone();
    for name in ["replaced.cab", "truncated.cab", "removed.cab", "grows.cab"] {
        folder.move_in(name, b"broken");
    }
    until("they wait", || health(&intake).candidates == 4).await;
    fs::OpenOptions::new().append(true).open(folder.path("grows.cab")).unwrap().write_all(b" more").unwrap();
    folder.move_in("replaced.cab", b"another");
    until("it is replaced", || lost().len() == 1).await;
    fs::write(folder.path("truncated.cab"), b"new").unwrap();
    until("it is truncated", || lost().len() == 2).await;
    fs::remove_file(folder.path("removed.cab")).unwrap();
    until("it is removed", || lost().len() == 3).await;
    let expected = [
        ("replaced.cab", FileLoss::Overwritten),
        ("truncated.cab", FileLoss::Overwritten),
        ("removed.cab", FileLoss::Vanished),
    ];
    assert_eq!(lost(), expected.map(|(name, how)| (name.to_owned(), how)));
    intake.stop().await;
}
