//! The days of a calendar: from times to coordinates, and what is drawn behind the labels.

use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use maud::{Markup, html};

use super::frame::{at, points};

/// Width of the picture.
pub(super) const WIDTH: f64 = 960.0;
/// Edges of the days.
pub(super) const LEFT: f64 = 230.0;
pub(super) const RIGHT: f64 = 952.0;
/// Height of the names of months and days.
pub(super) const HEAD: f64 = 46.0;
/// Height of a row.
pub(super) const ROW: f64 = 24.0;
/// Maximum number of days.
pub(super) const MAX_DAYS: u16 = 93;

/// The day of a time in UTC.
pub(super) fn day_of(time: Timestamp) -> Date {
    time.to_zoned(TimeZone::UTC).date()
}

/// From times to coordinates.
#[derive(Debug, Clone, Copy)]
pub(super) struct CalendarDays {
    first: Date,
    count: u16,
}

impl CalendarDays {
    /// The first day, and the number of days.
    pub(super) fn new(first: Date, count: u16) -> Self {
        Self { first, count: count.clamp(1, MAX_DAYS) }
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

    /// The names of months and days.
    pub(super) fn head(self) -> Markup {
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

    /// Weekends, and a line for each Monday, down to `bottom`.
    pub(super) fn grid(self, bottom: f64) -> Markup {
        let days: Vec<_> = self.all().collect();
        html! {
            g.days {
                @for (index, day) in days.iter().enumerate() {
                    @let x = LEFT + self.width() * index as f64;
                    @if matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday) {
                        rect.weekend x=(at(x)) y=(at(HEAD)) width=(at(self.width())) height=(at(bottom - HEAD)) {}
                    }
                    @if day.weekday() == Weekday::Monday {
                        line.grid x1=(at(x)) y1=(at(HEAD)) x2=(at(x)) y2=(at(bottom)) {}
                    }
                }
            }
        }
    }

    /// A line at the present time, down to `bottom`.
    pub(super) fn today(self, now: Timestamp, bottom: f64) -> Markup {
        let x = self.x(now);
        html! {
            @if (LEFT..=RIGHT).contains(&x) {
                g.today {
                    title { "now: " (now.strftime("%Y-%m-%d %H:%MZ")) }
                    line x1=(at(x)) y1=(at(HEAD - 4.0)) x2=(at(x)) y2=(at(bottom)) {}
                    polygon points=(points([(x - 4.0, HEAD - 6.0), (x + 4.0, HEAD - 6.0), (x, HEAD)])) {}
                }
            }
        }
    }
}
