//! The preview of one package.

use std::fs::File;
use std::io;
use std::sync::Arc;

use super::task::PreviewTask;
use crate::budget::Cancellation;
use crate::cab::{self, CabDigests, CabFiles};
use crate::facts::Kind;
use crate::hlkx::{self, PartDigests};
use crate::input::Input;

/// Computes, from the bytes of a package in their order, what the inspection of the copy needs.
#[derive(Debug)]
pub struct Preview(PreviewTasks);

#[derive(Debug)]
enum PreviewTasks {
    /// Digests need the whole cabinet, files only parts of it: two threads share the time.
    Cab {
        digests: PreviewTask<CabDigests>,
        files: PreviewTask<CabFiles>,
    },
    Hlkx(PreviewTask<PartDigests>),
}

/// The result of a preview. The default is that of none.
#[derive(Debug, Default)]
pub struct Previewed {
    pub(crate) cab_digests: Option<CabDigests>,
    pub(crate) cab_files: Option<CabFiles>,
    pub(crate) part_digests: Option<PartDigests>,
}

impl Preview {
    /// Begins the preview of a package of `len` bytes that is about to be read from `file`. Of an archive the directory at its
    /// end is read now.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn begin(file: &File, len: u64, kind: Kind, cancellation: &Cancellation) -> io::Result<Self> {
        Ok(Self(match kind {
            Kind::Cab => PreviewTasks::Cab {
                digests: PreviewTask::start(len, cancellation, cab::preview_digests),
                files: PreviewTask::start(len, cancellation, cab::preview_files),
            },
            Kind::Hlkx => {
                let entries = hlkx::entries_to_preview(Input::file(file)?)?;
                PreviewTasks::Hlkx(PreviewTask::start(len, cancellation, move |input| {
                    hlkx::preview_parts(input, &entries)
                }))
            }
        }))
    }

    /// The next bytes of the package.
    pub fn update(&mut self, bytes: &[u8]) {
        let is_reading = match &self.0 {
            PreviewTasks::Cab { digests, files } => digests.is_reading() || files.is_reading(),
            PreviewTasks::Hlkx(parts) => parts.is_reading(),
        };
        if !is_reading {
            return;
        }
        let chunk: Arc<[u8]> = bytes.into();
        match &mut self.0 {
            PreviewTasks::Cab { digests, files } => {
                digests.update(&chunk);
                files.update(&chunk);
            }
            PreviewTasks::Hlkx(parts) => parts.update(&chunk),
        }
    }

    /// Ends the preview, after the last bytes.
    #[must_use]
    pub fn finish(self) -> Previewed {
        match self.0 {
            PreviewTasks::Cab { digests, files } => {
                Previewed { cab_digests: digests.finish(), cab_files: files.finish(), part_digests: None }
            }
            PreviewTasks::Hlkx(parts) => Previewed { part_digests: parts.finish(), ..Previewed::default() },
        }
    }
}
