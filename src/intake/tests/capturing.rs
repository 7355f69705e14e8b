//! Copies: whole and durable, or none.

use std::os::unix::fs::symlink;

use sha2::{Digest, Sha256};

use super::*;

fn find(root: &Path, name: &str) -> Find {
    let path = root.join(name);
    let identity = Identity::from(&fs::symlink_metadata(&path).unwrap());
    Find {
        folder: "audio".to_owned(),
        root: root.to_owned(),
        name: name.into(),
        path,
        identity,
        settled: false,
        stale: false,
        backlog: false,
        sidecar: None,
    }
}

#[test]
fn a_copy_has_the_bytes_and_the_hash_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let bytes: Vec<u8> = (0..1_000_003_u32).map(|n| (n % 251) as u8).collect();
    fs::write(dir.path().join("a.cab"), &bytes).unwrap();
    let to = dir.path().join("copy");
    let found = find(dir.path(), "a.cab");
    let captured = capture(&found, &to).unwrap();
    assert_eq!(fs::read(&to).unwrap(), bytes);
    assert_eq!(captured.sha256, <[u8; 32]>::from(Sha256::digest(&bytes)));
    assert_eq!((captured.size, captured.identity), (bytes.len() as u64, found.identity));
    // What was there before is neither overwritten nor removed.
    assert!(matches!(capture(&found, &to), Err(CaptureError::Write { .. })));
    assert_eq!(fs::read(&to).unwrap(), bytes);
}

#[test]
fn what_is_not_what_was_found_leaves_no_copy() {
    let dir = tempfile::tempdir().unwrap();
    let to = dir.path().join("copy");
    let path = dir.path().join("a.cab");
    fs::write(&path, b"whole 1").unwrap();
    let found = find(dir.path(), "a.cab");

    fs::write(&path, b"whole 12").unwrap();
    assert!(matches!(capture(&found, &to), Err(CaptureError::Changed(_))));
    fs::remove_file(&path).unwrap();
    assert!(matches!(capture(&found, &to), Err(CaptureError::Gone(_))));
    symlink("/etc/passwd", &path).unwrap();
    assert!(matches!(capture(&found, &to), Err(CaptureError::NotRegular(_))));
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    assert!(matches!(capture(&found, &to), Err(CaptureError::NotRegular(_))));
    assert!(!to.exists());
}

#[test]
fn a_source_that_is_written_to_meanwhile_is_never_captured_as_something_it_was_not() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.cab");
    let generation = |n: u8| vec![n; 300_000];
    fs::write(&path, generation(0)).unwrap();
    let enough = AtomicBool::new(false);
    let mut changed = 0;
    std::thread::scope(|scope| {
        scope.spawn(|| {
            use std::os::unix::fs::FileExt;
            let file = fs::File::options().write(true).open(&path).unwrap();
            for n in (1..=200).cycle() {
                if enough.load(Ordering::Relaxed) {
                    break;
                }
                file.write_all_at(&generation(n), 0).unwrap();
            }
        });
        for round in 0..200 {
            let to = dir.path().join(format!("copy-{round}"));
            match capture(&find(dir.path(), "a.cab"), &to) {
                Err(CaptureError::Changed(_)) => changed += 1,
                Ok(captured) => {
                    let copy = fs::read(&to).unwrap();
                    assert_eq!(captured.sha256, <[u8; 32]>::from(Sha256::digest(&copy)));
                }
                Err(other) => panic!("{other}"),
            }
        }
        enough.store(true, Ordering::Relaxed);
    });
    assert!(changed > 0, "the writer never came in between");
}
