use serde_json::{Value, json};

use super::*;

fn read<T: serde::de::DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).expect("readable")
}

#[test]
fn ids_are_numbers_or_strings_in_and_strings_out() {
    let id: ProductId = read(json!(14_631_253_285_588_838_u64));
    assert_eq!(id, read(json!("14631253285588838")));
    assert_eq!(serde_json::to_value(id).expect("json"), json!("14631253285588838"));
    assert_eq!("1152921504621465124".parse(), Ok(SubmissionId(1_152_921_504_621_465_124)));
    for bad in [
        json!(-1),
        json!("1.5"),
        json!("+1"),
        json!(""),
        json!(1.5),
        json!(null),
        json!("18446744073709551616"),
    ] {
        serde_json::from_value::<LabelId>(bad).expect_err("not an id");
    }
}

#[test]
fn enums_are_read_in_any_case_and_written_as_documented() {
    assert_eq!(read::<CommitStatus>(json!("CommitPending")), CommitStatus::Pending);
    assert_eq!(read::<Step>(json!(" finalizeIngestion")), Step::FinalizeIngestion);
    assert_eq!(read::<Step>(json!(7)), Step::Other("7".into()));
    assert_eq!(read::<State>(json!("queued")), State::Other("queued".into()));
    assert_eq!(
        serde_json::to_value(DeviceType::from("INTERNALEXTERNAL")).expect("json"),
        json!("internalExternal")
    );
}

#[test]
fn submission_with_null_fields_is_read() {
    let bare: Submission = read(json!({
        "id": "5", "productId": 6, "workflowStatus": null, "downloads": null, "links": null, "name": null
    }));
    assert_eq!(bare.workflow_status, None);
    assert!(bare.downloads.is_empty() && bare.links.is_empty());
    let items: Submission = read(json!({"id": 5, "downloads": {"items": null, "messages": null}}));
    assert!(items.downloads.is_empty());
}

#[test]
fn complete_submission_shows_no_signature() {
    let sas = "https://h.blob.core.windows.net/c/b?sv=1&sig=s3cret&rscd=attachment; filename=Shell_1.hlkx";
    let submission: Submission = read(json!({
        "id": 1_152_921_504_621_465_124_u64, "productId": 14_631_253_285_588_838_u64,
        "workflowStatus": {"currentStep": "FinalizeIngestion", "state": "Completed", "messages": ["a", {"b": 1}],
                           "errorReport": "https://h/e?sig=s3cret"},
        "downloads": {"items": [{"type": "SignedPackage", "url": sas}, {"type": "initialPackage", "url": ""}, null],
                      "messages": []},
        "links": [{"href": "https:// h/x?sig=s3cret", "rel": "DriverMetadata", "method": "GET"},
                  {"href": "https://h/meta", "rel": "driverMetadata", "method": "GET"}],
        "commitStatus": "commitComplete", "name": "n", "type": "initial", "novel": {"url": sas}
    }));
    assert!(submission.is_signed() && submission.is_committed() && !submission.is_failed());
    assert_eq!(submission.upload_url(), None);
    let url = submission.download(&DownloadKind::SignedPackage).expect("url");
    assert!(url.with_secrets().as_str().ends_with("sig=s3cret&rscd=attachment;%20filename=Shell_1.hlkx"));

    let shown = serde_json::to_value(&submission).expect("json");
    assert_eq!(shown["downloads"]["items"][0]["type"], "signedPackage");
    assert_eq!(shown["id"], "1152921504621465124");
    assert_eq!(shown["workflowStatus"]["currentStep"], "finalizeIngestion");
    assert!(shown["novel"]["url"].as_str().is_some_and(|url| url.contains("sig=***")));
    assert!(!format!("{shown} {submission:?}").contains("s3cret"));
}

#[test]
fn commit_is_recognised_by_commit_status_or_workflow() {
    let commit = |value: Value| read::<Submission>(value).is_committed();
    assert!(commit(json!({"id": 1, "commitStatus": "commitReceived"})));
    assert!(!commit(json!({"id": 1, "commitStatus": "CommitPending"})));
    assert!(commit(json!({"id": 1, "workflowStatus": {"currentStep": "scanning", "state": "started"}})));
    assert!(!commit(json!({"id": 1})));
}

