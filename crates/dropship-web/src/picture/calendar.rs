//! The calendar of labels: what was published, what waits for a date, and why.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use maud::{Markup, html};

use super::calendar_rows::{self, Line};
use super::frame::{at, frame};
use super::text::clean;

/// Width of the picture.
pub(super) const WIDTH: f64 = 960.0;
/// Edges of the days.
pub(super) const LEFT: f64 = 230.0;
pub(super) const RIGHT: f64 = 952.0;
/// Height of the names of months and days.
pub(super) const HEAD: f64 = 46.0;
/// Height of a row.
pub(super) const ROW: f64 = 24.0;
/// Height of the legend.
const LEGEND: f64 = 34.0;
/// Maximum number of days.
const MAX_DAYS: u16 = 93;
/// Maximum number of rows of the table.
const MAX_TABLE: usize = 200;

/// Labels and days, in UTC.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Calendar {
    /// Unique in its page.
    pub id: String,
    /// The first day.
    pub first: Date,
    /// Number of days.
    pub days: u16,
    /// The present time.
    pub now: Timestamp,
    /// The labels, grouped.
    pub groups: Vec<CalendarGroup>,
    /// Number of labels that the caller has left out.
    pub more: usize,
    /// The page with all labels.
    pub more_href: String,
}

/// Labels that belong together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CalendarGroup {
    /// The name of the group.
    pub name: String,
    /// Its labels.
    pub rows: Vec<CalendarRow>,
}

/// One label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CalendarRow {
    /// Its name.
    pub name: String,
    /// Its state, in a word.
    pub state: String,
    /// What takes time.
    pub spans: Vec<Span>,
    /// What happens at one time.
    pub marks: Vec<Mark>,
    /// Days on which it does not go live.
    pub blackout: Vec<Date>,
}

/// A time with a beginning and an end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// Its meaning.
    pub kind: SpanKind,
    /// Its beginning.
    pub from: Timestamp,
    /// Its end; absent if it is not known.
    pub to: Option<Timestamp>,
}

/// The meaning of a span.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SpanKind {
    /// It waits for a date.
    Waits,
    /// The label before it has to be live for some time first.
    Soak,
    /// It waits for an operator.
    Held,
    /// Microsoft processes it.
    Processing,
    /// It is published.
    Live,
}

/// Something that happens at one time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    /// Its meaning.
    pub kind: MarkKind,
    /// When it happens.
    pub at: Timestamp,
}

/// The meaning of a mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum MarkKind {
    /// It was published.
    Published,
    /// It goes live, or is requested, at this time and not before.
    NotBefore,
    /// Microsoft refused it, or it is gone.
    Failed,
    /// It was withdrawn.
    Withdrawn,
}

impl SpanKind {
    /// All of them, in the order of the legend.
    pub(super) const ALL: [Self; 5] = [Self::Waits, Self::Soak, Self::Held, Self::Processing, Self::Live];

    /// The words for it.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Waits => "waits for its date",
            Self::Soak => "soak",
            Self::Held => "on hold",
            Self::Processing => "at Microsoft",
            Self::Live => "published",
        }
    }
}

impl MarkKind {
    /// All of them, in the order of the legend.
    pub(super) const ALL: [Self; 4] = [Self::Published, Self::NotBefore, Self::Failed, Self::Withdrawn];

    /// The words for it.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Published => "publication",
            Self::NotBefore => "not before",
            Self::Failed => "refused or gone",
            Self::Withdrawn => "withdrawn",
        }
    }
}

