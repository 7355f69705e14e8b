//! Series as lines, and limits.

use maud::{Markup, html};

use super::axis::bounded;
use super::chart_values::{Chart, Limit, Look, Scale, Series};
use super::frame::points;
use super::shape;
use super::text::clean;

/// With more columns than this, only points without neighbours have a marker.
const MARKED: usize = 60;
/// Size of a marker.
const MARKER: f64 = 8.0;

/// The lines.
pub(super) fn draw(chart: &Chart, scale: Scale) -> Markup {
    html! {
        @for series in chart.drawn() {
            g class=(format!("line {}", series.look.class())) {
                @for run in runs(&series.values) {
                    @if run.len() > 1 {
                        polyline.path points=(points(run.iter().map(|(column, value)| (scale.x(*column), scale.y(*value))))) {}
                    }
                    @for (column, value) in run.iter().filter(|_| chart.columns.len() <= MARKED || run.len() == 1) {
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
            (shape_of(series.look, scale.x(column), scale.y(value)))
        }
    }
}

fn shape_of(look: Look, x: f64, y: f64) -> Markup {
    match look {
        Look::Main => shape::disc(x, y, MARKER),
        Look::Second => shape::diamond(x, y, MARKER + 2.0),
        Look::Good => shape::square(x, y, MARKER),
        Look::Bad => shape::cross(x, y, MARKER),
        Look::Off => shape::ring(x, y, MARKER),
    }
}

/// The sign of a look in the legend.
pub(super) fn swatch(look: Look, x: f64) -> Markup {
    html! {
        g class=(format!("line {}", look.class())) {
            polyline.path points=(points([(x, 14.0), (x + 26.0, 14.0)])) {}
            (shape_of(look, x + 13.0, 14.0))
        }
    }
}

/// A limit as a line with steps. A limit above the picture is not drawn.
pub(super) fn limit(limit: &Limit, scale: Scale) -> Markup {
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
    use super::*;

    #[test]
    fn column_without_a_value_divides_a_line() {
        let found = runs(&[Some(1.0), Some(2.0), None, None, Some(3.0), None]);
        assert_eq!(found, [vec![(0, 1.0), (1, 2.0)], vec![(4, 3.0)]]);
        assert!(runs(&[]).is_empty() && runs(&[None]).is_empty());
    }
}
