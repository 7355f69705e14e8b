//! What the pages know of a package without reading the store.

use std::sync::Arc;

use jiff::Timestamp;
use memchr::memmem::Finder;

use super::inf::{RowInf, short};
use super::label::LabelRow;
use super::names::NameInterner;
use super::search_text::{SearchFields, SearchText};
use dropship_job::{Job, JobId, LabelStatus, RemoteId, State, StateKind, Step};

/// Maximum number of times of labels in a row.
const MAX_TIMES: usize = 16;

/// A package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Row {
    /// Id of its job.
    pub(crate) id: JobId,
    /// Revision of the job that the row was made of.
    pub(crate) rev: u64,
    /// File name.
    pub(crate) package: Box<str>,
    /// What a search looks through.
    search_text: SearchText,
    /// Its folder; absent for a submitted package.
    pub(crate) folder: Option<Arc<str>>,
    /// The rule; absent until it is accepted.
    pub(crate) rule: Option<Arc<str>>,
    /// The stored state; a page shows a job that a worker has as running.
    pub(crate) state: StateKind,
    /// The step.
    pub(crate) step: Step,
    /// Time of arrival.
    pub(crate) created: Timestamp,
    /// Time of the last event.
    pub(crate) updated: Timestamp,
    /// When it entered its step.
    pub(crate) step_started: Timestamp,
    /// When Microsoft signed it.
    pub(crate) signed: Option<Timestamp>,
    /// When the last of its labels was published, once all labels that are still requested are published.
    pub(crate) published: Option<Timestamp>,
    /// Id of its product.
    pub(crate) product: Option<RemoteId>,
    /// Id of its submission.
    pub(crate) submission: Option<RemoteId>,
    /// The times before which its labels are not requested or not live, earliest first.
    pub(crate) not_before: Box<[Timestamp]>,
    /// Its labels.
    pub(crate) labels: Box<[LabelRow]>,
    /// Its INFs; absent until its record was read.
    pub(crate) infs: Option<Box<[RowInf]>>,
    /// The number of its driver: packages with the same one have the same driver.
    pub(crate) driver_number: Option<u32>,
    /// The provider that they have in common.
    provider: Option<Arc<str>>,
    /// The version that they have in common, for sorting.
    version_order: Option<[u32; 4]>,
}

impl Row {
    /// The row of a job, without its INFs.
    pub(super) fn of(job: &Job, names: &mut NameInterner) -> Self {
        let mut times: Vec<_> = (0..job.labels().len())
            .filter(|index| is_upcoming(job, *index))
            .filter_map(|index| job.label_not_before(index))
            .collect();
        times.sort();
        times.truncate(MAX_TIMES);
        let name = short(&job.package().name);
        let (product, submission) = (job.product().id(), job.submission().id());
        let labels = LabelRow::all(job);
        let parts = SearchFields { name, infs: &[], job: job.id(), product, submission, labels: &labels };
        let search_text = SearchText::of(&parts);
        Self {
            id: job.id().clone(),
            rev: job.rev(),
            package: name.into(),
            search_text,
            folder: job.package().folder.as_deref().map(|name| names.shared(name)),
            rule: job.rule().map(|name| names.shared(name)),
            state: job.state().kind(),
            step: job.step(),
            created: job.created(),
            updated: job.updated(),
            step_started: job.step_started(),
            signed: job.signed(),
            published: published(job),
            product,
            submission,
            not_before: times.into(),
            labels,
            infs: None,
            driver_number: None,
            provider: None,
            version_order: None,
        }
    }

    /// The file name in lower case.
    pub(super) fn name_in_lower_case(&self) -> &str {
        self.search_text.name()
    }

    /// Whether a word, in lower case, is part of the file name, of an INF, its provider or version, or of an id.
    pub(crate) fn contains(&self, word: &Finder<'_>) -> bool {
        self.search_text.has(word)
    }

    /// Whether a word, in lower case, is part of the name of one of its labels.
    pub(crate) fn has_label(&self, word: &Finder<'_>) -> bool {
        self.search_text.has_label(word)
    }

