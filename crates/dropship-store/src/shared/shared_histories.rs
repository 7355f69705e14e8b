//! The lines of a shared journal as queries read them.

use std::sync::{Arc, OnceLock};

use parking_lot::Mutex;

use crate::disk::{Database, Histories, difference};
use crate::entry::Line;
use crate::error::StoreError;
use crate::finding::Finding;
use crate::journal::{events_of, in_order};
use crate::shared::entry_subscribers::EntrySubscribers;
use crate::shared::lease::{LeaseKeeper, Leases};
use crate::shared::lines;
use crate::shared::node::Node;
use crate::shared::node_standing::{LastCurrent, NodeStanding};
use crate::shared::node_status::NodeStatus;
use crate::shared::presence::{NodePresence, SILENCE};
use crate::shared::shared_journal::SharedReader;
use crate::store::HistoryEntry;
use crate::tables::{ByteMap, key, number};
use dropship_job::JobId;

/// Number of lines that are read together.
const BATCH: usize = 1000;

/// Maximum number of attempts. Another one is made if the tables have changed since.
const MAX_ATTEMPTS: u32 = 5;

/// The journal in the database.
pub struct SharedHistories {
    pub(super) reader: Box<dyn SharedReader>,
    /// Why the database does not respond, while it does not.
    pub(super) away: tokio::sync::watch::Receiver<Option<String>>,
    /// The node that has the lease, if this process may only read.
    pub(super) read_only: Option<String>,
    /// Dropped after the writer: a lease is released when everything is written.
    pub(super) keeper: OnceLock<LeaseKeeper>,
    pub(super) leases: Arc<dyn Leases>,
    pub(super) node: Option<Node>,
    pub(super) presence: Option<NodePresence>,
    pub(super) subscribers: Arc<EntrySubscribers>,
    pub(super) last_current: Arc<LastCurrent>,
    /// The nodes, as they were when the database last responded.
    pub(super) last_nodes: Mutex<Vec<NodeStatus>>,
}

impl Histories for SharedHistories {
    fn history(&self, id: &JobId) -> Result<Vec<HistoryEntry>, StoreError> {
        let texts = self.reader.about(id.as_str())?;
        let parsed = texts.iter().filter_map(|text| lines::parse(text).ok());
        Ok(in_order(parsed.flat_map(|line| events_of(line, id)).collect()))
    }

    fn each_line(&self, each: &mut dyn FnMut(Line) -> Result<(), StoreError>) -> Result<(), StoreError> {
        let mut from = 0;
        loop {
            let batch = self.reader.read(from, BATCH)?;
            let Some(last) = batch.lines.last() else { return Ok(()) };
            from = last.seq + 1;
            for line in &batch.lines {
                each(lines::read(line)?)?;
            }
        }
    }

    fn away(&self) -> Option<String> {
        self.away.borrow().clone()
    }

    fn refusal(&self) -> Option<StoreError> {
        let node = self.read_only.as_ref()?;
        let what =
            format!("the node `{node}` processes the jobs of this store; run the command on that node");
        Some(StoreError::Superseded { what })
    }

    fn close(&self) {
        if let Some(keeper) = self.keeper.get() {
            keeper.release();
        }
        if let Some(presence) = &self.presence {
            presence.end();
        }
    }

    fn nodes(&self) -> Vec<NodeStatus> {
        if self.away.borrow().is_some() {
            return self.last_nodes.lock().clone();
        }
        match self.leases.nodes(SILENCE) {
            Ok(nodes) => self.last_nodes.lock().clone_from(&nodes),
            Err(error) => tracing::debug!("the nodes cannot be read: {error}"),
        }
        self.last_nodes.lock().clone()
    }

    fn standing(&self, tables: &Database) -> Option<NodeStanding> {
        let line = number(tables.get(&key::seq()).ok()?);
        let lease = self.keeper.get().map(|keeper| keeper.lease().remaining()).unwrap_or_default();
        Some(NodeStanding { line, lag: self.last_current.elapsed(), lease })
    }

    fn check(&self, tables: &Database) -> Result<Vec<Finding>, StoreError> {
        let mut findings = Vec::new();
        for _ in 0..MAX_ATTEMPTS {
            let before = tables.get(&key::seq())?;
            let have = number(before.clone());
            let mut lines = Vec::new();
            self.each_line(&mut |line| {
                lines.extend((line.seq <= have).then_some(line));
                Ok(())
            })?;
            findings.clear();
            findings.extend(difference(tables, lines)?);
            // Lines that were applied in the meantime explain a difference.
            if findings.is_empty() || tables.get(&key::seq())? == before {
                break;
            }
        }
        Ok(findings)
    }
}
