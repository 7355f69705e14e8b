//! Quirks that belong to no other file.

use std::time::Duration;

use dropship_hardware::{
    DownloadKind, Execution, NewProduct, NewSubmission, ProductUpdate, Recovery, SubmissionKind,
};
use dropship_sandbox::{Fault, FaultAction, FaultBody};

use crate::harness::fixture;
use crate::harness::service::{QUIET, TestService, initial, new_product};

#[tokio::test]
async fn q10_429_and_502_are_retried_where_that_is_safe() {
    let service = TestService::plain().await;
    let (product, id) = service.submission().await;
    service.fault("get_submission", FaultAction::status(429));
    let second = Fault::on("get_submission", FaultAction::status_with(502, FaultBody::Html)).nth(2);
    service.control().fault(second).expect("a fault");
    let before = service.count("get_submission");
    assert_eq!(service.get(product, id).await.id, id);
    assert_eq!(service.count("get_submission") - before, 3, "two that failed, and the one that did not");
}

#[tokio::test]
async fn q29_unknown_signature_is_reported_after_the_commit() {
    let service = TestService::quirky("strict-packages").await;
    let (product, id) = service.submission().await;
    let url = service.get(product, id).await.upload_url().expect("a slot");
    service.client.upload(&url, &fixture("cab/unsigned.cab"), QUIET).await.expect("the slot takes anything");
    service.client.commit(product, id).await.expect("so does the commit");
    service.control().advance_work(Duration::from_secs(1000));
    let failed = service.get(product, id).await;
    assert!(failed.is_failed() && !failed.is_signed(), "{failed:?}");
    assert!(!failed.workflow_status.expect("a status").messages.is_empty());
}

#[tokio::test]
async fn q31_derived_submission_uses_the_name_of_the_initial_one() {
    let service = TestService::plain().await;
    let product = NewProduct { test_harness: "hlk".into(), ..new_product("p") };
    let product = service.client.create_product(&product).await.expect("product").id;
    let derived = NewSubmission { name: "s_dua".into(), kind: SubmissionKind::Derived };
    let error =
        service.client.create_submission(product, &derived).await.expect_err("nothing to derive from");
    assert_eq!((error.recovery, error.execution), (Recovery::Permanent, Execution::Rejected), "{error}");
    let first = service.client.create_submission(product, &initial("s")).await.expect("an initial one").id;
    let url = service.get(product, first).await.upload_url().expect("a slot");
    service.client.upload(&url, &fixture("hlkx/good.hlkx"), QUIET).await.expect("uploaded");
    service.client.commit(product, first).await.expect("committed");
    service.control().advance_work(Duration::from_secs(1000));
    let signed = service.get(product, first).await;
    assert!(signed.download(&DownloadKind::DerivedPackage).is_some(), "the shell: {signed:?}");
    let second = service.client.create_submission(product, &derived).await.expect("a derived one").id;
    let slot = service.get(product, second).await;
    assert!(slot.download(&DownloadKind::InitialPackage).is_some(), "{slot:?}");
    // No derived submission for attestation.
    let (attested, _) = service.signed().await;
    assert!(service.client.create_submission(attested, &derived).await.is_err());
}

#[tokio::test]
async fn q33_signed_package_names_seller_product_and_submission() {
    let service = TestService::plain().await;
    let (product, id) = service.signed().await;
    let url = service.get(product, id).await.download(&DownloadKind::SignedPackage).expect("offered");
    let to = service.folder.path().join("signed.zip");
    service.client.download(&url, &to, QUIET).await.expect("downloaded");
    let mut archive = zip::ZipArchive::new(std::fs::File::open(to).expect("a file")).expect("a zip");
    let mut text = String::new();
    for index in 0..archive.len() {
        let mut bytes = Vec::new();
        std::io::Read::read_to_end(&mut archive.by_index(index).expect("an entry"), &mut bytes)
            .expect("read");
        text.push_str(&String::from_utf8_lossy(&bytes));
    }
    assert!(text.contains(&format!("_{product}_{id}")), "the triple is in a catalogue");
}

#[tokio::test]
async fn q34_error_keeps_every_field_of_the_response() {
    let service = TestService::plain().await;
    let wrong =
        NewProduct { requested_signatures: vec!["WINDOWS_v100_X86_TH2_FULL".into()], ..new_product("p") };
    let error = service.client.create_product(&wrong).await.expect_err("a wrong code");
    assert!(error.has_code("InvalidInput"), "{error:?}");
    assert_eq!(error.validation[0].0, "requestedSignatures", "{error:?}");
    assert!(error.status.is_some() && !error.message.is_empty(), "{error:?}");
    assert!(!error.correlation_id.is_empty() && !error.request_id.is_empty(), "{error:?}");
}

#[tokio::test]
async fn q35_failed_commit_is_reported() {
    let service = TestService::plain().await;
    let (product, id) = service.uploaded().await;
    service.fault("commit", FaultAction::status(400));
    service.client.commit(product, id).await.expect_err("the caller gets the error");
    service.control().advance_work(Duration::from_secs(1000));
    assert!(!service.get(product, id).await.is_signed(), "nothing was handed over");
    service.client.commit(product, id).await.expect("and may try again");
}

#[tokio::test]
async fn q37_announcement_date_is_fixed_after_ingestion() {
    let service = TestService::plain().await;
    let (product, _) = service.signed().await;
    let change =
        ProductUpdate { announcement_date: Some("2031-01-01T00:00:00Z".into()), ..Default::default() };
    let error = service.client.update_product(product, &change).await.expect_err("too late");
    assert_eq!((error.recovery, error.execution), (Recovery::Permanent, Execution::Rejected), "{error}");
    assert!(error.message.contains("Announcement date"), "{error}");
}
