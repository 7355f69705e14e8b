//! Assembles the list from the state of all components.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::configuration::ConfigurationState;
use super::kind::{AttentionKind as Kind, Severity};
use super::list::Observed;
use super::outbox_probes::ProbedOutbox;
use super::probes::{ClockLimit, Probes};
use dropship_config::expiry;
use dropship_engine::admission::Admission;
use dropship_engine::label_drift;
use dropship_engine::observe::Heartbeats;
use dropship_engine::pipeline::{Deliveries, Pipeline};
use dropship_hardware::{Availability, Client};
use dropship_intake::{FolderState, Intake};
use dropship_job::{Job, Label, RemoteId, Step, counted};
use dropship_redact::Escaped;

/// A withdrawal is not on the list before it was refused once, or has lasted this long.
const MIN_WITHDRAWAL_AGE: SignedDuration = SignedDuration::from_secs(10);

/// Maximum number of jobs of one kind that are listed one by one.
const MAX_JOBS: usize = 20;

/// Free inodes below which the disk counts as nearly full.
const MIN_INODES: u64 = 1000;

/// The parts of the daemon that the list is assembled from.
pub struct Sources {
    /// Jobs, accounts, services and receipts.
    pub pipeline: Arc<Pipeline<Client>>,
    /// Folders.
    pub intake: Arc<Intake>,
    /// The active configuration.
    pub admission: Arc<Admission>,
    /// Results of folders that are on this node only.
    pub deliveries: Arc<Deliveries>,
    /// Components that can stall.
    pub heartbeats: Heartbeats,
    /// The last reload.
    pub configuration: Arc<ConfigurationState>,
    /// Outboxes and expiry dates.
    pub probes: Arc<Probes>,
}

impl Sources {
    /// Everything that needs attention now.
    #[must_use]
    pub fn observe(&self) -> Vec<Observed> {
        let now = Timestamp::now();
        let mut observed = self.services();
        observed.extend(self.accounts());
        observed.extend(self.folders());
        observed.extend(self.outboxes());
        observed.extend(self.disk());
        observed.extend(self.configuration());
        observed.extend(self.clocks());
        observed.extend(self.expiry(now));
        observed.extend(self.withdrawals(now));
        observed.extend(self.drifts());
        observed.extend(self.overdue());
        observed.extend(self.stalled());
        observed.extend(self.stale_store());
        observed.extend(self.database());
        observed.extend(self.package_storage());
        observed.extend(self.nodes());
        observed
    }

    /// Stays until an operator has decided on every job that was recovered.
    fn stale_store(&self) -> Option<Observed> {
        let undecided = self.admission.undecided_jobs();
        let stale = self.admission.stale_store();
        let message = format!("{stale}; {undecided} of them are held for a decision");
        (undecided > 0).then(|| Observed::new(Kind::StoreOlderThanReceipts, "store", message))
    }

    fn database(&self) -> Option<Observed> {
        let why = self.pipeline.store().away()?;
        let message = format!("the database of the store does not respond: {}", Escaped(&why));
        Some(Observed::new(Kind::DatabaseAway, "store", message))
    }

    /// Folders of nodes that do not run.
    fn nodes(&self) -> Vec<Observed> {
        let active = self.admission.active();
        if active.config.store.database.is_none() {
            return Vec::new();
        }
        let elsewhere = || active.config.folders_elsewhere();
        if elsewhere().next().is_none() {
            return Vec::new();
        }
        let nodes = self.pipeline.store().nodes();
        let is_running = |name: &str| nodes.iter().any(|node| node.name == name && node.state.runs());
        let away = elsewhere().filter(|(_, node)| !is_running(node)).map(|(folder, node)| {
            let name = &folder.name;
            let message = format!(
                "folder `{name}`: its node `{node}` is not running; files in the folder and results of its jobs wait until it is"
            );
            Observed::new(Kind::NodeAway, name, message)
        });
        away.collect()
    }

    fn package_storage(&self) -> Option<Observed> {
        let (place, why) = self.pipeline.packages().away()?;
        let message = format!("the storage of captured packages {place} does not respond: {}", Escaped(&why));
        Some(Observed::new(Kind::PackageStorageAway, "store", message))
    }

    fn services(&self) -> Vec<Observed> {
        let endpoint = self.admission.active().config.api.endpoint.to_string();
        let observe = |(account, client): (&String, &Client)| match client.availability() {
            Availability::Up => None,
            Availability::Throttled { since, until } => {
                let message =
                    format!("Microsoft throttles account `{account}`: calls continue at {until:.0}");
                Some(Observed::new(Kind::Throttled, account, message).since(since))
            }
            Availability::Down { since, why, retry } => {
                let message = format!(
                    "account `{account}` cannot use {endpoint}: {why}; the next attempt is at {retry:.0}"
                );
                Some(Observed::new(Kind::ServiceDown, account, message).since(since))
            }
        };
        self.pipeline.services().iter().filter_map(observe).collect()
    }

