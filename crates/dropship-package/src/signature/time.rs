//! Times in certificates and timestamps.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use crate::der::{DerError, GENERALIZED_TIME, Reader, Tlv, UTC_TIME};

const UNREADABLE: DerError = DerError("a time cannot be read");

/// Reads the next element, which must be a time.
pub(crate) fn next(reader: &mut Reader<'_>) -> Result<Timestamp, DerError> {
    read(reader.any()?)
}

/// Reads a `UTCTime` or a `GeneralizedTime`, both in UTC. Fractions of a second are dropped.
pub(crate) fn read(tlv: Tlv<'_>) -> Result<Timestamp, DerError> {
    let text = std::str::from_utf8(tlv.value).map_err(|_| UNREADABLE)?;
    let text = text.strip_suffix('Z').ok_or(UNREADABLE)?;
    let text = text.split_once('.').map_or(text, |(whole, _)| whole);
    let long = match tlv.tag {
        GENERALIZED_TIME => text.to_owned(),
        // A year of two digits: 50 to 99 mean 1950 to 1999 (RFC 5280, 4.1.2.5.1).
        UTC_TIME if text.as_bytes().first() >= Some(&b'5') => format!("19{text}"),
        UTC_TIME => format!("20{text}"),
        _ => return Err(UNREADABLE),
    };
    if long.len() != 14 || !long.bytes().all(|b| b.is_ascii_digit()) {
        return Err(UNREADABLE);
    }
    let part = |range: std::ops::Range<usize>| long.get(range).and_then(|digits| digits.parse::<i16>().ok());
    let small =
        |at: usize| part(at..at.saturating_add(2)).and_then(|n| i8::try_from(n).ok()).ok_or(UNREADABLE);
    let year = part(0..4).ok_or(UNREADABLE)?;
    let civil = DateTime::new(year, small(4)?, small(6)?, small(8)?, small(10)?, small(12)?, 0);
    let zoned = civil.map_err(|_| UNREADABLE)?.to_zoned(TimeZone::UTC);
    match zoned {
        Ok(zoned) => Ok(zoned.timestamp()),
        // 99991231235959Z means "no end" (RFC 5280, 4.1.2.5) and is beyond the range of `Timestamp`.
        Err(_) if year == 9999 => Ok(Timestamp::MAX),
        Err(_) => Err(UNREADABLE),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(tag: u8, text: &str) -> Option<String> {
        read(Tlv { tag, value: text.as_bytes(), whole: &[] }).ok().map(|time| time.to_string())
    }

    #[test]
    fn both_time_types_are_parsed() {
        assert_eq!(of(UTC_TIME, "250615150640Z").unwrap(), "2025-06-15T15:06:40Z");
        assert_eq!(of(UTC_TIME, "500101000000Z").unwrap(), "1950-01-01T00:00:00Z");
        assert_eq!(of(GENERALIZED_TIME, "20250615150640.123Z").unwrap(), "2025-06-15T15:06:40Z");
        assert!(of(GENERALIZED_TIME, "99991231235959Z").is_some());
        for bad in ["2506151506Z", "251315150640Z", "250615150640", "25061515064oZ", "Z", ""] {
            assert_eq!(of(UTC_TIME, bad), None, "{bad}");
        }
    }
}
