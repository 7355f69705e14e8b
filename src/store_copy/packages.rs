//! Captured packages, plans and driver metadata of the jobs of a store.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use anyhow::{Context as _, bail};
use serde::Serialize;

use crate::digest;
use crate::package_store::PackageStore;
use dropship_job::JobId;
use dropship_store::Store;

/// The files of the captured packages that are at the target now.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct PackagesCopied {
    /// Number of files.
    pub files: u64,
    /// Their size in bytes.
    pub bytes: u64,
    /// Number of those that were copied this time; the others were there.
    pub copied: u64,
}

/// Copies the files of all jobs of a store, and compares each with its original. Files that are there already are compared only.
///
/// # Errors
/// When a file cannot be read or written, or the target has another file of its name.
pub(super) fn copy(
    store: &dyn Store,
    from: &PackageStore,
    to: &PackageStore,
) -> anyhow::Result<PackagesCopied> {
    let mut done = PackagesCopied::default();
    for id in from.jobs().context("cannot list the captured packages")? {
        if store.job(&id)?.is_none() {
            continue;
        }
        for name in PackageStore::KEPT {
            let source = from.file(&id, name);
            if source.is_file() {
                copy_file(&source, &id, name, to, &mut done).with_context(|| {
                    format!("cannot copy {}; run the same command again: it continues", source.display())
                })?;
            }
        }
    }
    Ok(done)
}

fn copy_file(
    source: &Path,
    id: &JobId,
    name: &str,
    to: &PackageStore,
    done: &mut PackagesCopied,
) -> anyhow::Result<()> {
    let target = to.file(id, name);
    let mut input = File::open(source)?;
    let size = input.metadata()?.len();
    if target.exists() {
        if digest::of_file(&target)? != digest::of_rest(&mut input)? {
            bail!("{} is there with other content", target.display());
        }
    } else {
        let staged = to.incoming(&format!("{id}-{name}"));
        let mut output = File::create(&staged)?;
        let (expected, _) = digest::copy(&mut input, &mut output)?;
        output.sync_all()?;
        if digest::of_file(&staged)? != expected {
            bail!("{} has other bytes than were written to it", staged.display());
        }
        to.prepare(id)?;
        fs::rename(&staged, &target)?;
        sync_parent(&target)?;
        done.copied += 1;
    }
    done.files += 1;
    done.bytes += size;
    Ok(())
}

fn sync_parent(path: &Path) -> io::Result<()> {
    let parents = path.ancestors().skip(1).take(2);
    parents.into_iter().try_for_each(|folder| File::open(folder)?.sync_all())
}
