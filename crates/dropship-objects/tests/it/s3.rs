//! A double of S3, after "Amazon S3 API Reference": the operations that dropship uses, on one bucket, with path-style addresses.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use sha2::{Digest as _, Sha256};

/// The bucket that exists.
pub(crate) const BUCKET: &str = "captured";
/// The key id that is accepted.
pub(crate) const KEY_ID: &str = "AKIADOUBLEOFATEST";
/// Its secret.
pub(crate) const SECRET: &str = "zq-secret-of-the-double-8251";

/// Number of keys on a page of a list.
const PAGE: usize = 2;

/// A server on a thread of its own. It ends with the process.
#[derive(Clone)]
pub(crate) struct S3 {
    pub(crate) address: SocketAddr,
    content: Arc<Mutex<BucketContent>>,
}

#[derive(Default)]
struct BucketContent {
    objects: BTreeMap<String, Object>,
    uploads: BTreeMap<String, BTreeMap<u32, Vec<u8>>>,
    requests: Vec<String>,
    /// Answers 503 to everything.
    is_away: bool,
    /// What is written under names with this end is not answered.
    held: Option<&'static str>,
}

struct Object {
    bytes: Vec<u8>,
    written: Timestamp,
}

impl Object {
    fn new(bytes: Vec<u8>) -> Self {
        Self { bytes, written: Timestamp::now() }
    }
}

impl S3 {
    pub(crate) fn start() -> Self {
        let content = Arc::new(Mutex::new(BucketContent::default()));
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        listener.set_nonblocking(true).expect("non-blocking");
        let address = listener.local_addr().expect("an address");
        let router = Router::new().fallback(answer).with_state(Arc::clone(&content));
        std::thread::spawn(move || {
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async move {
                let listener = tokio::net::TcpListener::from_std(listener).expect("a listener");
                axum::serve(listener, router).await.expect("it serves");
            });
        });
        Self { address, content }
    }

    /// The settings that a client needs.
    pub(crate) fn settings(&self) -> String {
        format!(
            "AWS_ENDPOINT_URL=http://{}\nAWS_REGION=eu-central-1\nAWS_ACCESS_KEY_ID={KEY_ID}\nAWS_SECRET_ACCESS_KEY={SECRET}\n",
            self.address
        )
    }

    /// The requests so far, such as `PUT key`.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.content.lock().expect("unpoisoned").requests.clone()
    }

    pub(crate) fn set_away(&self, is_away: bool) {
        self.content.lock().expect("unpoisoned").is_away = is_away;
    }

    /// Answers nothing that is written under names with this end, until it is called with `None`.
    pub(crate) fn hold(&self, end: Option<&'static str>) {
        self.content.lock().expect("unpoisoned").held = end;
    }

    /// The bytes of an object.
    pub(crate) fn object(&self, key: &str) -> Option<Vec<u8>> {
        self.content.lock().expect("unpoisoned").objects.get(key).map(|object| object.bytes.clone())
    }

    /// The keys of all objects.
    pub(crate) fn keys(&self) -> Vec<String> {
        self.content.lock().expect("unpoisoned").objects.keys().cloned().collect()
    }

    /// Number of uploads in parts that are not completed.
    pub(crate) fn open_uploads(&self) -> usize {
        self.content.lock().expect("unpoisoned").uploads.len()
    }

    /// Changes an object as another program would.
    pub(crate) fn overwrite(&self, key: &str, bytes: &[u8]) {
        self.content.lock().expect("unpoisoned").objects.insert(key.to_owned(), Object::new(bytes.to_vec()));
    }

    /// Has all objects with this prefix be older by this time.
    pub(crate) fn age(&self, prefix: &str, by: Duration) {
        let mut content = self.content.lock().expect("unpoisoned");
        let found = content.objects.iter_mut().filter(|(key, _)| key.starts_with(prefix));
        found.for_each(|(_, object)| object.written -= by);
    }
}

