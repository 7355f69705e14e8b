//! Finds old results in an outbox.

use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::place::visit_receipts;
use super::receipt::Receipt;
use crate::package_store::PackageStore;

/// The package folders in an outbox that belong to `folder` and whose jobs have not changed since `before`, with their
/// receipts.
///
/// Several drop folders may share an outbox, and other programs may keep files in it. Folders without a valid receipt of the
/// daemon are ignored. An outbox that does not exist counts as empty. The second value is the error with which reading ended.
pub fn untouched_since(
    packages: &PackageStore,
    outbox: &Path,
    folder: &str,
    before: Timestamp,
) -> (Vec<(PathBuf, Receipt)>, io::Result<()>) {
    let mut old = Vec::new();
    let listed = visit_receipts(packages, outbox, |path, receipt| {
        if receipt.folder.as_deref() == Some(folder) && receipt.updated < before {
            old.push((path, receipt));
        }
    });
    (old, listed)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::removal::remove;
    use super::*;
    use dropship_config::outbox_layout::{RECEIPT, SIGNED};

    fn put(outbox: &Path, name: &str, folder: &str, updated: &str) -> PathBuf {
        let path = outbox.join(name);
        fs::create_dir_all(&path).expect("folder");
        let receipt = serde_json::json!({"id": "00000000000000", "package": "echo.cab", "path": null, "sha256": "ab",
            "size": 1, "folder": folder, "rule": null, "accepted": true, "state": "succeeded", "step": "publish",
            "product_id": null, "submission_id": null, "labels": [], "files": [], "attempts": 0, "due": null,
            "error": null, "outbox": "", "created": "2026-01-01T00:00:00Z", "updated": updated});
        fs::write(path.join(RECEIPT), receipt.to_string()).expect("receipt");
        fs::write(path.join(SIGNED), "zip").expect("result");
        path
    }

    #[test]
    fn only_old_results_of_the_folder_are_removed() {
        let home = tempfile::tempdir().expect("folder");
        let outbox = home.path().join("out");
        let packages = PackageStore::for_reading(home.path());
        let before: Timestamp = "2026-06-01T00:00:00Z".parse().expect("a time");
        assert!(untouched_since(&packages, &outbox, "audio", before).0.is_empty());
        let old = put(&outbox, "old-ab", "audio", "2026-05-01T00:00:00Z");
        let kept = put(&outbox, "kept-ab", "audio", "2026-05-02T00:00:00Z");
        fs::write(kept.join("notes.txt"), "by hand").expect("note");
        put(&outbox, "new-ab", "audio", "2026-06-02T00:00:00Z");
        put(&outbox, "other-ab", "video", "2026-05-01T00:00:00Z");
        fs::create_dir(outbox.join("by-hand")).expect("folder");
        let elsewhere = put(home.path(), "elsewhere", "audio", "2026-05-01T00:00:00Z");
        std::os::unix::fs::symlink(&elsewhere, outbox.join("link")).expect("link");
        let (mut found, listed) = untouched_since(&packages, &outbox, "audio", before);
        listed.expect("listed");
        found.sort_by(|one, other| one.0.cmp(&other.0));
        assert_eq!(
            found.iter().map(|(path, _)| path.clone()).collect::<Vec<_>>(),
            [kept.clone(), old.clone()]
        );
        assert!(
            remove(&old, false).expect("removed") && !remove(&old, false).expect("nothing is left to remove")
        );
        assert!(old.join(RECEIPT).exists() && !old.join(SIGNED).exists());
        assert!(found.iter().all(|(path, _)| remove(path, true).expect("removed")));
        assert!(!old.exists() && !kept.join(RECEIPT).exists() && !kept.join(SIGNED).exists());
        assert_eq!(fs::read(kept.join("notes.txt")).expect("note"), b"by hand");
    }
}
