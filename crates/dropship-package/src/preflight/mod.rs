//! Rules of the dashboard that a package can break before it is signed.
//!
//! Each rule is one check. Sources are pages of Microsoft's windows-driver-docs.

mod cabinet;
mod driver_folders;
mod extension_infs;
mod inf_devices;
mod inf_version;
mod infs;
mod names;
mod paths;
mod request;

pub(crate) use cabinet::check_cabinet;
pub(crate) use names::shown;
pub use request::{RequestFacts, preflight_with};
