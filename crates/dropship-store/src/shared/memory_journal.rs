//! A shared journal in memory, for tests of several nodes in one process.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use parking_lot::Mutex;

use crate::error::StoreError;
use crate::shared::append_id::AppendId;
use crate::shared::compaction::size_of;
use crate::shared::lease::{LeaseAnswer, Leases};
use crate::shared::namesake::Namesake;
use crate::shared::node::Node;
use crate::shared::node_status::{NodeState, NodeStatus};
use crate::shared::shared_journal::{
    AppendResult, Batch, JournalEnd, JournalExtent, NewLine, Position, Rewrite, SharedJournal, SharedLine,
    SharedReader, Topic,
};

type FaultDecider = Box<dyn FnMut(JournalCall) -> CallFault + Send>;

/// A call of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JournalCall {
    /// Appends lines.
    Append,
    /// Reads lines.
    Read,
    /// Takes, renews or releases the lease, or is about the nodes.
    Lease,
}

/// What happens to a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallFault {
    /// It succeeds.
    None,
    /// It never arrives.
    Lost,
    /// It is carried out, and its answer is lost.
    AnswerLost,
}

/// One node's connection to a journal in memory. Clones are connections of other nodes.
#[derive(Clone)]
pub struct MemoryJournal {
    content: Arc<Mutex<JournalContent>>,
    decide: Arc<Mutex<FaultDecider>>,
}

struct JournalContent {
    id: AppendId,
    lines: Vec<(SharedLine, Topic)>,
    hints: Vec<Box<dyn Fn() + Send + Sync>>,
    holder: Option<Node>,
    nodes: Vec<(Node, NodeStatus)>,
    compacted: u64,
    extent: JournalExtent,
}

impl Default for MemoryJournal {
    fn default() -> Self {
        let content = JournalContent {
            id: AppendId::random(),
            lines: Vec::new(),
            hints: Vec::new(),
            holder: None,
            nodes: Vec::new(),
            compacted: 0,
            extent: JournalExtent::default(),
        };
        Self {
            content: Arc::new(Mutex::new(content)),
            decide: Arc::new(Mutex::new(Box::new(|_| CallFault::None))),
        }
    }
}

impl MemoryJournal {
    /// Another node's connection, whose calls meet these faults.
    #[must_use]
    pub fn with_faults(&self, decide: impl FnMut(JournalCall) -> CallFault + Send + 'static) -> Self {
        Self { content: Arc::clone(&self.content), decide: Arc::new(Mutex::new(Box::new(decide))) }
    }

    /// Size of the texts of all lines in bytes, as they are and as they are counted.
    #[must_use]
    pub fn sizes(&self) -> (u64, u64) {
        let content = self.content.lock();
        (content.lines.iter().map(|(line, _)| line.text.len() as u64).sum(), content.extent.size)
    }

    /// Loses the last lines, as a failover to a replica that does not have them.
    pub fn lose_last(&self, lines: usize) {
        let mut content = self.content.lock();
        let left = content.lines.len().saturating_sub(lines);
        content.lines.truncate(left);
    }

    /// Ends the term of the lease.
    pub fn end_term(&self) {
        self.content.lock().holder = None;
    }

    /// The number of lines.
    #[must_use]
    pub fn len(&self) -> usize {
        self.content.lock().lines.len()
    }

    /// Whether it has no lines.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn call<T>(
        &self,
        call: JournalCall,
        work: impl FnOnce(&mut JournalContent) -> T,
    ) -> Result<T, StoreError> {
        let fault = (self.decide.lock())(call);
        let lost = || StoreError::Away { what: "the connection was cut".to_owned() };
        if fault == CallFault::Lost {
            return Err(lost());
        }
        let done = work(&mut self.content.lock());
        if fault == CallFault::AnswerLost { Err(lost()) } else { Ok(done) }
    }
}

impl JournalContent {
    fn position(&self) -> Position {
        self.lines.last().map_or(Position::START, |(line, _)| Position { seq: line.seq, append: line.append })
    }

    fn push(&mut self, id: AppendId, lines: &[NewLine]) {
        let after = self.position().seq;
        for (seq, NewLine { text, topic }) in (after + 1..).zip(lines.iter().cloned()) {
            self.lines.push((SharedLine { seq, append: id, text }, topic));
        }
        self.hints.iter().for_each(|hint| hint());
    }

    fn batch(&self, from: u64, limit: usize) -> Batch {
        let found = self.lines.iter().map(|(line, _)| line).filter(|line| line.seq >= from);
        Batch { lines: found.take(limit).cloned().collect(), compacted: self.compacted }
    }
}

impl SharedJournal for MemoryJournal {
    fn end(&mut self) -> Result<JournalEnd, StoreError> {
        self.call(JournalCall::Read, |content| JournalEnd {
            journal: *content.id.as_bytes(),
            position: content.position(),
            compacted: content.compacted,
            extent: content.extent,
        })
    }

    fn append(
        &mut self,
        after: Position,
        id: AppendId,
        lines: &[NewLine],
    ) -> Result<AppendResult, StoreError> {
        self.call(JournalCall::Append, |content| {
            if content.position() != after {
                return AppendResult::EndsElsewhere;
            }
            content.push(id, lines);
            content.extent.size += size_of(lines);
            AppendResult::Appended(content.extent)
        })
    }

