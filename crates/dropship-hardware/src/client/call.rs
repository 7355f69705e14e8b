//! One call: token, limiter, request, response, classification, and repetition where it does no harm.

use std::time::Duration;

use bytes::Bytes;
use reqwest::Method;
use serde::Serialize;
use serde::de::Error as _;
use serde_json::Value;
use tokio::time::Instant;

use crate::auth::Bearer;
use crate::error::{Error, Execution, Recovery};
use crate::health::{CallOutcome, PeerService};
use crate::json;
use crate::limiter::{PermittedOutcome, Rejected};
use crate::model::{Listed, entry};
use crate::request_id::random_uuid;
use crate::settings::ObservedCall;

use super::core::Client;

/// Maximum number of repetitions of a call whose repetition does no harm.
const REPEATS: u32 = 6;
/// Maximum delay before a repetition; the caller waits longer ones.
const LONGEST: Duration = Duration::from_secs(30);
/// Delay before a call that the gate has stopped is tried again.
const CLOSED: Duration = Duration::from_secs(2);
/// No repetition starts later than this after the first attempt.
const BUDGET: Duration = Duration::from_secs(300);

/// The body of a call.
#[derive(Debug, Clone, Default)]
pub(crate) enum CallBody {
    /// Nothing.
    #[default]
    None,
    /// An explicitly empty body: without `Content-Length: 0` and a JSON type the service answers 411 and 415.
    Empty,
    /// JSON.
    Json(Bytes),
    /// A file, with its length.
    File(std::path::PathBuf, u64),
}

impl CallBody {
    /// A JSON body.
    pub(crate) fn json<T: Serialize>(operation: &'static str, value: &T) -> Result<Self, Error> {
        serde_json::to_vec(value).map(|bytes| Self::Json(bytes.into())).map_err(|error| {
            Error::not_sent(
                operation,
                Recovery::Permanent,
                format!("the request cannot be written as JSON: {error}"),
            )
        })
    }
}

/// Query of a call.
#[derive(Debug, Clone, Default)]
pub(crate) enum CallQuery {
    /// None.
    #[default]
    None,
    /// Ready to be sent.
    Raw(String),
}

/// A call to be made.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    /// The operation, as errors name it.
    pub(crate) operation: &'static str,
    pub(crate) method: Method,
    /// Path segments after the base; an empty last segment is a slash at the end.
    pub(crate) path: Vec<String>,
    pub(crate) query: CallQuery,
    pub(crate) body: CallBody,
    /// A repetition does no harm, so it is repeated here.
    pub(crate) is_repeatable: bool,
    /// It creates an object.
    pub(crate) creates: bool,
}

impl Call {
    /// A GET.
    pub(crate) fn get(operation: &'static str, path: Vec<String>) -> Self {
        Self {
            operation,
            method: Method::GET,
            path,
            query: CallQuery::None,
            body: CallBody::None,
            is_repeatable: true,
            creates: false,
        }
    }

    /// A call that changes something and is never repeated here.
    pub(crate) fn once(operation: &'static str, method: Method, path: Vec<String>, body: CallBody) -> Self {
        Self { operation, method, path, query: CallQuery::None, body, is_repeatable: false, creates: false }
    }

    /// A call that creates an object. It is never repeated here.
    pub(crate) fn create(operation: &'static str, method: Method, path: Vec<String>, body: CallBody) -> Self {
        Self { creates: true, ..Self::once(operation, method, path, body) }
    }

    /// A change whose repetition has no further effect.
    pub(crate) fn idempotent(
        operation: &'static str,
        method: Method,
        path: Vec<String>,
        body: CallBody,
    ) -> Self {
        Self { is_repeatable: true, ..Self::once(operation, method, path, body) }
    }
}

/// A successful response.
#[derive(Debug)]
pub(crate) struct ApiResponse {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
    pub(crate) request_id: String,
}

impl Client {
    /// Makes a call whose response is an object, bare or in an envelope of one.
    pub(crate) async fn object<T: Listed>(&self, call: Call) -> Result<T, Error> {
        self.parsed(call, |body| {
            entry::read(without_envelope(json::parse(body)?))
                .map_err(|why| serde_json::Error::custom(format!("it {why}")))
        })
        .await
    }

    /// Makes a call whose response is read by `read`.
    pub(crate) async fn parsed<T>(
        &self,
        call: Call,
        read: impl Fn(&[u8]) -> Result<T, serde_json::Error>,
    ) -> Result<T, Error> {
        let is_repeatable = call.is_repeatable;
        let operation = call.operation;
        let mut repeats = 0;
        loop {
            let answer = self.send(&call).await?;
            match read(&answer.body) {
                Ok(object) => return Ok(object),
                Err(error) => {
                    let recovery = if is_repeatable { Recovery::Retry } else { Recovery::Reconcile };
                    let why = format!(
                        "the service's response cannot be read: {}",
                        dropship_redact::mask(&error.to_string())
                    );
                    if !is_repeatable || repeats == 2 {
                        return Err(Error::new(operation, Execution::Unknown, recovery, why)
                            .with_creates(call.creates)
                            .with_status(answer.status)
                            .with_request(&self.correlation, &answer.request_id));
                    }
                    tokio::time::sleep(self.shared.backoff.delay(repeats).min(LONGEST)).await;
                    repeats += 1;
                }
            }
        }
    }

