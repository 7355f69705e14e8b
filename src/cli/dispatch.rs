//! Parses the command line and runs the command.

use std::path::Path;
use std::time::Duration;

use clap::FromArgMatches;

use super::command_line::{Command, CommandLine};
use super::exit::Exit;
use super::output::Output;
use super::{
    adopt, api, approve, backend, cancel, check, completions, config as config_command, demo, doctor, export,
    failure, help, init, inspect, jobs, labels, log_level, man, pause, plan, reload, rescan, resume, retry,
    run, sandbox, show, status, store, submit, systemd, test, top, wait, who,
};

/// Time after which an idle thread for blocking work ends. By default it is 10 seconds, less than the interval of the daemon's regular
/// work, which would start new threads each time.
const KEEP_ALIVE: Duration = Duration::from_secs(30);

/// Maximum time to wait for blocking reads when a command ends.
const SHUTDOWN: Duration = Duration::from_secs(5);

/// Runs the command that this process was started with.
#[must_use]
pub fn main() -> Exit {
    dropship_engine::observe::mask_panics();
    let parsed = help::command()
        .try_get_matches()
        .and_then(|mut matches| CommandLine::from_arg_matches_mut(&mut matches));
    let command_line = match parsed {
        Ok(command_line) => command_line,
        Err(error) => {
            // clap reports `--help` and `--version` as errors too.
            let is_usage_error = error.use_stderr();
            if !is_usage_error {
                let output = Output::new(false);
                output.record_write_error(error.print());
                return final_exit(Exit::Done, &output);
            }
            let output = Output::new(asks_for_json());
            failure::report_usage(&error, &output);
            return final_exit(Exit::Usage, &output);
        }
    };
    // Selects the TLS provider of the process. Fails only if one was selected before.
    drop(rustls::crypto::ring::default_provider().install_default());
    let output = Output::new(command_line.json);
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    let runtime = match builder.thread_keep_alive(KEEP_ALIVE).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            let error = anyhow::Error::new(error).context("cannot start the async runtime");
            return failure::report(&error, &output);
        }
    };
    let result = runtime.block_on(dispatch(command_line, &output));
    // A blocking read of standard input or of a slow disk must not keep the process alive.
    runtime.shutdown_timeout(SHUTDOWN);
    match result {
        Ok(exit) => final_exit(exit, &output),
        Err(error) => final_exit(failure::report(&error, &output), &output),
    }
}

/// The exit code of a command: a result that is lost is no success.
fn final_exit(exit: Exit, output: &Output) -> Exit {
    let Some(error) = output.write_error() else { return exit };
    output.error(&format!("cannot write to standard output: {error}"));
    if matches!(exit, Exit::Done | Exit::Differences) { Exit::Failed } else { exit }
}

/// Whether `--json` is among the arguments of a command line that cannot be parsed.
fn asks_for_json() -> bool {
    let options = std::env::args_os().skip(1).take_while(|argument| argument != "--");
    options.into_iter().any(|argument| argument == "--json")
}

async fn dispatch(command_line: CommandLine, output: &Output) -> anyhow::Result<Exit> {
    let named_config = command_line.config.as_deref();
    let config = named_config.unwrap_or_else(|| Path::new(backend::DEFAULT_CONFIG));
    match command_line.command {
        Command::Demo(args) => demo::run(args, output).await,
        Command::Init(args) => init::run(&args, named_config, output),
        Command::Run(args) => run::run(args, config, output).await,
        Command::Sandbox(args) => sandbox::run(&args, output).await,
        Command::Check(args) => check::run(&args, config, output).await,
        Command::Test(args) => test::run(&args, config, output),
        Command::Plan(args) => plan::run(&args, config, output).await,
        Command::Reload(args) => reload::run(&args, config, output).await,
        Command::Inspect(args) => inspect::run(&args, named_config, output),
        Command::Config(command) => config_command::run(&command, config, output),
        Command::Systemd(command) => systemd::run(&command, config, output),
        Command::Submit(args) => submit::run(&args, config, output).await,
        Command::Wait(args) => wait::run(&args, config, output).await,
        Command::Jobs(args) => jobs::run(&args, config, output).await,
        Command::Show(args) => show::run(&args, config, output).await,
        Command::Labels(args) => labels::run(&args, config, output).await,
        Command::Who(args) => who::run(&args, config, output).await,
        Command::Status(args) => status::run(&args, config, output).await,
        Command::Top(args) => top::run(&args, config, output).await,
        Command::Retry(args) => retry::run(&args, config, output).await,
        Command::Approve(args) => approve::run(&args, config, output).await,
        Command::Cancel(args) => cancel::run(&args, config, output).await,
        Command::Pause(args) => pause::run(&args, config, output).await,
        Command::Resume(args) => resume::run(&args, config, output).await,
        Command::Rescan(args) => rescan::run(&args, config, output).await,
        Command::LogLevel(args) => log_level::run(&args, config, output).await,
        Command::Adopt(args) => adopt::run(&args, config, output).await,
        Command::Api(args) => api::run(&args, config, output).await,
        Command::Doctor(_) => doctor::run(config, output).await,
        Command::Export(_) => export::run(config, output).await,
        Command::Store(command) => store::run(&command, config, output).await,
        Command::Completions(args) => completions::run(&args, help::command(), output),
        Command::Man(args) => man::run(&args, help::command(), output),
    }
}
