//! The service in a test's hands: what it answers, what it loses, and what it carries out late.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use super::material::metadata;
use super::points::{Call, Point, Side, Tripwire};
use super::sky::{Made, Sent, Sky};
use crate::digest;
use crate::pipeline::Service;
use dropship_hardware::{
    Audience, Class, Error, Failure, Fate, LabelId, LabelUpdate, NewProduct, NewShippingLabel, NewSubmission,
    Product, ProductId, ShippingLabel, Submission, SubmissionId, TransferError,
};
use dropship_redact::SafeUrl;

/// How long Microsoft takes to sign, and to publish a label.
pub(super) const TAKES: Duration = Duration::from_secs(1800);

/// What becomes of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// Carried out, but the answer is lost.
    Lost,
    /// Lost on its way; the caller cannot know.
    Never,
    /// Carried out after so long; the caller is told nothing.
    Late(Duration),
    /// The connection was refused: certainly not carried out.
    Unsent,
    /// 429.
    Throttled,
    /// 503.
    Down,
    /// 403: a role is missing.
    Forbidden,
    /// 422: it will never do.
    Refused,
}

#[derive(Clone)]
pub(super) struct Cloud {
    sky: Arc<Mutex<Sky>>,
    wire: Arc<Tripwire>,
}

impl Cloud {
    pub(super) fn new(wire: Arc<Tripwire>, signed: Vec<u8>) -> Self {
        let sky = Sky { last_id: 1000, signed, ..Sky::default() };
        Self { sky: Arc::new(Mutex::new(sky)), wire }
    }

    pub(super) fn sky(&self) -> MutexGuard<'_, Sky> {
        self.sky.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Scripts what becomes of the next calls of a kind.
    pub(super) fn script(&self, call: Call, faults: &[Fault]) {
        self.sky().script.entry(call).or_default().extend(faults);
    }

    /// Somebody else creates a product; gives its id.
    pub(super) fn stranger(&self, name: &str) -> u64 {
        let mut sky = self.sky();
        let id = sky.next_id();
        let body = json!({"productName": name, "testHarness": "hlk", "deviceType": "external"});
        sky.products
            .insert(id, Made { of: 0, name: name.to_owned(), body, at: Instant::now(), cancelled: false });
        id
    }

    /// Passes the points of a call; a dead daemon never comes back from it. `act` is told when it takes effect.
    async fn at<T>(
        &self,
        call: Call,
        act: impl FnOnce(&mut Sky, Instant) -> Result<T, Error>,
    ) -> Result<T, Error> {
        if !self.wire.pass(|| Point::Call(call), Side::Before) {
            std::future::pending::<()>().await;
        }
        // Another task's turn: calls of several workers interleave.
        tokio::task::yield_now().await;
        let result = {
            let mut sky = self.sky();
            let fault = sky.script.get_mut(&call).and_then(VecDeque::pop_front);
            let now = Instant::now();
            match fault {
                None => act(&mut sky, now),
                Some(Fault::Lost) => {
                    let _answer_is_lost = act(&mut sky, now).is_ok();
                    Err(lost(call))
                }
                Some(Fault::Late(after)) => {
                    let _answer_is_lost = act(&mut sky, now + after).is_ok();
                    Err(lost(call))
                }
                Some(Fault::Never) => Err(lost(call)),
                Some(Fault::Unsent) => Err(error(Class::Retry, Fate::NeverSent, None, "connection refused")),
                Some(Fault::Throttled) => {
                    let mut error = error(Class::Retry, Fate::Refused, Some(429), "slow down");
                    error.retry_after = Some(Duration::from_secs(90));
                    Err(error)
                }
                Some(Fault::Down) => Err(lost(call)),
                Some(Fault::Forbidden) => Err(error(Class::Permission, Fate::Refused, Some(403), "no role")),
                Some(Fault::Refused) => Err(error(Class::Permanent, Fate::Refused, Some(422), "unfit")),
            }
        };
        if !self.wire.pass(|| Point::Call(call), Side::After) {
            std::future::pending::<()>().await;
        }
        result
    }
}

