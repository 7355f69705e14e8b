//! The commands' side of the control socket.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;

use super::connect_error::ConnectError;
use super::handler::AdoptRequest;
use super::label_change::LabelChange;
use super::reach::{MAX_SILENCE, check_alive, classify_body, silent_error};
use super::reloaded::Reloaded;
use super::status::Status;
use dropship_engine::admission::FileStanding;
use dropship_engine::observe::LogLevel;
use dropship_engine::operations::JobAction;
use dropship_engine::operations::JobQuery;
use dropship_engine::operations::{ControlError, ControlErrorKind};
use dropship_engine::operations::{ReachingLabel, WhoQuery};
use dropship_engine::outbox::Receipt;
use dropship_engine::replay::RememberedPackage;
use dropship_glob::Glob;
use dropship_hardware::LabelId;
use dropship_job::{JobId, StateKind};
use dropship_shared_folder::named_file;
use dropship_store::Finding;

/// Maximum number of attempts to get the first answer from a running daemon.
const GREETINGS: usize = 5;

/// Maximum size of the first answer in bytes.
const MAX_GREETING: u64 = 64 << 10;

/// A connection to the running daemon. Every method returns the [`ControlError`] that the daemon reported, or one of kind
/// [`ControlErrorKind::Failed`] if the daemon does not answer.
pub struct Client {
    http: reqwest::Client,
    socket: PathBuf,
}

impl Client {
    /// Connects to the daemon that listens on a socket, which has to answer.
    ///
    /// # Errors
    /// [`ConnectError::NoDaemon`] when no process listens on the socket; [`ConnectError::Control`] when this user may
    /// not open it, and when the process that listens is busy, does not answer, or is no daemon.
    pub async fn connect(socket: &Path) -> Result<Self, ConnectError> {
        // No root certificates: the socket is not encrypted, and reading them takes longer than most commands.
        let plain = reqwest::Client::builder().tls_certs_only([]);
        let built = plain.unix_socket(socket).no_proxy().build();
        let client = Self { http: built.map_err(connection_error)?, socket: socket.to_owned() };
        for _ in 0..GREETINGS {
            // The connection stays open for the next request, which keeps its place among the connections of the daemon.
            match tokio::time::timeout(MAX_SILENCE, client.greet()).await {
                Ok(true) => return Ok(client),
                Ok(false) => check_alive(socket).await?,
                Err(_) => return Err(silent_error(socket).into()),
            }
        }
        let message = "the daemon is busy: it closes new connections; try again later";
        Err(ControlError::new(ControlErrorKind::Busy, message).into())
    }

    /// Whether the daemon answers `/livez`.
    async fn greet(&self) -> bool {
        let Ok(response) = self.http.get(url("/livez")).send().await else { return false };
        // A process that is no daemon may send without end.
        if response.content_length().is_none_or(|length| length > MAX_GREETING) {
            return false;
        }
        response.bytes().await.is_ok_and(|body| classify_body(&body).is_ok())
    }

    /// The result of an exchange with the daemon. It may take long, as long as the daemon answers `/livez`.
    async fn watch<T>(&self, exchange: impl Future<Output = reqwest::Result<T>>) -> Result<T, ControlError> {
        tokio::pin!(exchange);
        loop {
            let error = match tokio::time::timeout(MAX_SILENCE, &mut exchange).await {
                Ok(Ok(done)) => return Ok(done),
                Ok(Err(error)) => Some(connection_error(error)),
                Err(_) => None,
            };
            match (check_alive(&self.socket).await, error) {
                (Ok(()), None) => {}
                (Ok(()), Some(error)) => return Err(error),
                (Err(ConnectError::Control(busy)), None) if busy.kind == ControlErrorKind::Busy => {}
                (Err(ConnectError::Control(error)), _) => return Err(error),
                (Err(ConnectError::NoDaemon(no_daemon)), _) => {
                    return Err(ControlError::new(ControlErrorKind::Unreachable, no_daemon.to_string()));
                }
            }
        }
    }

    /// The summary.
    pub async fn status(&self) -> Result<Status, ControlError> {
        self.answer(self.http.get(url("/v1/status"))).await
    }

    /// Jobs that match the query, newest first.
    pub async fn jobs(&self, query: &JobQuery) -> Result<Vec<Receipt>, ControlError> {
        let mut address = parse_url("/v1/jobs")?;
        {
            let mut pairs = address.query_pairs_mut();
            let since = query.since.map(|since| since.to_string());
            let parameters = [
                ("state", query.state.map(StateKind::as_str)),
                ("folder", query.folder.as_deref()),
                ("rule", query.rule.as_deref()),
                ("package", query.package.as_ref().map(Glob::as_str)),
                ("since", since.as_deref()),
                ("before", query.before.as_ref().map(JobId::as_str)),
            ];
            for (key, value) in parameters.into_iter().filter_map(|(key, value)| Some((key, value?))) {
                pairs.append_pair(key, value);
            }
            pairs.append_pair("limit", &query.limit.to_string());
        }
        self.answer(self.http.get(address)).await
    }

