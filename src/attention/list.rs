//! The list as it was last seen, and its changes.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::item::AttentionItem;
use super::kind::{AttentionKind, Severity};

/// Something that a source reports now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observed {
    /// Kind of the trouble.
    pub kind: AttentionKind,
    /// Name of the account, folder, job or component; with the kind, it identifies the item.
    pub object: String,
    /// What is wrong, on which object, and why.
    pub message: String,
    /// Since when, if the source knows it; otherwise since it was first seen.
    pub since: Option<Timestamp>,
    /// Whether packages are still accepted.
    pub severity: Severity,
}

impl Observed {
    /// An observation with the usual severity of its kind.
    #[must_use]
    pub fn new(kind: AttentionKind, object: impl Into<String>, message: impl Into<String>) -> Self {
        let severity = kind.info().severity;
        Self { kind, object: object.into(), message: message.into(), since: None, severity }
    }

    /// The same with a known start.
    #[must_use]
    pub fn since(self, since: Timestamp) -> Self {
        Self { since: Some(since), ..self }
    }

    /// The item of this observation, if it was made for the first time at `now`.
    pub(super) fn into_item(self, now: Timestamp) -> AttentionItem {
        let Self { kind, object, message, since, severity } = self;
        AttentionItem { kind, object, message, since: since.unwrap_or(now), severity }
    }

    /// The same with another severity.
    #[must_use]
    pub fn severity(self, severity: Severity) -> Self {
        Self { severity, ..self }
    }
}

/// The items by kind and object.
#[derive(Debug, Default)]
pub struct AttentionList(BTreeMap<(AttentionKind, String), AttentionItem>);

/// Differences between two states of the list.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct AttentionChanges {
    pub(super) appeared: Vec<AttentionItem>,
    pub(super) ended: Vec<AttentionItem>,
}

impl AttentionList {
    /// Replaces the list by what is observed now. An item that remains keeps its start.
    pub(super) fn replace(&mut self, observed: Vec<Observed>, now: Timestamp) -> AttentionChanges {
        let mut remaining = std::mem::take(&mut self.0);
        let mut changes = AttentionChanges::default();
        for one in observed {
            let key = (one.kind, one.object.clone());
            let before = remaining.remove(&key);
            let mut item = one.into_item(now);
            if let Some(before) = &before {
                item.since = before.since;
            }
            if before.is_none() && !self.0.contains_key(&key) {
                changes.appeared.push(item.clone());
            }
            self.0.insert(key, item);
        }
        changes.ended = remaining.into_values().collect();
        changes
    }

    /// The items, by kind and object.
    #[must_use]
    pub fn items(&self) -> Vec<AttentionItem> {
        self.0.values().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remaining_item_keeps_its_start_and_changes_once() {
        let (mut list, at) =
            (AttentionList::default(), |second| Timestamp::from_second(second).expect("a time"));
        let disk = |message: &str| Observed::new(AttentionKind::DiskLow, "", message);
        let first = list.replace(vec![disk("5 MB are free")], at(1));
        assert_eq!((first.appeared.len(), first.ended.len()), (1, 0));
        assert_eq!(list.replace(vec![disk("4 MB are free")], at(2)), AttentionChanges::default());
        let items = list.items();
        assert_eq!((items[0].since, items[0].message.as_str()), (at(1), "4 MB are free"));
        let last = list.replace(Vec::new(), at(3));
        assert_eq!((last.appeared.len(), last.ended.len()), (0, 1));
        assert!(list.items().is_empty());
    }
}
