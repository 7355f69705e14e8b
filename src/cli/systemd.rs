//! `dropship systemd paths`: the drop-in that lets the hardened unit reach the configured folders.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::Context;

use super::exit::Exit;
use super::output::Output;
use crate::config::model::{After, Config};

/// Where systemd looks for the unit's drop-ins.
const DROP_IN: &str = "/etc/systemd/system/dropship.service.d/10-paths.conf";

/// Folders that the unit hides (`ProtectHome=`).
const HOMES: [&str; 3] = ["/home", "/root", "/run/user"];

/// Commands about systemd.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Print the unit's drop-in that the configured folders need, or write it
    ///
    /// The unit lets the daemon read everything but homes, and write its state alone. Run this again when folders,
    /// outboxes or `after` change, then `systemctl daemon-reload` and restart the unit.
    Paths(Paths),
}

/// Arguments of `systemd paths`.
#[derive(Debug, clap::Args)]
pub(super) struct Paths {
    /// Write it where systemd looks for it, or to this file
    #[arg(long, value_name = "FILE", num_args = 0..=1, default_missing_value = DROP_IN)]
    write: Option<PathBuf>,
}

pub(super) fn run(command: &Command, config: &Path, output: &Output) -> anyhow::Result<Exit> {
    let Command::Paths(args) = command;
    let config = super::place::load(config)?;
    let access = Access::of(&config);
    let text = access.drop_in();
    if let Some(path) = &args.write {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        }
        std::fs::write(path, &text).with_context(|| format!("cannot write {}", path.display()))?;
    }
    let shown = |paths: &BTreeSet<PathBuf>| -> Vec<String> {
        paths.iter().map(|path| path.display().to_string()).collect()
    };
    let document = serde_json::json!({
        "written": args.write.as_ref().map(|path| path.display().to_string()),
        "write": shown(&access.write),
        "bind": shown(&access.bind),
        "bind_read_only": shown(&access.bind_read_only),
        "drop_in": text,
    });
    output.give(&document, || match &args.write {
        Some(path) => {
            format!("{} is written; now `systemctl daemon-reload` and restart the unit", path.display())
        }
        None => text.clone(),
    })?;
    Ok(Exit::Done)
}

/// What the daemon has to reach beyond what the unit grants.
#[derive(Debug, Default, PartialEq, Eq)]
struct Access {
    write: BTreeSet<PathBuf>,
    bind: BTreeSet<PathBuf>,
    bind_read_only: BTreeSet<PathBuf>,
}

impl Access {
    fn of(config: &Config) -> Self {
        let mut access = Self::default();
        for folder in &config.folders {
            let changes = folder.after != After::Leave;
            access.grant(&folder.path, changes);
            if let After::Move(to) = &folder.after {
                access.grant(to, true);
            }
            if let Some(outbox) = &folder.outbox {
                access.grant(outbox, true);
            }
        }
        // The unit makes this one itself.
        if !config.store.path.starts_with("/var/lib/dropship") {
            access.grant(&config.store.path, true);
        }
        let write = access.bind.clone();
        access.bind_read_only.retain(|path| !write.contains(path));
        access
    }

    fn grant(&mut self, path: &Path, write: bool) {
        match (HOMES.iter().any(|home| path.starts_with(home)), write) {
            (true, true) => self.bind.insert(path.to_owned()),
            (true, false) => self.bind_read_only.insert(path.to_owned()),
            (false, true) => self.write.insert(path.to_owned()),
            // Everything else may be read anyhow.
            (false, false) => false,
        };
    }

    /// The drop-in. A folder that is not there must not keep the daemon from starting: hence the `-`.
    fn drop_in(&self) -> String {
        let mut text =
            "# Written by `dropship systemd paths`; run it again when folders change.\n[Service]\n"
                .to_owned();
        // With ProtectHome=true nothing can be bound below a home; tmpfs lets through what is bound.
        if !(self.bind.is_empty() && self.bind_read_only.is_empty()) {
            text.push_str("ProtectHome=tmpfs\n");
        }
        let all = [
            ("ReadWritePaths", &self.write),
            ("BindPaths", &self.bind),
            ("BindReadOnlyPaths", &self.bind_read_only),
        ];
        for (key, paths) in all {
            for path in paths {
                text.push_str(&format!("{key}=-{}\n", quoted(path)));
            }
        }
        text
    }
}

/// A path as unit files want it: `%` doubled, and what is special in a quoted word escaped.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string().replace('%', "%%");
    if text.chars().any(|c| c.is_whitespace() || matches!(c, '"' | '\'' | '\\' | ':')) {
        format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"").replace(':', "\\:"))
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_drop_in_grants_what_is_written_and_what_is_hidden() {
        let mut access = Access::default();
        access.grant(Path::new("/srv/in"), false);
        access.grant(Path::new("/srv/out 100%"), true);
        access.grant(Path::new("/home/build/in"), false);
        access.grant(Path::new("/home/build/out"), true);
        let text = access.drop_in();
        let lines: Vec<_> = text.lines().skip(1).collect();
        assert_eq!(
            lines,
            [
                "[Service]",
                "ProtectHome=tmpfs",
                "ReadWritePaths=-\"/srv/out 100%%\"",
                "BindPaths=-/home/build/out",
                "BindReadOnlyPaths=-/home/build/in",
            ]
        );
    }
}
