//! The main path, and what stands in its way.

use std::io::{Cursor, Read as _};

use super::*;

#[tokio::test]
async fn package_is_signed_and_published() {
    let service = TestService::plain().await;
    let (pid, sid, url) = service.submission().await;
    assert!(url.contains("sp=rwl") && url.contains("rscd=attachment%3B%20filename%3DInitial_"), "{url}");
    service.upload(&url, cab()).await;
    service.commit(pid, sid).await;
    let path = format!("products/{pid}/submissions/{sid}");
    let sub = service.get(&path).await;
    assert_eq!(sub["commitStatus"], "commitReceived");
    assert_eq!(sub["workflowStatus"]["currentStep"], "packageInfoValidation");
    assert!(download(&sub, "signedPackage").is_none());
    assert!(download(&sub, "initialPackage").unwrap().contains("sp=rl"));
    let mut steps = Vec::new();
    let sub = loop {
        let sub = service.get(&path).await;
        let step = sub["workflowStatus"]["currentStep"].as_str().unwrap().to_owned();
        let done = step == "finalizeIngestion" && sub["workflowStatus"]["state"] == "completed";
        assert_eq!(
            sub["workflowStatus"]["state"] == "completed",
            done,
            "no step before the last looks completed"
        );
        if steps.last() != Some(&step) {
            steps.push(step);
        }
        if done {
            break sub;
        }
        service.sandbox.control().advance_work(Duration::from_secs(10));
    };
    assert_eq!(
        steps,
        [
            "packageInfoValidation",
            "preparation",
            "scanning",
            "validation",
            "catalogCreation",
            "signing",
            "finalizeIngestion"
        ]
    );
    assert_eq!(sub["commitStatus"], "commitComplete");

    let answer = service.http.get(download(&sub, "signedPackage").unwrap()).send().await.unwrap();
    let disposition = answer.headers()["content-disposition"].to_str().unwrap().to_owned();
    assert_eq!(disposition, format!("attachment; filename=Signed_{sid}.zip"));
    let mut zip = zip::ZipArchive::new(Cursor::new(answer.bytes().await.unwrap())).unwrap();
    let mut inf = String::new();
    zip.by_name("drivers/drv/contoso.inf").unwrap().read_to_string(&mut inf).unwrap();
    assert_eq!(inf, INF);
    let mut cat = String::new();
    zip.by_name("drivers/drv/contoso.cat").unwrap().read_to_string(&mut cat).unwrap();
    assert!(cat.contains(&format!("_{pid}_{sid}")), "{cat}");

    let metadata = service.metadata(pid, sid).await;
    let bundle = metadata["BundleInfoMap"].as_object().unwrap().values().next().unwrap();
    let info = &bundle["InfInfoMap"]["contoso.inf"];
    assert_eq!(
        (&info["InfClass"], &info["DriverVersion"], &info["Provider"]),
        (&json!("MEDIA"), &json!("1.2.3.4"), &json!("Contoso"))
    );
    assert_eq!(info["DriverDate"], "2025-06-15T00:00:00");
    assert_eq!(info["OSPnPInfoMap"][CODE]["pci\\ven_8086&dev_0002"]["DeviceDescription"], "Contoso sound");

    let report = service.http.get(download(&sub, "certificationReport").unwrap()).send().await.unwrap();
    assert!(report.text().await.unwrap().contains(&sid.to_string()));

    let label = service.good_label(pid, sid, "ring").await;
    let created = service.ok(Method::POST, &format!("{path}/shippingLabels"), Some(&label), 201).await;
    assert_eq!(created["workflowStatus"]["currentStep"], "preProcessShippingLabel");
    let lid = created["id"].as_u64().unwrap();
    service.sandbox.control().advance_work(Duration::from_secs(3601));
    let label = service.get(&format!("{path}/shippingLabels/{lid}?includeTargetingInfo=true")).await;
    assert_eq!(label["workflowStatus"]["currentStep"], "finalizePublishing");
    assert_eq!(label["workflowStatus"]["state"], "completed");
    assert_eq!(label["targeting"]["hardwareIds"][0]["distributionState"], "added");
    assert_eq!(service.sandbox.control().leaked_bearers(), 0);
}

