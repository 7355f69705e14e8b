//! The basis of every `api` command: an account, its client, and the output of objects and requests.

use std::cell::OnceCell;
use std::path::Path;
use std::time::Duration;

use serde::Serialize;
use serde_json::{Value, json};

use super::args::{LabelRef, SubmissionRef};
use super::shape;
use crate::cli::backend;
use crate::cli::exit::{Exit, ExitError};
use crate::cli::output::Output;
use crate::cli::table::table;
use crate::control::{self, ConnectError, LabelChange};
use dropship_config::Config;
use dropship_config::model::Poll;
use dropship_hardware::{
    Client, Error, LabelId, Listed, Listing, Pages, Recovery, ShippingLabel, TransferError,
};
use dropship_redact::Escaped;

/// One account of the configuration, with its client.
pub(super) struct ApiSession<'a> {
    /// Holds the selected account only.
    config: Config,
    client: OnceCell<Client>,
    pub(super) output: &'a Output,
}

/// A request that changes an object.
pub(super) struct ChangeRequest {
    pub(super) method: &'static str,
    /// Path relative to `/v2.0/my/hardware/`.
    pub(super) path: String,
    pub(super) body: Option<Value>,
    /// The change to report to the label's job, if a label changes.
    pub(super) label_change: Option<(LabelId, LabelChange)>,
    /// Message after success.
    pub(super) success_message: String,
}

impl<'a> ApiSession<'a> {
    /// Reads the configuration. Credentials are read before the first call only.
    pub(super) fn open(path: &Path, account: &str, output: &'a Output) -> anyhow::Result<Self> {
        let mut config = backend::load_for_operation(path)?;
        if !config.accounts.contains_key(account) {
            let known: Vec<_> = config.accounts.keys().map(|name| format!("`{name}`")).collect();
            let known = if known.is_empty() { "no accounts".to_owned() } else { known.join(", ") };
            let text = format!("there is no account `{account}` in {}; the file has {known}", path.display());
            return Err(ExitError(Exit::Configuration, text).into());
        }
        config.accounts.retain(|name, _| name == account);
        Ok(Self { config, client: OnceCell::new(), output })
    }

    /// The account's client.
    pub(super) fn client(&self) -> anyhow::Result<&Client> {
        if let Some(client) = self.client.get() {
            return Ok(client);
        }
        let clients =
            dropship_engine::accounts::clients(&self.config, false).map_err(|error| {
                match Exit::of(&error) {
                    Exit::Failed => ExitError(Exit::Configuration, format!("{error:#}")).into(),
                    _ => error,
                }
            })?;
        let client = clients.into_values().next();
        let client = client
            .ok_or_else(|| ExitError(Exit::Configuration, "the configuration has no account".to_owned()))?;
        Ok(self.client.get_or_init(|| client))
    }

    /// Fetches all pages of a list and shows them as a table. What cannot be read is reported, and the command fails.
    pub(super) async fn list<T: Listed + Serialize>(
        &self,
        pages: Pages<T>,
        heads: &[&str],
        row: fn(&T) -> Vec<String>,
    ) -> anyhow::Result<Exit> {
        let Listing { items, incomplete } = pages.read().await.map_err(call_error)?;
        self.rows(&items, heads, row)?;
        let Some(incomplete) = incomplete else { return Ok(Exit::Done) };
        for why in incomplete.unreadable().iter().map(String::as_str).chain(incomplete.end()) {
            self.output.error(&format!("the list is incomplete: {}", Escaped(why)));
        }
        Ok(Exit::Failed)
    }

    /// Shows objects as a table.
    pub(super) fn rows<T: Serialize>(
        &self,
        items: &[T],
        heads: &[&str],
        row: fn(&T) -> Vec<String>,
    ) -> anyhow::Result<Exit> {
        let document = shape::json(items)?;
        self.output.print_result(&document, || {
            if items.is_empty() {
                return "none".to_owned();
            }
            table(heads, &items.iter().map(row).collect::<Vec<_>>())
        })?;
        Ok(Exit::Done)
    }