    /// One job with its history.
    pub async fn show(&self, id: &JobId) -> Result<Receipt, ControlError> {
        self.answer(self.http.get(url(&format!("/v1/jobs/{id}")))).await
    }

    /// All jobs of a package, by the SHA-256 of its bytes.
    pub async fn find(&self, sha256: &str) -> Result<Vec<Receipt>, ControlError> {
        self.answer(self.http.get(url(&format!("/v1/packages/{sha256}")))).await
    }

    /// The state of the file at an absolute path, as the daemon sees it.
    pub async fn file(&self, path: &Path) -> Result<FileStanding, ControlError> {
        let mut address = parse_url("/v1/files")?;
        address.query_pairs_mut().append_pair("path", &path.to_string_lossy());
        self.answer(self.http.get(address)).await
    }

    /// Calls `each` with the pieces of a result of a job.
    ///
    /// # Errors
    /// Also when the result ends early, or `each` fails.
    pub async fn result(
        &self,
        id: &JobId,
        name: &str,
        each: &mut (dyn FnMut(&[u8]) -> std::io::Result<()> + Send),
    ) -> anyhow::Result<()> {
        let request = self.http.get(url(&format!("/v1/jobs/{id}/files/{name}")));
        let mut response = self.watch(request.send()).await?;
        if !response.status().is_success() {
            let body = self.watch(response.bytes()).await?;
            let error: ControlError = serde_json::from_slice(&body)
                .unwrap_or_else(|_| answer_error(String::from_utf8_lossy(&body)));
            return Err(error.into());
        }
        while let Some(piece) = self.watch(response.chunk()).await? {
            each(&piece)?;
        }
        Ok(())
    }

    /// The published labels that reach a device.
    pub async fn who(&self, query: &WhoQuery) -> Result<Vec<ReachingLabel>, ControlError> {
        let mut address = parse_url("/v1/who")?;
        {
            let mut pairs = address.query_pairs_mut();
            pairs.append_pair("hardware_id", query.hardware_id.as_str());
            if let Some(os) = &query.os {
                pairs.append_pair("os", os.as_str());
            }
            pairs.append_pair("upcoming", if query.upcoming { "true" } else { "false" });
            if let Some(limit) = query.limit {
                pairs.append_pair("limit", &limit.to_string());
            }
        }
        self.answer(self.http.get(address)).await
    }

    /// Problems of the store and its files.
    pub async fn doctor(&self) -> Result<Vec<Finding>, ControlError> {
        self.answer(self.http.get(url("/v1/doctor"))).await
    }

    /// Calls `each` with every record of the store as a JSON object.
    ///
    /// # Errors
    /// Also when the export ends early, or `each` fails.
    pub async fn export(&self, each: &mut dyn FnMut(&[u8]) -> std::io::Result<()>) -> anyhow::Result<()> {
        self.lines(self.http.get(url("/v1/export")), each).await
    }

    /// Calls `each` with every package that the store remembers, and with the text of its record.
    ///
    /// # Errors
    /// Also when the list ends early, or `each` fails.
    pub async fn remembered(
        &self,
        since: Option<Timestamp>,
        each: &mut dyn FnMut(&RememberedPackage, &[u8]) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let mut address = parse_url("/v1/remembered")?;
        if let Some(since) = since {
            address.query_pairs_mut().append_pair("since", &since.to_string());
        }
        let mut package = None;
        let mut line = |line: &[u8]| {
            match package.take() {
                None => package = Some(serde_json::from_slice::<RememberedPackage>(line)?),
                Some(package) => each(&package, line).map_err(std::io::Error::other)?,
            }
            Ok(())
        };
        self.lines(self.http.get(address), &mut line).await
    }

    /// The stored driver metadata of a job; empty if Microsoft has sent none yet.
    pub async fn driver_metadata(&self, id: &JobId) -> Result<Vec<u8>, ControlError> {
        let request = self.http.get(url(&format!("/v1/jobs/{id}/metadata")));
        let response = self.watch(request.send()).await?;
        let is_success = response.status().is_success();
        let body = self.watch(response.bytes()).await?;
        if is_success {
            return Ok(body.to_vec());
        }
        Err(serde_json::from_slice(&body).unwrap_or_else(|_| answer_error(String::from_utf8_lossy(&body))))
    }

