//! `dropship systemd paths`: creates the unit drop-in that grants the hardened service access to the configured folders.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use super::exit::Exit;
use super::output::Output;
use dropship_config::model::{AfterSuccess, Config};
use dropship_redact::Escaped;

/// Default path of the drop-in that `--write` creates.
const DROP_IN: &str = "/etc/systemd/system/dropship.service.d/10-paths.conf";

/// Folders that the unit hides with `ProtectHome=`.
const HOMES: [&str; 3] = ["/home", "/root", "/run/user"];

/// Commands about systemd.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Print or write the unit drop-in that the configured folders need
    ///
    /// The unit permits the daemon to read everything except home folders, and to write only below /var/lib/dropship and
    /// /run/dropship. Run this command again when folders, outboxes or `after` change, then run `systemctl daemon-reload`
    /// and restart the unit.
    Paths(Paths),
}

/// Arguments of `systemd paths`.
#[derive(Debug, clap::Args)]
pub(super) struct Paths {
    /// Write the drop-in to FILE instead of printing it; without FILE, to
    /// /etc/systemd/system/dropship.service.d/10-paths.conf
    #[arg(long, value_name = "FILE", num_args = 0..=1, default_missing_value = DROP_IN)]
    write: Option<PathBuf>,
}

pub(super) fn run(command: &Command, config: &Path, output: &Output) -> anyhow::Result<Exit> {
    let Command::Paths(args) = command;
    let config = super::backend::load_for_operation(config)?;
    let access = UnitAccess::of(&config);
    let text = access.drop_in()?;
    if let Some(path) = &args.write {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
        }
        std::fs::write(path, &text).with_context(|| format!("cannot write {}", path.display()))?;
    }
    let display_paths = |paths: &BTreeSet<PathBuf>| -> Vec<String> {
        paths.iter().map(|path| path.display().to_string()).collect()
    };
    let document = serde_json::json!({
        "written": args.write.as_ref().map(|path| path.display().to_string()),
        "write": display_paths(&access.write),
        "bind": display_paths(&access.bind),
        "bind_read_only": display_paths(&access.bind_read_only),
        "drop_in": text,
    });
    output.print_result(&document, || match &args.write {
        Some(path) => {
            format!("wrote {}; now run `systemctl daemon-reload` and restart the unit", path.display())
        }
        None => text.clone(),
    })?;
    Ok(Exit::Done)
}

/// Folders that the daemon needs in addition to those that the unit grants.
#[derive(Debug, Default, PartialEq, Eq)]
struct UnitAccess {
    write: BTreeSet<PathBuf>,
    bind: BTreeSet<PathBuf>,
    bind_read_only: BTreeSet<PathBuf>,
}

impl UnitAccess {
    fn of(config: &Config) -> Self {
        let mut access = Self::default();
        for folder in config.folders_here() {
            let changes = folder.after != AfterSuccess::Leave;
            access.grant(&folder.path, changes);
            if let AfterSuccess::Move(to) = &folder.after {
                access.grant(to, true);
            }
            let outbox = folder.on_node.as_ref().map(|on| &on.outbox).or(folder.outbox.as_ref());
            if let Some(outbox) = outbox.filter(|outbox| !outbox.starts_with(&config.store.path)) {
                access.grant(outbox, true);
            }
        }
        // The unit creates and grants this one with `StateDirectory=`.
        if !config.store.path.starts_with("/var/lib/dropship") {
            access.grant(&config.store.path, true);
        }
        if config.store.packages() != config.store.path {
            access.grant(config.store.packages(), true);
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
            // The unit grants read access to everything outside of home folders.
            (false, false) => false,
        };
    }

    /// The text of the drop-in. The `-` before each path lets the unit start when the folder does not exist.
    ///
    /// # Errors
    /// When unit files cannot contain one of the paths.
    fn drop_in(&self) -> anyhow::Result<String> {
        let mut text =
            "# Written by `dropship systemd paths`; run it again when folders change.\n[Service]\n"
                .to_owned();
        // `ProtectHome=true` hides bound folders too; `tmpfs` shows them.
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
                text.push_str(&format!("{key}=-{}\n", quoted(path)?));
            }
        }
        Ok(text)
    }
}