#[tokio::test]
async fn invalid_upload_fails_the_workflow() {
    let service = TestService::plain().await;
    let mut truncated = cab();
    truncated.truncate(truncated.len() - 9);
    for (package, step, message) in [
        (None, "packageInfoValidation", "not found"),
        (Some(b"MZ no cabinet at all".to_vec()), "packageInfoValidation", "neither a cabinet"),
        (Some(truncated), "packageInfoValidation", "header says"),
        (Some(cab_without_inf()), "validation", "INF"),
    ] {
        let (pid, sid, url) = service.submission().await;
        if let Some(package) = package {
            service.upload(&url, package).await;
        }
        service.commit(pid, sid).await;
        service.sandbox.control().advance_work(Duration::from_secs(601));
        let path = format!("products/{pid}/submissions/{sid}");
        let sub = service.get(&path).await;
        assert_eq!(sub["commitStatus"], "commitFailed");
        assert_eq!(
            (&sub["workflowStatus"]["currentStep"], &sub["workflowStatus"]["state"]),
            (&json!(step), &json!("failed"))
        );
        assert!(sub["workflowStatus"]["messages"][0].as_str().unwrap().contains(message), "{sub}");
        let report =
            service.http.get(sub["workflowStatus"]["errorReport"].as_str().unwrap()).send().await.unwrap();
        assert!(report.text().await.unwrap().contains(message));
        assert!(download(&sub, "signedPackage").is_none());
        let listed = service.get(&format!("products/{pid}/submissions")).await;
        assert_eq!(listed["value"][0]["commitStatus"], "commitFailed");
        let rename = json!({"name": "x"});
        let (code, ..) = service.refused(Method::PATCH, &path, Some(&rename), 400).await;
        assert_eq!(code, "updateUnauthorized");
        // The slot is used up.
        let again = json!({"name": "again", "type": "initial"});
        let (code, message, _) =
            service.refused(Method::POST, &format!("products/{pid}/submissions"), Some(&again), 400).await;
        assert_eq!(
            (code.as_str(), message.as_str()),
            ("requestInvalidForCurrentState", "Initial submission already exists")
        );
    }
}

fn cab_without_inf() -> Vec<u8> {
    let mut builder = cab::CabinetBuilder::new();
    builder.add_folder(cab::CompressionType::None).add_file("drv\\a.sys");
    let mut writer = builder.build(Cursor::new(Vec::new())).unwrap();
    writer.next_file().unwrap().unwrap().write_all(b"x").unwrap();
    writer.finish().unwrap().into_inner()
}

#[tokio::test]
async fn attestation_with_server_code_fails_after_commit() {
    let service = TestService::plain().await;
    let mut product = new_product("server");
    product["requestedSignatures"] = json!(["WINDOWS_v100_SERVER_X64_GE_FULL"]);
    let pid = service.ok(Method::POST, "products/", Some(&product), 201).await["id"].as_u64().unwrap();
    let submission = json!({"name": "s", "type": "initial"});
    let sub = service.ok(Method::POST, &format!("products/{pid}/submissions/"), Some(&submission), 201).await;
    service.upload(&download(&sub, "initialPackage").unwrap(), cab()).await;
    let sid = sub["id"].as_u64().unwrap();
    service.commit(pid, sid).await;
    service.sandbox.control().advance_work(Duration::from_secs(601));
    let sub = service.get(&format!("products/{pid}/submissions/{sid}/")).await;
    assert_eq!(
        (&sub["workflowStatus"]["currentStep"], &sub["workflowStatus"]["state"]),
        (&json!("validation"), &json!("failed"))
    );
}

