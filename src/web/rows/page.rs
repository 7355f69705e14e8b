//! One page of the rows that a filter shows.

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::sync::Arc;

use super::filter::{ReadyFilter, RowFilter};
use super::first_rows::FirstRows;
use super::index::{JobRows, RowCompleteness};
use super::row::Row;
use dropship_job::{JobId, StateKind};

/// A column that rows can be sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum SortColumn {
    /// Time of arrival.
    #[default]
    Arrived,
    /// Time of the last event.
    Updated,
    /// File name.
    Package,
    /// Folder.
    Folder,
    /// Rule.
    Rule,
    /// State.
    State,
    /// Step.
    Step,
    /// Provider of the INFs.
    Provider,
    /// Version of the INFs.
    Version,
}

impl SortColumn {
    /// All columns.
    pub(crate) const ALL: [Self; 9] = [
        Self::Arrived,
        Self::Updated,
        Self::Package,
        Self::Folder,
        Self::Rule,
        Self::State,
        Self::Step,
        Self::Provider,
        Self::Version,
    ];

    /// Its name in addresses.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Arrived => "arrived",
            Self::Updated => "updated",
            Self::Package => "package",
            Self::Folder => "folder",
            Self::Rule => "rule",
            Self::State => "state",
            Self::Step => "step",
            Self::Provider => "provider",
            Self::Version => "version",
        }
    }

    /// The direction in which it is sorted first: times begin with the latest.
    pub(crate) fn first_direction(self) -> SortDirection {
        match self {
            Self::Arrived | Self::Updated => SortDirection::Descending,
            _ => SortDirection::Ascending,
        }
    }

    fn compare(
        self,
        (one, one_state): &RowWithState<'_>,
        (other, other_state): &RowWithState<'_>,
    ) -> Ordering {
        match self {
            Self::Arrived => one.created.cmp(&other.created),
            Self::Updated => one.updated.cmp(&other.updated),
            Self::Package => {
                let ordering = one.name_in_lower_case().cmp(other.name_in_lower_case());
                // Names that differ in case only have a fixed order.
                ordering.then_with(|| one.package.cmp(&other.package))
            }
            Self::Folder => compare_names(one.folder.as_ref(), other.folder.as_ref()),
            Self::Rule => compare_names(one.rule.as_ref(), other.rule.as_ref()),
            Self::State => one_state.cmp(other_state),
            Self::Step => one.step.cmp(&other.step),
            Self::Provider => compare_names(one.kept_provider(), other.kept_provider()),
            Self::Version => one.version_order().cmp(&other.version_order()),
        }
    }
}

/// The order of two names. Most rows share theirs, so that most equal ones are not read.
fn compare_names(one: Option<&Arc<str>>, other: Option<&Arc<str>>) -> Ordering {
    match (one, other) {
        (Some(one), Some(other)) if Arc::ptr_eq(one, other) => Ordering::Equal,
        _ => one.cmp(&other),
    }
}

/// A direction of sorting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum SortDirection {
    /// The smallest first.
    Ascending,
    /// The largest first.
    #[default]
    Descending,
}

impl SortDirection {
    /// Its name in addresses.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ascending => "asc",
            Self::Descending => "desc",
        }
    }

    /// The other direction.
    pub(crate) fn reversed(self) -> Self {
        match self {
            Self::Ascending => Self::Descending,
            Self::Descending => Self::Ascending,
        }
    }
}

/// The order of rows. Rows that are equal in the column are sorted by arrival, the newest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct SortOrder {
    /// The column.
    pub(crate) column: SortColumn,
    /// The direction.
    pub(crate) direction: SortDirection,
}

impl SortOrder {
    fn compare(self, one: &RowWithState<'_>, other: &RowWithState<'_>) -> Ordering {
        let ordering = match self.direction {
            SortDirection::Ascending => self.column.compare(one, other),
            SortDirection::Descending => self.column.compare(other, one),
        };
        // Equal rows: the newest first.
        ordering.then_with(|| other.0.id.cmp(&one.0.id))
    }
}

/// Rows with their states, and how many there are in all.
#[derive(Debug, Clone)]
pub(crate) struct RowPage {
    /// The rows of the page.
    pub(crate) rows: Vec<(Row, StateKind)>,
    /// Number of rows that the filter shows.
    pub(crate) found: usize,
    /// Number of all rows.
    pub(crate) all: usize,
    /// How complete the rows are.
    pub(crate) completeness: RowCompleteness,
    /// The newest row that the filter shows.
    pub(crate) newest: Option<JobId>,
}

type RowWithState<'a> = (&'a Row, StateKind);

