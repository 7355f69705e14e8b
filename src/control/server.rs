//! Serves the control socket. Every process that can open the socket may read, wait and submit; only operators may change
//! things.

use std::future::Future;
use std::io;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::extract::DefaultBodyLimit;
use axum::http::Extensions;
use axum::{Extension, Router, middleware};
use tokio::net::{UnixListener, UnixStream};
use tokio::runtime::Handle;

use super::endpoints::{self, MainRuntime};
use super::extract::unknown_path;
use super::handler::ControlHandler;
use super::operator_groups::OperatorGroups;
use super::peer::Peer;
use super::permission::operators_only;
use crate::http::{self, Caller, ClientKey, Limits, Listener};
use crate::requirements::is_served_by_another;

/// Permissions of the socket: its owner and group may connect.
const SOCKET_MODE: u32 = 0o660;

/// Maximum size in bytes of the JSON in a request.
const MAX_JSON: usize = 64 << 10;

/// Binds the socket and returns the future that serves it until `shutdown`; `more_routes` adds read-only routes. Changes run on
/// the runtime `main`, whichever runtime serves the socket.
///
/// # Errors
/// When the socket cannot be bound.
pub fn serve<F>(
    socket: &Path,
    handler: Arc<dyn ControlHandler>,
    more_routes: Router,
    main: Handle,
    shutdown: F,
) -> io::Result<impl Future<Output = ()> + use<F>>
where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = bind(socket)?;
    let operators = handler.operators().clone();
    let changes =
        endpoints::changes().layer(middleware::from_fn_with_state(operators.clone(), operators_only));
    let app = endpoints::reads().merge(changes).with_state(handler).merge(more_routes);
    let app = app.fallback(unknown_path).method_not_allowed_fallback(unknown_path);
    let app = app.layer(Extension(MainRuntime(main))).layer(DefaultBodyLimit::max(MAX_JSON));
    let socket = socket.to_owned();
    Ok(async move {
        // A listener belongs to the runtime that polls it.
        match UnixListener::from_std(listener) {
            Ok(listener) => {
                let listener = ControlSocket { listener, operators, path: socket };
                http::serve(listener, app, Limits::CONTROL, shutdown).await;
            }
            Err(error) => tracing::error!("the control socket {} stopped: {error}", socket.display()),
        }
    })
}

/// Binds the socket. Replaces the socket file that a crashed daemon left, but not the socket of another daemon.
fn bind(path: &Path) -> io::Result<std::os::unix::net::UnixListener> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    match std::fs::symlink_metadata(path) {
        // A daemon with another store, such as that of the sandbox, can have the same socket.
        Ok(found) if found.file_type().is_socket() && is_served_by_another(path) => {
            return Err(io::Error::new(io::ErrorKind::AddrInUse, "another daemon serves it"));
        }
        Ok(found) if found.file_type().is_socket() => std::fs::remove_file(path)?,
        _ => {}
    }
    let listener = std::os::unix::net::UnixListener::bind(path)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(SOCKET_MODE))?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

struct ControlSocket {
    listener: UnixListener,
    operators: OperatorGroups,
    path: PathBuf,
}

impl Listener for ControlSocket {
    type Stream = UnixStream;

    async fn accept(&mut self) -> io::Result<(UnixStream, Caller)> {
        let (stream, _) = self.listener.accept().await?;
        let peer = Peer::of(&stream)?;
        let (key, class) = (ClientKey::Uid(peer.uid), peer.class(&self.operators.ids()));
        let mut extensions = Extensions::new();
        extensions.insert(peer);
        Ok((stream, Caller { key, class, extensions }))
    }

    fn name(&self) -> String {
        format!("control socket {}", self.path.display())
    }
}