    /// Calls `each` with every line of the answer.
    async fn lines(
        &self,
        request: reqwest::RequestBuilder,
        each: &mut dyn FnMut(&[u8]) -> std::io::Result<()>,
    ) -> anyhow::Result<()> {
        let mut response = self.watch(request.send()).await?;
        if !response.status().is_success() {
            let body = self.watch(response.bytes()).await?;
            let error: ControlError = serde_json::from_slice(&body)
                .unwrap_or_else(|_| answer_error(String::from_utf8_lossy(&body)));
            return Err(error.into());
        }
        let mut rest = Vec::new();
        while let Some(piece) = self.watch(response.chunk()).await? {
            let mut piece = &*piece;
            while let Some(end) = piece.iter().position(|byte| *byte == b'\n') {
                rest.extend_from_slice(&piece[..end]);
                each(&rest)?;
                rest.clear();
                piece = &piece[end + 1..];
            }
            rest.extend_from_slice(piece);
        }
        Ok(())
    }

    /// Applies an operator's action to a job.
    pub async fn act(&self, id: &JobId, action: &JobAction) -> Result<Receipt, ControlError> {
        self.post(&format!("/v1/jobs/{id}/actions"), action).await
    }

    /// Follows a submission that was made elsewhere. Returns its job.
    pub async fn adopt(&self, request: &AdoptRequest) -> Result<JobId, ControlError> {
        self.post("/v1/adopt", request).await
    }

    /// Pauses a folder, or everything.
    pub async fn pause(&self, folder: Option<&str>) -> Result<(), ControlError> {
        self.post("/v1/pause", &json!({ "folder": folder })).await
    }

    /// Resumes a folder, or everything.
    pub async fn resume(&self, folder: Option<&str>) -> Result<(), ControlError> {
        self.post("/v1/resume", &json!({ "folder": folder })).await
    }

    /// Scans a folder, or all folders.
    pub async fn rescan(&self, folder: Option<&str>) -> Result<(), ControlError> {
        self.post("/v1/rescan", &json!({ "folder": folder })).await
    }

    /// Changes the level of the daemon's log. Returns the level before.
    pub async fn set_log_level(&self, level: LogLevel) -> Result<LogLevel, ControlError> {
        self.post("/v1/log-level", &json!({ "level": level })).await
    }

    /// Reports a change of a label to the daemon. Returns the job that created the label, if there is one.
    pub async fn record_label_change(
        &self,
        label: LabelId,
        change: &LabelChange,
    ) -> Result<Option<JobId>, ControlError> {
        self.post(&format!("/v1/labels/{label}/changes"), change).await
    }

    /// What a reload would change. Nothing is applied.
    ///
    /// # Errors
    /// Every reason why the new configuration would be refused.
    pub async fn preview_reload(&self) -> Result<Reloaded, ControlError> {
        self.answer(self.http.get(url("/v1/reload"))).await
    }

    /// Applies the configuration on disk.
    ///
    /// # Errors
    /// Every reason why the new configuration was refused. The old configuration stays active in that case.
    pub async fn reload(&self) -> Result<Reloaded, ControlError> {
        self.post("/v1/reload", &json!({})).await
    }

    /// Submits a package.
    ///
    /// # Errors
    /// Also when the file cannot be read.
    pub async fn submit(
        &self,
        file: &Path,
        folder: Option<&str>,
        rule: Option<&str>,
    ) -> Result<JobId, ControlError> {
        let content = named_file::open(file).map_err(|error| {
            ControlError::new(ControlErrorKind::Failed, format!("cannot read {}: {error}", file.display()))
        })?;
        let content = tokio::fs::File::from_std(content);
        let name = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let mut address = parse_url("/v1/submit")?;
        {
            let mut pairs = address.query_pairs_mut();
            pairs.append_pair("name", &name);
            for (key, value) in [("folder", folder), ("rule", rule)] {
                if let Some(value) = value {
                    pairs.append_pair(key, value);
                }
            }
        }
        self.answer(self.http.post(address).body(reqwest::Body::from(content))).await
    }

    async fn post<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<T, ControlError> {
        self.answer(self.http.post(url(path)).json(body)).await
    }

    async fn answer<T: DeserializeOwned>(&self, request: reqwest::RequestBuilder) -> Result<T, ControlError> {
        let response = self.watch(request.send()).await?;
        let is_success = response.status().is_success();
        let body = self.watch(response.bytes()).await?;
        if is_success {
            return serde_json::from_slice(&body).map_err(answer_error);
        }
        Err(serde_json::from_slice(&body).unwrap_or_else(|_| answer_error(String::from_utf8_lossy(&body))))
    }
}

/// A URL on the socket. The host is a placeholder.
fn url(path: &str) -> String {
    format!("http://dropship{path}")
}

fn parse_url(path: &str) -> Result<url::Url, ControlError> {
    url::Url::parse(&url(path)).map_err(answer_error)
}

/// An error of the connection, without the URL, which only has the placeholder for the socket.
fn connection_error(error: reqwest::Error) -> ControlError {
    let message = format!("cannot get an answer from the daemon: {}", error.without_url());
    ControlError::new(ControlErrorKind::Unreachable, message)
}

fn answer_error(error: impl std::fmt::Display) -> ControlError {
    ControlError::new(ControlErrorKind::Failed, format!("cannot get an answer from the daemon: {error}"))
}
