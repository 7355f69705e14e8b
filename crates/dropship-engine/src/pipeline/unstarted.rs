//! Accepted jobs for which nothing was created at the service yet, and the folders that they count against.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use dropship_job::{Creation, Job};

/// The folder and account that jobs have in common.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct JobGroup {
    folder: Arc<str>,
    account: Arc<str>,
}

impl JobGroup {
    /// The group of a job that was accepted and has not started; `None` for any other job.
    pub(super) fn of(job: &Job) -> Option<Self> {
        let has_started = !job.is_accepted() || *job.product() != Creation::Open;
        let text = |text: Option<&str>| Arc::from(text.unwrap_or_default());
        (!has_started)
            .then(|| Self { folder: text(job.package().folder.as_deref()), account: text(job.account()) })
    }
}

/// Number of jobs that have not started, by group.
#[derive(Debug, Default)]
pub(super) struct UnstartedJobs(BTreeMap<JobGroup, usize>);

impl UnstartedJobs {
    pub(super) fn add(&mut self, group: JobGroup) {
        *self.0.entry(group).or_default() += 1;
    }

    pub(super) fn remove(&mut self, group: &JobGroup) {
        if let Some(count) = self.0.get_mut(group) {
            *count -= 1;
            if *count == 0 {
                self.0.remove(group);
            }
        }
    }

    /// The counts for one more package of a folder.
    ///
    /// Jobs blocked by a paused folder count only toward that folder's limit. Jobs blocked by a suspended account count
    /// toward the folders that use it.
    pub(super) fn counts(
        &self,
        folder: &str,
        is_paused: impl Fn(&str) -> bool,
        is_suspended: impl Fn(&str) -> bool,
    ) -> UnstartedCounts {
        let blocked_groups =
            self.0.keys().filter(|group| *group.folder == *folder && is_suspended(&group.account));
        let blocked_accounts: BTreeSet<_> = blocked_groups.map(|group| &group.account).collect();
        let mut counts = UnstartedCounts::default();
        for (group, count) in &self.0 {
            let is_folder_paused = is_paused(&group.folder);
            if !is_folder_paused && !is_suspended(&group.account) {
                counts.startable += count;
            } else if (is_folder_paused && *group.folder == *folder)
                || blocked_accounts.contains(&group.account)
            {
                counts.blocked += count;
            }
        }
        counts
    }

    #[cfg(test)]
    pub(super) fn total(&self) -> usize {
        self.0.values().sum()
    }
}

/// Accepted jobs that have not started, from the point of view of one folder.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct UnstartedCounts {
    /// Jobs of all folders that can start.
    pub startable: usize,
    /// Jobs that cannot start and count against this folder: it is paused, or an account that it uses is suspended.
    pub blocked: usize,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocked_jobs_count_only_against_folders_that_would_add_to_them() {
        let mut jobs = UnstartedJobs::default();
        for (folder, account, count) in
            [("a", "x", 5), ("b", "x", 7), ("b", "y", 1), ("c", "y", 2), ("d", "y", 3)]
        {
            let group = JobGroup { folder: folder.into(), account: account.into() };
            (0..count).for_each(|_| jobs.add(group.clone()));
        }
        let counts = |folder: &str, paused: &str, suspended: &str| {
            let UnstartedCounts { startable, blocked } =
                jobs.counts(folder, |name| name == paused, |name| name == suspended);
            (startable, blocked)
        };
        assert_eq!(counts("a", "", ""), (18, 0));
        assert_eq!((counts("a", "a", ""), counts("c", "a", "")), ((13, 5), (13, 0)), "folder a is paused");
        assert_eq!(
            (counts("a", "", "x"), counts("b", "", "x"), counts("c", "", "x")),
            ((6, 12), (6, 12), (6, 0)),
            "account x is suspended"
        );
        assert_eq!(counts("c", "c", "y"), (12, 6), "each is counted once");
    }
}
