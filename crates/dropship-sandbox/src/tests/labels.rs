//! Shipping labels and their rules.

use super::*;

async fn ready() -> (TestService, String, Value) {
    let service = TestService::plain().await;
    let (pid, sid) = service.signed(cab()).await;
    let label = service.good_label(pid, sid, "a label").await;
    (service, format!("products/{pid}/submissions/{sid}/shippingLabels"), label)
}

#[tokio::test]
async fn label_that_breaks_a_rule_is_rejected() {
    let (service, path, good) = ready().await;
    type Break = fn(&mut Value);
    let cases: &[(&str, Break)] = &[
        ("name", |label| label["name"] = json!(" ")),
        ("destination", |label| label["destination"] = json!("mars")),
        ("publishingSpecifications", |label| label["publishingSpecifications"] = Value::Null),
        ("recipientSpecifications", |label| label["destination"] = json!("anotherPartner")),
        ("manualAcquisition", |label| label["publishingSpecifications"]["manualAcquisition"] = json!(false)),
        ("manualAcquisition", |label| {
            label["publishingSpecifications"]["isAutoInstallDuringOSUpgrade"] = json!(true)
        }),
        ("additionalInfoForMsApproval", |label| {
            label["publishingSpecifications"]["isAutoInstallDuringOSUpgrade"] = json!(true);
            label["publishingSpecifications"]["manualAcquisition"] = json!(false);
        }),
        ("visibleToAccounts", |label| {
            label["publishingSpecifications"]["visibleToAccounts"] = json!(["27691110"])
        }),
        ("goLiveDate", |label| label["publishingSpecifications"]["goLiveDate"] = json!("soon")),
        ("restrictedToAudiences", |label| label["targeting"]["restrictedToAudiences"] = json!([])),
        ("restrictedToAudiences", |label| label["targeting"]["restrictedToAudiences"] = json!(["nobody"])),
        ("hardwareIds", |label| label["targeting"]["hardwareIds"][0]["pnpString"] = json!("pci\\ven_ffff")),
        ("hardwareIds", |label| {
            label["targeting"]["hardwareIds"][0]["operatingSystemCode"] = json!("WINDOWS_v100_X64_GE_FULL")
        }),
        ("chids", |label| label["targeting"]["chids"] = json!([{"chid": "short"}])),
        ("targetingInfo", |label| {
            label["targeting"]["inServicePublishInfo"] = json!({"flooring": "RS1"});
            label["targeting"]["coEngDriverPublishInfo"] = json!({"flooringBuildNumber": 27000});
        }),
        ("coEngDriverPublishInfo", |label| {
            label["targeting"]["coEngDriverPublishInfo"] = json!({"flooringBuildNumber": 27})
        }),
        ("inServicePublishInfo", |label| {
            label["targeting"]["inServicePublishInfo"] = json!({"ceiling": "RS3"})
        }),
    ];
    for (target, spoil) in cases {
        let mut label = good.clone();
        spoil(&mut label);
        let (code, message, targets) = service.refused(Method::POST, &path, Some(&label), 422).await;
        assert_eq!((code.as_str(), message.as_str()), ("invalidInput", "Validation Failed."), "{target}");
        let blamed: Vec<_> =
            targets.as_array().unwrap().iter().map(|held| held["target"].as_str().unwrap()).collect();
        assert!(blamed.iter().any(|blamed| blamed.ends_with(target)), "{target}: {targets}");
    }
    assert_eq!(service.get(&path).await["value"], json!([]));
    // Names need not differ.
    service.ok(Method::POST, &path, Some(&good), 201).await;
    service.ok(Method::POST, &path, Some(&good), 201).await;
    let listed = service.get(&path).await;
    assert_eq!(listed["value"].as_array().unwrap().len(), 2);
    assert!(
        listed["value"][0]["targeting"].is_null() && listed["value"][0]["recipientSpecifications"].is_null()
    );
}

#[tokio::test]
async fn extension_label_without_automatic_flag_is_rejected() {
    let service = TestService::plain().await;
    let inf =
        INF.replace("Class=MEDIA", "Class=Extension\r\nExtensionId={11111111-1111-1111-1111-111111111111}");
    let (pid, sid) = service.signed(cab_with("ext", &inf)).await;
    assert_eq!(service.get(&format!("products/{pid}/submissions/{sid}")).await["isExtensionInf"], true);
    let label = service.good_label(pid, sid, "x").await;
    let path = format!("products/{pid}/submissions/{sid}/shippingLabels");
    let (code, message, _) = service.refused(Method::POST, &path, Some(&label), 422).await;
    assert_eq!(code, "invalidInput");
    assert!(message.starts_with("Extension drivers must be published as an Automatic update."));
}

