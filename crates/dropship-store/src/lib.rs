#![doc = include_str!("../README.md")]

mod commit;
mod compact;
mod disk;
mod entry;
mod error;
mod export;
mod finding;
#[cfg(fuzzing)]
pub mod fuzzing;
mod heartbeat;
mod journal;
mod memory_store;
mod path_key;
mod published;
mod queries;
mod reads;
mod space;
mod store;
mod tables;
mod writer;

#[cfg(test)]
mod tests;

pub use commit::{Commit, CommitHandle};
pub use disk::{DiskStore, DryRun, OpenReport, is_locked};
pub use entry::Entry;
pub use error::StoreError;
pub use export::{Each, Exported};
pub use finding::Finding;
pub use heartbeat::Heartbeat;
pub use memory_store::MemoryStore;
pub use path_key::{path_key, path_of_key};
pub use published::{HardwareIds, LabelCheck, PublishedLabel, Series, Target};
pub use reads::Reads;
pub use store::{Filter, HistoryEntry, Store};
pub use tables::KnownFile;
