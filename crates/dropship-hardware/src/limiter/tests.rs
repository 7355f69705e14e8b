use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;

const BACKOFF: Backoff = Backoff::DEFAULT;

#[tokio::test(start_paused = true)]
async fn there_is_no_limit_until_the_service_throttles() {
    let limiter = CallLimiter::new(BACKOFF);
    let start = Instant::now();
    for _ in 0..1000 {
        limiter.acquire().await.expect("open").complete(PermittedOutcome::Answered);
    }
    assert_eq!(Instant::now(), start);
}

/// A service that allows `limit` calls in each window and answers 429 to the others.
struct ThrottlingService {
    limit: usize,
    window: Duration,
    start: Instant,
    used: Mutex<(u64, usize)>,
    throttled: AtomicUsize,
}

impl ThrottlingService {
    fn call(&self) -> PermittedOutcome {
        let at = Instant::now() - self.start;
        let window = u64::try_from(at.as_millis() / self.window.as_millis()).expect("small");
        let mut used = self.used.lock();
        if used.0 != window {
            *used = (window, 0);
        }
        if used.1 == self.limit {
            self.throttled.fetch_add(1, Ordering::Relaxed);
            let left = self.window.as_millis() - at.as_millis() % self.window.as_millis();
            return PermittedOutcome::Throttled(Some(Duration::from_millis(
                u64::try_from(left).expect("small"),
            )));
        }
        used.1 += 1;
        PermittedOutcome::Answered
    }
}

#[tokio::test(start_paused = true)]
async fn ten_workers_share_a_limit_and_none_starves() {
    let limiter = Arc::new(CallLimiter::new(BACKOFF));
    let service = Arc::new(ThrottlingService {
        limit: 30,
        window: Duration::from_secs(60),
        start: Instant::now(),
        used: Mutex::default(),
        throttled: AtomicUsize::new(0),
    });
    let workers: Vec<_> = (0..10)
        .map(|_| {
            let (limiter, service) = (Arc::clone(&limiter), Arc::clone(&service));
            tokio::spawn(async move {
                let mut done = 0_u32;
                while service.start.elapsed() < Duration::from_secs(3600) {
                    let pass = limiter.acquire().await.expect("no pause is that long");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    let outcome = service.call();
                    done += u32::from(outcome == PermittedOutcome::Answered);
                    pass.complete(outcome);
                }
                done
            })
        })
        .collect();
    let mut done = Vec::new();
    for worker in workers {
        done.push(worker.await.expect("worker"));
    }
    let (total, least, most) = (done.iter().sum::<u32>(), done.iter().min(), done.iter().max());
    let throttled = service.throttled.load(Ordering::Relaxed);
    // The limit is 1800 an hour; nearly all of it is used, evenly, and few calls are wasted on 429s.
    assert!(total > 1710, "{total} of 1800 were used, {throttled} throttled");
    assert!(throttled < 60, "{throttled} calls were throttled, {total} were not");
    assert!(*most.expect("ten") - *least.expect("ten") <= total / 50, "{done:?}");
}

#[tokio::test(start_paused = true)]
async fn pause_holds_for_all_callers_and_a_long_one_is_reported() {
    let limiter = CallLimiter::new(BACKOFF);
    limiter
        .acquire()
        .await
        .expect("open")
        .complete(PermittedOutcome::Throttled(Some(Duration::from_secs(20))));
    let start = Instant::now();
    limiter.acquire().await.expect("open").complete(PermittedOutcome::Failed(Some(Duration::from_secs(600))));
    assert!(start.elapsed() >= Duration::from_secs(20));
    assert!(
        matches!(limiter.acquire().await, Err(Rejected::Paused(left)) if left > Duration::from_secs(590))
    );
}