#[test]
fn a_new_product_is_sent_as_documented() {
    let new = NewProduct {
        product_name: "p".into(),
        test_harness: TestHarness::Attestation,
        announcement_date: None,
        device_metadata_ids: vec![],
        firmware_version: None,
        device_type: DeviceType::Internal,
        is_test_sign: false,
        is_flight_sign: false,
        marketing_names: vec![],
        selected_product_types: [("windows_v100_CO".to_owned(), "Unclassified".to_owned())].into(),
        requested_signatures: vec!["WINDOWS_v100_X64_CO_FULL".into()],
        additional_attributes: None,
        package_type: None,
        other: Unknown::default(),
    };
    let sent = json!({
        "productName": "p", "testHarness": "attestation", "deviceType": "internal", "isTestSign": false,
        "isFlightSign": false, "selectedProductTypes": {"windows_v100_CO": "Unclassified"},
        "requestedSignatures": ["WINDOWS_v100_X64_CO_FULL"]
    });
    assert_eq!(serde_json::to_value(&new).expect("json"), sent);
    assert_eq!(read::<NewProduct>(sent), new);
}

#[test]
fn product_keeps_unknown_fields() {
    let product: Product = read(json!({
        "id": 9_007_199_267_351_834_u64, "sharedProductId": "1152921504606971100", "productName": "x",
        "driverType": "desktop", "firmwareVersion": 980, "testHarness": "HLK", "marketingNames": null,
        "additionalAttributes": {"raidController": {"isSES": true, "driverVersion": "1"}}
    }));
    assert_eq!(product.other["driverType"], "desktop");
    assert_eq!(product.firmware_version.as_deref(), Some("980"));
    let shown = serde_json::to_value(&product).expect("json");
    assert_eq!(shown["sharedProductId"], "1152921504606971100");
    assert_eq!(shown["driverType"], "desktop");
    assert_eq!(shown["additionalAttributes"]["raidController"]["isSES"], true);
}

#[test]
fn label_is_written_and_read_under_documented_names() {
    let wire = json!({
        "publishingSpecifications": {"goLiveDate": "2018-02-22T06:50:54.793Z", "visibleToAccounts": [27_691_110],
            "isAutoInstallDuringOSUpgrade": true, "isAutoInstallOnApplicableSystems": false,
            "manualAcquisition": false, "isDisclosureRestricted": false, "publishToWindows10s": true,
            "additionalInfoForMsApproval": {"microsoftContact": "a@microsoft.com", "validationsPerformed": "v",
                "affectedOems": ["OEM1"], "isRebootRequired": false, "isCoEngineered": false,
                "isForUnreleasedHardware": false, "hasUiSoftware": false, "businessJustification": "b"}},
        "targeting": {"hardwareIds": [{"bundleId": "g", "infId": "foo.inf",
                "operatingSystemCode": "WINDOWS_v100_RS3_FULL", "pnpString": "hid\\vid_1"}],
            "chids": [{"chid": "c", "distributionState": "pendingAdd"}], "restrictedToAudiences": ["a"],
            "inServicePublishInfo": {"flooring": "RS1", "ceiling": "RS3"},
            "coEngDriverPublishInfo": {"flooringBuildNumber": 17135, "ceilingBuildNumber": 17139}},
        "recipientSpecifications": {"receiverPublisherId": "27691110", "enforceChidTargeting": false},
        "name": "n", "destination": "windowsUpdate"
    });
    let new: NewShippingLabel = read(wire.clone());
    assert_eq!(serde_json::to_value(&new).expect("json"), wire);
    let specs = new.publishing_specifications.expect("specs");
    assert!(specs.other.is_empty() && specs.publish_to_windows10s == Some(true));

    let mut answer = wire;
    answer["id"] = json!(1_152_921_504_606_978_422_u64);
    answer["recipientSpecifications"] = json!([{"receiverPublisherId": 27_691_110}]);
    answer["publishingSpecifications"]["visibleToAccounts"] = json!(["27691110"]);
    let label: ShippingLabel = read(answer);
    assert_eq!(label.recipient_specifications.expect("recipient").receiver_publisher_id, "27691110");
    assert_eq!(label.publishing_specifications.expect("specs").visible_to_accounts, [27_691_110]);
    let bare: ShippingLabel = read(json!({"id": 1, "publishingSpecifications": null, "targeting": null}));
    assert_eq!(bare.targeting, None);
}

#[test]
fn label_update_sends_changed_fields_only() {
    let mut update = LabelUpdate::default();
    assert!(update.is_empty());
    update.targeting.chids = vec![ChidChange { action: Action::Remove, chid: "c".into() }];
    update.targeting.restricted_to_audiences = Some(vec![]);
    assert_eq!(
        serde_json::to_value(&update).expect("json"),
        json!({"targeting": {"chids": [{"action": "remove", "chid": "c"}], "restrictedToAudiences": []}})
    );
}

