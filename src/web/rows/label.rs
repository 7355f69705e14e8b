//! What the pages know of a label without reading the store.

use std::sync::Arc;

use jiff::Timestamp;

use dropship_job::{Job, LabelStatus, RemoteId};

/// Maximum number of labels of a row.
const MAX_LABELS: usize = 32;

/// A label of a package. Its index in the row is that in the job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LabelRow {
    /// Its name.
    pub(crate) name: Box<str>,
    /// Its ring; absent until the record of the package was read.
    pub(crate) ring: Option<Arc<str>>,
    /// Its progress.
    pub(crate) status: LabelStatus,
    /// Id at Microsoft.
    pub(crate) id: Option<RemoteId>,
    /// When Microsoft had accepted its request.
    pub(crate) requested: Option<Timestamp>,
    /// When its publication was seen.
    pub(crate) published: Option<Timestamp>,
    /// The time before which it is not requested or does not go live.
    pub(crate) not_before: Option<Timestamp>,
}

impl LabelRow {
    /// The labels of a job.
    pub(super) fn all(job: &Job) -> Box<[Self]> {
        let labels = job.labels().iter().take(MAX_LABELS).enumerate();
        let row = |(index, label): (usize, &dropship_job::Label)| Self {
            name: label.name().into(),
            ring: None,
            status: label.status(),
            id: label.id(),
            requested: label.remote().and_then(|remote| remote.requested),
            published: label.published(),
            not_before: job.label_not_before(index),
        };
        labels.map(row).collect()
    }

    /// Whether it is still to be requested, published or live at `now`. `has_ended`: its job has ended.
    pub(crate) fn is_upcoming(&self, has_ended: bool, now: Timestamp) -> bool {
        self.status.is_upcoming(has_ended, self.not_before, now)
    }

    /// When it was or goes live; absent unless it is published.
    pub(crate) fn live(&self) -> Option<Timestamp> {
        let published = self.published?;
        Some(self.not_before.map_or(published, |date| date.max(published)))
    }
}
