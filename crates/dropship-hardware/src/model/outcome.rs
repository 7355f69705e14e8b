//! When a submission or a shipping label has ended. Nothing else decides it.
//!
//! | object | failed | done |
//! |---|---|---|
//! | submission | the state is `failed`, or the commit status is `commitFailed` | not failed, and a `signedPackage` is offered |
//! | label | the state is `failed` | not failed, and the state is `completed` or `published` in a final step or in a step that is a number, or every target is published |
//!
//! A failure counts in any step, also when the response names no step. The name of a submission's last step is not reliable, so
//! the offered package decides. The final steps of a label are `finalizePublishing` and `finalizeSharing`; `completed` in any
//! other step ends that step only. A number says nothing about which step it is: a target that is still being added is proof
//! that it is not the last. Any other step or state, known or not, is work in progress.
//!
//! Sources: "Get submission data" and "Get shipping label data" of the Hardware dashboard API; the public clients of it take an
//! offered signed package for the end, and have met the state `published` and steps that are numbers.

use super::status::{State, Step, WorkflowStatus};
use super::{CommitStatus, Destination, DownloadKind, ShippingLabel, Submission, Targeting};

/// How the work of the service on an object stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// The service works on it, or has not started.
    Pending,
    /// It is signed, published or shared.
    Done,
    /// The service has given it up. A label that was cancelled shows the same.
    Failed,
}

impl Submission {
    /// Whether the submission has ended, by the rule of this module.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        if self.commit_status == Some(CommitStatus::Failed) || has_failed(self.workflow_status.as_ref()) {
            Outcome::Failed
        } else if self.offers(&DownloadKind::SignedPackage) {
            Outcome::Done
        } else {
            Outcome::Pending
        }
    }

    /// Whether the package is signed.
    #[must_use]
    pub fn is_signed(&self) -> bool {
        self.outcome() == Outcome::Done
    }

    /// Whether the service has given the submission up.
    #[must_use]
    pub fn is_failed(&self) -> bool {
        self.outcome() == Outcome::Failed
    }
}

impl ShippingLabel {
    /// Whether the label has ended, by the rule of this module. Without its targeting, the end of a label whose steps are
    /// numbers, or whose last step is not known, cannot be determined reliably: see [`needs_targeting`](Self::needs_targeting).
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        let status = self.workflow_status.as_ref();
        if has_failed(status) {
            return Outcome::Failed;
        }
        let has_completed = status.is_some_and(|status| {
            let has_ended = matches!(status.state, Some(State::Completed | State::Published));
            let is_last = match &status.current_step {
                Some(Step::FinalizePublishing | Step::FinalizeSharing) => true,
                Some(_) if status.is_unnamed() => {
                    !self.targeting.as_ref().is_some_and(Targeting::is_changing)
                }
                _ => false,
            };
            has_ended && is_last
        });
        let is_in_force = self.targeting.as_ref().is_some_and(Targeting::is_in_force);
        if has_completed || is_in_force { Outcome::Done } else { Outcome::Pending }
    }

    /// Whether the targeting, which lists leave out, is likely to change the outcome.
    #[must_use]
    pub fn needs_targeting(&self) -> bool {
        if self.targeting.is_some() || self.destination == Some(Destination::AnotherPartner) {
            return false;
        }
        let Some(status) = &self.workflow_status else { return true };
        let is_in_progress = matches!(status.state, Some(State::NotStarted | State::Started));
        match &status.current_step {
            None | Some(Step::Other(_)) => !has_failed(Some(status)),
            Some(Step::Publishing | Step::FinalizePublishing) => {
                !is_in_progress && self.outcome() == Outcome::Pending
            }
            // The work before publishing: no target can be published.
            Some(_) => false,
        }
    }

    /// Whether the label is published or shared.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.outcome() == Outcome::Done
    }

    /// Whether the service has failed the label; a cancelled label looks the same.
    #[must_use]
    pub fn is_failed(&self) -> bool {
        self.outcome() == Outcome::Failed
    }
}

