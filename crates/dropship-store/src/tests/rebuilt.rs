//! After any history and any compaction, rebuilt tables equal the tables that were lost.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

const FEW: SegmentLimits = SegmentLimits { max_segment_size: 3_000, max_segments: 2 };

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("folder");
    for item in std::fs::read_dir(from).expect("listed").map(|item| item.expect("item").path()) {
        let to = to.join(item.file_name().expect("a name"));
        if item.is_dir() {
            copy(&item, &to);
        } else {
            std::fs::copy(&item, to).expect("copied");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn rebuilt_store_equals_the_original_after_any_history(
        history in proptest::collection::vec((any::<u8>(), 0u32..9), 150..400),
        interval in 40usize..120,
    ) {
        let folder = tempfile::tempdir().expect("folder");
        let (mut store, _) = open_with(folder.path(), FEW);
        let older = folder.path().join("older");
        let mut pruned = BTreeSet::new();
        let mut older_database: Option<std::path::PathBuf> = None;
        for (count, (what, at)) in history.iter().enumerate() {
            commit_random(&store, *what, *at, &mut pruned);
            if count % 25 == 24 {
                // What the store remembers of closed segments must stay right when compaction moves their lines.
                (0..9).for_each(|at| drop(store.history(&id(at)).expect("a history")));
            }
            if count % interval == interval - 1 {
                let expected = all_answers(&store, 9);
                drop(store);
                let rebuilt = tempfile::tempdir().expect("folder");
                copy(&folder.path().join("journal"), &rebuilt.path().join("journal"));
                let (copied, _) = open_with(rebuilt.path(), FEW);
                let difference = differences(&all_answers(&copied, 9), &expected);
                prop_assert!(difference.is_empty(), "without the database: {:?}", difference);
                drop(copied);
                if let Some(older_database) = &older_database {
                    let outdated = tempfile::tempdir().expect("folder");
                    copy(&folder.path().join("journal"), &outdated.path().join("journal"));
                    copy(older_database, &outdated.path().join("sled"));
                    let (copied, _) = open_with(outdated.path(), FEW);
                    let difference = differences(&all_answers(&copied, 9), &expected);
                    prop_assert!(difference.is_empty(), "with an older database: {:?}", difference);
                }
                let now = older.join(count.to_string());
                copy(&folder.path().join("sled"), &now);
                older_database = Some(now);
                store = open_with(folder.path(), FEW).0;
                let difference = differences(&all_answers(&store, 9), &expected);
                prop_assert!(difference.is_empty(), "after a restart: {:?}", difference);
            }
        }
    }
}