#[tokio::test]
async fn label_before_signature_is_rejected() {
    let service = TestService::plain().await;
    let (pid, sid, url) = service.submission().await;
    service.upload(&url, cab()).await;
    let path = format!("products/{pid}/submissions/{sid}/shippingLabels");
    let label = json!({"name": "early", "destination": "windowsUpdate"});
    for _ in 0..2 {
        let (code, message, _) = service.refused(Method::POST, &path, Some(&label), 400).await;
        assert_eq!(code, "requestInvalidForCurrentState");
        assert_eq!(message, "Submission isn't yet ready to create shipping label. Retry after some time.");
        service.send(Method::POST, &format!("products/{pid}/submissions/{sid}/commit"), None).await;
    }
}

#[tokio::test]
async fn label_update_is_rejected_until_published() {
    let (service, path, good) = ready().await;
    let lid = service.ok(Method::POST, &path, Some(&good), 201).await["id"].as_u64().unwrap();
    let label_path = format!("{path}/{lid}");
    let chid = "{12345678-1234-1234-1234-123456789012}";
    let change = json!({"targeting": {"chids": [{"action": "add", "chid": chid}], "restrictedToAudiences": good["targeting"]["restrictedToAudiences"]}});
    let (code, message, _) = service.refused(Method::PATCH, &label_path, Some(&change), 422).await;
    assert_eq!(code, "invalidInput");
    assert_eq!(message, "Can't update the shipping label when another workflow is in progress. Try again.");
    service.sandbox.control().advance_work(Duration::from_secs(3601));
    let (_, _, targets) =
        service.refused(Method::PATCH, &label_path, Some(&json!({"targetingInfo": {}})), 422).await;
    assert_eq!(
        targets[0],
        json!({"target": "targetingInfo.chids", "message": "At least one property is required for update."})
    );
    service.ok(Method::PATCH, &label_path, Some(&change), 204).await;
    let targeted = service.get(&format!("{label_path}?includeTargetingInfo=true")).await;
    assert_eq!(targeted["targeting"]["chids"], json!([{"chid": chid, "distributionState": "pendingAdd"}]));
    assert_eq!(targeted["targeting"]["hardwareIds"][0]["distributionState"], "pendingAdd");
    assert_ne!(targeted["workflowStatus"]["currentStep"], "finalizePublishing");
}

#[tokio::test]
async fn cancelled_label_fails_after_a_day() {
    let (service, path, good) = ready().await;
    let lid = service.ok(Method::POST, &path, Some(&good), 201).await["id"].as_u64().unwrap();
    let label_path = format!("{path}/{lid}");
    let cancel = format!("{label_path}/cancel");
    let (code, _, _) = service.refused(Method::PUT, &cancel, None, 400).await;
    assert_eq!(code, "requestInvalidForCurrentState");
    let step = |label: &Value| label["workflowStatus"]["currentStep"].as_str().unwrap().to_owned();
    while step(&service.get(&label_path).await) != "microsoftApproval" {
        service.sandbox.control().advance_work(Duration::from_secs(60));
    }
    service.ok(Method::PUT, &cancel, None, 204).await;
    service.refused(Method::PUT, &cancel, None, 400).await;
    assert_ne!(service.get(&label_path).await["workflowStatus"]["state"], "failed");
    service.sandbox.control().advance_work(Duration::from_secs(26 * 3600));
    let label = service.get(&label_path).await;
    assert_eq!(
        (step(&label).as_str(), &label["workflowStatus"]["state"]),
        ("microsoftApproval", &json!("failed"))
    );
}

