//! The configuration as written: the type of every key. Relations between keys are checked in `validate`.
//!
//! The doc comments become the descriptions of the JSON schema and of the man page.

mod file;
pub(super) mod rule;
mod tables;
pub(super) mod test;
pub(super) mod values;

pub(super) use file::{
    Account, Api, Backlog, Control, Defaults, Everybody, File, Folder, Interval, Level, Notify, Poll,
    SameContent, Signers, Store, Unforeseen,
};
pub(super) use values::{Delay, Globs, Texts};
