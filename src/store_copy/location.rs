//! The two places of a copy, and how they are opened.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use anyhow::{Context as _, bail};

use crate::database;
use dropship_config::model::Database;
use dropship_store::{DiskStore, OpenReport, Role, SharedStore, Store, StoreError, Unwatched};

/// A store, and what its opening has found.
type OpenedStore = (Box<dyn Store>, OpenReport);

/// A place that has a store, or will have one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreLocation {
    /// A folder, as in `[store] path`.
    Folder(PathBuf),
    /// A database, as in `[store] url`.
    Database(Database),
}

impl StoreLocation {
    /// Its path or address.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Folder(path) => path.canonicalize().unwrap_or_else(|_| path.clone()).display().to_string(),
            Self::Database(database) => database.url.clone(),
        }
    }

    /// The folder.
    #[must_use]
    pub fn folder(&self) -> Option<&Path> {
        match self {
            Self::Folder(path) => Some(path),
            Self::Database(_) => None,
        }
    }

    /// Opens the store that is to be copied. `tables` is a folder for the tables of a database.
    pub(super) fn open_source(&self, tables: &Path) -> anyhow::Result<Box<dyn Store>> {
        if let Self::Folder(path) = self
            && !path.join("journal").is_dir()
        {
            refuse_node(path)?;
            bail!("there is no store in {}", path.display());
        }
        let (store, report) = self.open(tables)?;
        if report.is_new {
            bail!("there is no store in {}", self.name());
        }
        Ok(store)
    }

    /// Opens the store that is to have the copy.
    pub(super) fn open_target(&self, tables: &Path) -> anyhow::Result<Box<dyn Store>> {
        if let Self::Folder(path) = self {
            refuse_node(path)?;
        }
        Ok(self.open(tables)?.0)
    }

    fn open(&self, tables: &Path) -> anyhow::Result<OpenedStore> {
        let opened = match self {
            Self::Folder(path) => match DiskStore::open_for_copy(path) {
                Ok((store, report)) => Ok((Box::new(store) as Box<dyn Store>, report)),
                Err(error @ StoreError::Locked { .. }) => {
                    Err(anyhow::Error::new(error).context("daemons have to be stopped during a copy"))
                }
                Err(error) => Err(error.into()),
            },
            Self::Database(database) => open_database(database, tables),
        };
        opened.with_context(|| format!("cannot open {}", self.name()))
    }
}

/// Opens the store of a database while no node processes its jobs.
fn open_database(database: &Database, tables: &Path) -> anyhow::Result<OpenedStore> {
    let (journal, never) = (database::connect(database)?, AtomicBool::new(false));
    let role = Role::Command { name: "dropship store copy".to_owned() };
    // A copy depends on the order of the lines, so the journal is not compacted.
    let (store, report) =
        SharedStore::open_with_limit(tables, journal, role, u64::MAX, Arc::new(Unwatched), &never)?;
    if let Some(node) = store.holder() {
        bail!("the node `{node}` processes its jobs; stop all nodes, and wait 30 seconds if one was killed");
    }
    Ok((Box::new(store), report))
}

fn refuse_node(path: &Path) -> anyhow::Result<()> {
    if path.join("node").is_dir() {
        bail!(
            "{} has the files of a node whose jobs are in a database; name the database by its address, or another folder",
            path.display()
        );
    }
    Ok(())
}
