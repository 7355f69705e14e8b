//! The tables in sled, packed into blocks, with the latest changes in memory.

use std::collections::HashMap;
use std::ops::{Bound, ControlFlow, Range};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::{Mutex, RwLock};

use crate::disk::packed_blocks::{Deflate, apply_changes, each_pair, inflate};
use crate::disk::sled_db::{Sled, sled_error};
use crate::disk::vacuum::{size, vacuum_threshold};
use crate::error::StoreError;
use crate::reads::{ReadCounter, Reads};
use crate::tables::{ByteMap, KeyValue, TableChanges, key};
use crate::writer::WriterTables;

/// First byte of the keys of blocks. Pairs under [`key::META`] are not packed.
const BLOCK: u8 = 1;

/// Maximum number of changes that are kept in memory before they are applied to sled.
const MAX_PENDING: usize = 4096;
/// Maximum size of these changes in bytes.
const MAX_PENDING_BYTES: usize = 2 << 20;

/// Maximum number of blocks that are kept inflated: a job in work is read again and again.
const INFLATED: usize = 128;

/// The tables, in one tree: its batches are atomic.
pub(crate) struct Database {
    folder: PathBuf,
    tables: RwLock<DatabaseTables>,
    deflate: Mutex<Deflate>,
    inflated: Mutex<HashMap<sled::IVec, Arc<[u8]>>>,
    reads: ReadCounter,
}

/// A block's key in sled, and its inflated pairs.
type InflatedBlock = (sled::IVec, Arc<[u8]>);

struct DatabaseTables {
    /// Absent only while the vacuum exchanges it.
    sled: Option<Sled>,
    /// Changes that sled does not have yet. The journal has them.
    pending: TableChanges,
    /// Size of the pending changes.
    pending_bytes: usize,
    /// Size on the disk in bytes beyond which a vacuum is worthwhile.
    vacuum_threshold: u64,
}

impl DatabaseTables {
    fn sled(&self) -> Result<&Sled, StoreError> {
        self.sled.as_ref().ok_or_else(|| StoreError::Stopped("the database is closed".to_owned()))
    }

    fn db(&self) -> Result<&sled::Db, StoreError> {
        Ok(&self.sled()?.db)
    }
}

impl Database {
    /// Opens the database of a folder.
    pub(crate) fn open(folder: &Path) -> Result<Self, StoreError> {
        let sled = Sled::open(folder)?;
        let vacuum_threshold = vacuum_threshold(&sled)?;
        let (pending, deflate, inflated, reads) = Default::default();
        let tables =
            RwLock::new(DatabaseTables { sled: Some(sled), pending, pending_bytes: 0, vacuum_threshold });
        Ok(Self { folder: folder.to_owned(), tables, deflate, inflated, reads })
    }

    /// The block that a key belongs to: the last one that starts at or before it.
    fn block_of(&self, db: &sled::Db, key: &[u8]) -> Result<Option<InflatedBlock>, StoreError> {
        let upto = (Bound::Included(vec![BLOCK]), Bound::Included(block_key(key)));
        let found = db.range(upto).next_back().transpose().map_err(|error| sled_error(&error))?;
        let Some((name, block)) = found else { return Ok(None) };
        let text = self.text_of(&name, &block)?;
        Ok(Some((name, text)))
    }

    /// The inflated text of a block.
    fn text_of(&self, name: &sled::IVec, block: &[u8]) -> Result<Arc<[u8]>, StoreError> {
        let mut inflated = self.inflated.lock();
        if let Some(text) = inflated.get(name) {
            return Ok(Arc::clone(text));
        }
        let text: Arc<[u8]> = inflate(block)?.into();
        if inflated.len() >= INFLATED {
            inflated.clear();
        }
        inflated.insert(name.clone(), Arc::clone(&text));
        Ok(text)
    }

    /// Passes the pairs in sled whose keys are in a range to `each`, in order, until it breaks; pending changes are not applied.
    fn each_applied(
        &self,
        db: &sled::Db,
        Range { start, end }: Range<&[u8]>,
        mut each: impl FnMut(&[u8], &[u8]) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        let mut is_past_end = false;
        let mut visit = |text: &[u8]| {
            each_pair(text, |key, value| {
                let next = match key {
                    early if early < start => ControlFlow::Continue(()),
                    late if late >= end => ControlFlow::Break(()),
                    _ => each(key, value),
                };
                is_past_end = next.is_break();
                next
            })
            .map(|()| is_past_end)
        };
        let mut after = Bound::Included(vec![BLOCK]);
        if let Some((name, text)) = self.block_of(db, start)? {
            if visit(&text)? {
                return Ok(());
            }
            after = Bound::Excluded(name.to_vec());
        }
        // A block has its first key in its name.
        for block in db.range((after, Bound::Excluded(block_key(end)))) {
            let (_, block) = block.map_err(|error| sled_error(&error))?;
            if visit(&inflate(&block)?)? {
                break;
            }
        }
        Ok(())
    }