    fn accounts(&self) -> Vec<Observed> {
        let suspended = self.pipeline.accounts().all().into_iter();
        suspended
            .map(|(name, suspension)| {
                let message = format!(
                    "account `{name}` is suspended: {}; the next attempt is at {:.0}",
                    suspension.why, suspension.probe
                );
                Observed::new(Kind::AccountSuspended, name, message).since(suspension.since)
            })
            .collect()
    }

    fn folders(&self) -> Vec<Observed> {
        let summary = self.intake.summary();
        if summary.degraded == 0 && summary.backpressure == 0 {
            return Vec::new();
        }
        let health = self.intake.health();
        let is_degraded = |state| state == FolderState::Degraded;
        // Files are accepted while at least one folder works.
        let severity = match health.iter().all(|folder| is_degraded(folder.state)) {
            true => Severity::StopsIntake,
            false => Severity::Warning,
        };
        let has_free_space = self.pipeline.packages().has_free_space();
        let mut observed = Vec::new();
        for folder in health {
            if is_degraded(folder.state) {
                let why = folder.reason.unwrap_or_else(|| "it cannot be watched".to_owned());
                let advice = folder.advice.map(|advice| format!("; {advice}")).unwrap_or_default();
                let message = format!("folder `{}`: {}{advice}", folder.name, Escaped(&why));
                observed.push(Observed::new(Kind::FolderDegraded, &folder.name, message).severity(severity));
            }
            if let Some(why) = folder.backpressure.filter(|_| has_free_space) {
                let message = format!("files of folder `{}` wait: {why}", folder.name);
                observed.push(Observed::new(Kind::IntakePaused, folder.name, message));
            }
        }
        observed
    }

    fn outboxes(&self) -> Vec<Observed> {
        let mut observed = Vec::new();
        let probes = self.probes.outbox_probes();
        let unwritable = probes.unwritable();
        for ProbedOutbox { folder, outbox, why, .. } in &unwritable {
            let why = why.as_deref().unwrap_or_default();
            let message =
                format!("folder `{folder}`: cannot write to the outbox {}: {why}", outbox.display());
            observed.push(Observed::new(Kind::OutboxUnwritable, folder, message));
        }
        for unwritten in self.pipeline.receipts().unwritten() {
            if !unwritable.iter().any(|one| one.outbox == unwritten.outbox) {
                let object = probes.folder_of(&unwritten.outbox);
                let (outbox, why) = (unwritten.outbox.display(), unwritten.why);
                let receipts = counted(unwritten.jobs, "receipt");
                let message = format!("cannot write {receipts} to the outbox {outbox}: {why}");
                let object = object.unwrap_or_else(|| outbox.to_string());
                observed.push(Observed::new(Kind::OutboxUnwritable, object, message));
            }
        }
        for failed in self.deliveries.failed() {
            let outbox = failed.outbox.display().to_string();
            observed.push(Observed::new(Kind::OutboxUnwritable, outbox, Escaped(&failed.why).to_string()));
        }
        observed
    }

    fn disk(&self) -> Option<Observed> {
        let path = self.admission.active().config.store.path.display().to_string();
        let space = match self.pipeline.packages().free_space() {
            Ok(space) => space,
            Err(error) => {
                let message =
                    format!("cannot read the free space of {path}: {error}; no package is accepted");
                return Some(Observed::new(Kind::DiskLow, "", message));
            }
        };
        let (free, min) = (space.free >> 20, space.min >> 20);
        if space.free <= space.min {
            let message = format!(
                "the disk of the store {path} is nearly full: {free} MiB are free, and no package is accepted below {min} MiB \
                 ([store] min_free)"
            );
            return Some(Observed::new(Kind::DiskLow, "", message));
        }
        let message = if space.free < space.min.saturating_mul(2) {
            format!(
                "the disk of the store {path} is getting full: {free} MiB are free; at {min} MiB ([store] min_free) no package is \
                 accepted any more"
            )
        } else if let Some(inodes) = space.inodes.filter(|inodes| *inodes < MIN_INODES) {
            format!("the file system of the store {path} has only {} left", counted(inodes, "inode"))
        } else {
            return None;
        };
        Some(Observed::new(Kind::DiskLow, "", message).severity(Severity::Warning))
    }

    fn configuration(&self) -> Vec<Observed> {
        let mut observed = Vec::new();
        if let Some(refused) = self.configuration.last_refused() {
            let reason = first_reason(&refused.why);
            let message = format!(
                "the reload of {:.0} was refused, and the previous configuration stays active: {reason}",
                refused.at
            );
            observed.push(Observed::new(Kind::ReloadRefused, "", message).since(refused.at));
        }
        let restart = self.configuration.restart();
        if !restart.is_empty() {
            let restart: Vec<_> = restart.iter().map(ToString::to_string).collect();
            let message = format!("changed keys take effect at the next restart: {}", restart.join(", "));
            observed.push(Observed::new(Kind::RestartPending, "", message));
        }
        observed
    }

