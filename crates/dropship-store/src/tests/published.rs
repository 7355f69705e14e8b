//! Published labels: the index by hardware id, the order of checks, and what compaction keeps.

use std::collections::{BTreeMap, BTreeSet};

use super::*;

/// The id of the label of this number.
pub(super) fn label_id(number: u64) -> RemoteId {
    RemoteId::new(1_152_921_504_621_465_200 + number)
}

fn target(hardware_id: &str, os: &str, version: &str) -> PublishedTarget {
    PublishedTarget {
        hardware_id: hardware_id.into(),
        os: os.into(),
        bundle: "b1".into(),
        inf: "echo.inf".into(),
        version: Some(version.into()),
    }
}

/// A new label counts as checked at its publication.
fn new(label: PublishedLabel) -> Vec<Entry> {
    let checked = Entry::LabelChecked { label: label.id, check: LabelCheck::passed(label.published) };
    vec![published(label), checked]
}

/// The labels that target such hardware ids, the latest publication first.
pub(super) fn newest(store: &dyn Store, hardware_ids: HardwareIds<'_>) -> Vec<RemoteId> {
    newest_on(store, hardware_ids, &|_| true)
}

fn newest_on(store: &dyn Store, hardware_ids: HardwareIds<'_>, os: &dyn Fn(&str) -> bool) -> Vec<RemoteId> {
    let mut labels = NewestLabels::of(store, DeviceQuery { hardware_ids, os }).expect("devices");
    std::iter::from_fn(|| labels.next().expect("a label")).collect()
}

