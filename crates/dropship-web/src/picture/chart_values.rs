//! The values of a chart, and their places in its picture.

use super::axis::{ChartUnit, bounded};

/// Edges of the area with the values.
pub(super) const LEFT: f64 = 68.0;
pub(super) const RIGHT: f64 = 708.0;
pub(super) const TOP: f64 = 40.0;
pub(super) const BOTTOM: f64 = 246.0;
/// Maximum number of series; the others are in the table.
const MAX_SERIES: usize = 5;

/// A chart.
#[derive(Debug, Clone, PartialEq)]
pub struct Chart {
    /// Unique in its page.
    pub id: String,
    /// Its title.
    pub title: String,
    /// The unit of its values.
    pub unit: ChartUnit,
    /// What a column is: `Week` or `Hour`.
    pub column: String,
    /// The columns, oldest first.
    pub columns: Vec<String>,
    /// Its kind.
    pub kind: ChartKind,
    /// The values.
    pub series: Vec<Series>,
    /// A limit that the values are compared with.
    pub limit: Option<ChartLimit>,
    /// Where the values come from, and since when they are counted.
    pub note: String,
}

/// The kind of a chart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChartKind {
    /// A line for each series.
    Lines,
    /// The series on top of each other.
    Stacked,
}

/// The values of one series.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// Its name.
    pub name: String,
    /// How it is drawn.
    pub style: SeriesStyle,
    /// A value for each column; absent if there is none.
    pub values: Vec<Option<f64>>,
}

/// How a series is drawn. Each style differs from the others in its shape or pattern, not only in its colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SeriesStyle {
    /// The main series: a solid line with discs, a plain bar.
    Main,
    /// A dashed line with diamonds, a bar with dots.
    Second,
    /// A good end: a plain green bar.
    Good,
    /// A bad end: a hatched red bar.
    Bad,
    /// An end by intention: an empty bar.
    Off,
}

/// A limit.
#[derive(Debug, Clone, PartialEq)]
pub struct ChartLimit {
    /// Its name.
    pub name: String,
    /// The limit in each column; absent if there was none.
    pub values: Vec<Option<f64>>,
}

impl SeriesStyle {
    pub(super) fn class(self) -> &'static str {
        match self {
            Self::Main => "main",
            Self::Second => "second",
            Self::Good => "good",
            Self::Bad => "bad",
            Self::Off => "off",
        }
    }
}

impl Chart {
    /// The series that are drawn.
    pub(super) fn drawn(&self) -> &[Series] {
        &self.series[..self.series.len().min(MAX_SERIES)]
    }
}

/// A value that is drawn; 0 if there is none.
pub(super) fn value(values: &[Option<f64>], column: usize) -> f64 {
    values.get(column).copied().flatten().map_or(0.0, bounded)
}

/// From columns and values to coordinates.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scale {
    /// Number of columns.
    pub(super) columns: usize,
    /// The largest value.
    pub(super) top: f64,
}

impl Scale {
    /// Width of a column.
    pub(super) fn band(self) -> f64 {
        (RIGHT - LEFT) / self.columns.max(1) as f64
    }

    /// The middle of a column.
    pub(super) fn x(self, column: usize) -> f64 {
        LEFT + self.band() * (column as f64 + 0.5)
    }

    /// Whether a value is within the picture.
    pub(super) fn reaches(self, value: f64) -> bool {
        bounded(value) <= self.top
    }

    /// The height of a value. Larger values are at the upper edge.
    pub(super) fn y(self, value: f64) -> f64 {
        let part = (bounded(value) / self.top).min(1.0);
        BOTTOM - (BOTTOM - TOP) * part
    }
}
