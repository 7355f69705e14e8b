//! `--help` of every command, and the man pages.

use std::process::Command;

use super::{assert_recorded, fixed};
use crate::harness::text;

fn dropship(args: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dropship"));
    let done = fixed(command.args(args)).output().expect("the command runs");
    assert!(done.status.success(), "{args:?}: {}", text(&done.stderr));
    text(&done.stdout)
}

/// The commands that a help text lists: the indented names below a heading.
fn commands(help: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut listed = false;
    for line in help.lines() {
        if !line.starts_with(' ') {
            let other = ["Options:", "Global options:", "Arguments:", "Examples:", "Quirks"];
            listed = line.ends_with(':') && !other.iter().any(|heading| line.starts_with(heading));
            continue;
        }
        let entry = line.strip_prefix("  ").filter(|rest| !rest.starts_with(' '));
        // The description follows after a gap, or on the next line; a wrapped line of prose has no gap.
        let name = entry.map(|entry| entry.split("  ").next().unwrap_or(entry));
        let is_a_name = |name: &&str| name.chars().all(|letter| letter.is_ascii_lowercase() || letter == '-');
        if let Some(name) =
            name.filter(is_a_name).filter(|name| listed && !name.starts_with('-') && *name != "help")
        {
            names.push(name.to_owned());
        }
    }
    names
}

/// Appends the help of a command and of all commands below it.
fn collect(path: &[&str], all: &mut String) {
    let help = dropship(&[path, &["--help"]].concat());
    let title: Vec<_> = ["dropship"].iter().chain(path).copied().collect();
    all.push_str(&format!("$ {} --help\n{help}\n", title.join(" ")));
    for name in commands(&help) {
        collect(&[path, &[name.as_str()]].concat(), all);
    }
}

#[test]
fn help_of_every_command_is_as_recorded() {
    let mut all = String::new();
    collect(&[], &mut all);
    let count = all.lines().filter(|line| line.starts_with("$ dropship")).count();
    assert!(count > 50, "only {count} commands were found");
    assert_recorded("help", &[], &all);
}

#[test]
fn man_pages_are_as_recorded() {
    let folder = tempfile::tempdir().expect("a folder");
    let target = folder.path().join("man");
    let printed = dropship(&["man", target.to_str().expect("a path")]);
    let folder = target.display().to_string();
    let mut seen = printed.replace(&folder, "<dir>");
    seen.push_str("\n\n<dir>/dropship.8:\n");
    seen.push_str(&std::fs::read_to_string(target.join("dropship.8")).expect("the first page"));
    assert_recorded("man", &[], &seen);
}