impl Calendar {
    /// The picture, and the number of labels that it leaves out.
    #[must_use]
    pub fn picture(&self) -> Markup {
        let (lines, hidden) = calendar_rows::lines(&self.groups);
        if lines.is_empty() {
            return html! { p.empty { "No label was, is or will be in motion in this time." } };
        }
        let days = Days::of(self);
        let body = HEAD + ROW * lines.len() as f64;
        let height = body + LEGEND;
        let content = html! {
            (self.patterns())
            (days.head())
            (days.grid(body))
            @for (index, line) in lines.iter().enumerate() {
                (calendar_rows::draw(&self.id, line, days, HEAD + ROW * index as f64))
            }
            (days.today(self.now, body))
            (calendar_rows::legend(&self.id, &self.shown(&lines), body + 22.0))
        };
        let hidden = hidden + self.more;
        html! {
            (frame(&self.id, (WIDTH as u32, height as u32), "Calendar of labels", &self.description(hidden), &content))
            @if hidden > 0 {
                p.more { (hidden) " more " (if hidden == 1 { "label is" } else { "labels are" }) " not in the picture: " a href=(self.more_href) { "list all labels" } "." }
            }
        }
    }

    /// The rows that are drawn.
    fn shown<'a>(&self, lines: &[Line<'a>]) -> Vec<&'a CalendarRow> {
        let rows = lines.iter().filter_map(|line| match line {
            Line::Row(row) => Some(*row),
            Line::Group(_) | Line::More(_) => None,
        });
        rows.collect()
    }

    fn description(&self, hidden: usize) -> String {
        let count: usize = self.groups.iter().map(|group| group.rows.len()).sum();
        let days = self.days.clamp(1, MAX_DAYS);
        format!(
            "{} labels in {days} days from {}, in UTC; today is {}. The table has the dates of each.",
            count + hidden.saturating_sub(count.min(hidden)),
            self.first,
            day_of(self.now)
        )
    }

    /// The same as a table, which opens on request.
    #[must_use]
    pub fn table(&self) -> Markup {
        let rows = self.groups.iter().flat_map(|group| group.rows.iter().map(move |row| (group, row)));
        html! {
            details.values {
                summary { "Dates as a table" }
                div.scroll tabindex="0" role="region" aria-label="Dates of labels" {
                    table.data {
                        caption { "Dates of labels, in UTC" }
                        thead { tr { th scope="col" { "Label" } th scope="col" { "Group" } th scope="col" { "State" } th scope="col" { "Dates" } } }
                        tbody {
                            @for (group, row) in rows.take(MAX_TABLE) {
                                tr {
                                    th scope="row" { (clean(&row.name)) }
                                    td { (clean(&group.name)) }
                                    td { (clean(&row.state)) }
                                    td { (calendar_rows::sentence(row)) }
                                }
                            }
                        }
                    }
                }
            }
        }
    }

    fn patterns(&self) -> Markup {
        html! {
            defs {
                pattern id=(format!("{}-blackout", self.id)) width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)" {
                    rect.ink x="0" y="0" width="1.5" height="6" {}
                }
                pattern id=(format!("{}-held", self.id)) width="5" height="5" patternUnits="userSpaceOnUse" patternTransform="rotate(-45)" {
                    rect.ink x="0" y="0" width="2" height="5" {}
                }
                pattern id=(format!("{}-soak", self.id)) width="5" height="5" patternUnits="userSpaceOnUse" {
                    circle.ink cx="2.5" cy="2.5" r="1.1" {}
                }
            }
        }
    }
}

/// The day of a time in UTC.
pub(super) fn day_of(time: Timestamp) -> Date {
    time.to_zoned(TimeZone::UTC).date()
}

/// From times to coordinates.
#[derive(Debug, Clone, Copy)]
pub(super) struct Days {
    first: Date,
    count: u16,
}

impl Days {
    fn of(calendar: &Calendar) -> Self {
        Self { first: calendar.first, count: calendar.days.clamp(1, MAX_DAYS) }
    }

    /// Width of a day.
    pub(super) fn width(self) -> f64 {
        (RIGHT - LEFT) / f64::from(self.count)
    }

    /// The place of a time, also outside of the picture.
    pub(super) fn x(self, time: Timestamp) -> f64 {
        let seconds = time.as_second().saturating_sub(self.start()) as f64;
        LEFT + seconds / 86_400.0 * self.width()
    }

