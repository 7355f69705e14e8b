//! Responses with the structure of the documents' samples, over a socket.

use super::*;

macro_rules! sample {
    ($name:literal) => {
        include_str!(concat!("samples/", $name))
    };
}

/// A server that answers every request with one sample.
async fn serving(status: u16, sample: &'static str) -> TestServer {
    let sample: Value = serde_json::from_str(sample).expect("a sample is JSON");
    TestServer::start(move |_| Reply::json(status, &sample)).await
}

#[tokio::test]
async fn documented_products_and_submissions_are_read() {
    let client = serving(200, sample!("products.json")).await.client();
    let products = client.products().all().await.expect("products");
    let names: Vec<_> = products.iter().map(|product| product.product_name.as_str()).collect();
    assert_eq!(names, ["Contoso Sound", "Contoso Camera"]);
    assert_eq!(products[0].shared_product_id, Some(1_152_921_504_607_010_608));
    let product =
        serving(200, sample!("product.json")).await.client().product(PRODUCT).await.expect("product");
    assert_eq!((product.is_committed, product.marketing_names.len()), (Some(true), 2));
    let created = serving(201, sample!("product-created.json")).await.client();
    assert_eq!(created.create_product(&new_product()).await.expect("product").id.0, 9_007_199_254_812_377);

    let list = serving(200, sample!("submissions.json")).await.client();
    assert_eq!(list.submissions(PRODUCT).all().await.expect("submissions").len(), 1);
    let whole = serving(200, sample!("submission.json")).await.client();
    let whole = whole.submission(PRODUCT, SUBMISSION).await.expect("submission");
    assert!(whole.is_signed() && whole.is_committed(), "{whole:?}");
    for kind in [DownloadKind::InitialPackage, DownloadKind::DerivedPackage, DownloadKind::DriverMetadata] {
        assert!(whole.download(&kind).is_some(), "{kind}");
    }
    let created = serving(201, sample!("submission-created.json")).await.client();
    let created = created.create_submission(PRODUCT, &new_submission()).await.expect("submission");
    assert!(created.upload_url().is_some() && !created.is_committed() && !created.is_failed());
}

#[tokio::test]
async fn documented_labels_and_audiences_are_read() {
    let list = serving(200, sample!("labels.json")).await.client();
    assert_eq!(list.labels(PRODUCT, SUBMISSION).all().await.expect("labels")[0].name, "Contoso Sound ring");
    let label = serving(200, sample!("label.json")).await.client();
    let label = label.label(PRODUCT, SUBMISSION, LABEL, true).await.expect("label");
    assert!(label.is_done(), "{label:?}");
    let targeting = label.targeting.expect("targeting");
    let builds = targeting.co_eng_driver_publish_info.expect("builds");
    assert_eq!((builds.flooring_build_number, builds.ceiling_build_number), (Some(17_763), Some(18_362)));
    let created = serving(201, sample!("label-created.json")).await.client();
    let new = serde_json::from_value(json!({"name": "l", "destination": "windowsUpdate"})).expect("label");
    assert!(!created.create_label(PRODUCT, SUBMISSION, &new).await.expect("label").is_done());
    let partner = serving(200, sample!("label-partner.json")).await.client();
    let partner = partner.label(PRODUCT, SUBMISSION, LABEL, true).await.expect("label");
    let recipient = partner.recipient_specifications.expect("a recipient");
    assert_eq!(
        (recipient.receiver_publisher_id.as_str(), recipient.block_dua_creation),
        ("27691112", Some(false))
    );
    let audiences = serving(200, sample!("audiences.json")).await.client();
    assert_eq!(audiences.audiences().all().await.expect("audiences")[0].audience_name, "Test_Registry_Key");
}

#[tokio::test]
async fn documented_preproduction_packages_are_read() {
    let created = serving(200, sample!("preprod-created.json")).await.client();
    let created = created.preprod_package("p-9").await.expect("a package");
    assert_eq!(
        created.signing_status,
        Some(SigningStatus::NotStarted),
        "an error without a failure is no failure"
    );
    let signed =
        serving(200, sample!("preprod.json")).await.client().preprod_package("p-9").await.expect("signed");
    assert!(signed.signing_status.is_some_and(|status| status.is_success()) && signed.error.is_none());
    assert_eq!(signed.assets[0].asset_type.as_deref(), Some("SignedFilesZip"));
    let assets = serving(200, sample!("assets.json")).await.client();
    assert_eq!(assets.preprod_assets("p-9").all().await.expect("assets").len(), 1);
    let asset =
        serving(200, sample!("asset.json")).await.client().preprod_asset("p-9", "a-17").await.expect("asset");
    assert_eq!(asset.id, "a-17");
}

#[tokio::test]
async fn documented_errors_are_classified() {
    let fails = async |status, sample| {
        let client = serving(status, sample).await.client();
        let new =
            serde_json::from_value(json!({"name": "l", "destination": "windowsUpdate"})).expect("label");
        client.create_label(PRODUCT, SUBMISSION, &new).await.expect_err("refused")
    };
    let error = fails(400, sample!("error-validation.json")).await;
    assert!(error.has_code("invalidInput") && error.recovery == Recovery::Permanent, "{error:?}");
    assert_eq!(error.validation[0].0, "targetingInfo.chids");
    assert_eq!(fails(400, sample!("error-state.json")).await.recovery, Recovery::NotReady);
    assert_eq!(fails(429, sample!("error-gateway.json")).await.recovery, Recovery::Retry);
}

#[test]
fn documented_driver_metadata_are_read_with_and_without_mark() {
    let sample = sample!("driver-metadata.json");
    for file in [sample.to_owned(), format!("\u{feff}{sample}")] {
        let metadata = DriverMetadata::parse(file.as_bytes()).expect("metadata");
        assert_eq!(metadata.targets().count(), 2);
        let inf = &metadata.bundles["dc3b111e-c750-4a55-96ce-0eae1d1da8aa"].infs["sound.inf"];
        let device = &inf.os_pnp["WINDOWS_v100_X64_GE_FULL"]["hid\\vid_1234&pid_5678"];
        assert_eq!(device.ceiling_os_code.as_deref(), Some("WINDOWS_v100_X64_25H2_FULL"));
    }
}
