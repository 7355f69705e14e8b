//! Published labels: the index by hardware id, the order of checks, and what compaction keeps.

use std::cell::Cell;

use super::*;
use crate::tables::{Bytes, Pair, published as queries};

/// The id of the label of this number.
pub(super) fn label_id(number: u64) -> RemoteId {
    RemoteId::new(1_152_921_504_621_465_200 + number)
}

fn target(hardware_id: &str, os: &str, version: &str) -> Target {
    Target {
        hardware_id: hardware_id.into(),
        os: os.into(),
        bundle: "b1".into(),
        inf: "echo.inf".into(),
        version: Some(version.into()),
    }
}

pub(super) fn label(id: RemoteId, at: i64, targets: Vec<Target>) -> PublishedLabel {
    PublishedLabel {
        id,
        name: format!("label {id}"),
        job: super::id(1),
        package: "echo.cab".into(),
        rule: "ring".into(),
        account: "default".into(),
        product: RemoteId::new(1),
        submission: RemoteId::new(2),
        audiences: vec!["Ring".into()],
        published: Timestamp::from_second(at).expect("a time"),
        go_live: None,
        supersedes: Vec::new(),
        superseded_by: Vec::new(),
        reach: None,
        targets,
    }
}

pub(super) fn published(label: PublishedLabel) -> Entry {
    Entry::LabelPublished { label: Box::new(label) }
}

/// A new label counts as checked at its publication.
fn new(label: PublishedLabel) -> Vec<Entry> {
    let checked = Entry::LabelChecked { label: label.id, check: LabelCheck::passed(label.published) };
    vec![published(label), checked]
}

fn reached(store: &dyn Store, ids: HardwareIds<'_>) -> Vec<(RemoteId, String, String)> {
    let found = store.published_targets(ids).expect("read");
    let mut found: Vec<_> =
        found.into_iter().map(|(label, target)| (label, target.hardware_id, target.os)).collect();
    found.sort();
    found
}

