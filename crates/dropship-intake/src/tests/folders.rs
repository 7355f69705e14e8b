//! Folders that are created, deleted and replaced while they are watched.

use super::*;

async fn assert_watched(folder: &TestFolder, name: &str) {
    folder.move_in(name, VALID);
    until(name, || folder.receiver.admissions(name) == 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn missing_folder_is_degraded_until_it_exists() {
    let folder = TestFolder::new();
    fs::remove_dir(folder.root()).unwrap();
    let intake = folder.open(folder.spec()).await;
    let before = health(&intake);
    assert_eq!(before.state, FolderState::Degraded);
    assert!(before.reason.unwrap().contains("does not exist") && before.advice.is_some());
    fs::create_dir(folder.root()).unwrap();
    fs::write(folder.path("a.cab"), VALID).unwrap();
    until("the file is admitted", || folder.receiver.admissions("a.cab") == 1).await;
    until("the folder is ok", || health(&intake).state == FolderState::Ok).await;
    intake.stop().await;
    let count = |reports: &AtomicUsize| reports.load(Ordering::Relaxed);
    assert_eq!((count(&folder.events.degraded), count(&folder.events.recovered)), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn folder_that_is_deleted_and_created_again_is_watched_again() {
    let folder = TestFolder::new();
    let intake = folder.open(folder.spec()).await;
    assert_watched(&folder, "a.cab").await;
    for round in 0..3 {
        fs::remove_dir_all(folder.root()).unwrap();
        until("it is missing", || health(&intake).state == FolderState::Degraded).await;
        fs::create_dir(folder.root()).unwrap();
        intake.rescan(None);
        until("it is ok", || health(&intake).state == FolderState::Ok).await;
        assert_watched(&folder, &format!("{round}.cab")).await;
    }
    intake.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn folder_that_is_replaced_by_another_is_watched_and_the_old_one_is_not() {
    let folder = TestFolder::new();
    let intake = folder.open(folder.spec()).await;
    assert_watched(&folder, "a.cab").await;
    let (old, new) = (folder.dir.path().join("old"), folder.dir.path().join("new"));
    fs::create_dir(&new).unwrap();
    fs::write(new.join("b.cab"), VALID).unwrap();
    fs::rename(folder.root(), &old).unwrap();
    fs::rename(new, folder.root()).unwrap();
    until("the file in it is admitted", || folder.receiver.admissions("b.cab") == 1).await;
    assert_watched(&folder, "c.cab").await;
    // The kernel may still report events of the old folder.
    fs::write(old.join("d.cab"), VALID).unwrap();
    folder.flush().await;
    assert!(folder.receiver.offers("d.cab").is_empty());
    assert_eq!(health(&intake).state, FolderState::Ok);
    intake.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn replaced_configuration_starts_and_stops_only_folders_that_changed() {
    let folder = TestFolder::new();
    let (kept, other) = (folder.spec(), folder.dir.path().join("other"));
    fs::create_dir(&other).unwrap();
    let intake = folder.open(kept.clone()).await;
    let second = FolderSpec { name: "video".to_owned(), path: other.clone(), ..kept.clone() };
    intake.replace(vec![kept.clone(), second.clone()]).await.unwrap();
    fs::write(other.join("a.cab"), VALID).unwrap();
    until("the new one is watched", || folder.receiver.admitted() == [other.join("a.cab")]).await;
    assert_eq!(health(&intake).scans, 1, "the unchanged folder is not scanned again");
    let changed = FolderSpec { exclude: vec!["*.cab".to_owned()], ..second };
    intake.replace(vec![changed]).await.unwrap();
    intake.initial_scan_done().await;
    fs::write(folder.path("b.cab"), VALID).unwrap();
    fs::write(other.join("c.cab"), VALID).unwrap();
    intake.rescan(None);
    until("the changed folder is scanned", || health(&intake).scans == 2).await;
    assert_eq!((intake.health().len(), folder.receiver.admitted().len()), (1, 1));
    intake.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn replacement_with_an_invalid_glob_changes_nothing() {
    let folder = TestFolder::new();
    let intake = folder.open(folder.spec()).await;
    let invalid = FolderSpec { include: vec!["[".to_owned()], ..folder.spec() };
    assert!(intake.replace(vec![invalid]).await.is_err());
    assert_watched(&folder, "a.cab").await;
    intake.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_folders_on_one_directory_both_get_its_events() {
    let folder = TestFolder::new();
    let first = folder.spec();
    let second = FolderSpec { name: "video".to_owned(), include: vec!["*.hlkx".to_owned()], ..first.clone() };
    let intake = folder.start(vec![first.clone(), second]);
    intake.initial_scan_done().await;
    folder.move_in("a.hlkx", VALID);
    folder.move_in("b.cab", VALID);
    until("both are admitted", || folder.receiver.admitted().len() == 2).await;
    intake.replace(vec![first]).await.unwrap();
    folder.move_in("c.cab", VALID);
    until("the remaining folder still gets events", || folder.receiver.admitted().len() == 3).await;
    intake.stop().await;
}
