//! `Retry-After`, in seconds or as a date.

use std::time::{Duration, SystemTime};

use reqwest::header::{HeaderMap, RETRY_AFTER};

/// Longest pause that is believed.
const LONGEST: Duration = Duration::from_secs(24 * 3600);

/// The delay that the service asks for.
pub(super) fn read(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    parse(text, SystemTime::now())
}

fn parse(text: &str, now: SystemTime) -> Option<Duration> {
    let pause = match text.parse::<f64>() {
        Ok(seconds) if seconds.is_finite() && seconds >= 0.0 => {
            Duration::try_from_secs_f64(seconds).unwrap_or(LONGEST)
        }
        Ok(_) => return None,
        Err(_) => httpdate::parse_http_date(text).ok()?.duration_since(now).unwrap_or(Duration::ZERO),
    };
    Some(pause.min(LONGEST))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_and_dates_are_read() {
        let now = httpdate::parse_http_date("Mon, 23 Nov 2026 06:00:00 GMT").expect("date");
        let read = |text| parse(text, now).map(|pause| pause.as_secs());
        assert_eq!(read("17"), Some(17));
        assert_eq!(read("Mon, 23 Nov 2026 06:00:30 GMT"), Some(30));
        assert_eq!(read("Mon, 23 Nov 2026 05:00:00 GMT"), Some(0));
        assert_eq!(read("1e300"), Some(86_400));
        assert_eq!(read("-1"), None);
        assert_eq!(read("soon"), None);
    }
}
