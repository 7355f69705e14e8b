//! Rate limits, outages and token requests.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use dropship_hardware::{Client, Execution, Observer, Recovery};
use dropship_sandbox::{Fault, FaultAction, FaultBody, Options};
use jiff::{SignedDuration, Timestamp};

use crate::harness::service::{TestService, advance_client, new_product, until};

/// How many calls are throttled, and how evenly the workers share the others, depends on time: tests of the limiter in
/// `dropship-hardware` show it with a virtual clock.
#[tokio::test]
async fn q07_ten_workers_share_the_rate_limit_and_its_pauses() {
    let window = Duration::from_secs(2);
    let options = Options { requests_per_minute: Some(40), throttle_window: window, ..Options::default() };
    let observed = Arc::new(Mutex::new(Vec::new()));
    let note = Arc::clone(&observed);
    // The runtime has one thread, so no worker continues between the observation of a response and its effect on the limit.
    let observer = Observer::new(move |call| {
        note.lock().expect("a list").push((Timestamp::now(), call.status, call.limit.is_some()));
    });
    let service = TestService::new(options, |settings| settings.observer = observer).await;
    // The sandbox throttles a slow machine late, or not at all. This call is throttled in any case.
    let fault = Fault::on("list_audiences", FaultAction::retry_after(429, "1")).nth(20);
    service.control().fault(fault).expect("a fault");
    let (workers, call_count, started_calls) = (10, 120_u32, Arc::new(AtomicU32::new(0)));
    let running: Vec<_> = (0..workers)
        .map(|_| {
            let (client, started_calls): (Client, _) = (service.client.clone(), Arc::clone(&started_calls));
            tokio::spawn(async move {
                while started_calls.fetch_add(1, Ordering::Relaxed) < call_count {
                    client.audiences().all().await.expect("a throttled look comes through in the end");
                }
            })
        })
        .collect();
    for worker in running {
        worker.await.expect("worker");
    }
    let observed = observed.lock().expect("a list").clone();
    let first = observed.iter().position(|(_, status, _)| *status == Some(429)).expect("a throttled call");
    // Each other worker can be in a call at this time. Then each of them knows the limit; with limits of their own, they would not.
    let rest = &observed[first + 1..][..workers - 1];
    assert!(rest.iter().all(|(.., is_limited)| *is_limited), "the workers share a limit: {rest:?}");
    // The pause is a second. A worker that did not pause would make further calls in this time.
    let (throttled, pause) = (observed[first].0, SignedDuration::from_millis(900));
    let requests = service.control().requests();
    let received = requests.iter().filter(|entry| entry.operation == "list_audiences");
    let paused = received.filter(|entry| entry.at > throttled && entry.at < throttled + pause).count();
    assert!(paused < workers, "{paused} requests in the pause");
}

#[tokio::test]
async fn q07_retry_after_date_pauses_every_call() {
    let service = TestService::plain().await;
    service.client.probe().await.expect("well");
    let until = SystemTime::now() + Duration::from_secs(2);
    service.fault("list_audiences", FaultAction::retry_after(429, &httpdate::fmt_http_date(until)));
    service.client.probe().await.expect("after the pause");
    service.client.create_product(&new_product("p")).await.expect("so may creates");
    // HTTP dates have whole seconds.
    assert!(SystemTime::now() > until - Duration::from_secs(1), "the pause was not kept");
}

#[tokio::test]
async fn q08_missing_role_is_explained_and_not_retried() {
    let service = TestService::plain().await;
    for body in [FaultBody::Json, FaultBody::Empty, FaultBody::Text, FaultBody::Gateway] {
        service.fault("create_product", FaultAction::status_with(403, body));
        let error = service.client.create_product(&new_product("p")).await.expect_err("no role");
        assert_eq!(
            (error.recovery, error.execution),
            (Recovery::Permission, Execution::Rejected),
            "{body:?}: {error}"
        );
        assert!(error.to_string().contains("Driver Submitter"), "{body:?}: {error}");
    }
    service.fault("create_product", FaultAction::status_with(503, FaultBody::Html));
    let error = service.client.create_product(&new_product("p")).await.expect_err("no role, perhaps");
    assert!(error.to_string().contains("Hardware roles"), "{error}");
    assert_eq!(service.count("create_product"), 5);
    service.fault("list_audiences", FaultAction::status_with(403, FaultBody::Text));
    let error = service.client.probe().await.expect_err("no role");
    assert_eq!(error.recovery, Recovery::Permission);
    assert_eq!(service.count("list_audiences"), 1);
}

