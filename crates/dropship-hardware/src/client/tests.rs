use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use serde_json::{Value, json};

use crate::testing::{ReceivedRequest, Reply, TestServer};
use crate::*;

mod documented;
mod samples;

const PRODUCT: ProductId = ProductId(14_631_253_285_588_838);
const SUBMISSION: SubmissionId = SubmissionId(1_152_921_504_621_465_124);
const LABEL: LabelId = LabelId(1_152_921_504_606_978_422);

fn new_product() -> NewProduct {
    serde_json::from_value(json!({
        "productName": "p", "testHarness": "attestation", "deviceType": "internal",
        "requestedSignatures": ["WINDOWS_v100_X64_CO_FULL"]
    }))
    .expect("product")
}

fn new_submission() -> NewSubmission {
    NewSubmission { name: "s".into(), kind: SubmissionKind::Initial }
}

/// The responses of a server in turn; the last one is repeated.
async fn in_turn(replies: Vec<Reply>) -> TestServer {
    let count = AtomicUsize::new(0);
    TestServer::start(move |_| {
        let at = count.fetch_add(1, Ordering::SeqCst).min(replies.len() - 1);
        replies[at].clone()
    })
    .await
}

fn product_json() -> Value {
    json!({"id": PRODUCT.0, "productName": "p"})
}

#[tokio::test]
async fn create_is_sent_once_under_any_fault() {
    let cases = [
        (Reply::Drop, Recovery::Reconcile, Execution::Unknown),
        (Reply::empty(500), Recovery::Reconcile, Execution::Unknown),
        (Reply::empty(502), Recovery::Reconcile, Execution::Unknown),
        (Reply::empty(503), Recovery::Reconcile, Execution::Unknown),
        (Reply::Cut(201, vec![], 500, b"{\"id\":".to_vec()), Recovery::Reconcile, Execution::Unknown),
        (Reply::Answer(201, vec![], b"<html>garbage".to_vec()), Recovery::Reconcile, Execution::Unknown),
        (Reply::empty(201), Recovery::Reconcile, Execution::Unknown),
        (Reply::empty(429).with("Retry-After", "0"), Recovery::Retry, Execution::Rejected),
        (Reply::empty(400), Recovery::Permanent, Execution::Rejected),
        (Reply::empty(403), Recovery::Permission, Execution::Rejected),
        (Reply::empty(404), Recovery::Permanent, Execution::Rejected),
        (Reply::empty(411), Recovery::Permanent, Execution::Rejected),
        (Reply::empty(415), Recovery::Permanent, Execution::Rejected),
        (Reply::empty(422), Recovery::Permanent, Execution::Rejected),
        (Reply::empty(302).with("Location", "/elsewhere"), Recovery::Permanent, Execution::Unknown),
    ];
    for (reply, recovery, execution) in cases {
        let server = in_turn(vec![reply.clone()]).await;
        let error = server.client().create_product(&new_product()).await.expect_err("no product");
        assert_eq!((error.recovery, error.execution), (recovery, execution), "{reply:?}: {error}");
        assert_eq!(error.operation, "create product");
        let requests = server.requests();
        assert_eq!(requests.len(), 1, "{reply:?}");
        assert_eq!(requests[0].header("ms-requestid"), Some(error.request_id.as_str()));
        assert_eq!(requests[0].header("ms-correlationid"), Some(error.correlation_id.as_str()));
    }
}

#[tokio::test]
async fn nothing_was_sent_when_nobody_listens() {
    let gone = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        format!("http://{}", listener.local_addr().expect("address"))
    };
    let server = in_turn(vec![Reply::empty(500)]).await;
    let mut settings = server.settings();
    settings.endpoint = gone.parse().expect("url");
    let client = Client::new(settings.clone()).expect("client");
    let error = client.create_product(&new_product()).await.expect_err("no server");
    assert_eq!((error.recovery, error.execution), (Recovery::Retry, Execution::NotSent), "{error}");
    assert!(error.to_string().contains("cannot be reached"), "{error}");

    settings.endpoint = server.base.clone();
    settings.authority = gone.parse().expect("url");
    let client = Client::new(settings).expect("client");
    let error = client.create_product(&new_product()).await.expect_err("no token");
    assert_eq!((error.recovery, error.execution), (Recovery::Retry, Execution::NotSent), "{error}");
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn creates_use_connections_of_their_own() {
    let server = in_turn(vec![Reply::json(201, &product_json())]).await;
    let client = server.client();
    for _ in 0..3 {
        client.create_product(&new_product()).await.expect("created");
        client.product(PRODUCT).await.expect("read");
    }
    let on = |method: &str| -> Vec<_> {
        server
            .requests()
            .iter()
            .filter(|request| request.method == method)
            .map(|request| request.connection)
            .collect()
    };
    let (mut posts, mut gets) = (on("POST"), on("GET"));
    posts.dedup();
    gets.dedup();
    assert_eq!((posts.len(), gets.len()), (3, 1), "{posts:?} {gets:?}");
}

