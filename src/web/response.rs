//! The answers: pages, files and refusals.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use dropship_web::page::message::{self, MessageView};
use dropship_web::{Asset, PageFrame, document};

use super::refusal::RequestRefusal;
use dropship_engine::digest;

/// The media type of pages.
const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");

/// A page. A browser may keep it, and asks each time whether it has changed.
pub(super) fn page(html: String, request: &HeaderMap) -> Response {
    let tag = format!("\"{}\"", &digest::of(html.as_bytes())[..32]);
    tagged(html.into(), HTML, &tag, "private, no-cache", request)
}

/// A static file. Its address with a version never changes its content.
pub(super) fn asset(asset: Asset, is_versioned: bool, request: &HeaderMap) -> Response {
    let cache = if is_versioned { "public, max-age=31536000, immutable" } else { "public, no-cache" };
    let tag = format!("\"{:016x}\"", asset.version());
    let media = HeaderValue::from_static(asset.content_type());
    tagged(asset.body().into(), media, &tag, cache, request)
}

/// The answer with this tag, or 304 if the client has it.
fn tagged(body: Body, media: HeaderValue, tag: &str, cache: &'static str, request: &HeaderMap) -> Response {
    let client_tags = request.get_all(header::IF_NONE_MATCH).iter().filter_map(|tags| tags.to_str().ok());
    let client_tags = client_tags.flat_map(|tags| tags.split(',')).map(str::trim);
    let is_known =
        client_tags.map(|known| known.strip_prefix("W/").unwrap_or(known)).any(|known| known == tag);
    let mut answer = if is_known { StatusCode::NOT_MODIFIED.into_response() } else { body.into_response() };
    let headers = answer.headers_mut();
    if !is_known {
        headers.insert(header::CONTENT_TYPE, media);
    }
    if let Ok(tag) = HeaderValue::from_str(tag) {
        headers.insert(header::ETAG, tag);
    }
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
    answer
}

/// A file to save.
pub(super) fn download(body: Body, media: &'static str, name: &str, size: Option<u64>) -> Response {
    let mut answer = body.into_response();
    let headers = answer.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media));
    // A name that no header can contain is left to the browser, which uses the end of the address.
    let disposition = format!("attachment; filename=\"{}\"", plain_name(name));
    if let Ok(disposition) = HeaderValue::from_str(&disposition) {
        headers.insert(header::CONTENT_DISPOSITION, disposition);
    }
    if let Some(size) = size {
        headers.insert(header::CONTENT_LENGTH, size.into());
    }
    answer
}

/// The name of a file in a header, with `_` for everything but letters, digits, `.`, `-` and `_`.
fn plain_name(name: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_') { c } else { '_' };
    name.chars().take(100).map(plain).collect()
}

/// The media type of a result. No result is shown by the browser.
pub(super) fn media_of(name: &str) -> &'static str {
    match name.rsplit_once('.') {
        Some((_, "zip")) => "application/zip",
        Some((_, "json")) => "application/json",
        Some((_, "txt")) => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

/// A stream of server-sent events.
pub(super) fn event_stream(body: Body) -> Response {
    let mut answer = body.into_response();
    let media = HeaderValue::from_static("text/event-stream; charset=utf-8");
    answer.headers_mut().insert(header::CONTENT_TYPE, media);
    // nginx passes events on at once.
    answer.headers_mut().insert("x-accel-buffering", HeaderValue::from_static("no"));
    answer
}

/// A page that says why there is nothing to show.
pub(super) fn refusal(refusal: &RequestRefusal, frame: impl FnOnce(String) -> PageFrame) -> Response {
    let view = match refusal {
        RequestRefusal::Malformed(why) => view("Bad request", why.clone(), None),
        RequestRefusal::Parameter { name, why } => view(
            "Bad request",
            format!("The parameter `{name}` of this address: {why}."),
            Some("Correct the address, or start again from the page without parameters."),
        ),
        RequestRefusal::NotFound(why) => view("Not found", why.clone(), None),
        RequestRefusal::Method => view(
            "Method not allowed",
            "These pages are read-only: GET and HEAD are the methods.".to_owned(),
            None,
        ),
        RequestRefusal::Host => view(
            "Misdirected request",
            "This host is not served here.".to_owned(),
            Some("An administrator adds its name to `[web] allowed_hosts`."),
        ),
        RequestRefusal::Unavailable(why) => view("Not available now", why.clone(), Some("Try again later.")),
    };
    let html = document(&frame(view.heading.to_owned()), &message::content(&view)).into_string();
    let mut answer = (refusal.status(), html).into_response();
    answer.headers_mut().insert(header::CONTENT_TYPE, HTML);
    match refusal {
        RequestRefusal::Method => {
            answer.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
        }
        RequestRefusal::Unavailable(_) => {
            answer.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
        }
        _ => {}
    }
    answer
}

fn view(heading: &'static str, message: String, advice: Option<&str>) -> MessageView {
    MessageView { heading, message, advice: advice.map(str::to_owned) }
}
