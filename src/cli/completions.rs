//! `dropship completions`: shell completions, generated from the definition of the command line.

use super::exit::Exit;
use super::output::Output;

/// Print the completion script for a shell
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  dropship completions bash > /usr/share/bash-completion/completions/dropship
  dropship completions zsh > ~/.zfunc/_dropship")]
pub(super) struct Args {
    /// Shell that reads the script
    #[arg(value_enum, value_name = "SHELL")]
    shell: clap_complete::Shell,
}

pub(super) fn run(args: &Args, mut command: clap::Command, output: &Output) -> anyhow::Result<Exit> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command, "dropship", &mut script);
    let script = String::from_utf8(script)?;
    let document = serde_json::json!({ "shell": args.shell.to_string(), "script": script });
    output.print_result(&document, || script.clone())?;
    Ok(Exit::Done)
}