/// The error of a call whose answer was lost: in doubt only if it was to change something.
fn lost(call: Call) -> Error {
    let changes = matches!(
        call,
        Call::CreateProduct
            | Call::CreateSubmission
            | Call::CreateLabel
            | Call::Commit
            | Call::UpdateLabel
            | Call::CancelLabel
    );
    let class = if changes { Class::Reconcile } else { Class::Retry };
    error(class, Fate::Uncertain, None, "the connection was reset")
}

fn error(class: Class, fate: Fate, status: Option<u16>, message: &str) -> Error {
    Error::from(Failure {
        class,
        fate,
        status,
        code: None,
        message: message.to_owned(),
        validation: Vec::new(),
        retry_after: None,
        operation: "call the double",
        correlation_id: String::new(),
        request_id: String::new(),
        trace: Vec::new(),
    })
}

fn read<T: serde::de::DeserializeOwned>(value: Value) -> Result<T, Error> {
    serde_json::from_value(value)
        .map_err(|fault| error(Class::Permanent, Fate::Uncertain, None, &format!("the double: {fault}")))
}

fn absent<T>() -> Result<T, Error> {
    Err(error(Class::Permanent, Fate::Refused, Some(404), "no such thing"))
}

impl Service for Cloud {
    async fn probe(&self) -> Result<(), Error> {
        self.at(Call::Probe, |_, _| Ok(())).await
    }

    async fn products(&self) -> Result<Vec<Product>, Error> {
        self.at(Call::Products, |sky, now| {
            let there = sky.products.iter().filter(|(_, made)| made.at <= now);
            let shown = there.map(|(id, made)| {
                let mut shown = made.body.clone();
                shown["id"] = json!(id);
                shown["isCommitted"] = json!(
                    sky.submissions.values().any(|sent| sent.product == *id && sent.committed.is_some())
                );
                read(shown)
            });
            shown.collect()
        })
        .await
    }

    async fn create_product(&self, new: &NewProduct) -> Result<Product, Error> {
        self.at(Call::CreateProduct, |sky, at| {
            let (id, body) = (sky.next_id(), serde_json::to_value(new).unwrap_or_default());
            let mut shown = body.clone();
            sky.products
                .insert(id, Made { of: 0, name: new.product_name.clone(), body, at, cancelled: false });
            shown["id"] = json!(id);
            read(shown)
        })
        .await
    }

    async fn submissions(&self, product: ProductId) -> Result<Vec<Submission>, Error> {
        self.at(Call::Submissions, |sky, now| {
            let there =
                sky.submissions.iter().filter(|(_, sent)| sent.product == product.0 && sent.at <= now);
            there.map(|(id, sent)| read(sky.shown(*id, sent, now, false))).collect()
        })
        .await
    }

    async fn submission(&self, product: ProductId, submission: SubmissionId) -> Result<Submission, Error> {
        self.at(Call::Submission, |sky, now| match sky.submissions.get(&submission.0) {
            Some(sent) if sent.product == product.0 && sent.at <= now => {
                read(sky.shown(submission.0, sent, now, true))
            }
            _ => absent(),
        })
        .await
    }

    async fn create_submission(&self, product: ProductId, new: &NewSubmission) -> Result<Submission, Error> {
        self.at(Call::CreateSubmission, |sky, at| {
            if !sky.products.contains_key(&product.0) {
                return absent();
            }
            let id = sky.next_id();
            let sent = Sent {
                product: product.0,
                name: new.name.clone(),
                kind: json!(new.kind),
                at,
                uploaded: None,
                committed: None,
                fails: false,
            };
            let shown = sky.shown(id, &sent, at, true);
            sky.submissions.insert(id, sent);
            read(shown)
        })
        .await
    }

    async fn commit(&self, _product: ProductId, submission: SubmissionId) -> Result<(), Error> {
        self.at(Call::Commit, |sky, at| {
            let fails = sky.refusals > 0;
            let Some(sent) = sky.submissions.get_mut(&submission.0) else { return absent() };
            if sent.committed.is_some_and(|then| then <= at) {
                let said = "Only pending submissions can be committed.";
                return Err(error(Class::Reconcile, Fate::Refused, Some(400), said));
            }
            if sent.uploaded.is_none() {
                return Err(error(Class::Permanent, Fate::Refused, Some(400), "nothing was uploaded"));
            }
            sent.committed = Some(at);
            sent.fails = fails;
            sky.refusals = sky.refusals.saturating_sub(1);
            Ok(())
        })
        .await
    }

