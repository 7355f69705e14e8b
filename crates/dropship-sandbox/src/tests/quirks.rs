//! Quirks that change more than how an answer is written.

use super::*;

/// The status of a step's proxy page or of a new object.
fn is_passing(answer: &Response) -> bool {
    let is_html = answer
        .headers()
        .get("content-type")
        .and_then(|kind| kind.to_str().ok())
        .is_some_and(|kind| kind.starts_with("text/html"));
    answer.status() == 404 || (answer.status() != 200 && is_html)
}

/// Sends a call as a liberal client does: again, while the answer is passing.
async fn patient(service: &TestService, method: Method, path: &str, body: Option<&Value>) -> Response {
    let mut attempts_left = 6;
    loop {
        let mut request = service.http.request(method.clone(), service.url(path)).bearer_auth(&service.token);
        request = match body {
            Some(body) => request.json(body),
            None => request.header("content-type", "application/json").header("content-length", "0"),
        };
        let answer = request.send().await.unwrap();
        if attempts_left == 0 || !is_passing(&answer) {
            return answer;
        }
        attempts_left -= 1;
    }
}

async fn patient_json(service: &TestService, method: Method, path: &str, body: Option<&Value>) -> Value {
    let answer = patient(service, method, path, body).await;
    assert!(answer.status().is_success(), "{path}: {}", answer.status());
    answer.json().await.unwrap()
}

/// A download, with the token where the API's own host serves it.
async fn fetch(service: &TestService, url: &str) -> Vec<u8> {
    let mut attempts_left = 3;
    loop {
        let mut request = service.http.get(url.replace(' ', "%20"));
        if !url.contains("/blob/") {
            request = request.bearer_auth(&service.token);
        }
        let answer = request.send().await.unwrap();
        if answer.status() == 200 || attempts_left == 0 {
            assert_eq!(answer.status(), 200, "{url}");
            return answer.bytes().await.unwrap().to_vec();
        }
        attempts_left -= 1;
    }
}

/// An id as a number or a text.
fn id(value: &Value) -> u64 {
    value.as_u64().or_else(|| value.as_str()?.parse().ok()).unwrap()
}

/// A field that is a list, or its only item.
fn listed(value: &Value) -> Vec<&Value> {
    value.as_array().map_or_else(|| vec![value], |items| items.iter().collect())
}

fn url_of(sub: &Value, kind: &str) -> Option<String> {
    let items = listed(&sub["downloads"]["items"]);
    let item = items
        .into_iter()
        .find(|item| item["type"].as_str().is_some_and(|found| found.eq_ignore_ascii_case(kind)));
    let link = listed(&sub["links"]).into_iter().find(|link| link["rel"] == kind);
    let url = item.map(|item| &item["url"]).or_else(|| link.map(|link| &link["href"]))?;
    url.as_str().map(str::to_owned)
}

/// Uploads a package as often as its checksum is refused.
async fn patient_upload(service: &TestService, url: &str, package: &[u8]) {
    let mut attempts_left = 3;
    loop {
        let put = service.http.put(url.replace(' ', "%20")).header("x-ms-blob-type", "BlockBlob");
        let status = put.body(package.to_vec()).send().await.unwrap().status();
        if status == 201 || attempts_left == 0 {
            assert_eq!(status, 201);
            return;
        }
        attempts_left -= 1;
    }
}

/// Walks from product to published label as a liberal client does. Returns the submission and the label.
async fn walk(service: &TestService) -> (Value, Value) {
    let created = patient_json(service, Method::POST, "products", Some(&new_product("odd"))).await;
    let pid = id(&created["id"]);
    let submission = json!({"name": "s", "type": "initial"});
    let path = format!("products/{pid}/submissions");
    let sub = patient_json(service, Method::POST, &path, Some(&submission)).await;
    let path = format!("products/{pid}/submissions/{}", id(&sub["id"]));
    let sub = patient_json(service, Method::GET, &path, None).await;
    patient_upload(service, &url_of(&sub, "initialPackage").unwrap(), &signed_looking(&cab())).await;
    assert_eq!(patient(service, Method::POST, &format!("{path}/commit"), None).await.status(), 202);
    service.sandbox.control().advance_work(Duration::from_secs(900));
    let sub = patient_json(service, Method::GET, &path, None).await;
    assert!(url_of(&sub, "signedPackage").is_some(), "{sub}");
    let url = url_of(&sub, "driverMetadata").unwrap();
    let first = fetch(service, &url).await;
    let metadata = fetch(service, &url).await;
    assert!(first.len() <= metadata.len());
    let metadata: Value =
        serde_json::from_slice(metadata.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&metadata)).unwrap();
    let bundles = metadata["BundleInfoMap"].as_object().unwrap();
    let bundle = bundles.iter().find(|(_, held)| held["InfInfoMap"].is_object()).unwrap().0.clone();
    let audiences = patient_json(service, Method::GET, "audiences", None).await;
    let test = listed(&audiences["value"]).into_iter().find(|held| held["name"] == "Test Registry Key");
    let label = json!({
        "name": "l", "destination": "windowsUpdate", "publishingSpecifications": {"manualAcquisition": true},
        "targeting": {
            "hardwareIds": [{
                "bundleId": bundle, "infId": "contoso.inf", "operatingSystemCode": CODE,
                "pnpString": "pci\\ven_8086&dev_0001",
            }],
            "restrictedToAudiences": [test.unwrap()["id"]],
        },
    });
    let created = patient_json(service, Method::POST, &format!("{path}/shippingLabels"), Some(&label)).await;
    service.sandbox.control().advance_work(Duration::from_secs(4000));
    let label = format!("{path}/shippingLabels/{}?includeTargetingInfo=true", id(&created["id"]));
    let label = patient_json(service, Method::GET, &label, None).await;
    let state = label["workflowStatus"]["state"].as_str().unwrap().to_ascii_lowercase();
    let target = &label["targeting"]["hardwareIds"][0]["distributionState"];
    assert!(state == "completed" || state == "published" || target == "published", "{label}");
    (sub, label)
}

