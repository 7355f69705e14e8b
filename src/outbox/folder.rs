//! The outbox folder of one package. A reader sees each file complete or not at all.

use std::fs::{self, DirBuilder, File, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use super::names::RECEIPT;
use super::receipt::Receipt;

/// Permissions of result files, unless the folder has an `outbox_mode`.
const MODE: u32 = 0o640;

/// The outbox folder of one package.
#[derive(Debug, Clone)]
pub struct Outbox {
    folder: PathBuf,
    mode: u32,
}

impl Outbox {
    /// The outbox folder at a path. `mode` sets the permissions of files; the folder gets search permission in addition.
    #[must_use]
    pub fn at(folder: impl Into<PathBuf>, mode: Option<u32>) -> Self {
        Self { folder: folder.into(), mode: mode.unwrap_or(MODE) }
    }

    /// Path of the folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Path at which a result is written before it is renamed: in the same folder, hidden from globs.
    #[must_use]
    pub fn staging(&self, name: &str) -> PathBuf {
        self.folder.join(format!(".{name}.part"))
    }

    /// Creates the folder.
    ///
    /// # Errors
    /// When the file system refuses.
    pub fn prepare(&self) -> io::Result<()> {
        // To read a file, a user also needs search permission on the folder.
        let search = self.mode | ((self.mode & 0o444) >> 2) | 0o300;
        if !self.folder.is_dir() {
            DirBuilder::new().recursive(true).mode(search).create(&self.folder)?;
            // In a setgid outbox the folder inherits the bit, so that its files belong to the group of the outbox. Under
            // `RestrictSUIDSGID=` the bit cannot be set, only kept.
            let mode = fs::metadata(&self.folder)?.permissions().mode();
            if mode & 0o777 != search {
                let keep = Permissions::from_mode(search | (mode & 0o2000));
                fs::set_permissions(&self.folder, keep)
                    .or_else(|_| fs::set_permissions(&self.folder, Permissions::from_mode(search)))?;
            }
            sync_folder(self.folder.parent().unwrap_or(&self.folder))?;
        }
        Ok(())
    }

    /// Syncs a staged file and gives it its name.
    ///
    /// # Errors
    /// When the file system refuses.
    pub fn publish(&self, name: &str) -> io::Result<()> {
        let staged = self.staging(name);
        let file = File::open(&staged)?;
        file.set_permissions(Permissions::from_mode(self.mode))?;
        file.sync_all()?;
        fs::rename(&staged, self.folder.join(name))?;
        sync_folder(&self.folder)
    }

    /// Writes a file; a reader sees it complete or not at all.
    ///
    /// # Errors
    /// When the file system refuses.
    pub fn write(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        self.prepare()?;
        File::create(self.staging(name))?.write_all(bytes)?;
        self.publish(name)
    }

    /// Replaces the receipt. The receipt of an unfinished job is not synced: all receipts are written again at startup.
    ///
    /// # Errors
    /// When the file system refuses.
    pub fn write_receipt(&self, receipt: &Receipt) -> io::Result<()> {
        self.prepare()?;
        let mut text = serde_json::to_vec_pretty(receipt)?;
        text.push(b'\n');
        let staged = self.staging(RECEIPT);
        let mut file = File::create(&staged)?;
        file.write_all(&text)?;
        file.set_permissions(Permissions::from_mode(self.mode))?;
        let is_final = receipt.state.has_ended();
        if is_final {
            file.sync_all()?;
        }
        fs::rename(&staged, self.folder.join(RECEIPT))?;
        if is_final { sync_folder(&self.folder) } else { Ok(()) }
    }
}

/// The folder of a package in an outbox: `<stem>-<first 8 digits of sha256>`, or with 16 digits if another package uses that
/// name.
#[must_use]
pub fn folder_of(outbox: &Path, package: &str, sha256: &str) -> PathBuf {
    let stem = Path::new(package).file_stem().and_then(|stem| stem.to_str()).unwrap_or("package");
    let name = |digits: usize| outbox.join(format!("{stem}-{}", sha256.get(..digits).unwrap_or(sha256)));
    let short = name(8);
    match read_receipt(&short) {
        Some(receipt) if receipt.sha256 != sha256 => name(16),
        _ => short,
    }
}

/// Reads the receipt in a package's folder; `None` if there is none or it is invalid.
#[must_use]
pub fn read_receipt(folder: &Path) -> Option<Receipt> {
    let text = fs::read(folder.join(RECEIPT)).ok()?;
    serde_json::from_slice(&text).ok()
}

fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::super::names::SIGNED;
    use super::*;

    #[test]
    fn written_result_has_its_mode_and_no_staging_file() {
        let home = tempfile::tempdir().expect("folder");
        let outbox = Outbox::at(home.path().join("a/echo-12345678"), Some(0o644));
        outbox.write(SIGNED, b"zip").expect("written");
        let path = outbox.folder().join(SIGNED);
        assert_eq!(fs::read(&path).expect("result"), b"zip");
        assert_eq!(fs::metadata(&path).expect("result").permissions().mode() & 0o777, 0o644);
        assert_eq!(fs::metadata(outbox.folder()).expect("folder").permissions().mode() & 0o777, 0o755);
        assert!(!outbox.staging(SIGNED).exists());
    }

    #[test]
    fn folder_in_setgid_outbox_keeps_the_setgid_bit() {
        let home = tempfile::tempdir().expect("folder");
        fs::set_permissions(home.path(), Permissions::from_mode(0o2775)).expect("setgid");
        for (name, mode) in [("a", None), ("b", Some(0o644))] {
            let outbox = Outbox::at(home.path().join(name), mode);
            outbox.write(SIGNED, b"zip").expect("written");
            let folder = fs::metadata(outbox.folder()).expect("folder").permissions().mode();
            assert_eq!(folder & 0o2000, 0o2000, "{name}: {folder:o}");
        }
    }

    #[test]
    fn packages_with_equal_short_digest_get_different_folders() {
        let home = tempfile::tempdir().expect("folder");
        let (one, two) = (format!("{:0<64}", "abcdef01"), format!("{:0<64}", "abcdef0199"));
        let first = folder_of(home.path(), "echo.cab", &one);
        assert_eq!(first, home.path().join("echo-abcdef01"));
        fs::create_dir(&first).expect("folder");
        assert_eq!(folder_of(home.path(), "echo.cab", &two), first, "a folder without a receipt is free");
        let receipt = serde_json::json!({"id": "00000000000000", "package": "echo.cab", "path": null, "sha256": one,
            "size": 1, "folder": null, "rule": null, "accepted": false, "state": "queued", "step": "inspect",
            "product_id": null, "submission_id": null, "labels": [], "files": [], "attempts": 0, "due": null,
            "error": null, "outbox": "", "created": "2026-01-01T00:00:00Z", "updated": "2026-01-01T00:00:00Z"});
        fs::write(first.join(RECEIPT), receipt.to_string()).expect("receipt");
        assert_eq!(folder_of(home.path(), "echo.cab", &one), first);
        assert_eq!(folder_of(home.path(), "echo.cab", &two), home.path().join("echo-abcdef0199000000"));
    }
}
