//! Pictures as SVG: the way of a package, the calendar of labels, charts.
//!
//! A picture needs no script and no style attribute. Colours come from classes of the stylesheet (`picture.css`); what a colour
//! says is also said by a shape, a pattern or a word. Each picture has a title and a description for screen readers, and a table with
//! the same values.

mod axis;
mod calendar;
mod calendar_days;
mod calendar_label;
mod calendar_rows;
mod chart;
mod chart_bars;
mod chart_lines;
mod chart_table;
mod chart_values;
mod duration;
mod frame;
mod shape;
#[cfg(test)]
mod testing;
mod text;
mod way;
mod way_step;
mod way_time;

pub use axis::ChartUnit;
pub use calendar::Calendar;
pub use calendar_label::{CalendarGroup, CalendarRow, Mark, MarkKind, Span, SpanKind};
pub use chart_values::{Chart, ChartKind, ChartLimit, Series, SeriesStyle};
pub use duration::duration;
pub use text::shorten;
pub use way::Way;
pub use way_step::{StepState, WayStep};