    fn clocks(&self) -> Vec<Observed> {
        let observe = |(account, client): (&String, &Client)| {
            let offset = client.clock_offset()?;
            let seconds = offset.unsigned_abs();
            let side = if offset < 0 { "behind" } else { "ahead of" };
            (seconds > ClockLimit::SECONDS).then(|| {
                let message = format!(
                    "the clock of this machine is {seconds} s {side} the service's (account `{account}`)"
                );
                Observed::new(Kind::ClockSkew, account, message)
            })
        };
        self.pipeline.services().iter().filter_map(observe).collect()
    }

    fn expiry(&self, now: Timestamp) -> Vec<Observed> {
        let active = self.admission.active();
        let observe = |(name, expires): (String, Timestamp)| {
            let account = active.config.accounts.get(&name)?;
            let warning = expiry::warning(expiry::subject(account), expires, now)?;
            let message = format!("account `{name}`: {warning}");
            Some(Observed::new(Kind::SecretExpiring, name, message))
        };
        self.probes.expiry().into_iter().filter_map(observe).collect()
    }

    fn withdrawals(&self, now: Timestamp) -> Vec<Observed> {
        let mut observed = Vec::new();
        for id in self.pipeline.queue().not_withdrawn() {
            let Some(job) = self.job(&id) else { continue };
            for pending in job.pending_withdrawals() {
                let Some(withdrawal) = pending.withdrawal else { continue };
                if withdrawal.why.is_none() && now.duration_since(withdrawal.since) < MIN_WITHDRAWAL_AGE {
                    continue;
                }
                let why = withdrawal.why.as_deref().unwrap_or("no answer yet");
                let name = Escaped(pending.name);
                let message = format!("label `{name}` of job {id} is not withdrawn yet: {}", Escaped(why));
                let object = format!("{id} {name} {}", pending.label);
                observed
                    .push(Observed::new(Kind::LabelNotWithdrawn, object, message).since(withdrawal.since));
            }
        }
        shorten(observed, Kind::LabelNotWithdrawn, "labels are not withdrawn yet")
    }

    /// Until an operator has acknowledged them, or the label was requested again.
    fn drifts(&self) -> Vec<Observed> {
        let drifts = match label_drift::all(&**self.pipeline.store()) {
            Ok(drifts) => drifts,
            Err(error) => {
                tracing::debug!("cannot read the list of changed labels: {error}");
                return Vec::new();
            }
        };
        let observe = |(id, drift): (RemoteId, label_drift::UnacknowledgedDrift)| {
            let job = self.job(&drift.job)?;
            let is_open = |label: &Label| label.id() == Some(id) && label.unacknowledged_drift().is_some();
            job.labels().iter().any(is_open).then(|| {
                let (name, what) = (Escaped(&drift.label), Escaped(&drift.what));
                let message = format!("label `{name}` ({id}) of job {} {what}", drift.job);
                Observed::new(Kind::LabelDrift, id.to_string(), message).since(drift.at)
            })
        };
        let observed = drifts.into_iter().filter_map(observe).collect();
        shorten(observed, Kind::LabelDrift, "published labels have changed")
    }

    fn overdue(&self) -> Vec<Observed> {
        let limits = self.pipeline.settings().overdue;
        let observe = |id| {
            let job = self.job(&id)?;
            let limit = if job.step() == Step::Publish { limits.publish } else { limits.sign };
            let since = job.step_started().checked_add(limit).unwrap_or_else(|_| job.updated());
            let message = format!(
                "job {id} ({}) has been at step `{}` since {:.0}, longer than usual",
                Escaped(&job.package().name),
                job.step(),
                job.step_started()
            );
            Some(Observed::new(Kind::Overdue, id.as_str(), message).since(since))
        };
        let observed = self.pipeline.queue().overdue().into_iter().filter_map(observe).collect();
        shorten(observed, Kind::Overdue, "jobs wait longer than usual")
    }

    /// Without the wait for drop folders, whose health is reported for each.
    pub(super) fn stalled(&self) -> Vec<Observed> {
        let stalled = self.heartbeats.stalled_until_restart(self.heartbeats.limit()).into_iter();
        stalled
            .map(|(part, age)| {
                let message = format!("{part} has stalled: no sign of life for {} s", age.as_secs());
                Observed::new(Kind::Stalled, part, message)
            })
            .collect()
    }

    fn job(&self, id: &dropship_job::JobId) -> Option<Job> {
        match self.pipeline.store().job(id) {
            Ok(job) => job,
            Err(error) => {
                tracing::debug!(job_id = %id, "cannot read job {id}: {error}");
                None
            }
        }
    }
}

/// The first error of a refusal, in one line. Warnings can stand before it.
fn first_reason(why: &str) -> &str {
    let error = why.lines().find_map(|line| line.trim().strip_prefix("error: "));
    error.or_else(|| why.lines().find(|line| !line.trim().is_empty())).unwrap_or_default()
}

/// Replaces the items after the first [`MAX_JOBS`] by one with their number.
fn shorten(mut observed: Vec<Observed>, kind: Kind, noun: &str) -> Vec<Observed> {
    if observed.len() > MAX_JOBS {
        let more = observed.split_off(MAX_JOBS).len();
        observed.push(Observed::new(kind, "more", format!("{more} more {noun}")));
    }
    observed
}
