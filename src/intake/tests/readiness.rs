//! Folders whose files are ready when something says so.

use sha2::{Digest, Sha256};

use super::*;

fn marked(house: &House, ready: &str) -> Spec {
    Spec { ready: ready.parse().unwrap(), ..house.spec() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_marker_is_waited_for_and_may_come_first() {
    let house = House::new();
    let intake = house.open(Spec { include: vec!["*".to_owned()], ..marked(&house, "marker:.done") }).await;
    fs::write(house.root().join("a.cab"), b"whole").unwrap();
    until("it waits", || intake.health()[0].candidates == 1).await;
    fs::write(house.root().join("b.cab.done"), b"").unwrap();
    intake.rescan(None);
    until("it was looked at", || intake.health()[0].looks == 2).await;
    assert!(house.desk.taken().is_empty());
    fs::write(house.root().join("a.cab.done"), b"").unwrap();
    until("the marked one is taken", || house.desk.took("a.cab") == 1).await;
    assert!(!house.desk.of("a.cab")[0].0.settled, "at once");
    // The other way round nobody knows whether the marker is of an earlier file: it must settle.
    fs::write(house.root().join("b.cab"), b"whole").unwrap();
    until("the other is taken too", || house.desk.took("b.cab") == 1).await;
    assert!(house.desk.of("b.cab")[0].0.settled);
    assert_eq!(house.desk.taken().len(), 2, "markers are no packages");
    intake.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_marker_that_no_event_told_of_is_found() {
    let house = House::new();
    let spec = Spec { poll: Duration::from_millis(20), ..marked(&house, "marker:.done") };
    let intake = house.open(spec).await;
    fs::write(house.root().join("a.cab"), b"whole").unwrap();
    until("it waits", || intake.health()[0].candidates == 1).await;
    intake.running()["audio"].shared.watcher.deafen(&house.root());
    fs::write(house.root().join("a.cab.done"), b"").unwrap();
    until("it is taken", || house.desk.taken().len() == 1).await;
    intake.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_settled_folder_offers_nothing_before() {
    let house = House::new();
    let intake = house.open(marked(&house, "settled")).await;
    fs::write(house.root().join("a.cab"), b"whole").unwrap();
    until("it is taken", || house.desk.taken().len() == 1).await;
    assert!(house.desk.of("a.cab").iter().all(|(find, _)| find.settled));
    intake.stop().await;
}

fn expected(find: &Find) -> Result<Option<[u8; 32]>, String> {
    find.sidecar.as_ref().unwrap().expected_sha256(&find.name)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sidecar_comes_with_the_file_and_its_correction_too() {
    let house = House::new();
    let spec = Spec { settle: Duration::from_secs(3600), ..marked(&house, "sidecar:.sha256") };
    let intake = house.open(spec).await;
    fs::write(house.root().join("a.cab"), b"other bytes").unwrap();
    let sum =
        |bytes: &[u8]| Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    until("it waits", || intake.health()[0].candidates == 1).await;
    // Cut short first, as a broken connection leaves it.
    house.moved_in("a.cab.sha256", &sum(b"other bytes").as_bytes()[..20]);
    until("it is offered", || house.desk.of("a.cab").len() == 1).await;
    assert!(expected(&house.desk.of("a.cab")[0].0).is_err());
    house.moved_in("a.cab.sha256", sum(b"other bytes").as_bytes());
    until("it is offered again", || {
        let offers = house.desk.of("a.cab");
        offers.last().is_some_and(|(find, _)| expected(find).is_ok_and(|sum| sum.is_some()))
    })
    .await;
    let find = house.desk.of("a.cab").pop().unwrap().0;
    let captured = capture(&find, &house.dir.path().join("copy")).unwrap();
    assert_eq!(expected(&find), Ok(Some(captured.sha256)));
    intake.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sidecar_of_any_length_is_read_up_to_its_limit() {
    let house = House::new();
    let intake = house.open(marked(&house, "sidecar:.toml")).await;
    fs::write(house.root().join("a.cab.toml"), vec![b'#'; 1 << 20]).unwrap();
    fs::write(house.root().join("a.cab"), b"whole").unwrap();
    until("it is taken", || house.desk.taken().len() == 1).await;
    let sidecar = house.desk.of("a.cab").pop().unwrap().0.sidecar.unwrap();
    assert!(sidecar.is_too_long());
    assert_eq!(sidecar.bytes.len(), Sidecar::MOST + 1);
    intake.stop().await;
}
