//! Series on top of each other.

use maud::{Markup, html};

use super::axis::bounded;
use super::chart_values::{BOTTOM, Chart, LEFT, RIGHT, Scale, SeriesStyle};
use super::frame::at;
use crate::text::clean;

/// Maximum width of a bar.
const MAX_WIDTH: f64 = 40.0;

/// The bars.
pub(super) fn draw(chart: &Chart, scale: Scale) -> Markup {
    let bar_width = (scale.band() * 0.72).min(MAX_WIDTH);
    html! {
        (patterns(&chart.id))
        @for column in 0..chart.columns.len() {
            g.bar { (stack(chart, scale, bar_width, column)) }
        }
        line.base x1=(at(LEFT)) y1=(at(BOTTOM)) x2=(at(RIGHT)) y2=(at(BOTTOM)) {}
    }
}

fn stack(chart: &Chart, scale: Scale, bar_width: f64, column: usize) -> Markup {
    let name = chart.columns.get(column).map(String::as_str).unwrap_or_default();
    let mut below = 0.0;
    let parts = chart.drawn().iter().filter_map(|series| {
        let value = series.values.get(column).copied().flatten().map(bounded).filter(|value| *value > 0.0)?;
        let (y, bottom) = (scale.y(below + value), scale.y(below));
        below += value;
        Some((series, value, y, bottom - y))
    });
    let parts: Vec<_> = parts.collect();
    html! {
        @for (series, value, y, height) in parts {
            g class=(series.style.class()) {
                title { (clean(name)) ", " (clean(&series.name)) ": " (chart.unit.text(value)) }
                (part(&chart.id, series.style, (scale.x(column) - bar_width / 2.0, y), (bar_width, height)))
            }
        }
    }
}

/// A part of a bar: its colour, and above it the pattern of its style.
fn part(id: &str, style: SeriesStyle, (x, y): (f64, f64), (width, height): (f64, f64)) -> Markup {
    let pattern = match style {
        SeriesStyle::Main | SeriesStyle::Good | SeriesStyle::Off => None,
        SeriesStyle::Second => Some(format!("url(#{id}-dots)")),
        SeriesStyle::Bad => Some(format!("url(#{id}-hatch)")),
    };
    html! {
        rect.body x=(at(x)) y=(at(y)) width=(at(width)) height=(at(height)) {}
        @if let Some(pattern) = pattern {
            rect x=(at(x)) y=(at(y)) width=(at(width)) height=(at(height)) fill=(pattern) {}
        }
    }
}

/// The sign of a series in the legend.
pub(super) fn swatch(id: &str, style: SeriesStyle, x: f64) -> Markup {
    html! { g.bar { g class=(style.class()) { (part(id, style, (x + 6.0, 7.0), (18.0, 13.0))) } } }
}

fn patterns(id: &str) -> Markup {
    html! {
        defs {
            pattern id=(format!("{id}-hatch")) width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)" {
                rect.ink x="0" y="0" width="2" height="6" {}
            }
            pattern id=(format!("{id}-dots")) width="6" height="6" patternUnits="userSpaceOnUse" {
                circle.ink cx="3" cy="3" r="1.2" {}
            }
        }
    }
}
