//! Quirks that change more than how an answer is written.

use super::*;

#[tokio::test]
async fn package_is_published_with_all_quirks() {
    let service = TestService::quirky("all").await;
    let made = service.ok(Method::POST, "products", Some(&new_product("odd")), 201).await;
    let pid: u64 = made["id"].as_str().unwrap().parse().unwrap();
    assert_eq!(made["testHarness"], "Attestation");
    let wanted = json!({"name": "s", "type": "initial"});
    let sub = service.ok(Method::POST, &format!("products/{pid}/submissions"), Some(&wanted), 201).await;
    assert!(
        sub.get("downloads").is_none()
            && sub["workflowStatus"].is_null()
            && sub.get("commitStatus").is_none()
    );
    let sid: u64 = sub["id"].as_str().unwrap().parse().unwrap();
    let path = format!("products/{pid}/submissions/{sid}");
    let url = download(&service.get(&path).await, "initialPackage").unwrap();
    assert!(url.contains(' '), "{url}");
    service.upload(&url.replace(' ', "%20"), signed_looking(&cab())).await;
    assert_eq!(service.send(Method::POST, &format!("{path}/commit"), None).await.status(), 415);
    let commit = service.http.post(service.url(&format!("{path}/commit"))).bearer_auth(&service.token);
    let commit = commit.header("content-type", "application/json").header("content-length", "0");
    assert_eq!(commit.send().await.unwrap().status(), 202);
    service.sandbox.control().advance_work(Duration::from_secs(601));
    let sub = service.get(&path).await;
    assert_eq!(
        (&sub["workflowStatus"]["currentStep"], &sub["workflowStatus"]["state"]),
        (&json!(7), &json!("Completed")),
        "{sub}"
    );
    assert!(download(&sub, "signedPackage").is_none(), "it comes later");
    service.sandbox.control().advance_work(Duration::from_secs(130));
    let sub = service.get(&path).await;
    assert!(download(&sub, "signedPackage").is_some() && download(&sub, "driverMetadata").is_none());
    let links = sub["links"].as_array().unwrap();
    let link = links.iter().find(|link| link["rel"] == "driverMetadata").unwrap();
    assert!(
        !links[0]["href"].as_str().unwrap().starts_with(service.sandbox.base_url()),
        "links lead elsewhere"
    );
    let url = link["href"].as_str().unwrap();
    assert_eq!(service.http.get(url).send().await.unwrap().status(), 401);
    let metadata: Value =
        service.http.get(url).bearer_auth(&service.token).send().await.unwrap().json().await.unwrap();
    assert!(metadata["BundleInfoMap"]["drv"]["InfInfoMap"].is_object(), "{metadata}");
    // Every second create says nothing.
    let second = service.send(Method::POST, "products", Some(&new_product("odd"))).await;
    assert_eq!((second.status().as_u16(), second.text().await.unwrap().as_str()), (201, ""));
}

/// An id as a number or a text.
fn id(value: &Value) -> u64 {
    value.as_u64().or_else(|| value.as_str()?.parse().ok()).unwrap()
}

/// Walks from product to published label as a liberal client does.
async fn walk(service: &TestService) {
    let made = service.ok(Method::POST, "products", Some(&new_product("odd")), 201).await;
    let pid = id(&made["id"]);
    let wanted = json!({"name": "s", "type": "initial"});
    let sub = service.ok(Method::POST, &format!("products/{pid}/submissions"), Some(&wanted), 201).await;
    let path = format!("products/{pid}/submissions/{}", id(&sub["id"]));
    let url = download(&service.get(&path).await, "initialPackage").unwrap();
    service.upload(&url, signed_looking(&cab())).await;
    let commit = service.http.post(service.url(&format!("{path}/commit"))).bearer_auth(&service.token);
    let commit = commit.header("content-type", "application/json").header("content-length", "0");
    assert_eq!(commit.send().await.unwrap().status(), 202);
    service.sandbox.control().advance_work(Duration::from_secs(900));
    let sub = service.get(&path).await;
    assert!(download(&sub, "signedPackage").is_some(), "{sub}");
    let link = sub["links"].as_array().unwrap().iter().find(|link| link["rel"] == "driverMetadata");
    let url = download(&sub, "driverMetadata").or_else(|| Some(link?["href"].as_str()?.to_owned())).unwrap();
    let mut fetch = service.http.get(&url);
    if !url.contains("/blob/") {
        fetch = fetch.bearer_auth(&service.token);
    }
    let metadata: Value = fetch.send().await.unwrap().json().await.unwrap();
    let bundles = metadata["BundleInfoMap"].as_object().unwrap();
    let bundle = bundles.iter().find(|(_, held)| held["InfInfoMap"].is_object()).unwrap().0.clone();
    let label = json!({
        "name": "l", "destination": "windowsUpdate", "publishingSpecifications": {"manualAcquisition": true},
        "targeting": {
            "hardwareIds": [{
                "bundleId": bundle, "infId": "contoso.inf", "operatingSystemCode": CODE,
                "pnpString": "pci\\ven_8086&dev_0001",
            }],
            "restrictedToAudiences": [service.audience("Test Registry Key").await],
        },
    });
    let made = service.ok(Method::POST, &format!("{path}/shippingLabels"), Some(&label), 201).await;
    service.sandbox.control().advance_work(Duration::from_secs(4000));
    let label = service.get(&format!("{path}/shippingLabels/{}", id(&made["id"]))).await;
    assert!(label["workflowStatus"]["state"].as_str().unwrap().eq_ignore_ascii_case("completed"), "{label}");
}

