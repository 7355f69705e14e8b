//! Chooses the folder of a package in an outbox.

use std::io;
use std::path::{Path, PathBuf};

use super::folder::{FolderLookup, Outbox, find, receipt_in};
use super::receipt::Receipt;
use dropship_shared_folder::SharedFolder;

/// Maximum number of folders with a number that are tried; after them one with a random number is used.
const NUMBERED: usize = 9;

/// Maximum length in bytes of the package's name in the name of its folder. File systems allow names of 255 bytes, and up to
/// 49 bytes follow.
const MAX_STEM: usize = 200;

/// The folder of a package.
#[derive(Debug, PartialEq, Eq)]
pub struct Claim {
    /// Its path.
    pub folder: PathBuf,
    /// Names before it that others have taken.
    pub foreign: Vec<PathBuf>,
}

/// Creates the folder of a package in an outbox: `<stem>-<first 8 digits of sha256>`, with 16 digits if another package uses
/// that name, and with a number if others have put something else there. If the outbox cannot be written, the folder is only
/// named, and created later. `is_of_job` recognises the receipts that the job may replace.
#[must_use]
pub fn claim(
    outbox: &Path,
    package: &str,
    sha256: &str,
    mode: Option<u32>,
    is_of_job: &dyn Fn(&Receipt) -> bool,
) -> Claim {
    let stem = stem(package);
    let name = |digits: usize| format!("{stem}-{}", sha256.get(..digits).unwrap_or(sha256));
    let numbered = (2..=NUMBERED).map(|number| format!("{}-{number}", name(16)));
    let random = std::iter::repeat_with(|| format!("{}-{:08x}", name(16), getrandom::u32().unwrap_or(0)));
    let mut foreign = Vec::new();
    for name in [name(8), name(16)].into_iter().chain(numbered).chain(random.take(NUMBERED)) {
        let folder = outbox.join(&name);
        match try_claim(outbox, &name, sha256, mode, is_of_job) {
            Ok(Usable::Yes) | Err(_) => return Claim { folder, foreign },
            Ok(Usable::OtherPackage) => {}
            Ok(Usable::Foreign) => foreign.push(folder),
        }
    }
    Claim { folder: outbox.join(name(48)), foreign }
}

/// The folder of a package in an outbox that does not respond. It has a name that no other package has.
#[must_use]
pub fn unclaimed(outbox: &Path, package: &str, sha256: &str) -> Claim {
    let digits = sha256.get(..32).unwrap_or(sha256);
    Claim { folder: outbox.join(format!("{}-{digits}", stem(package))), foreign: Vec::new() }
}

fn stem(package: &str) -> &str {
    let stem = Path::new(package).file_stem().and_then(|stem| stem.to_str()).unwrap_or("package");
    stem.get(..stem.floor_char_boundary(MAX_STEM)).unwrap_or(stem)
}

enum Usable {
    Yes,
    /// It is the folder of a package with other bytes.
    OtherPackage,
    /// It is not the daemon's.
    Foreign,
}

fn try_claim(
    outbox: &Path,
    name: &str,
    sha256: &str,
    mode: Option<u32>,
    is_of_job: &dyn Fn(&Receipt) -> bool,
) -> io::Result<Usable> {
    // The daemon creates the folder before others can. If they were faster, it is theirs.
    let _unwritable = Outbox::at(outbox.join(name), mode).prepare();
    match find(&SharedFolder::open(outbox)?, name)? {
        FolderLookup::Nothing => Ok(Usable::Yes),
        FolderLookup::Foreign => Ok(Usable::Foreign),
        FolderLookup::Own(folder) => Ok(match receipt_in(&folder) {
            Some(receipt) if receipt.sha256 != sha256 || !is_of_job(&receipt) => Usable::OtherPackage,
            _ => Usable::Yes,
        }),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;
    use dropship_config::outbox_layout::RECEIPT;

    #[test]
    fn packages_with_equal_short_digest_get_different_folders() {
        let home = tempfile::tempdir().expect("folder");
        let (one, two) = (format!("{:0<64}", "abcdef01"), format!("{:0<64}", "abcdef0199"));
        let folder = |sha256: &str| {
            let claim = claim(home.path(), "echo.cab", sha256, None, &|_| true);
            assert!(claim.foreign.is_empty());
            claim.folder
        };
        let first = folder(&one);
        assert_eq!(first, home.path().join("echo-abcdef01"));
        assert!(first.is_dir());
        assert_eq!(folder(&two), first, "a folder without a receipt is free");
        let receipt = serde_json::json!({"id": "00000000000000", "package": "echo.cab", "path": null, "sha256": one,
            "size": 1, "folder": null, "rule": null, "accepted": false, "state": "queued", "step": "inspect",
            "product_id": null, "submission_id": null, "labels": [], "files": [], "attempts": 0, "due": null,
            "error": null, "outbox": "", "created": "2026-01-01T00:00:00Z", "updated": "2026-01-01T00:00:00Z"});
        fs::write(first.join(RECEIPT), receipt.to_string()).expect("receipt");
        assert_eq!(folder(&one), first);
        assert_eq!(folder(&two), home.path().join("echo-abcdef0199000000"));
    }

    #[test]
    fn names_that_others_have_taken_are_passed_over() {
        let home = tempfile::tempdir().expect("folder");
        let (outbox, sha256) = (home.path().join("out"), format!("{:0<64}", "abcdef01"));
        fs::create_dir(&outbox).expect("folder");
        let name = |end: &str| outbox.join(format!("echo-abcdef01{end}"));
        symlink(home.path(), name("")).expect("link");
        fs::write(name("00000000"), "x").expect("file");
        for number in 2..=9 {
            symlink("nowhere", name(&format!("00000000-{number}"))).expect("link");
        }
        let claim = claim(&outbox, "echo.cab", &sha256, None, &|_| true);
        assert_eq!(claim.foreign.len(), 10);
        assert!(claim.folder.is_dir() && claim.folder.file_name().expect("a name").len() > 22, "{claim:?}");
        assert_eq!(fs::read_dir(home.path()).expect("listed").count(), 1, "nothing outside");
    }
}
