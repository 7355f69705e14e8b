//! A store at each commit of which the daemon can crash. Its contents outlive the daemon.

use std::sync::Arc;

use super::crash_points::{CrashPoint, CrashSwitch, Side, writes};
use crate::store::{Commit, Each, Filter, Memory, Seen, Store, StoreError, Ticket, Told};
use dropship_job::{Job, JobId, StateKind};

pub(super) struct CrashingStore {
    pub(super) memory: Arc<Memory>,
    pub(super) crash: Arc<CrashSwitch>,
}

impl Store for CrashingStore {
    fn commit(&self, commit: Commit) -> Ticket {
        let written = writes(&commit.entries);
        if !self.crash.pass(CrashPoint::Write(written.clone()), Side::Before) {
            return Ticket::lost();
        }
        let ticket = self.memory.commit(commit);
        if self.crash.pass(CrashPoint::Write(written), Side::After) { ticket } else { Ticket::lost() }
    }

    fn job(&self, id: &JobId) -> Result<Option<Job>, StoreError> {
        self.memory.job(id)
    }

    fn open_jobs(&self) -> Result<Vec<Job>, StoreError> {
        self.memory.open_jobs()
    }

    fn unreceipted(&self) -> Result<Vec<JobId>, StoreError> {
        self.memory.unreceipted()
    }

    fn jobs(&self, filter: &Filter) -> Result<Vec<Job>, StoreError> {
        self.memory.jobs(filter)
    }

    fn counts(&self) -> Result<Vec<(StateKind, usize)>, StoreError> {
        self.memory.counts()
    }

    fn find(&self, sha256: &str, folder: Option<&str>) -> Result<Option<JobId>, StoreError> {
        self.memory.find(sha256, folder)
    }

    fn find_everywhere(&self, sha256: &str) -> Result<Vec<JobId>, StoreError> {
        self.memory.find_everywhere(sha256)
    }

    fn owner(&self, remote: u64) -> Result<Option<JobId>, StoreError> {
        self.memory.owner(remote)
    }

    fn seen(&self, folder: &str, path: &str) -> Result<Option<Seen>, StoreError> {
        self.memory.seen(folder, path)
    }

    fn seen_in(&self, folder: &str) -> Result<Vec<String>, StoreError> {
        self.memory.seen_in(folder)
    }

    fn lies(&self, folder: &str, sha256: &str) -> Result<bool, StoreError> {
        self.memory.lies(folder, sha256)
    }

    fn inspecting(&self, sha256: &str) -> Result<u64, StoreError> {
        self.memory.inspecting(sha256)
    }

    fn flags(&self, prefix: &str) -> Result<Vec<(String, String)>, StoreError> {
        self.memory.flags(prefix)
    }

    fn story(&self, id: &JobId) -> Result<Vec<Told>, StoreError> {
        self.memory.story(id)
    }

    fn export(&self, each: Each<'_>) -> Result<(), StoreError> {
        self.memory.export(each)
    }
}
