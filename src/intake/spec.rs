//! What intake needs to know of a drop folder.

use std::path::PathBuf;
use std::time::Duration;

use super::Ready;
use crate::config::model::{self, Folder};

/// A drop folder as intake sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spec {
    /// Unique name.
    pub name: String,
    /// The folder, absolute.
    pub path: PathBuf,
    /// File name globs that are packages.
    pub include: Vec<String>,
    /// File name globs that are not.
    pub exclude: Vec<String>,
    /// How many levels of subfolders are looked into.
    pub depth: usize,
    /// Unchanged for so long, with no writer, counts as settled.
    pub settle: Duration,
    /// Unchanged for so long counts as stale.
    pub incomplete: Duration,
    /// A full look besides the events.
    pub poll: Duration,
    /// When a file is finished.
    pub ready: Ready,
    /// Whose file goes first when there is room for one alone; higher before lower, 0 is usual.
    pub priority: i32,
}

/// Deep enough for any tree that people make, and an end to those that machines make by mistake.
const DEEPEST: usize = 32;

/// Longer than any of us waits; what is added to the clock must stay on it.
const LONGEST: Duration = Duration::from_secs(10 * 365 * 86_400);

impl From<Folder> for Spec {
    fn from(folder: Folder) -> Self {
        Self {
            name: folder.name,
            path: folder.path,
            include: folder.include,
            exclude: folder.exclude,
            depth: if folder.recursive { folder.depth.unwrap_or(DEEPEST).min(DEEPEST) } else { 0 },
            settle: folder.settle.min(LONGEST),
            incomplete: folder.incomplete.min(LONGEST),
            poll: folder.poll.clamp(Duration::from_millis(100), LONGEST),
            ready: match folder.ready {
                model::Ready::Whole => Ready::Whole,
                model::Ready::Settled => Ready::Settled,
                model::Ready::Marker(suffix) => Ready::Marker(suffix),
                model::Ready::Sidecar(suffix) => Ready::Sidecar(suffix),
            },
            priority: i32::try_from(folder.priority).unwrap_or(0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::model::{After, Backlog};

    #[test]
    fn a_folder_of_the_configuration_keeps_its_word_within_reason() {
        let folder = Folder {
            name: "audio".to_owned(),
            path: "/srv/drop/audio".into(),
            include: vec!["*.cab".to_owned()],
            exclude: vec!["x*".to_owned()],
            recursive: true,
            outbox: None,
            outbox_keep: None,
            outbox_mode: None,
            after: After::Leave,
            backlog: Backlog::Take,
            settle: Duration::from_secs(2),
            incomplete: Duration::MAX,
            poll: Duration::ZERO,
            depth: None,
            priority: 0,
            ready: model::Ready::Whole,
        };
        let spec = Spec::from(folder.clone());
        assert_eq!(
            (spec.name, spec.path, spec.include),
            (folder.name.clone(), folder.path.clone(), folder.include.clone())
        );
        assert_eq!((spec.settle, spec.depth), (Duration::from_secs(2), DEEPEST));
        // On the clock, and no busy loop.
        assert!(
            std::time::Instant::now().checked_add(spec.incomplete).is_some() && spec.poll > Duration::ZERO
        );
        assert_eq!(Spec::from(Folder { recursive: false, ..folder }).depth, 0);
    }
}
