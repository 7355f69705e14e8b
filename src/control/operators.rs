//! Middleware that permits changes to operators only.

use std::sync::Arc;

use axum::extract::connect_info::{ConnectInfo, Connected};
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::serve::IncomingStream;
use tokio::net::UnixListener;

use super::error::{ControlError, ControlErrorKind};
use super::handler::ControlHandler;
use super::peer::{Peer, operator_name};

/// The process at the other end of a connection; absent if the kernel does not report its credentials.
#[derive(Debug, Clone)]
pub(super) struct Connection(Option<Peer>);

impl Connected<IncomingStream<'_, UnixListener>> for Connection {
    fn connect_info(stream: IncomingStream<'_, UnixListener>) -> Self {
        Self(Peer::of(stream.io()).ok())
    }
}

/// The operator of a request, as recorded in the history of jobs.
#[derive(Debug, Clone)]
pub(super) struct Operator(pub(super) String);

/// Rejects requests of processes that are not operators, and logs both outcomes.
pub(super) async fn operators_only(
    State(handler): State<Arc<dyn ControlHandler>>,
    ConnectInfo(Connection(peer)): ConnectInfo<Connection>,
    mut request: Request,
    next: Next,
) -> Response {
    let path = request.uri().path().to_owned();
    match peer {
        Some(peer) if peer.may_change(&handler.operators()) => {
            tracing::info!(
                event = "changed",
                uid = peer.uid,
                pid = peer.pid,
                "{path} requested by uid {}",
                peer.uid
            );
            request.extensions_mut().insert(Operator(operator_name(peer.uid)));
            next.run(request).await
        }
        peer => {
            let user = peer.map_or_else(|| "an unknown user".to_owned(), |peer| format!("uid {}", peer.uid));
            tracing::warn!(event = "refused", "{path} refused to {user}");
            let message = format!(
                "{user} may read, wait and submit, but not change anything; run this as root or as a member of a group \
                 in `[control] operators`"
            );
            ControlError::new(ControlErrorKind::NotPermitted, message).into_response()
        }
    }
}
