//! The store on disk: the journal, and its tables in sled.

mod check;
mod database;
mod disk_store;
mod dry_run;
mod lock;
mod open;
mod packed_blocks;
mod sled_db;
mod vacuum;

pub use disk_store::DiskStore;
pub use dry_run::DryRun;
pub use lock::is_locked;
pub use open::OpenReport;
