//! Events that change what the store remembers of published labels.

use jiff::Timestamp;

use dropship_config::model::DEFAULT_ACCOUNT;
use dropship_job::{Event, Job, Label, LabelStage};
use dropship_store::{Entry, LabelCheck, PublishedLabel};

/// The entries about labels of a job that are not published any more after these events; `job` is its state before them.
pub(super) fn forgotten(job: &Job, events: &[Event]) -> Vec<Entry> {
    let published_id =
        |index: usize| job.labels().get(index).filter(|label| label.is_published()).and_then(Label::id);
    let label_ids = events.iter().filter_map(|event| match event {
        Event::LabelFailed { label, .. } => published_id(*label),
        Event::WithdrawalConfirmed { id, .. } => Some(*id),
        Event::Drifted { id, drift, .. } => drift.ends_publication().then_some(*id),
        _ => None,
    });
    label_ids.map(|label| Entry::LabelForgotten { label }).collect()
}

/// The entry that makes the audit compare a label next, because an operator has changed it.
pub(super) fn edited(job: &Job, event: &Event) -> Option<Entry> {
    let Event::Edited { label, .. } = event else { return None };
    let label = job.labels().get(*label).filter(|label| label.is_published())?.id()?;
    let check = LabelCheck { at: Timestamp::UNIX_EPOCH, missing_since: None, edited: true };
    Some(Entry::LabelChecked { label, check })
}

/// The entries about the published labels of a job that was recovered from its receipt. The audit finds out next what they target.
pub(crate) fn of_recovered(job: &Job) -> Vec<Entry> {
    let (Some(product), Some(submission)) = (job.product().id(), job.submission().id()) else {
        return Vec::new();
    };
    let entries = |label: &Label| {
        let remote = label.remote()?;
        let LabelStage::Published { at, .. } = remote.stage else { return None };
        let published = PublishedLabel {
            id: remote.id,
            name: label.name().to_owned(),
            job: job.id().clone(),
            package: job.package().name.clone(),
            rule: job.rule().unwrap_or_default().to_owned(),
            account: job.account().unwrap_or(DEFAULT_ACCOUNT).to_owned(),
            product,
            submission,
            audiences: label.plan().audiences.clone(),
            published: at,
            go_live: remote.go_live,
            supersedes: Vec::new(),
            superseded_by: Vec::new(),
            reach: None,
            series: None,
            targets: Vec::new(),
        };
        let check = LabelCheck { at: Timestamp::UNIX_EPOCH, missing_since: None, edited: true };
        Some([
            Entry::LabelPublished { label: Box::new(published) },
            Entry::LabelChecked { label: remote.id, check },
        ])
    };
    job.labels().iter().filter_map(entries).flatten().collect()
}
