//! The store on disk: the journal, and its tables in sled.

mod check;
mod database;
mod disk_store;
mod dry_run;
mod durable_files;
mod histories;
mod lock;
mod open;
mod packed_blocks;
mod sled_db;
mod table_store;
mod vacuum;

pub(crate) use check::difference;
pub(crate) use database::Database;
pub use disk_store::DiskStore;
pub use dry_run::DryRun;
pub(crate) use histories::Histories;
pub use histories::SegmentFiles;
pub(crate) use lock::lock;
pub use lock::{ListeningNote, LockHolder, lock_holder};
pub use open::OpenReport;
pub(crate) use open::{open_database, remove_database, replay_lines};
#[cfg(test)]
pub(crate) use sled_db::Sled;
pub use table_store::TableStore;