#[tokio::test]
async fn read_is_repeated_after_passing_errors() {
    let server = in_turn(vec![
        Reply::empty(500),
        Reply::Drop,
        Reply::Answer(200, vec![], b"garbage".to_vec()),
        Reply::empty(429).with("Retry-After", "0"),
        Reply::Cut(200, vec![], 99, b"{".to_vec()),
        Reply::empty(200),
        Reply::json(200, &json!({"value": [product_json()]})),
    ])
    .await;
    assert_eq!(server.client().product(PRODUCT).await.expect("at last").id, PRODUCT);
    assert_eq!(server.requests().len(), 7);
}

#[tokio::test]
async fn read_that_keeps_failing_ends_with_an_error() {
    let server =
        in_turn(vec![Reply::json(500, &json!({"statusCode": 500, "message": "Internal server error"}))])
            .await;
    let error = server.client().product(PRODUCT).await.expect_err("never");
    assert_eq!((error.recovery, error.execution), (Recovery::Retry, Execution::Unknown));
    assert_eq!(error.message, "Internal server error");
    assert_eq!(server.requests().len(), 7);
}

#[tokio::test]
async fn expired_token_is_renewed_once_for_creates_too() {
    let server = TestServer::without_tokens({
        let tokens = AtomicUsize::new(0);
        move |request| {
            if request.target.contains("oauth2") {
                return Reply::token(&format!("t{}", tokens.fetch_add(1, Ordering::SeqCst)));
            }
            match request.header("authorization") {
                Some("Bearer t1") => Reply::json(201, &product_json()),
                _ => Reply::empty(401),
            }
        }
    })
    .await;
    server.client().create_product(&new_product()).await.expect("with the second token");
    assert_eq!((server.tokens(), server.requests().len()), (2, 2));

    let server = in_turn(vec![Reply::empty(401)]).await;
    let error = server.client().product(PRODUCT).await.expect_err("never");
    assert_eq!((error.recovery, error.execution), (Recovery::Credentials, Execution::Rejected));
    assert_eq!((server.tokens(), server.requests().len()), (2, 2), "no endless 401s");
    assert!(error.to_string().contains("associated with the account"), "{error}");
}

#[tokio::test]
async fn errors_speak_to_people_and_to_support() {
    let body = json!({"error": {"code": "invalidInput", "message": "Validation Failed.", "validationErrors": [
        {"target": "requestedSignatures", "message": "The OS code `WINDOWS_v100_X86_TH2_FULL` is invalid."}]}});
    let server = in_turn(vec![Reply::json(422, &body).with("X-Ms-Request-Id", "theirs")]).await;
    let error = server.client().create_product(&new_product()).await.expect_err("invalid");
    assert!(error.has_code("InvalidInput"));
    assert_eq!(error.trace, [("x-ms-request-id".to_owned(), "theirs".to_owned())]);
    assert_eq!(
        error.to_string(),
        format!(
            "cannot create product: 422 invalidInput: Validation Failed.; requestedSignatures: The OS code \
             `WINDOWS_v100_X86_TH2_FULL` is invalid. [request {}]",
            error.request_id
        )
    );
    let server = in_turn(vec![Reply::empty(403)]).await;
    let error = server.client().create_product(&new_product()).await.expect_err("no role");
    assert!(error.to_string().contains("Driver Submitter"), "{error}");
    let server = in_turn(vec![Reply::empty(503)]).await;
    let error = server.client().create_product(&new_product()).await.expect_err("no role");
    assert!(error.to_string().contains("if this lasts"), "{error}");
}

#[tokio::test]
async fn update_without_changes_is_not_sent() {
    let server = in_turn(vec![Reply::empty(204)]).await;
    let error = server
        .client()
        .update_label(PRODUCT, SUBMISSION, LABEL, &LabelUpdate::default())
        .await
        .expect_err("nothing to do");
    assert_eq!((error.recovery, error.execution), (Recovery::Permanent, Execution::NotSent));
    assert!(server.all_requests().is_empty());
}

#[tokio::test]
async fn closed_gate_stops_each_call_that_changes_something_and_no_other() {
    let server = in_turn(vec![Reply::json(200, &product_json())]).await;
    let is_open = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let of_gate = std::sync::Arc::clone(&is_open);
    let gate = ChangeGate::new(move || of_gate.load(Ordering::SeqCst));
    let client = Client::new(Settings { gate, ..server.settings() }).expect("client");
    let stopped = [
        client.create_product(&new_product()).await.map(drop),
        client.create_submission(PRODUCT, &new_submission()).await.map(drop),
        client.commit(PRODUCT, SUBMISSION).await,
        client.cancel_label(PRODUCT, SUBMISSION, LABEL).await,
    ];
    for stopped in stopped {
        let error = stopped.expect_err("the gate is closed");
        assert_eq!((error.recovery, error.execution), (Recovery::Retry, Execution::NotSent), "{error}");
    }
    assert!(server.requests().is_empty(), "{:?}", server.requests());
    client.product(PRODUCT).await.expect("it only reads");
    is_open.store(true, Ordering::SeqCst);
    client.create_product(&new_product()).await.expect("the gate is open");
    assert_eq!(server.requests().len(), 2);
}

