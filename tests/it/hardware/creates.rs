//! Creates are sent once, even if the response is lost.

use std::time::Duration;

use dropship_hardware::{CommitStatus, Execution, Recovery, SubmissionKind};
use dropship_sandbox::{FaultAction, FaultBody, Options, Quirk, Quirks};

use crate::harness::service::{TestService, initial, new_product, until};

#[tokio::test]
async fn q01_create_with_lost_response_is_not_repeated() {
    for action in [FaultAction::DropAfter, FaultAction::Truncate, FaultAction::Garbage] {
        let service = TestService::plain().await;
        service.fault("create_product", action.clone());
        let error = service.client.create_product(&new_product("token-1")).await.expect_err("no answer");
        assert_eq!(
            (error.recovery, error.execution),
            (Recovery::Reconcile, Execution::Unknown),
            "{action:?}: {error}"
        );
        assert_eq!((service.count("create_product"), service.count_of("products")), (1, 1), "{action:?}");
        let found = service.client.products().all().await.expect("products");
        assert!(found.iter().any(|product| product.product_name == "token-1"), "it can be found again");
    }
}

#[tokio::test]
async fn q01_create_with_lost_request_is_not_repeated() {
    let faults = [
        FaultAction::DropBefore,
        FaultAction::status(500),
        FaultAction::status_with(502, FaultBody::Html),
        FaultAction::status_with(503, FaultBody::Empty),
        FaultAction::status_with(504, FaultBody::Text),
    ];
    for action in faults {
        let service = TestService::plain().await;
        service.fault("create_product", action.clone());
        let error = service.client.create_product(&new_product("p")).await.expect_err("refused");
        assert_eq!(
            (error.recovery, error.execution),
            (Recovery::Reconcile, Execution::Unknown),
            "{action:?}: {error}"
        );
        assert_eq!((service.count("create_product"), service.count_of("products")), (1, 0), "{action:?}");
    }
}

#[tokio::test]
async fn q01_create_can_take_effect_after_the_timeout() {
    let options = Options::default();
    let service =
        TestService::new(options, |settings| settings.call_timeout = Duration::from_millis(300)).await;
    service.fault("create_product", FaultAction::Late { ms: 700, cut: false });
    let error = service.client.create_product(&new_product("p")).await.expect_err("late");
    assert_eq!(error.execution, Execution::Unknown);
    assert!(error.to_string().contains("did not answer in time"), "{error}");
    until("the service to carry it out in the end", async || service.count_of("products") > 0).await;
    assert_eq!(service.count("create_product"), 1);
}

#[tokio::test]
async fn q02_throttled_second_step_leaves_the_product_usable() {
    let service = TestService::plain().await;
    let product = service.client.create_product(&new_product("p")).await.expect("product").id;
    service.fault("create_submission", FaultAction::retry_after(429, "1"));
    let error = service.client.create_submission(product, &initial("s")).await.expect_err("throttled");
    assert_eq!((error.recovery, error.execution), (Recovery::Retry, Execution::Rejected));
    assert_eq!(error.retry_after, Some(Duration::from_secs(1)));
    service.client.create_submission(product, &initial("s")).await.expect("with the saved product id");
    assert_eq!((service.count_of("products"), service.count_of("submissions")), (1, 1));
}

#[tokio::test]
async fn q03_second_initial_submission_is_refused_and_the_first_is_found() {
    let service = TestService::plain().await;
    let (product, id) = service.submission().await;
    let error = service.client.create_submission(product, &initial("s")).await.expect_err("one only");
    assert_eq!((error.recovery, error.execution), (Recovery::Reconcile, Execution::Rejected), "{error}");
    let all = service.client.submissions(product).all().await.expect("submissions");
    let found = all.iter().find(|held| held.kind == Some(SubmissionKind::Initial)).expect("the first");
    assert_eq!((found.id, found.name.as_str()), (id, "s"));
}

#[tokio::test]
async fn q04_commit_with_lost_response_shows_in_the_submission() {
    let service = TestService::plain().await;
    let (product, id) = service.uploaded().await;
    assert!(!service.get(product, id).await.is_committed());
    service.fault("commit", FaultAction::DropAfter);
    let error = service.client.commit(product, id).await.expect_err("no answer");
    assert_eq!((error.recovery, error.execution), (Recovery::Reconcile, Execution::Unknown));
    assert!(service.get(product, id).await.is_committed());
    let error = service.client.commit(product, id).await.expect_err("a second commit");
    assert_eq!((error.recovery, error.execution), (Recovery::Reconcile, Execution::Rejected), "{error}");
    assert!(error.message.contains("Only pending submissions"), "{error}");
}

#[tokio::test]
async fn q05_commit_without_effect_can_be_repeated() {
    let service = TestService::plain().await;
    let (product, id) = service.uploaded().await;
    service.fault("commit", FaultAction::status(503));
    let error = service.client.commit(product, id).await.expect_err("unavailable");
    assert_eq!((error.recovery, error.execution), (Recovery::Reconcile, Execution::Unknown));
    assert_eq!(service.get(product, id).await.commit_status, Some(CommitStatus::Pending));
    service.client.commit(product, id).await.expect("now");
    assert_eq!(service.count("commit"), 2);
}

#[tokio::test]
async fn q06_commit_sends_the_required_headers() {
    let quirks = Quirks::none().with(Quirk::StrictCommitType);
    let service = TestService::new(Options { quirks, ..Options::default() }, |_| ()).await;
    let (product, id) = service.uploaded().await;
    service.client.commit(product, id).await.expect("neither 411 nor 415");
    let requests = service.control().requests();
    let commit = requests.iter().find(|entry| entry.operation == "commit").expect("the commit");
    assert_eq!(commit.headers["content-length"], "0");
    assert_eq!(commit.headers["content-type"], "application/json");
}

#[tokio::test]
async fn q15_create_with_empty_response_is_uncertain() {
    let service = TestService::quirky("empty-2xx-body").await;
    let results = [
        service.client.create_product(&new_product("a")).await,
        service.client.create_product(&new_product("b")).await,
    ];
    let error = results.into_iter().find_map(Result::err).expect("every second one says nothing");
    assert_eq!(
        (error.recovery, error.execution, error.status),
        (Recovery::Reconcile, Execution::Unknown, Some(201))
    );
    assert_eq!(service.count_of("products"), 2, "and yet both are there");
}

#[tokio::test]
async fn q22_label_with_lost_response_is_found_by_name() {
    let service = TestService::plain().await;
    let (product, id) = service.signed().await;
    let new = service.new_label(product, id, "ring 7").await;
    service.fault("create_label", FaultAction::DropAfter);
    let error = service.client.create_label(product, id, &new).await.expect_err("no answer");
    assert_eq!((error.recovery, error.execution), (Recovery::Reconcile, Execution::Unknown));
    let labels = service.client.labels(product, id).all().await.expect("labels");
    assert_eq!(labels.iter().filter(|label| label.name == "ring 7").count(), 1);
    let whole = service.client.label(product, id, labels[0].id, true).await.expect("the label");
    let (asked, held) = (new.targeting.expect("targeting"), whole.targeting.expect("targeting"));
    assert_eq!(held.restricted_to_audiences, asked.restricted_to_audiences);
    assert_eq!(held.hardware_ids[0].pnp_string, asked.hardware_ids[0].pnp_string);
}
