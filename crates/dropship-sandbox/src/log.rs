//! What was asked and what was answered, without anything that grants access.

use std::collections::VecDeque;

use axum::http::HeaderMap;
use serde_json::{Map, Value, json};

/// How many requests are remembered.
const KEPT: usize = 20_000;

/// The headers that are worth remembering as they are.
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

/// One request.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Its number, from 1.
    pub number: u64,
    /// When it came.
    pub at: jiff::Timestamp,
    /// Its method.
    pub method: String,
    /// Its path.
    pub path: String,
    /// Its query, signatures masked.
    pub query: String,
    /// What it asked for, such as `create_product`.
    pub operation: &'static str,
    /// Headers of interest; of `authorization` the scheme alone.
    pub headers: Map<String, Value>,
    /// The JSON or form that it carried, secrets masked; null for blobs.
    pub body: Value,
    /// The status of the answer; `None` while there is none, or where the connection was cut.
    pub status: Option<u16>,
    /// The fault that it met.
    pub fault: Option<String>,
}

impl Entry {
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

/// The requests so far; the oldest are forgotten first.
#[derive(Debug, Default)]
pub(super) struct Log {
    entries: VecDeque<Entry>,
    next: u64,
}

impl Log {
    /// Notes a request and gives its number.
    pub(super) fn begin(&mut self, mut entry: Entry) -> u64 {
        self.next += 1;
        entry.number = self.next;
        if self.entries.len() >= KEPT {
            self.entries.pop_front();
        }
        self.entries.push_back(entry);
        self.next
    }

    /// Changes what was noted of a request.
    pub(super) fn amend(&mut self, number: u64, change: impl FnOnce(&mut Entry)) {
        if let Some(entry) = self.entries.iter_mut().rev().find(|entry| entry.number == number) {
            change(entry);
        }
    }

    pub(super) fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter()
    }
}

/// The headers of a request that may be remembered.
pub(super) fn headers_of_interest(headers: &HeaderMap) -> Map<String, Value> {
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
pub(super) fn masked_query(query: &str) -> String {
    let parts = query.split('&').map(|part| match part.split_once('=') {
        Some((key, _)) if key.eq_ignore_ascii_case("sig") => format!("{key}=***"),
        _ => part.to_owned(),
    });
    parts.collect::<Vec<_>>().join("&")
}

/// A form as JSON, without secrets.
pub(super) fn masked_form(body: &[u8]) -> Value {
    let fields = url::form_urlencoded::parse(body).map(|(key, value)| {
        let secret =
            matches!(key.as_ref(), "client_secret" | "client_assertion" | "password" | "refresh_token");
        (key.into_owned(), if secret { json!("***") } else { json!(value) })
    });
    Value::Object(fields.collect())
}
