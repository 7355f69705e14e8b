//! The page `Labels`.

use dropship_web::Markup;
use dropship_web::page::encoded;
use dropship_web::page::labels::{self, DriverView, LabelFilters, LabelsView};
use jiff::Timestamp;

use super::super::query::QueryParameters;
use super::super::refusal::RequestRefusal;
use super::super::rows::Rows;
use super::super::site::Site;
use super::super::words;
use dropship_job::LabelStatus;

mod calendar;
mod drivers;
mod entry;
mod label_view;
mod reaches;
mod search;
mod texts;

use entry::{LabelEntry, RowLabel};
use reaches::Reaches;
use search::WordSearch;
use texts::TextSet;

/// The parameters of the page.
pub(crate) const PARAMETERS: &[&str] = &["q", "state", "ring", "page", "from"];

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
struct LabelQuery {
    /// Words in lower case.
    words: Vec<String>,
    state: Option<LabelStatus>,
    ring: Option<String>,
    /// From 1.
    page: usize,
}

impl LabelQuery {
    fn of(query: &QueryParameters) -> Result<Self, RequestRefusal> {
        let words: Vec<_> =
            query.get("q").unwrap_or_default().split_whitespace().map(str::to_lowercase).collect();
        if words.len() > MAX_WORDS {
            return Err(RequestRefusal::parameter("q", format!("it has more than {MAX_WORDS} words")));
        }
        let state = query.get("state").map(|name| {
            let found = STATES.into_iter().find(|state| state.as_str() == name);
            let names: Vec<_> = STATES.iter().map(|state| state.as_str()).collect();
            found.ok_or_else(|| {
                RequestRefusal::parameter("state", format!("it must be one of {}", names.join(", ")))
            })
        });
        let page = query.parse("page", "a number of a page, from 1")?.unwrap_or(1);
        if page == 0 {
            return Err(RequestRefusal::parameter("page", "the first page is 1"));
        }
        Ok(Self { words, state: state.transpose()?, ring: query.get("ring").map(str::to_owned), page })
    }

    fn shows(&self, row_label: RowLabel<'_>) -> bool {
        self.state.is_none_or(|state| state == row_label.label.status)
            && self.ring.as_deref().is_none_or(|ring| row_label.label.ring.as_deref() == Some(ring))
    }

    /// Number of labels before the page.
    fn start(&self) -> usize {
        (self.page - 1).saturating_mul(SIZE)
    }

    /// The filters as a part of an address.
    fn filters(&self) -> String {
        let state = self.state.map(|state| format!("&state={}", state.as_str())).unwrap_or_default();
        let ring = self.ring.as_deref().map(|ring| format!("&ring={}", encoded(ring))).unwrap_or_default();
        let text = match self.words.is_empty() {
            true => String::new(),
            false => format!("&q={}", encoded(&self.words.join(" "))),
        };
        format!("{text}{state}{ring}")
    }

    /// The address with these filters and this page.
    fn href(&self, page: usize) -> String {
        format!("/labels?page={page}{}", self.filters())
    }
}

/// The data of the rows. Nothing is read from the disk while the rows are locked.
struct MatchingLabels {
    incomplete: Option<String>,
    /// The rings that can be chosen.
    rings: Vec<String>,
    /// Number of labels that the filters let through.
    total: usize,
    /// The labels of the page.
    page: Vec<LabelEntry>,
    visible: calendar::VisibleLabels,
    drivers: Vec<DriverView>,
    more_drivers: usize,
}

impl MatchingLabels {
    fn of(rows: &Rows, label_query: &LabelQuery, window: &calendar::CalendarWindow, now: Timestamp) -> Self {
        let (mut rings, mut total, mut page) = (TextSet::default(), 0, Vec::new());
        let (mut visible, mut drivers) = (calendar::VisibleLabels::default(), drivers::Drivers::default());
        let on_page = label_query.start()..label_query.start().saturating_add(SIZE);
        let search = WordSearch::of(&label_query.words);
        for row in rows.newest_first().filter(|row| !row.labels.is_empty()) {
            let Some(missing) = search.missing_in(row) else { continue };
            for row_label in entry::of(row).filter(|row_label| missing.are_in(row_label.label)) {
                row_label.label.ring.iter().for_each(|ring| rings.add(ring));
                if !label_query.shows(row_label) {
                    continue;
                }
                if on_page.contains(&total) {
                    page.push(LabelEntry::of(row_label));
                }
                total += 1;
                let is_upcoming = row_label.is_upcoming(now);
                visible.add(row_label, is_upcoming, window, now);
                drivers.add(row_label, is_upcoming);
            }
        }
        let (drivers, more_drivers) = drivers.views();
        Self {
            incomplete: words::incomplete(rows.completeness()),
            rings: rings.sorted().take(MAX_RINGS).map(str::to_owned).collect(),
            total,
            page,
            visible,
            drivers,
            more_drivers,
        }
    }
}

/// The content of the page. It may block.
pub(crate) fn content(site: &Site, query: &QueryParameters) -> Result<Markup, RequestRefusal> {
    let (label_query, now) = (LabelQuery::of(query)?, Timestamp::now());
    let window = calendar::CalendarWindow::of(query, now)?;
    let found = MatchingLabels::of(&site.rows.read(), &label_query, &window, now);
    let start = label_query.start();
    let mut reaches = Reaches::new(|job| site.readings.label_reach(job));
    if found.page.is_empty() && label_query.page > 1 {
        return Err(RequestRefusal::NotFound(format!(
            "there is no page {} of these labels",
            label_query.page
        )));
    }
    let view = LabelsView {
        incomplete: found.incomplete,
        filters: LabelFilters {
            text: query.get("q").unwrap_or_default().to_owned(),
            state: label_query.state.map(|state| state.as_str().to_owned()),
            states: STATES.map(|state| (state.as_str().to_owned(), state.as_str().to_owned())).into(),
            ring: label_query.ring.clone(),
            rings: found.rings,
        },
        calendar: Some(calendar::of(&mut reaches, found.visible, &window, &label_query.filters(), now)?),
        drivers: found.drivers,
        more_drivers: found.more_drivers,
        labels: label_view::label_views(site, &mut reaches, &found.page, now)?,
        total: found.total,
        previous: (label_query.page > 1).then(|| label_query.href(label_query.page - 1)),
        next: (start + found.page.len() < found.total).then(|| label_query.href(label_query.page + 1)),
        range: format!("{}–{}", start + 1, start + found.page.len()),
    };
    Ok(labels::content(&view))
}

#[cfg(test)]
mod tests;
