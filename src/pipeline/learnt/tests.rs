use super::*;
use crate::store::{Commit, Memory};
use dropship_job::{Event, JobId, Package, apply};

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(86_400);

/// The default paces.
const SIGN: Pace =
    Pace { first: Duration::from_secs(15), max: Duration::from_secs(300), far: Duration::from_secs(1200) };
const PUBLISH: Pace = Pace { first: MINUTE, max: HOUR, far: Duration::from_secs(4 * 3600) };

fn job(account: &str, rule: &str) -> Job {
    let package = Package {
        name: "a.cab".into(),
        path: None,
        folder: None,
        sha256: "ab".repeat(32),
        size: 3,
        outbox: "/out".into(),
    };
    let arrived = Event::Arrived { package };
    let mut job = apply(None, &JobId::new(1, 1), jiff::Timestamp::UNIX_EPOCH, &arrived).expect("a job");
    (job.account, job.rule) = (Some(account.to_owned()), Some(rule.to_owned()));
    job
}

#[test]
fn what_was_learnt_outlives_the_daemon_and_stays_bounded() {
    let store = Memory::default();
    let learnt = Learnt::remembered(&store).expect("read");
    let ours = job("a", "r");
    let before = learnt.next_look(&ours, Wait::Sign, SIGN, MINUTE);
    for _ in 0..200 {
        let entries = learnt.learn(&ours, Wait::Sign, 40 * MINUTE);
        store.commit(Commit::new(entries)).wait().expect("committed");
    }
    for (_, value) in store.flags(FLAG).expect("flags") {
        assert_eq!(value.split(' ').count(), MOST);
    }
    let again = Learnt::remembered(&store).expect("read");
    let after = again.next_look(&ours, Wait::Sign, SIGN, MINUTE);
    assert_eq!(after, learnt.next_look(&ours, Wait::Sign, SIGN, MINUTE));
    assert!(after > 4 * before, "{before:?} {after:?}");
    assert_eq!(
        again.next_look(&job("a", "new"), Wait::Sign, SIGN, MINUTE),
        after,
        "the account's tell of a new rule"
    );
    assert_eq!(again.next_look(&job("b", "r"), Wait::Sign, SIGN, MINUTE), before, "another account");
    assert_eq!(again.next_look(&ours, Wait::Publish, SIGN, MINUTE), before, "another wait");
}

#[test]
fn what_nobody_saw_end_teaches_nothing() {
    let now = jiff::Timestamp::UNIX_EPOCH + 2 * HOUR;
    let ended = |looked: Option<Duration>| {
        let learnt = Learnt::default();
        let job = Job { last_polled: looked.map(|ago| now - ago), ..job("a", "r") };
        let entries = learnt.ended(&job, Wait::Sign, SIGN, now);
        match entries.first() {
            Some(Entry::Setting { value, .. }) => value.clone(),
            _ => None,
        }
    };
    assert_eq!(ended(None), None, "not looked at in this step");
    assert_eq!(ended(Some(HOUR)), None, "an outage of an hour");
    assert_eq!(ended(Some(2 * MINUTE)).as_deref(), Some("7140000"), "in the middle between two looks");
}

#[test]
fn an_early_refusal_is_seen_within_the_stated_bound() {
    let learnt = Learnt::default();
    for _ in 0..MOST {
        learnt.learn(&job("a", "r"), Wait::Sign, 40 * MINUTE);
    }
    let next = |waited| learnt.next_look(&job("a", "r"), Wait::Sign, SIGN, waited);
    assert!(next(MINUTE) <= SIGN.max && next(SIGN.max) > SIGN.max, "{:?}", next(SIGN.max));
}

#[test]
fn a_stated_bound_is_kept_whatever_was_learnt() {
    let learnt = Learnt::default();
    for _ in 0..MOST {
        learnt.learn(&job("a", "r"), Wait::Sign, 40 * MINUTE);
    }
    let stated = Pace::new(SIGN.first, SIGN.max);
    for waited in [Duration::ZERO, MINUTE, 40 * MINUTE, 30 * DAY] {
        let next = learnt.next_look(&job("a", "r"), Wait::Sign, stated, waited);
        assert!((stated.first..=stated.max).contains(&next), "{waited:?}: {next:?}");
    }
}

#[test]
fn what_cannot_be_read_is_learnt_anew() {
    let store = Memory::default();
    let flag = Entry::Setting { key: "took/a/sign".into(), value: Some("x -1  9e9".into()) };
    store.commit(Commit::new(vec![flag])).wait().expect("committed");
    let learnt = Learnt::remembered(&store).expect("read");
    assert_eq!(learnt.next_look(&job("a", "r"), Wait::Sign, SIGN, Duration::ZERO), SIGN.first);
}

/// Numbers from 0 to 1 that are the same each time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// A lognormal time.
    fn time(&mut self, median: Duration, sigma: f64) -> Duration {
        let normal = (0..12).map(|_| self.roll()).sum::<f64>() - 6.0;
        median.mul_f64((sigma * normal).exp())
    }
}

/// Follows waits one after the other as the daemon does, learning from each what the looks tell of it: the mean number of
/// looks, and the mean delay until an end is seen, once enough is known.
fn follow(wait: Wait, pace: Pace, median: Duration, sigma: f64) -> (f64, Duration) {
    let (learnt, ours, mut dice) = (Learnt::default(), job("a", "r"), Dice(7));
    let (mut looks, mut late, runs) = (0_u32, Duration::ZERO, 3000);
    for run in 0..runs + 64 {
        let takes = dice.time(median, sigma);
        // The first look comes at once, the second as without anything learnt.
        let (mut before, mut now, mut count) = (Duration::ZERO, pace::rooted(pace, Duration::ZERO), 2);
        while now < takes {
            before = now;
            now += learnt.next_look(&ours, wait, pace, now).mul_f64(0.95 + dice.roll() / 10.0);
            count += 1;
        }
        learnt.learn(&ours, wait, now - (now - before) / 2);
        if run >= 64 {
            looks += count;
            late += now - takes;
        }
    }
    (f64::from(looks) / f64::from(runs), late / runs)
}

#[test]
fn a_learnt_schedule_asks_a_third_as_often() {
    let (looks, late) = follow(Wait::Sign, SIGN, 40 * MINUTE, 0.35);
    eprintln!("40 minutes, learnt: {looks:.1} looks, {late:?} late");
    assert!(looks <= 15.0, "{looks} looks");
    assert!(late <= 70 * Duration::from_secs(1), "{late:?}");
    let (looks, late) = follow(Wait::Publish, PUBLISH, 3 * DAY, 0.5);
    eprintln!("three days, learnt: {looks:.1} looks, {late:?} late");
    assert!(looks <= 41.0, "{looks} looks");
    assert!(late <= 70 * MINUTE, "{late:?}");
}

#[test]
fn a_service_that_becomes_slower_or_faster_is_learnt_again() {
    let (learnt, ours) = (Learnt::default(), job("a", "r"));
    for _ in 0..MOST {
        learnt.learn(&ours, Wait::Sign, 10 * MINUTE);
    }
    let fast = learnt.next_look(&ours, Wait::Sign, SIGN, 40 * MINUTE);
    assert!(fast <= SIGN.max, "beyond all that was seen it looks as if nothing were known: {fast:?}");
    for _ in 0..MOST {
        learnt.learn(&ours, Wait::Sign, 80 * MINUTE);
    }
    assert!(learnt.next_look(&ours, Wait::Sign, SIGN, 10 * MINUTE) > SIGN.max);
}
