//! The journal's catalog explains every message id that the daemon logs, and no others.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

fn repository(path: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// The ids in the sources of `observe`: string literals of 32 hexadecimal digits.
fn collect_ids(folder: &Path, ids: &mut BTreeSet<String>) {
    for item in std::fs::read_dir(folder).expect("the sources") {
        let path = item.expect("an item").path();
        if path.is_dir() {
            collect_ids(&path, ids);
            continue;
        }
        let source = std::fs::read_to_string(&path).expect("a source");
        let hex = |text: &&str| text.len() == 32 && text.chars().all(|letter| letter.is_ascii_hexdigit());
        ids.extend(source.split('"').filter(hex).map(str::to_owned));
    }
}

/// The entries of the catalog by id.
fn entries() -> BTreeMap<String, String> {
    let catalog = std::fs::read_to_string(repository("systemd/dropship.catalog")).expect("the catalog");
    let mut entries = BTreeMap::new();
    for part in catalog.split("\n-- ").skip(1) {
        let (id, text) = part.split_once('\n').expect("an id has a line of its own");
        assert!(entries.insert(id.to_owned(), text.to_owned()).is_none(), "{id} stands there twice");
    }
    entries
}

#[test]
fn every_message_id_has_cause_and_remedy_in_the_catalog() {
    let mut ids = BTreeSet::new();
    collect_ids(&repository("crates/dropship-engine/src/observe"), &mut ids);
    assert!(ids.len() >= 15, "the ids were found: {ids:?}");
    let entries = entries();
    for id in &ids {
        let entry =
            entries.get(id).unwrap_or_else(|| panic!("systemd/dropship.catalog has no entry for {id}"));
        let (head, body) = entry.split_once("\n\n").unwrap_or_else(|| panic!("{id} has no text"));
        for field in ["Subject: ", "Defined-By: dropship", "Documentation: "] {
            assert!(head.lines().any(|line| line.starts_with(field)), "{id} lacks {field}");
        }
        let paragraphs = body.trim().split("\n\n").count();
        assert!(paragraphs >= 2, "{id} needs a cause and an action");
    }
}
