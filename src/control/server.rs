//! The daemon's side of the control socket: binding it, and deciding who may do what. Every process that can open the
//! socket may read, wait and submit; only operators may change things.

use std::future::Future;
use std::io;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::Path;
use std::sync::Arc;

use axum::Router;
use axum::extract::connect_info::{ConnectInfo, Connected};
use axum::extract::{Request, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::serve::IncomingStream;
use tokio::net::UnixListener;

use super::endpoints;
use super::error::{ControlError, ControlErrorKind};
use super::handler::ControlHandler;
use super::peer::Peer;

/// Permissions of the socket: its owner and group may connect.
const SOCKET_MODE: u32 = 0o660;

/// Serves the socket until `shutdown`; `more` adds read-only routes.
///
/// # Errors
/// When the socket cannot be bound.
pub fn serve<F>(
    socket: &Path,
    handler: Arc<dyn ControlHandler>,
    more: Router,
    shutdown: F,
) -> io::Result<impl Future<Output = io::Result<()>> + use<F>>
where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = bind(socket)?;
    let changes =
        endpoints::changes().layer(middleware::from_fn_with_state(Arc::clone(&handler), operators_only));
    let app = endpoints::reads().merge(changes).with_state(handler).merge(more);
    let service = app.into_make_service_with_connect_info::<Connection>();
    let serving = axum::serve(listener, service).with_graceful_shutdown(shutdown);
    Ok(serving.into_future())
}

/// Binds the socket; the socket of a daemon that died is replaced.
fn bind(path: &Path) -> io::Result<UnixListener> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    match std::fs::symlink_metadata(path) {
        // This daemon holds the store's lock, so no other daemon serves this socket.
        Ok(found) if found.file_type().is_socket() => std::fs::remove_file(path)?,
        _ => {}
    }
    let listener = UnixListener::bind(path)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(SOCKET_MODE))?;
    Ok(listener)
}

/// The peer of a connection; absent when the kernel does not report its credentials.
#[derive(Debug, Clone)]
struct Connection(Option<Peer>);

impl Connected<IncomingStream<'_, UnixListener>> for Connection {
    fn connect_info(stream: IncomingStream<'_, UnixListener>) -> Self {
        Self(Peer::of(stream.io()).ok())
    }
}

/// The operator who makes a request, as it is recorded in a job's history.
#[derive(Debug, Clone)]
pub(super) struct Operator(pub(super) String);

async fn operators_only(
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
                "{path} asked for by uid {}",
                peer.uid
            );
            request.extensions_mut().insert(Operator(format!("uid {}", peer.uid)));
            next.run(request).await
        }
        peer => {
            let who = peer.map_or_else(|| "an unknown peer".to_owned(), |peer| format!("uid {}", peer.uid));
            tracing::warn!(event = "refused", "{path} refused to {who}");
            let message = format!(
                "{who} may read, wait and submit, but not change anything; run this as root or as a member of a group \
                 in `[control] operators`"
            );
            ControlError::new(ControlErrorKind::NotPermitted, message).into_response()
        }
    }
}
