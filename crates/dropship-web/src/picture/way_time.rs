//! Where the time of a package went: one bar, divided by step.

use std::time::Duration;

use maud::{Markup, html};

use super::duration::duration;
use super::frame::at;
use super::text::{shorten, width};
use super::way_step::{WIDTH, WayStep};
use crate::text::clean;

/// Edges of the bar.
const LEFT: f64 = 8.0;
/// Its upper edge.
const TOP: f64 = 126.0;
/// Its height.
const HEIGHT: f64 = 18.0;
/// Parts below this width have no name.
const MIN_NAMED_WIDTH: f64 = 56.0;
/// Minimum width of a part, so that a short step can be seen.
const MIN_WIDTH: f64 = 3.0;
/// Width of a column of text.
const COLUMN: f64 = 7.2;

/// The bar. Nothing if no time has passed.
pub(super) fn strip(steps: &[WayStep]) -> Markup {
    let timed: Vec<_> = steps
        .iter()
        .filter_map(|step| Some((step, step.took?)))
        .filter(|(_, took)| !took.is_zero())
        .collect();
    let total = timed.iter().fold(Duration::ZERO, |sum, (_, took)| sum.saturating_add(*took));
    if total.is_zero() {
        return html! {};
    }
    let room = f64::from(WIDTH) - 2.0 * LEFT - MIN_WIDTH * timed.len() as f64;
    let mut x = LEFT;
    let parts = timed.into_iter().map(|(step, took)| {
        // A sum that was capped would make the parts too long together.
        let part = MIN_WIDTH + room * (took.as_secs_f64() / total.as_secs_f64()).min(1.0);
        let part = part.min(f64::from(WIDTH) - LEFT - x);
        let start = x;
        x += part;
        (step, took, start, part)
    });
    let parts: Vec<_> = parts.collect();
    html! {
        g.time {
            text.took x=(at(LEFT)) y=(at(TOP - 8.0)) { "total " (duration(total)) }
            @for (step, took, start, part) in parts {
                g class=(format!("part {}", step.state.class())) {
                    title { (clean(&step.name)) ": " (duration(took)) }
                    rect x=(at(start)) y=(at(TOP)) width=(at((part - 1.0).max(1.0))) height=(at(HEIGHT)) rx="2" {}
                    @let name = shorten(&step.name, 14);
                    @if part >= MIN_NAMED_WIDTH && width(&name) as f64 * COLUMN < part {
                        text x=(at(start + part / 2.0)) y=(at(TOP + 13.0)) text-anchor="middle" { (name) }
                    }
                }
            }
        }
    }
}