    /// Poll intervals of the configuration.
    pub(super) fn poll(&self) -> &Poll {
        &self.config.api.poll
    }

    /// How long a new object may be unknown to parts of the service.
    pub(super) fn uncertain(&self) -> Duration {
        self.config.api.uncertain
    }

    /// The exit of a command that has waited. A failure is reported.
    pub(super) fn exit(&self, subject: &str, failure: Option<String>) -> Exit {
        let Some(why) = failure else { return Exit::Done };
        self.output.error(&format!("{subject} has failed: {}", Escaped(&why)));
        Exit::Rejected
    }

    /// Shows a document.
    pub(super) fn show_document(&self, document: &Value) -> anyhow::Result<Exit> {
        self.output.print_result(document, || shape::describe(document))?;
        Ok(Exit::Done)
    }

    /// Fetches a label with its targeting.
    pub(super) async fn label(&self, label: LabelRef) -> anyhow::Result<ShippingLabel> {
        let SubmissionRef { product, submission } = label.submission_ref;
        self.client()?.label(product, submission, label.label, true).await.map_err(call_error)
    }

    /// Shows one object.
    pub(super) fn show(&self, object: &impl Serialize) -> anyhow::Result<Exit> {
        self.show_document(&shape::json(object)?)
    }

    /// Reports a change to the daemon, so that the label's job knows about it. Without a daemon nothing is reported: the
    /// job reads the label's state from the service anyway.
    async fn report_label_change(&self, change: Option<&(LabelId, LabelChange)>) {
        let Some((label, change)) = change else { return };
        let reported = match control::Client::connect(&self.config.control.socket).await {
            Ok(daemon) => daemon.record_label_change(*label, change).await,
            Err(ConnectError::NoDaemon(_)) => return,
            Err(ConnectError::Control(error)) => Err(error),
        };
        match reported {
            Ok(Some(job)) => {
                self.output.say(&format!(
                    "label {label} belongs to job {job}; the change is recorded in its history"
                ));
            }
            Ok(None) => {}
            Err(error) => {
                self.output
                    .error(&format!("cannot report the change of label {label} to the daemon: {error}"));
            }
        }
    }

    /// Sends a change; a dry run prints it instead.
    pub(super) async fn change(
        &self,
        change: &ChangeRequest,
        dry_run: bool,
        send: impl AsyncFnOnce(&Client) -> Result<(), Error>,
    ) -> anyhow::Result<Exit> {
        if dry_run {
            return self.print_request(change.method, &change.path, change.body.as_ref());
        }
        send(self.client()?).await.map_err(call_error)?;
        let path = self.full_path(&change.path);
        let document = json!({ "method": change.method, "path": path, "body": change.body, "sent": true });
        self.report_label_change(change.label_change.as_ref()).await;
        self.output.print_result(&document, || change.success_message.clone())?;
        Ok(Exit::Done)
    }

    /// Prints a request instead of sending it.
    pub(super) fn print_request(
        &self,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> anyhow::Result<Exit> {
        let path = self.full_path(path);
        let document = json!({ "method": method, "path": path, "body": body, "sent": false });
        self.output.print_result(&document, || match body {
            None => format!("{method} {path}\n\nDry run: nothing was sent."),
            Some(body) => format!("{method} {path}\n{body:#}\n\nDry run: nothing was sent."),
        })?;
        Ok(Exit::Done)
    }

    fn full_path(&self, path: &str) -> String {
        format!("{}/v2.0/my/hardware/{path}", self.config.api.endpoint.path().trim_end_matches('/'))
    }
}

/// A failed call, with the exit code of its class.
pub(super) fn call_error(error: Error) -> anyhow::Error {
    match error.recovery {
        Recovery::Permission => ExitError(Exit::NotPermitted, error.to_string()).into(),
        Recovery::Credentials => ExitError(Exit::Configuration, error.to_string()).into(),
        _ => error.into(),
    }
}

/// A failed transfer, with its exit code.
pub(super) fn transfer_error(error: TransferError) -> anyhow::Error {
    match error {
        TransferError::Service(error) => call_error(error),
        error => error.into(),
    }
}
