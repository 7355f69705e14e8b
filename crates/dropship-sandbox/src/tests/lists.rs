//! Products, lists, throttling, preproduction packages.

use std::collections::BTreeSet;

use super::*;

#[tokio::test]
async fn product_is_validated_stored_and_updated() {
    let service = TestService::plain().await;
    let mut wrong = new_product("");
    wrong["requestedSignatures"] = json!(["WINDOWS_v100_X86_TH2_FULL"]);
    let (code, message, targets) = service.refused(Method::POST, "products", Some(&wrong), 422).await;
    assert_eq!((code.as_str(), message.as_str()), ("invalidInput", "Validation Failed."));
    assert_eq!(targets[1]["message"], "The OS code `WINDOWS_v100_X86_TH2_FULL` is invalid.");
    let mut product = new_product("one");
    product["announcementDate"] = json!("2031-01-01T00:00:00");
    let created = service.ok(Method::POST, "products", Some(&product), 201).await;
    assert_eq!(
        (&created["testHarness"], &created["announcementDate"]),
        (&json!("attestation"), &json!("2031-01-01T00:00:00Z"))
    );
    let href = created["links"][0]["href"].as_str().unwrap();
    assert_eq!(href.rsplit('/').next().unwrap(), created["id"].to_string());
    let path = format!("products/{}", created["id"]);
    let rename = json!({"productName": "two"});
    let (code, message, _) = service.refused(Method::PATCH, &path, Some(&rename), 400).await;
    assert_eq!(code, "updateUnauthorized");
    assert_eq!(message, "Can't update product without an initial submission.");
    let initial = json!({"name": "s", "type": "initial"});
    service.ok(Method::POST, &format!("{path}/submissions"), Some(&initial), 201).await;
    service.ok(Method::PATCH, &path, Some(&rename), 204).await;
    assert_eq!(service.get(&path).await["productName"], "two");
    let (_, message, targets) = service.refused(Method::PATCH, &path, Some(&json!({})), 422).await;
    assert_eq!(
        (message.as_str(), &targets[0]["message"]),
        ("Validation Failed.", &json!("At least one property is required for update."))
    );
    service.refused(Method::PATCH, &path, Some(&json!({"deviceType": "external"})), 422).await;
    let (code, message, _) = service.refused(Method::GET, "products/12", None, 404).await;
    assert_eq!((code.as_str(), message.as_str()), ("entityNotFound", "Product not found"));
    let (_, message, _) = service.refused(Method::GET, &format!("{path}/submissions/12"), None, 404).await;
    assert_eq!(message, "No submission found");
    // The old version of the API is the same.
    let old = service.url(&path).replace("/v2.0/", "/v1.0/");
    assert_eq!(service.http.get(old).bearer_auth(&service.token).send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn product_list_has_pages() {
    let service = TestService::plain().await;
    let ids: BTreeSet<u64> = service.sandbox.control().add_products(TENANT, "p", 1234).into_iter().collect();
    let (mut seen, mut url, mut pages) = (BTreeSet::new(), service.url("products"), 0);
    loop {
        let page: Value =
            service.http.get(&url).bearer_auth(&service.token).send().await.unwrap().json().await.unwrap();
        seen.extend(page["value"].as_array().unwrap().iter().map(|product| product["id"].as_u64().unwrap()));
        pages += 1;
        let next = page["links"].as_array().unwrap().iter().find(|link| link["rel"] == "next_link");
        match next {
            Some(link) => url = link["href"].as_str().unwrap().to_owned(),
            None => break,
        }
    }
    assert_eq!((seen, pages), (ids, 25));
    assert_eq!(service.get("products?pageSize=500").await["value"].as_array().unwrap().len(), 500);
    service.refused(Method::GET, "products?continuationToken=junk", None, 422).await;
}

#[tokio::test]
async fn calls_beyond_the_rate_limit_are_throttled() {
    let service = TestService::new(Options { requests_per_minute: Some(3), ..Options::default() }).await;
    for _ in 0..3 {
        assert_eq!(service.send(Method::GET, "audiences", None).await.status(), 200);
    }
    let answer = service.send(Method::GET, "audiences", None).await;
    assert_eq!(answer.status(), 429);
    let seconds: u64 = answer.headers()["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=60).contains(&seconds));
    service.sandbox.control().advance(Duration::from_secs(seconds));
    assert_eq!(service.send(Method::GET, "audiences", None).await.status(), 200);
}

#[tokio::test]
async fn preproduction_package_is_signed() {
    let service = TestService::plain().await;
    let url = service.url("preprod/packages/");
    let put = |kind: &str| {
        service.http.put(&url).bearer_auth(&service.token).header("content-type", kind.to_owned()).body(cab())
    };
    assert_eq!(put("application/json").send().await.unwrap().status(), 415);
    let created: Value = put("application/octet-stream").send().await.unwrap().json().await.unwrap();
    let path = format!("preprod/packages/{}", created["id"].as_str().unwrap());
    assert_eq!(service.get(&path).await["signingStatus"], "NotStarted");
    assert_eq!(service.get(&format!("{path}/assets")).await, json!([]));
    service.sandbox.control().advance_work(Duration::from_secs(601));
    let package = service.get(&path).await;
    assert_eq!(package["signingStatus"], "Succeeded");
    let assets = service.get(&format!("{path}/assets")).await;
    let asset = format!("{path}/assets/{}", assets[0]["id"].as_str().unwrap());
    let hash = service.get(&asset).await["contentHash"].as_str().unwrap().to_owned();
    let bytes = service
        .http
        .get(service.url(&format!("{asset}/download")))
        .bearer_auth(&service.token)
        .send()
        .await
        .unwrap()
        .bytes()
        .await
        .unwrap();
    let digest = ring::digest::digest(&ring::digest::SHA256, &bytes);
    assert_eq!(hash, digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect::<String>());
    let mut zip = zip::ZipArchive::new(std::io::Cursor::new(bytes)).unwrap();
    assert!(zip.by_name("drivers/drv/contoso.inf").is_ok());
}

#[tokio::test]
async fn account_does_not_see_products_of_another() {
    let service = TestService::plain().await;
    let (pid, _, _) = service.submission().await;
    let other =
        TestService { token: token(&service.http, service.sandbox.base_url(), "other").await, ..service };
    other.refused(Method::GET, &format!("products/{pid}"), None, 404).await;
    assert_eq!(other.get("products").await["value"], json!([]));
}

#[tokio::test]
async fn withheld_metadata_appear_after_request() {
    let service = TestService::plain().await;
    let (pid, sid) = service.signed(cab()).await;
    assert!(service.sandbox.control().withhold_metadata(sid));
    let path = format!("products/{pid}/submissions/{sid}");
    assert!(download(&service.get(&path).await, "driverMetadata").is_none());
    service.ok(Method::POST, &format!("{path}/createpublishermetadata"), None, 202).await;
    assert!(download(&service.get(&path).await, "driverMetadata").is_none(), "it takes hours");
    service.sandbox.control().advance_work(Duration::from_secs(3 * 3600));
    assert!(download(&service.get(&path).await, "driverMetadata").is_some());
}
