#![doc = include_str!("../README.md")]

mod address;
mod errors;
mod journal;
mod lease;
mod link;
mod numbers;
mod reader;
mod schema;
mod session;
mod settings;
mod statements;
mod tls;

pub use address::{Address, BadAddress};
pub use journal::PostgresJournal;
pub use settings::Password;
pub use tls::{BadRoots, Roots};
