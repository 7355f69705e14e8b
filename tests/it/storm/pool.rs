//! The contents of the storm's files, and the expected outcome of each.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use super::maker::Mould;
use crate::harness::bytes;

/// Contents of files with package names.
pub(crate) struct Pool {
    /// The contents for a folder, each with the state in which its job has to end.
    pub(crate) all: Vec<(Vec<u8>, &'static str)>,
    /// Validly signed, and only in places that must not be scanned: a job for it is a fault.
    pub(crate) decoy: Vec<u8>,
}

impl Pool {
    /// Good packages and some bad ones for the folder with this number; no two folders share contents.
    pub(crate) fn new(folder: u64, good: u64) -> Self {
        let moulds = ["cab/good-signed.cab", "cab/test-signed.cab"].map(bytes);
        let mould = Mould::new(&moulds[0]);
        let number = |nth: u64| folder << 32 | nth;
        let mut all: Vec<_> = (0..good).map(|nth| (mould.package(number(nth)), "succeeded")).collect();
        let bad = good.div_ceil(4).max(6);
        for nth in good..good + bad {
            let whole = mould.package(number(nth));
            let mut altered = whole.clone();
            altered[2000] ^= 1;
            all.push((altered, "rejected"));
            // Will never be whole.
            let short = whole.len() - 1 - usize::try_from(nth).expect("few");
            all.push((whole[..short].to_vec(), "rejected"));
        }
        all.push((moulds[1].clone(), "rejected"));
        all.push((Vec::new(), "rejected"));
        all.push((format!("not a cabinet at all, in {folder}").into_bytes(), "rejected"));
        Self { all, decoy: mould.package(number(1 << 31)) }
    }

    /// What has to become of what, by SHA-256.
    pub(crate) fn due(&self) -> BTreeMap<String, &'static str> {
        self.all.iter().map(|(bytes, state)| (sha256(bytes), *state)).collect()
    }
}

/// SHA-256 in lower-case hex.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