fn suite(store: &dyn Store) {
    let rows =
        || vec![target(r"PCI\VEN_8086&DEV_1", "CO", "1.0"), target(r"pci\ven_8086&dev_12", "NI", "1.0")];
    commit(store, [new(label(label_id(0), 10, rows())), new(label(label_id(1), 20, rows()))].concat());
    // Exactly this id in any case, and not those that it begins.
    let both = [label_id(1), label_id(0)];
    for text in [r"PCI\VEN_8086&DEV_1", r"pci\Ven_8086&dev_1"] {
        assert_eq!(newest(store, HardwareIds::Exactly(text)), both);
    }
    assert_eq!(newest(store, HardwareIds::Exactly(r"PCI\VEN_8086")), []);
    let any = |_: &str| true;
    assert_eq!(newest(store, HardwareIds::Matching(r"PCI\", &any)), both);
    let ends = |id: &str| id.ends_with("12");
    assert_eq!(newest(store, HardwareIds::Matching("", &ends)), both);
    assert_eq!(newest_on(store, HardwareIds::Matching("", &ends), &|os| os == "CO"), []);
    assert_eq!(newest_on(store, HardwareIds::Matching("", &ends), &|os| os == "NI"), both);
    let found = store.published_label(label_id(0)).expect("read").expect("there");
    assert_eq!((found.name.as_str(), found.targets.len()), ("label 1152921504621465200", 0));
    assert_eq!(store.targets_of_label(label_id(0)).expect("read"), rows());

    // A label with fewer targets replaces what was known of it.
    commit(store, vec![published(label(label_id(0), 10, vec![target(r"pci\ven_8086&dev_12", "NI", "1.0")]))]);
    assert_eq!(newest(store, HardwareIds::Exactly(r"PCI\VEN_8086&DEV_1")), [label_id(1)]);
    commit(store, vec![Entry::LabelForgotten { label: label_id(1) }]);
    assert_eq!(newest(store, HardwareIds::Exactly(r"PCI\VEN_8086&DEV_1")), []);
    assert_eq!(newest(store, HardwareIds::Matching("", &any)), [label_id(0)], "the newest was withdrawn");
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
    assert_eq!(newest(store, HardwareIds::Matching("a", &any)), [label_id(3)]);
}

/// Labels of some devices in a shuffled order, some of them withdrawn: compared with a plain search.
fn merge_suite(store: &dyn Store) {
    let devices = [r"pci\a", r"pci\b", r"usb\c"];
    let mut expected = BTreeMap::new();
    for step in 0..400u64 {
        let number = step * 37 % 401;
        let at = i64::try_from(number / 3).expect("a number");
        let rows: Vec<_> = devices.iter().zip([2, 3, 5]).filter(|(_, part)| number % part == 0).collect();
        let rows: Vec<_> =
            rows.iter().flat_map(|(id, _)| ["CO", "NI"].map(|os| target(id, os, "1"))).collect();
        expected.insert((at, label_id(number)), rows.clone());
        commit(store, vec![published(label(label_id(number), at, rows))]);
    }
    for number in (300..400).chain((0..300).step_by(7)) {
        commit(store, vec![Entry::LabelForgotten { label: label_id(number) }]);
        expected.retain(|(_, label), _| *label != label_id(number));
    }
    for prefix in ["", r"pci\", r"usb\", r"pci\b", "x"] {
        let has = |rows: &[PublishedTarget]| rows.iter().any(|row| row.hardware_id.starts_with(prefix));
        let expected_labels = expected.iter().rev().filter(|(_, rows)| has(rows));
        let expected_labels: Vec<_> = expected_labels.map(|((_, label), _)| *label).collect();
        assert_eq!(newest(store, HardwareIds::Matching(prefix, &|_| true)), expected_labels, "{prefix}");
    }
}

#[test]
fn labels_of_many_devices_are_merged_newest_first_in_both_stores() {
    merge_suite(&MemoryStore::new());
    let folder = tempfile::tempdir().expect("a folder");
    let (store, _) = DiskStore::open(folder.path()).expect("a store");
    merge_suite(&store);
    assert_eq!(store.check().expect("checked"), []);
}

#[test]
fn newest_labels_of_a_glob_are_found_without_reading_the_older_ones() {
    let reads = |labels: u64| {
        let folder = tempfile::tempdir().expect("a folder");
        let (store, _) = DiskStore::open(folder.path()).expect("a store");
        for number in 0..labels {
            let rows = ["a", "b", "c"].map(|id| target(&format!("pci\\{id}"), "CO", "1"));
            let at = i64::try_from(number).expect("a number");
            commit(&store, vec![published(label(label_id(number), at, rows.into()))]);
        }
        let before = store.reads();
        let any = |_: &str| true;
        let query = DeviceQuery { hardware_ids: HardwareIds::Matching("pci", &any), os: &any };
        let mut newest = NewestLabels::of(&store, query).expect("devices");
        for number in (labels - 10..labels).rev() {
            assert_eq!(newest.next().expect("read"), Some(label_id(number)));
        }
        let after = store.reads();
        (after.lookups - before.lookups, after.pairs - before.pairs)
    };
    assert_eq!(reads(200), reads(1000));
}

/// The versions of six labels are 1.9, 1.10, 1.10, 1.11, 1.2 and 1.1; all but the third take over targets.
fn series_suite(store: &dyn Store) {
    let put = |number: u64, second: u32, ids: &[&str]| {
        let series = LabelSeries { id: "s".into(), ..series("b1", second, number != 2) };
        let rows = ids.iter().flat_map(|id| [target(id, "CO", "1"), target(id, "NI", "1")]).collect();
        let label = PublishedLabel { series: Some(series), ..label(label_id(number), 10, rows) };
        commit(store, new(label));
    };
    for (number, second, ids) in [
        (0, 9, &["PCI\\A", "PCI\\B"][..]),
        (1, 10, &["pci\\a"]),
        (2, 10, &["pci\\a"]),
        (3, 11, &["pci\\a", "pci\\c"]),
        (4, 2, &["pci\\b"]),
        (5, 1, &["pci\\d"]),
    ] {
        put(number, second, ids);
    }
    let ids = |numbers: &[u64]| numbers.iter().map(|number| label_id(*number)).collect::<BTreeSet<_>>();
    let older = |number: u64| store.older_in_series(label_id(number)).expect("read");
    assert_eq!((older(3), older(1)), (ids(&[0, 1, 2]), ids(&[0])));
    assert_eq!((older(0), older(5)), (ids(&[4]), ids(&[])));
    let newer = |number: u64, second: i64| {
        let since = Timestamp::from_second(second).expect("a time");
        store.arrived_in_series(label_id(number), since).expect("read")
    };
    assert_eq!((newer(0, 10), newer(1, 11), newer(3, 12)), (ids(&[1, 3]), ids(&[3]), ids(&[])));
    let newest =
        |before: Option<u64>, limit| store.newest_in_series("s", before.map(label_id), limit).expect("read");
    assert_eq!(newest(None, 2), [label_id(5), label_id(4)]);
    assert_eq!(newest(Some(1), 9), [label_id(0)]);
    assert_eq!(store.newest_in_series("other", None, 9).expect("read"), []);
    // A label that has given up a target, or is forgotten, is no longer found by it.
    put(0, 9, &["pci\\b"]);
    commit(store, vec![Entry::LabelForgotten { label: label_id(2) }]);
    assert_eq!((older(3), older(0)), (ids(&[1]), ids(&[4])));
    assert_eq!(newest(None, 9).len(), 5);
}

#[test]
fn older_and_newer_labels_are_found_by_series_in_both_stores() {
    series_suite(&MemoryStore::new());
    let folder = tempfile::tempdir().expect("a folder");
    let (store, _) = DiskStore::open(folder.path()).expect("a store");
    series_suite(&store);
    assert_eq!(store.check().expect("checked"), []);
}

#[test]
fn search_in_a_series_reads_what_it_finds_and_not_the_series() {
    let reads = |labels: u64| {
        let folder = tempfile::tempdir().expect("a folder");
        let (store, _) = DiskStore::open(folder.path()).expect("a store");
        // Labels of the same version and hardware id, and older ones of other hardware ids.
        for number in 0..labels {
            let (second, id) =
                if number % 2 == 0 { (9, "pci\\a".to_owned()) } else { (8, format!("pci\\b{number}")) };
            let series = series("b1", second, true);
            let label = label(label_id(number), 10, vec![target(&id, "CO", "1")]);
            commit(&store, new(PublishedLabel { series: Some(series), ..label }));
        }
        let before = store.reads();
        assert_eq!(store.older_in_series(label_id(0)).expect("read"), BTreeSet::new());
        let since = Timestamp::from_second(10).expect("a time");
        assert_eq!(store.arrived_in_series(label_id(0), since).expect("read"), BTreeSet::new());
        assert_eq!(store.count(StateKind::Held).expect("read"), 0);
        let after = store.reads();
        (after.lookups - before.lookups, after.pairs - before.pairs, after.bytes - before.bytes)
    };
    assert_eq!(reads(10), reads(600));
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
