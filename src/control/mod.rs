//! The socket between the commands and the daemon: HTTP over a Unix socket, JSON both ways.

mod client;
mod notes;
mod office;
mod peer;
mod reloaded;
mod server;
mod status;

pub use client::{Client, NoDaemon};
pub use notes::Note;
pub use office::{Act, Floor, Office, Refusal, RefusalKind, Wanted};
pub use peer::Peer;
pub use reloaded::{Changes, Reloaded};
pub use server::{Reach, Submitted, serve};
pub use status::{AccountStatus, FolderStatus, Status};
