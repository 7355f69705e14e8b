//! The backend of a command: the running daemon, or the store if no daemon runs.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use tokio::runtime::Handle;

use super::exit::Exit;
use super::offline_store::OfflineStore;
use crate::control::{Client, ConnectError, Status};
use dropship_config::Environment;
use dropship_config::model::Config;
use dropship_engine::operations::{
    ControlError, ControlErrorKind, JobAction, JobQuery, ReachingLabel, WhoQuery,
};
use dropship_engine::outbox::Receipt;
use dropship_engine::replay::RememberedPackage;
use dropship_job::JobId;
use dropship_shared_folder::named_file;
use dropship_store::LockHolder;

/// Path of the configuration file, unless `--config` or `$DROPSHIP_CONFIG` names another.
pub(super) const DEFAULT_CONFIG: &str = "/etc/dropship/dropship.toml";

/// Path of the control socket, unless the configuration or `$RUNTIME_DIRECTORY` names another.
const DEFAULT_SOCKET: &str = "/run/dropship/control.sock";

/// Maximum time that a command waits for a daemon that is starting.
const MAX_START: Duration = Duration::from_secs(30);

/// The daemon or its store.
pub(super) enum Backend {
    /// A daemon runs.
    Daemon(Client),
    /// No daemon runs; this process holds the lock of the store.
    Store(Box<OfflineStore>),
}

/// Reads and validates the configuration, for commands that work with the rules.
///
/// # Errors
/// [`dropship_config::Report`] with every error of the configuration.
pub(super) fn load(path: &Path) -> anyhow::Result<Config> {
    Ok(dropship_config::load(path, &Environment::from_variables(|name| std::env::var_os(name)))?)
}

/// The same for commands that work with the daemon, its store or the service: a date that has passed is no obstacle for them.
///
/// # Errors
/// [`dropship_config::Report`] with every error of the configuration.
pub(super) fn load_for_operation(path: &Path) -> anyhow::Result<Config> {
    let environment = Environment::from_variables(|name| std::env::var_os(name)).with_passed_dates();
    Ok(dropship_config::load(path, &environment)?)
}