async fn answer(State(content): State<Arc<Mutex<BucketContent>>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, 64 << 20).await.expect("a body").to_vec();
    let header =
        |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let path = parts.uri.path().trim_start_matches('/').to_owned();
    let query = parts.uri.query().unwrap_or_default().to_owned();
    content.lock().expect("unpoisoned").requests.push(format!("{} {path}", parts.method));
    let is_held = || content.lock().expect("unpoisoned").held.is_some_and(|end| path.ends_with(end));
    while parts.method == Method::PUT && is_held() {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let mut content = content.lock().expect("unpoisoned");
    if content.is_away {
        return error(StatusCode::SERVICE_UNAVAILABLE, "ServiceUnavailable");
    }
    let signed = header("authorization").starts_with(&format!("AWS4-HMAC-SHA256 Credential={KEY_ID}/"));
    if !signed {
        return error(StatusCode::FORBIDDEN, "AccessDenied");
    }
    let digest: String = Sha256::digest(&body).iter().map(|byte| format!("{byte:02x}")).collect();
    if header("x-amz-content-sha256") != digest {
        return error(StatusCode::BAD_REQUEST, "XAmzContentSHA256Mismatch");
    }
    let Some(key) = path.strip_prefix(BUCKET) else { return error(StatusCode::NOT_FOUND, "NoSuchBucket") };
    let key = key.trim_start_matches('/').to_owned();
    let parameter = |name: &str| {
        let pairs = url::form_urlencoded::parse(query.as_bytes());
        pairs.into_iter().find(|(found, _)| found == name).map(|(_, value)| value.into_owned())
    };
    if key.is_empty() {
        return list(&content, &parameter);
    }
    match (&parts.method, parameter("uploadId")) {
        (&Method::POST, None) if parameter("uploads").is_some() => {
            let id = format!("upload-{}", content.requests.len());
            content.uploads.insert(id.clone(), BTreeMap::new());
            xml(&format!(
                "<InitiateMultipartUploadResult><Bucket>{BUCKET}</Bucket><Key>{key}</Key><UploadId>{id}</UploadId></InitiateMultipartUploadResult>"
            ))
        }
        (&Method::PUT, Some(id)) => {
            let number = parameter("partNumber").and_then(|number| number.parse().ok()).expect("a number");
            let Some(upload) = content.uploads.get_mut(&id) else {
                return error(StatusCode::NOT_FOUND, "NoSuchUpload");
            };
            upload.insert(number, body);
            ([("etag", format!("\"{digest}\""))], "").into_response()
        }
        (&Method::POST, Some(id)) => {
            let Some(upload) = content.uploads.remove(&id) else {
                return error(StatusCode::NOT_FOUND, "NoSuchUpload");
            };
            content.objects.insert(key, Object::new(upload.into_values().flatten().collect()));
            xml("<CompleteMultipartUploadResult><ETag>\"done\"</ETag></CompleteMultipartUploadResult>")
        }
        (&Method::DELETE, Some(id)) => {
            content.uploads.remove(&id);
            StatusCode::NO_CONTENT.into_response()
        }
        (&Method::PUT, None) => {
            if header("if-none-match") == "*" && content.objects.contains_key(&key) {
                return error(StatusCode::PRECONDITION_FAILED, "PreconditionFailed");
            }
            let expected = header("if-match");
            if !expected.is_empty() {
                match content.objects.get(&key) {
                    None => return error(StatusCode::NOT_FOUND, "NoSuchKey"),
                    Some(object) if tag(&object.bytes) != expected => {
                        return error(StatusCode::PRECONDITION_FAILED, "PreconditionFailed");
                    }
                    Some(_) => {}
                }
            }
            content.objects.insert(key, Object::new(body));
            ([("etag", format!("\"{digest}\""))], "").into_response()
        }
        (&Method::DELETE, None) => {
            content.objects.remove(&key);
            StatusCode::NO_CONTENT.into_response()
        }
        (method, None) if matches!(*method, Method::GET | Method::HEAD) => match content.objects.get(&key) {
            None => error(StatusCode::NOT_FOUND, "NoSuchKey"),
            Some(Object { bytes, written }) => {
                let headers = [
                    ("etag", tag(bytes)),
                    ("last-modified", written.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()),
                    ("content-length", bytes.len().to_string()),
                ];
                let body = if *method == Method::HEAD { Body::empty() } else { Body::from(bytes.clone()) };
                (headers, body).into_response()
            }
        },
        _ => error(StatusCode::NOT_IMPLEMENTED, "NotImplemented"),
    }
}

/// The entity tag of an object.
fn tag(bytes: &[u8]) -> String {
    let digest: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("\"{digest}\"")
}

fn list(content: &BucketContent, parameter: &dyn Fn(&str) -> Option<String>) -> Response {
    let prefix = parameter("prefix").unwrap_or_default();
    let after = parameter("continuation-token").unwrap_or_default();
    let by_folder = parameter("delimiter").is_some();
    let entry = |key: &String| {
        let rest = key.strip_prefix(&*prefix)?;
        let folder = by_folder.then(|| rest.split_once('/')).flatten();
        Some(folder.map_or_else(|| key.clone(), |(folder, _)| format!("{prefix}{folder}/")))
    };
    let mut entries: Vec<_> =
        content.objects.keys().filter_map(entry).filter(|entry| *entry > after).collect();
    entries.dedup();
    let more = entries.len() > PAGE;
    entries.truncate(PAGE);
    let mut text = format!("<ListBucketResult><IsTruncated>{more}</IsTruncated>");
    if let Some(last) = entries.last().filter(|_| more) {
        text.push_str(&format!("<NextContinuationToken>{last}</NextContinuationToken>"));
    }
    for entry in &entries {
        match content.objects.get(entry) {
            Some(Object { bytes, written }) => text.push_str(&format!(
                "<Contents><Key>{entry}</Key><LastModified>{written:.3}</LastModified><ETag>\"etag\"</ETag><Size>{}</Size></Contents>",
                bytes.len()
            )),
            None => text.push_str(&format!("<CommonPrefixes><Prefix>{entry}</Prefix></CommonPrefixes>")),
        }
    }
    xml(&(text + "</ListBucketResult>"))
}

fn xml(text: &str) -> Response {
    ([("content-type", "application/xml")], format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>{text}"))
        .into_response()
}

fn error(status: StatusCode, code: &str) -> Response {
    (status, xml(&format!("<Error><Code>{code}</Code><Message>{code}</Message></Error>"))).into_response()
}
