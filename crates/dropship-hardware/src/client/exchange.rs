//! One request and its answer.

use std::time::Duration;

use bytes::Bytes;
use reqwest::RequestBuilder;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderValue};
use url::Url;

use crate::auth::Bearer;
use crate::body;
use crate::error::{Classification, Error, Execution, Recovery, classify, read_body};
use crate::html;
use crate::http::explain;
use crate::retry_after;

use super::call::{ApiResponse, Call, CallBody, CallQuery};
use super::core::Client;

/// Maximum length of a response, in bytes.
const MAX_LENGTH: usize = 8 << 20;
/// Maximum time to send a file.
const FILE: Duration = Duration::from_secs(3600);

impl Client {
    /// Sends the request and reads the answer; an answer that is no success is an error.
    pub(super) async fn exchange(
        &self,
        call: &Call,
        bearer: &Bearer,
        request_id: &str,
    ) -> Result<ApiResponse, Error> {
        let mark = |error: Error| error.with_request(&self.correlation, request_id);
        let http = if call.is_repeatable { &self.shared.http.calls } else { &self.shared.http.unpooled };
        let request = http
            .request(call.method.clone(), self.url(call))
            .header(AUTHORIZATION, bearer.header.clone())
            .header(ACCEPT, "application/json")
            .header("MS-CorrelationId", &*self.correlation)
            .header("MS-RequestId", request_id);
        let request = with_body(request, call).await?;
        let answer = request.send().await.map_err(|error| mark(lost(call, error, None)))?;
        let status = answer.status();
        let headers = answer.headers().clone();
        self.shared.clock.measure(&headers);
        if !status.is_success() {
            return Err(mark(refusal(call, status, &headers, &body::start(answer).await)));
        }
        let body = body::read_all(answer, MAX_LENGTH).await.map_err(|broken| {
            mark(match broken {
                Some(error) => lost(call, error, Some(status.as_u16())),
                None => {
                    let why = "the response is longer than 8 MiB".to_owned();
                    uncertain(call, Some(status.as_u16()), why)
                }
            })
        })?;
        if html::is_response(&headers, &body) && !body.is_empty() {
            return Err(mark(uncertain(
                call,
                Some(status.as_u16()),
                format!("a proxy or a sign-in page answered: {}", read_body(&body).message),
            )));
        }
        Ok(ApiResponse { status: status.as_u16(), body, request_id: request_id.to_owned() })
    }

    fn url(&self, call: &Call) -> Url {
        let mut url = self.shared.base.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.extend(&call.path);
        }
        if let CallQuery::Raw(query) = &call.query {
            url.set_query(Some(query));
        }
        url
    }
}

async fn with_body(request: RequestBuilder, call: &Call) -> Result<RequestBuilder, Error> {
    Ok(match &call.body {
        CallBody::None => request,
        CallBody::Empty => request
            .header(CONTENT_TYPE, "application/json")
            .header(CONTENT_LENGTH, HeaderValue::from_static("0"))
            .body(Bytes::new()),
        CallBody::Json(json) => request.header(CONTENT_TYPE, "application/json").body(json.clone()),
        CallBody::File(path, length) => {
            let file = tokio::fs::File::open(path).await.map_err(|error| {
                let message = format!("{} cannot be read: {error}", path.display());
                Error::not_sent(call.operation, Recovery::Permanent, message)
            })?;
            let stream = tokio_util::io::ReaderStream::with_capacity(file, 256 * 1024);
            request
                .header(CONTENT_TYPE, "application/octet-stream")
                .header(CONTENT_LENGTH, *length)
                .timeout(FILE)
                .body(reqwest::Body::wrap_stream(stream))
        }
    })
}

/// No response, or an incomplete one. Only a connection that was never established is certain to have sent nothing.
fn lost(call: &Call, error: reqwest::Error, status: Option<u16>) -> Error {
    let is_unsent = status.is_none() && (error.is_connect() || error.is_builder());
    let timeout = error.is_timeout();
    let why = explain(error);
    if is_unsent {
        return Error::not_sent(
            call.operation,
            Recovery::Retry,
            format!("the service cannot be reached: {why}"),
        );
    }
    let what = if timeout { "the service did not answer in time" } else { "the connection broke" };
    uncertain(call, status, format!("{what}: {why}"))
}

fn uncertain(call: &Call, status: Option<u16>, message: String) -> Error {
    let recovery = if call.is_repeatable { Recovery::Retry } else { Recovery::Reconcile };
    Error::new(call.operation, Execution::Unknown, recovery, message).with_status(status)
}

/// The error of a response without success.
fn refusal(call: &Call, status: reqwest::StatusCode, headers: &HeaderMap, body: &[u8]) -> Error {
    let error_body = read_body(body);
    let Classification { recovery, execution } = classify(status.as_u16(), &error_body, call.is_repeatable);
    let message = error_body.described(status.as_u16());
    let message = match message.is_empty() {
        false => message,
        true if status.is_redirection() => {
            "the service answered with a redirect, which is never followed".to_owned()
        }
        true => status.canonical_reason().unwrap_or("the service gave no reason").to_owned(),
    };
    Error::new(call.operation, execution, recovery, message)
        .with_status(status.as_u16())
        .with_code(error_body.code)
        .with_validation(error_body.validation)
        .with_retry_after(retry_after::read(headers))
        .with_trace(trace(headers))
}

/// The service's own ids of a call. The names of the headers are not documented, so any that looks like an id is taken.
fn trace(headers: &HeaderMap) -> Vec<(String, String)> {
    let is_id =
        |name: &str| ["request", "correlation", "trace", "activity"].iter().any(|part| name.contains(part));
    headers
        .iter()
        .filter(|(name, _)| is_id(name.as_str()))
        .filter_map(|(name, value)| Some((name.to_string(), dropship_redact::mask(value.to_str().ok()?))))
        .take(8)
        .collect()
}
