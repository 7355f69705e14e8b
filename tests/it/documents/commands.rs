//! The commands and options that documents mention exist.

use std::collections::BTreeMap;
use std::process::Command;

use super::blocks::{Document, for_users};
use crate::harness::text;

/// The help texts of commands, by the words of the command.
#[derive(Default)]
struct Help(BTreeMap<Vec<String>, Option<String>>);

impl Help {
    /// The help of a command; `None` if it does not exist.
    fn of(&mut self, command: &[String]) -> Option<&str> {
        let entry = self.0.entry(command.to_vec()).or_insert_with(|| {
            let output =
                Command::new(env!("CARGO_BIN_EXE_dropship")).args(command).arg("--help").output().ok()?;
            output.status.success().then(|| text(&output.stdout))
        });
        entry.as_deref()
    }
}

/// Ends a command in a shell line.
const ENDS: &[&str] = &["|", ";", "&&", "||", "#", ">", "<", "&", "2>"];

/// Words that a command can follow.
const BEFORE: &[&str] = &["sudo", "run:", "script:", "|", ";", "&&", "||", "if", "!", "sh", "exec", "-"];

/// The words after `dropship` in a line, for each command in it.
fn commands_in(line: &str) -> Vec<Vec<String>> {
    let mut spaced = line.to_owned();
    for (from, to) in [("$(", " ; "), ("`", " "), ("'", " "), ("\"", " "), (")", " ; "), ("; ", " ; ")] {
        spaced = spaced.replace(from, to);
    }
    let words: Vec<_> = spaced.split_whitespace().collect();
    let mut commands = Vec::new();
    for (index, word) in words.iter().enumerate() {
        let before = index.checked_sub(1).and_then(|index| words.get(index)).copied();
        let is_command = before.is_none_or(|before| BEFORE.contains(&before));
        if *word == "dropship" && is_command {
            let rest = words.get(index + 1..).unwrap_or_default().iter();
            commands
                .push(rest.take_while(|word| !ENDS.contains(*word)).map(|word| (*word).to_owned()).collect());
        }
    }
    commands
}

/// Why a command is wrong.
fn fault(help: &mut Help, words: &[String]) -> Option<String> {
    let mut command: Vec<String> = Vec::new();
    let mut options: Vec<&str> = Vec::new();
    let mut is_path = true;
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let word = word.trim_matches(['[', ']', ',', '.', ':', '…']);
        if word.starts_with("--") {
            let option = word.split(['=', '|']).next().unwrap_or_default();
            options.push(option);
            if option == "--config" {
                words.next();
            }
            continue;
        }
        let is_name =
            !word.is_empty() && word.chars().all(|letter| letter.is_ascii_lowercase() || letter == '-');
        is_path &= is_name
            && (command.is_empty() || help.of(&command).is_some_and(|help| help.contains("<COMMAND>")));
        if is_path {
            command.push(word.to_owned());
        }
    }
    if command.first().is_some_and(|first| first == "help") {
        return None;
    }
    let Some(shown) = help.of(&command) else {
        return Some(format!("`{}` does not exist", command.join(" ")));
    };
    let is_known = |option: &str| option == "--help" || shown.contains(option);
    let unknown = options.into_iter().find(|option| !is_known(option))?;
    Some(format!("`{}` has no option {unknown}", command.join(" ")))
}

/// The code of a document: its blocks, with continued lines joined, and its code spans.
fn code(document: &Document) -> Vec<(String, String)> {
    let mut code = Vec::new();
    for block in document.blocks() {
        if ["sh", "yaml", "groovy", "powershell"].contains(&block.language.as_str()) {
            let joined = block.code.replace("\\\n", " ");
            code.extend(joined.lines().map(|line| (block.place.clone(), line.to_owned())));
        }
    }
    let prose = document.prose().replace('\n', " ");
    let spans = prose.split('`').skip(1).step_by(2).filter(|span| span.starts_with("dropship "));
    code.extend(spans.map(|span| (document.name.clone(), span.to_owned())));
    code
}

#[test]
fn commands_and_options_in_documents_exist() {
    let mut help = Help::default();
    let mut faults = Vec::new();
    let mut count = 0;
    for document in for_users() {
        for (place, line) in code(&document) {
            for words in commands_in(&line) {
                count += 1;
                faults.extend(fault(&mut help, &words).map(|fault| format!("{place}: {line}: {fault}")));
            }
        }
    }
    assert!(count > 100, "only {count} commands found");
    assert!(faults.is_empty(), "{faults:#?}");
}
