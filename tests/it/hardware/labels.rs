//! Shipping labels: when they can be created, changed and withdrawn.

use std::time::Duration;

use dropship_hardware::{
    Action as Change, Chid, ChidChange, Client, DownloadKind, Execution, HardwareIdChange, LabelUpdate,
    NewProduct, NewSubmission, Outcome, ProductId, Recovery, Step, SubmissionKind,
};
use dropship_sandbox::{Control, Options, Wait};

use crate::harness::fixture;
use crate::harness::service::{CODE, QUIET, TENANT, TestService, initial, new_product, settings};

#[tokio::test]
async fn q20_wrong_os_code_error_names_the_target() {
    for quirks in ["none", "functional-status", "pascal-case-status"] {
        let service = TestService::quirky(quirks).await;
        let mut new = new_product("p");
        new.requested_signatures = vec![CODE.to_owned(), "WINDOWS_v100_X86_TH2_FULL".to_owned()];
        let error = service.client.create_product(&new).await.expect_err("x86 has no tag");
        assert_eq!(
            (error.recovery, error.execution),
            (Recovery::Permanent, Execution::Rejected),
            "{quirks}: {error}"
        );
        assert!(error.has_code("invalidInput"));
        let (target, message) = &error.validation[0];
        assert_eq!(target, "requestedSignatures");
        assert!(message.contains("WINDOWS_v100_X86_TH2_FULL"), "{message}");
    }
}

#[tokio::test]
async fn label_is_done_when_its_targets_are_published() {
    for quirks in ["published-targets", "published-targets,pascal-case-status"] {
        let service = TestService::quirky(quirks).await;
        let (product, id, label) = service.labelled().await;
        let label = async || service.client.label(product, id, label.id, true).await.expect("the label");
        assert_eq!(label().await.outcome(), Outcome::Pending, "{quirks}");
        service.control().advance_work(Duration::from_secs(100_000));
        let published = label().await;
        assert_eq!(published.outcome(), Outcome::Done, "{quirks}: {published:?}");
    }
}

#[tokio::test]
async fn q21_label_created_too_early_is_retried() {
    for quirks in ["none", "functional-status"] {
        let service = TestService::quirky(quirks).await;
        let (product, id) = service.uploaded().await;
        service.client.commit(product, id).await.expect("committed");
        let label =
            serde_json::from_value(serde_json::json!({"name": "early", "destination": "windowsUpdate"}));
        let error =
            service.client.create_label(product, id, &label.expect("label")).await.expect_err("too early");
        assert_eq!(
            (error.recovery, error.execution),
            (Recovery::NotReady, Execution::Rejected),
            "{quirks}: {error}"
        );
        assert_eq!(service.count_of("labels"), 0);
    }
}

#[tokio::test]
async fn q23_label_update_waits_until_the_label_is_unlocked() {
    let service = TestService::plain().await;
    let (product, id, label) = service.labelled().await;
    let mut update = LabelUpdate::default();
    update.targeting.chids =
        vec![ChidChange { action: Change::Add, chid: "12345678-1234-1234-1234-123456789012".into() }];
    let error = service.client.update_label(product, id, label.id, &update).await.expect_err("locked");
    assert_eq!((error.recovery, error.execution), (Recovery::NotReady, Execution::Rejected), "{error}");
    service.control().advance_work(Duration::from_secs(3601));
    assert!(service.client.label(product, id, label.id, true).await.expect("label").is_done());
    service.client.update_label(product, id, label.id, &update).await.expect("free");
    let targeting =
        service.client.label(product, id, label.id, true).await.expect("label").targeting.expect("targeting");
    let chid = |chid: &Chid| chid.chid.to_ascii_lowercase().contains("12345678-1234");
    assert!(targeting.chids.iter().any(chid), "{targeting:?}");
    assert!(!targeting.restricted_to_audiences.is_empty(), "audiences that are not named stay");

    service.control().advance_work(Duration::from_secs(3601));
    let target = &targeting.hardware_ids[0];
    let mut update = LabelUpdate::default();
    update.targeting.hardware_ids = vec![HardwareIdChange {
        action: Change::Add,
        bundle_id: target.bundle_id.clone(),
        inf_id: target.inf_id.clone(),
        operating_system_code: target.operating_system_code.clone(),
        pnp_string: "pci\\ven_8086&dev_0002".into(),
    }];
    service.client.update_label(product, id, label.id, &update).await.expect("free again");
    let targeting =
        service.client.label(product, id, label.id, true).await.expect("label").targeting.expect("targeting");
    assert_eq!(targeting.hardware_ids.len(), 2);
    let body = service
        .control()
        .requests()
        .into_iter()
        .rfind(|entry| entry.operation == "update_label")
        .expect("it")
        .body;
    assert!(body.get("targeting").is_some() && body.get("targetingInfo").is_none(), "{body}");
}

