//! The command line: one file a command.

mod act;
mod api;
mod check;
mod demo;
mod doctor;
mod exit;
mod export;
mod inspect;
mod jobs;
mod output;
mod owner;
mod place;
mod plan;
mod progress;
mod reload;
mod run;
mod sandbox;
mod show;
mod status;
mod submit;
mod systemd;
mod test;
mod texts;
mod top;
mod wait;

use std::path::{Path, PathBuf};

use clap::{Parser, Subcommand};

pub use exit::{Ending, Exit};
use output::Output;

/// Where the configuration is looked for when nothing names it.
const CONFIG: &str = "/etc/dropship/dropship.toml";

/// Takes signed Windows driver packages from a drop folder to a published shipping label.
///
/// dropship watches folders into which build servers drop signed packages (.cab, .hlkx), submits each
/// through the Microsoft Hardware dashboard API by the rules in its configuration, brings the signed
/// package back and creates the shipping labels that the rules ask for.
///
/// Begin with `dropship demo`, which needs nothing and sends nothing.
#[derive(Debug, Parser)]
#[command(name = "dropship", version, propagate_version = true, max_term_width = 100)]
struct Cli {
    /// The configuration file [default: /etc/dropship/dropship.toml]
    #[arg(long, global = true, value_name = "FILE", env = "DROPSHIP_CONFIG")]
    config: Option<PathBuf>,
    /// Print one JSON document to standard output, and nothing else there
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show the whole way of a package, with a sandbox in place of Microsoft; needs nothing
    Demo(demo::Args),
    /// Watch the folders and work on what is dropped there
    Run(run::Args),
    /// Read the whole configuration and say everything that is wrong with it
    Check(check::Args),
    /// Look into packages as the daemon would
    Inspect(inspect::Args),
    /// Say what would happen to a package, and why; calls nobody
    Plan(plan::Args),
    /// Try the `[[test]]` cases of the configuration; calls nobody
    Test(test::Args),
    /// Hand a package in
    Submit(submit::Args),
    /// List the jobs, newest first
    Jobs(jobs::Args),
    /// Tell one job's whole story
    Show(show::Args),
    /// Say what the daemon does, what is stuck, and why
    Status,
    /// Watch the jobs as they move, refreshed each second
    Top(top::Args),
    /// Block until a job or package is signed or published
    Wait(wait::Args),
    /// Let a failed job go on at its step, or have a rejected package judged anew
    Retry(act::Retry),
    /// End a job
    Cancel(act::Job),
    /// Let a held job go on
    Approve(act::Approve),
    /// Have a full look at the folders now
    Rescan(act::Scope),
    /// The emergency brake: nothing is created, committed or changed at Microsoft until `resume`
    Pause(act::Scope),
    /// Take the emergency brake off
    Resume(act::Scope),
    /// Have the daemon read its configuration anew: all of it, or none
    Reload,
    Api(api::Args),
    /// Check the store and what lies beside it, and say what would mend it; changes nothing
    Doctor,
    /// Write everything that the store holds, as JSON lines
    Export,
    /// Serve the stand-in for the Hardware dashboard API
    Sandbox(sandbox::Args),
    /// What systemd needs
    #[command(subcommand)]
    Systemd(systemd::Command),
    /// Print completions for a shell
    Completions(texts::Completions),
    /// Write the man pages into a folder
    Man(texts::Man),
}

/// Runs the command of this process's command line.
#[must_use]
pub fn main() -> Exit {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let usage = error.use_stderr();
            drop(error.print());
            return if usage { Exit::Usage } else { Exit::Done };
        }
    };
    // The provider is chosen once for all TLS in the process; a second choice changes nothing.
    drop(rustls::crypto::ring::default_provider().install_default());
    let output = Output::new(cli.json);
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            output.error(&format!("the runtime cannot start: {error}"));
            return Exit::Failed;
        }
    };
    let done = runtime.block_on(dispatch(cli, &output));
    // A blocking read of standard input, or of a slow disk, must not keep the command from ending.
    runtime.shutdown_timeout(std::time::Duration::from_secs(5));
    match done {
        Ok(exit) => exit,
        Err(error) => {
            output.error(&dropship_redact::mask(&format!("{error:#}")));
            Exit::of(&error)
        }
    }
}

async fn dispatch(cli: Cli, output: &Output) -> anyhow::Result<Exit> {
    let named = cli.config.as_deref();
    let config = named.unwrap_or_else(|| Path::new(CONFIG));
    match cli.command {
        Command::Demo(args) => demo::run(args, output).await,
        Command::Run(args) => run::run(args, config).await,
        Command::Check(args) => check::run(&args, config, output).await,
        Command::Inspect(args) => inspect::run(&args, named, output),
        Command::Plan(args) => plan::run(&args, config, output),
        Command::Test(args) => test::run(&args, config, output),
        Command::Submit(args) => submit::run(&args, config, output).await,
        Command::Jobs(args) => jobs::run(&args, config, output).await,
        Command::Show(args) => show::run(&args, config, output).await,
        Command::Status => status::run(config, output).await,
        Command::Wait(args) => wait::run(&args, config, output).await,
        Command::Retry(args) => act::retry(&args, config, output).await,
        Command::Cancel(args) => act::cancel(&args, config, output).await,
        Command::Approve(args) => act::approve(&args, config, output).await,
        Command::Rescan(args) => act::scoped("rescan", &args, config, output).await,
        Command::Pause(args) => act::scoped("pause", &args, config, output).await,
        Command::Resume(args) => act::scoped("resume", &args, config, output).await,
        Command::Reload => reload::run(config, output).await,
        Command::Api(args) => api::run(&args, config, output).await,
        Command::Doctor => doctor::run(config, output).await,
        Command::Export => export::run(config, output).await,
        Command::Sandbox(args) => sandbox::run(&args, output).await,
        Command::Top(args) => top::run(&args, config, output).await,
        Command::Systemd(command) => systemd::run(&command, config, output),
        Command::Completions(args) => texts::completions(&args, output),
        Command::Man(args) => texts::man(&args, output),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_well_formed() {
        super::Cli::command().debug_assert();
    }
}
