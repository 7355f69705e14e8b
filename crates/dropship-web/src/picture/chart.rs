//! Charts: values by week or by hour.

use maud::{Markup, html};

use super::axis::bounded;
use super::chart_values::{
    BOTTOM, Chart, ChartKind, ChartLimit, LEFT, RIGHT, Scale, Series, SeriesStyle, value,
};
use super::frame::{at, frame};
use super::text::{shorten, width};
use super::{chart_bars, chart_lines, chart_table};
use crate::text::clean;

/// Size of a chart.
pub(super) const SIZE: (u32, u32) = (720, 280);
/// Left edge of the legend.
const LEGEND_LEFT: f64 = 8.0;
/// Width of a column of text.
const COLUMN: f64 = 7.2;
/// Maximum number of columns; more are put together.
const MAX_COLUMNS: usize = 200;
/// A limit that is this many times larger than all values does not set the scale.
const MAX_LIMIT_FACTOR: f64 = 4.0;

impl Chart {
    /// The chart with its title, its legend and its table.
    #[must_use]
    pub fn figure(&self) -> Markup {
        let thinned = self.thinned();
        let is_empty = self.series.iter().all(|series| series.values.iter().all(Option::is_none));
        html! {
            figure.chart {
                figcaption { (clean(&self.title)) }
                @if is_empty {
                    p.empty { "No values yet." }
                } @else {
                    (thinned.picture())
                }
                @if !self.note.is_empty() {
                    p.hint { (clean(&self.note)) }
                }
                @if !is_empty {
                    (chart_table::table(&thinned))
                }
            }
        }
    }

    fn picture(&self) -> Markup {
        let ticks = self.unit.ticks(self.max());
        let top = ticks.last().copied().unwrap_or(1.0);
        let scale = Scale { columns: self.columns.len(), top };
        let content = html! {
            (self.legend(top))
            (self.axes(&ticks, scale))
            @match self.kind {
                ChartKind::Lines => (chart_lines::draw(self, scale)),
                ChartKind::Stacked => (chart_bars::draw(self, scale)),
            }
            @if let Some(limit) = &self.limit {
                (chart_lines::limit(limit, scale))
            }
        };
        frame(&self.id, SIZE, &self.title, &self.description(), &content)
    }

    /// The largest value of the vertical axis.
    fn max(&self) -> f64 {
        let sum =
            |column: usize| self.drawn().iter().map(|series| value(&series.values, column)).sum::<f64>();
        let largest = |column: usize| {
            self.drawn().iter().map(|series| value(&series.values, column)).fold(0.0, f64::max)
        };
        let columns = 0..self.columns.len();
        let max = match self.kind {
            ChartKind::Stacked => columns.map(sum).fold(0.0, f64::max),
            ChartKind::Lines => columns.map(largest).fold(0.0, f64::max),
        };
        let limits = self.limit.iter().flat_map(|limit| limit.values.iter().flatten().copied().map(bounded));
        limits.filter(|limit| *limit <= max * MAX_LIMIT_FACTOR).fold(max, f64::max)
    }

    fn description(&self) -> String {
        let range = match (self.columns.first(), self.columns.last()) {
            (Some(first), Some(last)) => {
                format!("{} from {} to {}.", clean(&self.column), clean(first), clean(last))
            }
            _ => "Nothing yet.".to_owned(),
        };
        let last = self.series.iter().filter_map(|series| {
            let last = series.values.iter().rev().find_map(|value| *value)?;
            Some(format!(" Last value of {}: {}.", clean(&series.name), self.unit.text(last)))
        });
        format!("{range}{} The table below has all values.", last.collect::<String>())
    }

