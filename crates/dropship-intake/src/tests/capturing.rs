//! A captured copy is complete, or there is none.

use std::os::unix::fs::{FileExt, symlink};

use super::*;

pub(super) fn found(root: &Path, name: &str) -> FoundFile {
    let path = root.join(name);
    let identity = Identity::from(&fs::symlink_metadata(&path).unwrap());
    FoundFile {
        progress: dropship_shared_folder::Progress::default(),
        folder: "audio".to_owned(),
        root: root.to_owned(),
        name: name.into(),
        path,
        identity,
        settled: false,
        stale: false,
        backlog: false,
        polled: false,
        last_sha256: None,
        sidecar: None,
    }
}

#[test]
fn copy_has_the_bytes_and_the_digest_of_the_source() {
    let dir = tempfile::tempdir().unwrap();
    let bytes: Vec<u8> = (0..1_000_003_u32).map(|n| (n % 251) as u8).collect();
    fs::write(dir.path().join("a.cab"), &bytes).unwrap();
    let to = dir.path().join("copy");
    let file = found(dir.path(), "a.cab");
    let captured = capture(&file, &to, &CaptureLimits::default(), &mut ()).unwrap();
    assert_eq!(fs::read(&to).unwrap(), bytes);
    assert_eq!(captured.sha256, <[u8; 32]>::from(Sha256::digest(&bytes)));
    assert_eq!((captured.size, captured.identity), (bytes.len() as u64, file.identity));
}

#[test]
fn existing_target_is_neither_overwritten_nor_removed() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("a.cab"), VALID).unwrap();
    fs::write(dir.path().join("copy"), b"other").unwrap();
    let result =
        capture(&found(dir.path(), "a.cab"), &dir.path().join("copy"), &CaptureLimits::default(), &mut ());
    assert!(matches!(result, Err(CaptureError::Write { .. })));
    assert_eq!(fs::read(dir.path().join("copy")).unwrap(), b"other");
}

#[test]
fn source_that_is_not_the_found_file_leaves_no_copy() {
    let dir = tempfile::tempdir().unwrap();
    let to = dir.path().join("copy");
    let path = dir.path().join("a.cab");
    fs::write(&path, b"whole 1").unwrap();
    let file = found(dir.path(), "a.cab");

    fs::write(&path, b"whole 12").unwrap();
    assert!(matches!(capture(&file, &to, &CaptureLimits::default(), &mut ()), Err(CaptureError::Changed(_))));
    fs::remove_file(&path).unwrap();
    assert!(matches!(capture(&file, &to, &CaptureLimits::default(), &mut ()), Err(CaptureError::Gone(_))));
    symlink("/etc/passwd", &path).unwrap();
    assert!(matches!(
        capture(&file, &to, &CaptureLimits::default(), &mut ()),
        Err(CaptureError::NotRegular(_))
    ));
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    assert!(matches!(
        capture(&file, &to, &CaptureLimits::default(), &mut ()),
        Err(CaptureError::NotRegular(_))
    ));
    assert!(!to.exists());
}

#[test]
fn source_that_is_written_during_the_copy_is_reported_as_changed_or_captured_consistently() {
    /// Rounds until the writer interferes at least once; usually the first few do.
    const MAX_ROUNDS: usize = 20_000;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.cab");
    let generation = |n: u8| vec![n; 300_000];
    fs::write(&path, generation(0)).unwrap();
    let stop = AtomicBool::new(false);
    let mut changed = 0;
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let file = fs::File::options().write(true).open(&path).unwrap();
            for n in (1..=200).cycle() {
                if stop.load(Ordering::Relaxed) {
                    break;
                }
                file.write_all_at(&generation(n), 0).unwrap();
            }
        });
        let to = dir.path().join("copy");
        for round in 0..MAX_ROUNDS {
            match capture(&found(dir.path(), "a.cab"), &to, &CaptureLimits::default(), &mut ()) {
                Err(CaptureError::Changed(_)) => changed += 1,
                Ok(captured) => {
                    let copy = fs::read(&to).unwrap();
                    assert_eq!(captured.sha256, <[u8; 32]>::from(Sha256::digest(&copy)));
                    fs::remove_file(&to).unwrap();
                }
                Err(other) => panic!("{other}"),
            }
            if round >= 100 && changed > 0 {
                break;
            }
        }
        stop.store(true, Ordering::Relaxed);
    });
    assert!(changed > 0, "the writer never interfered");
}
