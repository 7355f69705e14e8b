//! The authority: tokens for client credentials, from both generations of the endpoint, and for a
//! managed identity.

use std::collections::BTreeMap;

use axum::http::HeaderMap;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use dropship_redact::ExposeSecret as _;
use jiff::Timestamp;
use serde_json::{Value, json};
use url::{Url, form_urlencoded};

use crate::app::App;
use crate::auth::jwt;
use crate::lock::lock;
use crate::options::Credentials;
use crate::reply::json_response;
use crate::state::Token;

/// Host of the resource that tokens are issued for.
const RESOURCE_HOST: &str = "manage.devcenter.microsoft.com";

/// The account of managed identities if the sandbox accepts any credentials.
const MANAGED: &str = "managed-identity";

/// An error of the authority: HTTP status, OAuth code, AADSTS number and text.
struct TokenError(u16, &'static str, u32, String);

/// The response to a request for a token.
pub(crate) fn answer(
    app: &App,
    tenant: &str,
    v2: bool,
    base: &str,
    headers: &HeaderMap,
    body: &[u8],
) -> Response {
    let form: BTreeMap<String, String> = form_urlencoded::parse(body).into_owned().collect();
    let kind = headers.get("content-type").and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let granted = if kind.starts_with("application/x-www-form-urlencoded") {
        authorize(app, tenant, v2, base, &form)
    } else {
        Err(TokenError(400, "invalid_request", 900_144, "The request body must be a form.".to_owned()))
    };
    match granted {
        Ok(()) => {
            let (token, expires) = issue(app, tenant);
            json_response(200, &granted_body(app, &token, expires, v2, form.get("resource")))
        }
        Err(TokenError(status, code, number, text)) => {
            tracing::debug!(tenant, number, "the authority of the sandbox refuses a token (AADSTS{number})");
            json_response(status, &error_body(app, code, number, &text))
        }
    }
}

/// Decides whether a request gets a token.
fn authorize(
    app: &App,
    tenant: &str,
    v2: bool,
    base: &str,
    form: &BTreeMap<String, String>,
) -> Result<(), TokenError> {
    let field = |name: &str| form.get(name).map(String::as_str).unwrap_or_default();
    if field("grant_type").is_empty() {
        return Err(missing("grant_type"));
    }
    if field("grant_type") != "client_credentials" {
        let text = "The app requested an unsupported grant type.".to_owned();
        return Err(TokenError(400, "unsupported_grant_type", 70_003, text));
    }
    if field("client_id").is_empty() {
        return Err(missing("client_id"));
    }
    check_resource(v2, base, form)?;
    let assertion = field("client_assertion");
    if field("client_secret").is_empty() && assertion.is_empty() {
        let text =
            "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.";
        return Err(TokenError(401, "invalid_client", 7_000_218, text.to_owned()));
    }
    check_account(app, tenant, &field)?;
    if assertion.is_empty() {
        return Ok(());
    }
    if field("client_assertion_type") != "urn:ietf:params:oauth:client-assertion-type:jwt-bearer" {
        return Err(missing("client_assertion_type"));
    }
    jwt::check(assertion, field("client_id"), tenant, app.clock.wall()).map_err(|why| {
        TokenError(401, "invalid_client", 700_027, format!("Client assertion failed validation: {why}."))
    })
}

fn missing(name: &str) -> TokenError {
    let text = format!("The request body must contain the following parameter: '{name}'.");
    TokenError(400, "invalid_request", 900_144, text)
}

/// Checks tenant, application and secret, if the sandbox accepts one account only.
fn check_account<'a>(app: &App, tenant: &str, field: &impl Fn(&str) -> &'a str) -> Result<(), TokenError> {
    let Credentials::One { tenant_id, client_id, client_secret } = &app.options.credentials else {
        return Ok(());
    };
    if !tenant.eq_ignore_ascii_case(tenant_id) {
        let text = format!("Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID.");
        return Err(TokenError(400, "invalid_request", 90_002, text));
    }
    if !field("client_id").eq_ignore_ascii_case(client_id) {
        let text =
            format!("Application with identifier '{}' was not found in the directory.", field("client_id"));
        return Err(TokenError(400, "unauthorized_client", 700_016, text));
    }
    if field("client_assertion").is_empty() && field("client_secret") != client_secret.expose_secret() {
        let text = "Invalid client secret provided. Ensure the secret being sent in the request is the client \
                    secret value, not the client secret ID.";
        return Err(TokenError(401, "invalid_client", 7_000_215, text.to_owned()));
    }
    Ok(())
}

