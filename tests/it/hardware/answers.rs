//! What answers look like.

use std::time::Duration;

use dropship_hardware::{Class, Client, DownloadKind, State, Step, SubmissionKind, TestHarness, parse_date};
use dropship_sandbox::{Action, Control, Options, Quirks};

use super::rig::{QUIET, Rig, TENANT, initial, new_product, settings};

#[tokio::test]
async fn q12_a_list_of_12345_comes_complete_through_two_500s_and_a_429() {
    let options = Options { page_size: 50, ..Options::default() };
    let rig = Rig::new(options, |_| ()).await;
    let ids = rig.control().add_products(TENANT, "Product", 12_345);
    let fault = |nth, action| dropship_sandbox::Fault::on("list_products", action).nth(nth);
    for (nth, action) in
        [(9, Action::status(500)), (60, Action::status(500)), (120, Action::retry_after(429, "1"))]
    {
        rig.control().fault(fault(nth, action)).expect("a fault");
    }
    let listed = rig.client.products().all().await.expect("complete");
    let mut listed: Vec<u64> = listed.iter().map(|product| product.id.0).collect();
    let mut ids = ids;
    listed.sort_unstable();
    ids.sort_unstable();
    assert_eq!(listed.len(), 12_345);
    assert_eq!(listed, ids);
    assert_eq!(rig.count("list_products"), 247 + 3);
}

#[tokio::test]
async fn q12_a_list_that_breaks_or_turns_in_circles_is_never_taken_for_whole() {
    for quirk in ["list-500-on-deep-page", "looping-next-link"] {
        let quirks = Quirks::parse(quirk).expect("quirk");
        let rig = Rig::new(Options { quirks, page_size: 500, ..Options::default() }, |_| ()).await;
        rig.control().add_products(TENANT, "Product", 9500);
        let error = rig.client.products().all().await.expect_err(quirk);
        assert_eq!(error.class, Class::Retry, "{quirk}: {error}");
        assert!(rig.count("list_products") < 40, "{quirk} ends");
    }
}

#[tokio::test]
async fn q12_other_lists_are_paged_too() {
    let quirks = Quirks::parse("page-every-list,foreign-hosts-in-links").expect("quirks");
    let rig = Rig::new(Options { quirks, page_size: 1, ..Options::default() }, |_| ()).await;
    let (product, id) = rig.signed().await;
    for name in ["a", "b", "c"] {
        let new = rig.new_label(product, id, name).await;
        rig.client.create_label(product, id, &new).await.expect("a label");
    }
    assert_eq!(rig.client.labels(product, id).all().await.expect("labels").len(), 3);
    assert!(rig.count("list_labels") >= 3);
}

#[tokio::test]
async fn q13_a_submission_without_downloads_is_asked_for_again() {
    let rig = Rig::quirky("downloads-missing-on-create").await;
    let product = rig.client.create_product(&new_product("p")).await.expect("product").id;
    let made = rig.client.create_submission(product, &initial("s")).await.expect("submission");
    assert_eq!(made.upload_url(), None);
    assert!(rig.get(product, made.id).await.upload_url().is_some());
}

