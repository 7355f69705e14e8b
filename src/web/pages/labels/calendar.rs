//! The calendar of labels.

use std::collections::BTreeSet;

use dropship_web::page::labels::CalendarView;
use dropship_web::picture::{Calendar, CalendarGroup, CalendarRow, Mark, MarkKind, Span, SpanKind};
use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

use super::entry::{LabelEntry, RowLabel};
use super::reaches::Reaches;
use crate::web::query::QueryParameters;
use crate::web::refusal::RequestRefusal;
use crate::web::words::escape;
use dropship_engine::operations::LabelReach;
use dropship_job::{JobId, LabelStatus};

/// Number of days of the calendar.
const DAYS: i64 = 42;

/// Number of days by which the neighbouring calendars differ.
const STEP: i64 = 28;

/// Maximum number of labels of the calendar.
const MAX_LABELS: usize = 60;

/// Maximum number of packages whose record is read.
const MAX_RECORDS: usize = 24;

/// Years that a calendar can begin in.
const YEARS: std::ops::RangeInclusive<i16> = 2000..=2200;

/// The rows of a group, each with its job and the index of its label.
type GroupRows<'a> = Vec<(&'a JobId, usize, CalendarRow)>;

/// The days of the calendar.
pub(super) struct CalendarWindow {
    first: Date,
    start: Timestamp,
    end: Timestamp,
}

impl CalendarWindow {
    /// The days that a request asks for: from the Monday of last week on, unless it names a day.
    pub(super) fn of(query: &QueryParameters, now: Timestamp) -> Result<Self, RequestRefusal> {
        let bad = |_| RequestRefusal::parameter("from", "it is too far away");
        let first = match query.parse::<Date>("from", "a day such as 2026-01-31")? {
            Some(day) if !YEARS.contains(&day.year()) => {
                return Err(RequestRefusal::parameter(
                    "from",
                    "it must be a day between the years 2000 and 2200",
                ));
            }
            Some(day) => day,
            None => monday(now.to_zoned(TimeZone::UTC).date()).checked_sub(7.days()).map_err(bad)?,
        };
        let last = first.checked_add(DAYS.days()).map_err(bad)?;
        let time = |day: Date| day.to_zoned(TimeZone::UTC).map(|day| day.timestamp()).map_err(bad);
        Ok(Self { first, start: time(first)?, end: time(last)? })
    }

    /// Whether something that lasts from `from` to `to` touches these days.
    fn touches(&self, from: Timestamp, to: Timestamp) -> bool {
        from < self.end && to >= self.start
    }

    fn neighbour(&self, days: i64, filters: &str) -> Option<String> {
        let first = self.first.checked_add(days.days()).ok()?;
        YEARS.contains(&first.year()).then(|| format!("/labels?from={first}{filters}"))
    }

    fn days(&self) -> impl Iterator<Item = Date> {
        (0..DAYS).filter_map(|index| self.first.checked_add(index.days()).ok())
    }
}

fn monday(day: Date) -> Date {
    let since = i64::from(day.weekday().since(Weekday::Monday));
    day.checked_sub(since.days()).unwrap_or(day)
}

/// The labels that the calendar shows: the first ones of each kind.
#[derive(Default)]
pub(super) struct VisibleLabels {
    /// The upcoming labels.
    upcoming: Vec<LabelEntry>,
    /// The other labels.
    past: Vec<LabelEntry>,
    /// Number of all labels, also of those that are not shown.
    count: usize,
}

impl VisibleLabels {
    /// Adds a label if something happens with it in these days. Those of newer packages are added before.
    pub(super) fn add(
        &mut self,
        row_label: RowLabel<'_>,
        is_upcoming: bool,
        window: &CalendarWindow,
        now: Timestamp,
    ) {
        if !is_visible(row_label, is_upcoming, window, now) {
            return;
        }
        self.count += 1;
        let list = if is_upcoming { &mut self.upcoming } else { &mut self.past };
        if list.len() < MAX_LABELS {
            list.push(LabelEntry::of(row_label));
        }
    }
}