    async fn labels(
        &self,
        _product: ProductId,
        submission: SubmissionId,
    ) -> Result<Vec<ShippingLabel>, Error> {
        self.at(Call::Labels, |sky, now| {
            let there = sky.labels.iter().filter(|(_, made)| made.of == submission.0 && made.at <= now);
            there.map(|(id, made)| read(sky.label(*id, made, now, false))).collect()
        })
        .await
    }

    async fn label(
        &self,
        _product: ProductId,
        submission: SubmissionId,
        label: LabelId,
    ) -> Result<ShippingLabel, Error> {
        self.at(Call::Label, |sky, now| match sky.labels.get(&label.0) {
            Some(made) if made.of == submission.0 && made.at <= now => {
                read(sky.label(label.0, made, now, true))
            }
            _ => absent(),
        })
        .await
    }

    async fn create_label(
        &self,
        _product: ProductId,
        submission: SubmissionId,
        new: &NewShippingLabel,
    ) -> Result<ShippingLabel, Error> {
        self.at(Call::CreateLabel, |sky, at| {
            let (id, body) = (sky.next_id(), serde_json::to_value(new).unwrap_or_default());
            let made = Made { of: submission.0, name: new.name.clone(), body, at, cancelled: false };
            let shown = sky.label(id, &made, at, true);
            sky.labels.insert(id, made);
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
        self.at(Call::UpdateLabel, |sky, _| {
            let Some(made) = sky.labels.get_mut(&label.0) else { return absent() };
            let Some(rows) = made.body["targeting"]["hardwareIds"].as_array_mut() else { return absent() };
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
        self.at(Call::CancelLabel, |sky, now| match sky.labels.get_mut(&label.0) {
            Some(made) if !made.cancelled && now.duration_since(made.at) < TAKES => {
                made.cancelled = true;
                Ok(())
            }
            _ => Err(error(Class::Permanent, Fate::Refused, Some(400), "it cannot be withdrawn now")),
        })
        .await
    }

    async fn audiences(&self) -> Result<Vec<Audience>, Error> {
        self.at(Call::Audiences, |_, _| {
            read(json!([{"id": "a-1", "name": "Test Registry Key", "audienceName": "Test_Registry_Key"}]))
        })
        .await
    }

    async fn upload(&self, url: &SafeUrl, file: &Path, sha256: &str) -> Result<u64, TransferError> {
        let bytes = std::fs::read(file).map_err(|source| TransferError::Local {
            what: "read",
            path: file.to_owned(),
            source,
        })?;
        let (id, length) = (number(url), bytes.len() as u64);
        let digest = digest::of(&bytes);
        if digest != sha256 {
            return Err(TransferError::Altered { path: file.to_owned() });
        }
        let uploaded = self.at(Call::Upload, |sky, _| {
            let Some(sent) = sky.submissions.get_mut(&id) else { return absent() };
            sent.uploaded = Some(digest);
            Ok(length)
        });
        Ok(uploaded.await?)
    }

    async fn download(&self, url: &SafeUrl, file: &Path) -> Result<u64, TransferError> {
        let kind = url.with_secrets().path().rsplit('/').next().unwrap_or_default().to_owned();
        let id = number(url);
        let bytes = self
            .at(Call::Download, |sky, _| {
                Ok(match kind.as_str() {
                    "signedPackage" => sky.signed.clone(),
                    "driverMetadata" => {
                        let uploaded = sky.submissions.get(&id).and_then(|sent| sent.uploaded.as_ref());
                        let version = uploaded.and_then(|sha256| sky.versions.get(sha256));
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

/// The submission's id in a URL of the double.
fn number(url: &SafeUrl) -> u64 {
    let mut parts = url.with_secrets().path().split('/');
    parts.nth(1).and_then(|part| part.parse().ok()).unwrap_or_default()
}
