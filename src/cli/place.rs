//! Where a command finds its answers: at the running daemon, or in the store when none runs.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;

use crate::config::model::Config;
use crate::config::{self, Environment};
use crate::control::{Act, Client, Floor, NoDaemon, Office, Refusal, RefusalKind, Status, Wanted};
use crate::outbox::{Outbox, Receipt};
use crate::pipeline::Brake;
use crate::store::{Durable, Store};
use dropship_job::{Event, Job, JobId, State};

/// The daemon, or its store.
pub(super) enum Place {
    /// A daemon runs.
    Daemon(Client),
    /// None runs; this process has the store.
    Store(Box<Alone>),
}

/// The store without a daemon.
pub(super) struct Alone {
    store: Arc<dyn Store>,
    office: Office,
    config: Config,
}

/// Reads the configuration, or says everything that is wrong with it.
pub(super) fn load(path: &Path) -> anyhow::Result<Config> {
    Ok(config::load(path, &Environment::from_variables(|name| std::env::var_os(name)))?)
}

/// Connects to the daemon. Whoever edits the rest of the configuration, and has not finished, keeps nobody from it.
pub(super) async fn connect(path: &Path) -> anyhow::Result<Result<Client, NoDaemon>> {
    let socket = match socket_of(path) {
        Some(socket) if socket.exists() => socket,
        _ => load(path)?.control.socket,
    };
    Ok(Client::connect(&socket).await?)
}

/// The socket that a configuration names, whatever else it says.
fn socket_of(path: &Path) -> Option<PathBuf> {
    let table: toml::Table = std::fs::read_to_string(path).ok()?.parse().unwrap_or_default();
    let named = table.get("control").and_then(|control| control.get("socket")?.as_str().map(PathBuf::from));
    let runtime =
        || std::env::var_os("RUNTIME_DIRECTORY").map(|folder| Path::new(&folder).join("control.sock"));
    let socket = named.or_else(runtime).unwrap_or_else(|| "/run/dropship/control.sock".into());
    Some(path.parent()?.join(socket))
}

/// Without a daemon a command needs its store.
pub(super) fn store_exists(home: &Path, no_daemon: NoDaemon) -> anyhow::Result<NoDaemon> {
    if home.join("journal").is_dir() {
        return Ok(no_daemon);
    }
    Err(anyhow::Error::new(no_daemon).context(format!("there is no store at {} yet", home.display())))
}

impl Place {
    /// Finds the daemon, else opens the store.
    pub(super) async fn find(path: &Path) -> anyhow::Result<Self> {
        match connect(path).await? {
            Ok(client) => Ok(Self::Daemon(client)),
            Err(no_daemon) => Self::alone(load(path)?, no_daemon),
        }
    }

    /// Finds the daemon.
    pub(super) async fn daemon(path: &Path) -> anyhow::Result<Client> {
        Ok(connect(path).await??)
    }

    fn alone(config: Config, no_daemon: NoDaemon) -> anyhow::Result<Self> {
        let home = &config.store.path;
        let no_daemon = store_exists(home, no_daemon)?;
        super::owner::become_owner(home)?;
        let (store, _) =
            Durable::open(home).with_context(|| format!("{no_daemon}, and its store cannot be opened"))?;
        let store: Arc<dyn Store> = Arc::new(store);
        let modes =
            config.folders.iter().filter_map(|folder| Some((folder.name.clone(), folder.outbox_mode?)));
        let office = Office::new(Arc::clone(&store), Arc::new(NoWorkers(modes.collect())), false);
        Ok(Self::Store(Box::new(Alone { store, office, config })))
    }

    pub(super) async fn status(&self) -> anyhow::Result<Status> {
        match self {
            Self::Daemon(client) => Ok(client.status().await?),
            Self::Store(alone) => Ok(Status {
                version: env!("CARGO_PKG_VERSION").to_owned(),
                running: false,
                since: None,
                endpoint: alone.config.api.endpoint.to_string(),
                sandbox: false,
                jobs: alone.office.counts()?,
                paused: Brake::remembered(&*alone.store)?.scopes().into_iter().collect(),
                accounts: Vec::new(),
                folders: Vec::new(),
            }),
        }
    }

