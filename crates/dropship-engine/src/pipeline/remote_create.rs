//! An object that a job creates at the service, and how it is recognised there.

use std::future::Future;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use super::lists::{self, ListOf};
use super::service::Service;
use super::step_context::{StepContext, StepResult};
use crate::digest;
use dropship_hardware::{Error, Listing};
use dropship_job::{ErrorKind, Fault, RemoteId, RemoteKind};

/// An object at the service that has the name of the request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Candidate {
    /// Its id.
    pub(super) id: RemoteId,
    /// Why it cannot be of this create; `None` when it can.
    pub(super) mismatch: Option<String>,
    /// The go-live date of a label.
    pub(super) go_live: Option<Timestamp>,
}

/// An object that a job creates.
pub(super) trait RemoteCreate<S: Service>: Send + Sync {
    /// Its kind.
    fn kind(&self) -> RemoteKind;
    /// Its name.
    fn name(&self) -> &str;
    /// The digest of the request, as far as approvals and repetitions are bound to it.
    fn digest(&self) -> &str;
    /// The request as far as they are bound to it, for a message.
    ///
    /// # Errors
    /// The request has no JSON form.
    fn request(&self) -> serde_json::Result<Value>;
    /// The go-live date of the request, for a label.
    fn go_live(&self) -> Option<Timestamp> {
        None
    }
    /// Called right before the request is sent, to confirm what it depends on.
    fn confirm(
        &self,
        _ctx: &mut StepContext<'_, S>,
        _service: &S,
    ) -> impl Future<Output = StepResult> + Send {
        async { Ok(()) }
    }
    /// The list that contains the object.
    fn list_of(&self) -> ListOf {
        ListOf::OwnObject
    }
    /// All objects with the name, as far as the list can be read.
    fn find(&self, service: &S) -> impl Future<Output = Result<Listing<Candidate>, Error>> + Send;
    /// The ids of the objects with the name before the create. `attempts` of the job at this list have failed.
    fn existing_ids(
        &self,
        service: &S,
        attempts: u32,
    ) -> impl Future<Output = Result<Listing<RemoteId>, Error>> + Send {
        async move {
            let found = lists::accept(service, self.list_of(), attempts, self.find(service).await).await?;
            let items = found.items.iter().map(|found| found.id).collect();
            Ok(Listing { items, incomplete: found.incomplete })
        }
    }
    /// Sends the create; returns the id of the new object.
    fn send(&self, service: &S) -> impl Future<Output = Result<RemoteId, Error>> + Send;
}

/// The digest of a request; intents and approvals are bound to it.
///
/// # Errors
/// The request has no JSON form. It could not be bound to an approval, so the job fails.
pub(super) fn request_digest(request: &impl Serialize) -> Result<String, Fault> {
    digest::of_json(request).map_err(|error| {
        let message = format!("internal error: the request has no JSON form: {error}; please report it");
        Fault::new(ErrorKind::Internal, message)
    })
}
