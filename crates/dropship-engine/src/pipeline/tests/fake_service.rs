//! An in-memory service with scripted faults: lost responses, lost requests, delayed effects, refusals. It is long because it has a method for each call of
//! the service.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::crash_points::{Call, CrashPoint, CrashSwitch, Side};
use super::fixtures::metadata;
use super::service_state::{RemoteObject, RemoteSubmission, ServiceState};
use crate::digest;
use crate::pipeline::Service;
use crate::service_id::ServiceId;
use dropship_hardware::{
    Audience, Error, Execution, Incomplete, LabelId, LabelUpdate, Listing, NewProduct, NewShippingLabel,
    NewSubmission, Product, ProductId, Recovery, ShippingLabel, Submission, SubmissionId, TransferError,
};
use dropship_job::RemoteId;
use dropship_redact::SafeUrl;

/// How long the service takes to sign, and to publish a label.
pub(super) const PROCESSING_TIME: Duration = Duration::from_secs(1800);

/// A scripted fault of one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// Carried out, but the response is lost.
    ResponseLost,
    /// The request is lost; the caller sees the same error as for a lost response.
    RequestLost,
    /// Carried out after this delay; the caller sees a lost response at once.
    Delayed(Duration),
    /// The connection was refused: the call is known not to have been carried out.
    NotSent,
    /// 429.
    Throttled,
    /// 503.
    Unavailable,
    /// 403: a role is missing.
    Forbidden,
    /// 422: the request is wrong.
    Rejected,
}

#[derive(Clone)]
pub(super) struct FakeService {
    state: Arc<Mutex<ServiceState>>,
    crash: Arc<CrashSwitch>,
}

impl FakeService {
    pub(super) fn new(crash: Arc<CrashSwitch>, signed: Vec<u8>) -> Self {
        let state = ServiceState { last_id: 1000, signed, ..ServiceState::default() };
        Self { state: Arc::new(Mutex::new(state)), crash }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, ServiceState> {
        self.state.lock()
    }

    /// Adds faults for the next calls of a kind, in order.
    pub(super) fn script(&self, call: Call, faults: &[Fault]) {
        self.state().script.entry(call).or_default().extend(faults);
    }

    /// Creates a product that is not of dropship; returns its id.
    pub(super) fn create_foreign_product(&self, name: &str) -> RemoteId {
        let mut state = self.state();
        let id = state.next_id();
        let body = json!({"productName": name, "testHarness": "hlk", "deviceType": "external"});
        state.products.insert(
            id,
            RemoteObject {
                submission: None,
                name: name.to_owned(),
                body,
                at: Instant::now(),
                is_cancelled: false,
                is_refused: false,
            },
        );
        id
    }

    /// Passes the crash points of a call and applies its fault. `act` receives the time at which it takes effect.
    /// A crashed daemon never returns from here.
    async fn call<T>(
        &self,
        call: Call,
        act: impl FnOnce(&mut ServiceState, Instant) -> Result<T, Error>,
    ) -> Result<T, Error> {
        if !self.crash.pass(CrashPoint::Call(call), Side::Before) {
            std::future::pending::<()>().await;
        }
        // Other tasks run now: calls of several workers interleave.
        tokio::task::yield_now().await;
        let result = {
            let mut state = self.state();
            let fault = state.script.get_mut(&call).and_then(VecDeque::pop_front);
            let now = Instant::now();
            match fault {
                None => act(&mut state, now),
                Some(Fault::ResponseLost) => {
                    let _response_is_lost = act(&mut state, now).is_ok();
                    Err(no_response(call))
                }
                Some(Fault::Delayed(after)) => {
                    let _response_is_lost = act(&mut state, now + after).is_ok();
                    Err(no_response(call))
                }
                Some(Fault::RequestLost) => Err(no_response(call)),
                Some(Fault::NotSent) => {
                    Err(error(Recovery::Retry, Execution::NotSent, None, "connection refused"))
                }
                Some(Fault::Throttled) => {
                    let error = error(Recovery::Retry, Execution::Rejected, Some(429), "slow down");
                    Err(error.with_retry_after(Duration::from_secs(90)))
                }
                Some(Fault::Unavailable) => Err(no_response(call)),
                Some(Fault::Forbidden) => {
                    Err(error(Recovery::Permission, Execution::Rejected, Some(403), "no role"))
                }
                Some(Fault::Rejected) => {
                    Err(error(Recovery::Permanent, Execution::Rejected, Some(422), "unfit"))
                }
            }
        };
        if !self.crash.pass(CrashPoint::Call(call), Side::After) {
            std::future::pending::<()>().await;
        }
        result
    }
}

/// The error of a call without a response. Only a call that changes something has to be reconciled.
fn no_response(call: Call) -> Error {
    let changes = matches!(
        call,
        Call::CreateProduct
            | Call::CreateSubmission
            | Call::CreateLabel
            | Call::Commit
            | Call::UpdateLabel
            | Call::CancelLabel
    );
    let recovery = if changes { Recovery::Reconcile } else { Recovery::Retry };
    error(recovery, Execution::Unknown, None, "the connection was reset")
}

fn error(recovery: Recovery, execution: Execution, status: Option<u16>, message: &str) -> Error {
    Error::new("call the fake service", execution, recovery, message).with_status(status)
}

fn read<T: serde::de::DeserializeOwned>(value: Value) -> Result<T, Error> {
    serde_json::from_value(value).map_err(|fault| {
        error(Recovery::Permanent, Execution::Unknown, None, &format!("the fake service: {fault}"))
    })
}

/// A list that was read to its end.
fn complete_list<T>(items: impl Iterator<Item = Result<T, Error>>) -> Result<Listing<T>, Error> {
    Ok(Listing::complete_of(items.collect::<Result<_, _>>()?))
}

fn not_found<T>() -> Result<T, Error> {
    Err(error(Recovery::Permanent, Execution::Rejected, Some(404), "no such thing"))
}

impl Service for FakeService {
    async fn probe(&self) -> Result<(), Error> {
        self.call(Call::Probe, |_, _| Ok(())).await
    }