    /// Makes a call whose response has no content.
    pub(crate) async fn nothing(&self, call: Call) -> Result<(), Error> {
        self.send(&call).await.map(drop)
    }

    /// Makes a call; repeats it while that does no harm and its error can pass.
    pub(crate) async fn send(&self, call: &Call) -> Result<ApiResponse, Error> {
        let start = Instant::now();
        let mut repeats = 0;
        loop {
            let error = match self.authorized(call).await {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            let again = call.is_repeatable && error.recovery == Recovery::Retry && repeats < REPEATS;
            // The token service has been tried repeatedly, and the limiter names the time of the next attempt.
            let delay = error.retry_after.unwrap_or_else(|| self.shared.backoff.delay(repeats).min(LONGEST));
            let late = start.elapsed() + delay > BUDGET || delay > LONGEST * 4;
            if !again || late || error.execution == Execution::NotSent && error.request_id.is_empty() {
                return Err(error);
            }
            tracing::debug!(operation = call.operation, %error, delay_ms = delay.as_millis(), "a call is repeated");
            tokio::time::sleep(delay).await;
            repeats += 1;
        }
    }

    /// One attempt, and a second one with a new token after a 401.
    pub(super) async fn authorized(&self, call: &Call) -> Result<ApiResponse, Error> {
        self.authorize(call).await.map_err(|error| error.with_creates(call.creates))
    }

    async fn authorize(&self, call: &Call) -> Result<ApiResponse, Error> {
        let bearer = self.bearer(call.operation).await?;
        match self.attempt(call, &bearer).await {
            // The service executed nothing, so a create can be sent again, too.
            Err(error) if error.status == Some(401) => {
                self.shared.tokens.refused(&bearer).await;
                let bearer = self.bearer(call.operation).await?;
                let again = self.attempt(call, &bearer).await;
                if again.as_ref().is_err_and(|error| error.status == Some(401)) {
                    self.shared.tokens.refused(&bearer).await;
                }
                again
            }
            done => done,
        }
    }

    /// A token for a call.
    pub(crate) async fn bearer(&self, operation: &'static str) -> Result<Bearer, Error> {
        self.shared.tokens.get().await.map_err(|error| error.without_token(operation, &self.correlation))
    }

    /// One attempt: waits for its permit, and reports the result to the limiter.
    async fn attempt(&self, call: &Call, bearer: &Bearer) -> Result<ApiResponse, Error> {
        let permit = self
            .shared
            .limiter
            .acquire()
            .await
            .map_err(|rejected| self.rejected(call.operation, rejected))?;
        if call.method != Method::GET && !self.shared.gate.is_open() {
            drop(permit);
            let why = "this node may send no changes now: its lease of the store is not renewed";
            return Err(Error::not_sent(call.operation, Recovery::Retry, why)
                .with_retry_after(CLOSED)
                .with_request(&self.correlation, ""));
        }
        let request_id = random_uuid();
        let started = Instant::now();
        let result = self.exchange(call, bearer, &request_id).await;
        let took_ms = started.elapsed().as_millis();
        let operation = call.operation;
        let status = match &result {
            Ok(answer) => Some(answer.status),
            Err(error) => error.status,
        };
        let (took, limit) = (started.elapsed(), self.shared.limiter.limit());
        self.shared.observer.on_call(ObservedCall { operation, status, took, limit });
        let outcome = match &result {
            Ok(answer) => {
                tracing::debug!(operation, status = answer.status, took_ms, request_id, "Call done");
                PermittedOutcome::Answered
            }
            Err(error) => {
                let status = error.status;
                tracing::debug!(operation, status, took_ms, request_id, trace = ?error.trace, %error, "Call failed");
                match status {
                    // A local file that cannot be read is no failure of the service.
                    None if error.recovery == Recovery::Permanent => PermittedOutcome::Answered,
                    Some(429) => PermittedOutcome::Throttled(error.retry_after),
                    Some(408 | 500..=599) | None => PermittedOutcome::Failed(error.retry_after),
                    Some(_) => PermittedOutcome::Answered,
                }
            }
        };
        let pause = permit.complete(outcome);
        let remember = |limit| self.shared.limit_memory.report(limit);
        self.shared.limiter.report_change(jiff::Timestamp::now(), remember);
        self.shared.health.record(
            PeerService::Api,
            match (outcome, &result) {
                (PermittedOutcome::Throttled(_), _) => CallOutcome::Throttled(pause),
                (PermittedOutcome::Failed(_), Err(error)) => CallOutcome::Failed(error),
                _ => CallOutcome::Answered,
            },
        );
        result
    }

    fn rejected(&self, operation: &'static str, rejected: Rejected) -> Error {
        let (wait, why) = match rejected {
            Rejected::Paused(wait) => (wait, "the service asked for a pause"),
            Rejected::Down(wait) => (wait, "the service is down: the last calls failed"),
        };
        let message = format!("{why}; the next attempt is in {} s", wait.as_secs().max(1));
        Error::not_sent(operation, Recovery::Retry, message)
            .with_retry_after(wait)
            .with_request(&self.correlation, "")
    }
}

/// An object without the envelope that it may be in.
pub(super) fn without_envelope(value: Value) -> Value {
    match value {
        Value::Object(mut outer) if !outer.contains_key("id") => match outer.get_mut("value") {
            Some(Value::Array(items)) if items.len() == 1 => items.remove(0),
            _ => Value::Object(outer),
        },
        value => value,
    }
}
