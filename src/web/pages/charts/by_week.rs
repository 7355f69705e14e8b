//! Packages by the week in which they arrived.

use dropship_web::picture::{Chart, ChartKind, ChartUnit, Series, SeriesStyle};
use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

use crate::web::rows::{Row, Rows};
use dropship_job::StateKind;

/// Length of a week in seconds.
const WEEK: i64 = 7 * 86_400;

/// The weeks that end with the present one.
struct Weeks {
    first: Date,
    /// The first second of the first week.
    start: i64,
    count: usize,
}

impl Weeks {
    fn until(now: Timestamp, count: usize) -> Self {
        let today = now.to_zoned(TimeZone::UTC).date();
        let since_monday = i64::from(today.weekday().since(Weekday::Monday));
        let back = since_monday + 7 * (count as i64 - 1);
        let first = today.checked_sub(back.days()).unwrap_or(today);
        let start = first.to_zoned(TimeZone::UTC).map_or(0, |start| start.timestamp().as_second());
        Self { first, start, count }
    }

    /// The index of the week of a time.
    fn of(&self, time: Timestamp) -> Option<usize> {
        let week = (time.as_second() - self.start).div_euclid(WEEK);
        usize::try_from(week).ok().filter(|week| *week < self.count)
    }

    /// The first day of each week.
    fn names(&self) -> Vec<String> {
        let day = |week: usize| self.first.checked_add((7 * week as i64).days()).unwrap_or(self.first);
        (0..self.count).map(|week| day(week).to_string()).collect()
    }
}

/// The charts.
pub(super) fn of(rows: &Rows, count: usize, now: Timestamp) -> Vec<Chart> {
    let weeks = Weeks::until(now, count);
    let arrived: Vec<_> = rows.newest_first().filter_map(|row| Some((weeks.of(row.created)?, row))).collect();
    vec![
        times(&weeks, "signed", "Time from drop to signed", &arrived, |row| row.signed),
        times(&weeks, "published", "Time from drop to published", &arrived, |row| row.published),
        outcomes(&weeks, &arrived),
    ]
}

/// Median and 90th percentile of the time from the arrival of a package to `end`.
fn times(
    weeks: &Weeks,
    id: &str,
    title: &str,
    arrived: &[(usize, &Row)],
    end: impl Fn(&Row) -> Option<Timestamp>,
) -> Chart {
    let mut seconds: Vec<Vec<f64>> = vec![Vec::new(); weeks.count];
    for (week, row) in arrived {
        if let (Some(end), Some(of_week)) = (end(row), seconds.get_mut(*week)) {
            // A clock that went back makes no time negative.
            of_week.push(end.duration_since(row.created).as_secs_f64().max(0.0));
        }
    }
    let measured: usize = seconds.iter().map(Vec::len).sum();
    seconds.iter_mut().for_each(|times| times.sort_unstable_by(f64::total_cmp));
    let explained =
        "p90: nine of ten packages took at most this long. Packages that are not that far yet do not count.";
    let series = |name: &str, style, part| Series {
        name: name.to_owned(),
        style,
        values: seconds.iter().map(|times| percentile(times, part)).collect(),
    };
    Chart {
        id: id.to_owned(),
        title: title.to_owned(),
        unit: ChartUnit::Duration,
        column: "Week from".to_owned(),
        columns: weeks.names(),
        kind: ChartKind::Lines,
        series: vec![series("median", SeriesStyle::Main, 50), series("p90", SeriesStyle::Second, 90)],
        limit: None,
        note: match measured {
            0 => String::new(),
            1 => format!("One package. {explained}"),
            many => format!("{many} packages. {explained}"),
        },
    }
}

/// The nearest-rank percentile of sorted values; `None` without values.
fn percentile(sorted: &[f64], part: usize) -> Option<f64> {
    let rank = (sorted.len() * part).div_ceil(100).max(1);
    sorted.get(rank - 1).copied()
}

/// The packages by the state that they have now.
fn outcomes(weeks: &Weeks, arrived: &[(usize, &Row)]) -> Chart {
    let series = |name: &str, style, has: fn(StateKind) -> bool| {
        let mut counts = vec![0.0; weeks.count];
        for (week, row) in arrived {
            if let Some(count) = counts.get_mut(*week).filter(|_| has(row.stored_state())) {
                *count += 1.0;
            }
        }
        Series { name: name.to_owned(), style, values: counts.into_iter().map(Some).collect() }
    };
    Chart {
        id: "outcomes".to_owned(),
        title: "Packages by outcome".to_owned(),
        unit: ChartUnit::Count,
        column: "Week from".to_owned(),
        columns: weeks.names(),
        kind: ChartKind::Stacked,
        series: vec![
            series("succeeded", SeriesStyle::Good, |state| state == StateKind::Succeeded),
            series("not ended", SeriesStyle::Main, |state| !state.has_ended()),
            series("rejected", SeriesStyle::Second, |state| state == StateKind::Rejected),
            series("failed", SeriesStyle::Bad, |state| state == StateKind::Failed),
            series("cancelled", SeriesStyle::Off, |state| state == StateKind::Cancelled),
        ],
        limit: None,
        note: "By the state that each package has now.".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentile_is_a_value_of_the_list() {
        let values: Vec<_> = (1..=10).map(f64::from).collect();
        assert_eq!([percentile(&values, 50), percentile(&values, 90)], [Some(5.0), Some(9.0)]);
        assert_eq!(
            [percentile(&[3.0], 50), percentile(&[3.0], 90), percentile(&[], 50)],
            [Some(3.0), Some(3.0), None]
        );
    }

    #[test]
    fn week_begins_on_monday_in_utc() {
        let weeks = Weeks::until("2026-11-18T09:30:00Z".parse().expect("a time"), 3);
        assert_eq!(weeks.names(), ["2026-11-02", "2026-11-09", "2026-11-16"]);
        for (time, week) in [
            ("2026-11-01T23:59:59Z", None),
            ("2026-11-02T00:00:00Z", Some(0)),
            ("2026-11-15T23:59:59Z", Some(1)),
            ("2026-11-22T23:59:59Z", Some(2)),
            ("2026-11-23T00:00:00Z", None),
        ] {
            assert_eq!(weeks.of(time.parse().expect("a time")), week, "{time}");
        }
    }
}