    async fn products(&self) -> Result<Listing<Product>, Error> {
        self.call(Call::Products, |state, now| {
            let visible = state.products.iter().filter(|(_, object)| object.at <= now);
            let shown = visible.map(|(id, object)| {
                let mut shown = object.body.clone();
                shown["id"] = json!(id);
                shown["isCommitted"] = json!(
                    state.submissions.values().any(|sent| sent.product == *id && sent.committed.is_some())
                );
                read(shown)
            });
            let mut listing = complete_list(shown)?;
            if state.cut_product_list {
                let fault = error(Recovery::Retry, Execution::Unknown, Some(500), "a later page");
                listing.incomplete = Some(Incomplete::unread(fault));
            }
            Ok(listing)
        })
        .await
    }

    async fn product(&self, product: ProductId) -> Result<Product, Error> {
        let all = Service::products(self).await?;
        all.items.into_iter().find(|found| found.id == product).map_or_else(not_found, Ok)
    }

    async fn create_product(&self, new: &NewProduct) -> Result<Product, Error> {
        self.call(Call::CreateProduct, |state, at| {
            let (id, body) = (state.next_id(), serde_json::to_value(new).unwrap_or_default());
            let mut shown = body.clone();
            state.products.insert(
                id,
                RemoteObject {
                    submission: None,
                    name: new.product_name.clone(),
                    body,
                    at,
                    is_cancelled: false,
                    is_refused: false,
                },
            );
            shown["id"] = json!(id);
            read(shown)
        })
        .await
    }

    async fn submissions(&self, product: ProductId) -> Result<Listing<Submission>, Error> {
        self.call(Call::Submissions, |state, now| {
            let visible = state
                .submissions
                .iter()
                .filter(|(_, sent)| sent.product == product.remote() && sent.at <= now);
            complete_list(visible.map(|(id, sent)| read(state.submission_json(*id, sent, now, false))))
        })
        .await
    }

    async fn submission(&self, product: ProductId, submission: SubmissionId) -> Result<Submission, Error> {
        self.call(Call::Submission, |state, now| {
            state.commit_as_before(submission.remote(), now);
            match state.submissions.get(&submission.remote()) {
                Some(sent) if sent.product == product.remote() && sent.at <= now => {
                    read(state.submission_json(submission.remote(), sent, now, true))
                }
                _ => not_found(),
            }
        })
        .await
    }

    async fn create_submission(&self, product: ProductId, new: &NewSubmission) -> Result<Submission, Error> {
        self.call(Call::CreateSubmission, |state, at| {
            if !state.products.contains_key(&product.remote()) {
                return not_found();
            }
            let id = state.next_id();
            let sent = RemoteSubmission {
                product: product.remote(),
                name: new.name.clone(),
                kind: json!(new.kind),
                at,
                uploaded: None,
                committed: None,
                will_fail: false,
            };
            let shown = state.submission_json(id, &sent, at, true);
            state.submissions.insert(id, sent);
            read(shown)
        })
        .await
    }

    async fn commit(&self, _product: ProductId, submission: SubmissionId) -> Result<(), Error> {
        self.call(Call::Commit, |state, at| {
            let will_fail = state.refusals > 0;
            let Some(sent) = state.submissions.get_mut(&submission.remote()) else { return not_found() };
            if sent.committed.is_some_and(|then| then <= at) {
                let message = "Only pending submissions can be committed.";
                return Err(error(Recovery::Reconcile, Execution::Rejected, Some(400), message));
            }
            if sent.uploaded.is_none() {
                return Err(error(
                    Recovery::Permanent,
                    Execution::Rejected,
                    Some(400),
                    "nothing was uploaded",
                ));
            }
            sent.committed = Some(at);
            sent.will_fail = will_fail;
            state.refusals = state.refusals.saturating_sub(1);
            Ok(())
        })
        .await
    }

