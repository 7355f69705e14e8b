//! The commands' end of the socket.

use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::notes::Note;
use super::office::{Act, Refusal, RefusalKind, Wanted};
use super::reloaded::Reloaded;
use super::status::Status;
use crate::doctor::Finding;
use crate::outbox::Receipt;
use dropship_job::JobId;

/// A daemon to talk to.
pub struct Client {
    http: reqwest::Client,
}

/// No daemon answers at the socket.
#[derive(Debug, thiserror::Error)]
#[error("no daemon answers at {socket}; start it with `systemctl start dropship` or `dropship run`")]
pub struct NoDaemon {
    /// The socket's path.
    pub socket: String,
}

impl Client {
    /// Connects to the daemon at a socket.
    ///
    /// # Errors
    /// [`NoDaemon`] when nobody listens there; a refusal when the socket may not be opened.
    pub async fn connect(socket: &Path) -> Result<Result<Self, NoDaemon>, Refusal> {
        match tokio::net::UnixStream::connect(socket).await {
            Ok(_) => {}
            Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => {
                let message = format!("{} may not be opened by this user; join its group", socket.display());
                return Err(Refusal::new(RefusalKind::NotPermitted, message));
            }
            Err(_) => return Ok(Err(NoDaemon { socket: socket.display().to_string() })),
        }
        // Nothing is encrypted here; reading the system's roots would take longer than most commands.
        let plain = reqwest::Client::builder().tls_certs_only([]);
        let built = plain.unix_socket(socket).no_proxy().build();
        let http =
            built.map_err(|error| Refusal::new(RefusalKind::Failed, error.without_url().to_string()))?;
        Ok(Ok(Self { http }))
    }

    /// The summary.
    ///
    /// # Errors
    /// What the daemon answers.
    pub async fn status(&self) -> Result<Status, Refusal> {
        self.answer(self.http.get(url("/v1/status"))).await
    }

    /// Jobs, newest first.
    ///
    /// # Errors
    /// What the daemon answers.
    pub async fn jobs(&self, wanted: &Wanted) -> Result<Vec<Receipt>, Refusal> {
        let mut address = url::Url::parse(&url("/v1/jobs")).map_err(failed)?;
        {
            let mut query = address.query_pairs_mut();
            if let Some(state) = wanted.state {
                query.append_pair("state", state.as_str());
            }
            if let Some(before) = &wanted.before {
                query.append_pair("before", before.as_str());
            }
            query.append_pair("limit", &wanted.limit.to_string());
        }
        self.answer(self.http.get(address)).await
    }

    /// One job with its story.
    ///
    /// # Errors
    /// What the daemon answers.
    pub async fn show(&self, id: &JobId) -> Result<Receipt, Refusal> {
        self.answer(self.http.get(url(&format!("/v1/jobs/{id}")))).await
    }

    /// The jobs of these bytes.
    ///
    /// # Errors
    /// What the daemon answers.
    pub async fn find(&self, sha256: &str) -> Result<Vec<Receipt>, Refusal> {
        self.answer(self.http.get(url(&format!("/v1/packages/{sha256}")))).await
    }

    /// What is not as it should be.
    ///
    /// # Errors
    /// What the daemon answers.
    pub async fn doctor(&self) -> Result<Vec<Finding>, Refusal> {
        self.answer(self.http.get(url("/v1/doctor"))).await
    }

    /// Everything that the store holds, one JSON object after the other.
    ///
    /// # Errors
    /// What the daemon answers, when the export breaks off, or `each` fails.
    pub async fn export(&self, each: &mut dyn FnMut(&[u8]) -> std::io::Result<()>) -> anyhow::Result<()> {
        let response =
            self.http.get(url("/v1/export")).send().await.map_err(|error| failed(error.without_url()))?;
        let mut pieces = response.error_for_status().map_err(|error| failed(error.without_url()))?;
        let mut rest = Vec::new();
        while let Some(piece) = pieces.chunk().await.map_err(|error| failed(error.without_url()))? {
            rest.extend_from_slice(&piece);
            while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
                each(&rest[..end])?;
                rest.drain(..=end);
            }
        }
        Ok(())
    }

    /// Does something to a job.
    ///
    /// # Errors
    /// What the daemon answers.
    pub async fn act(&self, id: &JobId, act: &Act) -> Result<Receipt, Refusal> {
        self.post(&format!("/v1/jobs/{id}/act"), act).await
    }

    /// Puts the emergency brake on (`pause`), takes it off (`resume`), or asks for a full look (`rescan`).
    ///
    /// # Errors
    /// What the daemon answers.
    pub async fn scoped(&self, verb: &str, folder: Option<&str>) -> Result<(), Refusal> {
        self.post(&format!("/v1/{verb}"), &serde_json::json!({ "folder": folder })).await
    }

    /// Tells the daemon what was done to a label by hand; gives the job that made it, if one did.
    ///
    /// # Errors
    /// What the daemon answers.
    pub async fn note(&self, label: u64, note: &Note) -> Result<Option<JobId>, Refusal> {
        self.post(&format!("/v1/labels/{label}/note"), note).await
    }

    /// Has the daemon read its configuration anew.
    ///
    /// # Errors
    /// Every reason why the new configuration was refused; the old one stays in force then.
    pub async fn reload(&self) -> Result<Reloaded, Refusal> {
        self.post("/v1/reload", &serde_json::json!({})).await
    }

    /// Hands a package in.
    ///
    /// # Errors
    /// When the file cannot be read, and what the daemon answers.
    pub async fn submit(
        &self,
        file: &Path,
        folder: Option<&str>,
        rule: Option<&str>,
    ) -> Result<JobId, Refusal> {
        let opened = tokio::fs::File::open(file).await;
        let content = opened.map_err(|error| {
            Refusal::new(RefusalKind::Failed, format!("{} cannot be read: {error}", file.display()))
        })?;
        let name = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let mut address = url::Url::parse(&url("/v1/submit")).map_err(failed)?;
        {
            let mut query = address.query_pairs_mut();
            query.append_pair("name", &name);
            for (key, value) in [("folder", folder), ("rule", rule)] {
                if let Some(value) = value {
                    query.append_pair(key, value);
                }
            }
        }
        self.answer(self.http.post(address).body(reqwest::Body::from(content))).await
    }

    async fn post<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<T, Refusal> {
        self.answer(self.http.post(url(path)).json(body)).await
    }

    async fn answer<T: DeserializeOwned>(&self, request: reqwest::RequestBuilder) -> Result<T, Refusal> {
        let response = request.send().await.map_err(|error| failed(error.without_url()))?;
        let good = response.status().is_success();
        let body = response.bytes().await.map_err(|error| failed(error.without_url()))?;
        if good {
            return serde_json::from_slice(&body).map_err(failed);
        }
        Err(serde_json::from_slice(&body).unwrap_or_else(|_| failed(String::from_utf8_lossy(&body))))
    }
}

/// The host of a URL over a Unix socket says nothing.
fn url(path: &str) -> String {
    format!("http://dropship{path}")
}

fn failed(error: impl std::fmt::Display) -> Refusal {
    Refusal::new(RefusalKind::Failed, format!("the daemon cannot be asked: {error}"))
}