/// Connects to the daemon. Waits for one that is starting, for at most [`MAX_START`]; not for one that listens on a socket that
/// cannot be reached.
///
/// # Errors
/// [`ConnectError`], or the errors of a configuration that names no usable socket.
pub(super) async fn connect(path: &Path) -> anyhow::Result<Client> {
    let started = tokio::time::Instant::now();
    let mut was_listening = false;
    loop {
        let error = match connect_now(path).await {
            Err(error) if matches!(error.downcast_ref(), Some(ConnectError::NoDaemon(_))) => error,
            connected => return connected,
        };
        match lock_holder(path) {
            // It may have begun to listen since the attempt. If it listened before the attempt and after it, the socket was lost.
            LockHolder::Daemon { .. } if !was_listening => was_listening = true,
            LockHolder::Daemon { pid } => {
                let daemon = process("the daemon", pid);
                let message = match error.downcast_ref() {
                    Some(ConnectError::NoDaemon(lost)) => lost.while_it_runs(&daemon),
                    _ => format!("{daemon} runs, but cannot be reached: {error:#}"),
                };
                return Err(
                    ConnectError::from(ControlError::new(ControlErrorKind::Unreachable, message)).into()
                );
            }
            LockHolder::Process { .. } if started.elapsed() < MAX_START => {
                was_listening = false;
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            LockHolder::Process { pid } => {
                let message = format!(
                    "no daemon listens on the control socket, and {} has locked the store: try again when it listens or has ended",
                    process("another process", pid)
                );
                return Err(
                    ConnectError::from(ControlError::new(ControlErrorKind::Unreachable, message)).into()
                );
            }
            LockHolder::None => return Err(error),
        }
    }
}

fn process(name: &str, pid: Option<u32>) -> String {
    pid.map_or_else(|| name.to_owned(), |pid| format!("{name} (pid {pid})"))
}

/// The process that has opened the store of a configuration: a daemon, or another command.
fn lock_holder(path: &Path) -> LockHolder {
    load_for_operation(path)
        .map_or(LockHolder::None, |config| dropship_store::lock_holder(&config.store.path))
}

async fn connect_now(path: &Path) -> anyhow::Result<Client> {
    // An invalid configuration does not block commands if the daemon's socket can be found.
    let socket = match socket_of(path) {
        Some(socket) if socket.exists() => socket,
        _ => load_for_operation(path)?.control.socket,
    };
    Ok(Client::connect(&socket).await?)
}

/// Maximum number of bytes of a configuration that are searched for the socket.
const MAX_CONFIGURATION: u64 = 16 << 20;

/// Reads only the socket's path from a configuration, ignoring errors elsewhere in it.
fn socket_of(path: &Path) -> Option<PathBuf> {
    let mut text = String::new();
    named_file::open(path).ok()?.take(MAX_CONFIGURATION).read_to_string(&mut text).ok()?;
    let (table, errors) = toml::de::DeTable::parse_recoverable(&text);
    let control = table.get_ref().get("control").and_then(|control| control.get_ref().as_table());
    let configured = control.and_then(|control| control.get("socket")?.get_ref().as_str().map(PathBuf::from));
    if configured.is_none() && !errors.is_empty() && text.contains("socket") {
        // The part that could not be read may name a socket. The default one may be that of another daemon.
        return None;
    }
    let runtime =
        || std::env::var_os("RUNTIME_DIRECTORY").map(|folder| Path::new(&folder).join("control.sock"));
    let socket = configured.or_else(runtime).unwrap_or_else(|| DEFAULT_SOCKET.into());
    Some(path.parent()?.join(socket))
}

impl Backend {
    /// Connects to the daemon. If no daemon runs, opens the store.
    pub(super) async fn find(path: &Path) -> anyhow::Result<Self> {
        match connect(path).await {
            Ok(client) => Ok(Self::Daemon(client)),
            Err(error) => match error.downcast::<ConnectError>()? {
                ConnectError::NoDaemon(no_daemon) => {
                    Ok(Self::Store(Box::new(OfflineStore::open(load_for_operation(path)?, no_daemon)?)))
                }
                other => Err(other.into()),
            },
        }
    }

    /// The exit code of a command that has printed jobs. Without a daemon they may be older than it shows.
    pub(super) fn exit(&self) -> Exit {
        match self {
            Self::Daemon(_) => Exit::Done,
            Self::Store(_) => Exit::NoDaemon,
        }
    }

    pub(super) async fn status(&self) -> anyhow::Result<Status> {
        match self {
            Self::Daemon(client) => Ok(client.status().await?),
            Self::Store(store) => store.status(),
        }
    }

    pub(super) async fn jobs(&self, query: &JobQuery) -> Result<Vec<Receipt>, ControlError> {
        match self {
            Self::Daemon(client) => client.jobs(query).await,
            Self::Store(store) => store.list(query),
        }
    }

    pub(super) async fn show(&self, id: &JobId) -> Result<Receipt, ControlError> {
        match self {
            Self::Daemon(client) => client.show(id).await,
            Self::Store(store) => store.jobs().show(id),
        }
    }

    /// Calls `each` with every package that arrived at `since` or later, newest first, and with the text of its record.
    pub(super) async fn remembered(
        &self,
        since: Option<Timestamp>,
        each: &mut dyn FnMut(&RememberedPackage, &[u8]) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        match self {
            Self::Daemon(client) => client.remembered(since, each).await,
            Self::Store(store) => store.remembered(since, each),
        }
    }

    /// The stored driver metadata of a job; `None` if Microsoft has sent none yet. Blocks; call it
    /// outside of the runtime.
    pub(super) fn driver_metadata(&self, runtime: &Handle, id: &JobId) -> anyhow::Result<Option<Vec<u8>>> {
        match self {
            Self::Daemon(client) => {
                let bytes = runtime.block_on(client.driver_metadata(id))?;
                Ok(Some(bytes).filter(|bytes| !bytes.is_empty()))
            }
            Self::Store(store) => store.driver_metadata(id),
        }
    }

    pub(super) async fn who(&self, query: &WhoQuery) -> Result<Vec<ReachingLabel>, ControlError> {
        match self {
            Self::Daemon(client) => client.who(query).await,
            Self::Store(store) => store.jobs().who(query),
        }
    }

    pub(super) async fn export(
        &self,
        each: &mut dyn FnMut(&[u8]) -> std::io::Result<()>,
    ) -> anyhow::Result<()> {
        match self {
            Self::Daemon(client) => client.export(each).await,
            Self::Store(store) => store.export(each),
        }
    }

    pub(super) async fn act(&self, id: &JobId, action: &JobAction) -> Result<Receipt, ControlError> {
        match self {
            Self::Daemon(client) => client.act(id, action).await,
            Self::Store(store) => store.act(id, action).await,
        }
    }

    pub(super) async fn pause(&self, folder: Option<&str>) -> anyhow::Result<()> {
        match self {
            Self::Daemon(client) => Ok(client.pause(folder).await?),
            Self::Store(store) => store.pause(folder).await,
        }
    }

    pub(super) async fn resume(&self, folder: Option<&str>) -> anyhow::Result<()> {
        match self {
            Self::Daemon(client) => Ok(client.resume(folder).await?),
            Self::Store(store) => store.resume(folder).await,
        }
    }
}
