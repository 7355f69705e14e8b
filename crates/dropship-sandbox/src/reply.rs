//! Responses, and the error bodies of the service.

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;
use serde_json::{Value, json};

use crate::quirks::apply::pascal;
use crate::quirks::{Quirk, Quirks};

/// A successful response.
#[derive(Debug)]
pub(crate) enum Reply {
    /// A status and a JSON body.
    Json(u16, Value),
    /// A status without a body.
    Empty(u16),
}

/// An error response.
#[derive(Debug)]
pub(crate) enum ErrorReply {
    /// One of the API's functional errors: code, message, and targets with their messages.
    Api { code: ErrorCode, message: String, targets: Vec<(String, String)> },
    /// A functional error whose status is known.
    Status { status: u16, code: ErrorCode, message: String },
    /// An error of the gateway in front of the API.
    Gateway { status: u16, message: String, retry_after: Option<u64> },
    /// An error page of the web server in front of the gateway.
    Html { status: u16, title: &'static str },
}

/// The functional codes of the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ErrorCode {
    InvalidInput,
    RequestInvalidForCurrentState,
    UpdateUnauthorized,
    EntityNotFound,
    ReadOnlyProduct,
}

impl ErrorCode {
    fn name(self) -> &'static str {
        match self {
            Self::InvalidInput => "invalidInput",
            Self::RequestInvalidForCurrentState => "requestInvalidForCurrentState",
            Self::UpdateUnauthorized => "updateUnauthorized",
            Self::EntityNotFound => "entityNotFound",
            Self::ReadOnlyProduct => "readOnlyProduct",
        }
    }

    /// The code in a body.
    fn text(self, quirks: Quirks) -> String {
        if quirks.has(Quirk::PascalCaseStatus) { pascal(self.name()) } else { self.name().to_owned() }
    }

    /// The status of a code. It is not documented; clients must rely on the code.
    fn status(self, quirks: Quirks) -> u16 {
        let has_functional_status = quirks.has(Quirk::FunctionalStatus);
        match self {
            Self::InvalidInput if has_functional_status => 400,
            Self::InvalidInput => 422,
            Self::RequestInvalidForCurrentState if has_functional_status => 409,
            Self::UpdateUnauthorized | Self::ReadOnlyProduct if has_functional_status => 403,
            Self::RequestInvalidForCurrentState | Self::UpdateUnauthorized | Self::ReadOnlyProduct => 400,
            Self::EntityNotFound => 404,
        }
    }
}

impl ErrorReply {
    /// Invalid fields with their messages.
    pub(crate) fn invalid(targets: Vec<(String, String)>) -> Self {
        Self::Api { code: ErrorCode::InvalidInput, message: "Validation Failed.".to_owned(), targets }
    }

    /// One invalid field.
    pub(crate) fn field(target: &str, message: impl Into<String>) -> Self {
        Self::invalid(vec![(target.to_owned(), message.into())])
    }

    pub(crate) fn api(code: ErrorCode, message: impl Into<String>) -> Self {
        Self::Api { code, message: message.into(), targets: Vec::new() }
    }

    pub(crate) fn not_found(what: &str) -> Self {
        Self::api(ErrorCode::EntityNotFound, what)
    }

    pub(crate) fn wrong_state(message: &str) -> Self {
        Self::api(ErrorCode::RequestInvalidForCurrentState, message)
    }

    pub(crate) fn gateway(status: u16, message: &str) -> Self {
        Self::Gateway { status, message: message.to_owned(), retry_after: None }
    }
}

/// A response with a body and its type.
pub(crate) fn response(status: u16, kind: &'static str, body: impl Into<Body>) -> Response {
    let mut response = Response::new(body.into());
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    if !kind.is_empty() {
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    }
    response
}

/// A response with a JSON body.
pub(crate) fn json_response(status: u16, body: &Value) -> Response {
    response(status, "application/json; charset=utf-8", body.to_string())
}

/// The web server's page for a status.
pub(crate) fn html(status: u16, title: &str) -> Response {
    let page = format!(
        "<!DOCTYPE HTML><HTML><HEAD><TITLE>{title}</TITLE></HEAD><BODY><h2>{title}</h2><hr>\
         <p>HTTP Error {status}.</p></BODY></HTML>\r\n"
    );
    response(status, "text/html; charset=us-ascii", page)
}

/// The gateway's body for a status.
pub(crate) fn gateway_body(status: u16, message: &str, quirks: Quirks) -> Value {
    if quirks.has(Quirk::StringStatusCode) {
        json!({"statusCode": status.to_string(), "message": message})
    } else {
        json!({"statusCode": status, "message": message})
    }
}

/// The response for an error.
pub(crate) fn refuse(fail: ErrorReply, quirks: Quirks) -> Response {
    match fail {
        ErrorReply::Status { status, code, message } => {
            json_response(status, &json!({"error": {"code": code.text(quirks), "message": message}}))
        }
        ErrorReply::Api { code, message, targets } => {
            let mut error = json!({"code": code.text(quirks), "message": message});
            if !targets.is_empty() {
                let targets: Vec<_> = targets
                    .iter()
                    .map(|(target, message)| json!({"target": target, "message": message}))
                    .collect();
                error["validationErrors"] = Value::Array(targets);
            }
            json_response(code.status(quirks), &json!({ "error": error }))
        }
        ErrorReply::Gateway { status, message, retry_after } => {
            let mut response = json_response(status, &gateway_body(status, &message, quirks));
            if let Some(seconds) = retry_after {
                response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
            }
            if status == 401 {
                let challenge = HeaderValue::from_static("Bearer error=\"invalid_token\"");
                response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
            }
            response
        }
        ErrorReply::Html { status, title } => html(status, title),
    }
}

/// Sets a header; a value that is not valid in a header is ignored.
pub(crate) fn set_header(response: &mut Response, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(HeaderName::from_static(name), value);
    }
}