fn suite(store: &dyn Store) {
    let rows =
        || vec![target(r"PCI\VEN_8086&DEV_1", "CO", "1.0"), target(r"pci\ven_8086&dev_12", "NI", "1.0")];
    commit(store, [new(label(label_id(0), 10, rows())), new(label(label_id(1), 20, rows()))].concat());
    // Exactly this id in any case, and not those that it begins.
    let row = |id, hardware_id: &str, os: &str| (id, hardware_id.to_owned(), os.to_owned());
    let one = [row(label_id(0), r"pci\ven_8086&dev_1", "CO"), row(label_id(1), r"pci\ven_8086&dev_1", "CO")];
    for text in [r"PCI\VEN_8086&DEV_1", r"pci\Ven_8086&dev_1"] {
        assert_eq!(reached(store, HardwareIds::Exactly(text)), one);
    }
    assert_eq!(reached(store, HardwareIds::Exactly(r"PCI\VEN_8086")), []);
    let any = |_: &str| true;
    assert_eq!(reached(store, HardwareIds::Matching(r"PCI\", &any)).len(), 4);
    let ends = |id: &str| id.ends_with("12");
    assert_eq!(reached(store, HardwareIds::Matching("", &ends)).len(), 2);
    let found = store.published_label(label_id(0)).expect("read").expect("there");
    assert_eq!((found.name.as_str(), found.targets.len()), ("label 1152921504621465200", 0));
    assert_eq!(store.targets_of_label(label_id(0)).expect("read"), rows());

    // A label with fewer targets replaces what was known of it.
    commit(store, vec![published(label(label_id(0), 10, vec![target(r"pci\ven_8086&dev_12", "NI", "1.0")]))]);
    assert_eq!(reached(store, HardwareIds::Exactly(r"PCI\VEN_8086&DEV_1")), &one[1..]);
    commit(store, vec![Entry::LabelForgotten { label: label_id(1) }]);
    assert_eq!(reached(store, HardwareIds::Exactly(r"PCI\VEN_8086&DEV_1")), []);
    assert_eq!(store.label_check(label_id(1)).expect("read"), None);

    // The label that was checked first comes first.
    commit(store, new(label(label_id(2), 5, Vec::new())));
    let at = |second| Timestamp::from_second(second).expect("a time");
    let due = |before| store.labels_checked_before(at(before), 10).expect("read");
    assert_eq!((due(5), due(6), due(11)), (vec![], vec![label_id(2)], vec![label_id(2), label_id(0)]));
    let check = LabelCheck { missing_since: Some(at(30)), ..LabelCheck::passed(at(30)) };
    commit(store, vec![Entry::LabelChecked { label: label_id(2), check }]);
    assert_eq!((due(29), due(31)), (vec![label_id(0)], vec![label_id(0), label_id(2)]));
    assert_eq!(store.label_check(label_id(2)).expect("read"), Some(check));
    assert_eq!(store.labels_checked_before(at(31), 1).expect("read"), [label_id(0)]);
    // A new form of the label keeps its check.
    commit(store, vec![published(label(label_id(2), 5, rows()))]);
    assert_eq!(store.label_check(label_id(2)).expect("read"), Some(check));
    // Texts from outside cannot break a key apart.
    commit(store, new(label(label_id(3), 5, vec![target("a\0b\0c", "\0", "1")])));
    assert_eq!(reached(store, HardwareIds::Matching("a", &any)).len(), 1);
}

#[test]
fn published_labels_are_found_by_hardware_id_in_both_stores() {
    suite(&MemoryStore::new());
    let folder = tempfile::tempdir().expect("a folder");
    let (store, _) = DiskStore::open(folder.path()).expect("a store");
    suite(&store);
    assert_eq!(store.check().expect("checked"), []);
    drop(store);
    // The tables follow from the journal alone.
    let (store, _) = DiskStore::open(folder.path()).expect("a store");
    assert_eq!(store.labels_checked_before(Timestamp::MAX, 9).expect("read").len(), 3);
    drop(store);
    std::fs::remove_dir_all(folder.path().join("sled")).expect("removed");
    let (store, _) = DiskStore::open(folder.path()).expect("a rebuilt store");
    assert_eq!(store.targets_of_label(label_id(2)).expect("read").len(), 2);
    assert_eq!(store.labels_checked_before(Timestamp::MAX, 9).expect("read").len(), 3);
}

/// Tables that count the pairs and values that are read.
struct Counting<'a> {
    tables: &'a dyn Fn(&[u8]) -> Vec<Pair>,
    read: Cell<usize>,
}

impl Bytes for Counting<'_> {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.read.set(self.read.get() + 1);
        Ok((self.tables)(key).into_iter().find(|(found, _)| found == key).map(|(_, value)| value))
    }

    fn scan(&self, prefix: &[u8]) -> Result<Vec<Pair>, StoreError> {
        let found = (self.tables)(prefix);
        self.read.set(self.read.get() + found.len());
        Ok(found)
    }
}

#[test]
fn query_for_a_device_reads_its_own_targets_only() {
    let store = MemoryStore::new();
    for number in 0..500u64 {
        let id = format!(r"PCI\VEN_8086&DEV_{:04X}", number / 2);
        let rows = vec![target(&id, "CO", "1.0"), target(&format!("USB\\VID_{number:04X}"), "CO", "1.0")];
        commit(&store, vec![published(label(label_id(number), 10, rows))]);
    }
    let tables = |prefix: &[u8]| store.pairs(prefix);
    let counting = Counting { tables: &tables, read: Cell::new(0) };
    let read = |ids: HardwareIds<'_>| {
        counting.read.set(0);
        (queries::published_targets(&counting, ids).expect("read").len(), counting.read.get())
    };
    assert_eq!(read(HardwareIds::Exactly(r"pci\ven_8086&dev_0003")), (2, 2));
    let none = |_: &str| false;
    assert_eq!(read(HardwareIds::Matching(r"USB\VID_001", &none)), (0, 16), "those that begin with it");
    counting.read.set(0);
    assert!(queries::published_label(&counting, label_id(7)).expect("read").is_some());
    assert_eq!(counting.read.get(), 1);
}
