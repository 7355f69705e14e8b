//! Files that are not finished, or bad: when does that count?

use std::io::Write;

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_file_is_offered_at_once_and_again_when_it_has_settled() {
    let house = House::new();
    let spec = house.spec();
    let settle = spec.settle;
    let intake = house.open(spec).await;
    let start = Instant::now();
    house.moved_in("bad.cab", b"broken");
    until("its verdict counts", || house.desk.took("bad.cab") == 1).await;
    assert!(start.elapsed() >= settle);
    let offers = house.desk.of("bad.cab");
    assert_eq!(offers.iter().map(|(find, _)| find.settled).collect::<Vec<_>>(), [false, true]);
    assert_eq!(offers[1].1, Receipt::Taken);
    until("it waits no more", || intake.health()[0].candidates == 0).await;
    intake.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_writer_that_pauses_is_waited_for_however_long() {
    let house = House::new();
    let intake = house.open(house.spec()).await;
    let path = house.root().join("slow.cab");
    let mut writer = fs::File::create(&path).unwrap();
    writer.write_all(b"wh").unwrap();
    until("it is a candidate", || intake.health()[0].candidates == 1).await;
    // Full looks come upon it too. Ten times `settle` pass, measured by another file's settling.
    for round in 0..10 {
        let name = format!("bad-{round}.cab");
        intake.rescan(None);
        fs::write(house.root().join(&name), b"broken").unwrap();
        until("the other one has settled", || house.desk.took(&name) == 1).await;
    }
    assert!(house.desk.of("slow.cab").is_empty(), "{:?}", house.desk.of("slow.cab"));
    writer.write_all(b"ole at last").unwrap();
    drop(writer);
    until("it is taken", || house.desk.took("slow.cab") == 1).await;
    assert_eq!(house.desk.of("slow.cab")[0].1, Receipt::Taken);
    intake.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_in_pieces_by_one_that_opens_and_closes_is_taken_when_whole() {
    let house = House::new();
    // Pieces come faster than this, so nothing settles in between.
    let intake = house.open(Spec { settle: Duration::from_secs(3600), ..house.spec() }).await;
    let path = house.root().join("pieces.cab");
    fs::write(&path, b"w").unwrap();
    for (number, piece) in ["h", "o", "l", "e"].iter().enumerate() {
        until("the piece before is offered", || house.desk.of("pieces.cab").len() > number).await;
        fs::File::options().append(true).open(&path).unwrap().write_all(piece.as_bytes()).unwrap();
    }
    until("it is taken", || house.desk.taken() == [path.clone()]).await;
    intake.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_stays_short_is_stale_in_the_end() {
    let house = House::new();
    let intake = house.open(Spec { incomplete: Duration::from_millis(1500), ..house.spec() }).await;
    house.moved_in("cut.cab", b"cut");
    until("it is taken as truncated", || house.desk.taken().len() == 1).await;
    let said: Vec<_> = house.desk.of("cut.cab").iter().map(|(find, _)| (find.settled, find.stale)).collect();
    assert_eq!(said, [(false, false), (true, false), (true, true)]);
    intake.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn old_and_future_times_of_a_copy_say_nothing() {
    let house = House::new();
    let intake = house.open(house.spec()).await;
    for (name, time) in [
        ("old.cab", std::time::UNIX_EPOCH),
        ("future.cab", std::time::SystemTime::now() + Duration::from_secs(1_000_000_000)),
    ] {
        let mut file = fs::File::create(house.root().join(name)).unwrap();
        file.write_all(b"br").unwrap();
        file.set_modified(time).unwrap();
        until("it is a candidate", || intake.health()[0].candidates == 1).await;
        flush(&house).await;
        assert!(house.desk.of(name).is_empty(), "still being written");
        file.write_all(b"oken").unwrap();
        file.set_modified(time).unwrap();
        drop(file);
        until("its verdict counts", || house.desk.of(name).last().is_some_and(|(find, _)| find.settled))
            .await;
        fs::remove_file(house.root().join("zz-last.cab")).unwrap();
        house.desk.received.lock().unwrap().clear();
    }
    intake.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_vanishes_is_forgotten() {
    let house = House::new();
    let intake = house.open(Spec { settle: Duration::from_secs(3600), ..house.spec() }).await;
    fs::write(house.root().join("a.cab"), b"broken").unwrap();
    until("it waits", || intake.health()[0].candidates == 1).await;
    fs::remove_file(house.root().join("a.cab")).unwrap();
    until("it is forgotten", || intake.health()[0].candidates == 0).await;
    intake.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_preallocated_copy_is_not_offered_before_it_is_closed() {
    use std::os::unix::fs::FileExt;
    let house = House::new();
    let intake = house.open(house.spec()).await;
    let path = house.root().join("a.cab");
    let file = fs::File::create(&path).unwrap();
    file.set_len(1 << 20).unwrap();
    file.write_all_at(WHOLE, 0).unwrap();
    until("it is a candidate", || intake.health()[0].candidates == 1).await;
    intake.rescan(None);
    until("it was looked at", || intake.health()[0].looks == 2).await;
    fs::write(house.root().join("bad.cab"), b"broken").unwrap();
    until("another one has settled", || house.desk.took("bad.cab") == 1).await;
    assert!(house.desk.of("a.cab").is_empty());
    drop(file);
    until("it is taken", || house.desk.took("a.cab") == 1).await;
    intake.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_rewritten_in_place_with_its_old_time_and_size_is_another() {
    let house = House::new();
    let intake = house.open(house.spec()).await;
    let path = house.root().join("a.cab");
    house.moved_in("a.cab", b"whole 1");
    let time = fs::metadata(&path).unwrap().modified().unwrap();
    until("it is taken", || house.desk.took("a.cab") == 1).await;
    let mut file = fs::File::options().write(true).open(&path).unwrap();
    file.write_all(b"whole 2").unwrap();
    file.set_modified(time).unwrap();
    drop(file);
    until("it is taken again", || house.desk.took("a.cab") == 2).await;
    let finds = house.desk.of("a.cab");
    assert_eq!(finds[0].0.identity.mtime, finds[1].0.identity.mtime);
    assert_ne!(finds[0].0.identity, finds[1].0.identity);
    intake.stop().await;
}

/// Empty files get a minute, or `incomplete` if that is less.
#[tokio::test(flavor = "multi_thread")]
async fn an_empty_file_does_not_settle_as_others_do() {
    let house = House::new();
    let intake = house.open(Spec { incomplete: Duration::from_millis(500), ..house.spec() }).await;
    let start = Instant::now();
    house.moved_in("empty.cab", b"");
    until("it is taken in the end", || house.desk.taken().len() == 1).await;
    assert!(start.elapsed() >= Duration::from_millis(500));
    let said: Vec<_> =
        house.desk.of("empty.cab").iter().map(|(find, _)| (find.settled, find.stale)).collect();
    assert_eq!(said, [(false, false), (true, true)]);
    intake.stop().await;
}