fn has_failed(status: Option<&WorkflowStatus>) -> bool {
    status.is_some_and(WorkflowStatus::failed)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn submission(status: &Value, offers: &[&str]) -> Outcome {
        let items: Vec<_> = offers.iter().map(|kind| json!({"type": kind, "url": "https://h/b"})).collect();
        let whole = json!({"id": 1, "workflowStatus": status, "downloads": {"items": items}});
        serde_json::from_value::<Submission>(whole).expect("a submission").outcome()
    }

    fn label(status: &Value, states: &[&str]) -> Outcome {
        let rows: Vec<_> =
            states.iter().map(|state| json!({"pnpString": "x", "distributionState": state})).collect();
        let targeting = if rows.is_empty() { Value::Null } else { json!({ "hardwareIds": rows }) };
        let whole = json!({"id": 1, "workflowStatus": status, "targeting": targeting});
        serde_json::from_value::<ShippingLabel>(whole).expect("a label").outcome()
    }

    #[test]
    fn submission_ends_with_the_signed_package_whatever_the_step() {
        for step in [json!("finalizeIngestion"), json!("finalizeProcessing"), json!(7), json!(null)] {
            for state in [json!("completed"), json!("started"), json!("queued"), json!(null)] {
                let status = json!({"currentStep": step, "state": state});
                assert_eq!(
                    submission(&status, &["initialPackage", "SignedPackage"]),
                    Outcome::Done,
                    "{status}"
                );
                assert_eq!(submission(&status, &["initialPackage"]), Outcome::Pending, "{status}");
            }
        }
        assert_eq!(submission(&json!(null), &["signedPackage"]), Outcome::Done);
        assert_eq!(submission(&json!(null), &[]), Outcome::Pending);
    }

    #[test]
    fn failure_counts_in_every_step_and_without_one() {
        for step in [json!("scanning"), json!(3), json!("unheardOf"), json!(null)] {
            let status = json!({"currentStep": step, "state": "Failed"});
            assert_eq!(submission(&status, &["signedPackage"]), Outcome::Failed, "{status}");
            assert_eq!(label(&status, &["added"]), Outcome::Failed, "{status}");
        }
        assert_eq!(submission(&json!({"state": "failed"}), &[]), Outcome::Failed);
        assert_eq!(label(&json!({"state": "failed"}), &[]), Outcome::Failed);
    }

    #[test]
    fn label_ends_in_a_final_or_numeric_step() {
        for state in ["completed", "published", "Published"] {
            for step in [json!("finalizePublishing"), json!("FinalizeSharing"), json!(14), json!("14")] {
                assert_eq!(
                    label(&json!({"currentStep": step, "state": state}), &[]),
                    Outcome::Done,
                    "{step} {state}"
                );
            }
            for step in [json!("microsoftApproval"), json!("publishing"), json!("unheardOf"), json!(null)] {
                assert_eq!(
                    label(&json!({"currentStep": step, "state": state}), &[]),
                    Outcome::Pending,
                    "{step} {state}"
                );
            }
        }
        assert_eq!(
            label(&json!({"currentStep": "finalizePublishing", "state": "started"}), &[]),
            Outcome::Pending
        );
        assert_eq!(label(&json!({"currentStep": 14, "state": "queued"}), &[]), Outcome::Pending);
        assert_eq!(
            label(&json!({"currentStep": 9, "state": "completed"}), &["added", "pendingAdd"]),
            Outcome::Pending
        );
        assert_eq!(label(&json!(null), &[]), Outcome::Pending);
    }

    #[test]
    fn label_ends_when_all_its_targets_are_published() {
        for status in [
            json!(null),
            json!({"currentStep": "publishing", "state": "started"}),
            json!({"state": "unheardOf"}),
        ] {
            assert_eq!(label(&status, &["added", "Added"]), Outcome::Done, "{status}");
            assert_eq!(label(&status, &["added", "pendingAdd"]), Outcome::Pending, "{status}");
            assert_eq!(label(&status, &["added", "unheardOf"]), Outcome::Pending);
        }
    }
}
