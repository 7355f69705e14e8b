//! Folders that come, go and are replaced.

use super::*;

async fn takes(house: &House, name: &str) {
    house.moved_in(name, b"whole");
    until(name, || house.desk.took(name) == 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_folder_is_degraded_and_taken_up_when_it_comes() {
    let house = House::new();
    let spec = house.spec();
    fs::remove_dir(house.root()).unwrap();
    let intake = house.open(spec).await;
    let health = intake.health().remove(0);
    assert_eq!(health.state, State::Degraded);
    assert!(health.why.unwrap().contains("does not exist") && health.advice.is_some());
    fs::create_dir(house.root()).unwrap();
    fs::write(house.root().join("a.cab"), b"whole").unwrap();
    until("it is taken", || house.desk.taken().len() == 1).await;
    until("it is well", || intake.health()[0].state == State::Ok).await;
    intake.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_is_deleted_and_made_anew_is_watched_again() {
    let house = House::new();
    let intake = house.open(house.spec()).await;
    takes(&house, "a.cab").await;
    for round in 0..3 {
        fs::remove_dir_all(house.root()).unwrap();
        until("it is missed", || intake.health()[0].state == State::Degraded).await;
        fs::create_dir(house.root()).unwrap();
        intake.rescan(None);
        until("it is well", || intake.health()[0].state == State::Ok).await;
        takes(&house, &format!("{round}.cab")).await;
    }
    intake.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_is_replaced_by_another_is_watched_again() {
    let house = House::new();
    let intake = house.open(house.spec()).await;
    takes(&house, "a.cab").await;
    let old = house.dir.path().join("old");
    fs::create_dir(house.dir.path().join("new")).unwrap();
    fs::write(house.dir.path().join("new/b.cab"), b"whole").unwrap();
    fs::rename(house.root(), &old).unwrap();
    fs::rename(house.dir.path().join("new"), house.root()).unwrap();
    until("what came with it is taken", || house.desk.took("b.cab") == 1).await;
    takes(&house, "c.cab").await;
    // The old one is not ours any more, though the kernel may go on to tell of it.
    fs::write(old.join("d.cab"), b"whole").unwrap();
    flush(&house).await;
    assert!(house.desk.of("d.cab").is_empty());
    assert_eq!(intake.health()[0].state, State::Ok);
    intake.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn reload_starts_and_stops_what_changed_and_leaves_the_rest() {
    let house = House::new();
    let (kept, other) = (house.spec(), house.dir.path().join("other"));
    fs::create_dir(&other).unwrap();
    let intake = house.open(kept.clone()).await;
    let second = Spec { name: "video".to_owned(), path: other.clone(), ..kept.clone() };
    intake.replace(vec![kept.clone(), second.clone()]).await.unwrap();
    fs::write(other.join("a.cab"), b"whole").unwrap();
    until("the new one is watched", || house.desk.taken() == [other.join("a.cab")]).await;
    assert_eq!(intake.health()[0].looks, 1, "the old one was left in peace");
    let changed = Spec { exclude: vec!["*.cab".to_owned()], ..second };
    intake.replace(vec![changed]).await.unwrap();
    intake.first_look_done().await;
    fs::write(house.root().join("b.cab"), b"whole").unwrap();
    fs::write(other.join("c.cab"), b"whole").unwrap();
    intake.rescan(None);
    until("it was looked at", || intake.health()[0].looks == 2).await;
    assert_eq!(intake.health().len(), 1);
    assert_eq!(house.desk.taken().len(), 1);
    let bad = Spec { include: vec!["[".to_owned()], ..kept };
    assert!(intake.replace(vec![bad]).await.is_err());
    assert_eq!(intake.health().len(), 1, "nothing changed");
    intake.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_folders_on_one_directory_both_hear() {
    let house = House::new();
    let first = house.spec();
    let second = Spec { name: "video".to_owned(), include: vec!["*.hlkx".to_owned()], ..first.clone() };
    let desk: Arc<dyn Desk> = Arc::clone(&house.desk) as _;
    let intake = Intake::start(vec![first.clone(), second], desk, &CancellationToken::new()).unwrap();
    intake.first_look_done().await;
    house.moved_in("a.hlkx", b"whole");
    house.moved_in("b.cab", b"whole");
    until("both are taken", || house.desk.taken().len() == 2).await;
    intake.replace(vec![first]).await.unwrap();
    house.moved_in("c.cab", b"whole");
    until("the one that stays hears on", || house.desk.taken().len() == 3).await;
    intake.stop().await;
}
