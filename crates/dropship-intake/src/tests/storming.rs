//! High load: many files, lost events, restarts, little capacity.

use std::collections::HashSet;

use super::*;

/// Number of files of each writer.
const FILES_PER_WRITER: usize = 500;

/// Creates files in every way: written, renamed, linked, rewritten, and in new subfolders.
fn write_files(writer: usize, dir: &Path, aside: &Path) {
    for number in 0..FILES_PER_WRITER {
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
}

/// Four writers create files in every way, while intake is stopped and started twice.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn each_package_is_admitted_once_across_restarts() {
    let folder = TestFolder::new();
    let spec = FolderSpec { poll: Duration::from_millis(200), depth: 2, ..folder.spec() };
    let root = folder.root();
    let aside = folder.dir.path().join("asides");
    fs::create_dir(&aside).unwrap();
    for writer in 0..4 {
        fs::create_dir(root.join(writer.to_string())).unwrap();
    }
    let writers: Vec<_> = (0..4)
        .map(|writer: usize| {
            let (root, aside) = (root.clone(), aside.clone());
            tokio::task::spawn_blocking(move || {
                write_files(writer, &root.join(writer.to_string()), &aside);
            })
        })
        .collect();
    for fraction in [1, 2] {
        let intake = folder.open(spec.clone()).await;
        until("part of it is admitted", || folder.receiver.admitted().len() > FILES_PER_WRITER * fraction)
            .await;
        intake.stop().await;
    }
    let intake = folder.open(spec).await;
    for writer in writers {
        writer.await.unwrap();
    }
    until("all are admitted", || folder.receiver.admitted().len() >= 4 * FILES_PER_WRITER).await;
    intake.rescan(None);
    let scans = health(&intake).scans;
    until("it is scanned twice more", || health(&intake).scans > scans + 1).await;
    assert!(folder.receiver.removed().is_empty(), "no file was removed");
    let admitted = folder.receiver.admitted();
    assert_eq!(admitted.len(), 4 * FILES_PER_WRITER, "none is admitted twice");
    assert_eq!(
        admitted.iter().collect::<HashSet<_>>().len(),
        4 * FILES_PER_WRITER,
        "each of them is admitted"
    );
    intake.stop().await;
}

/// The kernel queues 16,384 events for a reader. The reading thread is blocked until there are more.
#[tokio::test(flavor = "multi_thread")]
async fn overflow_of_the_kernel_queue_loses_no_package() {
    let limit = fs::read_to_string("/proc/sys/fs/inotify/max_queued_events").unwrap();
    // Two events for each file: created and closed.
    let file_count = limit.trim().parse::<usize>().unwrap() / 2 + 1000;
    let folder = TestFolder::new();
    let intake = folder.open(folder.spec()).await;
    let watcher = Arc::clone(&intake.folders()["audio"].context.watcher);
    let root = folder.root();
    tokio::task::spawn_blocking(move || {
        watcher.block_while(|| {
            // Other files fill the queue, so the packages that follow cause no events.
            for number in 0..file_count {
                fs::write(root.join(format!("{number}.tmp")), VALID).unwrap();
            }
            for number in 0..100 {
                fs::write(root.join(format!("{number}.cab")), VALID).unwrap();
            }
        });
    })
    .await
    .unwrap();
    until("all are admitted", || folder.receiver.admitted().len() == 100).await;
    assert!(intake.overflows() >= 1);
    assert!(health(&intake).events <= 2 * file_count as u64, "the packages caused no events");
    intake.stop().await;
}

/// More events than a folder keeps, but fewer than the kernel keeps.
#[tokio::test(flavor = "multi_thread")]
async fn burst_of_events_becomes_one_scan() {
    let folder = TestFolder::new();
    let intake = folder.open(folder.spec()).await;
    let watcher = Arc::clone(&intake.folders()["audio"].context.watcher);
    let root = folder.root();
    let write = move || {
        for number in 0..3000 {
            fs::write(root.join(format!("{number}.cab")), VALID).unwrap();
        }
    };
    tokio::task::spawn_blocking(move || watcher.block_while(write)).await.unwrap();
    until("all are admitted", || folder.receiver.admitted().len() == 3000).await;
    assert_eq!(intake.overflows(), 0);
    intake.stop().await;
}

/// Nine folders, one with a thousand files and eight with one each, and capacity for one file at a time.
#[tokio::test(flavor = "multi_thread")]
async fn flood_in_one_folder_does_not_delay_the_others() {
    let folder = TestFolder::new();
    let flood = folder.spec();
    for number in 0..1000 {
        fs::write(flood.path.join(format!("{number}.cab")), VALID).unwrap();
    }
    let calm = (0..8).map(|number| {
        let path = folder.dir.path().join(number.to_string());
        fs::create_dir(&path).unwrap();
        fs::write(path.join("a.cab"), VALID).unwrap();
        FolderSpec { name: number.to_string(), path, ..flood.clone() }
    });
    let specs: Vec<_> = [flood.clone()].into_iter().chain(calm).collect();
    let calm_admitted =
        || folder.receiver.admitted().iter().filter(|path| !path.starts_with(&flood.path)).count();
    folder.receiver.capacity.store(1, Ordering::Relaxed);
    let intake = folder.start(specs);
    for round in 1..=10 {
        // Two folders may have used the same free place at the same time.
        until("the place is used", || folder.receiver.admitted().len() >= round).await;
        until("all folders with files are queued", || {
            let queued = intake.health().iter().filter(|health| health.backpressure.is_some()).count();
            queued == 9 - calm_admitted()
        })
        .await;
        folder.receiver.capacity.fetch_add(1, Ordering::Relaxed);
    }
    assert_eq!(calm_admitted(), 8, "no folder got a second place before each had one");
    intake.stop().await;
}