#[tokio::test]
async fn package_is_published_with_all_quirks() {
    let quirks = crate::Quirks::all();
    let service = TestService::quirky("all").await;
    assert!(quirks.has(crate::Quirk::Empty2xxBody));
    let (sub, label) = walk(&service).await;
    assert_eq!(
        (&sub["workflowStatus"]["currentStep"], &sub["workflowStatus"]["state"]),
        (&json!("FinalizeProcessing"), &json!("Completed")),
        "{sub}"
    );
    assert_eq!(label["workflowStatus"]["state"], "Published", "{label}");
    assert!(sub.get("commitStatus").is_none() && sub["isExtensionInf"] == "False", "{sub}");
    let links = listed(&sub["links"]);
    assert!(
        !links[0]["href"].as_str().unwrap().starts_with(service.sandbox.base_url()),
        "links lead elsewhere"
    );
    // A commit needs its content type, and every second create says nothing.
    let (pid, sid) = (id(&sub["productId"]), id(&sub["id"]));
    let commit = service.send(Method::POST, &format!("products/{pid}/submissions/{sid}/commit"), None).await;
    assert_eq!(commit.status(), 415);
    let second = service.send(Method::POST, "products", Some(&new_product("odd"))).await;
    assert_eq!((second.status().as_u16(), second.text().await.unwrap().as_str()), (201, ""));
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
    let created = service
        .ok(Method::POST, &format!("products/{pid}/submissions/{sid}/shippingLabels"), Some(&label), 201)
        .await;
    assert_eq!(created["workflowStatus"]["currentStep"], "created");
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
    for (package, message) in
        [(cab(), "SignatureValidationFailed"), (signed_looking(&cab_with("", INF)), "root")]
    {
        let service = TestService::quirky("strict-packages,failed-without-step").await;
        let (pid, sid) = service.signed(package).await;
        let sub = service.get(&format!("products/{pid}/submissions/{sid}")).await;
        let status = &sub["workflowStatus"];
        assert!(status["messages"][0].as_str().unwrap_or_default().contains(message), "{sub}");
        assert!(status["state"] == "failed" && status.get("currentStep").is_none(), "{sub}");
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

#[tokio::test]
async fn next_link_quirks_hide_the_next_page() {
    for (quirk, shows) in [
        ("next-link-without-token", "pageSize=5\""),
        ("next-link-empty-token", "&continuationToken=\""),
        ("next-link-other-parameter", "$skiptoken="),
        ("next-link-other-relation", "nextPage"),
        ("next-link-odata", "@odata.nextLink"),
        ("next-link-loop", "next_link"),
    ] {
        let service = TestService::quirky(quirk).await;
        service.sandbox.control().add_products(TENANT, "p", 12);
        let page = service.get("products?pageSize=5").await;
        assert!(page.to_string().contains(shows), "{quirk}: {page}");
        let last = service.get("products?pageSize=500").await;
        assert_eq!(last["links"].as_array().unwrap().len(), 1, "{quirk}: {last}");
    }
    let service = TestService::quirky("next-link-loop").await;
    service.sandbox.control().add_products(TENANT, "p", 12);
    let page = service.get("products?pageSize=5").await;
    let next = page["links"][1]["href"].as_str().unwrap().split_once("/my/hardware/").unwrap().1.to_owned();
    assert_eq!(service.get(&next).await["value"], page["value"]);
}

#[tokio::test]
async fn new_object_quirks_hide_the_object_twice() {
    let service = TestService::quirky("new-product-404,new-submission-404,new-label-404").await;
    let created = service.ok(Method::POST, "products", Some(&new_product("p")), 201).await;
    let path = format!("products/{}", created["id"]);
    for _ in 0..2 {
        let (code, message, _) = service.refused(Method::GET, &path, None, 404).await;
        assert_eq!((code.as_str(), message.as_str()), ("entityNotFound", "Product not found"));
    }
    service.get(&path).await;
    assert_eq!(service.get("products").await["value"].as_array().unwrap().len(), 1, "lists have it at once");
}

#[tokio::test]
async fn proxy_pages_quirk_answers_first_request_of_each_operation() {
    let service = TestService::plain().await;
    let quirks = crate::Quirks::parse("proxy-pages").unwrap();
    let sandbox = Sandbox::start(Options { quirks, ..Options::default() }).await.unwrap();
    let token_url = format!("{}/{TENANT}/oauth2/token", sandbox.base_url());
    let form = [("grant_type", "client_credentials"), ("client_id", "a"), ("client_secret", "b")];
    let answer = service.http.post(token_url).form(&form).send().await.unwrap();
    assert_eq!(answer.status(), 403);
    assert!(answer.text().await.unwrap().contains("proxy"));
    let odd = TestService::of(sandbox, TENANT).await;
    let first = odd.send(Method::GET, "audiences", None).await;
    assert_eq!((first.status().as_u16(), first.headers().contains_key("proxy-authenticate")), (407, true));
    assert_eq!(odd.send(Method::GET, "audiences", None).await.status(), 200);
    let create = odd.send(Method::POST, "products", Some(&new_product("p"))).await;
    assert_eq!(create.status(), 407, "a page for a change proves that nothing was done");
    assert_eq!(odd.sandbox.control().state()["counts"]["products"], 0);
}

#[tokio::test]
async fn metadata_quirks_change_the_file() {
    let service =
        TestService::quirky("metadata-bom,ceiling-os-code,incomplete-metadata,redirected-downloads").await;
    let (pid, sid) = service.signed(cab()).await;
    let sub = service.get(&format!("products/{pid}/submissions/{sid}")).await;
    let url = url_of(&sub, "driverMetadata").unwrap();
    let mut files = Vec::new();
    for _ in 0..3 {
        let bytes = service.http.get(&url).send().await.unwrap().bytes().await.unwrap();
        files.push(String::from_utf8(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap().to_vec()).unwrap());
    }
    assert!(!files[0].contains(CODE), "{}", files[0]);
    assert_eq!(files[1], files[2]);
    assert!(files[1].contains("\"CeilingOsCode\":\"WINDOWS_v100_X64_26H1_FULL\""), "{}", files[1]);
}

#[tokio::test]
async fn checksum_quirks_refuse_the_first_block() {
    let service = TestService::quirky("crc64-mismatch,md5-mismatch").await;
    let (_, _, url) = service.submission().await;
    let mut codes = Vec::new();
    for _ in 0..3 {
        let put = service.http.put(format!("{url}&comp=block&blockid=MDAw")).body("bytes");
        let answer = put.send().await.unwrap();
        let code = answer.headers().get("x-ms-error-code").map(|code| code.to_str().unwrap().to_owned());
        codes.push((answer.status().as_u16(), code.unwrap_or_default()));
    }
    let expected = [(400, "Crc64Mismatch"), (400, "Md5Mismatch"), (201, "")];
    assert_eq!(codes, expected.map(|(status, code)| (status, code.to_owned())));
}

#[tokio::test]
async fn sign_in_page_quirk_answers_instead_of_the_report() {
    for (quirk, kind) in [("none", "application/pdf"), ("sign-in-page", "text/html; charset=utf-8")] {
        let service = TestService::quirky(quirk).await;
        let (pid, sid) = service.signed(cab()).await;
        let sub = service.get(&format!("products/{pid}/submissions/{sid}")).await;
        let answer = service.http.get(url_of(&sub, "certificationReport").unwrap()).send().await.unwrap();
        assert_eq!(
            (answer.status().as_u16(), answer.headers()["content-type"].to_str().unwrap()),
            (200, kind)
        );
    }
}

#[tokio::test]
async fn derived_refusal_quirk_answers_as_the_service_does() {
    let service = TestService::quirky("derived-refusal").await;
    let (pid, _) = service.signed(cab()).await;
    let derived = json!({"name": "d", "type": "derived"});
    let path = format!("products/{pid}/submissions");
    let (code, message, _) = service.refused(Method::POST, &path, Some(&derived), 400).await;
    assert_eq!(code, "invalidInput");
    assert_eq!(
        message,
        "Cannot create derived submission for Attestation, TestSigned and ExtensionInf type of products."
    );
}

#[tokio::test]
async fn unknown_steps_and_states_are_passed_through() {
    let service = TestService::quirky("unknown-steps,unknown-states").await;
    let (pid, sid, url) = service.submission().await;
    service.upload(&url, cab()).await;
    service.commit(pid, sid).await;
    let (mut steps, mut states) = (Vec::new(), Vec::new());
    for _ in 0..70 {
        let sub = service.get(&format!("products/{pid}/submissions/{sid}")).await;
        steps.push(sub["workflowStatus"]["currentStep"].as_str().unwrap().to_owned());
        states.push(sub["workflowStatus"]["state"].as_str().unwrap().to_owned());
        service.sandbox.control().advance_work(Duration::from_secs(10));
    }
    assert!(
        steps.contains(&"complianceCheck".to_owned()) && states.contains(&"queued".to_owned()),
        "{steps:?}"
    );
    assert_eq!(states.last().map(String::as_str), Some("completed"));
}
