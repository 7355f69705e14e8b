//! The daemon: startup, running, reload and shutdown. Each stage is a type, so that only this order compiles.

mod adopt;
mod control;
mod control_threads;
mod followed;
mod health_endpoints;
mod health_pages;
mod housekeeping;
mod http;
mod job_counts;
mod maintenance;
mod memory;
mod metrics_page;
mod node_metrics;
mod observers;
mod reload;
mod reload_effects;
mod reported_folders;
mod restart_keys;
mod running;
mod shutdown;
mod signals;
mod standby;
mod startup;
mod status_line;
mod stored_jobs;
mod watchdog;

pub use memory::configure_heap;
pub use reload::Reloader;
pub use reported_folders::FolderConflict;
pub use running::Running;
pub use shutdown::Shutdown;
pub use signals::{ForcedExit, Signal, Signals};
pub use startup::{Loaded, NameTaken, Options, StartupCancellation};
pub use stored_jobs::{ConfiguredPlanner, stored_status};