    /// Applies the pending changes to sled block by block, in one batch.
    fn write_pending(&self) -> Result<(), StoreError> {
        // A reader would see old blocks beside new ones.
        let mut tables = self.tables.write();
        let db = tables.db()?;
        let mut deflate = self.deflate.lock();
        let mut batch = sled::Batch::default();
        let (plain, packed): (TableChanges, TableChanges) =
            tables.pending.clone().into_iter().partition(|(key, _)| key.starts_with(key::META));
        for (key, change) in plain {
            match change {
                Some(value) => batch.insert(key, value),
                None => batch.remove(key),
            }
        }
        let mut changes = packed.into_iter().peekable();
        while let Some((first, change)) = changes.next() {
            let block = self.block_of(db, &first)?;
            let name = block.as_ref().map_or_else(|| vec![BLOCK], |(name, _)| name.to_vec());
            let next = db.get_gt(&name).map_err(|error| sled_error(&error))?;
            let end = next.map(|(next, _)| next).filter(|next| next.first() == Some(&BLOCK));
            let mut block_changes = TableChanges::from([(first, change)]);
            let belongs = |(key, _): &(Vec<u8>, _)| end.as_ref().is_none_or(|end| key.as_slice() < &end[1..]);
            while let Some((key, change)) = changes.next_if(belongs) {
                block_changes.insert(key, change);
            }
            let blocks =
                apply_changes(block.as_ref().map(|(_, text)| text.as_ref()), block_changes, &mut deflate)?;
            if blocks.is_empty() && block.is_some() {
                batch.remove(name.as_slice());
            }
            for (index, (first, block)) in blocks.into_iter().enumerate() {
                batch.insert(if index == 0 { name.clone() } else { block_key(&first) }, block);
            }
        }
        db.apply_batch(batch).map_err(|error| sled_error(&error))?;
        self.inflated.lock().clear();
        (tables.pending, tables.pending_bytes) = Default::default();
        Ok(())
    }
}

fn block_key(key: &[u8]) -> Vec<u8> {
    [&[BLOCK], key].concat()
}

impl Database {
    fn value(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        let tables = self.tables.read();
        if let Some(change) = tables.pending.get(key) {
            return Ok(change.clone());
        }
        if key.starts_with(key::META) {
            return Ok(tables
                .db()?
                .get(key)
                .map_err(|error| sled_error(&error))?
                .map(|value| value.to_vec()));
        }
        let Some((_, text)) = self.block_of(tables.db()?, key)? else { return Ok(None) };
        let mut found = None;
        each_pair(&text, |pair_key, value| {
            if pair_key == key {
                found = Some(value.to_vec());
            }
            if pair_key >= key { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })?;
        Ok(found)
    }

    fn keys_in(&self, range: Range<&[u8]>) -> Result<Vec<Vec<u8>>, StoreError> {
        let tables = self.tables.read();
        let changes = &tables.pending;
        let mut keys = Vec::new();
        self.each_applied(tables.db()?, range.clone(), |key, _| {
            if !changes.contains_key(key) {
                keys.push(key.to_vec());
            }
            ControlFlow::Continue(())
        })?;
        let changed = changes.range::<[u8], _>((Bound::Included(range.start), Bound::Excluded(range.end)));
        keys.extend(changed.filter(|(_, change)| change.is_some()).map(|(key, _)| key.clone()));
        keys.sort_unstable();
        self.reads.note(keys.iter().map(Vec::len));
        Ok(keys)
    }
}

impl ByteMap for Database {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        let found = self.value(key)?;
        self.reads.note(found.iter().map(|value| key.len() + value.len()));
        Ok(found)
    }

    fn scan(&self, prefix: &[u8]) -> Result<Vec<KeyValue>, StoreError> {
        let mut pairs = Vec::new();
        self.each(prefix, &mut |key, value| pairs.push((key.to_vec(), value.to_vec())))?;
        Ok(pairs)
    }

