//! The offset between this machine's clock and the service's, by the `Date` header of its responses.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::SystemTime;

use reqwest::header::{DATE, HeaderMap};

/// No response has been received yet.
const UNKNOWN: i64 = i64::MAX;

/// The last measured offset.
#[derive(Debug)]
pub(super) struct ClockOffset(AtomicI64);

impl Default for ClockOffset {
    fn default() -> Self {
        Self(AtomicI64::new(UNKNOWN))
    }
}

impl ClockOffset {
    /// Measures by the headers of a response that was just received.
    pub(super) fn measure(&self, headers: &HeaderMap) {
        if let Some(offset) = offset(headers, SystemTime::now()) {
            self.0.store(offset, Ordering::Relaxed);
        }
    }

    /// Seconds by which this machine's clock is ahead of the service's; negative when it is behind.
    pub(super) fn seconds(&self) -> Option<i64> {
        Some(self.0.load(Ordering::Relaxed)).filter(|seconds| *seconds != UNKNOWN)
    }
}

fn offset(headers: &HeaderMap, now: SystemTime) -> Option<i64> {
    let service_time = httpdate::parse_http_date(headers.get(DATE)?.to_str().ok()?.trim()).ok()?;
    let seconds = |span: std::time::Duration| i64::try_from(span.as_secs()).unwrap_or(UNKNOWN - 1);
    Some(match now.duration_since(service_time) {
        Ok(ahead) => seconds(ahead),
        Err(behind) => -seconds(behind.duration()),
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn offset_has_the_sign_of_this_clock() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
        let of = |seconds: i64| {
            let service_time = if seconds < 0 {
                now + Duration::from_secs(seconds.unsigned_abs())
            } else {
                now - Duration::from_secs(seconds.unsigned_abs())
            };
            let mut headers = HeaderMap::new();
            headers.insert(DATE, httpdate::fmt_http_date(service_time).parse().expect("a value"));
            offset(&headers, now)
        };
        assert_eq!((of(300), of(-300), of(0)), (Some(300), Some(-300), Some(0)));
        assert_eq!(offset(&HeaderMap::new(), now), None);
        assert_eq!(ClockOffset::default().seconds(), None);
    }
}
