//! The log of received requests and their responses, without secrets.

use std::collections::VecDeque;

use axum::http::HeaderMap;
use serde_json::{Map, Value, json};

/// Maximum number of requests to keep.
const MAX_ENTRIES: usize = 20_000;

/// Headers that are logged with their value.
const SHOWN: &[&str] = &[
    "accept",
    "content-encoding",
    "content-length",
    "content-md5",
    "content-type",
    "host",
    "if-match",
    "if-none-match",
    "metadata",
    "ms-correlationid",
    "ms-requestid",
    "range",
    "transfer-encoding",
    "user-agent",
    "x-ms-blob-type",
    "x-ms-content-crc64",
    "x-ms-range",
    "x-ms-version",
];

/// A received request.
#[derive(Debug, Clone)]
pub struct RequestEntry {
    /// Its number, from 1.
    pub number: u64,
    /// Time of receipt.
    pub at: jiff::Timestamp,
    /// Its method.
    pub method: String,
    /// Its path.
    pub path: String,
    /// Its query, signatures masked.
    pub query: String,
    /// Operation, such as `create_product`.
    pub operation: &'static str,
    /// Selected headers; of `authorization` only the scheme.
    pub headers: Map<String, Value>,
    /// JSON or form body with secrets masked; null for uploads.
    pub body: Value,
    /// Status of the response; `None` before the response, or if the connection was cut.
    pub status: Option<u16>,
    /// The fault that was applied.
    pub fault: Option<String>,
}

impl RequestEntry {
    /// As JSON.
    #[must_use]
    pub fn to_json(&self) -> Value {
        json!({
            "number": self.number, "at": self.at.to_string(), "method": self.method, "path": self.path,
            "query": self.query, "operation": self.operation, "headers": self.headers, "body": self.body,
            "status": self.status, "fault": self.fault,
        })
    }
}

/// The received requests; the oldest are dropped first.
#[derive(Debug, Default)]
pub(crate) struct RequestLog {
    entries: VecDeque<RequestEntry>,
    next: u64,
}

impl RequestLog {
    /// Logs a request and returns its number.
    pub(crate) fn begin(&mut self, mut entry: RequestEntry) -> u64 {
        self.next += 1;
        entry.number = self.next;
        if self.entries.len() >= MAX_ENTRIES {
            self.entries.pop_front();
        }
        self.entries.push_back(entry);
        self.next
    }

    /// Changes the entry of a request.
    pub(crate) fn update(&mut self, number: u64, change: impl FnOnce(&mut RequestEntry)) {
        if let Some(entry) = self.entries.iter_mut().rev().find(|entry| entry.number == number) {
            change(entry);
        }
    }

    pub(crate) fn entries(&self) -> impl Iterator<Item = &RequestEntry> {
        self.entries.iter()
    }
}

/// The headers of a request to log.
pub(crate) fn headers_of_interest(headers: &HeaderMap) -> Map<String, Value> {
    let mut shown = Map::new();
    for name in SHOWN {
        if let Some(value) = headers.get(*name) {
            shown.insert((*name).to_owned(), json!(String::from_utf8_lossy(value.as_bytes())));
        }
    }
    if let Some(value) = headers.get("authorization") {
        let text = value.to_str().unwrap_or_default();
        let scheme = text.split_once(' ').map_or("(no scheme)", |(scheme, _)| scheme);
        shown.insert("authorization".to_owned(), json!(format!("{scheme} ***")));
    }
    shown
}

/// A query without signatures.
pub(crate) fn masked_query(query: &str) -> String {
    let parts = query.split('&').map(|part| match part.split_once('=') {
        Some((key, _)) if key.eq_ignore_ascii_case("sig") => format!("{key}=***"),
        _ => part.to_owned(),
    });
    parts.collect::<Vec<_>>().join("&")
}

/// A form as JSON, without secrets.
pub(crate) fn masked_form(body: &[u8]) -> Value {
    let fields = url::form_urlencoded::parse(body).map(|(key, value)| {
        let secret =
            matches!(key.as_ref(), "client_secret" | "client_assertion" | "password" | "refresh_token");
        (key.into_owned(), if secret { json!("***") } else { json!(value) })
    });
    Value::Object(fields.collect())
}
