//! A store at each commit of which the daemon can crash. Its contents outlive the daemon.

use std::sync::Arc;

use super::crash_points::{CrashPoint, CrashSwitch, Side, writes};
use crate::pipeline::clock::Clock;
use dropship_job::JobId;
use dropship_store::{
    Commit, CommitHandle, ExportSink, HistoryEntry, MemoryStore, Store, StoreError, Tables,
};

pub(super) struct CrashingStore {
    pub(super) memory: Arc<MemoryStore>,
    pub(super) crash: Arc<CrashSwitch>,
    /// The clock of an operator who acts without a daemon. The time of such a commit is that of the machine, which is earlier than
    /// the time of the simulation: the receipt of the daemon would seem to be newer.
    pub(super) operators_clock: Option<Clock>,
}

impl Store for CrashingStore {
    fn commit(&self, mut commit: Commit) -> CommitHandle {
        commit.at = self.operators_clock.map_or(commit.at, |clock| clock.now());
        let written = writes(&commit.entries);
        if !self.crash.pass(CrashPoint::Write(written.clone()), Side::Before) {
            return CommitHandle::lost();
        }
        let durable = commit.durable;
        let handle = self.memory.commit(commit);
        if durable {
            self.crash.on_synced(self.memory.commits());
        }
        if self.crash.pass(CrashPoint::Write(written), Side::After) { handle } else { CommitHandle::lost() }
    }

    fn tables(&self) -> Tables<'_> {
        self.memory.tables()
    }

    fn history(&self, id: &JobId) -> Result<Vec<HistoryEntry>, StoreError> {
        self.memory.history(id)
    }

    fn export(&self, each: ExportSink<'_>) -> Result<(), StoreError> {
        self.memory.export(each)
    }
}
