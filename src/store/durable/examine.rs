//! Is the database what the journal amounts to, and is the journal whole?

use std::collections::BTreeMap;
use std::path::Path;

use super::super::StoreError;
use super::super::entry::Line;
use super::super::journal::{Item, Reader, segments};
use super::super::tables::{Ahead, Bytes, Overlay, Pair, key, replay};
use super::database::Database;
use crate::store::Finding;

/// While a daemon writes, database and journal are read at two times; so often they are read again.
const TRIES: u32 = 5;

/// A database in memory.
#[derive(Default)]
struct Rebuilt(BTreeMap<Vec<u8>, Vec<u8>>);

impl Bytes for Rebuilt {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.0.get(key).cloned())
    }

    fn scan(&self, prefix: &[u8]) -> Result<Vec<Pair>, StoreError> {
        let found = self.0.range(prefix.to_vec()..).take_while(|(key, _)| key.starts_with(prefix));
        Ok(found.map(|(key, value)| (key.clone(), value.clone())).collect())
    }
}

pub(super) fn examine(tables: &Database, journal: &Path) -> Result<Vec<Finding>, StoreError> {
    let mut findings = Vec::new();
    for _ in 0..TRIES {
        let before = tables.get(&key::seq())?;
        findings.clear();
        let lines = match whole(journal, &mut findings) {
            // The oldest segment went while it was read.
            Err(StoreError::Io { error: source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {
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

/// All lines; damaged ones are findings.
fn whole(journal: &Path, findings: &mut Vec<Finding>) -> Result<Vec<Line>, StoreError> {
    let mut lines = Vec::new();
    for (_, path) in segments(journal)? {
        let mut reader = Reader::open(&path)?.forgiving();
        while let Item::Line(line) = reader.next()? {
            lines.push(line);
        }
        if reader.passed() > 0 {
            findings.push(Finding::new(
                format!("{} stretches of {} are damaged", reader.passed(), path.display()),
                "nothing is mended: the database holds what they said, some stories lack a line; keep a backup by \
                 `dropship export`, and look at the disk",
            ));
        }
    }
    lines.sort_by_key(|line| line.seq);
    Ok(lines)
}

fn difference(tables: &Database, mut lines: Vec<Line>) -> Result<Option<Finding>, StoreError> {
    lines.retain(|line| !line.entries.is_empty());
    lines.dedup_by_key(|line| line.seq);
    let ahead = Ahead::of(&lines);
    let mut rebuilt = Rebuilt::default();
    for line in &lines {
        let mut view = Overlay::new(&rebuilt);
        replay(&mut view, line, &ahead)?;
        for (key, change) in view.changes {
            match change {
                Some(value) => rebuilt.0.insert(key, value),
                None => rebuilt.0.remove(&key),
            };
        }
    }
    let mut different = Vec::new();
    for (key, value) in tables.scan(&[])? {
        let same = rebuilt.0.remove(&key).is_some_and(|rebuilt| rebuilt == value);
        // The journal forgets what a job made and no longer has; that the database knows more is no fault.
        if !same && !key.starts_with(key::META) && !key.starts_with(key::REMOTE) {
            different.push(key);
        }
    }
    different.extend(rebuilt.0.into_keys().filter(|key| !key.starts_with(key::META)));
    let Some(first) = different.first() else { return Ok(None) };
    let what = format!(
        "the database differs from what the journal amounts to, in {} keys; the first is `{}`",
        different.len(),
        String::from_utf8_lossy(first).escape_default()
    );
    let mend = "stop the daemon and move the folder `sled` out of the store: the next start rebuilds it from the journal";
    Ok(Some(Finding::new(what, mend)))
}
