//! Folders whose files are complete when a marker or sidecar is beside them.

use super::*;

fn spec(folder: &TestFolder, ready: &str) -> FolderSpec {
    FolderSpec { ready: ready.parse().unwrap(), ..folder.spec() }
}

#[tokio::test(flavor = "multi_thread")]
async fn file_is_admitted_at_once_when_its_marker_comes() {
    let folder = TestFolder::new();
    let include = vec!["*".to_owned()];
    let intake = folder.open(FolderSpec { include, ..spec(&folder, "marker:.done") }).await;
    fs::write(folder.path("a.cab"), VALID).unwrap();
    until("it waits", || health(&intake).candidates == 1).await;
    assert!(folder.receiver.offers("a.cab").is_empty());
    fs::write(folder.path("a.cab.done"), b"").unwrap();
    until("it is admitted", || folder.receiver.admissions("a.cab") == 1).await;
    assert!(!folder.receiver.offers("a.cab")[0].file.settled);
    assert!(folder.receiver.offers("a.cab.done").is_empty(), "a marker is not a package");
    intake.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn file_that_comes_after_its_marker_has_to_settle() {
    let folder = TestFolder::new();
    let intake = folder.open(spec(&folder, "marker:.done")).await;
    // The marker may be that of an earlier file of this name.
    fs::write(folder.path("b.cab.done"), b"").unwrap();
    fs::write(folder.path("b.cab"), VALID).unwrap();
    until("it is admitted", || folder.receiver.admissions("b.cab") == 1).await;
    let marker = Identity::from(&fs::metadata(folder.path("b.cab.done")).unwrap());
    let file = Identity::from(&fs::metadata(folder.path("b.cab")).unwrap());
    // On a file system with coarse times both may be equal, which counts as the marker of this file.
    assert!(folder.receiver.offers("b.cab")[0].file.settled || marker.ctime == file.ctime);
    intake.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn marker_without_an_event_is_found_by_the_poll() {
    let folder = TestFolder::new();
    let poll = Duration::from_millis(20);
    let intake = folder.open(FolderSpec { poll, ..spec(&folder, "marker:.done") }).await;
    fs::write(folder.path("a.cab"), VALID).unwrap();
    until("it waits", || health(&intake).candidates == 1).await;
    intake.folders()["audio"].context.watcher.silence(&folder.root());
    fs::write(folder.path("a.cab.done"), b"").unwrap();
    until("it is admitted", || folder.receiver.admitted().len() == 1).await;
    intake.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn folder_with_ready_settled_offers_only_settled_files() {
    let folder = TestFolder::new();
    let intake = folder.open(spec(&folder, "settled")).await;
    fs::write(folder.path("a.cab"), VALID).unwrap();
    until("it is admitted", || folder.receiver.admitted().len() == 1).await;
    assert!(folder.receiver.offers("a.cab").iter().all(|offer| offer.file.settled));
    intake.stop().await;
}

fn expected(file: &FoundFile) -> Result<Option<[u8; 32]>, String> {
    file.sidecar.as_ref().unwrap().expected_sha256(&file.name)
}

#[tokio::test(flavor = "multi_thread")]
async fn file_is_offered_again_when_its_sidecar_is_corrected() {
    let folder = TestFolder::new();
    let settle = Duration::from_secs(3600);
    let intake = folder.open(FolderSpec { settle, ..spec(&folder, "sidecar:.sha256") }).await;
    fs::write(folder.path("a.cab"), b"other bytes").unwrap();
    let sum: String = Sha256::digest(b"other bytes").iter().map(|byte| format!("{byte:02x}")).collect();
    until("it waits", || health(&intake).candidates == 1).await;
    // Cut short first, as a broken connection leaves it.
    folder.move_in("a.cab.sha256", &sum.as_bytes()[..20]);
    until("it is offered", || folder.receiver.offers("a.cab").len() == 1).await;
    assert!(expected(&folder.receiver.offers("a.cab")[0].file).is_err());
    folder.move_in("a.cab.sha256", sum.as_bytes());
    until("it is offered with the correct sidecar", || {
        let offers = folder.receiver.offers("a.cab");
        offers.last().is_some_and(|offer| expected(&offer.file).is_ok_and(|sum| sum.is_some()))
    })
    .await;
    let file = folder.receiver.offers("a.cab").pop().unwrap().file;
    let captured =
        capture(&file, &folder.dir.path().join("copy"), &CaptureLimits::default(), &mut ()).unwrap();
    assert_eq!(expected(&file), Ok(Some(captured.sha256)));
    intake.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn oversized_sidecar_is_read_up_to_its_limit() {
    let folder = TestFolder::new();
    let intake = folder.open(spec(&folder, "sidecar:.toml")).await;
    fs::write(folder.path("a.cab.toml"), vec![b'#'; 1 << 20]).unwrap();
    fs::write(folder.path("a.cab"), VALID).unwrap();
    until("it is admitted", || folder.receiver.admitted().len() == 1).await;
    let sidecar = folder.receiver.offers("a.cab").pop().unwrap().file.sidecar.unwrap();
    assert!(sidecar.is_too_long());
    assert_eq!(sidecar.bytes.len(), Sidecar::MAX_BYTES + 1);
    intake.stop().await;
}