    fn legend(&self, top: f64) -> Markup {
        let count = self.drawn().len() + usize::from(self.limit.is_some());
        let columns =
            (((RIGHT - LEGEND_LEFT) / count.max(1) as f64 - 50.0) / COLUMN).clamp(1.0, 24.0) as usize;
        let mut x = LEGEND_LEFT;
        let mut place_entry = |name: &str| {
            let (start, name) = (x, shorten(name, columns));
            x += 32.0 + width(&name) as f64 * COLUMN + 18.0;
            (start, name)
        };
        let entries: Vec<_> =
            self.drawn().iter().map(|series| (series.style, place_entry(&series.name))).collect();
        let limit = self.limit.as_ref().map(|limit| {
            let is_above = limit.values.iter().flatten().any(|value| bounded(*value) > top);
            place_entry(&if is_above { format!("{} (above)", limit.name) } else { limit.name.clone() })
        });
        html! {
            g.legend {
                @for (style, (x, name)) in entries {
                    g class=(style.class()) { (self.swatch(style, x)) }
                    text x=(at(x + 32.0)) y="18" { (name) }
                }
                @if let Some((x, name)) = limit {
                    line.limit x1=(at(x)) y1="14" x2=(at(x + 26.0)) y2="14" {}
                    text x=(at(x + 32.0)) y="18" { (name) }
                }
            }
        }
    }

    fn swatch(&self, style: SeriesStyle, x: f64) -> Markup {
        match self.kind {
            ChartKind::Lines => chart_lines::swatch(style, x),
            ChartKind::Stacked => chart_bars::swatch(&self.id, style, x),
        }
    }

    fn axes(&self, ticks: &[f64], scale: Scale) -> Markup {
        // A label needs its width and a gap.
        let longest = self.columns.iter().map(|name| width(&shorten(name, 12))).max().unwrap_or(1).max(4);
        let label_interval = ((longest as f64 * COLUMN + 12.0) / scale.band()).ceil().max(1.0) as usize;
        html! {
            g.axis {
                @for tick in ticks {
                    @let y = scale.y(*tick);
                    line.grid x1=(at(LEFT)) y1=(at(y)) x2=(at(RIGHT)) y2=(at(y)) {}
                    text x=(at(LEFT - 8.0)) y=(at(y + 4.0)) text-anchor="end" { (self.unit.text(*tick)) }
                }
                // Counted from the newest column, whose label is the most important one.
                @for (index, name) in self.columns.iter().enumerate().rev().step_by(label_interval) {
                    @let name = shorten(name, 12);
                    @let half = width(&name) as f64 * COLUMN / 2.0;
                    text x=(at(scale.x(index).clamp(half, f64::from(SIZE.0) - half))) y=(at(BOTTOM + 20.0)) text-anchor="middle" { (name) }
                }
            }
        }
    }

    /// The chart with few enough columns. Bars are added up; of lines and limits the largest value stays.
    fn thinned(&self) -> Self {
        let size = self.columns.len().div_ceil(MAX_COLUMNS).max(1);
        let largest = |values: &[Option<f64>]| values.iter().flatten().copied().reduce(f64::max);
        let sum = |values: &[Option<f64>]| values.iter().flatten().copied().reduce(|sum, value| sum + value);
        let thin = |values: &[Option<f64>], is_sum: bool| {
            let filled = (0..self.columns.len()).map(|index| values.get(index).copied().flatten());
            let filled: Vec<_> = filled.collect();
            filled.chunks(size).map(|chunk| if is_sum { sum(chunk) } else { largest(chunk) }).collect()
        };
        let is_sum = self.kind == ChartKind::Stacked;
        let series = self
            .series
            .iter()
            .map(|series| Series { values: thin(&series.values, is_sum), ..series.clone() });
        let limit = self
            .limit
            .as_ref()
            .map(|limit| ChartLimit { values: thin(&limit.values, is_sum), ..limit.clone() });
        Self {
            columns: self.columns.iter().step_by(size).cloned().collect(),
            series: series.collect(),
            limit,
            ..self.clone()
        }
    }
}

#[cfg(test)]
mod tests;
