//! `dropship completions` and `dropship man`: from the one definition of the command line.

use std::path::PathBuf;

use anyhow::Context;
use clap::CommandFactory;

use super::exit::Exit;
use super::output::Output;

/// Arguments of `completions`.
#[derive(Debug, clap::Args)]
pub(super) struct Completions {
    /// The shell
    #[arg(value_enum, value_name = "SHELL")]
    shell: clap_complete::Shell,
}

/// Arguments of `man`.
#[derive(Debug, clap::Args)]
pub(super) struct Man {
    /// The folder; it is made if it is not there
    #[arg(value_name = "DIR")]
    folder: PathBuf,
}

pub(super) fn completions(args: &Completions, output: &Output) -> anyhow::Result<Exit> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut super::Cli::command(), "dropship", &mut script);
    let script = String::from_utf8(script)?;
    output
        .give(&serde_json::json!({ "shell": args.shell.to_string(), "script": script }), || script.clone())?;
    Ok(Exit::Done)
}

/// Writes `dropship.8` and a page for each command, `dropship-COMMAND.8`.
pub(super) fn man(args: &Man, output: &Output) -> anyhow::Result<Exit> {
    std::fs::create_dir_all(&args.folder)
        .with_context(|| format!("cannot make {}", args.folder.display()))?;
    let mut top = super::Cli::command().disable_help_subcommand(true);
    top.build();
    let mut written = Vec::new();
    page(&top, "dropship", &args.folder, &mut written)?;
    output.give(&written, || written.join("\n"))?;
    Ok(Exit::Done)
}

fn page(
    command: &clap::Command,
    name: &str,
    folder: &std::path::Path,
    written: &mut Vec<String>,
) -> anyhow::Result<()> {
    let path = folder.join(format!("{name}.8"));
    // A page is called as its file is; names live as long as the process, which ends soon.
    let named = command.clone().name(name.to_owned()).display_name(name.to_owned());
    let mut text = Vec::new();
    clap_mangen::Man::new(named).section("8").manual("dropship").render(&mut text)?;
    std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    written.push(path.display().to_string());
    for sub in command.get_subcommands().filter(|sub| !sub.is_hide_set() && sub.get_name() != "help") {
        page(sub, &format!("{name}-{}", sub.get_name()), folder, written)?;
    }
    Ok(())
}
