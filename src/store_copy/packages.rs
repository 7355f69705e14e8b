//! Captured packages, plans and driver metadata of the jobs of a store.

use anyhow::{Context as _, bail};
use serde::Serialize;

use dropship_engine::package_store::PackageStore;
use dropship_job::Job;
use dropship_store::Store;

/// The captured packages that are at the target now.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct PackagesCopied {
    /// Number of files or objects: packages, plans and driver metadata.
    pub files: u64,
    /// Number of those that were copied this time; an earlier attempt had copied the others.
    pub copied: u64,
}

/// Copies what is stored of the packages of all jobs of a store, and compares each with its original. Those that
/// the target has already are only compared.
///
/// # Errors
/// When a file or an object cannot be read or written, or the target has other bytes under its name.
pub(super) fn copy(
    store: &dyn Store,
    from: &PackageStore,
    to: &PackageStore,
) -> anyhow::Result<PackagesCopied> {
    let mut done = PackagesCopied::default();
    for id in from.jobs().context("cannot list the captured packages")? {
        let Some(job) = store.job(&id)? else { continue };
        copy_job(&job, from, to, &mut done).with_context(|| {
            format!("cannot copy the captured package of job {id}; run the same command again: it continues")
        })?;
    }
    Ok(done)
}

fn copy_job(
    job: &Job,
    from: &PackageStore,
    to: &PackageStore,
    done: &mut PackagesCopied,
) -> anyhow::Result<()> {
    let id = job.id();
    // A plan that cannot be read is reported by `doctor`, before and after.
    if let Some(plan) = job.plan()
        && let Ok(text) = from.plan_text(id, plan)
    {
        done.count_and_copy(to.plan_text(id, plan).is_err(), || to.keep_plan(id, &text))?;
        if to.plan_text(id, plan)? != text {
            bail!("its plan differs from its original");
        }
    }
    if let Some(text) = from.rejected_text(id)? {
        done.count_and_copy(to.rejected_text(id)?.as_ref() != Some(&text), || {
            to.keep_rejected_text(id, &text)
        })?;
    }
    if let Some(bytes) = from.read_metadata(id)? {
        done.count_and_copy(to.read_metadata(id)?.as_ref() != Some(&bytes), || to.keep_metadata(id, &bytes))?;
    }
    if from.has_copy(id)? {
        let original = from.local_copy(id, job.package().size)?;
        done.count_and_copy(!to.has_copy(id)?, || to.keep_copy(id, original.path()))?;
        if to.copy_facts(id)? != from.copy_facts(id)? {
            bail!("{} differs from {}", to.copy_name(id), from.copy_name(id));
        }
    }
    Ok(())
}

impl PackagesCopied {
    /// Counts a file, and copies it if it is missing.
    fn count_and_copy(
        &mut self,
        is_missing: bool,
        copy: impl FnOnce() -> std::io::Result<()>,
    ) -> std::io::Result<()> {
        if is_missing {
            copy()?;
            self.copied += 1;
        }
        self.files += 1;
        Ok(())
    }
}
