//! The rows of the calendar.

use jiff::Timestamp;
use maud::{Markup, html};

use super::calendar_days::{CalendarDays, LEFT, RIGHT, ROW, WIDTH};
use super::calendar_label::{CalendarGroup, CalendarRow, Mark, MarkKind, Span, SpanKind};
use super::frame::at;
use super::shape;
use super::text::{shorten, width};
use crate::text::clean;

/// Maximum number of rows of a group.
const MAX_IN_GROUP: usize = 8;
/// Maximum number of lines of the picture.
const MAX_LINES: usize = 40;
/// Maximum number of spans and of marks of a row.
const MAX_PARTS: usize = 12;
/// Columns of text of a name.
const NAME_COLUMNS: usize = 29;
/// Width of a column of text.
const COLUMN: f64 = 7.2;
/// Height of a bar.
const BAR_HEIGHT: f64 = 12.0;

/// A line of the picture.
#[derive(Debug, Clone, Copy)]
pub(super) enum CalendarLine<'a> {
    /// The name of a group.
    Group(&'a str),
    /// A label.
    Row(&'a CalendarRow),
    /// Number of labels of the group that are left out.
    More(usize),
}

/// The lines that have room, and the number of labels that have none.
pub(super) fn lines(groups: &[CalendarGroup]) -> (Vec<CalendarLine<'_>>, usize) {
    let mut lines = Vec::new();
    let mut hidden = 0;
    for group in groups.iter().filter(|group| !group.rows.is_empty()) {
        // A group takes two lines at least: its name and a label.
        let room = MAX_LINES.saturating_sub(lines.len() + 2);
        if room == 0 {
            hidden += group.rows.len();
            continue;
        }
        let shown = group.rows.len().min(MAX_IN_GROUP).min(room);
        let more = group.rows.len() - shown;
        lines.push(CalendarLine::Group(&group.name));
        lines.extend(group.rows.iter().take(shown).map(CalendarLine::Row));
        if more > 0 {
            lines.push(CalendarLine::More(more));
        }
        hidden += more;
    }
    (lines, hidden)
}

/// Draws a line whose upper edge is at `y`.
pub(super) fn draw(id: &str, line: &CalendarLine<'_>, days: CalendarDays, y: f64) -> Markup {
    let base = y + 16.0;
    match line {
        CalendarLine::Group(name) => {
            html! { text.group x="6" y=(at(base)) { (shorten(name, NAME_COLUMNS)) } }
        }
        CalendarLine::More(more) => html! { text.took x="18" y=(at(base)) { "and " (more) " more" } },
        CalendarLine::Row(row) => html! {
            g class="row" {
                title { (clean(&row.name)) ": " (sentence(row)) }
                line.grid x1="6" y1=(at(y + ROW)) x2=(at(RIGHT)) y2=(at(y + ROW)) {}
                text.label x="18" y=(at(base)) { (shorten(&row.name, NAME_COLUMNS - 2)) }
                @for x in row.blackout.iter().filter_map(|day| days.day(*day)) {
                    rect.blackout x=(at(x)) y=(at(y + 1.0)) width=(at(days.width())) height=(at(ROW - 2.0)) fill=(format!("url(#{id}-blackout)")) {}
                }
                @for span in row.spans.iter().take(MAX_PARTS) { (bar(id, span, days, y)) }
                @for mark in row.marks.iter().take(MAX_PARTS) { (sign(mark, days, y)) }
            }
        },
    }
}

/// A span; nothing if it is outside of the picture.
fn bar(id: &str, span: &Span, days: CalendarDays, y: f64) -> Markup {
    // A clock that went back makes an end that is before its beginning.
    let from = days.x(span.from);
    let to = span.to.map_or(RIGHT, |to| days.x(to)).max(from);
    let (start, end) = (from.clamp(LEFT, RIGHT), to.clamp(LEFT, RIGHT));
    let is_outside = to < LEFT || from > RIGHT;
    let start = start.min(RIGHT - 2.0);
    html! {
        @if !is_outside { (body(id, span.kind, (start, y + (ROW - BAR_HEIGHT) / 2.0), (end - start).max(2.0))) }
    }
}

fn body(id: &str, kind: SpanKind, (x, y): (f64, f64), body_width: f64) -> Markup {
    let (x, body_width) = (at(x), at(body_width));
    match kind {
        SpanKind::Live => html! { rect.live x=(x) y=(at(y + 4.0)) width=(body_width) height="4" {} },
        SpanKind::Processing => {
            html! { rect.processing x=(x) y=(at(y)) width=(body_width) height=(at(BAR_HEIGHT)) rx="3" {} }
        }
        SpanKind::Waits => {
            html! { rect.waits x=(x) y=(at(y)) width=(body_width) height=(at(BAR_HEIGHT)) rx="3" {} }
        }
        SpanKind::Soak => html! {
            rect.soak x=(x) y=(at(y)) width=(body_width) height=(at(BAR_HEIGHT)) rx="3" {}
            rect x=(x) y=(at(y)) width=(body_width) height=(at(BAR_HEIGHT)) rx="3" fill=(format!("url(#{id}-soak)")) {}
        },
        SpanKind::Held => html! {
            rect.held x=(x) y=(at(y)) width=(body_width) height=(at(BAR_HEIGHT)) rx="3" {}
            rect x=(x) y=(at(y)) width=(body_width) height=(at(BAR_HEIGHT)) rx="3" fill=(format!("url(#{id}-held)")) {}
        },
    }
}

/// A mark; nothing if it is outside of the picture.
fn sign(mark: &Mark, days: CalendarDays, y: f64) -> Markup {
    let x = days.x(mark.at);
    let visible_x = x.clamp(LEFT + 6.0, RIGHT - 6.0);
    html! { @if (LEFT..=RIGHT).contains(&x) { (figure(mark.kind, visible_x, y + ROW / 2.0)) } }
}

fn figure(kind: MarkKind, x: f64, y: f64) -> Markup {
    let (class, shape) = match kind {
        MarkKind::Published => ("mark ok", shape::disc(x, y, 11.0)),
        MarkKind::NotBefore => ("mark due", shape::diamond(x, y, 12.0)),
        MarkKind::Failed => ("mark bad", shape::cross(x, y, 12.0)),
        MarkKind::Withdrawn => ("mark off", shape::minus(x, y, 12.0)),
    };
    html! { g class=(class) { (shape) } }
}

/// The meaning of the bars and marks that occur. `y` is the base line of the text.
pub(super) fn legend(id: &str, rows: &[&CalendarRow], y: f64) -> Markup {
    let spans = SpanKind::ALL
        .into_iter()
        .filter(|kind| rows.iter().any(|row| row.spans.iter().any(|span| span.kind == *kind)));
    let marks = MarkKind::ALL
        .into_iter()
        .filter(|kind| rows.iter().any(|row| row.marks.iter().any(|mark| mark.kind == *kind)));
    let has_blackout = rows.iter().any(|row| !row.blackout.is_empty());
    let mut entries: Vec<(f64, &str, Markup)> = Vec::new();
    let mut x = 18.0;
    let mut add = |words: &'static str, sign_width: f64, drawn: &dyn Fn(f64) -> Markup| {
        entries.push((x + sign_width + 6.0, words, drawn(x)));
        x += sign_width + 6.0 + width(words) as f64 * COLUMN + 14.0;
    };
    for kind in spans {
        add(kind.words(), 26.0, &|x| body(id, kind, (x, y - 10.0), 26.0));
    }
    for kind in marks {
        add(kind.words(), 12.0, &|x| figure(kind, x + 6.0, y - 4.0));
    }
    if has_blackout {
        let fill = format!("url(#{id}-blackout)");
        add(
            "blackout",
            22.0,
            &|x| html! { rect.blackout x=(at(x)) y=(at(y - 11.0)) width="22" height="14" fill=(fill) {} },
        );
    }
    html! {
        g.legend {
            @for (x, words, drawn) in entries.into_iter().filter(|(x, words, _)| x + width(words) as f64 * COLUMN < WIDTH) {
                (drawn)
                text x=(at(x)) y=(at(y)) { (words) }
            }
        }
    }
}

/// The dates of a label as text.
pub(super) fn sentence(row: &CalendarRow) -> String {
    let time = |time: Timestamp| time.strftime("%Y-%m-%d %H:%MZ").to_string();
    let spans = row.spans.iter().take(MAX_PARTS).map(|span| match span.to {
        Some(to) => format!("{} {} to {}", span.kind.words(), time(span.from), time(to)),
        None => format!("{} since {}", span.kind.words(), time(span.from)),
    });
    let marks =
        row.marks.iter().take(MAX_PARTS).map(|mark| format!("{} {}", mark.kind.words(), time(mark.at)));
    let blackout = (!row.blackout.is_empty()).then(|| {
        let days: Vec<_> = row.blackout.iter().take(MAX_PARTS).map(ToString::to_string).collect();
        let more = if row.blackout.len() > days.len() { " and more" } else { "" };
        format!("blackout {}{more}", days.join(", "))
    });
    let all: Vec<_> = spans.chain(marks).chain(blackout).collect();
    if all.is_empty() { "no date is known".to_owned() } else { all.join("; ") }
}
