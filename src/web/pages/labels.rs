//! The page `Labels`.

use dropship_web::Markup;
use dropship_web::page::MaybeLink;
use dropship_web::page::labels::{self, LabelFilters, LabelsView};
use jiff::Timestamp;

use super::super::query::{Query, encoded};
use super::super::refusal::Refusal;
use super::super::site::Site;
use super::super::words;
use dropship_job::{JobId, LabelStatus};

mod calendar;
mod drivers;
mod entry;
mod label_view;

use entry::Entry;

/// The parameters of the page.
pub(in crate::web) const PARAMETERS: &[&str] = &["q", "state", "ring", "page", "from"];

/// Number of labels of a page.
const SIZE: usize = 25;

/// Maximum number of words of a search.
const MAX_WORDS: usize = 8;

/// Maximum number of rings that can be chosen.
const MAX_RINGS: usize = 50;

/// The states that can be chosen.
const STATES: [LabelStatus; 11] = [
    LabelStatus::Planned,
    LabelStatus::Held,
    LabelStatus::InDoubt,
    LabelStatus::Processing,
    LabelStatus::Published,
    LabelStatus::Failed,
    LabelStatus::WithdrawalWanted,
    LabelStatus::Withdrawing,
    LabelStatus::Withdrawn,
    LabelStatus::Gone,
    LabelStatus::Dropped,
];

/// A request for labels.
struct Wanted {
    /// Words in lower case.
    words: Vec<String>,
    state: Option<LabelStatus>,
    ring: Option<String>,
    /// From 1.
    page: usize,
}

impl Wanted {
    fn of(query: &Query) -> Result<Self, Refusal> {
        let words: Vec<_> =
            query.get("q").unwrap_or_default().split_whitespace().map(str::to_lowercase).collect();
        if words.len() > MAX_WORDS {
            return Err(Refusal::parameter("q", format!("it has more than {MAX_WORDS} words")));
        }
        let state = query.get("state").map(|name| {
            let found = STATES.into_iter().find(|state| state.as_str() == name);
            let names: Vec<_> = STATES.iter().map(|state| state.as_str()).collect();
            found
                .ok_or_else(|| Refusal::parameter("state", format!("it must be one of {}", names.join(", "))))
        });
        let page = query.parse("page", "a number of a page, from 1")?.unwrap_or(1);
        if page == 0 {
            return Err(Refusal::parameter("page", "the first page is 1"));
        }
        Ok(Self { words, state: state.transpose()?, ring: query.get("ring").map(str::to_owned), page })
    }

    fn shows(&self, entry: &Entry) -> bool {
        self.state.is_none_or(|state| state == entry.label.status)
            && self.ring.as_deref().is_none_or(|ring| entry.label.ring.as_deref() == Some(ring))
    }

    /// The address with these filters and this page.
    fn href(&self, page: usize) -> String {
        let state = self.state.map(|state| format!("&state={}", state.as_str())).unwrap_or_default();
        let ring = self.ring.as_deref().map(|ring| format!("&ring={}", encoded(ring))).unwrap_or_default();
        format!("/labels?page={page}&q={}{state}{ring}", encoded(&self.words.join(" ")))
    }
}

/// The content of the page. It may block.
pub(in crate::web) fn content(site: &Site, query: &Query) -> Result<Markup, Refusal> {
    let (wanted, now) = (Wanted::of(query)?, Timestamp::now());
    let window = calendar::Window::of(query, now)?;
    // Nothing is read from the disk while the rows are locked.
    let (found, rings, incomplete) = {
        let rows = site.rows.read();
        let incomplete = words::incomplete(rows.completeness());
        let found = entry::all(&rows, &wanted.words);
        let mut rings: Vec<_> = found.iter().filter_map(|entry| entry.label.ring.clone()).collect();
        rings.sort_unstable();
        rings.dedup();
        rings.truncate(MAX_RINGS);
        (found, rings, incomplete)
    };
    let shown: Vec<&Entry> = found.iter().filter(|entry| wanted.shows(entry)).collect();
    let start = (wanted.page - 1).saturating_mul(SIZE);
    let page: Vec<&Entry> = shown.iter().copied().skip(start).take(SIZE).collect();
    if page.is_empty() && wanted.page > 1 {
        return Err(Refusal::NotFound(format!("there is no page {} of these labels", wanted.page)));
    }
    let (drivers, more_drivers) = drivers::of(&shown, now);
    let view = LabelsView {
        incomplete,
        filters: LabelFilters {
            text: query.get("q").unwrap_or_default().to_owned(),
            state: wanted.state.map(|state| state.as_str().to_owned()),
            states: STATES.map(|state| (state.as_str().to_owned(), state.as_str().to_owned())).into(),
            ring: wanted.ring.clone(),
            rings: rings.iter().map(ToString::to_string).collect(),
        },
        calendar: Some(calendar::of(site, &shown, &window, now)?),
        drivers,
        more_drivers,
        labels: label_view::all(site, &page, now)?,
        total: shown.len(),
        previous: (wanted.page > 1).then(|| wanted.href(wanted.page - 1)),
        next: (start + page.len() < shown.len()).then(|| wanted.href(wanted.page + 1)),
        range: format!("{}–{}", start + 1, start + page.len()),
    };
    Ok(labels::content(&view))
}

/// A label or package under this name, with the page of its job.
pub(super) fn package_of(name: &str, job: &JobId) -> MaybeLink {
    MaybeLink::to(name, words::package_link(job))
}
