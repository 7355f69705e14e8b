#![doc = include_str!("../README.md")]

mod configured_path;
mod entries;
mod exact_mode;
mod file_id;
mod folder;
pub mod hung_places;
mod lookup;
pub mod named_file;
mod ownership;
mod progress;
mod staged;
mod take;

#[cfg(test)]
mod tests;

pub use entries::{EntryKind, FolderEntry, ListingExtent, MAX_ENTRIES};
pub use file_id::FileId;
pub use folder::SharedFolder;
pub use progress::{FileWork, Progress};
pub use staged::StagedFile;
pub use take::TakeOutcome;
