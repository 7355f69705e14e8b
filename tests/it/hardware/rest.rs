//! The quirks that have no other place.

use std::time::Duration;

use dropship_hardware::{
    Class, DownloadKind, Fate, NewProduct, NewSubmission, ProductUpdate, SubmissionKind,
};
use dropship_sandbox::{Action, Fault, FaultBody};

use super::rig::{QUIET, Rig, initial, new_product};
use crate::home::fixture;

#[tokio::test]
async fn q10_a_429_and_a_502_are_tried_again_where_that_is_safe() {
    let rig = Rig::plain().await;
    let (product, id) = rig.submission().await;
    rig.fault("get_submission", Action::status(429));
    let second = Fault::on("get_submission", Action::status_with(502, FaultBody::Html)).nth(2);
    rig.control().fault(second).expect("a fault");
    let before = rig.count("get_submission");
    assert_eq!(rig.get(product, id).await.id, id);
    assert_eq!(rig.count("get_submission") - before, 3, "two that failed, and the one that did not");
}

#[tokio::test]
async fn q29_an_unknown_signature_shows_after_the_commit_alone() {
    let rig = Rig::quirky("strict-packages").await;
    let (product, id) = rig.submission().await;
    let url = rig.get(product, id).await.upload_url().expect("a slot");
    rig.client.upload(&url, &fixture("cab/unsigned.cab"), QUIET).await.expect("the slot takes anything");
    rig.client.commit(product, id).await.expect("so does the commit");
    rig.control().advance_work(Duration::from_secs(1000));
    let failed = rig.get(product, id).await;
    assert!(failed.is_failed() && !failed.is_signed(), "{failed:?}");
    assert!(!failed.workflow_status.expect("a status").messages.is_empty());
}

#[tokio::test]
async fn q31_a_derived_submission_follows_an_initial_one_and_uses_its_slot_name() {
    let rig = Rig::plain().await;
    let product = NewProduct { test_harness: "hlk".into(), ..new_product("p") };
    let product = rig.client.create_product(&product).await.expect("product").id;
    let derived = NewSubmission { name: "s_dua".into(), kind: SubmissionKind::Derived };
    let error = rig.client.create_submission(product, &derived).await.expect_err("nothing to derive from");
    assert_eq!((error.class, error.fate), (Class::Permanent, Fate::Refused), "{error}");
    let first = rig.client.create_submission(product, &initial("s")).await.expect("an initial one").id;
    let url = rig.get(product, first).await.upload_url().expect("a slot");
    rig.client.upload(&url, &fixture("hlkx/good.hlkx"), QUIET).await.expect("uploaded");
    rig.client.commit(product, first).await.expect("committed");
    rig.control().advance_work(Duration::from_secs(1000));
    let signed = rig.get(product, first).await;
    assert!(signed.download(&DownloadKind::DerivedPackage).is_some(), "the shell: {signed:?}");
    let second = rig.client.create_submission(product, &derived).await.expect("a derived one").id;
    let slot = rig.get(product, second).await;
    assert!(slot.download(&DownloadKind::InitialPackage).is_some(), "{slot:?}");
    // None on top of what attestation signed.
    let (attested, _) = rig.signed().await;
    assert!(rig.client.create_submission(attested, &derived).await.is_err());
}

#[tokio::test]
async fn q33_a_signed_package_names_seller_product_and_submission() {
    let rig = Rig::plain().await;
    let (product, id) = rig.signed().await;
    let url = rig.get(product, id).await.download(&DownloadKind::SignedPackage).expect("offered");
    let to = rig.folder.path().join("signed.zip");
    rig.client.download(&url, &to, QUIET).await.expect("downloaded");
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
async fn q34_an_error_keeps_all_that_came_with_it() {
    let rig = Rig::plain().await;
    let wrong =
        NewProduct { requested_signatures: vec!["WINDOWS_v100_X86_TH2_FULL".into()], ..new_product("p") };
    let error = rig.client.create_product(&wrong).await.expect_err("a wrong code");
    assert!(error.has_code("InvalidInput"), "{error:?}");
    assert_eq!(error.validation[0].0, "requestedSignatures", "{error:?}");
    assert!(error.status.is_some() && !error.message.is_empty(), "{error:?}");
    assert!(!error.correlation_id.is_empty() && !error.request_id.is_empty(), "{error:?}");
}

#[tokio::test]
async fn q35_a_commit_that_fails_is_never_silent() {
    let rig = Rig::plain().await;
    let (product, id) = rig.uploaded().await;
    rig.fault("commit", Action::status(400));
    rig.client.commit(product, id).await.expect_err("the caller is told");
    rig.control().advance_work(Duration::from_secs(1000));
    assert!(!rig.get(product, id).await.is_signed(), "nothing was handed over");
    rig.client.commit(product, id).await.expect("and may try again");
}

#[tokio::test]
async fn q37_an_announcement_date_is_not_changed_after_ingestion() {
    let rig = Rig::plain().await;
    let (product, _) = rig.signed().await;
    let change =
        ProductUpdate { announcement_date: Some("2031-01-01T00:00:00Z".into()), ..Default::default() };
    let error = rig.client.update_product(product, &change).await.expect_err("too late");
    assert_eq!((error.class, error.fate), (Class::Permanent, Fate::Refused), "{error}");
    assert!(error.message.contains("Announcement date"), "{error}");
}
