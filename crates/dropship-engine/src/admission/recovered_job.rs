//! The job that a receipt describes.

use crate::outbox::{FoundReceipt, LabelReceipt, Receipt};
use dropship_config::model::DEFAULT_ACCOUNT;
use dropship_job::{
    Accepted, ErrorKind, Fault, HoldFault, HoldReason, Label, LabelStage, LabelStatus, Package, PlannedLabel,
    RecoveredJob, RemoteLabel, State, StateKind, Withdrawal,
};

/// Whether the receipt shows more than a rejection before anything was sent. Such a rejection needs no recovered job: the package
/// is evaluated again when it is dropped again, with or without a store.
pub(super) fn shows_more_than_a_rejection(receipt: &Receipt) -> bool {
    receipt.accepted || receipt.product_id.is_some() || receipt.submission_id.is_some()
}

/// A plan that is stored beside the copy of a package.
#[derive(Debug, Clone)]
pub(super) struct StoredPlan {
    /// Its digest.
    pub(super) digest: String,
    /// Its labels.
    pub(super) labels: Vec<PlannedLabel>,
}

/// The job as its receipt shows it; `plan` is the stored plan of the job, if that still exists.
pub(super) fn recovered_job_of_receipt(found: &FoundReceipt, plan: Option<StoredPlan>) -> RecoveredJob {
    let receipt = &found.receipt;
    let package = Package {
        name: receipt.package.clone(),
        path: receipt.path.clone(),
        folder: receipt.folder.clone(),
        sha256: receipt.sha256.clone(),
        size: receipt.size,
        outbox: found.folder.to_string_lossy().into_owned(),
    };
    let fault = || {
        receipt
            .error
            .clone()
            .unwrap_or_else(|| Fault::new(ErrorKind::Unknown, "the receipt does not say why"))
    };
    let state = match receipt.state {
        StateKind::Succeeded => State::Succeeded,
        StateKind::Failed => State::Failed { fault: fault() },
        StateKind::Rejected => State::Rejected { fault: fault() },
        StateKind::Cancelled => State::Cancelled,
        StateKind::Queued | StateKind::Running | StateKind::Waiting | StateKind::Held => {
            held_state(plan.is_some())
        }
    };
    let planned = plan.as_ref().map(|plan| plan.labels.clone()).unwrap_or_default();
    let account = receipt.account.as_deref().unwrap_or(DEFAULT_ACCOUNT);
    RecoveredJob {
        id: receipt.id.clone(),
        created: receipt.created,
        updated: receipt.updated,
        package,
        accepted: receipt.rule.clone().filter(|_| receipt.accepted).map(|rule| Accepted {
            rule,
            account: account.to_owned(),
            plan: plan.map(|plan| plan.digest),
            content: receipt.content_sha256.clone(),
            warnings: receipt.warnings.clone(),
            vars: receipt.vars.clone(),
        }),
        step: receipt.step,
        product: receipt.product_id,
        abandoned_products: receipt.burnt_products.clone(),
        submission: receipt.submission_id,
        workflow: receipt.workflow.clone().map(|workflow| (workflow.step, workflow.state)),
        files: receipt.files.clone(),
        labels: labels_of_receipt(receipt, planned),
        signed: receipt.signed,
        fault: receipt.error.clone(),
        state,
    }
}

/// The labels of the job. First the labels of the plan, which has their dependencies, each in the state that the receipt shows.
/// Then the labels that only the receipt has.
fn labels_of_receipt(receipt: &Receipt, planned: Vec<PlannedLabel>) -> Vec<Label> {
    let shown_label = |plan: &PlannedLabel| receipt.labels.iter().find(|label| label.name == plan.name);
    let others = receipt.labels.iter().filter(|label| !planned.iter().any(|plan| plan.name == label.name));
    let others = others.map(|label| {
        let plan = PlannedLabel {
            name: label.name.clone(),
            audiences: label.audiences.clone(),
            ..PlannedLabel::default()
        };
        label_of_receipt(plan, label, receipt)
    });
    let others: Vec<_> = others.collect();
    let labels = planned.into_iter().map(|plan| match shown_label(&plan) {
        Some(label) => label_of_receipt(plan, label, receipt),
        None => Label::planned(plan),
    });
    labels.chain(others).collect()
}

fn label_of_receipt(plan: PlannedLabel, label: &LabelReceipt, receipt: &Receipt) -> Label {
    let Some(id) = label.id else {
        return if label.status == LabelStatus::Dropped {
            Label::dropped(plan)
        } else {
            Label::planned(plan)
        };
    };
    let published = label.published.unwrap_or(receipt.updated);
    let stage = match label.status {
        LabelStatus::Gone => LabelStage::Gone,
        LabelStatus::Published => LabelStage::Published { at: published, superseded: None },
        _ if receipt.state == StateKind::Succeeded => {
            LabelStage::Published { at: published, superseded: Some(receipt.updated) }
        }
        LabelStatus::Withdrawn => LabelStage::Withdrawn,
        LabelStatus::Withdrawing => {
            LabelStage::Withdrawing(Withdrawal::wanted("the receipt", receipt.updated))
        }
        LabelStatus::WithdrawalWanted => {
            LabelStage::WithdrawalWanted(Withdrawal::wanted("the receipt", receipt.updated))
        }
        LabelStatus::Failed => {
            LabelStage::Failed { reason: "failed, according to the receipt".to_owned(), acknowledged: false }
        }
        _ => LabelStage::Processing,
    };
    let remote = RemoteLabel {
        requested: label.requested,
        step: label.step.clone(),
        state: label.state.clone(),
        ..RemoteLabel::new(id, label.not_before, stage)
    };
    Label::existing(plan, remote)
}

/// The state of a recovered job that had not ended: held, because the job may have progressed further than the receipt shows.
pub(super) fn held_state(has_plan: bool) -> State {
    let known = "the store was lost or is older than the receipt, and the job was recovered from its receipt or copy; more may exist \
                 at Microsoft than is known here: look for its name in Partner Center first";
    let then = if has_plan {
        "then `approve` continues it at the known step, `cancel` ends it"
    } else {
        "its plan was lost with the store, so it cannot continue: finish it with `dropship api`, and `cancel` it here"
    };
    State::held(HoldFault::new(HoldReason::Recovered, format!("{known}; {then}")))
}
