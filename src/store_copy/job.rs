//! One copy, from the first entry to the last file.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use serde::Serialize;

use crate::package_objects;
use crate::store_copy::location::StoreLocation;
use crate::store_copy::packages::{self, PackagesCopied};
use dropship_config::model::PackagePlace;
use dropship_engine::package_store::PackageStore;
use dropship_store::{CopySide, Fingerprint, copy_entries, finish_copy};

/// Folder, in the folder of the copy, for the tables of a database while they are needed.
const TABLES: &str = "copying";

/// A copy that is to be made.
#[derive(Debug, Clone)]
pub struct CopyJob {
    /// The store that is copied.
    pub from: StoreLocation,
    /// The store that is to have the copy.
    pub to: StoreLocation,
    /// The captured packages of the database, as in `[store] packages`, if their place is known.
    pub packages: Option<PackagePlace>,
}

/// The result of a copy.
#[derive(Debug, Clone, Serialize)]
pub struct CopyOutcome {
    /// The source.
    pub from: String,
    /// The target.
    pub to: String,
    /// The entries of both stores.
    pub content: Fingerprint,
    /// Number of entries that were copied this time; an earlier attempt had copied the others.
    pub copied: u64,
    /// The captured packages.
    pub packages: PackageCopy,
}

/// What was done about captured packages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "place", rename_all = "kebab-case")]
pub enum PackageCopy {
    /// They are at the target.
    Target(PackagesCopied),
    /// Both stores have the same place for them.
    Shared {
        /// The folder that has `packages`.
        path: PathBuf,
    },
    /// The place of the database is not known.
    Unknown {
        /// The place of the other store.
        folder: PathBuf,
    },
}

impl CopyJob {
    /// Copies everything, and ends the use of the source. Blocks.
    ///
    /// # Errors
    /// A store that is in use, a [`CopyError`](dropship_store::CopyError), or a file that cannot be copied.
    pub fn run(&self) -> anyhow::Result<CopyOutcome> {
        let Some(folder) = self.from.folder().or(self.to.folder()) else {
            bail!("at least one of the two places has to be a folder");
        };
        let (from_name, to_name) = (self.from.name(), self.to.name());
        if from_name == to_name {
            bail!("{from_name} is the source and the target");
        }
        let tables = folder.join(TABLES);
        let (content, copied, packages) = {
            let source = self.from.open_source(&tables)?;
            let target = self.to.open_target(&tables)?;
            let from = CopySide { store: &*source, name: &from_name };
            let to = CopySide { store: &*target, name: &to_name };
            let copied = copy_entries(from, to)?;
            let packages = self.copy_packages(from, folder, &tables)?;
            finish_copy(from, to)?;
            (copied.content, copied.added, packages)
        };
        if tables.exists() {
            std::fs::remove_dir_all(&tables)
                .with_context(|| format!("the copy is complete; cannot remove {}", tables.display()))?;
        }
        Ok(CopyOutcome { from: from_name, to: to_name, content, copied, packages })
    }

    fn copy_packages(&self, from: CopySide<'_>, folder: &Path, tables: &Path) -> anyhow::Result<PackageCopy> {
        let place = |place: &StoreLocation| match place {
            StoreLocation::Folder(path) => Some(PackagePlace::Folder(path.clone())),
            StoreLocation::Database(_) => self.packages.clone(),
        };
        let (Some(source), Some(target)) = (place(&self.from), place(&self.to)) else {
            return Ok(PackageCopy::Unknown { folder: folder.to_owned() });
        };
        let canonical = |place: &PackagePlace| place.folder()?.canonicalize().ok();
        if let Some(path) = canonical(&source).filter(|source| canonical(&target).as_ref() == Some(source)) {
            return Ok(PackageCopy::Shared { path });
        }
        // With object storage, packages are in this folder for a moment.
        let here = |place: &PackagePlace| place.folder().unwrap_or(tables).to_owned();
        let objects = |place: &PackagePlace| place.objects().map(package_objects::connect_to).transpose();
        let failed = || "cannot write captured packages";
        let source_folder = here(&source);
        if source.objects().is_some() {
            PackageStore::open(&source_folder).with_context(failed)?;
        } else if !source_folder.join("packages").is_dir() {
            return Ok(PackageCopy::Target(PackagesCopied::default()));
        }
        let source = PackageStore::for_reading(&source_folder).with_objects(objects(&source)?);
        let target = PackageStore::open(&here(&target)).with_context(failed)?.with_objects(objects(&target)?);
        packages::copy(from.store, &source, &target).map(PackageCopy::Target)
    }
}
