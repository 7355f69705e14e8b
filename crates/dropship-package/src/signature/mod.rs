//! Signatures: Authenticode, its certificates and their chain, its timestamps; keys and algorithms for all formats.

pub(crate) mod algorithm;
pub(crate) mod authenticode;
pub(crate) mod certificate;
pub(crate) mod chain;
pub(crate) mod ecdsa;
mod issuers;
mod name;
mod package_certificates;
mod path;
pub(crate) mod public_key;
pub(crate) mod signed_data;
pub(crate) mod signer;
mod time;
pub(crate) mod timestamp;
pub(crate) mod value;
pub(crate) mod value_fault;
pub(crate) mod verify;
