//! The identity of a node.

use std::path::Path;

use crate::error::StoreError;
use crate::shared::append_id::AppendId;

/// A process of a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// The name that the operator gave it.
    pub name: String,
    /// Identifies the store's folder on this machine since the machine was started. A process with the same value has the lock of the
    /// folder, so earlier ones have ended. A copy of the folder on another machine has another value.
    pub place: String,
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
        let boot = "/proc/sys/kernel/random/boot_id";
        let failed = |error| StoreError::Io { what: "cannot read", path: boot.into(), error };
        let boot = std::fs::read_to_string(boot).map_err(failed)?;
        let place = format!("{own}/{}", boot.trim());
        Ok(Self {
            name,
            place,
            incarnation: AppendId::random(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        })
    }
}