    async fn labels(
        &self,
        _product: ProductId,
        submission: SubmissionId,
    ) -> Result<Listing<ShippingLabel>, Error> {
        self.call(Call::Labels, |state, now| {
            let visible = state
                .labels
                .iter()
                .filter(|(_, object)| object.submission == Some(submission.remote()) && object.at <= now);
            complete_list(visible.map(|(id, object)| read(state.label_json(*id, object, now, false))))
        })
        .await
    }

    async fn label(
        &self,
        _product: ProductId,
        submission: SubmissionId,
        label: LabelId,
    ) -> Result<ShippingLabel, Error> {
        self.call(Call::Label, |state, now| match state.labels.get(&label.remote()) {
            Some(object) if object.submission == Some(submission.remote()) && object.at <= now => {
                read(state.label_json(label.remote(), object, now, true))
            }
            _ => not_found(),
        })
        .await
    }

    async fn create_label(
        &self,
        _product: ProductId,
        submission: SubmissionId,
        new: &NewShippingLabel,
    ) -> Result<ShippingLabel, Error> {
        self.call(Call::CreateLabel, |state, at| {
            let (id, body) = (state.next_id(), serde_json::to_value(new).unwrap_or_default());
            let is_refused = state.label_refusals > 0;
            state.label_refusals = state.label_refusals.saturating_sub(1);
            let (submission, name) = (Some(submission.remote()), new.name.clone());
            let object = RemoteObject { submission, name, body, at, is_cancelled: false, is_refused };
            let shown = state.label_json(id, &object, at, true);
            state.labels.insert(id, object);
            read(shown)
        })
        .await
    }

    async fn update_label(
        &self,
        _product: ProductId,
        _submission: SubmissionId,
        label: LabelId,
        update: &LabelUpdate,
    ) -> Result<(), Error> {
        self.call(Call::UpdateLabel, |state, _| {
            let Some(object) = state.labels.get_mut(&label.remote()) else { return not_found() };
            let Some(rows) = object.body["targeting"]["hardwareIds"].as_array_mut() else {
                return not_found();
            };
            for change in &update.targeting.hardware_ids {
                rows.retain(|row| row["pnpString"] != change.pnp_string.as_str());
            }
            Ok(())
        })
        .await
    }

    async fn cancel_label(
        &self,
        _product: ProductId,
        _submission: SubmissionId,
        label: LabelId,
    ) -> Result<(), Error> {
        self.call(Call::CancelLabel, |state, now| match state.labels.get_mut(&label.remote()) {
            Some(object) if !object.is_cancelled && now.duration_since(object.at) < PROCESSING_TIME => {
                object.is_cancelled = true;
                Ok(())
            }
            _ => {
                Err(error(Recovery::Permanent, Execution::Rejected, Some(400), "it cannot be withdrawn now"))
            }
        })
        .await
    }

    async fn audiences(&self) -> Result<Listing<Audience>, Error> {
        self.call(Call::Audiences, |_, _| {
            let ring = json!({"id": "a-1", "name": "Test Registry Key", "audienceName": "Test_Registry_Key"});
            complete_list([read(ring)].into_iter())
        })
        .await
    }

    async fn upload(&self, url: &SafeUrl, file: &Path, sha256: &str) -> Result<u64, TransferError> {
        let bytes = std::fs::read(file).map_err(|source| TransferError::Local {
            what: "read",
            path: file.to_owned(),
            source,
        })?;
        let (id, length) = (submission_in(url), bytes.len() as u64);
        let digest = digest::of(&bytes);
        if digest != sha256 {
            return Err(TransferError::Altered { path: file.to_owned() });
        }
        let uploaded = self.call(Call::Upload, |state, _| {
            let Some(sent) = state.submissions.get_mut(&id) else { return not_found() };
            sent.uploaded = Some(digest);
            state.packages.insert(id, bytes);
            Ok(length)
        });
        Ok(uploaded.await?)
    }

    async fn download(&self, url: &SafeUrl, file: &Path, _max_bytes: u64) -> Result<u64, TransferError> {
        let kind = url.with_secrets().path().rsplit('/').next().unwrap_or_default().to_owned();
        let id = submission_in(url);
        let bytes = self
            .call(Call::Download, |state, _| {
                Ok(match kind.as_str() {
                    "signedPackage" => state.signed.clone(),
                    "initialPackage" => state.packages.get(&id).cloned().unwrap_or_default(),
                    "driverMetadata" => {
                        let uploaded = state.submissions.get(&id).and_then(|sent| sent.uploaded.as_ref());
                        let version = uploaded.and_then(|sha256| state.versions.get(sha256));
                        metadata(version.unwrap_or(&"1.2.0.0")).to_string().into_bytes()
                    }
                    _ => b"report".to_vec(),
                })
            })
            .await?;
        std::fs::write(file, &bytes).map_err(|source| TransferError::Local {
            what: "written",
            path: file.to_owned(),
            source,
        })?;
        Ok(bytes.len() as u64)
    }
}

/// The submission's id in a URL of the fake service.
fn submission_in(url: &SafeUrl) -> RemoteId {
    let mut parts = url.with_secrets().path().split('/');
    parts.nth(1).and_then(|part| part.parse().ok()).expect("a submission in the URL")
}
