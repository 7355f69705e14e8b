//! Times and durations for readers: local time on a terminal, UTC elsewhere.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// Formats times relative to now.
#[derive(Debug, Clone)]
pub(crate) struct Clock {
    now: Timestamp,
    /// The zone of a terminal's user; absent for UTC in the form of RFC 3339.
    zone: Option<TimeZone>,
}

impl Clock {
    /// The clock for an output, which may be a terminal.
    pub(crate) fn new(is_terminal: bool) -> Self {
        Self { now: Timestamp::now(), zone: is_terminal.then(TimeZone::system) }
    }

    /// The clock for readers in an unknown zone: UTC.
    pub(crate) fn utc() -> Self {
        Self { now: Timestamp::now(), zone: None }
    }

    /// The present time.
    pub(crate) fn now(&self) -> Timestamp {
        self.now
    }

    /// Date and time with seconds.
    pub(crate) fn full(&self, time: Timestamp) -> String {
        match &self.zone {
            Some(zone) => time.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M:%S").to_string(),
            None => format!("{time:.0}"),
        }
    }

    /// The day and the time with seconds; on a terminal apart, so that lines of one day can share the day.
    pub(crate) fn day_and_time(&self, time: Timestamp) -> (Option<String>, String) {
        match &self.zone {
            Some(zone) => {
                let time = time.to_zoned(zone.clone());
                (Some(time.date().to_string()), time.strftime("%H:%M:%S").to_string())
            }
            None => (None, self.full(time)),
        }
    }

    /// Date, and the time in minutes.
    pub(crate) fn minutes(&self, time: Timestamp) -> String {
        match &self.zone {
            Some(zone) => time.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M").to_string(),
            None => time.strftime("%Y-%m-%d %H:%M (UTC)").to_string(),
        }
    }

    /// The shortest unambiguous form: the time of today, otherwise day and time, and the year if it is another one.
    pub(crate) fn short(&self, time: Timestamp) -> String {
        let Some(zone) = &self.zone else { return time.strftime("%Y-%m-%d %H:%M:%SZ").to_string() };
        let (time, now) = (time.to_zoned(zone.clone()), self.now.to_zoned(zone.clone()));
        let form = match (time.date() == now.date(), time.year() == now.year()) {
            (true, _) => "%H:%M:%S",
            (false, true) => "%b %d %H:%M",
            (false, false) => "%Y-%m-%d",
        };
        time.strftime(form).to_string()
    }

    /// When something happens: `in 12 min, at 14:05`.
    pub(crate) fn until(&self, time: Timestamp) -> String {
        let remaining = time.duration_since(self.now);
        let at = self.at(time);
        if remaining.is_negative() {
            format!("now, was due at {at}")
        } else {
            format!("in {}, at {at}", span(remaining))
        }
    }

    /// Since when something lasts: `for 12 min, since 14:05`.
    pub(crate) fn since(&self, time: Timestamp) -> String {
        let lasts = self.now.duration_since(time).max(SignedDuration::ZERO);
        format!("for {}, since {}", span(lasts), self.at(time))
    }

    /// The time of today, or date and time.
    fn at(&self, time: Timestamp) -> String {
        let Some(zone) = &self.zone else { return format!("{time:.0}") };
        let (time, now) = (time.to_zoned(zone.clone()), self.now.to_zoned(zone.clone()));
        let form = if time.date() == now.date() { "%H:%M" } else { "%Y-%m-%d %H:%M" };
        time.strftime(form).to_string()
    }

    /// The name of the zone for a heading: `local time, +01:00`.
    pub(crate) fn zone(&self) -> String {
        match &self.zone {
            Some(zone) => format!("local time, {}", self.now.to_zoned(zone.clone()).strftime("%:z")),
            None => "UTC".to_owned(),
        }
    }
}

/// A duration in its two largest units: `0.4 s`, `12 s`, `3 min 20 s`, `2 h 5 min`, `3 d 4 h`.
pub(crate) fn span(duration: SignedDuration) -> String {
    let seconds = duration.as_secs().max(0);
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86400);
    let two = |large: i64, unit: &str, small: i64, part: &str| match small {
        0 => format!("{large} {unit}"),
        _ => format!("{large} {unit} {small} {part}"),
    };
    match () {
        () if seconds < 10 => format!("{:.1} s", duration.as_secs_f64().max(0.0)),
        () if minutes == 0 => format!("{seconds} s"),
        () if minutes < 10 => two(minutes, "min", seconds % 60, "s"),
        () if hours == 0 => format!("{minutes} min"),
        () if days == 0 => two(hours, "h", minutes % 60, "min"),
        () => two(days, "d", hours % 24, "h"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn duration_is_written_in_its_largest_units() {
        for (millis, text) in [
            (-5_000, "0.0 s"),
            (0, "0.0 s"),
            (420, "0.4 s"),
            (9_999, "10.0 s"),
            (59_999, "59 s"),
            (200_000, "3 min 20 s"),
            (720_000, "12 min"),
            (3_600_000, "1 h"),
            (7_500_000, "2 h 5 min"),
            (90_000_000, "1 d 1 h"),
            (31_536_000_000, "365 d"),
        ] {
            assert_eq!(span(SignedDuration::from_millis(millis)), text);
        }
    }

    #[test]
    fn time_is_local_on_a_terminal_and_utc_elsewhere() {
        let now = "2026-11-29T01:30:00Z".parse().expect("a time");
        let time = |text: &str| text.parse::<Timestamp>().expect("a time");
        let zone = TimeZone::fixed(jiff::tz::offset(2));
        let local = Clock { now, zone: Some(zone) };
        let utc = Clock { now, zone: None };
        let due = time("2026-11-29T01:42:10Z");
        assert_eq!(local.until(due), "in 12 min, at 03:42");
        assert_eq!(utc.until(due), "in 12 min, at 2026-11-29T01:42:10Z");
        assert_eq!(local.until(time("2026-12-06T01:30:00Z")), "in 7 d, at 2026-12-06 03:30");
        assert_eq!(local.until(time("2026-11-29T01:29:00Z")), "now, was due at 03:29");
        assert_eq!(local.since(time("2026-11-28T21:30:00Z")), "for 4 h, since 2026-11-28 23:30");
        assert_eq!(local.short(time("2026-11-28T22:00:01Z")), "00:00:01");
        assert_eq!(local.short(time("2026-11-28T21:59:59Z")), "Nov 28 23:59");
        assert_eq!(local.short(time("2025-11-28T21:59:59Z")), "2025-11-28");
        assert_eq!(utc.short(due), "2026-11-29 01:42:10Z");
        assert_eq!((&*local.zone(), &*utc.zone()), ("local time, +02:00", "UTC"));
    }
}
