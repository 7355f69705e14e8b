//! Faults, and the controls over HTTP.

use super::*;
use crate::{Fault, FaultAction, FaultBody};

async fn create(service: &TestService, name: &str) -> Result<Response, reqwest::Error> {
    service
        .http
        .post(service.url("products"))
        .bearer_auth(&service.token)
        .json(&new_product(name))
        .send()
        .await
}

fn products(service: &TestService) -> u64 {
    service.sandbox.control().state()["counts"]["products"].as_u64().unwrap()
}

fn fault(service: &TestService, action: FaultAction) {
    service.sandbox.control().fault(Fault::on("create_product", action)).unwrap();
}

#[tokio::test]
async fn status_fault_has_each_body_form() {
    let service = TestService::plain().await;
    for (form, holds) in [
        (FaultBody::Json, "\"error\""),
        (FaultBody::Gateway, "\"statusCode\":503"),
        (FaultBody::Text, "unavailable"),
        (FaultBody::Empty, ""),
        (FaultBody::Html, "<HTML>"),
    ] {
        fault(&service, FaultAction::status_with(503, form));
        let answer = create(&service, "x").await.unwrap();
        assert_eq!(answer.status(), 503);
        assert!(answer.text().await.unwrap().contains(holds));
    }
    fault(&service, FaultAction::retry_after(429, "Wed, 21 Oct 2099 07:28:00 GMT"));
    assert_eq!(
        create(&service, "x").await.unwrap().headers()["retry-after"],
        "Wed, 21 Oct 2099 07:28:00 GMT"
    );
    assert_eq!(products(&service), 0);
    assert_eq!(create(&service, "x").await.unwrap().status(), 201);
}

#[tokio::test]
async fn drop_fault_cuts_before_or_after_the_effect() {
    let service = TestService::plain().await;
    fault(&service, FaultAction::DropBefore);
    assert!(create(&service, "x").await.is_err());
    assert_eq!(products(&service), 0);
    fault(&service, FaultAction::DropAfter);
    assert!(create(&service, "x").await.is_err());
    assert_eq!(products(&service), 1);
    let entry = service
        .sandbox
        .control()
        .requests()
        .into_iter()
        .rfind(|entry| entry.operation == "create_product")
        .unwrap();
    assert_eq!((entry.status, entry.fault.as_deref()), (None, Some("drop_after")));
}

#[tokio::test]
async fn late_fault_takes_effect_after_client_timeout() {
    let service = TestService::plain().await;
    let hour = Duration::from_secs(3600);
    fault(&service, FaultAction::Late { ms: 3_600_000, cut: false });
    let request = service
        .http
        .post(service.url("products"))
        .bearer_auth(&service.token)
        .json(&new_product("late"))
        .timeout(hour / 2)
        .send();
    let waiting = tokio::spawn(request);
    until("the request", async || service.sandbox.control().count("create_product") == 1).await;
    // The test decides when the client gives up and when the request takes effect.
    advance_delays(hour / 2).await;
    until("the timeout", async || waiting.is_finished()).await;
    assert!(waiting.await.unwrap().unwrap_err().is_timeout());
    assert_eq!(products(&service), 0);
    advance_delays(hour).await;
    until("the product", async || products(&service) == 1).await;
}

#[tokio::test]
async fn delay_truncate_and_garbage_faults_change_the_response() {
    let service = TestService::plain().await;
    fault(&service, FaultAction::Delay { ms: 150 });
    let started = std::time::Instant::now();
    assert_eq!(create(&service, "x").await.unwrap().status(), 201);
    assert!(started.elapsed() >= Duration::from_millis(150));
    fault(&service, FaultAction::Truncate);
    let answer = create(&service, "x").await.unwrap();
    assert_eq!(answer.status(), 201);
    assert!(answer.bytes().await.is_err());
    fault(&service, FaultAction::Garbage);
    let answer = create(&service, "x").await.unwrap();
    assert!(serde_json::from_slice::<Value>(&answer.bytes().await.unwrap()).is_err());
    assert_eq!(products(&service), 3);
}

#[tokio::test]
async fn truncate_fault_breaks_a_download() {
    let service = TestService::plain().await;
    let (pid, sid) = service.signed(cab()).await;
    let sub = service.get(&format!("products/{pid}/submissions/{sid}")).await;
    let url = download(&sub, "signedPackage").unwrap();
    service.sandbox.control().fault(Fault::on("blob", FaultAction::Truncate).method("GET")).unwrap();
    assert!(service.http.get(&url).send().await.unwrap().bytes().await.is_err());
    assert!(service.http.get(&url).send().await.unwrap().bytes().await.is_ok());
}

#[tokio::test]
async fn controls_work_over_http() {
    let service = TestService::plain().await;
    let control = |path: &str| format!("{}/__sandbox/{path}", service.sandbox.base_url());
    let faults = json!([{"method": "POST", "path": "/v2.0/my/hardware/products", "nth": 2, "times": 2,
        "action": {"kind": "status", "status": 500, "body": "empty"}}]);
    assert_eq!(service.http.post(control("faults")).json(&faults).send().await.unwrap().status(), 204);
    let mut statuses = Vec::new();
    for _ in 0..4 {
        statuses.push(create(&service, "x").await.unwrap().status().as_u16());
    }
    assert_eq!(statuses, [201, 500, 500, 201]);
    let wrong = json!({"path": "/x", "action": {"kind": "explode"}});
    assert_eq!(service.http.post(control("faults")).json(&wrong).send().await.unwrap().status(), 400);
    let clock =
        service.http.post(control("clock")).json(&json!({"advance_seconds": 4000})).send().await.unwrap();
    assert_eq!(clock.status(), 204);
    assert_eq!(create(&service, "x").await.unwrap().status(), 401, "the token is an hour old");
    let state: Value = service.http.get(control("state")).send().await.unwrap().json().await.unwrap();
    assert_eq!(state["counts"]["products"], 2);
    assert!(state["products"][0]["id"].is_string());
    let requests: Value = service.http.get(control("requests")).send().await.unwrap().json().await.unwrap();
    let text = requests.to_string();
    assert!(!text.contains("hush") && !text.contains(&service.token), "{text}");
    let entry =
        requests.as_array().unwrap().iter().find(|held| held["operation"] == "create_product").unwrap();
    assert_eq!((&entry["body"]["productName"], &entry["status"]), (&json!("x"), &json!(201)));
    assert_eq!(entry["headers"]["authorization"], "Bearer ***");
    assert_eq!(service.http.post(control("reset")).send().await.unwrap().status(), 204);
    assert_eq!(products(&service), 0);
}

#[tokio::test]
async fn stopped_sandbox_refuses_connections() {
    let service = TestService::plain().await;
    let url = service.url("products");
    service.sandbox.shutdown().await;
    assert!(service.http.get(url).send().await.unwrap_err().is_connect());
}

#[tokio::test]
async fn stopped_sandbox_ends_hanging_requests() {
    let service = TestService::plain().await;
    fault(&service, FaultAction::Hang);
    let request =
        service.http.post(service.url("products")).bearer_auth(&service.token).json(&new_product("x")).send();
    let waiting = tokio::spawn(request);
    until("the request", async || service.sandbox.control().count("create_product") == 1).await;
    service.sandbox.shutdown().await;
    let ended = tokio::time::timeout(TIME_LIMIT, waiting).await.unwrap().unwrap();
    assert!(ended.unwrap_err().is_request());
}
