//! Much at once: floods, lost events, restarts, scarce room.

use std::collections::HashSet;

use super::*;

/// Four writers, all kinds of files, intake ended and begun twice meanwhile.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn each_package_is_taken_once_whatever_happens() {
    const EACH: usize = 500;
    let house = House::new();
    let spec = Spec { poll: Duration::from_millis(200), depth: 2, ..house.spec() };
    let root = house.root();
    let aside = house.dir.path().join("asides");
    fs::create_dir(&aside).unwrap();
    for writer in 0..4 {
        fs::create_dir(root.join(writer.to_string())).unwrap();
    }
    let writers: Vec<_> = (0..4)
        .map(|writer: usize| {
            let (root, aside) = (root.clone(), aside.clone());
            tokio::task::spawn_blocking(move || {
                let dir = root.join(writer.to_string());
                for number in 0..EACH {
                    let (name, bytes) = (format!("{number:04}.cab"), format!("whole {writer} {number}"));
                    let path = dir.join(&name);
                    match number % 5 {
                        0 => fs::write(&path, &bytes).unwrap(),
                        1 => {
                            fs::write(dir.join(format!("{name}.part")), &bytes).unwrap();
                            fs::rename(dir.join(format!("{name}.part")), &path).unwrap();
                        }
                        2 => {
                            let from = aside.join(format!("{writer}-{name}"));
                            fs::write(&from, &bytes).unwrap();
                            fs::hard_link(&from, &path).unwrap();
                        }
                        3 => {
                            fs::write(&path, &bytes[..3]).unwrap();
                            fs::write(&path, &bytes).unwrap();
                        }
                        _ => {
                            fs::create_dir(dir.join(number.to_string())).unwrap();
                            fs::write(dir.join(number.to_string()).join(&name), &bytes).unwrap();
                        }
                    }
                    std::os::unix::fs::symlink(&path, dir.join(format!("link-{name}"))).unwrap();
                    fs::write(dir.join(format!("temp-{name}.tmp")), "whole").unwrap();
                    fs::remove_file(dir.join(format!("temp-{name}.tmp"))).unwrap();
                }
            })
        })
        .collect();
    for fraction in [1, 2] {
        let intake = house.open(spec.clone()).await;
        until("part of it is taken", || house.desk.taken().len() > EACH * fraction).await;
        intake.stop().await;
    }
    let intake = house.open(spec).await;
    for writer in writers {
        writer.await.unwrap();
    }
    until("all of it is taken", || house.desk.taken().len() >= 4 * EACH).await;
    intake.rescan(None);
    let looks = intake.health()[0].looks;
    until("it was looked at twice more", || intake.health()[0].looks > looks + 1).await;
    assert!(house.desk.gone.lock().unwrap().is_empty(), "nothing was removed");
    let taken = house.desk.taken();
    assert_eq!(taken.len(), 4 * EACH, "none twice");
    assert_eq!(taken.iter().collect::<HashSet<_>>().len(), 4 * EACH, "and each of them");
    intake.stop().await;
}

/// The kernel keeps 16,384 events for a reader that does not read; the thread is held for so long.
#[tokio::test(flavor = "multi_thread")]
async fn an_overflow_of_the_kernels_queue_loses_nothing() {
    let limit = fs::read_to_string("/proc/sys/fs/inotify/max_queued_events").unwrap();
    // Two events for each: made, and closed.
    let many = limit.trim().parse::<usize>().unwrap() / 2 + 1000;
    let house = House::new();
    let intake = house.open(house.spec()).await;
    let watcher = Arc::clone(&intake.running()["audio"].shared.watcher);
    let root = house.root();
    tokio::task::spawn_blocking(move || {
        watcher.while_deaf(|| {
            // Others' files fill the queue, and the packages come when it is full: nothing tells of them.
            for number in 0..many {
                fs::write(root.join(format!("{number}.tmp")), b"whole").unwrap();
            }
            for number in 0..100 {
                fs::write(root.join(format!("{number}.cab")), b"whole").unwrap();
            }
        });
    })
    .await
    .unwrap();
    until("all are taken", || house.desk.taken().len() == 100).await;
    assert!(intake.overflows() >= 1);
    assert!(intake.health()[0].events <= 2 * many as u64, "no event told of the packages");
    intake.stop().await;
}

/// More hints than are kept, none lost by the kernel.
#[tokio::test(flavor = "multi_thread")]
async fn a_burst_of_events_becomes_one_look() {
    let house = House::new();
    let intake = house.open(house.spec()).await;
    let watcher = Arc::clone(&intake.running()["audio"].shared.watcher);
    let root = house.root();
    let write = move || {
        for number in 0..3000 {
            fs::write(root.join(format!("{number}.cab")), b"whole").unwrap();
        }
    };
    tokio::task::spawn_blocking(move || watcher.while_deaf(write)).await.unwrap();
    until("all are taken", || house.desk.taken().len() == 3000).await;
    assert_eq!(intake.overflows(), 0);
    intake.stop().await;
}

/// Nine folders, one with a thousand files and eight with one each, and room for one file at a time.
#[tokio::test(flavor = "multi_thread")]
async fn a_flood_in_one_folder_leaves_room_for_the_others() {
    let house = House::new();
    let flood = house.spec();
    for number in 0..1000 {
        fs::write(flood.path.join(format!("{number}.cab")), b"whole").unwrap();
    }
    let calm = (0..8).map(|number| {
        let path = house.dir.path().join(number.to_string());
        fs::create_dir(&path).unwrap();
        fs::write(path.join("a.cab"), b"whole").unwrap();
        Spec { name: number.to_string(), path, ..flood.clone() }
    });
    let specs: Vec<_> = [flood.clone()].into_iter().chain(calm).collect();
    let calm_taken = || house.desk.taken().iter().filter(|path| !path.starts_with(&flood.path)).count();
    house.desk.places.store(1, Ordering::Relaxed);
    let desk: Arc<dyn Desk> = Arc::clone(&house.desk) as _;
    let intake = Intake::start(specs, desk, &CancellationToken::new()).unwrap();
    for round in 1..=10 {
        // Two may have asked for one place at once.
        until("the place is taken", || house.desk.taken().len() >= round).await;
        until("all that have files stand in line", || {
            let waits = intake.health().iter().filter(|health| health.paused.is_some()).count();
            waits == 9 - calm_taken()
        })
        .await;
        house.desk.places.fetch_add(1, Ordering::Relaxed);
    }
    assert_eq!(calm_taken(), 8, "nobody got two places before everybody had one");
    intake.stop().await;
}
