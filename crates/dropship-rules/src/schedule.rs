//! When things go live: dates, offsets, working days and days on which nothing does. All in UTC.

use std::fmt;
use std::time::Duration;

use jiff::civil::{Date, DateTime, Weekday};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Span, Timestamp};

use crate::duration;

/// Furthest that blackout days can push a date.
const MAX_PUSH_DAYS: usize = 400;

/// A point in time, fixed or counted from now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// A date.
    At(Timestamp),
    /// This time from now.
    In(Duration),
}

impl Moment {
    /// Reads `2026-12-01`, `2026-12-01T09:00:00Z` or `+7d`.
    ///
    /// # Errors
    /// When the text is not a date. The error shows the form of a date.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        match text.strip_prefix('+') {
            Some(offset) => duration::parse(offset).map(Self::In),
            None => parse_date(text).map(Self::At).ok_or_else(|| {
                format!("`{text}` is neither a date such as \"2026-12-01\" or \"2026-12-01T09:00:00Z\" nor an offset such as \"+7d\"")
            }),
        }
    }

    /// The time that it stands for now.
    ///
    /// # Errors
    /// When it is beyond the calendar.
    pub fn resolve(self, now: Timestamp) -> Result<Timestamp, String> {
        match self {
            Self::At(time) => Ok(time),
            Self::In(offset) => {
                let offset = SignedDuration::try_from(offset).map_err(|error| error.to_string())?;
                now.checked_add(offset).map_err(|error| error.to_string())
            }
        }
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::At(time) => time.fmt(f),
            Self::In(offset) => write!(f, "+{}", duration::format(*offset)),
        }
    }
}

fn parse_date(text: &str) -> Option<Timestamp> {
    if let Ok(time) = text.parse::<Timestamp>() {
        return Some(time);
    }
    let time = match text.parse::<Date>() {
        Ok(day) if text.len() <= 10 => day.to_datetime(jiff::civil::Time::midnight()),
        // The parser would ignore the time zone in brackets.
        _ if text.contains('[') => return None,
        _ => text.parse::<DateTime>().ok()?,
    };
    Some(time.to_zoned(TimeZone::UTC).ok()?.timestamp())
}

/// When a label goes live.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GoLive {
    /// The time, before working and blackout days.
    pub moment: Moment,
    /// Moved on to a working day.
    pub working_day: bool,
}

/// The suffix for "on a working day".
const WORKING_DAY: &str = "next_working_day";

impl GoLive {
    /// Reads a date, `+7d`, `next_working_day` (from tomorrow on), or `+7d next_working_day`.
    ///
    /// # Errors
    /// When the text has none of the forms; the error shows the forms. An offset of zero is refused: its time would have passed
    /// when the request arrives.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if text == WORKING_DAY {
            return Ok(Self { moment: Moment::In(Duration::from_secs(86_400)), working_day: true });
        }
        let (moment, working_day) = match text.strip_suffix(WORKING_DAY) {
            Some(rest) if rest.starts_with('+') => (rest.trim_end().trim_end_matches(','), true),
            _ => (text, false),
        };
        let moment = Moment::parse(moment).map_err(|error| format!("{error}, nor \"{WORKING_DAY}\""))?;
        if moment == Moment::In(Duration::ZERO) {
            return Err(format!(
                "`{text}` is not an offset; without `go_live` a label goes live once it is certified"
            ));
        }
        Ok(Self { moment, working_day })
    }

    /// The date, if it does not depend on when the label is requested.
    #[must_use]
    pub fn fixed(self) -> Option<Timestamp> {
        match self.moment {
            Moment::At(time) => Some(time),
            Moment::In(_) => None,
        }
    }

    /// The go-live date of a label that is requested now: a fixed date as it is, an offset moved on past weekends (if
    /// asked) and blackout days, at the same time of day.
    ///
    /// # Errors
    /// When the fixed date has passed, no day is left within a year, or the time is beyond the calendar.
    pub fn resolve(self, now: Timestamp, blackout: &[Days]) -> Result<Timestamp, GoLiveError> {
        let calendar_error = |error: jiff::Error| GoLiveError::Calendar(error.to_string());
        let start = self.moment.resolve(now).map_err(GoLiveError::Calendar)?;
        if self.fixed().is_some() {
            return if start > now { Ok(start) } else { Err(GoLiveError::Passed(start)) };
        }
        let mut time = start.to_zoned(TimeZone::UTC);
        for _ in 0..MAX_PUSH_DAYS {
            let is_weekend = matches!(time.weekday(), Weekday::Saturday | Weekday::Sunday);
            let is_blackout = blackout.iter().any(|days| days.contains(time.date()));
            let is_skipped = is_blackout || (self.working_day && is_weekend);
            if !is_skipped {
                return Ok(time.timestamp());
            }
            time = time.checked_add(Span::new().days(1)).map_err(calendar_error)?;
        }
        Err(GoLiveError::NoDay)
    }
}

/// Why a label has no go-live date at present.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GoLiveError {
    /// The fixed date is in the past.
    #[error(
        "its go-live date {0:.0} (UTC) has passed; give `go_live` a later date, or an offset such as \"+7d\""
    )]
    Passed(Timestamp),
    /// The blackout days leave no day.
    #[error("the blackout days leave no day within a year for it to go live")]
    NoDay,
    /// The date is beyond the calendar.
    #[error("its go-live date cannot be computed: {0}")]
    Calendar(String),
}

