//! Whether a file can be created in an outbox.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use dropship_engine::outbox::is_address;
use dropship_shared_folder::SharedFolder;

/// Bytes that the probe writes: at least one block, so that a full disk is seen.
const PROBE: [u8; 4096] = [0; 4096];

/// Probes an outbox; with `creates_file`, a file is created and removed, otherwise only the permissions are checked. May hang with
/// the file system.
///
/// # Errors
/// When nothing can be written to the outbox.
pub(super) fn probe(outbox: &Path, creates_file: bool) -> io::Result<()> {
    // Receipts that cannot be written to object storage are reported, and its client probes it while it is away.
    if is_address(outbox) {
        return Ok(());
    }
    // The first result creates an outbox that does not exist.
    let Some(existing) = outbox.ancestors().find(|path| path.symlink_metadata().is_ok()) else {
        return Ok(());
    };
    if !fs::metadata(existing)?.is_dir() {
        let message = format!("{} is not a folder", existing.display());
        return Err(io::Error::new(io::ErrorKind::NotADirectory, message));
    }
    if !creates_file || existing != outbox {
        let access = rustix::fs::Access::WRITE_OK | rustix::fs::Access::EXEC_OK;
        return Ok(rustix::fs::access(existing, access)?);
    }
    // Its name is random, hidden from globs, and ends like unfinished files of other tools.
    SharedFolder::open(outbox)?.stage("probe")?.write_all(&PROBE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outbox_is_writable_when_a_file_can_be_created_in_it() {
        let home = tempfile::tempdir().expect("a folder");
        probe(home.path(), true).expect("it is writable");
        assert_eq!(fs::read_dir(home.path()).expect("a folder").count(), 0, "nothing remains");
        probe(&home.path().join("not/yet"), true).expect("it will be made");
        fs::write(home.path().join("file"), "").expect("a file");
        for creates_file in [true, false] {
            let error = probe(&home.path().join("file"), creates_file).expect_err("it is a file").to_string();
            assert!(error.ends_with("file is not a folder"), "{error}");
            assert!(probe(&home.path().join("file/below"), creates_file).is_err());
        }
    }
}
