//! A running sandbox: starts and stops the server.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicI64, AtomicUsize};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::app::App;
use crate::blob::store::BlobStore;
use crate::clock::SandboxClock;
use crate::connection;
use crate::control::Control;
use crate::listener::{CuttableConnection, CuttableListener};
use crate::options::Options;
use crate::state::ServiceState;

/// Maximum time that a stopped sandbox waits for open connections.
const GRACE: Duration = Duration::from_millis(200);

/// A running sandbox. It stops when it is dropped.
#[derive(Debug)]
pub struct Sandbox {
    app: Arc<App>,
    stop: CancellationToken,
    server: Option<JoinHandle<()>>,
}

impl Sandbox {
    /// Starts a sandbox. It accepts connections when this returns.
    ///
    /// # Errors
    /// When it cannot listen on the address, or cannot create its scratch folder.
    pub async fn start(options: Options) -> io::Result<Self> {
        let (listener, address) = CuttableListener::bind(options.listen).await?;
        // An unspecified address such as 0.0.0.0 is not a valid host in a URL.
        let host = if address.ip().is_unspecified() { IpAddr::V4(Ipv4Addr::LOCALHOST) } else { address.ip() };
        let public = SocketAddr::new(host, address.port());
        let mut key = [0_u8; 32];
        getrandom::fill(&mut key).map_err(|error| io::Error::other(error.to_string()))?;
        let app = Arc::new(App {
            clock: SandboxClock::new(options.speed),
            state: Mutex::new(ServiceState::new(options.seed)),
            blobs: BlobStore::new()?,
            script: Mutex::default(),
            log: Mutex::default(),
            base: format!("http://{public}"),
            next_links: AtomicUsize::new(0),
            date_offset: AtomicI64::new(0),
            kill: CancellationToken::new(),
            key: ring::hmac::Key::new(ring::hmac::HMAC_SHA256, &key),
            options,
        });
        let stop = CancellationToken::new();
        let router = Router::new().fallback(connection::serve).with_state(Arc::clone(&app));
        let service = router.into_make_service_with_connect_info::<CuttableConnection>();
        let (stopped, kill) = (stop.clone(), app.kill.clone());
        let server = tokio::spawn(async move {
            let serving =
                axum::serve(listener, service).with_graceful_shutdown(stopped.clone().cancelled_owned());
            let serving = std::pin::pin!(serving.into_future());
            let grace = async {
                stopped.cancelled().await;
                tokio::time::sleep(GRACE).await;
            };
            tokio::select! {
                ended = serving => {
                    if let Err(error) = ended {
                        tracing::warn!(%error, "the sandbox stopped serving: {error}");
                    }
                }
                () = grace => {}
            }
            kill.cancel();
        });
        Ok(Self { app, stop, server: Some(server) })
    }

    /// `http://ADDRESS:PORT`, the base URL of authority, API and blob store.
    #[must_use]
    pub fn base_url(&self) -> &str {
        &self.app.base
    }

    /// The controls of this sandbox.
    #[must_use]
    pub fn control(&self) -> Control {
        Control::new(Arc::clone(&self.app))
    }

    /// Stops the sandbox; open requests get a short time to complete.
    pub async fn shutdown(mut self) {
        self.stop.cancel();
        if let Some(server) = self.server.take()
            && let Err(error) = server.await
        {
            tracing::debug!(%error, "the server task of the sandbox failed: {error}");
        }
    }

    /// Serves until `until` ends, then stops.
    pub async fn serve_until(self, until: impl Future<Output = ()>) {
        until.await;
        self.shutdown().await;
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}
