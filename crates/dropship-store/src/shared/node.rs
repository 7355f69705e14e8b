//! The identity of a node.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use crate::error::StoreError;
use crate::shared::append_id::AppendId;

/// The id of the time since the machine was started.
const BOOT: &str = "/proc/sys/kernel/random/boot_id";

/// The variable in which the unit passes it (`%b`, systemd.unit(5)): with `ProcSubset=pid` there is no such file.
const BOOT_VARIABLE: &str = "DROPSHIP_BOOT_ID";

/// A process of a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// The name that the operator gave it.
    pub name: String,
    /// Identifies the store's folder on this machine since the machine was started. A process with the same value has the lock of the
    /// folder, so earlier ones have ended. A copy of the folder has another value, on another machine and on this one.
    pub place: String,
    /// The name of this machine.
    pub host: String,
    /// This process.
    pub incarnation: AppendId,
    /// Its version of dropship.
    pub version: String,
}

impl Node {
    /// The node whose store is in this folder; the caller has its lock.
    pub(crate) fn of(folder: &Path, name: String) -> Result<Self, StoreError> {
        let path = folder.join("node/id");
        let folder_id = match std::fs::read_to_string(&path) {
            Ok(id) if !id.trim().is_empty() => id.trim().to_owned(),
            _ => {
                let bytes = AppendId::random();
                let id: String = bytes.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
                let failed = |error| StoreError::Io { what: "cannot write", path: path.clone(), error };
                std::fs::write(&path, format!("{id}\n")).map_err(failed)?;
                id
            }
        };
        let (device, inode) = match std::fs::metadata(folder) {
            Ok(metadata) => (metadata.dev(), metadata.ino()),
            Err(error) => {
                return Err(StoreError::Io { what: "cannot examine", path: folder.to_owned(), error });
            }
        };
        let place = format!("{folder_id}-{device:x}-{inode:x}/{}", boot()?);
        Ok(Self {
            name,
            place,
            host: rustix::system::uname().nodename().to_string_lossy().into_owned(),
            incarnation: AppendId::random(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        })
    }
}

/// The id of the boot, in hexadecimal digits.
fn boot() -> Result<String, StoreError> {
    let passed = || std::env::var(BOOT_VARIABLE).ok();
    let id = std::fs::read_to_string(BOOT).or_else(|error| passed().ok_or(error));
    let id = id.map_err(|error| {
        let why = format!("{error}; where /proc shows processes only, {BOOT_VARIABLE} has to be set, as the unit of dropship does");
        StoreError::Io { what: "cannot read", path: BOOT.into(), error: std::io::Error::new(error.kind(), why) }
    })?;
    Ok(id.trim().replace('-', ""))
}
