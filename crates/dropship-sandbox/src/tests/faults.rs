//! Faults, and the controls over HTTP.

use super::*;
use crate::{Action, Fault, FaultBody};

async fn create(rig: &Rig, name: &str) -> Result<Response, reqwest::Error> {
    rig.http.post(rig.url("products")).bearer_auth(&rig.token).json(&new_product(name)).send().await
}

fn products(rig: &Rig) -> u64 {
    rig.sandbox.control().state()["counts"]["products"].as_u64().unwrap()
}

fn fault(rig: &Rig, action: Action) {
    rig.sandbox.control().fault(Fault::on("create_product", action)).unwrap();
}

#[tokio::test]
async fn statuses_come_with_bodies_of_every_form() {
    let rig = Rig::plain().await;
    for (form, holds) in [
        (FaultBody::Json, "\"error\""),
        (FaultBody::Gateway, "\"statusCode\":503"),
        (FaultBody::Text, "unavailable"),
        (FaultBody::Empty, ""),
        (FaultBody::Html, "<HTML>"),
    ] {
        fault(&rig, Action::status_with(503, form));
        let answer = create(&rig, "x").await.unwrap();
        assert_eq!(answer.status(), 503);
        assert!(answer.text().await.unwrap().contains(holds));
    }
    fault(&rig, Action::retry_after(429, "Wed, 21 Oct 2099 07:28:00 GMT"));
    assert_eq!(create(&rig, "x").await.unwrap().headers()["retry-after"], "Wed, 21 Oct 2099 07:28:00 GMT");
    assert_eq!(products(&rig), 0);
    assert_eq!(create(&rig, "x").await.unwrap().status(), 201);
}

#[tokio::test]
async fn connections_are_cut_before_or_after_the_effect() {
    let rig = Rig::plain().await;
    fault(&rig, Action::DropBefore);
    assert!(create(&rig, "x").await.is_err());
    assert_eq!(products(&rig), 0);
    fault(&rig, Action::DropAfter);
    assert!(create(&rig, "x").await.is_err());
    assert_eq!(products(&rig), 1);
    let cut = rig
        .sandbox
        .control()
        .requests()
        .into_iter()
        .rfind(|entry| entry.operation == "create_product")
        .unwrap();
    assert_eq!((cut.status, cut.fault.as_deref()), (None, Some("drop_after")));
}

#[tokio::test]
async fn a_late_create_is_carried_out_after_the_client_has_gone() {
    let rig = Rig::plain().await;
    fault(&rig, Action::Late { ms: 1500, cut: false });
    let request = rig.http.post(rig.url("products")).bearer_auth(&rig.token).json(&new_product("late"));
    assert!(request.timeout(Duration::from_millis(700)).send().await.unwrap_err().is_timeout());
    assert_eq!(products(&rig), 0);
    let deadline = std::time::Instant::now() + Duration::from_secs(10);
    while products(&rig) == 0 {
        assert!(std::time::Instant::now() < deadline);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn answers_are_late_broken_or_nonsense() {
    let rig = Rig::plain().await;
    fault(&rig, Action::Delay { ms: 150 });
    let begun = std::time::Instant::now();
    assert_eq!(create(&rig, "x").await.unwrap().status(), 201);
    assert!(begun.elapsed() >= Duration::from_millis(150));
    fault(&rig, Action::Truncate);
    let answer = create(&rig, "x").await.unwrap();
    assert_eq!(answer.status(), 201);
    assert!(answer.bytes().await.is_err());
    fault(&rig, Action::Garbage);
    let answer = create(&rig, "x").await.unwrap();
    assert!(serde_json::from_slice::<Value>(&answer.bytes().await.unwrap()).is_err());
    assert_eq!(products(&rig), 3);
}

#[tokio::test]
async fn a_download_breaks_half_way() {
    let rig = Rig::plain().await;
    let (pid, sid) = rig.signed(cab()).await;
    let sub = rig.get(&format!("products/{pid}/submissions/{sid}")).await;
    let url = download(&sub, "signedPackage").unwrap();
    rig.sandbox.control().fault(Fault::on("blob", Action::Truncate).method("GET")).unwrap();
    assert!(rig.http.get(&url).send().await.unwrap().bytes().await.is_err());
    assert!(rig.http.get(&url).send().await.unwrap().bytes().await.is_ok());
}

#[tokio::test]
async fn the_controls_work_over_http() {
    let rig = Rig::plain().await;
    let control = |path: &str| format!("{}/__sandbox/{path}", rig.sandbox.base_url());
    let faults = json!([{"method": "POST", "path": "/v2.0/my/hardware/products", "nth": 2, "times": 2,
        "action": {"kind": "status", "status": 500, "body": "empty"}}]);
    assert_eq!(rig.http.post(control("faults")).json(&faults).send().await.unwrap().status(), 204);
    let mut statuses = Vec::new();
    for _ in 0..4 {
        statuses.push(create(&rig, "x").await.unwrap().status().as_u16());
    }
    assert_eq!(statuses, [201, 500, 500, 201]);
    let wrong = json!({"path": "/x", "action": {"kind": "explode"}});
    assert_eq!(rig.http.post(control("faults")).json(&wrong).send().await.unwrap().status(), 400);
    let clock = rig.http.post(control("clock")).json(&json!({"advance_seconds": 4000})).send().await.unwrap();
    assert_eq!(clock.status(), 204);
    assert_eq!(create(&rig, "x").await.unwrap().status(), 401, "the token is an hour old");
    let state: Value = rig.http.get(control("state")).send().await.unwrap().json().await.unwrap();
    assert_eq!(state["counts"]["products"], 2);
    assert!(state["products"][0]["id"].is_string());
    let requests: Value = rig.http.get(control("requests")).send().await.unwrap().json().await.unwrap();
    let text = requests.to_string();
    assert!(!text.contains("hush") && !text.contains(&rig.token), "{text}");
    let made =
        requests.as_array().unwrap().iter().find(|held| held["operation"] == "create_product").unwrap();
    assert_eq!((&made["body"]["productName"], &made["status"]), (&json!("x"), &json!(201)));
    assert_eq!(made["headers"]["authorization"], "Bearer ***");
    assert_eq!(rig.http.post(control("reset")).send().await.unwrap().status(), 204);
    assert_eq!(products(&rig), 0);
}

#[tokio::test]
async fn a_stopped_sandbox_is_gone() {
    let rig = Rig::plain().await;
    let url = rig.url("products");
    rig.sandbox.shutdown().await;
    assert!(rig.http.get(url).send().await.unwrap_err().is_connect());
}

#[tokio::test]
async fn a_stopped_sandbox_lets_go_of_whom_it_kept_waiting() {
    let rig = Rig::plain().await;
    fault(&rig, Action::Hang);
    let request = rig.http.post(rig.url("products")).bearer_auth(&rig.token).json(&new_product("x")).send();
    let waiting = tokio::spawn(request);
    let deadline = std::time::Instant::now() + Duration::from_secs(10);
    while rig.sandbox.control().count("create_product") == 0 {
        assert!(std::time::Instant::now() < deadline);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    rig.sandbox.shutdown().await;
    let ended = tokio::time::timeout(Duration::from_secs(5), waiting).await.unwrap().unwrap();
    assert!(ended.unwrap_err().is_request());
}
