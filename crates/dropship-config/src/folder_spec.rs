//! The settings of a configured folder for the intake crate.

use std::time::Duration;

use dropship_intake::FolderSpec;

use super::model::Folder;

/// Upper bound of durations that keeps `Instant + duration` from overflowing.
const MAX_DURATION: Duration = Duration::from_secs(10 * 365 * 86_400);

/// Lower bound of `poll`, so that scans do not become a busy loop.
const MIN_POLL: Duration = Duration::from_millis(100);

impl From<Folder> for FolderSpec {
    fn from(folder: Folder) -> Self {
        Self {
            depth: folder.levels(),
            name: folder.name,
            path: folder.path,
            include: folder.include,
            exclude: folder.exclude,
            settle: folder.settle.min(MAX_DURATION),
            incomplete: folder.incomplete.min(MAX_DURATION),
            poll: folder.poll.clamp(MIN_POLL, MAX_DURATION),
            ready: folder.ready,
            priority: i32::try_from(folder.priority).unwrap_or(0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{AfterSuccess, Backlog, MAX_DEPTH, SameContent};
    use dropship_intake::ReadyWhen;

    #[test]
    fn extreme_values_are_limited_and_others_are_kept() {
        let folder = Folder {
            name: "audio".to_owned(),
            path: "/srv/drop/audio".into(),
            include: vec!["*.cab".to_owned()],
            exclude: vec!["x*".to_owned()],
            recursive: true,
            on_node: None,
            outbox: None,
            outbox_keep: None,
            outbox_mode: None,
            after: AfterSuccess::Leave,
            backlog: Backlog::Take,
            same_content: SameContent::Hold,
            settle: Duration::from_secs(2),
            incomplete: Duration::MAX,
            poll: Duration::ZERO,
            depth: None,
            priority: 0,
            ready: ReadyWhen::Whole,
        };
        let spec = FolderSpec::from(folder.clone());
        assert_eq!(
            (spec.name, spec.path, spec.include),
            (folder.name.clone(), folder.path.clone(), folder.include.clone())
        );
        assert_eq!((spec.settle, spec.depth), (Duration::from_secs(2), MAX_DEPTH));
        assert!(std::time::Instant::now().checked_add(spec.incomplete).is_some());
        assert!(spec.poll > Duration::ZERO);
        assert_eq!(FolderSpec::from(Folder { recursive: false, ..folder }).depth, 0);
    }
}