/// A path in the syntax of unit files (systemd.syntax(7), "Quoting"; systemd.unit(5), "Specifiers").
///
/// Between quotes a backslash stands for the next character, in every version and key. That is used for the backslash only:
/// a quote is put between quotes of the other kind, because some keys refuse an escaped one. A colon between quotes does not
/// end the path.
///
/// # Errors
/// When the path is not UTF-8, or contains control characters: systemd would ignore the line, or read another path.
fn quoted(path: &Path) -> anyhow::Result<String> {
    let shown = path.to_string_lossy();
    let Some(text) = path.to_str() else {
        bail!("{} is not UTF-8, which unit files require; rename the folder", Escaped(&shown));
    };
    if text.chars().any(char::is_control) {
        bail!("{} contains a control character, which unit files cannot; rename the folder", Escaped(text));
    }
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-+=,@~%".contains(c);
    let escaped = text.replace('%', "%%");
    if escaped.chars().all(is_plain) {
        return Ok(escaped);
    }
    let parts = escaped.split('"').map(|part| format!("\"{}\"", part.replace('\\', "\\\\")));
    Ok(parts.collect::<Vec<_>>().join("'\"'"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drop_in_grants_write_access_and_binds_home_folders() {
        let mut access = UnitAccess::default();
        access.grant(Path::new("/srv/in"), false);
        access.grant(Path::new("/srv/out 100%"), true);
        access.grant(Path::new("/home/build/in"), false);
        access.grant(Path::new("/home/build/out"), true);
        let text = access.drop_in().expect("plain paths");
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

    /// Reads one word as systemd does: quotes are removed, a backslash stands for the next character, `%%` for `%`.
    fn unquoted(word: &str) -> String {
        let (mut text, mut quote, mut chars) = (String::new(), None, word.chars());
        while let Some(c) = chars.next() {
            match c {
                '\\' => text.extend(chars.next()),
                '"' | '\'' if quote == Some(c) => quote = None,
                '"' | '\'' if quote.is_none() => quote = Some(c),
                c if quote.is_none() => {
                    assert!(!c.is_whitespace() && c != ':', "{word} would end at {c:?}");
                    text.push(c);
                }
                c => text.push(c),
            }
        }
        assert_eq!(quote, None, "{word} has an open quote");
        assert!(!text.replace("%%", "").contains('%'), "{word} has a specifier");
        text.replace("%%", "%")
    }

    #[test]
    fn quoted_path_is_read_as_the_same_path() {
        for path in [
            "/srv/plain-1.2_3",
            "/srv/a b",
            "/srv/ lead",
            "/srv/trail ",
            "/srv/100%",
            "/srv/%n%%",
            "/srv/q\"q",
            "/srv/s'q",
            "/srv/\"'\"",
            "/srv/back\\slash",
            "/srv/end\\",
            "/srv/c:c",
            "/srv/#;$HOME*?[]{}",
            "/srv/ü日",
        ] {
            let word = quoted(Path::new(path)).expect("it can be quoted");
            assert_eq!(unquoted(&word), path, "{word}");
        }
    }

    #[test]
    fn path_that_unit_files_cannot_contain_is_refused() {
        use std::os::unix::ffi::OsStrExt;
        let paths =
            [&b"/srv/\xff"[..], b"/srv/a\nb", b"/srv/a\tb", b"/srv/\x1b[0m", b"/srv/\x7f", b"/srv/\xc2\x9b"];
        for path in paths {
            let path = Path::new(std::ffi::OsStr::from_bytes(path));
            let refused = quoted(path).expect_err("refused").to_string();
            assert!(!refused.chars().any(char::is_control), "{refused:?}");
        }
    }
}
