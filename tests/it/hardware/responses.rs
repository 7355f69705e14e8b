//! Unusual forms of responses.

use std::time::Duration;

use dropship_hardware::{
    Client, DownloadKind, Recovery, State, Step, SubmissionKind, TestHarness, parse_date,
};
use dropship_sandbox::{Control, FaultAction, Options, Quirks};

use crate::harness::service::{QUIET, TENANT, TestService, initial, new_product, settings};

#[tokio::test]
async fn q12_list_of_12345_with_transient_errors_is_complete() {
    let options = Options { page_size: 50, ..Options::default() };
    let service = TestService::new(options, |_| ()).await;
    let ids = service.control().add_products(TENANT, "Product", 12_345);
    let fault = |nth, action| dropship_sandbox::Fault::on("list_products", action).nth(nth);
    for (nth, action) in [
        (9, FaultAction::status(500)),
        (60, FaultAction::status(500)),
        (120, FaultAction::retry_after(429, "1")),
    ] {
        service.control().fault(fault(nth, action)).expect("a fault");
    }
    let listed = service.client.products().all().await.expect("complete");
    let mut listed: Vec<u64> = listed.iter().map(|product| product.id.0).collect();
    let mut ids = ids;
    listed.sort_unstable();
    ids.sort_unstable();
    assert_eq!(listed.len(), 12_345);
    assert_eq!(listed, ids);
    assert_eq!(service.count("list_products"), 247 + 3);
}

#[tokio::test]
async fn q12_broken_or_circular_list_is_an_error() {
    for quirk in ["list-500-on-deep-page", "looping-next-link"] {
        let quirks = Quirks::parse(quirk).expect("quirk");
        let service =
            TestService::new(Options { quirks, page_size: 500, ..Options::default() }, |_| ()).await;
        service.control().add_products(TENANT, "Product", 9500);
        let error = service.client.products().all().await.expect_err(quirk);
        assert_eq!(error.recovery, Recovery::Retry, "{quirk}: {error}");
        assert!(service.count("list_products") < 40, "{quirk} ends");
    }
}

#[tokio::test]
async fn q12_every_kind_of_list_is_paged() {
    let quirks = Quirks::parse("page-every-list,foreign-hosts-in-links").expect("quirks");
    let service = TestService::new(Options { quirks, page_size: 1, ..Options::default() }, |_| ()).await;
    let (product, id) = service.signed().await;
    for name in ["a", "b", "c"] {
        let new = service.new_label(product, id, name).await;
        service.client.create_label(product, id, &new).await.expect("a label");
    }
    assert_eq!(service.client.labels(product, id).all().await.expect("labels").len(), 3);
    assert!(service.count("list_labels") >= 3);
}

#[tokio::test]
async fn q13_submission_without_downloads_is_fetched_again() {
    let service = TestService::quirky("downloads-missing-on-create").await;
    let product = service.client.create_product(&new_product("p")).await.expect("product").id;
    let created = service.client.create_submission(product, &initial("s")).await.expect("submission");
    assert_eq!(created.upload_url(), None);
    assert!(service.get(product, created.id).await.upload_url().is_some());
}

