//! Polled folders, where another machine may write while the times do not change. These tests run on tokio's paused clock,
//! which advances when every task waits.

use super::*;
use crate::readiness::POLLED_VERDICT;

/// Every path is on a network share.
fn nfs(_: &Path) -> std::io::Result<Option<&'static str>> {
    Ok(Some("NFS"))
}

#[tokio::test(start_paused = true)]
async fn negative_verdict_on_a_share_counts_after_a_minute() {
    let folder = TestFolder::new();
    fs::write(folder.path("bad.cab"), b"broken").unwrap();
    let intake = folder.start_on(vec![folder.spec()], nfs);
    until("the verdict counts", || folder.receiver.admissions("bad.cab") == 1).await;
    assert_eq!(health(&intake).state, FolderState::Polling);
    let offers = folder.receiver.offers("bad.cab");
    let first = offers[0].at;
    let waits: Vec<_> = offers.iter().map(|offer| (offer.at - first, offer.file.settled)).collect();
    assert!(waits.iter().all(|(wait, settled)| *settled == (*wait >= POLLED_VERDICT)), "{waits:?}");
    assert!(waits.iter().any(|(wait, _)| !wait.is_zero() && *wait < POLLED_VERDICT), "{waits:?}");
    intake.stop().await;
}

#[tokio::test(start_paused = true)]
async fn valid_file_on_a_share_is_admitted_at_once() {
    let folder = TestFolder::new();
    fs::write(folder.path("a.cab"), VALID).unwrap();
    let start = Instant::now();
    let intake = folder.start_on(vec![folder.spec()], nfs);
    until("it is admitted", || folder.receiver.admissions("a.cab") == 1).await;
    let offers = folder.receiver.offers("a.cab");
    assert!(offers.len() == 1 && offers[0].at - start < POLLED_VERDICT, "{offers:?}");
    intake.stop().await;
}

#[tokio::test(start_paused = true)]
async fn negative_verdict_on_a_share_needs_the_same_bytes_for_a_minute() {
    const WRITES: usize = 7;
    let folder = TestFolder::new();
    fs::write(folder.path("bad.cab"), b"broken").unwrap();
    folder.receiver.unseen_writes.store(WRITES, Ordering::Relaxed);
    let intake = folder.start_on(vec![folder.spec()], nfs);
    until("the verdict counts", || folder.receiver.admissions("bad.cab") == 1).await;
    let offers = folder.receiver.offers("bad.cab");
    let last_write = offers[WRITES].at;
    let admitted = offers.iter().find(|offer| offer.answer == Admitted::Yes).unwrap().at;
    assert!(admitted - last_write >= POLLED_VERDICT, "{:?}", admitted - last_write);
    intake.stop().await;
}

#[tokio::test(start_paused = true)]
async fn incomplete_file_on_a_share_is_stale_after_a_minute_at_the_earliest() {
    let folder = TestFolder::new();
    fs::write(folder.path("cut.cab"), b"cut").unwrap();
    let incomplete = Duration::from_secs(5);
    let intake = folder.start_on(vec![FolderSpec { incomplete, ..folder.spec() }], nfs);
    until("it is admitted as truncated", || folder.receiver.admissions("cut.cab") == 1).await;
    let offers = folder.receiver.offers("cut.cab");
    let waits: Vec<_> = offers.iter().map(|offer| offer.at - offers[0].at).collect();
    assert!(*waits.last().unwrap() >= POLLED_VERDICT, "{waits:?}");
    intake.stop().await;
}

#[tokio::test(start_paused = true)]
async fn negative_verdict_on_a_local_folder_counts_after_settle() {
    let folder = TestFolder::new();
    fs::write(folder.path("bad.cab"), b"broken").unwrap();
    let intake = folder.start(vec![folder.spec()]);
    until("the verdict counts", || folder.receiver.admissions("bad.cab") == 1).await;
    let offers = folder.receiver.offers("bad.cab");
    let wait = offers[1].at - offers[0].at;
    assert!(offers.len() == 2 && wait < POLLED_VERDICT, "{wait:?}");
    intake.stop().await;
}