    fn each(&self, prefix: &[u8], each: &mut dyn FnMut(&[u8], &[u8])) -> Result<(), StoreError> {
        let tables = self.tables.read();
        let (mut pairs, mut bytes) = (0u64, 0u64);
        let mut visit = |key: &[u8], value: &[u8]| {
            pairs = pairs.saturating_add(1);
            bytes = bytes.saturating_add((key.len() + value.len()) as u64);
            each(key, value);
        };
        let mut changed = changes_below(&tables.pending, prefix).peekable();
        self.each_applied(tables.db()?, prefix..&key::after(prefix), |key, value| {
            while let Some((changed_key, change)) =
                changed.next_if(|(changed_key, _)| changed_key.as_slice() < key)
            {
                change.iter().for_each(|value| visit(changed_key, value));
            }
            match changed.next_if(|(changed_key, _)| changed_key.as_slice() == key) {
                Some((_, change)) => change.iter().for_each(|value| visit(key, value)),
                None => visit(key, value),
            }
            ControlFlow::Continue(())
        })?;
        changed.for_each(|(changed_key, change)| change.iter().for_each(|value| visit(changed_key, value)));
        self.reads.note_sum(pairs, bytes);
        Ok(())
    }

    fn keys(&self, prefix: &[u8]) -> Result<Vec<Vec<u8>>, StoreError> {
        self.keys_in(prefix..&key::after(prefix))
    }

    fn keys_between(&self, _: &[u8], from: &[u8], to: &[u8]) -> Result<Vec<Vec<u8>>, StoreError> {
        self.keys_in(from..to)
    }

    fn reads(&self) -> Reads {
        self.reads.read()
    }

    fn last_keys(
        &self,
        prefix: &[u8],
        before: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<Vec<u8>>, StoreError> {
        let end = before.map_or_else(|| key::after(prefix), <[u8]>::to_vec);
        let tables = self.tables.read();
        let changes = &tables.pending;
        let mut found: Vec<_> = changes_below(changes, prefix).filter(|(key, _)| **key < end).collect();
        found.retain(|(_, change)| change.is_some());
        let mut found: Vec<_> = found.into_iter().map(|(key, _)| key.clone()).collect();
        let mut applied = 0;
        for block in tables.db()?.range(vec![BLOCK]..block_key(&end)).rev() {
            let (name, block) = block.map_err(|error| sled_error(&error))?;
            let mut block_keys = Vec::new();
            // The devices of a label are side by side, and so are their labels.
            each_pair(&self.text_of(&name, &block)?, |key, _| {
                if key.starts_with(prefix) && key < end.as_slice() && !changes.contains_key(key) {
                    block_keys.push(key.to_vec());
                }
                ControlFlow::Continue(())
            })?;
            applied += block_keys.len();
            found.append(&mut block_keys);
            if applied >= limit || &name[1..] < prefix {
                break;
            }
        }
        found.sort_unstable_by(|one, other| other.cmp(one));
        found.truncate(limit);
        self.reads.note(found.iter().map(Vec::len));
        Ok(found)
    }

    fn first_keys(&self, prefix: &[u8], limit: usize) -> Result<Vec<Vec<u8>>, StoreError> {
        let tables = self.tables.read();
        let changes = &tables.pending;
        let changed = changes_below(changes, prefix).filter(|(_, change)| change.is_some());
        let mut found: Vec<_> = changed.map(|(key, _)| key.clone()).collect();
        let mut applied = 0;
        self.each_applied(tables.db()?, prefix..&key::after(prefix), |key, _| {
            if !changes.contains_key(key) {
                applied += 1;
                found.push(key.to_vec());
            }
            if applied < limit { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })?;
        found.sort_unstable();
        found.truncate(limit);
        self.reads.note(found.iter().map(Vec::len));
        Ok(found)
    }
}

fn changes_below<'a>(
    changes: &'a TableChanges,
    prefix: &'a [u8],
) -> impl Iterator<Item = (&'a Vec<u8>, &'a Option<Vec<u8>>)> {
    changes.range(prefix.to_vec()..).take_while(move |(key, _)| key.starts_with(prefix))
}

impl WriterTables for Database {
    fn change(&self, changes: TableChanges) -> Result<(), StoreError> {
        let mut tables = self.tables.write();
        for (key, change) in changes {
            tables.pending_bytes += key.len() + change.as_ref().map_or(0, Vec::len);
            tables.pending.insert(key, change);
        }
        Ok(())
    }

    fn is_full(&self) -> bool {
        let tables = self.tables.read();
        tables.pending.len() > MAX_PENDING || tables.pending_bytes > MAX_PENDING_BYTES
    }

    fn apply_pending(&self) -> Result<(), StoreError> {
        self.write_pending()?;
        self.tables.read().db()?.flush().map(drop).map_err(|error| sled_error(&error))
    }

    fn flush(&self) -> Result<(), StoreError> {
        self.write_pending()?;
        self.tables.read().sled()?.sync()
    }

    fn needs_maintenance(&self) -> Result<bool, StoreError> {
        let tables = self.tables.read();
        Ok(size(tables.sled()?)? > tables.vacuum_threshold)
    }

    fn maintain(&self) -> Result<(), StoreError> {
        self.vacuum_if_worthwhile()
    }
}

mod maintenance;
#[cfg(test)]
mod tests;
