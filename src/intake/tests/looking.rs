//! Full looks: what events missed, what lay there before, what is gone.

use std::os::unix::fs::symlink;

use rustix::fs::{CWD, FileType, Mode, mknodat};

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn what_lay_there_at_the_start_is_taken_oldest_first_and_marked() {
    let house = House::new();
    let spec = house.spec();
    for (name, age) in [("young.cab", 10), ("old.cab", 1000), ("middle.cab", 100)] {
        let path = house.root().join(name);
        fs::write(&path, b"whole").unwrap();
        let time = std::time::SystemTime::now() - Duration::from_secs(age);
        fs::File::options().write(true).open(&path).unwrap().set_modified(time).unwrap();
    }
    let intake = house.open(spec).await;
    let names: Vec<_> = house.desk.taken().iter().map(|path| path.file_name().unwrap().to_owned()).collect();
    assert_eq!(names, ["old.cab", "middle.cab", "young.cab"]);
    assert!(house.desk.received.lock().unwrap().iter().all(|(find, _)| find.backlog));
    fs::write(house.root().join("new.cab"), b"whole").unwrap();
    until("the new one is taken", || house.desk.took("new.cab") == 1).await;
    assert!(!house.desk.of("new.cab")[0].0.backlog);
    intake.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_poll_finds_what_no_event_told() {
    let house = House::new();
    let spec = Spec { poll: Duration::from_millis(20), ..house.spec() };
    let intake = house.open(spec).await;
    // Nobody listens any more, as on a share that another machine writes to.
    let ears = Arc::clone(&intake.running()["audio"].shared);
    let deaf = || ears.watcher.release(&ears.hints, |_| false);
    deaf();
    let before = intake.health()[0].events;
    for name in 0..20 {
        deaf();
        house.moved_in(&format!("{name}.cab"), b"whole");
    }
    until("all are taken", || house.desk.taken().len() == 20).await;
    let told = intake.health()[0].events - before;
    assert!(told < 20, "at least one was found by looking, {told} were told");
    intake.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn links_and_special_files_are_neither_offered_nor_opened() {
    let house = House::new();
    let spec = house.spec();
    let outside = house.dir.path().join("outside.cab");
    fs::write(&outside, b"whole").unwrap();
    let make = |suffix: &str| {
        symlink(&outside, house.root().join(format!("link{suffix}.cab"))).unwrap();
        symlink("nowhere", house.root().join(format!("dangling{suffix}.cab"))).unwrap();
        fs::create_dir(house.root().join(format!("dir{suffix}.cab"))).unwrap();
        let fifo = house.root().join(format!("fifo{suffix}.cab"));
        mknodat(CWD, &fifo, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
        std::os::unix::net::UnixListener::bind(house.root().join(format!("socket{suffix}.cab"))).unwrap();
    };
    make("-before");
    let intake = house.open(spec).await;
    make("-after");
    flush(&house).await;
    assert_eq!(house.desk.received.lock().unwrap().len(), 1, "the last one alone");
    assert_eq!(intake.health()[0].candidates, 0);
    intake.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_gone_is_told_after_a_complete_look() {
    let house = House::new();
    let spec = house.spec();
    fs::write(house.root().join("a.cab"), b"whole").unwrap();
    fs::write(house.root().join("b.cab"), b"whole").unwrap();
    let intake = house.open(spec).await;
    fs::remove_file(house.root().join("a.cab")).unwrap();
    intake.rescan(None);
    until("it is told", || *house.desk.gone.lock().unwrap() == [house.root().join("a.cab")]).await;
    intake.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backlog_larger_than_one_pass_is_taken_whole_and_in_order() {
    let house = House::new();
    let spec = house.spec();
    let many = list::CHUNK * 2 + 100;
    for number in 0..many {
        fs::write(house.root().join(format!("{number:06}.cab")), b"whole").unwrap();
    }
    // All of one age: the name decides.
    let time = std::time::SystemTime::now() - Duration::from_secs(1000);
    for number in 0..many {
        let path = house.root().join(format!("{number:06}.cab"));
        fs::File::options().write(true).open(path).unwrap().set_modified(time).unwrap();
    }
    let intake = house.open(spec).await;
    let taken = house.desk.taken();
    assert_eq!(taken.len(), many);
    assert!(taken.is_sorted());
    intake.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_queue_stops_intake_until_there_is_room_again() {
    let house = House::new();
    house.desk.full.store(true, Ordering::Relaxed);
    house.desk.never.store(true, Ordering::Relaxed);
    let spec = house.spec();
    fs::write(house.root().join("a.cab"), b"whole").unwrap();
    let desk: Arc<dyn Desk> = Arc::clone(&house.desk) as _;
    let intake = Intake::start(vec![spec], desk, &CancellationToken::new()).unwrap();
    until("it says so", || {
        intake.health()[0].paused.as_ref().is_some_and(|why| why.contains("queue is full"))
    })
    .await;
    fs::write(house.root().join("b.cab"), b"whole").unwrap();
    house.desk.never.store(false, Ordering::Relaxed);
    house.desk.full.store(false, Ordering::Relaxed);
    until("both are taken", || house.desk.taken().len() == 2).await;
    until("it says so", || intake.health()[0].paused.is_none()).await;
    intake.stop().await;
}
