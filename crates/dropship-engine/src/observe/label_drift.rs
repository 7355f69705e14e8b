//! Changes of published labels that dropship did not make.

use super::id;
use dropship_job::Drift;
use dropship_redact::Escaped;
use dropship_store::PublishedLabel;

/// A label whose job is no longer in the store was withdrawn, has expired, or was changed.
pub fn label_of_pruned_job_drifted(label: &PublishedLabel, drift: &Drift) {
    let PublishedLabel { id: label_id, name, job, rule, product, submission, .. } = label;
    tracing::warn!(
        event = "drifted",
        message_id = id::LABEL_DRIFTED,
        job_id = %job,
        rule,
        product_id = %product,
        submission_id = %submission,
        label_id = %label_id,
        "label `{}` ({label_id}) of job {job}, which is no longer in the store, {}; check it in Partner Center",
        Escaped(name),
        Escaped(&drift.to_string())
    );
}