#[tokio::test(start_paused = true)]
async fn an_outage_opens_the_circuit_and_one_call_closes_it() {
    let limiter = CallLimiter::new(BACKOFF);
    let mut failures = 0;
    let left = loop {
        match limiter.acquire().await {
            Ok(pass) => {
                pass.complete(PermittedOutcome::Failed(None));
            }
            Err(Rejected::Down(left)) => break left,
            Err(closed) => panic!("{closed:?}"),
        }
        failures += 1;
        tokio::time::sleep(Duration::from_secs(2)).await;
    };
    assert_eq!(failures, 10);
    tokio::time::sleep(left).await;
    let probe = limiter.acquire().await.expect("one may try");
    assert!(matches!(limiter.acquire().await, Err(Rejected::Down(_))), "only one");
    drop(probe);
    let probe = limiter.acquire().await.expect("the other was given up");
    probe.complete(PermittedOutcome::Failed(None));
    let Err(Rejected::Down(longer)) = limiter.acquire().await else { panic!("still down") };
    assert!(longer > left);
    tokio::time::sleep(longer).await;
    limiter.acquire().await.expect("one may try").complete(PermittedOutcome::Answered);
    limiter.acquire().await.expect("up").complete(PermittedOutcome::Answered);
}

/// The limit that a limiter reports, at a time of the day.
fn reported(limiter: &CallLimiter, now: Timestamp) -> Option<Option<LearntLimit>> {
    let mut limit = None;
    limiter.report_change(now, |changed| limit = Some(changed));
    limit
}

#[tokio::test(start_paused = true)]
async fn next_limiter_of_an_account_starts_with_the_learnt_limit_and_the_rest_of_the_pause() {
    let (limiter, now) = (CallLimiter::new(BACKOFF), Timestamp::UNIX_EPOCH);
    assert_eq!(reported(&limiter, now), None, "nothing was learnt");
    for _ in 0..30 {
        limiter.acquire().await.expect("open").complete(PermittedOutcome::Answered);
    }
    let pause = Some(Duration::from_secs(60));
    limiter.acquire().await.expect("open").complete(PermittedOutcome::Throttled(pause));
    let learnt = reported(&limiter, now).expect("a change").expect("a limit");
    assert!((0.4..0.6).contains(&learnt.per_second), "{learnt:?}");
    assert_eq!(reported(&limiter, now), None, "each change is reported once");

    // Forty seconds later, another limiter waits for the remaining twenty, then keeps the rate.
    let later = now + SignedDuration::from_secs(40);
    let (next, pause) = CallLimiter::starting_with(Some(learnt), BACKOFF, later);
    assert!(pause.is_some_and(|pause| pause.as_secs() == 20), "{pause:?}");
    let start = Instant::now();
    for _ in 0..31 {
        next.acquire().await.expect("a short pause").complete(PermittedOutcome::Answered);
    }
    let seconds = start.elapsed().as_secs_f64();
    let expected = 20.0 + 30.0 / learnt.per_second;
    assert!((expected * 0.95..expected * 1.05).contains(&seconds), "{seconds} s instead of {expected} s");
}

/// Answers after which a limit has grown, or has ended, at the latest.
const MOST_ANSWERS: usize = 1_000_000;

/// Makes calls, which are answered, until a report satisfies the condition.
async fn answer_until(
    limiter: &CallLimiter,
    is_wanted: impl Fn(&Option<LearntLimit>) -> bool,
) -> Option<LearntLimit> {
    for _ in 0..MOST_ANSWERS {
        limiter.acquire().await.expect("open").complete(PermittedOutcome::Answered);
        if let Some(report) = reported(limiter, Timestamp::UNIX_EPOCH).filter(&is_wanted) {
            return report;
        }
    }
    panic!("no such report; the limit is {:?}", limiter.limit());
}