impl JobRows {
    /// The rows of a page: `skip` rows are left out, at most `max` are returned.
    pub(crate) fn page(
        &self,
        filter: &RowFilter,
        order: SortOrder,
        running: &BTreeSet<JobId>,
        skip: usize,
        max: usize,
    ) -> RowPage {
        let rows = self.read();
        let (all, completeness) = (rows.by_id.len(), rows.completeness());
        if *filter == RowFilter::default() && order == SortOrder::default() {
            let page = rows.newest_first().skip(skip).take(max);
            let page = page.map(|row| (row.clone(), row.state(running))).collect();
            let newest = rows.newest_first().next().map(|row| row.id.clone());
            return RowPage { rows: page, found: all, all, completeness, newest };
        }
        let ready = ReadyFilter::of(filter);
        let shown = rows.newest_first().filter(|row| ready.shows(row, running));
        let (mut found, mut newest) = (0, None);
        let shown = shown.map(|row| (row, row.state(running))).inspect(|(row, _)| {
            found += 1;
            newest.get_or_insert(&row.id);
        });
        let page: Vec<RowWithState<'_>> = if order == SortOrder::default() {
            // To the end, since the rows are counted.
            let places = shown.enumerate();
            places
                .filter_map(|(place, entry)| (place >= skip && place - skip < max).then_some(entry))
                .collect()
        } else {
            let mut first = FirstRows::new(skip.saturating_add(max), |one, other| order.compare(one, other));
            shown.for_each(|entry| first.add(entry));
            first.after(skip)
        };
        let newest = newest.cloned();
        let page = page.into_iter().map(|(row, state)| (row.clone(), state)).collect();
        RowPage { rows: page, found, all, completeness, newest }
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::super::inf::InfText;
    use super::*;
    use dropship_job::testing::{JobBuilder, at, package};
    use dropship_job::{Event, Package, fold};

    fn rows(names: &[&str]) -> JobRows {
        let rows = JobRows::default();
        for (number, name) in (0..).zip(names) {
            let job = JobBuilder::new(name, number).build().expect("a job");
            rows.on_event(&job, &[]);
        }
        rows
    }

    fn listed(rows: &JobRows, order: SortOrder, skip: usize, max: usize) -> Vec<String> {
        let page = rows.page(&RowFilter::default(), order, &BTreeSet::new(), skip, max);
        let folder = |row: &Row| row.folder.as_deref().unwrap_or_default().to_owned();
        page.rows.iter().map(|(row, _)| format!("{} {}", folder(row), row.id)).collect()
    }

    #[test]
    fn each_page_is_its_part_of_the_whole_order() {
        let names: Vec<_> =
            (0..97).map(|number| format!("{}{}", ["B", "a", "ü"][number % 3], number % 10)).collect();
        let rows = rows(&names.iter().map(String::as_str).collect::<Vec<_>>());
        for column in SortColumn::ALL {
            for direction in [SortDirection::Ascending, SortDirection::Descending] {
                let order = SortOrder { column, direction };
                let all = listed(&rows, order, 0, usize::MAX);
                assert_eq!(all.len(), 97);
                let pages: Vec<_> = (0..12).flat_map(|page| listed(&rows, order, page * 9, 9)).collect();
                assert_eq!(pages, all, "{order:?}");
            }
        }
        // Without a filter, only the rows of the page are visited.
        let every = RowFilter { from: Some(Timestamp::MIN), ..RowFilter::default() };
        for skip in [0, 9, 90, 97] {
            let [one, other] = [&RowFilter::default(), &every]
                .map(|filter| rows.page(filter, SortOrder::default(), &BTreeSet::new(), skip, 9));
            assert_eq!((one.found, one.all, &one.newest), (97, 97, &other.newest));
            assert_eq!(one.rows, other.rows);
        }
        let order = SortOrder { column: SortColumn::Folder, direction: SortDirection::Ascending };
        let sorted = listed(&rows, order, 0, usize::MAX);
        let folders: Vec<_> = sorted.iter().filter_map(|row| row.split(' ').next()).collect();
        assert!(folders.is_sorted(), "{folders:?}");
        assert!(listed(&rows, order, 97, 9).is_empty() && listed(&rows, order, usize::MAX, 9).is_empty());
    }

    #[test]
    fn packages_are_sorted_by_name_without_case_and_by_the_numbers_of_their_version() {
        let rows = JobRows::default();
        let names = ["b.cab", "A.cab", "a.cab", "Ä.cab", "C.cab"];
        for (number, (name, version)) in (0..).zip(names.into_iter().zip(["9.0", "10.0", "9.0.0.1", "", "x"]))
        {
            let package = Package { name: name.to_owned(), ..package() };
            let id = JobId::new(number, 1);
            let events = [(at(0), Event::Arrived { package })];
            let job =
                fold(&id, events.iter().map(|(at, event)| (*at, event))).expect("legal").expect("a job");
            rows.on_event(&job, &[]);
            let version = Some(version).filter(|version| !version.is_empty());
            let inf = |version| InfText { name: "echo.inf", provider: None, version };
            rows.add_record(&id, &[inf(version), inf(version)], &[]);
            // A later event keeps the version.
            rows.on_event(&job, &[]);
        }
        let sorted = |column| {
            let order = SortOrder { column, direction: SortDirection::Ascending };
            let page = rows.page(&RowFilter::default(), order, &BTreeSet::new(), 0, 9);
            page.rows.iter().map(|(row, _)| row.package.to_string()).collect::<Vec<_>>()
        };
        assert_eq!(sorted(SortColumn::Package), ["A.cab", "a.cab", "b.cab", "C.cab", "Ä.cab"]);
        assert_eq!(sorted(SortColumn::Version), ["Ä.cab", "b.cab", "a.cab", "A.cab", "C.cab"]);
    }
}
