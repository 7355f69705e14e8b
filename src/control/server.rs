//! Serves the control socket. Every process that can open the socket may read, wait and submit; only operators may change
//! things.

use std::future::Future;
use std::io;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::Path;
use std::sync::Arc;

use axum::{Router, middleware};
use tokio::net::UnixListener;

use super::endpoints;
use super::handler::ControlHandler;
use super::operators::{Connection, operators_only};

/// Permissions of the socket: its owner and group may connect.
const SOCKET_MODE: u32 = 0o660;

/// Binds the socket and returns the future that serves it until `shutdown`; `more` adds read-only routes.
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

/// Binds the socket. Replaces the socket file that a crashed daemon left.
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
