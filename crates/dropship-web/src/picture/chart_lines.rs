//! Series as lines, and limits.

use maud::{Markup, html};

use super::axis::bounded;
use super::chart_values::{Chart, ChartLimit, Scale, Series, SeriesStyle};
use super::frame::points;
use super::shape;
use crate::text::clean;

/// With more columns than this, only points without neighbours have a marker.
const MAX_MARKED_COLUMNS: usize = 60;
/// Size of a marker.
const MARKER_SIZE: f64 = 8.0;

/// The lines.
pub(super) fn draw(chart: &Chart, scale: Scale) -> Markup {
    html! {
        @for series in chart.drawn() {
            g class=(format!("line {}", series.style.class())) {
                @for run in runs(&series.values) {
                    @if run.len() > 1 {
                        polyline.path points=(points(run.iter().map(|(column, value)| (scale.x(*column), scale.y(*value))))) {}
                    }
                    @for (column, value) in run.iter().filter(|_| chart.columns.len() <= MAX_MARKED_COLUMNS || run.len() == 1) {
                        (marker(chart, series, scale, *column, *value))
                    }
                }
            }
        }
    }
}

fn marker(chart: &Chart, series: &Series, scale: Scale, column: usize, value: f64) -> Markup {
    let name = chart.columns.get(column).map(String::as_str).unwrap_or_default();
    html! {
        g {
            title { (clean(name)) ", " (clean(&series.name)) ": " (chart.unit.text(value)) }
            (shape_of(series.style, scale.x(column), scale.y(value)))
        }
    }
}

fn shape_of(style: SeriesStyle, x: f64, y: f64) -> Markup {
    match style {
        SeriesStyle::Main => shape::disc(x, y, MARKER_SIZE),
        SeriesStyle::Second => shape::diamond(x, y, MARKER_SIZE + 2.0),
        SeriesStyle::Good => shape::square(x, y, MARKER_SIZE),
        SeriesStyle::Bad => shape::cross(x, y, MARKER_SIZE),
        SeriesStyle::Off => shape::ring(x, y, MARKER_SIZE),
    }
}

/// The sign of a series in the legend.
pub(super) fn swatch(style: SeriesStyle, x: f64) -> Markup {
    html! {
        g class=(format!("line {}", style.class())) {
            polyline.path points=(points([(x, 14.0), (x + 26.0, 14.0)])) {}
            (shape_of(style, x + 13.0, 14.0))
        }
    }
}

/// A limit as a line with steps. A limit above the picture is not drawn.
pub(super) fn limit(limit: &ChartLimit, scale: Scale) -> Markup {
    let visible: Vec<_> =
        limit.values.iter().map(|value| value.filter(|value| scale.reaches(*value))).collect();
    let half = scale.band() / 2.0;
    let steps = |run: Vec<(usize, f64)>| {
        let ends = run.into_iter().flat_map(move |(column, value)| {
            let (x, y) = (scale.x(column), scale.y(value));
            [(x - half, y), (x + half, y)]
        });
        points(ends)
    };
    html! {
        @for run in runs(&visible) {
            polyline.limit points=(steps(run)) {}
        }
    }
}

/// Columns with values that follow each other, each with its value.
fn runs(values: &[Option<f64>]) -> Vec<Vec<(usize, f64)>> {
    let numbered = values.iter().enumerate().map(|(column, value)| (column, value.map(bounded)));
    let numbered: Vec<_> = numbered.collect();
    let runs = numbered.split(|(_, value)| value.is_none());
    let runs = runs
        .map(|run| run.iter().filter_map(|(column, value)| Some((*column, (*value)?))).collect::<Vec<_>>());
    runs.filter(|run| !run.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::super::axis::ChartUnit;
    use super::super::chart_values::ChartKind;
    use super::*;

    #[test]
    fn column_without_a_value_divides_a_line() {
        let found = runs(&[Some(1.0), Some(2.0), None, None, Some(3.0), None]);
        assert_eq!(found, [vec![(0, 1.0), (1, 2.0)], vec![(4, 3.0)]]);
        assert!(runs(&[]).is_empty() && runs(&[None]).is_empty());
    }

    /// A chart of one series that is 1 in each column but those without a value.
    fn drawn(columns: usize, gaps: &[usize]) -> String {
        let values = (0..columns).map(|column| (!gaps.contains(&column)).then_some(1.0));
        let series = Series { name: "median".to_owned(), style: SeriesStyle::Main, values: values.collect() };
        let chart = Chart {
            id: "chart".to_owned(),
            title: String::new(),
            unit: ChartUnit::Count,
            column: "Week".to_owned(),
            columns: (0..columns).map(|column| format!("week {column}")).collect(),
            kind: ChartKind::Lines,
            series: vec![series],
            limit: None,
            note: String::new(),
        };
        draw(&chart, Scale { columns, top: 2.0 }).into_string()
    }

    #[test]
    fn marks_are_drawn_unless_there_are_many_columns() {
        let counts = |text: &str| (text.matches("<circle").count(), text.matches("<polyline").count());
        assert_eq!(counts(&drawn(60, &[])), (60, 1));
        assert_eq!(counts(&drawn(61, &[])), (0, 1));
        // A point without neighbours is no line: it has a mark in any case.
        assert_eq!(counts(&drawn(61, &[1])), (1, 1));
        assert_eq!(counts(&drawn(3, &[1])), (2, 0));
        assert!(drawn(3, &[1]).contains("<title>week 2, median: 1</title>"));
    }

    #[test]
    fn limit_has_a_step_for_each_column_that_it_is_visible_in() {
        let scale = Scale { columns: 4, top: 10.0 };
        let drawn = |values: &[Option<f64>]| {
            let limit_of = ChartLimit { name: "limit".to_owned(), values: values.to_vec() };
            limit(&limit_of, scale).into_string()
        };
        let line = |points: &str| format!("<polyline class=\"limit\" points=\"{points}\"></polyline>");
        // A column is 160 units wide, and 10 is 206 units high.
        assert_eq!(drawn(&[Some(5.0), Some(10.0)]), line("68,143 228,143 228,40 388,40"));
        assert_eq!(drawn(&[Some(11.0), None, Some(0.0)]), line("388,246 548,246"));
        assert_eq!(drawn(&[]), "");
    }
}