#[tokio::test]
async fn q14_and_q17_the_whole_way_with_every_quirk_at_once() {
    let quirks = Quirks::all().without(dropship_sandbox::Quirk::Empty2xxBody);
    let rig = Rig::new(Options { quirks, ..Options::default() }, |_| ()).await;
    let product = rig.client.create_product(&new_product("odd")).await.expect("product");
    assert_eq!(product.test_harness, Some(TestHarness::Attestation), "whatever its case");
    let made = rig.client.create_submission(product.id, &initial("s")).await.expect("submission");
    let (product, id) = (product.id, made.id);
    let url = rig.get(product, id).await.upload_url().expect("a slot");
    let done = rig.client.upload(&url, &rig.package(), QUIET).await.expect("uploaded");
    assert!(done.verified);
    rig.client.commit(product, id).await.expect("committed");
    assert!(!rig.get(product, id).await.is_signed());
    rig.control().advance_work(Duration::from_secs(601));
    let finished = rig.get(product, id).await;
    assert!(!finished.is_signed(), "the workflow is done, but the package is late");
    rig.control().advance_work(Duration::from_secs(130));
    let signed = rig.get(product, id).await;
    assert!(signed.is_signed() && signed.is_committed() && !signed.is_failed(), "{signed:?}");
    assert_eq!(signed.kind, Some(SubmissionKind::Initial));

    let package = signed.download(&DownloadKind::SignedPackage).expect("offered");
    let zip = rig.folder.path().join("signed.zip");
    rig.client.download(&package, &zip, QUIET).await.expect("downloaded");
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
async fn q16_ids_steps_and_states_in_every_form() {
    for quirk in
        ["none", "string-ids", "numeric-current-step", "pascal-case-status", "enum-case", "unknown-fields"]
    {
        let rig = Rig::quirky(quirk).await;
        let (product, id) = rig.signed().await;
        let signed = rig.get(product, id).await;
        assert!(signed.is_signed(), "{quirk}: {signed:?}");
        assert_eq!(signed.product_id, Some(product), "{quirk}");
        assert!(product.0 > 1 << 53 && id.0 > 1 << 53, "{quirk}: ids pass what a double holds");
        let json = serde_json::to_value(&signed).expect("JSON");
        assert_eq!(json["id"], id.to_string(), "{quirk}: and go out as strings");
    }
}

#[tokio::test]
async fn q18_a_completed_step_before_the_last_is_not_the_end() {
    let rig = Rig::quirky("intermediate-completed").await;
    let (product, id) = rig.uploaded().await;
    rig.client.commit(product, id).await.expect("committed");
    let mut seen = false;
    loop {
        let submission = rig.get(product, id).await;
        if submission.is_signed() {
            break;
        }
        let status = submission.workflow_status.expect("a status");
        seen |=
            status.state == Some(State::Completed) && status.current_step != Some(Step::FinalizeIngestion);
        rig.control().advance_work(Duration::from_secs(10));
    }
    assert!(seen, "the case came up");
}

#[tokio::test]
async fn q18_a_late_package_and_late_metadata_are_waited_for() {
    let rig = Rig::quirky("late-signed-package,late-metadata").await;
    let (product, id) = rig.uploaded().await;
    rig.client.commit(product, id).await.expect("committed");
    let (mut late_package, mut late_metadata) = (false, false);
    loop {
        let submission = rig.get(product, id).await;
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
        rig.control().advance_work(Duration::from_secs(10));
    }
    assert!(late_package && late_metadata);
}

#[tokio::test]
async fn q19_metadata_that_are_missing_can_be_asked_for() {
    for quirk in ["none", "metadata-in-links", "metadata-on-api-host", "sparse-metadata,short-bundle-ids"] {
        let rig = Rig::quirky(quirk).await;
        let (product, id) = rig.signed().await;
        assert!(rig.control().withhold_metadata(id.0));
        assert_eq!(rig.get(product, id).await.download(&DownloadKind::DriverMetadata), None, "{quirk}");
        rig.client.create_publisher_metadata(product, id).await.expect("accepted");
        rig.control().advance_work(Duration::from_secs(4 * 3600));
        let metadata = rig.metadata(&rig.get(product, id).await).await;
        assert_eq!(metadata.targets().count(), 2, "{quirk}");
        assert_eq!(rig.control().leaked_bearers(), 0, "{quirk}");
    }
}

#[tokio::test]
async fn q25_a_partners_ids_are_translated() {
    let rig = Rig::plain().await;
    let (product, id) = rig.signed().await;
    let partner = "99999999-8888-7777-6666-555555555555";
    let other = Client::new(settings(&rig.sandbox, partner, |_| ())).expect("a client");
    let mut label = rig.new_label(product, id, "share").await;
    label.destination = dropship_hardware::Destination::AnotherPartner;
    label.publishing_specifications = None;
    label.recipient_specifications = Some(dropship_hardware::RecipientSpecifications {
        receiver_publisher_id: Control::seller_id(partner).to_string(),
        enforce_chid_targeting: Some(false),
        ..Default::default()
    });
    let made = rig.client.create_label(product, id, &label).await.expect("shared");
    rig.control().advance_work(Duration::from_secs(3700));
    assert!(rig.client.label(product, id, made.id, false).await.expect("label").is_done());
    let error = other.submission(product, id).await.expect_err("the partner's ids are not ours");
    assert_eq!((error.class, error.status), (Class::Permanent, Some(404)), "{error}");
    let own = other.translate(Control::seller_id(TENANT), product, id).await.expect("translated");
    assert_ne!((own.product_id, own.id), (Some(product), id));
    assert!(own.is_signed());
}

#[tokio::test]
async fn q36_products_and_submissions_can_be_changed() {
    let rig = Rig::plain().await;
    let (product, id) = rig.submission().await;
    let name = dropship_hardware::SubmissionUpdate { name: "renamed".into() };
    rig.client.update_submission(product, id, &name).await.expect("204");
    assert_eq!(rig.get(product, id).await.name, "renamed");
    let (product, _) = rig.signed().await;
    let change =
        dropship_hardware::ProductUpdate { product_name: Some("retired".into()), ..Default::default() };
    rig.client.update_product(product, &change).await.expect("204");
    assert_eq!(rig.client.product(product).await.expect("product").product_name, "retired");
}

#[tokio::test]
async fn q38_dates_come_in_every_form() {
    for quirk in ["none", "seven-digit-fractions", "dates-without-zone"] {
        let rig = Rig::quirky(quirk).await;
        let mut new = new_product("p");
        new.announcement_date = Some("2027-01-02T00:00:00".to_owned());
        let id = rig.client.create_product(&new).await.expect("product").id;
        let date = rig.client.product(id).await.expect("product").announcement_date.expect("a date");
        assert_eq!(parse_date(&date), parse_date("2027-01-02T00:00:00Z"), "{quirk}: {date}");
    }
}

#[tokio::test]
async fn preproduction_packages_go_there_and_back() {
    for quirk in ["none", "assets-envelope"] {
        let rig = Rig::quirky(quirk).await;
        let sent = rig.client.preprod_submit(&rig.package()).await.expect("sent");
        rig.control().advance_work(Duration::from_secs(3600));
        let package = rig.client.preprod_package(&sent.id).await.expect("package");
        assert!(package.error.is_none(), "{package:?}");
        let assets = rig.client.preprod_assets(&sent.id).all().await.expect("assets");
        let asset = rig.client.preprod_asset(&sent.id, &assets[0].id).await.expect("asset");
        let to = rig.folder.path().join("asset.zip");
        let length = rig.client.preprod_download(&sent.id, &asset.id, &to, QUIET).await.expect("bytes");
        assert!(length > 0 && to.exists(), "{quirk}");
    }
}
