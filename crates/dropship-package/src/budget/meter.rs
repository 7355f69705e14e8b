//! Counts the work of one inspection against its limits.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::cancellation::Cancellation;
use super::early_end::EarlyEnd;
use super::work::{Work, WorkKind};

/// Time that the inspection of any file may take; the limits of work end it long before on a sound machine.
const TIME: Duration = Duration::from_secs(120);
/// Slowest rate in bytes a second at which a file is still inspected.
const SLOWEST: u64 = 2 * 1024 * 1024;
/// Limits that end nothing.
const UNLIMITED: Work =
    Work { read: u64::MAX, hashed: u64::MAX, unpacked: u64::MAX, verified: u64::MAX, tried: u64::MAX };

/// For readers whose input is bounded by their caller.
pub(crate) static UNMETERED: Meter = Meter::unlimited();

/// The work of one inspection so far, and when it must end.
#[derive(Debug)]
pub(crate) struct Meter {
    limits: Work,
    deadline: Option<Instant>,
    cancellation: Option<Cancellation>,
    read: AtomicU64,
    hashed: AtomicU64,
    unpacked: AtomicU64,
    verified: AtomicU64,
    tried: AtomicU64,
}

impl Meter {
    /// The meter for a file of `length` bytes.
    pub(crate) fn new(length: u64, cancellation: Cancellation) -> Self {
        let time = TIME.saturating_add(Duration::from_secs(length / SLOWEST));
        Self {
            limits: Work::limit(length),
            deadline: Instant::now().checked_add(time),
            cancellation: Some(cancellation),
            ..Self::unlimited()
        }
    }

    const fn unlimited() -> Self {
        Self {
            limits: UNLIMITED,
            deadline: None,
            cancellation: None,
            read: AtomicU64::new(0),
            hashed: AtomicU64::new(0),
            unpacked: AtomicU64::new(0),
            verified: AtomicU64::new(0),
            tried: AtomicU64::new(0),
        }
    }

    /// Counts work, before it is done or in steps of some megabytes.
    pub(crate) fn charge(&self, kind: WorkKind, amount: u64) -> Result<(), EarlyEnd> {
        if self.cancellation.as_ref().is_some_and(Cancellation::is_cancelled) {
            return Err(EarlyEnd::Cancelled);
        }
        if self.deadline.is_some_and(|deadline| Instant::now() > deadline) {
            return Err(EarlyEnd::Time);
        }
        let (counter, limit) = match kind {
            WorkKind::Read => (&self.read, self.limits.read),
            WorkKind::Hashed => (&self.hashed, self.limits.hashed),
            WorkKind::Unpacked => (&self.unpacked, self.limits.unpacked),
            WorkKind::Verified => (&self.verified, self.limits.verified),
            WorkKind::Tried => (&self.tried, self.limits.tried),
        };
        let before = counter.fetch_add(amount, Ordering::Relaxed);
        if before.saturating_add(amount) > limit { Err(EarlyEnd::Work { kind, limit }) } else { Ok(()) }
    }

    /// Counts one signature value; false if it must not be verified any more. [`Self::check`] reports that later.
    pub(crate) fn may_verify(&self) -> bool {
        self.charge(WorkKind::Verified, 1).is_ok()
    }

    /// Fails if a limit was reached, or the inspection was cancelled.
    pub(crate) fn check(&self) -> Result<(), EarlyEnd> {
        [WorkKind::Read, WorkKind::Hashed, WorkKind::Unpacked, WorkKind::Verified, WorkKind::Tried]
            .into_iter()
            .try_for_each(|kind| self.charge(kind, 0))
    }

    /// The work so far.
    pub(crate) fn work(&self) -> Work {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Work {
            read: count(&self.read),
            hashed: count(&self.hashed),
            unpacked: count(&self.unpacked),
            verified: count(&self.verified),
            tried: count(&self.tried),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_beyond_its_limit_is_refused_and_stays_noticed() {
        let meter = Meter::new(0, Cancellation::default());
        let limit = Work::limit(0).unpacked;
        assert_eq!(meter.charge(WorkKind::Unpacked, limit), Ok(()));
        assert_eq!(meter.check(), Ok(()));
        let expected = Err(EarlyEnd::Work { kind: WorkKind::Unpacked, limit });
        assert_eq!(meter.charge(WorkKind::Unpacked, 1), expected);
        assert_eq!(meter.check(), expected);
    }

    #[test]
    fn passed_deadline_and_cancellation_end_all_work() {
        let expired =
            Meter { deadline: Instant::now().checked_sub(Duration::from_secs(1)), ..Meter::unlimited() };
        assert_eq!(expired.charge(WorkKind::Read, 1), Err(EarlyEnd::Time));
        let cancellation = Cancellation::default();
        let meter = Meter::new(10, cancellation.clone());
        assert_eq!(meter.charge(WorkKind::Read, 1), Ok(()));
        cancellation.cancel();
        assert_eq!(meter.charge(WorkKind::Read, 1), Err(EarlyEnd::Cancelled));
        assert!(!meter.may_verify());
    }
}
