//! What every `api` command needs: an account, its client, and a way to show what came or what would go.

use std::cell::OnceCell;
use std::path::Path;

use serde::Serialize;
use serde_json::{Value, json};

use super::shape;
use crate::cli::exit::{Ending, Exit};
use crate::cli::output::{Output, table};
use crate::config::Config;
use crate::control::{self, Note};
use dropship_hardware::{Class, Client, Error, LabelId, Listed, Pages, TransferError};

/// One account's place to work at.
pub(super) struct Desk<'a> {
    /// With the chosen account alone.
    config: Config,
    client: OnceCell<Client>,
    pub(super) output: &'a Output,
}

/// A request that changes something.
pub(super) struct Change {
    pub(super) method: &'static str,
    /// Behind `/v2.0/my/hardware/`.
    pub(super) path: String,
    pub(super) body: Option<Value>,
    /// What a job needs to know of it, if it is of a label.
    pub(super) note: Option<(LabelId, Note)>,
    /// What is said once it was carried out.
    pub(super) done: String,
}

impl<'a> Desk<'a> {
    /// Reads the configuration; credentials are read when there is something to be sent.
    pub(super) fn open(path: &Path, account: &str, output: &'a Output) -> anyhow::Result<Self> {
        let mut config = crate::cli::place::load(path)?;
        if !config.accounts.contains_key(account) {
            let known: Vec<_> = config.accounts.keys().map(|name| format!("`{name}`")).collect();
            let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
            let text = format!("there is no account `{account}` in {}; it has {known}", path.display());
            return Err(Ending(Exit::Configuration, text).into());
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
            crate::accounts::clients(&self.config, false).map_err(|error| match Exit::of(&error) {
                Exit::Failed => Ending(Exit::Configuration, format!("{error:#}")).into(),
                _ => error,
            })?;
        let client = clients.into_values().next();
        let client = client.ok_or_else(|| Ending(Exit::Configuration, "there is no account".to_owned()))?;
        Ok(self.client.get_or_init(|| client))
    }

    /// Shows a whole list.
    pub(super) async fn list<T: Listed + Serialize>(
        &self,
        pages: Pages<T>,
        heads: &[&str],
        row: fn(&T) -> Vec<String>,
    ) -> anyhow::Result<Exit> {
        let items = pages.all().await.map_err(told)?;
        self.rows(&items, heads, row)
    }

    /// Shows objects.
    pub(super) fn rows<T: Serialize>(
        &self,
        items: &[T],
        heads: &[&str],
        row: fn(&T) -> Vec<String>,
    ) -> anyhow::Result<Exit> {
        let document = shape::json(items)?;
        self.output.give(&document, || {
            if items.is_empty() {
                return "there are none".to_owned();
            }
            table(heads, &items.iter().map(row).collect::<Vec<_>>())
        })?;
        Ok(Exit::Done)
    }

    /// Shows one object.
    pub(super) fn show(&self, object: &impl Serialize) -> anyhow::Result<Exit> {
        let document = shape::json(object)?;
        self.output.give(&document, || shape::describe(&document))?;
        Ok(Exit::Done)
    }

    /// Tells the daemon what was done to a label, so that the job that made it knows; one that does not run needs not.
    async fn tell(&self, note: Option<&(LabelId, Note)>) {
        let Some((label, note)) = note else { return };
        let told = match control::Client::connect(&self.config.control.socket).await {
            Ok(Ok(daemon)) => daemon.note(label.0, note).await,
            Ok(Err(_)) => return,
            Err(refusal) => Err(refusal),
        };
        match told {
            Ok(Some(job)) => {
                self.output.say(&format!("label {label} is of job {job}, which knows of it now"))
            }
            Ok(None) => {}
            Err(refusal) => self.output.error(&format!("the daemon was not told of it: {refusal}")),
        }
    }

    /// Carries a change out; a dry run prints it instead.
    pub(super) async fn change(
        &self,
        change: &Change,
        dry_run: bool,
        send: impl AsyncFnOnce(&Client) -> Result<(), Error>,
    ) -> anyhow::Result<Exit> {
        if !dry_run {
            send(self.client()?).await.map_err(told)?;
        }
        if dry_run {
            return self.dry(change.method, &change.path, change.body.as_ref());
        }
        let path = self.full(&change.path);
        let document = json!({ "method": change.method, "path": path, "body": change.body, "sent": true });
        self.tell(change.note.as_ref()).await;
        self.output.give(&document, || change.done.clone())?;
        Ok(Exit::Done)
    }

    /// Prints a request in the place of sending it.
    pub(super) fn dry(&self, method: &str, path: &str, body: Option<&Value>) -> anyhow::Result<Exit> {
        let path = self.full(path);
        let document = json!({ "method": method, "path": path, "body": body, "sent": false });
        self.output.give(&document, || match body {
            None => format!("{method} {path}\n\nA dry run: nothing was changed."),
            Some(body) => format!("{method} {path}\n{body:#}\n\nA dry run: nothing was changed."),
        })?;
        Ok(Exit::Done)
    }

    fn full(&self, path: &str) -> String {
        format!("{}/v2.0/my/hardware/{path}", self.config.api.endpoint.path().trim_end_matches('/'))
    }
}

/// The command line asks for something that cannot be.
pub(super) fn usage(text: impl Into<String>) -> anyhow::Error {
    Ending(Exit::Usage, text.into()).into()
}

/// A failed call with the exit code of its class.
pub(super) fn told(error: Error) -> anyhow::Error {
    match error.class {
        Class::Permission => Ending(Exit::NotPermitted, error.to_string()).into(),
        Class::Credentials => Ending(Exit::Configuration, error.to_string()).into(),
        _ => error.into(),
    }
}

/// A failed transfer with its exit code.
pub(super) fn transfer(error: TransferError) -> anyhow::Error {
    match error {
        TransferError::Service(error) => told(error),
        error => error.into(),
    }
}
