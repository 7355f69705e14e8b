//! `check` as root: checks as the user of the daemon.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use anyhow::Context;
use nix::unistd::{Gid, Group, Uid, User};

use super::unit::{HOMES, Unit};
use crate::cli::backend::DEFAULT_CONFIG;
use crate::cli::owner::become_user;
use dropship_config::Problem;
use dropship_config::model::{AfterSuccess, Config};

/// The user for whom root checks the configuration with `check`.
pub(super) struct DaemonUser {
    uid: Uid,
    gid: Gid,
    /// The unit, if the daemon of this configuration is the unit's.
    unit: Option<Unit>,
}

impl DaemonUser {
    /// The owner of the store; before the first start, the user of the unit. `None` unless this is root.
    pub(super) fn of(config: &Config, path: &Path) -> Option<Self> {
        if !rustix::process::geteuid().is_root() {
            return None;
        }
        let unit = Unit::installed();
        let user = unit.as_ref().and_then(|unit| User::from_name(unit.user.as_deref()?).ok().flatten());
        match (std::fs::metadata(&config.store.path), user) {
            // systemd gives the folder to the user of the unit at its start, as after `run --sandbox` by root.
            (Ok(store), Some(user))
                if store.uid() == 0 && Self::is_started_by(unit.as_ref(), config, path) =>
            {
                Some(Self { uid: user.uid, gid: user.gid, unit })
            }
            (Ok(store), user) => {
                let (uid, gid) = (Uid::from_raw(store.uid()), Gid::from_raw(store.gid()));
                let is_unit = user.is_some_and(|user| user.uid == uid);
                Some(Self { uid, gid, unit: unit.filter(|_| is_unit) })
            }
            (Err(_), Some(user)) if path == Path::new(DEFAULT_CONFIG) => {
                Some(Self { uid: user.uid, gid: user.gid, unit })
            }
            (Err(_), _) => Some(Self { uid: Uid::from_raw(0), gid: Gid::from_raw(0), unit: None }),
        }
    }

    /// Switches to the user, unless it is root.
    pub(super) fn switch(&self) -> anyhow::Result<()> {
        if self.uid.is_root() {
            return Ok(());
        }
        let groups = self.unit.iter().flat_map(|unit| &unit.groups);
        let groups = groups.filter_map(|name| Some(Group::from_name(name).ok().flatten()?.gid));
        let groups: Vec<_> = groups.collect();
        become_user(self.uid, self.gid, &groups).with_context(|| format!("cannot switch to {}", self.name()))
    }

    /// Whether systemd starts the daemon of this configuration.
    pub(super) fn is_of_unit(&self) -> bool {
        self.unit.is_some()
    }

    /// Whether the unit starts the daemon of this configuration, and creates its store.
    fn is_started_by(unit: Option<&Unit>, config: &Config, path: &Path) -> bool {
        path == Path::new(DEFAULT_CONFIG) && unit.is_some_and(|unit| unit.creates(&config.store.path))
    }

    /// Whether the unit creates this folder at its next start, or gives it to the daemon's user: it does not exist yet, or another user
    /// owns it.
    pub(super) fn gets_from_unit(&self, folder: &Path) -> bool {
        let is_owned = std::fs::metadata(folder).is_ok_and(|found| found.uid() == self.uid.as_raw());
        self.unit.as_ref().is_some_and(|unit| unit.creates(folder)) && !is_owned
    }

    /// The user as messages name it; `None` for root.
    pub(super) fn name_unless_root(&self) -> Option<String> {
        (!self.uid.is_root()).then(|| self.name())
    }

    fn name(&self) -> String {
        dropship_engine::operations::operator_name(self.uid.as_raw())
    }

    /// Problems of paths that the unit hides or protects. Without the unit, paths in home folders are warnings.
    pub(super) fn unit_problems(&self, config: &Config) -> Vec<Problem> {
        const WRITE: &str =
            "run `dropship systemd paths --write`, then `systemctl daemon-reload`, and restart the unit";
        let mut problems = Vec::new();
        for (name, path, is_written) in named_paths(config) {
            let shown = path.display();
            let problem =
                |why: String| Problem::of_file(&config.path, format!("{name}: {why}")).with_help(WRITE);
            match &self.unit {
                Some(unit) => match unit.hides(path) {
                    Some(key) => {
                        problems.push(problem(format!("the unit hides {shown} from the daemon (`{key}`)")))
                    }
                    None if is_written && unit.protects(path) => {
                        problems.push(problem(format!(
                            "the unit makes {shown} read-only for the daemon (`ProtectSystem=`)"
                        )));
                    }
                    None => {}
                },
                None if HOMES.iter().any(|home| path.starts_with(home)) => {
                    let why = format!(
                        "{shown} is hidden from a daemon that the shipped unit starts (`ProtectHome=`)"
                    );
                    problems.push(problem(why).into_warning());
                }
                None => {}
            }
        }
        problems
    }
}

/// The paths that the daemon needs, with the key that names each, and whether the daemon writes there.
fn named_paths(config: &Config) -> Vec<(String, &Path, bool)> {
    let mut paths = vec![("[store]".to_owned(), config.store.path.as_path(), true)];
    for folder in config.folders_here() {
        let key = |key: &str| format!("folder `{}`: `{key}`", folder.name);
        paths.push((key("path"), &folder.path, folder.after != AfterSuccess::Leave));
        let outbox = folder.on_node.as_ref().map(|on| &on.outbox).or(folder.outbox.as_ref());
        paths.extend(outbox.map(|outbox| (key("outbox"), outbox.as_path(), true)));
        if let AfterSuccess::Move(target) = &folder.after {
            paths.push((key("after"), target, true));
        }
    }
    let signers = &config.signers;
    let lists = [&signers.roots, &signers.intermediates, &signers.timestamp_roots, &signers.crls];
    paths.extend(lists.into_iter().flatten().map(|path| ("[signers]".to_owned(), path.as_path(), false)));
    paths
}
