#![doc = include_str!("../README.md")]

mod ber;
mod budget;
mod cab;
mod checks;
mod completeness;
mod der;
pub mod facts;
#[cfg(fuzzing)]
pub mod fuzzing;
mod hash;
mod hlkx;
mod inf;
mod input;
mod inspect;
mod pe;
mod policy;
mod preflight;
mod preview;
mod signature;
mod signed_archive;
mod stated_length;
#[cfg(test)]
mod tests;
mod trust;
pub mod verdict;

pub use budget::{Cancellation, Work};
pub use checks::CheckInfo;
pub use completeness::{Completeness, completeness, completeness_of_file};
pub use facts::{Facts, InfFacts, Kind};
pub use hash::hex;
pub use inspect::{inspect, inspect_bytes, inspect_hashed, inspect_previewed};
pub use policy::Policy;
pub use preflight::{RequestFacts, preflight_with};
pub use preview::{Preview, Previewed};
pub use signature::certificate::certificate_expiry;
pub use signed_archive::{SignedArchiveFault, check_signed_archive};
pub use stated_length::stated_length;
pub use trust::{PemFile, Trust, TrustError, TrustSources};
pub use verdict::{Finding, Inspection, Level, Verdict};
