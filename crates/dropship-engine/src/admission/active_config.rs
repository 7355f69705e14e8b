//! The configuration in force for admission; a reload replaces it as a whole.

use std::path::PathBuf;

use dropship_config::model::{Config, Folder};
use dropship_package::Policy;

/// Configuration, trust and check levels in force.
pub struct ActiveConfig {
    /// The whole configuration.
    pub config: Config,
    /// Trusted signers and the level of each check.
    pub policy: Policy,
    /// Parent of the outboxes of folders that name none.
    pub outbox: PathBuf,
}

impl ActiveConfig {
    pub(super) fn folder(&self, name: &str) -> Option<&Folder> {
        self.config.folders.iter().find(|folder| folder.name == name)
    }

    /// The outbox of a folder, or of submitted packages without a folder.
    pub(super) fn outbox(&self, folder: Option<&str>) -> PathBuf {
        let own = folder.and_then(|name| self.folder(name)).and_then(|folder| folder.outbox.clone());
        own.unwrap_or_else(|| self.default_outbox(folder))
    }

    /// The outbox of a folder that names none.
    pub(super) fn default_outbox(&self, folder: Option<&str>) -> PathBuf {
        self.outbox.join(folder.unwrap_or("submitted"))
    }
}
