//! Pictures as SVG: the way of a package, the calendar of labels, charts.
//!
//! A picture needs no script and no style attribute. Colours come from classes of the stylesheet (`picture.css`); what a colour
//! says is also said by a shape, a pattern or a word. Each picture has a title and a description for screen readers, and a table with
//! the same values.

mod axis;
mod calendar;
mod calendar_days;
mod calendar_rows;
mod calendar_time;
mod chart;
mod chart_bars;
mod chart_lines;
mod chart_table;
mod duration;
mod frame;
mod shape;
#[cfg(test)]
mod testing;
mod text;
mod way;
mod way_time;

pub use calendar::{Calendar, CalendarGroup, CalendarRow};
pub use calendar_time::{Mark, MarkKind, Span, SpanKind};
pub use chart::{Chart, ChartKind, Limit, Look, Series, Unit};
pub use duration::duration;
pub use text::{clean, shorten};
pub use way::{StepState, Way, WayStep};
