//! Rate limits, outages and token requests.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime};

use dropship_hardware::{Client, Execution, Recovery};
use dropship_sandbox::{Action, Fault, FaultBody, Options};

use crate::harness::service::{TestService, new_product};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn q07_ten_workers_share_the_rate_limit_and_none_starves() {
    let window = Duration::from_secs(2);
    let options = Options { requests_per_minute: Some(40), throttle_window: window, ..Options::default() };
    let service = TestService::new(options, |_| ()).await;
    // Three windows of 40 requests. Counting calls instead of seconds keeps a slow machine from failing the test.
    let (wanted, made) = (120_u32, Arc::new(AtomicU32::new(0)));
    let workers: Vec<_> = (0..10)
        .map(|_| {
            let (client, made): (Client, _) = (service.client.clone(), Arc::clone(&made));
            tokio::spawn(async move {
                let mut done = 0_u32;
                while made.fetch_add(1, Ordering::Relaxed) < wanted {
                    client.audiences().all().await.expect("a throttled look comes through in the end");
                    done += 1;
                }
                done
            })
        })
        .collect();
    let mut done = Vec::new();
    for worker in workers {
        done.push(worker.await.expect("worker"));
    }
    let (total, throttled) = (done.iter().sum::<u32>(), service.held("throttled"));
    println!("{total} calls, {throttled} throttled: {done:?}");
    assert!(done.iter().all(|&done| done >= 4), "each makes progress: {done:?}");
    assert_eq!(total, wanted);
    assert!(throttled <= 30, "{throttled} of {total} calls were throttled");
    // The accepted calls never exceed the limit.
    let requests = service.control().requests();
    let taken: Vec<_> = requests
        .iter()
        .filter(|entry| entry.operation == "list_audiences" && entry.status == Some(200))
        .collect();
    for (at, entry) in taken.iter().enumerate().skip(40) {
        let span = entry.at.duration_since(taken[at - 40].at);
        assert!(span.as_millis() >= 1500, "41 calls in {span:?}");
    }
}

#[tokio::test]
async fn q07_retry_after_date_pauses_every_call() {
    let service = TestService::plain().await;
    service.client.probe().await.expect("well");
    let until = SystemTime::now() + Duration::from_secs(2);
    service.fault("list_audiences", Action::retry_after(429, &httpdate::fmt_http_date(until)));
    service.client.probe().await.expect("after the pause");
    service.client.create_product(&new_product("p")).await.expect("so may creates");
    // HTTP dates have whole seconds.
    assert!(SystemTime::now() > until - Duration::from_secs(1), "the pause was not kept");
}

#[tokio::test]
async fn q08_missing_role_is_explained_and_not_retried() {
    let service = TestService::plain().await;
    for body in [FaultBody::Json, FaultBody::Empty, FaultBody::Text, FaultBody::Gateway] {
        service.fault("create_product", Action::status_with(403, body));
        let error = service.client.create_product(&new_product("p")).await.expect_err("no role");
        assert_eq!(
            (error.recovery, error.execution),
            (Recovery::Permission, Execution::Rejected),
            "{body:?}: {error}"
        );
        assert!(error.to_string().contains("Driver Submitter"), "{body:?}: {error}");
    }
    service.fault("create_product", Action::status_with(503, FaultBody::Html));
    let error = service.client.create_product(&new_product("p")).await.expect_err("no role, perhaps");
    assert!(error.to_string().contains("Hardware roles"), "{error}");
    assert_eq!(service.count("create_product"), 5);
    service.fault("list_audiences", Action::status_with(403, FaultBody::Text));
    let error = service.client.probe().await.expect_err("no role");
    assert_eq!(error.recovery, Recovery::Permission);
    assert_eq!(service.count("list_audiences"), 1);
}

#[tokio::test]
async fn page_of_a_proxy_is_passing_for_every_call() {
    let service = TestService::plain().await;
    for status in [403, 407] {
        service.fault("create_product", Action::status_with(status, FaultBody::Html));
        let error = service.client.create_product(&new_product("p")).await.expect_err("a proxy");
        assert_eq!((error.recovery, error.execution), (Recovery::Retry, Execution::Rejected), "{error}");
        assert!(error.to_string().contains("a proxy answered"), "{error}");
        for operation in ["token", "list_audiences"] {
            service.fault(operation, Action::status_with(status, FaultBody::Html));
        }
        service.client.probe().await.expect("the second answer is the service's");
    }
    service.fault("create_product", Action::status_with(502, FaultBody::Html));
    let error = service.client.create_product(&new_product("p")).await.expect_err("a proxy");
    assert_eq!((error.recovery, error.execution), (Recovery::Reconcile, Execution::Unknown), "{error}");
    assert!(error.to_string().contains("whether the service did it is unknown"), "{error}");
    let (product, id) = service.uploaded().await;
    for status in [403, 407, 200] {
        service.fault("commit", Action::status_with(status, FaultBody::Html));
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
        Action::status(500),
        Action::status_with(502, FaultBody::Html),
        Action::DropBefore,
        Action::DropAfter,
        Action::Truncate,
        Action::Garbage,
    ];
    for (at, action) in (1..).zip(actions) {
        service.control().fault(Fault::on("list_audiences", action).nth(at)).expect("a fault");
    }
    assert!(!service.client.audiences().all().await.expect("at last").is_empty());
    assert_eq!(service.count("list_audiences"), 7);
}

#[tokio::test]
async fn q11_call_without_a_response_times_out() {
    let service =
        TestService::new(Options::default(), |settings| settings.call_timeout = Duration::from_millis(200))
            .await;
    service.control().fault(Fault::on("list_audiences", Action::Hang).times(2)).expect("a fault");
    service.client.probe().await.expect("the third look is answered");
    service.fault("create_product", Action::Hang);
    let error = service.client.create_product(&new_product("p")).await.expect_err("hangs");
    assert_eq!(error.execution, Execution::Unknown);
    assert_eq!(service.count("create_product"), 1);
}