impl fmt::Display for GoLive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.moment.fmt(f)?;
        if self.working_day {
            write!(f, " {WORKING_DAY}")?;
        }
        Ok(())
    }
}

/// A day, or the days from one to another, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Days {
    first: Date,
    last: Date,
}

impl Days {
    /// Reads `2026-12-24` or `2026-12-18..2027-01-01`.
    ///
    /// # Errors
    /// When the text has none of the forms. The error shows the forms.
    pub fn parse(text: &str) -> Result<Self, String> {
        let bad = || {
            format!(
                "`{text}` is neither a day such as \"2026-12-24\" nor a range such as \"2026-12-18..2027-01-01\""
            )
        };
        let day = |text: &str| {
            let text = text.trim();
            text.parse::<Date>().ok().filter(|_| text.len() == 10).ok_or_else(bad)
        };
        let (first, last) = text.split_once("..").unwrap_or((text, text));
        let days = Self { first: day(first)?, last: day(last)? };
        if days.last < days.first {
            return Err(format!("`{text}` ends before it begins"));
        }
        Ok(days)
    }

    /// Whether a day is inside.
    #[must_use]
    pub fn contains(&self, day: Date) -> bool {
        (self.first..=self.last).contains(&day)
    }
}

impl fmt::Display for Days {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.first == self.last {
            true => self.first.fmt(f),
            false => write!(f, "{}..{}", self.first, self.last),
        }
    }
}

/// Written and read back as the text that operators write.
macro_rules! as_text {
    ($name:ty) => {
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                Self::parse(&text).map_err(serde::de::Error::custom)
            }
        }
    };
}

as_text!(GoLive);
as_text!(Days);

#[cfg(test)]
mod tests {
    use super::*;

    fn live(text: &str, now: &str, blackout: &[&str]) -> String {
        let blackout: Vec<_> = blackout.iter().map(|days| Days::parse(days).expect(days)).collect();
        let time = GoLive::parse(text).expect(text).resolve(now.parse().expect(now), &blackout);
        time.map_or_else(|error| error.to_string(), |time| time.to_string())
    }

    #[test]
    fn dates_and_offsets_are_resolved() {
        let now = "2026-11-20T10:00:00Z"; // A Friday.
        assert_eq!(live("+7d", now, &[]), "2026-11-27T10:00:00Z");
        assert_eq!(live("2026-12-01", now, &[]), "2026-12-01T00:00:00Z");
        assert_eq!(live("2026-12-01T09:30:00+01:00", now, &[]), "2026-12-01T08:30:00Z");
        assert_eq!(live("2026-12-01T09:30:00", now, &[]), "2026-12-01T09:30:00Z");
        assert_eq!(live("+12h", now, &[]), "2026-11-20T22:00:00Z");
    }

    #[test]
    fn working_days_skip_weekends_and_blackouts() {
        let now = "2026-11-20T10:00:00Z";
        assert_eq!(live("next_working_day", now, &[]), "2026-11-23T10:00:00Z");
        assert_eq!(live("next_working_day", now, &["2026-11-23..2026-11-24"]), "2026-11-25T10:00:00Z");
        assert_eq!(live("+1d", now, &[]), "2026-11-21T10:00:00Z", "weekends count only if asked");
        assert_eq!(live("+1d", now, &["2026-11-21"]), "2026-11-22T10:00:00Z");
        assert_eq!(live("+7d next_working_day", "2026-11-21T10:00:00Z", &[]), "2026-11-30T10:00:00Z");
        assert_eq!(
            live("+1d", now, &["2026-01-01..2030-01-01"]),
            "the blackout days leave no day within a year for it to go live"
        );
    }

    #[test]
    fn fixed_date_in_the_past_is_refused() {
        let passed = |now| live("2026-12-01", now, &[]).contains("2026-12-01T00:00:00Z (UTC) has passed");
        assert!(!passed("2026-11-30T23:59:59Z"));
        assert!(passed("2026-12-01T00:00:00Z") && passed("2027-01-01T00:00:00Z"));
    }

    #[test]
    fn texts_survive_the_round_trip_and_nonsense_is_refused() {
        for text in ["+7d", "+1h30m", "2026-12-01T00:00:00Z", "+7d next_working_day"] {
            assert_eq!(GoLive::parse(text).expect(text).to_string(), text);
        }
        for text in [
            "",
            "7d",
            "+0s",
            "+0d next_working_day",
            "tomorrow",
            "+x",
            "2026-13-01",
            "2026-12-01T00:00:00[Europe/Berlin]",
            "2026-12-01 next_working_day",
        ] {
            assert!(GoLive::parse(text).is_err(), "{text}");
        }
        assert_eq!(
            Days::parse("2026-12-18..2027-01-01").expect("days").to_string(),
            "2026-12-18..2027-01-01"
        );
        for text in ["", "2026-12", "2027-01-01..2026-12-18", "Christmas"] {
            assert!(Days::parse(text).is_err(), "{text}");
        }
    }
}