#[tokio::test]
async fn q23_empty_update_is_not_sent() {
    let service = TestService::plain().await;
    let (product, id, label) = service.labelled().await;
    let error = service
        .client
        .update_label(product, id, label.id, &LabelUpdate::default())
        .await
        .expect_err("nothing");
    assert_eq!((error.recovery, error.execution), (Recovery::Permanent, Execution::NotSent));
    assert_eq!(service.count("update_label"), 0);
}

#[tokio::test]
async fn q24_cancelled_label_shows_as_failed_and_is_cancelled_once() {
    let service =
        TestService::new(Options { approval: Wait::UntilReleased, ..Options::default() }, |_| ()).await;
    let (product, id, label) = service.labelled().await;
    service.control().advance_work(Duration::from_secs(3601));
    let step = service.client.label(product, id, label.id, false).await.expect("label").workflow_status;
    assert_eq!(step.and_then(|status| status.current_step), Some(Step::MicrosoftApproval));
    service.client.cancel_label(product, id, label.id).await.expect("204");
    let error = service.client.cancel_label(product, id, label.id).await.expect_err("once is enough");
    assert_eq!((error.recovery, error.execution), (Recovery::Permanent, Execution::Rejected), "{error}");
    service.control().advance_work(Duration::from_secs(27 * 3600));
    let gone = service.client.label(product, id, label.id, false).await.expect("label");
    assert!(gone.is_failed() && !gone.is_done());
}

#[tokio::test]
async fn q16_label_with_numeric_steps_is_identified_by_its_targets() {
    let service = TestService::quirky("numeric-current-step,string-ids,unknown-fields").await;
    let (product, id, label) = service.labelled().await;
    assert!(!label.is_done());
    service.control().advance_work(Duration::from_secs(3601));
    assert!(service.client.label(product, id, label.id, true).await.expect("label").is_done());
}

/// A signed kit submission that is shared with a partner; the partner's client and ids.
async fn share(service: &TestService, block: bool) -> (Client, ProductId) {
    let product = NewProduct { test_harness: "hlk".into(), ..new_product("shared") };
    let product = service.client.create_product(&product).await.expect("product").id;
    let id = service.client.create_submission(product, &initial("s")).await.expect("submission").id;
    let url = service.get(product, id).await.upload_url().expect("a slot");
    service.client.upload(&url, &fixture("hlkx/good.hlkx"), QUIET).await.expect("uploaded");
    service.client.commit(product, id).await.expect("committed");
    service.control().advance_work(Duration::from_secs(1000));
    let partner = "99999999-8888-7777-6666-555555555555";
    let label = serde_json::from_value(serde_json::json!({
        "name": "share", "destination": "anotherPartner", "targeting": {},
        "recipientSpecifications": {
            "receiverPublisherId": Control::seller_id(partner).to_string(), "blockDuaCreation": block,
        },
    }));
    service.client.create_label(product, id, &label.expect("a label")).await.expect("shared");
    service.control().advance_work(Duration::from_secs(3700));
    let other = Client::new(settings(&service.sandbox, partner, |_| ())).expect("a client");
    let own = other.translate(Control::seller_id(TENANT), product, id).await.expect("translated");
    (other, own.product_id.expect("a product"))
}

#[tokio::test]
async fn receiver_of_a_shared_product_makes_driver_updates_unless_they_are_blocked() {
    let derived = NewSubmission { name: "dua".into(), kind: SubmissionKind::Derived };
    let service = TestService::plain().await;
    let (other, product) = share(&service, false).await;
    let first = other.submissions(product).all().await.expect("submissions").remove(0);
    let first = other.submission(product, first.id).await.expect("the initial one");
    assert!(first.download(&DownloadKind::DerivedPackage).is_some(), "{first:?}");
    let created = other.create_submission(product, &derived).await.expect("a driver update");
    assert!(other.submission(product, created.id).await.expect("it").upload_url().is_some());
    let service = TestService::plain().await;
    let (other, product) = share(&service, true).await;
    let error = other.create_submission(product, &derived).await.expect_err("blocked");
    assert!(error.has_code("updateUnauthorized") && error.recovery == Recovery::Permanent, "{error}");
}
