//! An inspection with a preview finds what one without finds, and reads little of the package.

use std::fs::File;
use std::path::Path;

use super::cabinets::{cabinet, driver, unsigned_policy};
use super::{fixture, policy};
use crate::budget::Work;
use crate::inspect::inspect_previewed_counted;
use crate::{Cancellation, Inspection, Kind, Policy, Preview, Previewed};

/// What a preview of the file computes, from chunks of this size.
fn previewed(path: &Path, kind: Kind, chunk: usize) -> Previewed {
    let (file, bytes) = (File::open(path).unwrap(), std::fs::read(path).unwrap());
    let Ok(mut preview) = Preview::begin(&file, bytes.len() as u64, kind, &Cancellation::default()) else {
        return Previewed::default();
    };
    bytes.chunks(chunk).for_each(|chunk| preview.update(chunk));
    preview.finish()
}

fn inspected(path: &Path, kind: Kind, policy: &Policy, previewed: &Previewed) -> (Inspection, Work) {
    inspect_previewed_counted(&File::open(path).unwrap(), kind, policy, previewed).unwrap()
}

#[test]
fn preview_changes_no_verdict_finding_or_fact_of_the_corpus() {
    let mut packages = 0;
    for (folder, kind) in [("cab", Kind::Cab), ("hlkx", Kind::Hlkx)] {
        for item in std::fs::read_dir(fixture(folder)).unwrap() {
            let path = item.unwrap().path();
            let expected = inspected(&path, kind, &policy(), &Previewed::default()).0;
            for chunk in [1, 1000, 1 << 18] {
                let found = inspected(&path, kind, &policy(), &previewed(&path, kind, chunk)).0;
                assert_eq!(found, expected, "{} in chunks of {chunk}", path.display());
            }
            packages += 1;
        }
    }
    assert!(packages > 25, "{packages}");
}

#[test]
fn inspection_with_a_preview_reads_little_of_a_large_package() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("large.cab");
    let mut files = driver("Drv", super::cabinets::INF);
    files.insert(0, ("Drv/first.bin".to_owned(), vec![7; 3 << 20]));
    files.push(("Drv/last.bin".to_owned(), vec![7; 3 << 20]));
    std::fs::write(&path, cabinet(&files)).unwrap();
    let length = std::fs::metadata(&path).unwrap().len();
    let (expected, whole) = inspected(&path, Kind::Cab, &unsigned_policy(), &Previewed::default());
    let previewed = previewed(&path, Kind::Cab, 1 << 18);
    let (found, rest) = inspected(&path, Kind::Cab, &unsigned_policy(), &previewed);
    assert_eq!(found, expected);
    assert!(found.facts.unwrap().content_sha256.is_some());
    assert!(whole.read > length && rest.read < length / 100, "{whole:?}, {rest:?}");
    let path = fixture("hlkx/good.hlkx");
    let length = std::fs::metadata(&path).unwrap().len();
    let read = |previewed| inspected(&path, Kind::Hlkx, &policy(), previewed).1.read;
    let (whole, rest) =
        (read(&Previewed::default()), read(&super::previews::previewed(&path, Kind::Hlkx, 1 << 18)));
    assert!(rest < whole, "{rest} of {whole} bytes; the package has {length}");
}

#[test]
fn preview_of_other_bytes_is_not_used() {
    let folder = tempfile::tempdir().unwrap();
    let (one, other) = (folder.path().join("one.cab"), folder.path().join("other.cab"));
    let files = |name: &str| driver(name, super::cabinets::INF);
    std::fs::write(&one, cabinet(&files("One"))).unwrap();
    let mut more = files("Other");
    more.push(("Other/more.bin".to_owned(), vec![1; 100]));
    std::fs::write(&other, cabinet(&more)).unwrap();
    let expected = inspected(&one, Kind::Cab, &unsigned_policy(), &Previewed::default()).0;
    let of_other = previewed(&other, Kind::Cab, 1 << 18);
    assert_eq!(inspected(&one, Kind::Cab, &unsigned_policy(), &of_other).0, expected);
    // A preview that ends early computes nothing.
    let (file, bytes) = (File::open(&one).unwrap(), std::fs::read(&one).unwrap());
    let mut preview = Preview::begin(&file, bytes.len() as u64, Kind::Cab, &Cancellation::default()).unwrap();
    preview.update(&bytes[..bytes.len() / 2]);
    let unfinished = preview.finish();
    assert!(unfinished.cab_digests.is_none());
    assert_eq!(inspected(&one, Kind::Cab, &unsigned_policy(), &unfinished).0, expected);
}