    fn rewrite(&mut self, after: Position, id: AppendId, rewrite: &Rewrite) -> Result<bool, StoreError> {
        self.call(JournalCall::Append, |content| {
            if content.position() != after || content.extent.cursor != rewrite.cursor {
                return false;
            }
            content.lines.retain(|(line, _)| !rewrite.removed.contains(&line.seq));
            for (line, topic) in &mut content.lines {
                if let Some((_, new)) = rewrite.changed.iter().find(|(seq, _)| *seq == line.seq) {
                    (line.text, *topic) = (new.text.clone(), new.topic.clone());
                }
            }
            content.push(id, &rewrite.appended);
            content.compacted = content.compacted.max(rewrite.compacted);
            let size = content.extent.size.saturating_add_signed(rewrite.growth);
            let settled = if rewrite.after.cursor == 0 { size } else { content.extent.settled };
            content.extent = JournalExtent { size, settled, ..rewrite.after };
            true
        })
    }

    fn topics_after(&mut self, seq: u64, topics: &[Topic]) -> Result<Vec<Topic>, StoreError> {
        self.call(JournalCall::Read, |content| {
            let later = content.lines.iter().filter(|(line, _)| line.seq > seq).map(|(_, topic)| topic);
            later.filter(|topic| topics.contains(topic)).cloned().collect()
        })
    }

    fn read(&mut self, from: u64, limit: usize) -> Result<Batch, StoreError> {
        self.call(JournalCall::Read, |content| content.batch(from, limit))
    }

    fn reader(&self) -> Box<dyn SharedReader> {
        Box::new(self.clone())
    }

    fn leases(&self) -> Arc<dyn Leases> {
        Arc::new(self.clone())
    }

    fn on_append(&mut self, hint: Box<dyn Fn() + Send + Sync>) {
        self.content.lock().hints.push(hint);
    }
}

impl Leases for MemoryJournal {
    fn take(&self, node: &Node, _: Duration) -> Result<LeaseAnswer, StoreError> {
        self.call(JournalCall::Lease, |content| match &content.holder {
            Some(holder) if holder.place != node.place => LeaseAnswer::HeldBy { name: holder.name.clone() },
            _ => {
                content.holder = Some(node.clone());
                LeaseAnswer::Granted
            }
        })
    }

    fn renew(&self, node: &Node, _: Duration) -> Result<bool, StoreError> {
        self.call(JournalCall::Lease, |content| content.holder.as_ref() == Some(node))
    }

    fn release(&self, node: &Node) -> Result<(), StoreError> {
        self.call(JournalCall::Lease, |content| {
            if content.holder.as_ref() == Some(node) {
                content.holder = None;
            }
        })
    }

    fn report(&self, node: &Node, folders: &[String]) -> Result<(), StoreError> {
        self.call(JournalCall::Lease, |content| {
            let now = Timestamp::now();
            match content.nodes.iter_mut().find(|(known, _)| known == node) {
                Some((_, status)) => status.last_seen = now,
                None => {
                    content.nodes.retain(|(known, _)| known.place != node.place);
                    let status = NodeStatus {
                        name: node.name.clone(),
                        version: node.version.clone(),
                        state: NodeState::StandingBy,
                        since: now,
                        last_seen: now,
                        lease_until: None,
                        folders: folders.to_vec(),
                    };
                    content.nodes.push((node.clone(), status));
                    content.nodes.sort_by(|(one, _), (other, _)| one.name.cmp(&other.name));
                }
            }
        })
    }

    fn report_end(&self, node: &Node) -> Result<(), StoreError> {
        self.call(JournalCall::Lease, |content| {
            for (_, status) in content.nodes.iter_mut().filter(|(known, _)| known == node) {
                status.state = NodeState::Ended;
            }
        })
    }

    fn namesake(&self, node: &Node, _: Duration) -> Result<Option<Namesake>, StoreError> {
        self.call(JournalCall::Lease, |content| {
            let known = |known: &Node| content.nodes.iter().find(|(one, _)| one == known);
            let since = known(node).map_or(Timestamp::MAX, |(_, status)| status.since);
            let is_namesake = |(other, status): &&(Node, NodeStatus)| {
                let is_before =
                    (status.since, other.incarnation.as_bytes()) < (since, node.incarnation.as_bytes());
                let is_elsewhere = other.name == node.name && other.place != node.place;
                is_elsewhere && is_before && status.state != NodeState::Ended
            };
            content.nodes.iter().find(is_namesake).map(|(other, status)| Namesake {
                incarnation: other.incarnation,
                host: other.host.clone(),
                place: other.place.clone(),
                last_seen: status.last_seen,
            })
        })
    }

    fn nodes(&self, _: Duration) -> Result<Vec<NodeStatus>, StoreError> {
        self.call(JournalCall::Lease, |content| {
            let status = |(node, status): &(Node, NodeStatus)| match content.holder.as_ref() == Some(node) {
                true => NodeStatus { state: NodeState::Active, ..status.clone() },
                false => status.clone(),
            };
            content.nodes.iter().map(status).collect()
        })
    }
}

impl SharedReader for MemoryJournal {
    fn about(&self, job: &str) -> Result<Vec<String>, StoreError> {
        self.call(JournalCall::Read, |content| {
            let is_about = |topic: &Topic| match topic {
                Topic::None | Topic::Snapshot(_) => false,
                Topic::Job(id) => id == job,
                Topic::Several => true,
            };
            let found = content.lines.iter().filter(|(_, topic)| is_about(topic));
            found.map(|(line, _)| line.text.clone()).collect()
        })
    }

    fn read(&self, from: u64, limit: usize) -> Result<Batch, StoreError> {
        self.call(JournalCall::Read, |content| content.batch(from, limit))
    }
}
