//! One connection, with its settings and prepared statements.

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};

use dropship_store::StoreError;
use tokio::task::JoinHandle;
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres::{AsyncMessage, Client, Config, Connection, NoTls, Socket, Statement};

use crate::errors::store_error;
use crate::numbers::value;
use crate::settings::Settings;
use crate::statements;

/// The channel on which an append is announced.
const CHANNEL: &str = "dropship_lines";

/// Called when another node has appended lines.
pub(crate) type HintCallback = Arc<dyn Fn() + Send + Sync>;

/// An open connection. It is closed when this is dropped.
pub(crate) struct PostgresConnection {
    pub(crate) client: Client,
    connection: JoinHandle<()>,
}

impl PostgresConnection {
    /// Connects. With a hint, the connection listens for appends of other nodes.
    pub(crate) async fn open(settings: &Settings, hint: Option<HintCallback>) -> Result<Self, StoreError> {
        let mut config = settings.address.config().clone();
        if let Some(password) = &settings.password {
            let password = password().map_err(|what| StoreError::Away { what })?;
            config.password(secrecy::ExposeSecret::expose_secret(&password));
        }
        let is_listening = hint.is_some();
        let process_id = Arc::new(AtomicI32::new(0));
        let hints = hint.map(|hint| AppendHints { hint, process_id: Arc::clone(&process_id) });
        let connected = match &settings.roots {
            Some(roots) => connect(&config, roots.connector(), hints).await?,
            None => connect(&config, NoTls, hints).await?,
        };
        let failed = |error: tokio_postgres::Error| store_error(&error);
        connected.client.batch_execute(&commands(is_listening)).await.map_err(failed)?;
        let backend = connected.client.query_one("SELECT pg_backend_pid()", &[]).await.map_err(failed)?;
        process_id.store(value(&backend, 0)?, Ordering::Relaxed);
        Ok(connected)
    }
}

impl Drop for PostgresConnection {
    fn drop(&mut self) {
        self.connection.abort();
    }
}

/// A connection with prepared statements.
pub(crate) struct Session {
    connected: PostgresConnection,
    pub(crate) statements: Statements,
}

/// The prepared statements of a connection.
pub(crate) struct Statements {
    pub(crate) end: Statement,
    pub(crate) append: Statement,
    pub(crate) read: Statement,
    pub(crate) about: Statement,
    pub(crate) rewrite: Statement,
    pub(crate) topics: Statement,
}

impl Session {
    /// Connects, and prepares the statements.
    pub(crate) async fn open(settings: &Settings, hint: Option<HintCallback>) -> Result<Self, StoreError> {
        let connected = PostgresConnection::open(settings, hint).await?;
        let statements = prepare(&connected.client).await.map_err(|error| store_error(&error))?;
        Ok(Self { connected, statements })
    }

    pub(crate) fn client(&self) -> &Client {
        &self.connected.client
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.client().is_closed()
    }
}

/// The receiver of notifications about appends.
struct AppendHints {
    hint: HintCallback,
    /// The server's process of this connection. Its own appends are not passed on.
    process_id: Arc<AtomicI32>,
}

/// The settings of a session. Its commits are never weaker than `synchronous_commit = on`. There is no `statement_timeout`: it
/// would end the wait for a replica, and report the commit as done.
fn commands(listen: bool) -> String {
    let listen = if listen { format!("LISTEN {CHANNEL};") } else { String::new() };
    format!(
        "SET lock_timeout = '5s';
         SET idle_in_transaction_session_timeout = '10s';
         SET default_transaction_isolation = 'read committed';
         SELECT set_config('synchronous_commit', 'on', false)
         WHERE current_setting('synchronous_commit') IN ('off', 'local', 'remote_write');
         {listen}"
    )
}

async fn prepare(client: &Client) -> Result<Statements, tokio_postgres::Error> {
    Ok(Statements {
        end: client.prepare(statements::END).await?,
        append: client.prepare(&statements::append(CHANNEL)).await?,
        read: client.prepare(statements::READ).await?,
        about: client.prepare(statements::ABOUT).await?,
        rewrite: client.prepare(statements::REWRITE).await?,
        topics: client.prepare(statements::TOPICS).await?,
    })
}

async fn connect<T>(
    config: &Config,
    tls: T,
    hints: Option<AppendHints>,
) -> Result<PostgresConnection, StoreError>
where
    T: MakeTlsConnect<Socket> + Send + 'static,
    T::Stream: Send + 'static,
{
    let (client, connection) = config.connect(tls).await.map_err(|error| store_error(&error))?;
    Ok(PostgresConnection { client, connection: tokio::spawn(receive(connection, hints)) })
}

/// Moves bytes until the connection ends, and passes on notifications.
async fn receive<S, T>(mut connection: Connection<S, T>, hints: Option<AppendHints>)
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
    T: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
{
    while let Some(message) = poll_fn(|context| connection.poll_message(context)).await {
        match message {
            Ok(AsyncMessage::Notification(notification)) => {
                let others = |hints: &&AppendHints| {
                    notification.process_id() != hints.process_id.load(Ordering::Relaxed)
                };
                if let Some(hints) = hints.as_ref().filter(others) {
                    (hints.hint)();
                }
            }
            Ok(_) => {}
            Err(error) => {
                tracing::debug!("a connection to the database ended: {error}");
                return;
            }
        }
    }
}