#[tokio::test]
async fn pause_of_the_service_applies_to_all_calls() {
    let server =
        in_turn(vec![Reply::empty(503).with("Retry-After", "1"), Reply::json(200, &product_json())]).await;
    let client = server.client();
    let start = std::time::Instant::now();
    client.create_product(&new_product()).await.expect_err("unavailable");
    client.product(PRODUCT).await.expect("after the pause");
    assert!(start.elapsed() >= Duration::from_secs(1));
}

#[test]
fn plain_http_is_for_loopback_alone() {
    let base = |endpoint: &str| {
        let endpoint = endpoint.parse().expect("url");
        let secret = Credential::Secret(SecretSource::fixed(dropship_redact::SecretString::from("x")));
        let authority = settings::AUTHORITY.parse().expect("url");
        Client::new(Settings::new(endpoint, authority, "t", "c", secret)).map(drop)
    };
    base("https://manage.devcenter.microsoft.com").expect("the service");
    base("http://localhost:8080").expect("loopback");
    base("http://[::1]:8080").expect("loopback");
    assert!(matches!(base("http://manage.devcenter.microsoft.com"), Err(BuildError::PlainHttp { .. })));
    assert!(matches!(base("file:///x"), Err(BuildError::NotAWebAddress { .. })));
}

#[tokio::test]
async fn loopback_is_never_proxied() {
    let server = TestServer::start(|request| match request.method.as_str() {
        "CONNECT" => Reply::empty(502),
        _ => Reply::json(200, &product_json()),
    })
    .await;
    let mut settings = server.settings();
    settings.proxy = Some("http://127.0.0.1:9".parse().expect("url"));
    let client = Client::new(settings.clone()).expect("client");
    client.product(PRODUCT).await.expect("directly");

    // Everything else is.
    settings.proxy = Some(server.base.clone());
    settings.endpoint = "https://manage.devcenter.microsoft.com".parse().expect("url");
    let client = Client::new(settings).expect("client");
    client.create_product(&new_product()).await.expect_err("our proxy is none");
    let last = server.requests().pop().expect("a request");
    assert_eq!(
        (last.method.as_str(), last.target.as_str()),
        ("CONNECT", "manage.devcenter.microsoft.com:443")
    );
    assert_eq!(last.header("authorization"), None);
}

#[tokio::test]
async fn pause_that_an_earlier_client_was_asked_for_is_kept_and_reported() {
    let server = in_turn(vec![Reply::empty(429).with("Retry-After", "30")]).await;
    let learnt = Arc::new(Mutex::new(None));
    let note = Arc::clone(&learnt);
    let mut settings = server.settings();
    settings.limit_memory = LimitMemory::new(None, move |limit| *note.lock() = limit);
    let client = Client::new(settings).expect("client");
    client.create_product(&new_product()).await.expect_err("throttled");
    let limit = learnt.lock().expect("a limit");
    assert!(limit.per_second > 0.0, "{limit:?}");

    let mut settings = server.settings();
    settings.limit_memory = LimitMemory::new(Some(limit), |_| ());
    let next = Client::new(settings).expect("client");
    let Availability::Throttled { until, .. } = next.availability() else {
        panic!("the pause is not reported")
    };
    let latest = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(30);
    assert!((limit.resume_at..=latest).contains(&until), "{until} instead of {}", limit.resume_at);
    let sent = server.requests().len();
    let product = new_product();
    let call = next.create_product(&product);
    assert!(tokio::time::timeout(Duration::from_millis(300), call).await.is_err(), "the call waits");
    let later =
        server.requests().into_iter().skip(sent).filter(|request| request.target.contains("/products"));
    assert_eq!(later.count(), 0, "nothing is sent in the pause");
}

#[tokio::test]
async fn correlation_id_is_valid_in_a_header() {
    let server = in_turn(vec![Reply::json(200, &product_json())]).await;
    server.client().with_correlation("job \n7\u{fc}").product(PRODUCT).await.expect("sent");
    assert_eq!(server.requests()[0].header("ms-correlationid"), Some("job7"));
}

#[test]
fn futures_of_the_client_can_be_spawned() {
    fn sendable<T: Send>(_: T) {}
    fn check(
        client: &Client,
        url: &dropship_redact::SafeUrl,
        path: &std::path::Path,
        progress: &(dyn Fn(u64) + Send + Sync),
    ) {
        sendable(client.upload(url, path, progress));
        sendable(client.download(url, path, progress));
        sendable(client.products().all());
        sendable(client.commit(PRODUCT, SUBMISSION));
    }
    let _: fn(&Client, &dropship_redact::SafeUrl, &std::path::Path, &(dyn Fn(u64) + Send + Sync)) = check;
}