#[tokio::test]
async fn q14_q17_submission_with_every_quirk_succeeds() {
    let quirks = crate::harness::usual_quirks().without(dropship_sandbox::Quirk::Empty2xxBody);
    let service = TestService::new(Options { quirks, ..Options::default() }, |_| ()).await;
    let product = service.client.create_product(&new_product("odd")).await.expect("product");
    assert_eq!(product.test_harness, Some(TestHarness::Attestation), "whatever its case");
    let created = service.client.create_submission(product.id, &initial("s")).await.expect("submission");
    let (product, id) = (product.id, created.id);
    let url = service.get(product, id).await.upload_url().expect("a slot");
    let done = service.client.upload(&url, &service.package(), QUIET).await.expect("uploaded");
    assert!(done.verified);
    service.client.commit(product, id).await.expect("committed");
    assert!(!service.get(product, id).await.is_signed());
    service.control().advance_work(Duration::from_secs(601));
    let finished = service.get(product, id).await;
    assert!(!finished.is_signed(), "the workflow is done, but the package is late");
    service.control().advance_work(Duration::from_secs(130));
    let signed = service.get(product, id).await;
    assert!(signed.is_signed() && signed.is_committed() && !signed.is_failed(), "{signed:?}");
    assert_eq!(signed.kind, Some(SubmissionKind::Initial));

    let package = signed.download(&DownloadKind::SignedPackage).expect("offered");
    let zip = service.folder.path().join("signed.zip");
    service.client.download(&package, &zip, QUIET).await.expect("downloaded");
    let whole = zip::ZipArchive::new(std::fs::File::open(&zip).expect("open")).expect("a ZIP");
    assert!(!whole.is_empty());

    let shown = serde_json::to_string(&signed).expect("JSON");
    let real = package
        .with_secrets()
        .query_pairs()
        .find(|(key, _)| key == "sig")
        .expect("a signature")
        .1
        .into_owned();
    assert!(!shown.contains(&real) && !format!("{signed:?}").contains(&real), "no signature is shown");
    assert!(!signed.other.is_empty(), "unknown fields are kept");
}

#[tokio::test]
async fn q16_ids_steps_and_states_are_read_in_every_form() {
    for quirk in
        ["none", "string-ids", "numeric-current-step", "pascal-case-status", "enum-case", "unknown-fields"]
    {
        let service = TestService::quirky(quirk).await;
        let (product, id) = service.signed().await;
        let signed = service.get(product, id).await;
        assert!(signed.is_signed(), "{quirk}: {signed:?}");
        assert_eq!(signed.product_id, Some(product), "{quirk}");
        assert!(product.0 > 1 << 53 && id.0 > 1 << 53, "{quirk}: ids pass what a double holds");
        let json = serde_json::to_value(&signed).expect("JSON");
        assert_eq!(json["id"], id.to_string(), "{quirk}: and go out as strings");
    }
}

#[tokio::test]
async fn q18_completed_intermediate_step_is_not_the_end() {
    let service = TestService::quirky("intermediate-completed").await;
    let (product, id) = service.uploaded().await;
    service.client.commit(product, id).await.expect("committed");
    let mut seen = false;
    loop {
        let submission = service.get(product, id).await;
        if submission.is_signed() {
            break;
        }
        let status = submission.workflow_status.expect("a status");
        seen |=
            status.state == Some(State::Completed) && status.current_step != Some(Step::FinalizeIngestion);
        service.control().advance_work(Duration::from_secs(10));
    }
    assert!(seen, "the case came up");
}

#[tokio::test]
async fn q18_late_package_and_metadata_are_awaited() {
    let service = TestService::quirky("late-signed-package,late-metadata").await;
    let (product, id) = service.uploaded().await;
    service.client.commit(product, id).await.expect("committed");
    let (mut late_package, mut late_metadata) = (false, false);
    loop {
        let submission = service.get(product, id).await;
        let done = submission
            .workflow_status
            .as_ref()
            .is_some_and(|s| s.is(&Step::FinalizeIngestion, &State::Completed));
        late_package |= done && !submission.is_signed();
        let metadata = submission.download(&DownloadKind::DriverMetadata).is_some();
        late_metadata |= submission.is_signed() && !metadata;
        if metadata {
            break;
        }
        service.control().advance_work(Duration::from_secs(10));
    }
    assert!(late_package && late_metadata);
}

