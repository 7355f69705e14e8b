//! The secrets that are in use, and the search for them in a text.
//!
//! The search needs blocks of 16 bytes, not whole secrets, so that a part of a long token is found, too. An automaton such as
//! that of the crate aho-corasick finds whole patterns, cannot change, and needs some hundred bytes for each byte of a
//! token; tokens are long and change often.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::{PoisonError, RwLock};
use std::time::{Duration, Instant};

use crate::forms::forms;

/// Length of a block, in bytes.
const BLOCK: usize = 16;
/// Maximum memory for secrets that expire, in bytes. A token needs some 200 kB, the signature of an upload some 2 kB.
const MAX_EXPIRING: usize = 8 << 20;
/// Memory for a block in the index, and for a secret besides its forms, about, in bytes.
const INDEXED: usize = 96;
/// Maximum length of a secret that is searched for, in bytes.
const MAX_LENGTH: usize = 64 << 10;
/// A text that holds a secret can be logged this long after the secret has expired.
const GRACE: Duration = Duration::from_secs(3600);
/// Maximum number of secrets that never expire. A configuration has some dozens.
const MAX_PERMANENT: usize = 1000;
/// Number of pairs of bytes.
const PAIRS: usize = 1 << 16;

/// A set of secrets. Its memory is bounded: of those that expire, the oldest are forgotten first.
#[derive(Default)]
pub struct Registry(RwLock<KnownSecrets>);

#[derive(Default)]
struct KnownSecrets {
    /// By a number that grows with each use.
    entries: HashMap<u64, SecretEntry>,
    by_text: HashMap<String, u64>,
    /// Where each block occurs.
    blocks: HashMap<[u8; BLOCK], Vec<BlockPosition>>,
    /// Forms that are shorter than a block, by their first two bytes.
    short: HashMap<[u8; 2], Vec<(u64, Vec<u8>)>>,
    /// Whether a block or a short form begins with this pair of bytes. Empty if there are none.
    is_start: Vec<bool>,
    next: u64,
    /// Number of secrets that never expire.
    permanent: usize,
    /// Memory for those that expire.
    expiring: usize,
}

struct SecretEntry {
    text: String,
    forms: Vec<Vec<u8>>,
    ends: Option<Instant>,
    size: usize,
    used: u64,
}

/// Where a block begins in a form.
#[derive(Debug, Clone, Copy)]
struct BlockPosition {
    entry: u64,
    form: usize,
    offset: usize,
}

impl Registry {
    /// An empty set.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a secret, which is forgotten an hour after `lifetime`; `None`: never. A secret that is too short or too plain a word
    /// to be distinguished from other text is not added.
    pub fn add(&self, secret: &str, lifetime: Option<Duration>) {
        let secret = secret.trim();
        if !is_distinct(secret) {
            return;
        }
        let now = Instant::now();
        let ends = lifetime.and_then(|lifetime| now.checked_add(lifetime)?.checked_add(GRACE));
        self.0.write().unwrap_or_else(PoisonError::into_inner).add(secret, ends, now);
    }

    /// The places of secrets in a text, in order, without overlaps.
    pub(crate) fn find(&self, text: &[u8]) -> Vec<Range<usize>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).find(text)
    }

    #[cfg(test)]
    pub(crate) fn size(&self) -> (usize, usize) {
        let secrets = self.0.read().unwrap_or_else(PoisonError::into_inner);
        (secrets.entries.len(), secrets.expiring)
    }
}

impl std::fmt::Debug for Registry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Registry(***)")
    }
}

/// Whether a secret differs enough from other text. A word of small letters alone, such as `sandbox`, would mask that word in
/// every message.
fn is_distinct(secret: &str) -> bool {
    let is_word = secret.bytes().all(|byte| byte.is_ascii_lowercase());
    let is_number = secret.bytes().all(|byte| byte.is_ascii_digit());
    let shortest = if is_word || is_number { BLOCK } else { 5 };
    (shortest..=MAX_LENGTH).contains(&secret.len())
}

impl KnownSecrets {
    fn add(&mut self, secret: &str, ends: Option<Instant>, now: Instant) {
        let ends = match ends {
            None if self.permanent >= MAX_PERMANENT => now.checked_add(GRACE),
            ends => ends,
        };
        self.next += 1;
        let used = self.next;
        if let Some(entry) = self.by_text.get(secret).and_then(|id| self.entries.get_mut(id)) {
            entry.used = used;
            // The longer of both lives; a secret that never expires stays.
            let was_expiring = entry.ends.is_some();
            entry.ends = entry.ends.and_then(|old| ends.map(|new| new.max(old)));
            if was_expiring && entry.ends.is_none() {
                self.expiring -= std::mem::take(&mut entry.size);
                self.permanent += 1;
            }
            return;
        }
        let forms = forms(secret);
        let size_with_index = forms.iter().map(|form| form.len() + (form.len() / BLOCK + 2) * INDEXED).sum();
        let size = if ends.is_some() { size_with_index } else { 0 };
        self.make_room(size, now);
        if self.is_start.is_empty() {
            self.is_start = vec![false; PAIRS];
        }
        for (form, bytes) in forms.iter().enumerate() {
            self.index(used, form, bytes);
        }
        self.expiring += size;
        self.permanent += usize::from(ends.is_none());
        self.by_text.insert(secret.to_owned(), used);
        self.entries.insert(used, SecretEntry { text: secret.to_owned(), forms, ends, size, used });
    }

