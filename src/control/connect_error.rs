//! Why a command has no connection to a daemon.

use std::fmt;

use dropship_engine::operations::ControlError;

/// No daemon listens on the control socket.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no daemon answers at {socket}{fault}")]
pub struct NoDaemon {
    /// Path of the socket.
    pub socket: String,
    /// Why a connection is impossible.
    pub fault: SocketFault,
}

impl NoDaemon {
    /// The message if `daemon` has listened on the socket, and still runs.
    #[must_use]
    pub fn while_it_runs(&self, daemon: &str) -> String {
        let socket = &self.socket;
        let lost = match &self.fault {
            SocketFault::Missing => format!("its control socket {socket} is gone"),
            SocketFault::Closed => {
                format!("its control socket {socket} was replaced by one without a listener")
            }
            SocketFault::NoSocket => format!("{socket} was replaced, and is not a socket: remove it"),
            SocketFault::Other(error) => format!("its control socket {socket} cannot be used: {error}"),
        };
        format!("{daemon} runs, but {lost}; restart it with `systemctl restart dropship`")
    }
}

/// Why no process accepts connections on a socket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SocketFault {
    /// There is no file.
    Missing,
    /// There is a socket that no process listens on.
    Closed,
    /// There is another kind of file.
    NoSocket,
    /// Any other error of the system.
    Other(String),
}

/// Continues a sentence about the socket.
impl fmt::Display for SocketFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const START: &str = "start it with `systemctl start dropship` or `dropship run`";
        match self {
            Self::Missing | Self::Closed => write!(f, "; {START}"),
            Self::NoSocket => write!(
                f,
                ", which is not a socket; remove it, then start the daemon with \
                `systemctl restart dropship` or `dropship run`"
            ),
            Self::Other(error) => write!(f, ": {error}; {START}"),
        }
    }
}

/// Why a command has no connection to the daemon.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// No daemon runs: the command may open the store itself.
    #[error(transparent)]
    NoDaemon(#[from] NoDaemon),
    /// A daemon may run, but this process cannot connect to it.
    #[error(transparent)]
    Control(#[from] ControlError),
}
