//! The help text of `dropship` itself: commands grouped by purpose.

use clap::CommandFactory;

use super::command_line::{CommandLine, GLOBAL_OPTIONS};

/// The groups of commands. A test checks that every command is in one of them.
const GROUPS: [(&str, &[&str]); 4] = [
    ("Start", &["demo", "init", "run", "sandbox"]),
    ("Configuration", &["check", "test", "plan", "reload", "inspect", "systemd", "config"]),
    (
        "Jobs",
        &[
            "submit",
            "wait",
            "jobs",
            "show",
            "status",
            "top",
            "labels",
            "who",
            "retry",
            "approve",
            "cancel",
            "pause",
            "resume",
            "rescan",
            "log-level",
            "adopt",
        ],
    ),
    ("Tools", &["api", "doctor", "export", "store", "completions", "man"]),
];

/// Exit codes that several commands share.
pub(super) const EXIT_CODES: &str = "\
Exit codes:
  0   done
  1   failed
  2   differences found
  64  invalid command line
  65  the job failed, was rejected or cancelled, or the package would be rejected
  69  no daemon answers
  75  timed out
  77  not permitted
  78  invalid configuration";

/// The command line with its grouped help text.
pub(super) fn command() -> clap::Command {
    let command = CommandLine::command();
    let groups = groups(&command);
    let options = heading(&command, GLOBAL_OPTIONS);
    command.help_template(format!(
        "{{about-with-newline}}\n{{usage-heading}} {{usage}}\n\n{groups}{options}\n{{options}}\n\n{EXIT_CODES}\n\n\
         Run `dropship help COMMAND` for the options of a command.\n"
    ))
}

/// One block per group: a heading, then each command with its one-line description.
fn groups(command: &clap::Command) -> String {
    let literal = command.get_styles().get_literal();
    let names = GROUPS.iter().flat_map(|(_, names)| *names);
    let width = names.map(|name| name.len()).max().unwrap_or(0);
    let mut text = String::new();
    for (title, names) in GROUPS {
        text.push_str(&format!("{}\n", heading(command, title)));
        for name in names {
            let about = command.find_subcommand(name).and_then(clap::Command::get_about);
            let about = about.map(ToString::to_string).unwrap_or_default();
            text.push_str(&format!("  {literal}{name:<width$}{literal:#}  {about}\n"));
        }
        text.push('\n');
    }
    text
}

fn heading(command: &clap::Command, title: &str) -> String {
    let style = command.get_styles().get_header();
    format!("{style}{title}:{style:#}")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn command_line_definition_is_consistent() {
        command().debug_assert();
    }

    #[test]
    fn help_groups_contain_every_command_once() {
        let command = CommandLine::command();
        let grouped: Vec<_> = GROUPS.iter().flat_map(|(_, names)| *names).copied().collect();
        let defined: Vec<_> = command.get_subcommands().map(clap::Command::get_name).collect();
        assert_eq!(grouped, defined, "the order of the groups is the order of the definition");
        assert_eq!(grouped.iter().collect::<BTreeSet<_>>().len(), grouped.len());
    }

    #[test]
    fn every_command_has_a_one_line_description() {
        fn check(command: &clap::Command) {
            let about = command.get_about().map(ToString::to_string).unwrap_or_default();
            assert!(!about.is_empty() && !about.contains('\n'), "{}: {about}", command.get_name());
            assert!(!about.ends_with('.'), "{}: no final period", command.get_name());
            command.get_subcommands().for_each(check);
        }
        check(&CommandLine::command());
    }
}
