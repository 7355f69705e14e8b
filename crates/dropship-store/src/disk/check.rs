//! Checks that the journal is intact and that the database is what follows from it.

use std::collections::BTreeMap;
use std::path::Path;

use crate::disk::database::Database;
use crate::entry::Line;
use crate::error::StoreError;
use crate::finding::Finding;
use crate::journal::{SegmentItem, SegmentReader, segments};
use crate::tables::{ByteMap, KeyValue, LaterLines, Overlay, devices, key, replay};
use dropship_job::counted;

/// Maximum number of attempts. Another one is made if a daemon wrote between reading the database and the journal.
const MAX_ATTEMPTS: u32 = 5;

/// Tables in memory.
#[derive(Default)]
struct RebuiltTables(BTreeMap<Vec<u8>, Vec<u8>>);

impl ByteMap for RebuiltTables {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.0.get(key).cloned())
    }

    fn scan(&self, prefix: &[u8]) -> Result<Vec<KeyValue>, StoreError> {
        let found = self.0.range(prefix.to_vec()..).take_while(|(key, _)| key.starts_with(prefix));
        Ok(found.map(|(key, value)| (key.clone(), value.clone())).collect())
    }
}

/// Returns the problems; nothing is changed.
pub(crate) fn check(tables: &Database, journal: &Path) -> Result<Vec<Finding>, StoreError> {
    let mut findings = Vec::new();
    for _ in 0..MAX_ATTEMPTS {
        let before = tables.get(&key::seq())?;
        findings.clear();
        let lines = match read_lines(journal, &mut findings) {
            // Compaction deleted the oldest segment while it was read.
            Err(StoreError::Io { error, .. }) if error.kind() == std::io::ErrorKind::NotFound => {
                continue;
            }
            lines => lines?,
        };
        if !findings.is_empty() {
            break;
        }
        let difference = difference(tables, lines)?;
        if tables.get(&key::seq())? == before {
            findings.extend(difference);
            break;
        }
    }
    Ok(findings)
}

/// All lines in order; damaged ones are findings.
fn read_lines(journal: &Path, findings: &mut Vec<Finding>) -> Result<Vec<Line>, StoreError> {
    let mut lines = Vec::new();
    for (_, path) in segments(journal)? {
        let mut reader = SegmentReader::open(&path)?.skipping_damage();
        while let SegmentItem::Line(line) = reader.next()? {
            lines.push(line);
        }
        if reader.skipped() > 0 {
            findings.push(Finding::new(
                format!("{} has {}", path.display(), counted(reader.skipped(), "damaged place")),
                "nothing is repaired: the database has their content, some histories lack an event; make a backup with \
                 `dropship export`, and check the disk",
            ));
        }
    }
    lines.sort_by_key(|line| line.seq);
    Ok(lines)
}

pub(crate) fn difference(tables: &Database, mut lines: Vec<Line>) -> Result<Option<Finding>, StoreError> {
    lines.retain(|line| !line.entries.is_empty());
    lines.dedup_by_key(|line| line.seq);
    let later = LaterLines::of(&lines);
    let mut rebuilt = RebuiltTables::default();
    for line in &lines {
        let mut view = Overlay::new(&rebuilt);
        replay(&mut view, line, &later)?;
        for (key, change) in view.changes {
            match change {
                Some(value) => rebuilt.0.insert(key, value),
                None => rebuilt.0.remove(&key),
            };
        }
    }
    let mut different = Vec::new();
    for (key, value) in tables.scan(&[])? {
        let rebuilt = rebuilt.0.remove(&key);
        let is_same = match key.starts_with(key::DEVICES) {
            true => devices::is_bound(&value, rebuilt.as_deref()),
            false => rebuilt.is_some_and(|rebuilt| rebuilt == value),
        };
        // The journal no longer has every object that a pruned job created; that the database knows more is correct.
        if !is_same && !key.starts_with(key::META) && !key.starts_with(key::REMOTE) {
            different.push(key);
        }
    }
    different.extend(rebuilt.0.into_keys().filter(|key| !key.starts_with(key::META)));
    let Some(first) = different.first() else { return Ok(None) };
    let what = format!(
        "the database differs from the journal in {}; the first is `{}`",
        counted(different.len(), "key"),
        String::from_utf8_lossy(first).escape_default()
    );
    let mend = "stop the daemon and move the folder `sled` out of the store; the next start rebuilds it from the journal";
    Ok(Some(Finding::new(what, mend)))
}
