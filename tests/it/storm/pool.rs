//! The contents of the storm's files, and the expected outcome of each.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use super::maker::PackageTemplate;
use crate::harness::bytes;

/// Contents of files with package names.
pub(crate) struct Pool {
    /// The contents for a folder, each with the state in which its job has to end.
    pub(crate) all: Vec<(Vec<u8>, &'static str)>,
    /// A validly signed package that is only put where nothing is accepted: a job for it is an error.
    pub(crate) decoy: Vec<u8>,
}

impl Pool {
    /// Good packages and some bad ones for the folder with this number; no two folders share contents.
    pub(crate) fn new(folder: u64, good: u64) -> Self {
        let signed = ["cab/good-signed.cab", "cab/test-signed.cab"].map(bytes);
        let template = PackageTemplate::new(&signed[0]);
        let number = |nth: u64| folder << 32 | nth;
        let mut all: Vec<_> = (0..good).map(|nth| (template.package(number(nth)), "succeeded")).collect();
        let bad = good.div_ceil(4).max(6);
        for nth in good..good + bad {
            let whole = template.package(number(nth));
            let mut altered = whole.clone();
            altered[2000] ^= 1;
            all.push((altered, "rejected"));
            // A package that stays incomplete.
            let short = whole.len() - 1 - usize::try_from(nth).expect("few");
            all.push((whole[..short].to_vec(), "rejected"));
        }
        all.push((signed[1].clone(), "rejected"));
        all.push((Vec::new(), "rejected"));
        all.push((format!("not a cabinet at all, in {folder}").into_bytes(), "rejected"));
        Self { all, decoy: template.package(number(1 << 31)) }
    }

    /// The expected state of each job, by SHA-256.
    pub(crate) fn due(&self) -> BTreeMap<String, &'static str> {
        self.all.iter().map(|(bytes, state)| (sha256(bytes), *state)).collect()
    }
}

/// SHA-256 in lower-case hex.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
