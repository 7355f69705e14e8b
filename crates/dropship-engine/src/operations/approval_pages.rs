//! Computes the approval pages of a job from its stored plan, its copy of the driver metadata and the audiences of its account.

use jiff::Timestamp;

use super::previous_label::find_previous;
use crate::approval::{ApprovalPage, Approvals, NamedAudience, RequestContent, TargetChange, TargetCounts};
use crate::package_store::{PackageStore, PlanSnapshot};
use crate::pipeline::{LabelRequestError, PreparedRequest, known_audiences, read_driver_metadata};
use dropship_config::model::DEFAULT_ACCOUNT;
use dropship_hardware::{Audience, NewShippingLabel};
use dropship_job::{ApproveCommand, Job, Label, LabelHold};
use dropship_rules::label::{LabelWarning, audiences, preview};
use dropship_rules::plan::LabelPlan;
use dropship_store::Store;

/// One page for each label on hold whose approval sends a request.
#[must_use]
pub fn approval_pages(
    store: &dyn Store,
    packages: &PackageStore,
    job: &Job,
    now: Timestamp,
) -> Vec<ApprovalPage> {
    if job.state().has_ended() {
        return Vec::new();
    }
    let labels = job.labels().iter().enumerate().filter(|(_, label)| label.needs_approval());
    labels.map(|(index, label)| PageInputs { store, packages, job, now }.page(index, label)).collect()
}

/// The input of a page.
#[derive(Clone, Copy)]
struct PageInputs<'a> {
    store: &'a dyn Store,
    packages: &'a PackageStore,
    job: &'a Job,
    now: Timestamp,
}

impl PageInputs<'_> {
    fn page(self, index: usize, label: &Label) -> ApprovalPage {
        let request = label.hold().and_then(LabelHold::request);
        let command = ApproveCommand { config: None, job: self.job.id(), label: Some(label.name()), request }
            .to_string();
        let (content, problem) = match self.content(index) {
            Ok((content, digest)) => {
                let differs = request.filter(|request| *request != digest).map(|_| {
                    format!(
                        "this is not the request that the label is on hold for: the driver metadata, the audiences of the \
                         account or this version of dropship have changed since, and the request would now have the digest \
                         {digest}; an approval does not send it, and the label is held again with the new request"
                    )
                });
                (Some(content), differs)
            }
            Err(why) => (None, Some(format!("the request cannot be presented: {why}"))),
        };
        ApprovalPage {
            label: label.name().to_owned(),
            request: request.map(str::to_owned),
            approvals: label.hold().map(Approvals::of),
            problem,
            content,
            command,
        }
    }

    /// The content of the request and its digest, or why it cannot be computed.
    fn content(self, index: usize) -> Result<(RequestContent, String), String> {
        let digest = self.job.plan().ok_or("the plan of the job was lost")?;
        let snapshot = self.packages.plan_snapshot(self.job.id(), digest);
        let snapshot = snapshot.map_err(|error| format!("cannot read the plan of the job: {error}"))?;
        let label = snapshot.plan.labels.get(index).ok_or("the plan has no such label")?;
        let metadata = read_driver_metadata(self.packages, self.job)
            .map_err(|error| format!("cannot read the stored driver metadata: {error}"))?;
        let audiences = self.audiences(label)?;
        let prepared = PreparedRequest::compute(label, &metadata, &audiences, self.now)
            .map_err(|error| error.to_string())?;
        let content = self.describe(&snapshot, label, &audiences, &prepared)?;
        Ok((content, prepared.digest))
    }

    /// The audiences of the account when the label was put on hold.
    fn audiences(self, label: &LabelPlan) -> Result<Vec<Audience>, String> {
        if label.audiences.is_empty() {
            return Ok(Vec::new());
        }
        let account = self.job.account().unwrap_or(DEFAULT_ACCOUNT);
        let audiences = known_audiences::read(self.store, account)
            .map_err(|error| format!("cannot read the audiences in the store: {error}"))?;
        if audiences.is_empty() {
            return Err(format!("the store does not have the audiences of account `{account}` yet"));
        }
        Ok(audiences)
    }

    fn describe(
        self,
        snapshot: &PlanSnapshot,
        label: &LabelPlan,
        audiences: &[Audience],
        prepared: &PreparedRequest,
    ) -> Result<RequestContent, String> {
        let request = &prepared.request;
        let named =
            audiences::resolve(&label.audiences, audiences).map_err(|problems| problems.join("; "))?;
        let named = named
            .into_iter()
            .map(|audience| NamedAudience { name: audience.name.clone(), id: audience.id.clone() });
        let previous = find_previous(self.store, self.packages, self.job, (&snapshot.plan, label), request)
            .map_err(|error| format!("cannot read the published labels in the store: {error}"))?;
        let warning = |warning: &LabelWarning| format!("{} ({})", warning.message, warning.document);
        Ok(RequestContent {
            audiences: named.collect(),
            go_live: label.go_live.and_then(|date| date.resolve(self.now, &label.blackout).ok()),
            targets: TargetCounts::of_request(request),
            foreseen: self
                .predicted(snapshot, label)
                .map(|predicted| TargetChange::between(request, &predicted)),
            previous,
            warnings: prepared.warnings.iter().map(warning).collect(),
            body: serde_json::to_value(request)
                .map_err(|error| LabelRequestError::NoJson(error.to_string()).to_string())?,
            plan: label.clone(),
        })
    }

    /// The request that `plan` predicted when the package was accepted.
    fn predicted(self, snapshot: &PlanSnapshot, label: &LabelPlan) -> Option<NewShippingLabel> {
        snapshot.facts.infs.iter().find(|inf| !inf.hardware_ids.is_empty())?;
        let label = LabelPlan { go_live: None, ..label.clone() };
        preview(&label, &snapshot.plan, &snapshot.facts, self.job.created()).request
    }
}