/// Checks that the token is for the service or for this sandbox.
fn check_resource(v2: bool, base: &str, form: &BTreeMap<String, String>) -> Result<(), TokenError> {
    let name = if v2 { "scope" } else { "resource" };
    let Some(requested) = form.get(name).filter(|requested| !requested.is_empty()) else {
        return Err(missing(name));
    };
    let resource = if v2 {
        requested.split(' ').find_map(|scope| scope.strip_suffix("/.default")).ok_or_else(|| {
            let text = format!("The provided value for the input parameter 'scope' is not valid. The scope {requested} is not valid.");
            TokenError(400, "invalid_scope", 1_002_012, text)
        })?
    } else {
        requested
    };
    let host = |text: &str| Url::parse(text).ok().and_then(|url| url.host_str().map(str::to_owned));
    match host(resource) {
        Some(requested) if requested == RESOURCE_HOST || Some(&requested) == host(base).as_ref() => Ok(()),
        _ => {
            let text = format!("The resource principal named {resource} was not found in the tenant.");
            Err(TokenError(400, "invalid_resource", 500_011, text))
        }
    }
}

/// The response to a request for the token of a managed identity.
pub(crate) fn managed_identity(app: &App, headers: &HeaderMap, query: &str) -> Response {
    let fields: BTreeMap<String, String> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    if headers.get("metadata").is_none_or(|value| !value.as_bytes().eq_ignore_ascii_case(b"true")) {
        let text = "Required metadata header not specified";
        return json_response(400, &json!({"error": "invalid_request", "error_description": text}));
    }
    let Some(resource) = fields.get("resource").filter(|_| fields.contains_key("api-version")) else {
        let text = "Required parameters api-version and resource not specified";
        return json_response(400, &json!({"error": "invalid_request", "error_description": text}));
    };
    let tenant = match &app.options.credentials {
        Credentials::Any => MANAGED,
        Credentials::One { tenant_id, .. } => tenant_id,
    };
    let (token, expires) = issue(app, tenant);
    json_response(200, &granted_body(app, &token, expires, false, Some(resource)))
}

fn issue(app: &App, tenant: &str) -> (String, Timestamp) {
    let mut noise = [0_u8; 96];
    let mut state = lock(&app.state);
    if getrandom::fill(&mut noise).is_err() {
        for (at, byte) in state.ids.guid().bytes().enumerate() {
            noise[at] = byte;
        }
    }
    // Tools expect the form of a JWT. The API looks the token up and does not parse it.
    let token = format!(
        "eyJ0eXAiOiJKV1QiLCJhbGciOiJub25lIn0.{}",
        URL_SAFE_NO_PAD.encode(noise).replacen('A', ".", 1)
    );
    let expires = app.clock.wall().checked_add(app.options.token_lifetime).unwrap_or(Timestamp::MAX);
    let account = tenant.to_ascii_lowercase();
    state.tokens.insert(token.clone(), Token { account, expires });
    (token, expires)
}

fn granted_body(app: &App, token: &str, expires: Timestamp, v2: bool, resource: Option<&String>) -> Value {
    let now = app.clock.wall();
    let lifetime = expires.as_second().saturating_sub(now.as_second()).max(0);
    if v2 {
        return json!({"token_type": "Bearer", "expires_in": lifetime, "ext_expires_in": lifetime, "access_token": token});
    }
    json!({
        "token_type": "Bearer", "expires_in": lifetime.to_string(), "ext_expires_in": lifetime.to_string(),
        "expires_on": expires.as_second().to_string(), "not_before": now.as_second().to_string(),
        "resource": resource, "access_token": token,
    })
}

fn error_body(app: &App, code: &str, number: u32, text: &str) -> Value {
    let (trace, correlation) = {
        let mut state = lock(&app.state);
        (state.ids.guid(), state.ids.guid())
    };
    let now = app.clock.wall().strftime("%Y-%m-%d %H:%M:%SZ").to_string();
    json!({
        "error": code,
        "error_description": format!("AADSTS{number}: {text} Trace ID: {trace} Correlation ID: {correlation} Timestamp: {now}"),
        "error_codes": [number], "timestamp": now, "trace_id": trace, "correlation_id": correlation,
        "error_uri": format!("https://login.microsoftonline.com/error?code={number}"),
    })
}

/// The discovery document that authentication libraries read first.
pub(crate) fn discovery(base: &str, tenant: &str) -> Value {
    json!({
        "token_endpoint": format!("{base}/{tenant}/oauth2/v2.0/token"),
        "authorization_endpoint": format!("{base}/{tenant}/oauth2/v2.0/authorize"),
        "issuer": format!("{base}/{tenant}/v2.0"),
        "tenant_discovery_endpoint": format!("{base}/{tenant}/v2.0/.well-known/openid-configuration"),
        "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt"],
        "response_types_supported": ["code", "token"], "subject_types_supported": ["pairwise"],
        "metadata": [], "api-version": "1.1",
    })
}

/// The account of a valid bearer token.
pub(crate) fn account(app: &App, headers: &HeaderMap) -> Option<String> {
    let text = headers.get("authorization")?.to_str().ok()?;
    let (scheme, token) = text.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return None;
    }
    let state = lock(&app.state);
    let token = state.tokens.get(token.trim())?;
    (app.clock.wall() < token.expires).then(|| token.account.clone())
}
