//! Packages that somebody hands in instead of dropping them.

use std::io::{self, Read};

use super::take::{NotTaken, Taken, decide, remove, store_bytes};
use super::{Reception, new_id};
use dropship_job::JobId;
use dropship_rules::vars::Vars;

/// A package that was handed in, not found.
pub struct Handed<'a> {
    /// Its file name.
    pub name: &'a str,
    /// The folder that it counts for.
    pub folder: Option<&'a str>,
    /// The rule to go by instead of the first that matches.
    pub rule: Option<&'a str>,
}

impl Reception {
    /// Takes a package that somebody hands in.
    ///
    /// # Errors
    /// What went wrong, for whoever handed it in.
    pub fn hand_in(&self, handed: &Handed<'_>, bytes: &mut dyn Read) -> Result<JobId, String> {
        let bytes = &mut Rationed { bytes, depot: &self.depot };
        if !self.depot.has_room() {
            return Err(format!("the package cannot be stored: {FULL}"));
        }
        let copy = self.depot.incoming(new_id().as_str());
        let taken =
            store_bytes(bytes, &copy).map_err(|error| format!("the package cannot be stored: {error}"));
        let result = taken.and_then(|(sha256, size)| {
            let taken = Taken {
                copy: &copy,
                sha256,
                size,
                name: handed.name.to_owned(),
                folder: handed.folder.map(str::to_owned),
                path: None,
                found: None,
                rule: handed.rule,
                beside: Ok(()),
                vars: Ok(Vars::new()),
                settled: true,
                stale: true,
                backlog: false,
            };
            decide(self, &taken).map_err(|error| match error {
                NotTaken::NotYet(why) | NotTaken::Busy(why) => why,
                NotTaken::Store(error) => error.to_string(),
            })
        });
        remove(&copy);
        result
    }
}

const FULL: &str = "the store's disk is nearly full; free some space, then hand it in again";

/// Bytes that stop coming when the store's disk has no more room.
struct Rationed<'a> {
    bytes: &'a mut dyn Read,
    depot: &'a crate::depot::Depot,
}

impl Read for Rationed<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if !self.depot.has_room() {
            return Err(io::Error::new(io::ErrorKind::StorageFull, FULL));
        }
        self.bytes.read(buffer)
    }
}
