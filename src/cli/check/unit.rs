//! The installed unit, as its files describe it: the user of the daemon, and the folders that the unit hides or protects.

use std::path::{Path, PathBuf};

/// Folders of unit files; an earlier one replaces a later one (systemd.unit(5)).
const UNIT_FOLDERS: [&str; 4] =
    ["/etc/systemd/system", "/run/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system"];

const NAME: &str = "dropship.service";

/// Folders that `ProtectHome=` hides.
pub(super) const HOMES: [&str; 3] = ["/home", "/root", "/run/user"];

/// Folders that `PrivateTmp=` hides.
const TEMPORARY: [&str; 2] = ["/tmp", "/var/tmp"];

/// The keys of the unit and its drop-ins that decide about access.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Unit {
    /// `User=`.
    pub(super) user: Option<String>,
    /// `SupplementaryGroups=`.
    pub(super) groups: Vec<String>,
    hides_homes: bool,
    hides_temporary: bool,
    protects_system: bool,
    bind_paths: Vec<PathBuf>,
    /// `StateDirectory=` and `RuntimeDirectory=`, which systemd creates.
    created_folders: Vec<PathBuf>,
    writable_paths: Vec<PathBuf>,
}

impl Unit {
    /// The installed unit with its drop-ins.
    pub(super) fn installed() -> Option<Self> {
        let file =
            UNIT_FOLDERS.iter().map(|folder| Path::new(folder).join(NAME)).find(|path| path.is_file())?;
        let mut unit = Self::default();
        unit.read(&std::fs::read_to_string(file).ok()?);
        let mut drop_ins = Vec::new();
        for folder in UNIT_FOLDERS {
            let files = std::fs::read_dir(Path::new(folder).join(format!("{NAME}.d"))).into_iter().flatten();
            let paths = files.filter_map(|file| Some(file.ok()?.path()));
            drop_ins
                .extend(paths.filter(|path| path.extension().is_some_and(|extension| extension == "conf")));
        }
        drop_ins.sort_by_key(|path| path.file_name().map(ToOwned::to_owned));
        // /lib is a link to /usr/lib on most systems.
        drop_ins.dedup_by_key(|path| std::fs::canonicalize(&*path).unwrap_or_else(|_| path.clone()));
        for path in drop_ins {
            unit.read(&std::fs::read_to_string(path).unwrap_or_default());
        }
        Some(unit)
    }

    fn read(&mut self, text: &str) {
        let assignments = text.lines().filter_map(|line| line.trim().split_once('='));
        for (key, value) in assignments.map(|(key, value)| (key.trim(), value.trim())) {
            match key {
                "User" => self.user = Some(value.to_owned()),
                "SupplementaryGroups" if value.is_empty() => self.groups.clear(),
                "SupplementaryGroups" => {
                    self.groups.extend(value.split_whitespace().map(str::to_owned));
                }
                "ProtectHome" => {
                    self.hides_homes = !matches!(value, "no" | "false" | "off" | "0" | "read-only")
                }
                "PrivateTmp" => self.hides_temporary = !matches!(value, "no" | "false" | "off" | "0"),
                "ProtectSystem" => self.protects_system = value == "strict",
                "StateDirectory" => self.create(Path::new("/var/lib").join(value)),
                "RuntimeDirectory" => self.create(Path::new("/run").join(value)),
                "ReadWritePaths" => self.writable_paths.extend(paths(value)),
                "BindPaths" => {
                    self.writable_paths.extend(paths(value));
                    self.bind_paths.extend(paths(value));
                }
                "BindReadOnlyPaths" => self.bind_paths.extend(paths(value)),
                _ => {}
            }
        }
    }

    /// The key of the unit that hides a path from the daemon.
    pub(super) fn hides(&self, path: &Path) -> Option<&'static str> {
        if self.bind_paths.iter().any(|bound| path.starts_with(bound)) {
            return None;
        }
        let is_below = |folders: &[&str]| folders.iter().any(|folder| path.starts_with(folder));
        match () {
            () if self.hides_homes && is_below(&HOMES) => Some("ProtectHome="),
            () if self.hides_temporary && is_below(&TEMPORARY) => Some("PrivateTmp="),
            () => None,
        }
    }

    fn create(&mut self, folder: PathBuf) {
        self.writable_paths.push(folder.clone());
        self.created_folders.push(folder);
    }

    /// Whether systemd creates a folder for the daemon: `StateDirectory=` or `RuntimeDirectory=`.
    pub(super) fn creates(&self, folder: &Path) -> bool {
        self.created_folders.iter().any(|created| created == folder)
    }

    /// Whether the daemon cannot write to a path for a reason other than its permissions.
    pub(super) fn protects(&self, path: &Path) -> bool {
        self.protects_system && !self.writable_paths.iter().any(|writable| path.starts_with(writable))
    }
}

/// The paths of a list; the destination of a bind mount counts.
fn paths(list: &str) -> Vec<PathBuf> {
    let mut words = Vec::new();
    let (mut word, mut is_quoted) = (String::new(), false);
    for letter in list.chars() {
        match letter {
            '"' => is_quoted = !is_quoted,
            ' ' | '\t' if !is_quoted => words.push(std::mem::take(&mut word)),
            letter => word.push(letter),
        }
    }
    words.push(word);
    let words = words.iter().map(|word| word.trim_start_matches(['-', '+']).replace("%%", "%"));
    let words = words.filter(|word| !word.is_empty());
    words.map(|word| word.split(':').nth(1).unwrap_or(&word).into()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unit_with_drop_in_hides_homes_but_bound_folders() {
        let mut unit = Unit::default();
        unit.read(include_str!("../../../systemd/dropship.service"));
        unit.read("[Service]\nSupplementaryGroups=builders\nProtectHome=tmpfs\nBindReadOnlyPaths=-/home/ci/out\nReadWritePaths=-\"/srv/out 100%%\" -/srv/done\n");
        assert_eq!(
            (unit.user.as_deref(), unit.groups.as_slice()),
            (Some("dropship"), &["builders".to_owned()][..])
        );
        assert_eq!(unit.hides(Path::new("/home/ci/in")), Some("ProtectHome="));
        assert_eq!(unit.hides(Path::new("/home/ci/out/audio")), None);
        assert_eq!(unit.hides(Path::new("/tmp/in")), Some("PrivateTmp="));
        assert_eq!(unit.hides(Path::new("/srv/in")), None);
        assert!(
            !unit.protects(Path::new("/srv/out 100%/audio"))
                && !unit.protects(Path::new("/var/lib/dropship"))
        );
        assert!(unit.protects(Path::new("/srv/elsewhere")));
    }
}
