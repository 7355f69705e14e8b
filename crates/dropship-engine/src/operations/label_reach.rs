//! What the labels of a job reach, and what they wait for: by their publication, or as predicted until then.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::who::{self, OtherLabel};
use crate::approval::TargetCounts;
use crate::package_store::{PackageStore, PlanSnapshot};
use crate::pipeline::{known_audiences, read_driver_metadata};
use dropship_config::model::DEFAULT_ACCOUNT;
use dropship_hardware::{Audience, DriverMetadata};
use dropship_job::{Job, Label};
use dropship_rules::label::{audiences, earliest, preview, preview_with};
use dropship_rules::plan::LabelPlan;
use dropship_store::{PublishedLabel, Store, StoreError};

/// A label of a job. The list of a job has its labels in their order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LabelReach {
    /// The label of the plan; absent if the plan was lost.
    pub plan: Option<LabelPlan>,
    /// Names of its audiences; empty: every machine that it targets.
    pub audiences: Vec<String>,
    /// The targets, counted; absent if they are not known.
    pub targets: Option<TargetCounts>,
    /// Where the targets come from.
    pub source: ReachSource,
    /// When it goes live at the earliest, by the plan; absent for a label that exists, and without a plan.
    pub expected: Option<Timestamp>,
    /// Older labels that gave up targets to it.
    pub supersedes: Vec<OtherLabel>,
    /// Newer labels to which it gave up targets.
    pub superseded_by: Vec<OtherLabel>,
}

/// Where the targets of a label come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReachSource {
    /// The published label.
    Published,
    /// Microsoft's driver metadata: the label would be requested with these targets.
    Metadata,
    /// The package: its INFs, before Microsoft has signed it.
    Package,
}

/// The labels of a job.
///
/// # Errors
/// When the store cannot be read.
pub fn label_reach(
    store: &dyn Store,
    packages: &PackageStore,
    job: &Job,
    now: Timestamp,
) -> Result<Vec<LabelReach>, StoreError> {
    let published = |label: &Label| label.id().map_or(Ok(None), |id| store.published_label(id));
    let published = job.labels().iter().map(published).collect::<Result<Vec<_>, _>>()?;
    let snapshot = job.plan().and_then(|digest| packages.plan_snapshot(job.id(), digest).ok());
    let (mut metadata, mut audiences) = (None, Vec::new());
    // Only predictions need them, and the metadata can be large.
    if published.iter().any(Option::is_none) {
        metadata = read_driver_metadata(packages, job).ok();
        audiences = known_audiences::read(store, job.account().unwrap_or(DEFAULT_ACCOUNT))?;
    }
    let inputs = ReachInputs { store, snapshot, metadata, audiences, now };
    let labels = job.labels().iter().zip(published).enumerate();
    labels
        .map(|(index, (label, published))| inputs.reach_of(label, published, job.label_not_before(index)))
        .collect()
}

struct ReachInputs<'a> {
    store: &'a dyn Store,
    snapshot: Option<PlanSnapshot>,
    metadata: Option<DriverMetadata>,
    /// The audiences of the account.
    audiences: Vec<Audience>,
    now: Timestamp,
}

impl ReachInputs<'_> {
    fn reach_of(
        &self,
        label: &Label,
        published: Option<PublishedLabel>,
        not_before: Option<Timestamp>,
    ) -> Result<LabelReach, StoreError> {
        let labels = self.snapshot.iter().flat_map(|snapshot| &snapshot.plan.labels);
        let plan = labels.clone().find(|plan| plan.name == label.name()).cloned();
        if let Some(published) = published {
            let targets = self.store.targets_of_label(published.id)?;
            let rows = targets.iter().map(|target| (target.hardware_id.as_str(), target.os.as_str()));
            let others =
                |ids: &[_]| ids.iter().map(|id| who::other_label(self.store, *id)).collect::<Result<_, _>>();
            return Ok(LabelReach {
                plan,
                targets: Some(TargetCounts::of(rows)),
                source: ReachSource::Published,
                expected: None,
                supersedes: others(&published.supersedes)?,
                superseded_by: others(&published.superseded_by)?,
                audiences: published.audiences,
            });
        }
        Ok(self.predict(label, plan, not_before))
    }

    /// A label that is not published, as it will probably be. It is not requested before `not_before`, if that is known.
    fn predict(&self, label: &Label, plan: Option<LabelPlan>, not_before: Option<Timestamp>) -> LabelReach {
        // A date that has passed is no reason to show no targets.
        let undated = plan.clone().map(|plan| LabelPlan { go_live: None, ..plan });
        let (mut targets, mut expected) = (None, None);
        if let (Some(snapshot), Some(undated)) = (&self.snapshot, &undated) {
            let preview = match &self.metadata {
                Some(metadata) => preview_with(undated, &snapshot.plan, metadata, self.now),
                None => preview(undated, &snapshot.plan, &snapshot.facts, self.now),
            };
            targets = preview.request.as_ref().map(TargetCounts::of_request);
        }
        if let (Some(snapshot), Some(plan), None) = (&self.snapshot, &plan, label.id()) {
            let requested = match not_before {
                Some(time) => time.max(self.now),
                None => earliest(plan, &snapshot.plan, self.now),
            };
            let live = plan.go_live.and_then(|date| date.resolve(requested, &plan.blackout).ok());
            expected = live.or(plan.after.is_some().then_some(requested)).filter(|time| *time > self.now);
        }
        LabelReach {
            audiences: label.plan().audiences.iter().map(|text| self.name_of(text)).collect(),
            plan,
            targets,
            source: if self.metadata.is_some() { ReachSource::Metadata } else { ReachSource::Package },
            expected,
            supersedes: Vec::new(),
            superseded_by: Vec::new(),
        }
    }

    /// The name of an audience that a rule names by its name, its audience name or its id.
    fn name_of(&self, text: &str) -> String {
        match audiences::resolve(&[text.to_owned()], &self.audiences).as_deref() {
            Ok([audience]) if !audience.name.is_empty() => audience.name.clone(),
            _ => text.to_owned(),
        }
    }
}
