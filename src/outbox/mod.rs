//! Where results go for the build server to pick up: whole or not at all.

mod keep;
mod receipt;

use std::fs::{self, DirBuilder, File, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

pub use keep::{remove, untouched_since};
pub use receipt::{LabelReceipt, Receipt, Workflow};

/// The receipt's file name.
pub const RECEIPT: &str = "receipt.json";
/// The signed package's file name.
pub const SIGNED: &str = "signed.zip";
/// The driver metadata's file name.
pub const METADATA: &str = "driver-metadata.json";
/// The certification report's file name.
pub const CERTIFICATION: &str = "certification-report";
/// File name of the shell that derived submissions of the product are made from.
pub const SHELL: &str = "derived-shell.hlkx";
/// The error report's file name.
pub const ERRORS: &str = "error-report.txt";

/// Permission bits of result files unless the folder says otherwise.
const MODE: u32 = 0o640;

/// One package's folder in an outbox.
#[derive(Debug, Clone)]
pub struct Outbox {
    folder: PathBuf,
    mode: u32,
}

impl Outbox {
    /// The outbox folder at this path; `mode` for files, with search bits added for the folder.
    #[must_use]
    pub fn at(folder: impl Into<PathBuf>, mode: Option<u32>) -> Self {
        Self { folder: folder.into(), mode: mode.unwrap_or(MODE) }
    }

    /// The folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Where a result is made before it appears; on the same file system, out of sight of globs.
    #[must_use]
    pub fn staging(&self, name: &str) -> PathBuf {
        self.folder.join(format!(".{name}.part"))
    }

    /// Makes the folder.
    ///
    /// # Errors
    /// What the file system says.
    pub fn prepare(&self) -> io::Result<()> {
        // Whoever may read a file here may also come in.
        let search = self.mode | ((self.mode & 0o444) >> 2) | 0o300;
        if !self.folder.is_dir() {
            DirBuilder::new().recursive(true).mode(search).create(&self.folder)?;
            // In a setgid outbox the folder inherits the bit, and with it its files the group that is to read them. Under
            // `RestrictSUIDSGID=` the bit may not be set, only kept.
            let made = fs::metadata(&self.folder)?.permissions().mode();
            if made & 0o777 != search {
                let keep = Permissions::from_mode(search | (made & 0o2000));
                fs::set_permissions(&self.folder, keep)
                    .or_else(|_| fs::set_permissions(&self.folder, Permissions::from_mode(search)))?;
            }
            sync_folder(self.folder.parent().unwrap_or(&self.folder))?;
        }
        Ok(())
    }

    /// Lets a staged file appear under its name.
    ///
    /// # Errors
    /// What the file system says.
    pub fn publish(&self, name: &str) -> io::Result<()> {
        let staged = self.staging(name);
        let file = File::open(&staged)?;
        file.set_permissions(Permissions::from_mode(self.mode))?;
        file.sync_all()?;
        fs::rename(&staged, self.folder.join(name))?;
        sync_folder(&self.folder)
    }

    /// Writes a file that appears whole or not at all.
    ///
    /// # Errors
    /// What the file system says.
    pub fn write(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        self.prepare()?;
        File::create(self.staging(name))?.write_all(bytes)?;
        self.publish(name)
    }

    /// Rewrites the receipt. While the job is open it is not synced: the next start writes it again from the store.
    ///
    /// # Errors
    /// What the file system says.
    pub fn write_receipt(&self, receipt: &Receipt) -> io::Result<()> {
        self.prepare()?;
        let mut text = serde_json::to_vec_pretty(receipt)?;
        text.push(b'\n');
        let staged = self.staging(RECEIPT);
        let mut file = File::create(&staged)?;
        file.write_all(&text)?;
        file.set_permissions(Permissions::from_mode(self.mode))?;
        let last = receipt.state.has_ended();
        if last {
            file.sync_all()?;
        }
        fs::rename(&staged, self.folder.join(RECEIPT))?;
        if last { sync_folder(&self.folder) } else { Ok(()) }
    }
}

/// The folder of a package in an outbox: `<stem>-<first 8 of sha256>`, or 16 if another package has that name.
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

/// The receipt that lies in a package's folder, if one does that can be read.
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
    use super::*;

    #[test]
    fn a_result_appears_whole_with_its_mode() {
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
    fn results_belong_to_the_group_of_a_setgid_outbox() {
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
    fn two_packages_never_share_a_folder() {
        let home = tempfile::tempdir().expect("folder");
        let (one, two) = (format!("{:0<64}", "abcdef01"), format!("{:0<64}", "abcdef0199"));
        let first = folder_of(home.path(), "echo.cab", &one);
        assert_eq!(first, home.path().join("echo-abcdef01"));
        fs::create_dir(&first).expect("folder");
        assert_eq!(folder_of(home.path(), "echo.cab", &two), first, "no receipt, nobody's folder");
        let receipt = serde_json::json!({"id": "00000000000000", "package": "echo.cab", "path": null, "sha256": one,
            "size": 1, "folder": null, "rule": null, "accepted": false, "state": "queued", "step": "inspect",
            "product_id": null, "submission_id": null, "labels": [], "files": [], "attempts": 0, "due": null,
            "error": null, "outbox": "", "created": "2026-01-01T00:00:00Z", "updated": "2026-01-01T00:00:00Z"});
        fs::write(first.join(RECEIPT), receipt.to_string()).expect("receipt");
        assert_eq!(folder_of(home.path(), "echo.cab", &one), first);
        assert_eq!(folder_of(home.path(), "echo.cab", &two), home.path().join("echo-abcdef0199000000"));
    }
}
