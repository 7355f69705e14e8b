//! `dropship man`: man pages, generated from the definition of the command line.

use std::path::{Path, PathBuf};

use anyhow::Context;

use super::exit::Exit;
use super::output::Output;

/// Write the man pages to a folder
///
/// Writes `dropship.8` and a page for each command, such as `dropship-run.8`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  dropship man /usr/local/share/man/man8")]
pub(super) struct Args {
    /// Folder to write to; created if it does not exist
    #[arg(value_name = "DIR")]
    folder: PathBuf,
}

pub(super) fn run(args: &Args, command: clap::Command, output: &Output) -> anyhow::Result<Exit> {
    std::fs::create_dir_all(&args.folder)
        .with_context(|| format!("cannot create {}", args.folder.display()))?;
    let mut top = command.disable_help_subcommand(true);
    top.build();
    let mut written = Vec::new();
    write_page(&top, "dropship", &args.folder, &mut written)?;
    output.print_result(&written, || written.join("\n"))?;
    Ok(Exit::Done)
}

fn write_page(
    command: &clap::Command,
    name: &str,
    folder: &Path,
    written: &mut Vec<String>,
) -> anyhow::Result<()> {
    let path = folder.join(format!("{name}.8"));
    let named = command.clone().name(name.to_owned()).display_name(name.to_owned());
    let mut text = Vec::new();
    clap_mangen::Man::new(named).section("8").manual("dropship").render(&mut text)?;
    if name == "dropship" {
        text.extend(exit_status().bytes());
    }
    std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    written.push(path.display().to_string());
    for sub in command.get_subcommands().filter(|sub| !sub.is_hide_set() && sub.get_name() != "help") {
        write_page(sub, &format!("{name}-{}", sub.get_name()), folder, written)?;
    }
    Ok(())
}

/// The exit codes of all commands. The page of a command explains those that have a special meaning there.
fn exit_status() -> String {
    let entry =
        |exit: Exit| format!(".TP\n\\fB{}\\fR\n{}\n", exit.code(), exit.meaning().replace('-', "\\-"));
    let entries: String = Exit::ALL.into_iter().map(entry).collect();
    format!(".SH \"EXIT STATUS\"\n{entries}")
}