#[tokio::test(start_paused = true)]
async fn raised_rate_is_reported_and_the_next_limiter_continues_to_raise_it() {
    let (mut limiter, now) = (CallLimiter::new(BACKOFF), Timestamp::UNIX_EPOCH);
    let pause = Some(Duration::from_secs(10));
    limiter.acquire().await.expect("open").complete(PermittedOutcome::Throttled(pause));
    let mut rates = vec![limiter.limit().expect("a limit")];
    // As many limiters as one needs steps.
    for _ in 0..12 {
        let report = answer_until(&limiter, |report| report.is_none_or(|learnt| learnt.raised > 0)).await;
        let Some(learnt) = report else { return };
        assert!(limiter.limit() > rates.last().copied(), "{rates:?}");
        rates.extend(limiter.limit());
        (limiter, _) = CallLimiter::starting_with(Some(learnt), BACKOFF, now);
        assert_eq!(limiter.limit(), rates.last().copied());
    }
    panic!("the limit does not end: {rates:?}");
}

#[tokio::test(start_paused = true)]
async fn first_429_of_an_inherited_limit_is_no_estimate() {
    let now = Timestamp::UNIX_EPOCH;
    let learnt = LearntLimit { per_second: 9.8, raised: 0, span: 60.0, resume_at: now, learnt_at: now };
    let (limiter, _) = CallLimiter::starting_with(Some(learnt), BACKOFF, now);
    let mut permits = Vec::new();
    for _ in 0..5 {
        permits.push(limiter.acquire().await.expect("open"));
    }
    // The service still counts the calls of the earlier limiter, so it asks for a long pause after a few calls.
    let pause = Some(Duration::from_secs(1740));
    permits.pop().expect("five").complete(PermittedOutcome::Throttled(pause));
    let limit = limiter.limit().expect("a limit");
    assert!((8.0..9.8).contains(&limit), "{limit}");
}

#[tokio::test(start_paused = true)]
async fn limit_that_is_too_old_or_no_number_is_not_used() {
    let now = Timestamp::UNIX_EPOCH;
    let learnt = LearntLimit { per_second: 1.0, raised: 0, span: 60.0, resume_at: now, learnt_at: now };
    let limit = |learnt, now| CallLimiter::starting_with(Some(learnt), BACKOFF, now).0.limit();
    assert_eq!(limit(learnt, now + SignedDuration::from_hours(24)), Some(1.0));
    assert_eq!(limit(learnt, now + SignedDuration::from_hours(25)), None);
    assert_eq!(limit(LearntLimit { per_second: f64::NAN, ..learnt }, now), None);
    assert_eq!(limit(LearntLimit { span: f64::INFINITY, ..learnt }, now), None);
    for odd in [-5.0, 0.0, 1e300] {
        let raised = u32::MAX;
        assert!(
            limit(LearntLimit { per_second: odd, span: odd, raised, ..learnt }, now)
                .is_some_and(|limit| limit > 0.0)
        );
    }
}

#[test]
fn clock_that_was_set_back_or_a_long_pause_does_not_stop_an_account() {
    let now = Timestamp::UNIX_EPOCH;
    let at = |seconds| now + SignedDuration::from_secs(seconds);
    let learnt = |learnt_at, resume_at| LearntLimit {
        per_second: 1.0,
        raised: 0,
        span: 60.0,
        resume_at: at(resume_at),
        learnt_at: at(learnt_at),
    };
    // The clock was half an hour fast, then five minutes fast, when the service asked for half a minute.
    assert!(!learnt(1800, 1830).is_current(now));
    assert!(learnt(300, 330).is_current(now));
    assert_eq!(learnt(300, 330).remaining_pause(now), Duration::from_secs(30));
    assert_eq!(
        learnt(0, 86_400).remaining_pause(now),
        Duration::from_secs(60),
        "one call shows whether it still holds"
    );
    assert_eq!(learnt(0, 20).remaining_pause(at(30)), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn end_of_a_limit_is_reported_too() {
    let limiter = CallLimiter::new(BACKOFF);
    let pause = Some(Duration::from_secs(10));
    limiter.acquire().await.expect("open").complete(PermittedOutcome::Throttled(pause));
    assert!(reported(&limiter, Timestamp::UNIX_EPOCH).is_some_and(|limit| limit.is_some()));
    answer_until(&limiter, Option::is_none).await;
    assert_eq!(limiter.limit(), None);
}