#[tokio::test]
async fn commit_without_length_is_rejected() {
    let service = TestService::plain().await;
    let (pid, sid, url) = service.submission().await;
    service.upload(&url, cab()).await;
    let url = service.url(&format!("products/{pid}/submissions/{sid}/commit/"));
    let form = service.http.post(&url).bearer_auth(&service.token).form(&[("a", "b")]).send().await.unwrap();
    assert_eq!(form.status(), 415);
    // No length at all: a client that writes its own head.
    let raw = format!(
        "POST /v2.0/my/hardware/products/{pid}/submissions/{sid}/commit HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nConnection: close\r\n\r\n",
        service.token
    );
    assert!(raw_request(&service, &raw).await.starts_with("HTTP/1.1 411"));
    let json = service
        .http
        .post(&url)
        .bearer_auth(&service.token)
        .header("content-type", "application/json")
        .body("{}");
    assert_eq!(json.send().await.unwrap().status(), 202);
    let (code, message, _) =
        service.refused(Method::POST, &format!("products/{pid}/submissions/{sid}/commit"), None, 400).await;
    assert_eq!(
        (code.as_str(), message.as_str()),
        ("requestInvalidForCurrentState", "Only pending submissions can be committed.")
    );
}

async fn raw_request(service: &TestService, text: &str) -> String {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let address = service.sandbox.base_url().trim_start_matches("http://");
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    stream.write_all(text.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn review_waits_until_release() {
    let service =
        TestService::new(Options { review: crate::Wait::UntilReleased, ..Options::default() }).await;
    let (pid, sid) = service.signed(cab()).await;
    service.sandbox.control().advance_work(Duration::from_secs(1_000_000));
    let path = format!("products/{pid}/submissions/{sid}");
    assert_eq!(service.get(&path).await["workflowStatus"]["currentStep"], "manualReview");
    assert!(service.sandbox.control().release(sid) && !service.sandbox.control().release(1));
    service.sandbox.control().advance_work(Duration::from_secs(601));
    assert_eq!(service.get(&path).await["workflowStatus"]["state"], "completed");
}

#[tokio::test]
async fn submission_progresses_by_speed_without_advance() {
    let service = TestService::new(Options { speed: 6000.0, ..Options::default() }).await;
    let (pid, sid, url) = service.submission().await;
    service.upload(&url, cab()).await;
    service.commit(pid, sid).await;
    let path = format!("products/{pid}/submissions/{sid}");
    until("the signed package", async || download(&service.get(&path).await, "signedPackage").is_some())
        .await;
}

#[tokio::test]
async fn derived_submission_requires_signed_initial_submission() {
    let service = TestService::plain().await;
    let mut product = new_product("dua");
    product["testHarness"] = json!("HLK");
    let product = service.ok(Method::POST, "products", Some(&product), 201).await;
    assert_eq!(product["testHarness"], "hlk");
    let path = format!("products/{}/submissions", product["id"]);
    let derived = json!({"name": "d", "type": "derived"});
    let (_, message, _) = service.refused(Method::POST, &path, Some(&derived), 400).await;
    assert_eq!(message, "Can't create derived submission since no initial submission created");
    let initial = service.ok(Method::POST, &path, Some(&json!({"name": "i", "type": "initial"})), 201).await;
    service.upload(&download(&initial, "initialPackage").unwrap(), cab()).await;
    service.commit(product["id"].as_u64().unwrap(), initial["id"].as_u64().unwrap()).await;
    service.sandbox.control().advance_work(Duration::from_secs(601));
    let initial = service.get(&format!("{path}/{}", initial["id"])).await;
    let shell = service
        .http
        .get(download(&initial, "derivedPackage").unwrap())
        .send()
        .await
        .unwrap()
        .bytes()
        .await
        .unwrap();
    assert!(zip::ZipArchive::new(Cursor::new(shell)).is_ok());
    let created = service.ok(Method::POST, &path, Some(&derived), 201).await;
    assert_eq!(created["type"], "derived");
    assert!(
        download(&created, "initialPackage").is_some(),
        "the slot of a derived submission has the same name"
    );
}
