//! Middleware that permits changes to operators only.

use std::time::Duration;

use axum::Extension;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::error_response::ErrorResponse;
use super::operator_groups::OperatorGroups;
use super::peer::Peer;
use dropship_engine::operations::{ControlError, ControlErrorKind};
use dropship_engine::operations::{Operator, operator_name};

/// Maximum time to look up the name of an operator; the directory service may hang.
const NAME_LOOKUP: Duration = Duration::from_secs(2);

/// Rejects requests of processes that are not operators, and logs both outcomes.
pub(super) async fn operators_only(
    State(operators): State<OperatorGroups>,
    Extension(peer): Extension<Peer>,
    mut request: Request,
    next: Next,
) -> Response {
    let (path, uid) = (request.uri().path().to_owned(), peer.uid);
    if peer.may_change(&operators.ids()) {
        tracing::info!(event = "changed", uid, pid = peer.pid, "{path} requested by uid {uid}");
        let lookup = tokio::task::spawn_blocking(move || operator_name(uid));
        let name = match tokio::time::timeout(NAME_LOOKUP, lookup).await {
            Ok(Ok(name)) => name,
            _ => format!("uid {uid}"),
        };
        request.extensions_mut().insert(Operator { uid, name });
        return next.run(request).await;
    }
    tracing::warn!(event = "refused", "{path} refused to uid {uid}");
    let message = format!(
        "uid {uid} may read, wait and submit, but not change anything; run this as root or as a member of a group in \
         `[control] operators`"
    );
    ErrorResponse(ControlError::new(ControlErrorKind::NotPermitted, message)).into_response()
}