#[test]
fn driver_metadata_lists_its_targets() {
    let file = b"\xef\xbb\xbf{\"BundleInfoMap\":{\"b\":{\"Locales\":null,\"InfInfoMap\":{\"foo.inf\":{\"InfClass\":\"X\",
        \"ExtensionId\":null,\"OSPnPInfoMap\":{\"WINDOWS_v100_RS3_FULL\":{\"pci\\\\ven_1\":{\"Manufacturer\":\"m\",
        \"FeatureScore\":255},\"pci\\\\ven_2\":null},\"EMPTY\":null}},\"bar.inf\":null}},\"c\":null}}";
    let metadata = DriverMetadata::parse(file).expect("metadata");
    let targets: Vec<_> = metadata.targets().collect();
    assert_eq!(
        targets,
        [
            ("b", "foo.inf", "WINDOWS_v100_RS3_FULL", "pci\\ven_1"),
            ("b", "foo.inf", "WINDOWS_v100_RS3_FULL", "pci\\ven_2")
        ]
    );
    let odd = br#"{"BundleInfoMap":{"b":{"InfInfoMap":{"x.inf":{"OSPnPInfoMap":{"OS":[],"OS2":null,"OS3":{"id":{"FeatureScore":1}}}}}},"c":{"InfInfoMap":[]}}}"#;
    assert_eq!(DriverMetadata::parse(odd).expect("metadata").targets().count(), 1);
    DriverMetadata::parse(b"{}").expect_err("no map");
    DriverMetadata::parse(b"<html>").expect_err("no JSON");
}

#[test]
fn dates_come_in_four_forms() {
    let time: jiff::Timestamp = "2018-04-04T16:11:27.2965057Z".parse().expect("time");
    assert_eq!(parse_date("2018-04-04T16:11:27.2965057+00:00"), Some(time));
    assert_eq!(parse_date("2018-04-04T00:00:00"), parse_date("2018-04-04T00:00:00Z"));
    assert_eq!(parse_date("0001-01-01T00:00:00"), None);
    assert_eq!(parse_date("soon"), None);
    assert_eq!(format_date(time), "2018-04-04T16:11:27.296Z");
}

#[test]
fn numbers_are_read_as_numbers_and_texts() {
    let builds =
        |value: Value| serde_json::from_value::<CoEngPublishInfo>(json!({"flooringBuildNumber": value}));
    for fine in [json!(26_100), json!("26100"), json!(" 26100 "), json!(26_100.0)] {
        assert_eq!(builds(fine.clone()).expect("a number").flooring_build_number, Some(26_100), "{fine}");
    }
    for absent in [json!(null), json!("")] {
        assert_eq!(builds(absent).expect("absent").flooring_build_number, None);
    }
    for bad in [json!("26100.5"), json!(-1), json!(5_000_000_000_u64), json!({}), json!("soon")] {
        builds(bad).expect_err("not a build number");
    }
    let svvp: AdditionalAttributes = read(json!({"svvp": {"maxProcessors": "64", "maxMemory": 2048}}));
    assert_eq!(svvp.svvp.expect("svvp").max_processors, Some(64));
}

#[test]
fn unreadable_downloads_do_not_hide_the_others() {
    let submission: Submission = serde_json::from_value(json!({"id": 5, "downloads": {"items": [
        null, 5, "x", [], {}, {"type": {}, "url": null}, {"type": "Unknown", "url": 5},
        {"type": "initialPackage", "url": "https://store.example/slot"}]}}))
    .expect("a submission");
    assert!(submission.upload_url().is_some());
}

#[test]
fn failed_workflow_with_unreadable_step_has_failed() {
    for step in [json!({}), json!([]), json!(null), json!(true)] {
        let status: WorkflowStatus =
            serde_json::from_value(json!({"currentStep": step, "state": "failed"})).expect("a status");
        assert!(status.failed(), "{status:?}");
    }
}

#[test]
fn driver_metadata_with_unreadable_details_keep_their_targets() {
    let file = br#"{"BundleInfoMap": {"b": {"InfInfoMap": {"foo.inf": {"InfClass": [], "DriverDate": 5, "Provider": {},
        "OSPnPInfoMap": {"WINDOWS_v100_RS3_FULL": {"pci\\ven_1": {"CeilingOsCode": [], "FeatureScore": {}}}}}}}}}"#;
    assert_eq!(DriverMetadata::parse(file).expect("metadata").targets().count(), 1);
}

#[test]
fn product_of_an_extension_inf_has_no_derived_submissions() {
    let product = |is_extension: Value| {
        read::<Product>(
            json!({"id": 1, "testHarness": "hlk", "productName": "p", "isExtensionInf": is_extension}),
        )
    };
    let initial = |is_extension: Value| {
        read::<Submission>(
            json!({"id": 2, "productId": 1, "type": "initial", "isExtensionInf": is_extension}),
        )
    };
    let why = Some("its package has an extension INF");
    assert_eq!(product(json!(true)).underivable(None), why);
    assert_eq!(product(Value::Null).underivable(Some(&initial(json!("True")))), why);
    assert_eq!(product(json!(false)).underivable(Some(&initial(json!(false)))), None);
}
