//! A node that stands by: it follows the journal, and answers commands, until it takes over.

mod control;
mod own_folders;
mod pages;
mod rows;
mod serve;

pub(super) use own_folders::OwnFolders;
pub(super) use serve::Standby;