#[tokio::test]
async fn q19_missing_metadata_can_be_requested() {
    for quirk in ["none", "metadata-in-links", "metadata-on-api-host", "sparse-metadata,short-bundle-ids"] {
        let service = TestService::quirky(quirk).await;
        let (product, id) = service.signed().await;
        assert!(service.control().withhold_metadata(id.0));
        assert_eq!(service.get(product, id).await.download(&DownloadKind::DriverMetadata), None, "{quirk}");
        service.client.create_publisher_metadata(product, id).await.expect("accepted");
        service.control().advance_work(Duration::from_secs(4 * 3600));
        let metadata = service.metadata(&service.get(product, id).await).await;
        assert_eq!(metadata.targets().count(), 2, "{quirk}");
        assert_eq!(service.control().leaked_bearers(), 0, "{quirk}");
    }
}

#[tokio::test]
async fn q25_partner_ids_are_translated() {
    let service = TestService::plain().await;
    let (product, id) = service.signed().await;
    let partner = "99999999-8888-7777-6666-555555555555";
    let other = Client::new(settings(&service.sandbox, partner, |_| ())).expect("a client");
    let mut label = service.new_label(product, id, "share").await;
    label.destination = dropship_hardware::Destination::AnotherPartner;
    label.publishing_specifications = None;
    label.recipient_specifications = Some(dropship_hardware::RecipientSpecifications {
        receiver_publisher_id: Control::seller_id(partner).to_string(),
        enforce_chid_targeting: Some(false),
        ..Default::default()
    });
    let created = service.client.create_label(product, id, &label).await.expect("shared");
    service.control().advance_work(Duration::from_secs(3700));
    assert!(service.client.label(product, id, created.id, false).await.expect("label").is_done());
    let error = other.submission(product, id).await.expect_err("the partner's ids are not ours");
    assert_eq!((error.recovery, error.status), (Recovery::Permanent, Some(404)), "{error}");
    let own = other.translate(Control::seller_id(TENANT), product, id).await.expect("translated");
    assert_ne!((own.product_id, own.id), (Some(product), id));
    assert!(own.is_signed());
}

#[tokio::test]
async fn q36_product_and_submission_updates_are_applied() {
    let service = TestService::plain().await;
    let (product, id) = service.submission().await;
    let name = dropship_hardware::SubmissionUpdate { name: "renamed".into() };
    service.client.update_submission(product, id, &name).await.expect("204");
    assert_eq!(service.get(product, id).await.name, "renamed");
    let (product, _) = service.signed().await;
    let change =
        dropship_hardware::ProductUpdate { product_name: Some("retired".into()), ..Default::default() };
    service.client.update_product(product, &change).await.expect("204");
    assert_eq!(service.client.product(product).await.expect("product").product_name, "retired");
}

#[tokio::test]
async fn q38_dates_are_read_in_every_form() {
    for quirk in ["none", "seven-digit-fractions", "dates-without-zone"] {
        let service = TestService::quirky(quirk).await;
        let mut new = new_product("p");
        new.announcement_date = Some("2027-01-02T00:00:00".to_owned());
        let id = service.client.create_product(&new).await.expect("product").id;
        let date = service.client.product(id).await.expect("product").announcement_date.expect("a date");
        assert_eq!(parse_date(&date), parse_date("2027-01-02T00:00:00Z"), "{quirk}: {date}");
    }
}

#[tokio::test]
async fn preproduction_package_round_trip_succeeds() {
    for quirk in ["none", "assets-envelope"] {
        let service = TestService::quirky(quirk).await;
        let sent = service.client.preprod_submit(&service.package()).await.expect("sent");
        service.control().advance_work(Duration::from_secs(3600));
        let package = service.client.preprod_package(&sent.id).await.expect("package");
        assert!(package.error.is_none(), "{package:?}");
        let assets = service.client.preprod_assets(&sent.id).all().await.expect("assets");
        let asset = service.client.preprod_asset(&sent.id, &assets[0].id).await.expect("asset");
        let to = service.folder.path().join("asset.zip");
        let length = service.client.preprod_download(&sent.id, &asset.id, &to, QUIET).await.expect("bytes");
        assert!(length > 0 && to.exists(), "{quirk}");
    }
}
