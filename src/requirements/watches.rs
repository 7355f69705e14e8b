//! Watches of inotify, which the kernel limits for each user.

use std::path::PathBuf;

use super::problem;
use dropship_config::Problem;
use dropship_config::model::Config;

/// The limit of inotify(7).
const LIMIT: &str = "/proc/sys/fs/inotify/max_user_watches";
/// Maximum number of folders that are counted; more are reported as at least this number.
const MAX_COUNTED: usize = 1_000_000;

/// A warning if the folders need more watches than the kernel allows. Files in the rest are found by scans only.
#[must_use]
pub fn check_watches(config: &Config) -> Option<Problem> {
    let limit: usize = std::fs::read_to_string(LIMIT).ok()?.trim().parse().ok()?;
    let needed = count_folders(config, limit.saturating_mul(2).min(MAX_COUNTED));
    (needed > limit).then(|| {
        let message = format!(
            "the folders need {needed} watches, and the kernel allows {limit} for each user; files in the rest are found by scans only"
        );
        let help = format!(
            "set `fs.inotify.max_user_watches = {}` in /etc/sysctl.d/dropship.conf, then run `sysctl --system`",
            needed.saturating_mul(2)
        );
        problem(config, message).with_help(help).into_warning()
    })
}

/// The number of folders that are watched, at most about `max`.
fn count_folders(config: &Config, max: usize) -> usize {
    let mut count = 0_usize;
    for folder in config.folders_here() {
        let mut unvisited: Vec<(PathBuf, usize)> = vec![(folder.path.clone(), 0)];
        while let Some((path, level)) = unvisited.pop() {
            count = count.saturating_add(1);
            if count > max {
                return count;
            }
            if level >= folder.levels() {
                continue;
            }
            let entries = std::fs::read_dir(path).into_iter().flatten().flatten();
            let folders = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
            unvisited.extend(folders.map(|entry| (entry.path(), level.saturating_add(1))));
        }
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn watched_folders_are_counted_to_their_depth() {
        let home = tempfile::tempdir().expect("a folder");
        std::fs::create_dir_all(home.path().join("drop/a/b/c")).expect("folders");
        std::fs::create_dir_all(home.path().join("drop/d")).expect("folders");
        let count = |keys: &str, max: usize| {
            let text = format!("[[folder]]\nname = \"in\"\npath = \"drop\"\n{keys}");
            let path = home.path().join("dropship.toml");
            let config = dropship_config::load_str(&path, &text, &dropship_config::Environment::default());
            count_folders(&config.expect("a configuration"), max)
        };
        assert_eq!(count("", 100), 1);
        assert_eq!(count("recursive = true", 100), 5);
        assert_eq!(count("recursive = true\ndepth = 1", 100), 3);
        assert_eq!(count("recursive = true", 2), 3, "no more than needed is counted");
    }
}
