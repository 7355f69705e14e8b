#![doc = include_str!("../README.md")]

mod commit;
mod compact;
mod copying;
mod disk;
mod entry;
mod error;
mod export;
mod filter;
mod finding;
#[cfg(fuzzing)]
pub mod fuzzing;
mod heartbeat;
mod journal;
mod memory_store;
mod newest_labels;
mod path_key;
mod published;
mod queries;
mod reads;
mod shared;
mod space;
mod store;
mod tables;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
mod writer;

#[cfg(test)]
mod tests;

pub use commit::{Commit, CommitHandle, UnknownBytes};
pub use copying::{Copied, CopyError, CopyMark, CopySide, Fingerprint, copy_entries, finish_copy};
pub use disk::{
    DiskStore, DryRun, ListeningNote, LockHolder, OpenReport, SegmentFiles, TableStore, lock_holder,
};
pub use entry::Entry;
pub use error::StoreError;
pub use export::{ExportSink, Exported};
pub use filter::Filter;
pub use finding::Finding;
pub use heartbeat::{Heartbeat, Unwatched};
pub use memory_store::MemoryStore;
pub use newest_labels::NewestLabels;
pub use path_key::{path_key, path_of_key};
pub use published::{
    DeviceName, DeviceQuery, Devices, HardwareIds, LabelCheck, LabelSeries, Publication, PublishedLabel,
    PublishedTarget,
};
pub use reads::Reads;
pub use shared::{
    AppendId, AppendResult, Batch, CallFault, JournalCall, JournalEnd, JournalExtent, Lease, LeaseAnswer,
    Leases, MemoryJournal, Namesake, NewLine, Node, NodeStanding, NodeState, NodeStatus, Position, Rewrite,
    Role, SharedHistories, SharedJournal, SharedLine, SharedReader, SharedStore, Topic,
};
pub use store::{HistoryEntry, Store};
pub use tables::{KnownFile, Tables};