    fn renew_search_text(&mut self) {
        let Self { product, submission, .. } = *self;
        let infs = self.infs.as_deref().unwrap_or_default();
        let parts = SearchFields {
            name: &self.package,
            infs,
            job: &self.id,
            product,
            submission,
            labels: &self.labels,
        };
        self.search_text = SearchText::of(&parts);
    }

    /// The numbers of the version that all INFs have, so that 10.0 comes after 9.0.
    pub(super) fn version_order(&self) -> Option<[u32; 4]> {
        self.version_order
    }

    /// Adds the INFs, and the number that `NameInterner` has given to their driver.
    pub(super) fn set_infs(&mut self, infs: Box<[RowInf]>, driver_number: Option<u32>) {
        (self.infs, self.driver_number) = (Some(infs), driver_number);
        self.version_order = self.version().map(version_order);
        self.provider =
            common(self.infs.as_deref().unwrap_or_default(), |inf| inf.provider.as_ref()).cloned();
        self.renew_search_text();
    }

    /// The state that the store has: a job that a worker processes is queued or waiting.
    pub(crate) fn stored_state(&self) -> StateKind {
        self.state
    }

    /// Takes over what was read from the record of the package.
    pub(super) fn keep_record(&mut self, former: &mut Self) {
        (self.infs, self.version_order) = (former.infs.take(), former.version_order);
        (self.driver_number, self.provider) = (former.driver_number, former.provider.take());
        for (label, former) in self.labels.iter_mut().zip(&mut former.labels) {
            label.ring = former.ring.take();
        }
        self.renew_search_text();
    }

    /// The driver: the name of its first INF, and the number of the others; the file name without its type if there is no INF.
    pub(crate) fn driver_key(&self) -> (&str, usize) {
        match self.infs.as_deref() {
            Some([first, others @ ..]) => (&first.name, others.len()),
            _ => (self.package.rsplit_once('.').map_or(&*self.package, |(stem, _)| stem), 0),
        }
    }

    /// The driver as a text.
    pub(crate) fn driver(&self) -> String {
        match self.driver_key() {
            (first, 0) => first.to_owned(),
            (first, others) => format!("{first} and {others} more"),
        }
    }

    /// The provider that all INFs have; absent without INFs, and if they differ.
    pub(crate) fn provider(&self) -> Option<&str> {
        self.provider.as_deref()
    }

    /// The same, as it is kept.
    pub(super) fn kept_provider(&self) -> Option<&Arc<str>> {
        self.provider.as_ref()
    }

    /// The version that all INFs have; absent without INFs, and if they differ.
    pub(crate) fn version(&self) -> Option<&str> {
        common(self.infs.as_deref()?, |inf| inf.version.as_deref())
    }
}

fn common<'a, T: ?Sized + PartialEq>(
    infs: &'a [RowInf],
    text: impl Fn(&'a RowInf) -> Option<&'a T>,
) -> Option<&'a T> {
    let (first, rest) = infs.split_first()?;
    let value = text(first)?;
    rest.iter().all(|inf| text(inf) == Some(value)).then_some(value)
}

fn version_order(version: &str) -> [u32; 4] {
    let mut numbers = [0; 4];
    for (number, part) in numbers.iter_mut().zip(version.split('.')) {
        *number = part.parse().unwrap_or(u32::MAX);
    }
    numbers
}

/// Whether the label at this index is still to be requested or to go live.
fn is_upcoming(job: &Job, index: usize) -> bool {
    let has_ended = job.state().has_ended();
    job.labels().get(index).is_some_and(|label| match label.status() {
        LabelStatus::Planned | LabelStatus::Held => !has_ended,
        LabelStatus::InDoubt | LabelStatus::Processing | LabelStatus::Published => true,
        LabelStatus::Failed
        | LabelStatus::WithdrawalWanted
        | LabelStatus::Withdrawing
        | LabelStatus::Withdrawn
        | LabelStatus::Gone
        | LabelStatus::Dropped => false,
    })
}

/// When the last of its labels was published, once all labels that are still requested are published.
fn published(job: &Job) -> Option<Timestamp> {
    if !matches!(job.state(), State::Succeeded) {
        return None;
    }
    job.labels().iter().filter_map(dropship_job::Label::published).max()
}
