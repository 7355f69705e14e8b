//! One page of the rows that a filter shows.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use super::filter::Filter;
use super::index::{Completeness, JobRows};
use super::row::Row;
use dropship_job::{JobId, StateKind};

/// A column that rows can be sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in crate::web) enum Column {
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

impl Column {
    /// All columns.
    pub(in crate::web) const ALL: [Self; 9] = [
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
    pub(in crate::web) fn name(self) -> &'static str {
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
    pub(in crate::web) fn first_direction(self) -> Direction {
        match self {
            Self::Arrived | Self::Updated => Direction::Descending,
            _ => Direction::Ascending,
        }
    }

    fn compare(self, (one, one_state): &Entry<'_>, (other, other_state): &Entry<'_>) -> Ordering {
        match self {
            Self::Arrived => one.created.cmp(&other.created),
            Self::Updated => one.updated.cmp(&other.updated),
            Self::Package => compare_texts(&one.package, &other.package),
            Self::Folder => one.folder.cmp(&other.folder),
            Self::Rule => one.rule.cmp(&other.rule),
            Self::State => one_state.cmp(other_state),
            Self::Step => one.step.cmp(&other.step),
            Self::Provider => one.provider().cmp(&other.provider()),
            Self::Version => version(one).cmp(&version(other)),
        }
    }
}

/// A direction of sorting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in crate::web) enum Direction {
    /// The smallest first.
    Ascending,
    /// The largest first.
    #[default]
    Descending,
}

impl Direction {
    /// Its name in addresses.
    pub(in crate::web) fn name(self) -> &'static str {
        match self {
            Self::Ascending => "asc",
            Self::Descending => "desc",
        }
    }

    /// The other direction.
    pub(in crate::web) fn reversed(self) -> Self {
        match self {
            Self::Ascending => Self::Descending,
            Self::Descending => Self::Ascending,
        }
    }
}

/// The order of rows. Rows that are equal in the column are sorted by arrival, the newest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in crate::web) struct Order {
    /// The column.
    pub(in crate::web) column: Column,
    /// The direction.
    pub(in crate::web) direction: Direction,
}

/// Rows with their states, and how many there are in all.
#[derive(Debug, Clone)]
pub(in crate::web) struct RowPage {
    /// The rows of the page.
    pub(in crate::web) rows: Vec<(Row, StateKind)>,
    /// Number of rows that the filter shows.
    pub(in crate::web) found: usize,
    /// Number of all rows.
    pub(in crate::web) all: usize,
    /// How complete the rows are.
    pub(in crate::web) completeness: Completeness,
    /// The newest row that the filter shows.
    pub(in crate::web) newest: Option<JobId>,
}

type Entry<'a> = (&'a Row, StateKind);

impl JobRows {
    /// The rows of a page: `skip` rows are left out, at most `max` are returned.
    pub(in crate::web) fn page(
        &self,
        filter: &Filter,
        order: Order,
        running: &BTreeSet<JobId>,
        skip: usize,
        max: usize,
    ) -> RowPage {
        let rows = self.read();
        let shown = rows.newest_first().filter(|row| filter.shows(row, running));
        let mut shown: Vec<Entry<'_>> = shown.map(|row| (row, row.state(running))).collect();
        let newest = shown.first().map(|(row, _)| row.id.clone());
        if order != Order::default() {
            // Stable: equal rows stay newest first.
            shown.sort_by(|one, other| {
                let ordering = order.column.compare(one, other);
                match order.direction {
                    Direction::Ascending => ordering,
                    Direction::Descending => ordering.reverse(),
                }
            });
        }
        let page = shown.iter().skip(skip).take(max).map(|(row, state)| ((*row).clone(), *state));
        RowPage {
            rows: page.collect(),
            found: shown.len(),
            all: rows.by_id.len(),
            completeness: rows.completeness(),
            newest,
        }
    }
}

/// Compares texts without regard to case; texts that differ in case only have a fixed order.
fn compare_texts(one: &str, other: &str) -> Ordering {
    let lower = |text: &str| text.chars().flat_map(char::to_lowercase).collect::<Vec<_>>();
    let folded = |text: &'_ str| text.bytes().map(|byte| byte.to_ascii_lowercase()).collect::<Vec<_>>();
    let ordering = match one.is_ascii() && other.is_ascii() {
        true => folded(one).cmp(&folded(other)),
        false => lower(one).cmp(&lower(other)),
    };
    ordering.then_with(|| one.cmp(other))
}

/// The numbers of a version, so that 10.0 comes after 9.0.
fn version(row: &Row) -> Option<[u32; 4]> {
    let mut numbers = [0; 4];
    for (number, part) in numbers.iter_mut().zip(row.version()?.split('.')) {
        *number = part.parse().unwrap_or(u32::MAX);
    }
    Some(numbers)
}
