//! Log lines of the list of troubles: one when an item appears, one when it is gone.

use super::item::AttentionItem;
use super::kind::Severity;
use dropship_engine::observe::id;
use dropship_redact::Escaped;

/// Something needs attention.
pub(super) fn needed(item: &AttentionItem) {
    let info = item.kind.info();
    let (kind, message_id, object) = (info.name, info.message_id, item.object.as_str());
    let (message, remedy) = (Escaped(&item.message), info.remedy);
    match item.severity {
        Severity::StopsIntake => {
            tracing::error!(
                event = "attention_needed",
                message_id,
                kind,
                object,
                "{kind}: {message}. {remedy}"
            );
        }
        Severity::Warning => {
            tracing::warn!(
                event = "attention_needed",
                message_id,
                kind,
                object,
                "{kind}: {message}. {remedy}"
            );
        }
    }
}

/// Something no longer needs attention.
pub(super) fn ended(item: &AttentionItem) {
    let (kind, object) = (item.kind.name(), item.object.as_str());
    tracing::info!(
        event = "attention_ended",
        message_id = id::ATTENTION_ENDED,
        kind,
        object,
        "{kind} is over, which began at {:.0}: {}",
        item.since,
        Escaped(&item.message)
    );
}
