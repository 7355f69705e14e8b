#![doc = include_str!("../README.md")]

mod activity;
mod candidates;
mod capture;
mod evaluate;
mod events;
mod fair_queue;
mod folder_context;
mod folder_events;
mod folder_issue;
mod folder_spec;
mod folder_status;
mod folder_task;
mod fstype;
mod gates;
mod health;
mod hung;
mod identity;
mod ignored;
mod intake;
mod known_files;
mod lease;
mod names;
mod open;
mod probe;
mod readiness;
mod ready_when;
mod receiver;
mod scan;
mod scan_threads;
mod sidecar;
mod watch;

#[cfg(test)]
mod tests;

pub use capture::{CaptureError, CaptureLimits, CaptureWatcher, Captured, capture};
pub use folder_events::{FileLoss, FolderEvents};
pub use folder_spec::FolderSpec;
pub use health::{FolderHealth, FolderState, IntakeSummary};
pub use identity::{FileTime, Identity};
pub use intake::Intake;
pub use names::{NameClass, NameFilter};
pub use open::{folder_below, is_absent, metadata_below, open_below};
pub use ready_when::ReadyWhen;
pub use receiver::{Admitted, Backpressure, FileReceiver, FoundFile};
pub use sidecar::Sidecar;