    pub(super) async fn jobs(&self, wanted: &Wanted) -> Result<Vec<Receipt>, Refusal> {
        match self {
            Self::Daemon(client) => client.jobs(wanted).await,
            Self::Store(alone) => alone.office.jobs(wanted),
        }
    }

    pub(super) async fn show(&self, id: &JobId) -> Result<Receipt, Refusal> {
        match self {
            Self::Daemon(client) => client.show(id).await,
            Self::Store(alone) => alone.office.show(id),
        }
    }

    pub(super) async fn export(
        &self,
        each: &mut dyn FnMut(&[u8]) -> std::io::Result<()>,
    ) -> anyhow::Result<()> {
        match self {
            Self::Daemon(client) => client.export(each).await,
            Self::Store(alone) => {
                Ok(alone.store.export(&mut |exported| each(&serde_json::to_vec(&exported)?))?)
            }
        }
    }

    pub(super) async fn act(&self, id: &JobId, act: &Act) -> Result<Receipt, Refusal> {
        match self {
            Self::Daemon(client) => client.act(id, act).await,
            Self::Store(alone) => {
                let by = format!("uid {}", rustix::process::getuid().as_raw());
                let refused = match act {
                    Act::Cancel => alone.withdraw_labels(id, &by).await?,
                    Act::Retry { .. } | Act::Approve { .. } => Vec::new(),
                };
                let mut receipt = alone.office.act(id, act, &by).await?;
                receipt.warnings.extend(refused);
                Ok(receipt)
            }
        }
    }

    pub(super) async fn scoped(&self, verb: &str, folder: Option<&str>) -> anyhow::Result<()> {
        match self {
            Self::Daemon(client) => Ok(client.scoped(verb, folder).await?),
            Self::Store(alone) => {
                let brake = Brake::remembered(&*alone.store)?;
                match verb {
                    "pause" => Ok(brake.pause(&*alone.store, folder).await?),
                    "resume" => Ok(brake.resume(&*alone.store, folder).await?),
                    _ => Err(anyhow::Error::new(NoDaemon {
                        socket: alone.config.control.socket.display().to_string(),
                    })),
                }
            }
        }
    }
}

impl Alone {
    /// Before a job is cancelled, its labels that are on their way are; says which are not.
    async fn withdraw_labels(&self, id: &JobId, by: &str) -> Result<Vec<String>, Refusal> {
        let Some(job) = self.store.job(id)? else { return Ok(Vec::new()) };
        let on_its_way =
            |label: &dropship_job::Label| label.creation.id().is_some() && label.published.is_none();
        let ended = matches!(job.state, State::Succeeded | State::Rejected { .. } | State::Cancelled);
        if ended || !job.labels.iter().any(on_its_way) {
            return Ok(Vec::new());
        }
        let clients = crate::accounts::clients(&self.config, false)
            .map_err(|error| Refusal::new(RefusalKind::Configuration, format!("{error:#}")))?;
        Ok(crate::pipeline::withdraw(&*self.store, &clients, &job, by).await?.1)
    }
}

/// Nobody works on anything; receipts are kept true all the same.
struct NoWorkers(BTreeMap<String, u32>);

impl Floor for NoWorkers {
    fn is_running(&self, _: &JobId) -> bool {
        false
    }

    fn told(&self, job: &Job, _: &[Event]) {
        let mode = job.package.folder.as_ref().and_then(|folder| self.0.get(folder)).copied();
        let outbox = Outbox::at(&job.package.outbox, mode);
        if let Err(error) = outbox.write_receipt(&Receipt::of(job, false)) {
            tracing::warn!("the receipt in {} cannot be written: {error}", job.package.outbox);
        }
    }
}
