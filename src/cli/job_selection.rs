//! The jobs that `retry`, `approve` and `cancel` act on: named ones, or those that filters find.

use super::backend::Backend;
use super::exit::usage;
use super::job_filter::JobFilter;
use dropship_engine::outbox::Receipt;
use dropship_job::{JobId, StateKind};

/// Named jobs, or the filters of `jobs`.
#[derive(Debug, clap::Args)]
pub(super) struct JobSelection {
    /// Ids of the jobs, in place of filters
    #[arg(value_name = "JOB")]
    jobs: Vec<JobId>,
    #[command(flatten)]
    filter: JobFilter,
}

/// The selected jobs.
pub(super) enum SelectedJobs {
    /// One job was named.
    One(JobId),
    /// Several jobs were named.
    Named(Vec<JobId>),
    /// The jobs that the filters found, newest first.
    Found(Vec<Receipt>),
}

impl JobSelection {
    /// The only job that is named, if there is only one.
    pub(super) fn single(&self) -> Option<&JobId> {
        match self.jobs.as_slice() {
            [job] => Some(job),
            _ => None,
        }
    }

    /// Fails without jobs and filters, and with both.
    pub(super) fn check(&self) -> anyhow::Result<()> {
        match (self.jobs.is_empty(), self.filter.is_empty()) {
            (true, true) => {
                Err(usage("name at least one JOB, or a filter such as `--state held --folder audio`"))
            }
            (false, false) => Err(usage("name either jobs or filters, not both")),
            _ => Ok(()),
        }
    }

    /// The selected jobs. Without `--state`, filters find jobs in one of `states`.
    pub(super) async fn select(
        &self,
        backend: &Backend,
        states: &[StateKind],
    ) -> anyhow::Result<SelectedJobs> {
        if let Some(job) = self.single() {
            return Ok(SelectedJobs::One(job.clone()));
        }
        if self.filter.is_empty() {
            let mut jobs = Vec::<JobId>::new();
            for job in &self.jobs {
                if !jobs.contains(job) {
                    jobs.push(job.clone());
                }
            }
            return Ok(SelectedJobs::Named(jobs));
        }
        let mut found = self.filter.jobs(backend, None, usize::MAX).await?;
        if self.filter.state.is_none() {
            found.retain(|job| states.contains(&job.state));
        }
        Ok(SelectedJobs::Found(found))
    }
}