    fn index(&mut self, entry: u64, form: usize, bytes: &[u8]) {
        if bytes.len() < BLOCK {
            if let Some(first) = bytes.first_chunk() {
                self.is_start[usize::from(u16::from_le_bytes(*first))] = true;
                self.short.entry(*first).or_default().push((entry, bytes.to_vec()));
            }
            return;
        }
        let last = bytes.len() - BLOCK;
        for offset in (0..last).step_by(BLOCK).chain([last]) {
            let Some(block) = bytes.get(offset..).and_then(|rest| rest.first_chunk::<BLOCK>()) else {
                continue;
            };
            self.is_start[usize::from(u16::from_le_bytes([block[0], block[1]]))] = true;
            // Almost every block occurs once: no room for more of them.
            let positions = self.blocks.entry(*block).or_insert_with(|| Vec::with_capacity(1));
            positions.push(BlockPosition { entry, form, offset });
        }
    }

    /// Forgets what has expired, then the secrets that were not used for longest, when there is no room for `size` bytes more.
    fn make_room(&mut self, size: usize, now: Instant) {
        if self.expiring + size <= MAX_EXPIRING {
            return;
        }
        let mut oldest: Vec<_> = self
            .entries
            .iter()
            .filter_map(|(id, entry)| entry.ends.map(|ends| (ends > now, entry.used, *id, entry.size)))
            .collect();
        oldest.sort_unstable();
        let mut removed = Vec::new();
        for (is_live, _, id, freed) in oldest {
            // An eighth more than needed, so that the index is not cleared for each secret.
            if is_live && self.expiring + size <= MAX_EXPIRING - MAX_EXPIRING / 8 {
                break;
            }
            self.expiring -= freed;
            removed.push(id);
        }
        for id in &removed {
            if let Some(entry) = self.entries.remove(id) {
                self.by_text.remove(&entry.text);
            }
        }
        self.blocks.retain(|_, positions| {
            positions.retain(|position| self.entries.contains_key(&position.entry));
            !positions.is_empty()
        });
        self.short.retain(|_, forms| {
            forms.retain(|(entry, _)| self.entries.contains_key(entry));
            !forms.is_empty()
        });
    }

    fn find(&self, text: &[u8]) -> Vec<Range<usize>> {
        let mut found = Vec::new();
        if self.entries.is_empty() {
            return found;
        }
        let (mut at, mut done) = (0, 0);
        while let Some(pair) = text.get(at..).and_then(|rest| rest.first_chunk::<2>()) {
            let is_start = self.is_start.get(usize::from(u16::from_le_bytes(*pair))).copied();
            let range = match is_start {
                Some(true) => self.longest_at(text, at, done),
                _ => None,
            };
            match range {
                Some(range) => {
                    (at, done) = (range.end, range.end);
                    found.push(range);
                }
                None => at += 1,
            }
        }
        found
    }

    /// The longest part of a secret that holds a block or a short form at `at`, and begins after `done`.
    fn longest_at(&self, text: &[u8], at: usize, done: usize) -> Option<Range<usize>> {
        let rest = text.get(at..)?;
        let extend = |position: &BlockPosition| {
            let form = self.entries.get(&position.entry)?.forms.get(position.form)?;
            let (head, tail) = (form.get(..position.offset)?, form.get(position.offset..)?);
            let before = text.get(done..at)?.iter().rev().zip(head.iter().rev());
            let before = before.take_while(|(a, b)| a == b).count();
            let after = rest.iter().zip(tail).take_while(|(a, b)| a == b).count();
            Some(at - before..at + after)
        };
        let blocks = rest.first_chunk::<BLOCK>().and_then(|block| self.blocks.get(block));
        let long = blocks.into_iter().flatten().filter_map(extend);
        let short = rest.first_chunk::<2>().and_then(|pair| self.short.get(pair));
        let short = short
            .into_iter()
            .flatten()
            .filter(|(_, form)| rest.starts_with(form))
            .map(|(_, form)| at..at + form.len());
        long.chain(short).max_by_key(Range::len)
    }
}