    /// The place of a day; `None` outside of the picture.
    pub(super) fn day(self, day: Date) -> Option<f64> {
        let start = day.to_zoned(TimeZone::UTC).ok()?.timestamp();
        let x = self.x(start);
        (LEFT - 0.01..RIGHT - 0.01).contains(&x).then_some(x)
    }

    fn start(self) -> i64 {
        self.first.to_zoned(TimeZone::UTC).map_or(0, |start| start.timestamp().as_second())
    }

    fn all(self) -> impl Iterator<Item = Date> {
        (0..self.count).filter_map(move |index| self.first.checked_add(i64::from(index).days()).ok())
    }

    fn head(self) -> Markup {
        let every = (18.0 / self.width()).ceil().max(1.0) as usize;
        let days: Vec<_> = self.all().collect();
        html! {
            g.head {
                @for (index, day) in days.iter().enumerate() {
                    @let x = LEFT + self.width() * index as f64;
                    // A month needs room for its name.
                    @if (index == 0 && day.day() < 25 || day.day() == 1) && x + 70.0 < RIGHT {
                        text.month x=(at(x + 1.0)) y="16" { (day.strftime("%B %Y")) }
                    }
                    @if index % every == 0 {
                        @let x = (x + self.width() / 2.0).clamp(LEFT + 8.0, RIGHT - 8.0);
                        text.day x=(at(x)) y="37" text-anchor="middle" { (day.day()) }
                    }
                }
            }
        }
    }

    fn grid(self, bottom: f64) -> Markup {
        let days: Vec<_> = self.all().collect();
        html! {
            g.days {
                @for (index, day) in days.iter().enumerate() {
                    @let x = LEFT + self.width() * index as f64;
                    @if matches!(day.weekday(), jiff::civil::Weekday::Saturday | jiff::civil::Weekday::Sunday) {
                        rect.weekend x=(at(x)) y=(at(HEAD)) width=(at(self.width())) height=(at(bottom - HEAD)) {}
                    }
                    @if day.weekday() == jiff::civil::Weekday::Monday {
                        line.grid x1=(at(x)) y1=(at(HEAD)) x2=(at(x)) y2=(at(bottom)) {}
                    }
                }
            }
        }
    }