/// The calendar of these labels.
pub(super) fn of(
    reaches: &mut Reaches<'_>,
    visible: VisibleLabels,
    window: &CalendarWindow,
    filters: &str,
    now: Timestamp,
) -> Result<CalendarView, RequestRefusal> {
    let VisibleLabels { mut upcoming, past, count } = visible;
    upcoming.extend(past);
    upcoming.truncate(MAX_LABELS);
    let more = count.saturating_sub(upcoming.len());
    let mut groups: Vec<(String, GroupRows<'_>)> = Vec::new();
    let mut read_jobs: BTreeSet<&JobId> = BTreeSet::new();
    for entry in &upcoming {
        // A record adds facts only about labels that do not exist yet.
        let is_new = entry.label().id.is_none();
        if is_new && read_jobs.len() < MAX_RECORDS {
            read_jobs.insert(&entry.job);
        }
        let reach = match is_new && read_jobs.contains(&entry.job) {
            true => Some(reaches.of_job(&entry.job)?),
            false => None,
        };
        let row = row(entry, reach.as_ref().and_then(|reach| reach.get(entry.index)), window, now);
        let name = escape(&format!("{} {}", entry.driver, entry.version.as_deref().unwrap_or_default()));
        match groups.iter_mut().find(|(known, _)| *known == name) {
            Some((_, rows)) => rows.push((&entry.job, entry.index, row)),
            None => groups.push((name, vec![(&entry.job, entry.index, row)])),
        }
    }
    // The newest package first, its labels in the order of the rule.
    let groups = groups.into_iter().map(|(name, mut rows)| {
        rows.sort_by(|one, other| other.0.cmp(one.0).then(one.1.cmp(&other.1)));
        CalendarGroup {
            name: name.trim().to_owned(),
            rows: rows.into_iter().map(|(_, _, row)| row).collect(),
        }
    });
    let calendar = Calendar {
        id: "calendar".to_owned(),
        first: window.first,
        days: DAYS as u16,
        now,
        groups: groups.collect(),
        more,
        more_href: "#all".to_owned(),
    };
    Ok(CalendarView {
        calendar,
        earlier: window.neighbour(-STEP, filters),
        present: format!("/labels?{}", filters.trim_start_matches('&')),
        later: window.neighbour(STEP, filters),
    })
}

/// Whether something happens with a label in these days. A label that was published before does not count.
fn is_visible(row_label: RowLabel<'_>, is_upcoming: bool, window: &CalendarWindow, now: Timestamp) -> bool {
    let (row, label) = (row_label.row, row_label.label);
    let from = label.requested.or(label.published).unwrap_or(row.created);
    if is_upcoming {
        let until = label.not_before.map_or(now, |date| date.max(now));
        return window.touches(from, until);
    }
    match (label.status, label.live()) {
        (LabelStatus::Published, Some(live)) => window.touches(from, live),
        (LabelStatus::Published | LabelStatus::Planned | LabelStatus::Held | LabelStatus::Dropped, _) => {
            false
        }
        _ => window.touches(from, row.updated),
    }
}

fn row(
    entry: &LabelEntry,
    reach: Option<&LabelReach>,
    window: &CalendarWindow,
    now: Timestamp,
) -> CalendarRow {
    let label = entry.label();
    let plan = reach.and_then(|reach| reach.plan.as_ref());
    let mut spans = Vec::new();
    let mut marks = Vec::new();
    let mut span = |kind, from, to| spans.push(Span { kind, from, to });
    let not_before = label.not_before.max(reach.and_then(|reach| reach.expected));
    match label.status {
        LabelStatus::Held => {
            span(SpanKind::Held, entry.updated, not_before.map(|date| date.max(now)));
        }
        LabelStatus::Planned => {
            let after = plan.and_then(|plan| plan.after.as_ref());
            let live = after.and_then(|after| entry.live_of(&after.labels));
            match (live, not_before) {
                (Some(live), Some(date)) => {
                    // It is requested after the soak, and goes live at the date of its rule.
                    let requested = label.not_before.unwrap_or(date).min(date);
                    span(SpanKind::Soak, live, Some(requested));
                    if requested < date {
                        span(SpanKind::Waits, requested, Some(date));
                    }
                }
                (_, Some(date)) => span(SpanKind::Waits, entry.created, Some(date)),
                (_, None) => span(SpanKind::Waits, entry.created, Some(now)),
            }
        }
        LabelStatus::InDoubt | LabelStatus::Processing => {
            span(SpanKind::Processing, label.requested.unwrap_or(entry.updated), Some(now));
            if let Some(date) = not_before.filter(|date| *date > now) {
                span(SpanKind::Waits, now, Some(date));
            }
        }
        LabelStatus::Published => {
            let published = label.published.unwrap_or(entry.updated);
            span(SpanKind::Processing, label.requested.unwrap_or(published), Some(published));
            let live = label.live().unwrap_or(published);
            if live > published {
                span(SpanKind::Waits, published, Some(live));
            }
            if live <= now {
                span(SpanKind::Live, live, None);
            }
            marks.push(Mark { kind: MarkKind::Published, at: published });
        }
        LabelStatus::Failed | LabelStatus::Gone => {
            span(SpanKind::Processing, label.requested.unwrap_or(entry.updated), Some(entry.updated));
            marks.push(Mark { kind: MarkKind::Failed, at: entry.updated });
        }
        LabelStatus::WithdrawalWanted
        | LabelStatus::Withdrawing
        | LabelStatus::Withdrawn
        | LabelStatus::Dropped => {
            span(SpanKind::Processing, label.requested.unwrap_or(entry.updated), Some(entry.updated));
            marks.push(Mark { kind: MarkKind::Withdrawn, at: entry.updated });
        }
    }
    let due = not_before.filter(|date| entry.is_upcoming(now) && *date > now);
    marks.extend(due.map(|at| Mark { kind: MarkKind::NotBefore, at }));
    // Blackout days are of no interest for a label whose date is fixed.
    let blackout =
        plan.filter(|_| label.id.is_none()).map(|plan| plan.blackout.as_slice()).unwrap_or_default();
    CalendarRow {
        name: escape(&label.name),
        state: label.status.as_str().to_owned(),
        spans,
        marks,
        blackout: window.days().filter(|day| blackout.iter().any(|days| days.contains(*day))).collect(),
    }
}
