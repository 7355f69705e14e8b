//! The identity of a node.

use std::path::Path;

use crate::error::StoreError;
use crate::shared::append_id::AppendId;

/// The id of the time since the machine was started.
const BOOT: &str = "/proc/sys/kernel/random/boot_id";

/// A process of a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// The name that the operator gave it.
    pub name: String,
    /// Identifies the store's folder on this machine since the machine was started. A process with the same value has the lock of the
    /// folder, so earlier ones have ended. A copy of the folder on another machine has another value.
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
        let own = match std::fs::read_to_string(&path) {
            Ok(id) if !id.trim().is_empty() => id.trim().to_owned(),
            _ => {
                let bytes = AppendId::random();
                let id: String = bytes.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
                let failed = |error| StoreError::Io { what: "cannot write", path: path.clone(), error };
                std::fs::write(&path, format!("{id}\n")).map_err(failed)?;
                id
            }
        };
        let place = format!("{own}/{}", kernel_text(BOOT)?);
        Ok(Self {
            name,
            place,
            host: kernel_text("/proc/sys/kernel/hostname")?,
            incarnation: AppendId::random(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        })
    }
}

/// The text of a file of the kernel, without the end of the line.
fn kernel_text(path: &str) -> Result<String, StoreError> {
    let failed = |error| StoreError::Io { what: "cannot read", path: path.into(), error };
    Ok(std::fs::read_to_string(path).map_err(failed)?.trim().to_owned())
}