#[tokio::test]
async fn page_of_a_proxy_is_passing_for_every_call() {
    let service = TestService::plain().await;
    for status in [403, 407] {
        service.fault("create_product", FaultAction::status_with(status, FaultBody::Html));
        let error = service.client.create_product(&new_product("p")).await.expect_err("a proxy");
        assert_eq!((error.recovery, error.execution), (Recovery::Retry, Execution::Rejected), "{error}");
        assert!(error.to_string().contains("a proxy answered"), "{error}");
        for operation in ["token", "list_audiences"] {
            service.fault(operation, FaultAction::status_with(status, FaultBody::Html));
        }
        service.client.probe().await.expect("the second answer is the service's");
    }
    service.fault("create_product", FaultAction::status_with(502, FaultBody::Html));
    let error = service.client.create_product(&new_product("p")).await.expect_err("a proxy");
    assert_eq!((error.recovery, error.execution), (Recovery::Reconcile, Execution::Unknown), "{error}");
    assert!(error.to_string().contains("whether the service did it is unknown"), "{error}");
    let (product, id) = service.uploaded().await;
    for status in [403, 407, 200] {
        service.fault("commit", FaultAction::status_with(status, FaultBody::Html));
        let error = service.client.commit(product, id).await.expect_err("a proxy");
        assert!(matches!(error.recovery, Recovery::Retry | Recovery::Reconcile), "{error}");
        assert!(!error.to_string().contains("whether the service did it"), "{error}");
    }
    service.client.commit(product, id).await.expect("committed");
}

#[tokio::test]
async fn q09_reads_survive_transient_errors() {
    let service = TestService::plain().await;
    let actions = [
        FaultAction::status(500),
        FaultAction::status_with(502, FaultBody::Html),
        FaultAction::DropBefore,
        FaultAction::DropAfter,
        FaultAction::Truncate,
        FaultAction::Garbage,
    ];
    for (at, action) in (1..).zip(actions) {
        service.control().fault(Fault::on("list_audiences", action).nth(at)).expect("a fault");
    }
    assert!(!service.client.audiences().all().await.expect("at last").is_empty());
    assert_eq!(service.count("list_audiences"), 7);
}

#[tokio::test]
async fn q11_call_without_a_response_times_out() {
    // Long enough for the answer to the third look on a slow machine. The test advances the client's clock past the others.
    let timeout = Duration::from_secs(100);
    let service = TestService::new(Options::default(), |settings| settings.call_timeout = timeout).await;
    service.control().fault(Fault::on("list_audiences", FaultAction::Hang).times(2)).expect("a fault");
    let client = service.client.clone();
    let looks = tokio::spawn(async move { client.probe().await });
    for look in 1..=2 {
        until("the look", async || service.count("list_audiences") == look).await;
        advance_client(timeout).await;
    }
    until("an answer", async || looks.is_finished()).await;
    looks.await.expect("it ends").expect("the third look is answered");
    assert_eq!(service.count("list_audiences"), 3);
    service.fault("create_product", FaultAction::Hang);
    let client = service.client.clone();
    let create = tokio::spawn(async move { client.create_product(&new_product("p")).await });
    until("the create", async || service.count("create_product") == 1).await;
    advance_client(timeout).await;
    until("the timeout", async || create.is_finished()).await;
    let error = create.await.expect("it ends").expect_err("hangs");
    assert_eq!(error.execution, Execution::Unknown);
    assert_eq!(service.count("create_product"), 1);
}