#[tokio::test]
async fn package_is_published_with_each_quirk() {
    for (name, _) in crate::Quirks::names() {
        let service = TestService::quirky(name).await;
        walk(&service).await;
    }
}

#[tokio::test]
async fn created_step_quirk_shows_label_before_first_step() {
    let service = TestService::quirky("created-step").await;
    let (pid, sid) = service.signed(cab()).await;
    let label = service.good_label(pid, sid, "x").await;
    let made = service
        .ok(Method::POST, &format!("products/{pid}/submissions/{sid}/shippingLabels"), Some(&label), 201)
        .await;
    assert_eq!(made["workflowStatus"]["currentStep"], "created");
}

/// A cabinet whose header points to a signature behind it.
fn signed_looking(cab: &[u8]) -> Vec<u8> {
    let mut out = cab[..36].to_vec();
    out[30] |= 4;
    let body = 24;
    let shift = |out: &mut Vec<u8>, at: usize| {
        let value = u32::from_le_bytes(out[at..at + 4].try_into().unwrap()) + body;
        out[at..at + 4].copy_from_slice(&value.to_le_bytes());
    };
    let size = u32::try_from(cab.len()).unwrap() + body;
    shift(&mut out, 8);
    shift(&mut out, 16);
    out.extend([20, 0, 0, 0, 0, 0, 16, 0]);
    out.extend(size.to_le_bytes());
    out.extend(8_u32.to_le_bytes());
    out.extend([0; 8]);
    out.extend(&cab[36..]);
    // The one folder's data moved too.
    shift(&mut out, 60);
    out.extend(b"sealed!!");
    out
}

#[tokio::test]
async fn strict_packages_quirk_requires_signature_and_folders() {
    for (package, says) in
        [(cab(), "SignatureValidationFailed"), (signed_looking(&cab_with("", INF)), "root")]
    {
        let service = TestService::quirky("strict-packages").await;
        let (pid, sid) = service.signed(package).await;
        let sub = service.get(&format!("products/{pid}/submissions/{sid}")).await;
        assert!(sub["workflowStatus"]["messages"][0].as_str().unwrap_or_default().contains(says), "{sub}");
    }
}

#[tokio::test]
async fn deep_page_quirk_fails_late_pages() {
    let service = TestService::quirky("list-500-on-deep-page").await;
    service.sandbox.control().add_products(TENANT, "p", 9_500);
    let (mut path, mut seen) = ("products?pageSize=500".to_owned(), 0);
    let status = loop {
        let answer = service.send(Method::GET, &path, None).await;
        if answer.status() != 200 {
            break answer.status();
        }
        let page: Value = answer.json().await.unwrap();
        seen += page["value"].as_array().unwrap().len();
        let next = page["links"][1]["href"].as_str().unwrap();
        path = next.split_once("/my/hardware/").unwrap().1.to_owned();
    };
    assert_eq!((status.as_u16(), seen), (500, 9_000));
}

#[tokio::test]
async fn looping_link_quirk_repeats_the_page() {
    let service = TestService::quirky("looping-next-link").await;
    service.sandbox.control().add_products(TENANT, "p", 2_500);
    let (mut path, mut seen) = ("products?pageSize=500".to_owned(), Vec::new());
    while !seen.contains(&path) {
        seen.push(path.clone());
        let page = service.get(&path).await;
        path = page["links"][1]["href"].as_str().unwrap().split_once("/my/hardware/").unwrap().1.to_owned();
    }
    assert_eq!(seen.len(), 4);
}
