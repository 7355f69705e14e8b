//! Delays between repeated calls: exponential, full jitter.

use std::time::Duration;

/// A delay that doubles from `first` to `max`; what is slept is a random part of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Backoff {
    pub(super) first: Duration,
    pub(super) max: Duration,
}

impl Backoff {
    /// The longest delay before repetition `n`, from 0.
    pub(super) fn ceiling(self, n: u32) -> Duration {
        self.first.saturating_mul(1_u32.checked_shl(n).unwrap_or(u32::MAX)).min(self.max)
    }

    /// A random delay up to the ceiling: callers that failed together do not come back together.
    pub(super) fn delay(self, n: u32) -> Duration {
        self.ceiling(n).mul_f64(random_unit())
    }
}

/// A random number in 0..1; 0.5 if the system has no randomness to give.
pub(super) fn random_unit() -> f64 {
    let bits = getrandom::u32().unwrap_or(u32::MAX / 2);
    f64::from(bits) / (f64::from(u32::MAX) + 1.0)
}

/// A random GUID (version 4), for correlation and request ids.
pub(super) fn guid() -> String {
    let mut bytes = [0_u8; 16];
    if getrandom::fill(&mut bytes).is_err() {
        // Without randomness ids still differ in time; they only serve people who search logs.
        bytes.copy_from_slice(&jiff::Timestamp::now().as_nanosecond().to_le_bytes());
    }
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_double_up_to_the_longest() {
        let backoff = Backoff { first: Duration::from_millis(500), max: Duration::from_secs(3) };
        assert_eq!(backoff.ceiling(0), Duration::from_millis(500));
        assert_eq!(backoff.ceiling(2), Duration::from_secs(2));
        assert_eq!(backoff.ceiling(3), Duration::from_secs(3));
        assert_eq!(backoff.ceiling(900), Duration::from_secs(3));
        assert!((0..100).all(|_| backoff.delay(1) < Duration::from_secs(1)));
    }

    #[test]
    fn guids_look_like_guids_and_differ() {
        let id = guid();
        assert_eq!(id.split('-').map(str::len).collect::<Vec<_>>(), [8, 4, 4, 4, 12]);
        assert_ne!(id, guid());
    }
}
