//! Lists of the service that fail although the service works.
//!
//! On large accounts the list of products ends with an error, or in a circle, at any time. A job that waited for such a list
//! would wait forever. After a bounded number of attempts, the job continues with the list as far as it was read, marked as
//! incomplete. While the service is down, every list fails, and the job waits as for any other call.

use super::service::Service;
use super::step_context::{StepContext, StepResult};
use dropship_hardware::{Error, Execution, Incomplete, Listing, Recovery};
use dropship_job::{ErrorKind, Fault};

/// Number of failed attempts of a job after which a list counts as incomplete. The client repeats each failed page itself.
const MAX_ATTEMPTS: u32 = 3;

/// The kind of objects in a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ListOf {
    /// The account: it exists.
    Account,
    /// An object that a job created: the service may not know it yet.
    OwnObject,
}

/// Accepts a list as far as it was read, if its failure is one of the list and not of the service.
///
/// # Errors
/// The error of the read: if it concerns more than the list, if the service does not work, or if fewer than [`MAX_ATTEMPTS`]
/// attempts of the job have failed before. `attempts` is the number of these attempts.
pub(super) async fn accept<S: Service, T>(
    service: &S,
    of: ListOf,
    attempts: u32,
    read: Result<Listing<T>, Error>,
) -> Result<Listing<T>, Error> {
    let Some(error) = failure(&read) else { return read };
    if !is_of_list(&error, of) {
        return Err(error);
    }
    // After each attempt: a successful call also prevents the failures of one list from opening the circuit breaker.
    let works = service.probe().await.is_ok();
    if attempts < MAX_ATTEMPTS || !works {
        return Err(error);
    }
    Ok(as_far_as_read(read))
}

/// Like [`accept`], for a list that several jobs share. If a later page fails, the list is accepted at once: the client has already
/// repeated the call for this page.
///
/// # Errors
/// See [`accept`].
pub(super) async fn accept_shared<S: Service, T>(
    service: &S,
    attempts: u32,
    read: Result<Listing<T>, Error>,
) -> Result<Listing<T>, Error> {
    let attempts = if read.is_ok() { MAX_ATTEMPTS } else { attempts };
    accept(service, ListOf::Account, attempts, read).await
}

/// Like [`accept`], for a search in the background. If the list fails while the service works, `is_final` returns whether the list
/// has failed often enough to be accepted.
///
/// # Errors
/// See [`accept`].
pub(super) async fn accept_in_background<S: Service, T>(
    service: &S,
    read: Result<Listing<T>, Error>,
    is_final: impl FnOnce() -> bool,
) -> Result<Listing<T>, Error> {
    let Some(error) = failure(&read) else { return read };
    let accepts = is_of_list(&error, ListOf::Account) && service.probe().await.is_ok() && is_final();
    if accepts { Ok(as_far_as_read(read)) } else { Err(error) }
}

/// Why the list was not read to its end, if a call failed.
fn failure<T>(read: &Result<Listing<T>, Error>) -> Option<Error> {
    match read {
        Ok(Listing { incomplete, .. }) => incomplete.as_ref().and_then(Incomplete::cause).cloned(),
        Err(error) => Some(error.clone()),
    }
}

fn as_far_as_read<T>(read: Result<Listing<T>, Error>) -> Listing<T> {
    read.unwrap_or_else(|error| Listing { items: Vec::new(), incomplete: Some(Incomplete::unread(error)) })
}

/// Whether the error can concern the list alone, and not the whole service.
fn is_of_list(error: &Error, of: ListOf) -> bool {
    match error.recovery {
        Recovery::Retry => error.execution != Execution::NotSent && error.status != Some(429),
        Recovery::Permanent => of == ListOf::Account || !matches!(error.status, Some(400 | 404)),
        Recovery::Reconcile | Recovery::NotReady => true,
        Recovery::Credentials | Recovery::Permission => false,
    }
}

impl<S: Service> StepContext<'_, S> {
    /// Handles a list that failed, like any other call, except that no failure of a list ends the job.
    pub(super) async fn on_list_error<V>(&mut self, of: ListOf, error: Error) -> StepResult<V> {
        match error.recovery {
            Recovery::Permanent if of == ListOf::OwnObject => self.on_read_error(error).await,
            Recovery::Permanent | Recovery::Reconcile => {
                self.retry_later(
                    Fault::new(ErrorKind::ServiceUnavailable, error.to_string()),
                    error.retry_after,
                )
                .await
            }
            _ => self.on_api_error(error).await,
        }
    }
}