#[tokio::test]
async fn partner_receives_shared_submission() {
    let (service, path, good) = ready().await;
    let partner = "99999999-8888-7777-6666-555555555555";
    let mut label = good;
    label["destination"] = json!("anotherPartner");
    let receiver = crate::Control::seller_id(partner).to_string();
    label["recipientSpecifications"] =
        json!({"receiverPublisherId": receiver, "enforceChidTargeting": false});
    let created = service.ok(Method::POST, &path, Some(&label), 201).await;
    assert!(created["publishingSpecifications"].is_null());
    let (pid, sid) = (created["productId"].as_u64().unwrap(), created["submissionId"].as_u64().unwrap());
    let cancel = format!("{path}/{}/cancel", created["id"]);
    service.refused(Method::PUT, &cancel, None, 400).await;
    let other =
        TestService { token: token(&service.http, service.sandbox.base_url(), partner).await, ..service };
    let publisher = crate::Control::seller_id(TENANT);
    let translate = format!(
        "products/relationships/sourcepubliherid/{publisher}/sourceproductid/{pid}/sourcesubmissionid/{sid}"
    );
    let (code, _, _) = other.refused(Method::GET, &translate, None, 404).await;
    assert_eq!(code, "entityNotFound");
    other.sandbox.control().advance_work(Duration::from_secs(3601));
    let shared = other.get(&translate).await;
    assert_ne!((shared["productId"].as_u64(), shared["id"].as_u64()), (Some(pid), Some(sid)));
    assert!(download(&shared, "signedPackage").is_some());
    assert!(download(&shared, "driverMetadata").is_none(), "a receiver asks for metadata first");
    other.refused(Method::GET, &format!("products/{pid}"), None, 404).await;
    let submission_path = format!("products/{}/submissions/{}", shared["productId"], shared["id"]);
    let (code, message, _) =
        other.refused(Method::PATCH, &submission_path, Some(&json!({"name": "mine"})), 400).await;
    assert_eq!(
        (code.as_str(), message.as_str()),
        ("updateUnauthorized", "Not authorized to update the submission.")
    );
    other.ok(Method::POST, &format!("{submission_path}/createpublishermetadata"), None, 202).await;
    other.sandbox.control().advance_work(Duration::from_secs(3 * 3600));
    assert!(download(&other.get(&submission_path).await, "driverMetadata").is_some());
    let (code, _, _) =
        other.refused(Method::POST, &format!("{submission_path}/shippingLabels"), Some(&label), 400).await;
    assert_eq!(code, "updateUnauthorized", "what was shared is not shared again");
}

#[tokio::test]
async fn inbox_or_read_only_product_rejects_label() {
    let (service, path, good) = ready().await;
    let state = service.sandbox.control().state();
    let pid = state["products"][0]["id"].as_str().unwrap().parse().unwrap();
    assert!(service.sandbox.control().mark_product(pid, true, false));
    let (code, message, _) = service.refused(Method::POST, &path, Some(&good), 400).await;
    assert_eq!(code, "requestInvalidForCurrentState");
    assert!(message.contains("inbox"));
    assert!(service.sandbox.control().mark_product(pid, false, true));
    let (code, _, _) = service.refused(Method::POST, &path, Some(&good), 400).await;
    assert_eq!(code, "readOnlyProduct");
}

#[tokio::test]
async fn low_floor_is_rejected_by_strict_floors_only() {
    for (quirks, status) in [("none", 201), ("strict-floors", 422)] {
        let service = TestService::quirky(quirks).await;
        let (pid, sid) = service.signed(cab()).await;
        let mut label = service.good_label(pid, sid, "x").await;
        label["targeting"]["inServicePublishInfo"] = json!({"flooring": "RS1"});
        let path = format!("products/{pid}/submissions/{sid}/shippingLabels");
        assert_eq!(service.send(Method::POST, &path, Some(&label)).await.status(), status);
    }
}

#[tokio::test]
async fn receiver_of_label_cannot_be_changed() {
    let (service, path, mut label) = ready().await;
    label["destination"] = json!("anotherPartner");
    label["recipientSpecifications"] =
        json!({"receiverPublisherId": "27691110", "enforceChidTargeting": false});
    let created = service.ok(Method::POST, &path, Some(&label), 201).await;
    service.sandbox.control().advance_work(Duration::from_secs(3601));
    let label_path = format!("{path}/{}", created["id"]);
    let other = json!({"recipientSpecifications": {"receiverPublisherId": "1"}});
    let (_, _, targets) = service.refused(Method::PATCH, &label_path, Some(&other), 422).await;
    assert_eq!(targets[0]["target"], "recipientSpecifications.receiverPublisherId");
    let change = json!({"recipientSpecifications": {"enforceChidTargeting": true}});
    service.ok(Method::PATCH, &label_path, Some(&change), 204).await;
    assert_eq!(service.get(&label_path).await["recipientSpecifications"]["enforceChidTargeting"], true);
}
