//! Dates as the service writes them: with `Z`, with an offset, with seven fraction digits, or with no zone.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// Reads a date of the API; one without a zone is taken as UTC.
///
/// `None` for a text that is not a date, and for `0001-01-01T00:00:00`, which some clients send for "not set".
#[must_use]
pub fn parse_date(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    let time = match text.parse::<Timestamp>() {
        Ok(time) => time,
        Err(_) => text.parse::<DateTime>().ok()?.to_zoned(TimeZone::UTC).ok()?.timestamp(),
    };
    let is_unset = time.to_zoned(TimeZone::UTC).year() <= 1;
    (!is_unset).then_some(time)
}

/// Writes a date as the documentation's samples do: UTC, milliseconds, `Z`.
#[must_use]
pub fn format_date(time: Timestamp) -> String {
    format!("{time:.3}")
}
