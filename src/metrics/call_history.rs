//! Calls of the API by account and hour, since the start of the daemon.

use std::collections::BTreeMap;

use jiff::Timestamp;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use dropship_hardware::ObservedCall;

/// Number of hours that are kept.
const HOURS: usize = 48;
/// Length of an hour in seconds.
const HOUR: i64 = 3_600;

/// The calls of the last two days. It is not stored.
#[derive(Debug)]
pub struct CallHistory {
    since: Timestamp,
    /// By account, then by the number of the hour since 1970.
    accounts: Mutex<BTreeMap<String, BTreeMap<i64, CallHour>>>,
}

/// The calls of one account.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AccountCalls {
    /// Its name.
    pub account: String,
    /// The hours in which the daemon ran, oldest first, each with the time at which it begins.
    pub hours: Vec<(Timestamp, CallHour)>,
}

/// The calls of one hour.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct CallHour {
    /// Calls that the service answered, also with an error.
    pub answered: u64,
    /// Calls that the service throttled (status 429).
    pub throttled: u64,
    /// Calls without a response, or with a failure of the service (status 5xx).
    pub failed: u64,
    /// The lowest limit that the client kept in this hour, in calls an hour; absent without a limit.
    pub limit: Option<f64>,
}

impl CallHistory {
    /// An empty history.
    #[must_use]
    pub fn since(since: Timestamp) -> Self {
        Self { since, accounts: Mutex::default() }
    }

    /// When it begins.
    #[must_use]
    pub fn begins(&self) -> Timestamp {
        self.since
    }

    /// Counts a call.
    pub fn on_call(&self, account: &str, call: &ObservedCall, now: Timestamp) {
        let mut accounts = self.accounts.lock();
        if !accounts.contains_key(account) {
            accounts.insert(account.to_owned(), BTreeMap::new());
        }
        let Some(hours) = accounts.get_mut(account) else { return };
        let hour = hours.entry(hour_number(now)).or_default();
        match call.status {
            Some(429) => hour.throttled += 1,
            None | Some(500..) => hour.failed += 1,
            Some(_) => hour.answered += 1,
        }
        let limit = call.limit.map(|rate| rate * HOUR as f64);
        hour.limit = match (hour.limit, limit) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
        // Also hours of a clock that was ahead: the oldest leave first.
        while hours.len() > HOURS {
            hours.pop_first();
        }
    }

    /// The calls of each account until `now`. Hours without calls are there too.
    #[must_use]
    pub fn accounts(&self, now: Timestamp) -> Vec<AccountCalls> {
        let last = hour_number(now);
        let first = hour_number(self.since).max(last.saturating_sub(HOURS as i64 - 1)).min(last);
        let accounts = self.accounts.lock();
        let calls_of = |(account, hours): (&String, &BTreeMap<i64, CallHour>)| {
            let all = (first..=last).filter_map(|number| {
                let begins = Timestamp::from_second(number * HOUR).ok()?;
                Some((begins, hours.get(&number).copied().unwrap_or_default()))
            });
            AccountCalls { account: account.clone(), hours: all.collect() }
        };
        accounts.iter().map(calls_of).collect()
    }
}

/// Number of the hour since 1970.
fn hour_number(time: Timestamp) -> i64 {
    time.as_second().div_euclid(HOUR)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn call(status: Option<u16>, limit: Option<f64>) -> ObservedCall {
        ObservedCall { operation: "list products", status, took: Duration::ZERO, limit }
    }

    fn at(hour: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 / HOUR * HOUR + hour * HOUR + 5).expect("a time")
    }

    #[test]
    fn calls_are_counted_by_hour_and_outcome() {
        let history = CallHistory::since(at(0));
        for (status, limit) in [
            (Some(200), None),
            (Some(404), Some(2.0)),
            (Some(429), Some(0.5)),
            (Some(503), None),
            (None, None),
        ] {
            history.on_call("main", &call(status, limit), at(2));
        }
        let accounts = history.accounts(at(3));
        let hours = &accounts[0].hours;
        assert_eq!(hours.len(), 4, "every hour since the start");
        assert_eq!(hours[1].1, CallHour::default());
        assert_eq!(hours[2].1, CallHour { answered: 2, throttled: 1, failed: 2, limit: Some(1_800.0) });
    }

    #[test]
    fn history_keeps_two_days_also_when_the_clock_goes_back() {
        let history = CallHistory::since(at(0));
        for hour in (0..500).chain([-300, 1_000_000, 499]) {
            history.on_call("main", &call(Some(200), None), at(hour));
        }
        assert!(history.accounts.lock()["main"].len() <= HOURS);
        assert_eq!(history.accounts(at(499))[0].hours.len(), HOURS);
        assert_eq!(history.accounts(at(-7))[0].hours.len(), 1);
    }
}
