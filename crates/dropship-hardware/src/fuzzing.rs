//! Entry points for the fuzz targets.

use serde_json::Value;

use crate::error::{describe_error, read_body};
use crate::json;
use crate::model::entry::{Listed, read_listed};
use crate::model::{Audience, DriverMetadata, Product, ShippingLabel, Submission};
use crate::paging::read_page;

/// Reads a response of the service as a page, and as each object of the API.
pub fn read_response(bytes: &[u8]) {
    read_page(bytes);
    let _metadata = DriverMetadata::parse(bytes);
    let Ok(document) = json::parse(bytes) else { return };
    read_again::<Product>(&document);
    read_again::<Submission>(&document);
    read_again::<ShippingLabel>(&document);
    read_again::<Audience>(&document);
}

/// An object that was read can be written.
fn read_again<T: Listed + serde::Serialize>(document: &Value) {
    if let Ok(item) = read_listed::<T>(document.clone()) {
        assert!(serde_json::to_value(&item).is_ok(), "an object can be written");
    }
}

/// Reads the body of an error. Its message is short, however long the body is.
pub fn read_error(bytes: &[u8]) {
    let body = read_body(bytes);
    assert!(body.described(503).len() < 2000, "the message is short");
    let _described = describe_error(bytes);
    crate::auth::read_refusal(&body);
    if let Ok(text) = std::str::from_utf8(bytes) {
        crate::blob::read_hostile(text);
    }
}