    fn today(self, now: Timestamp, bottom: f64) -> Markup {
        let x = self.x(now);
        html! {
            @if (LEFT..=RIGHT).contains(&x) {
                g.today {
                    title { "now: " (now.strftime("%Y-%m-%d %H:%MZ")) }
                    line x1=(at(x)) y1=(at(HEAD - 4.0)) x2=(at(x)) y2=(at(bottom)) {}
                    polygon points=(super::frame::points([(x - 4.0, HEAD - 6.0), (x + 4.0, HEAD - 6.0), (x, HEAD)])) {}
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::picture::testing::{self, HOSTILE};

    fn time(text: &str) -> Timestamp {
        text.parse().expect("a time")
    }

    fn calendar(groups: Vec<CalendarGroup>) -> Calendar {
        Calendar {
            id: "calendar".to_owned(),
            first: date(2026, 11, 2),
            days: 42,
            now: time("2026-11-18T09:30:00Z"),
            groups,
            more: 0,
            more_href: "/labels".to_owned(),
        }
    }

    fn row(name: &str, spans: &[(SpanKind, &str, Option<&str>)], marks: &[(MarkKind, &str)]) -> CalendarRow {
        let span = |(kind, from, to): &(SpanKind, &str, Option<&str>)| Span {
            kind: *kind,
            from: time(from),
            to: to.map(time),
        };
        CalendarRow {
            name: name.to_owned(),
            state: "planned".to_owned(),
            spans: spans.iter().map(span).collect(),
            marks: marks.iter().map(|(kind, at)| Mark { kind: *kind, at: time(at) }).collect(),
            blackout: Vec::new(),
        }
    }

    #[test]
    fn calendar_of_two_drivers_looks_as_recorded() {
        let test = row(
            "echo 3.2 test ring",
            &[
                (SpanKind::Processing, "2026-11-10T08:00:00Z", Some("2026-11-12T15:00:00Z")),
                (SpanKind::Live, "2026-11-12T15:00:00Z", None),
            ],
            &[(MarkKind::Published, "2026-11-12T15:00:00Z")],
        );
        let broad = CalendarRow {
            blackout: vec![date(2026, 11, 26), date(2026, 11, 27)],
            ..row(
                "echo 3.2 broad",
                &[(SpanKind::Soak, "2026-11-12T15:00:00Z", Some("2026-11-26T15:00:00Z"))],
                &[(MarkKind::NotBefore, "2026-11-28T15:00:00Z")],
            )
        };
        let held = row("touch 1.0 release", &[(SpanKind::Held, "2026-11-16T12:00:00Z", None)], &[]);
        let groups = vec![
            CalendarGroup { name: "echo.cab".to_owned(), rows: vec![test, broad] },
            CalendarGroup { name: "touch.cab".to_owned(), rows: vec![held] },
        ];
        let calendar = calendar(groups);
        insta::assert_snapshot!(testing::lines(&html! { (calendar.picture()) (calendar.table()) }));
    }

    #[test]
    fn calendar_without_labels_is_a_sentence() {
        assert!(calendar(Vec::new()).picture().into_string().starts_with("<p class=\"empty\">"));
    }

    #[test]
    fn calendar_of_many_labels_names_the_number_of_the_others() {
        let row =
            |_| row("x", &[(SpanKind::Waits, "2026-11-10T08:00:00Z", Some("2026-11-12T15:00:00Z"))], &[]);
        let group =
            |index| CalendarGroup { name: format!("group {index}"), rows: (0..100).map(row).collect() };
        let calendar = Calendar { more: 7, ..calendar((0..100).map(group).collect()) };
        let picture = calendar.picture();
        testing::check(&picture);
        testing::well_formed(&calendar.table());
        assert!(picture.0.contains("more labels are not in the picture"), "{}", picture.0);
        assert!(picture.0.len() < 60_000, "{} bytes", picture.0.len());
        let shown = picture.0.matches("class=\"row\"").count();
        assert!(picture.0.contains(&format!("{} more labels", 10_007 - shown)), "{shown} shown");
    }

    #[test]
    fn calendar_with_any_times_and_names_stays_in_its_picture() {
        let times = [
            "-009999-01-02T01:59:59Z",
            "2026-11-02T00:00:00Z",
            "2026-11-18T09:30:00Z",
            "2026-12-14T00:00:00Z",
            "9999-12-30T22:00:00Z",
        ];
        for days in [0, 1, 7, 42, 93, u16::MAX] {
            for name in HOSTILE {
                let spans = times.iter().flat_map(|from| {
                    times
                        .iter()
                        .map(|to| Some(time(to)))
                        .chain([None])
                        .flat_map(|to| SpanKind::ALL.map(|kind| Span { kind, from: time(from), to }))
                });
                let marks = times.iter().flat_map(|at| MarkKind::ALL.map(|kind| Mark { kind, at: time(at) }));
                let row = CalendarRow {
                    name: name.to_owned(),
                    state: name.to_owned(),
                    spans: spans.collect(),
                    marks: marks.collect(),
                    blackout: vec![date(2026, 11, 30), date(-9999, 1, 1), date(9999, 12, 31)],
                };
                let group = CalendarGroup { name: name.to_owned(), rows: vec![row] };
                let calendar = Calendar { days, ..calendar(vec![group]) };
                testing::check(&calendar.picture());
                testing::well_formed(&calendar.table());
                testing::check(&Calendar { first: date(9999, 12, 20), ..calendar.clone() }.picture());
                testing::check(&Calendar { first: date(-9999, 1, 1), ..calendar }.picture());
            }
        }
    }
}
