//! Budgets, outages, tokens.

use std::time::{Duration, Instant};

use dropship_hardware::{Class, Client, Fate};
use dropship_sandbox::{Action, Fault, FaultBody, Options};

use super::rig::{Rig, new_product};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn q07_ten_workers_share_the_limit_and_none_starves() {
    let window = Duration::from_secs(2);
    let options = Options { requests_per_minute: Some(40), throttle_window: window, ..Options::default() };
    let rig = Rig::new(options, |_| ()).await;
    let end = Instant::now() + Duration::from_secs(12);
    let workers: Vec<_> = (0..10)
        .map(|_| {
            let client: Client = rig.client.clone();
            tokio::spawn(async move {
                let mut done = 0_u32;
                while Instant::now() < end {
                    client.audiences().await.expect("a throttled look comes through in the end");
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
    let (total, throttled) = (done.iter().sum::<u32>(), rig.held("throttled"));
    println!("{total} calls, {throttled} throttled: {done:?}");
    assert!(done.iter().all(|&done| done >= 4), "none starves: {done:?}");
    // Six windows of 40 make 240: a good part of it is used, and few calls are wasted.
    assert!(total >= 70, "{total} calls, {throttled} throttled");
    assert!(throttled <= 30, "{throttled} of {total} calls were throttled");
    // What the service took never exceeds what it sets.
    let requests = rig.control().requests();
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
async fn q07_a_pause_as_a_date_holds_for_everybody() {
    let rig = Rig::plain().await;
    rig.client.probe().await.expect("well");
    let until = std::time::SystemTime::now() + Duration::from_secs(2);
    rig.fault("list_audiences", Action::retry_after(429, &httpdate::fmt_http_date(until)));
    let start = Instant::now();
    rig.client.probe().await.expect("after the pause");
    rig.client.create_product(&new_product("p")).await.expect("so may creates");
    // HTTP dates have whole seconds.
    assert!(start.elapsed() > Duration::from_millis(900), "{:?}", start.elapsed());
}

#[tokio::test]
async fn q08_missing_roles_are_explained_and_not_tried_for_ever() {
    let rig = Rig::plain().await;
    for body in [FaultBody::Json, FaultBody::Empty, FaultBody::Html, FaultBody::Text, FaultBody::Gateway] {
        rig.fault("create_product", Action::status_with(403, body));
        let error = rig.client.create_product(&new_product("p")).await.expect_err("no role");
        assert_eq!((error.class, error.fate), (Class::Permission, Fate::Refused), "{body:?}: {error}");
        assert!(error.to_string().contains("Driver Submitter"), "{body:?}: {error}");
    }
    rig.fault("create_product", Action::status_with(503, FaultBody::Html));
    let error = rig.client.create_product(&new_product("p")).await.expect_err("no role, perhaps");
    assert!(error.to_string().contains("Hardware roles"), "{error}");
    assert_eq!(rig.count("create_product"), 6);
    rig.fault("list_audiences", Action::status_with(403, FaultBody::Html));
    let error = rig.client.probe().await.expect_err("no role");
    assert_eq!(error.class, Class::Permission);
    assert_eq!(rig.count("list_audiences"), 1);
}

#[tokio::test]
async fn q09_looks_come_through_what_passes() {
    let rig = Rig::plain().await;
    let actions = [
        Action::status(500),
        Action::status_with(502, FaultBody::Html),
        Action::DropBefore,
        Action::DropAfter,
        Action::Truncate,
        Action::Garbage,
    ];
    for (at, action) in (1..).zip(actions) {
        rig.control().fault(Fault::on("list_audiences", action).nth(at)).expect("a fault");
    }
    assert!(!rig.client.audiences().await.expect("at last").is_empty());
    assert_eq!(rig.count("list_audiences"), 7);
}

#[tokio::test]
async fn q11_a_service_that_never_answers_is_given_up() {
    let rig =
        Rig::new(Options::default(), |settings| settings.call_timeout = Duration::from_millis(200)).await;
    rig.control().fault(Fault::on("list_audiences", Action::Hang).times(2)).expect("a fault");
    rig.client.probe().await.expect("the third look is answered");
    rig.fault("create_product", Action::Hang);
    let error = rig.client.create_product(&new_product("p")).await.expect_err("hangs");
    assert_eq!(error.fate, Fate::Uncertain);
    assert_eq!(rig.count("create_product"), 1);
}
