//! Events: what wakes us, how soon, and what does not.

use std::ffi::OsStr;
use std::io::{Read, Write};
use std::os::unix::ffi::OsStrExt;

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_whole_package_is_taken_when_it_is_closed_moved_or_linked() {
    let house = House::new();
    // Nothing settles: what is taken is taken at once.
    let intake = house.open(Spec { settle: Duration::from_secs(3600), ..house.spec() }).await;
    fs::write(house.root().join("closed.cab"), b"whole 1").unwrap();
    house.moved_in("moved.cab", b"whole 2");
    fs::write(house.dir.path().join("elsewhere"), b"whole 3").unwrap();
    fs::hard_link(house.dir.path().join("elsewhere"), house.root().join("linked.cab")).unwrap();
    until("all three are taken", || house.desk.taken().len() == 3).await;
    assert!(house.desk.received.lock().unwrap().iter().all(|(find, _)| !find.settled && !find.backlog));
    assert_eq!(intake.health()[0].looks, 1, "events alone did it");
    assert_eq!(intake.health()[0].state, State::Ok);
    intake.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn temporary_names_are_never_looked_at_and_their_last_name_is() {
    let house = House::new();
    let intake = house.open(house.spec()).await;
    for name in ["a.cab.part", ".b.cab.Xy12Zz", "~$c.cab", "d.cab.tmp"] {
        fs::write(house.root().join(name), b"whole").unwrap();
    }
    fs::rename(house.root().join("a.cab.part"), house.root().join("a.cab")).unwrap();
    flush(&house).await;
    assert_eq!(house.desk.taken(), ["a.cab", "zz-last.cab"].map(|name| house.root().join(name)));
    assert_eq!(house.desk.received.lock().unwrap().len(), 2);
    intake.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn names_are_bytes() {
    let house = House::new();
    let intake = house.open(house.spec()).await;
    let names = [&b"\xff\xfe\x80.cab"[..], b"new\nline.cab", b"\xc3\xbc.CAB", b"a b'\"$(x).cab"];
    for name in names {
        fs::write(house.root().join(OsStr::from_bytes(name)), b"whole").unwrap();
    }
    until("all are taken", || house.desk.taken().len() == names.len()).await;
    intake.stop().await;
}

/// A 64 MiB copy in pieces of 64 KiB, 1,000 writes: notify 8.2 would have told of each.
#[tokio::test(flavor = "multi_thread")]
async fn a_large_copy_wakes_us_a_handful_of_times_and_reading_never() {
    let house = House::new();
    let intake = house.open(house.spec()).await;
    let path = house.root().join("large.cab");
    let mut file = fs::File::create(&path).unwrap();
    let piece = [b'x'; 64 * 1024];
    file.write_all(WHOLE).unwrap();
    for _ in 0..1024 {
        file.write_all(&piece).unwrap();
    }
    drop(file);
    until("it is taken", || house.desk.taken().len() == 1).await;
    for _ in 0..100 {
        fs::File::open(&path).unwrap().read_exact(&mut [0; 5]).unwrap();
    }
    flush(&house).await;
    let events = intake.health()[0].events;
    assert!((2..=4).contains(&events), "{events} events: made and closed, and one moved here");
    intake.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_known_is_not_offered_again_and_what_changed_is() {
    let house = House::new();
    let intake = house.open(house.spec()).await;
    let path = house.root().join("a.cab");
    fs::write(&path, b"whole 1").unwrap();
    until("it is taken", || house.desk.took("a.cab") == 1).await;
    assert!(intake.rescan(Some("audio")) && !intake.rescan(Some("video")));
    until("it was looked at again", || intake.health()[0].looks == 2).await;
    assert_eq!(house.desk.took("a.cab"), 1);
    // Other bytes under the same name, of the same length; then the same bytes under another.
    house.moved_in("a.cab", b"whole 2");
    until("it is offered again", || house.desk.took("a.cab") == 2).await;
    fs::rename(&path, house.root().join("b.cab")).unwrap();
    until("it is offered under its new name", || house.desk.took("b.cab") == 1).await;
    intake.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn new_subfolders_are_seen_with_all_that_came_in_at_once() {
    let house = House::new();
    let intake = house.open(Spec { depth: 3, ..house.spec() }).await;
    for round in 0..20 {
        let deep = house.root().join(format!("{round}/b"));
        fs::create_dir_all(&deep).unwrap();
        fs::write(deep.join("a.cab"), b"whole").unwrap();
        fs::write(house.root().join(format!("{round}/a.cab")), b"whole").unwrap();
    }
    let too_deep = house.root().join("1/2/3/4");
    fs::create_dir_all(&too_deep).unwrap();
    fs::write(too_deep.join("deep.cab"), b"whole").unwrap();
    fs::create_dir(house.root().join(".hidden")).unwrap();
    fs::write(house.root().join(".hidden/hidden.cab"), b"whole").unwrap();
    until("all are taken", || house.desk.taken().len() >= 40).await;
    // A subfolder that was moved is watched under its new name.
    fs::rename(house.root().join("0"), house.root().join("moved")).unwrap();
    until("its files are offered", || house.desk.taken().len() >= 42).await;
    fs::write(house.root().join("moved/b/later.cab"), b"whole").unwrap();
    until("it is watched", || house.desk.took("later.cab") == 1).await;
    assert!(house.desk.of("deep.cab").is_empty() && house.desk.of("hidden.cab").is_empty());
    intake.stop().await;
}
