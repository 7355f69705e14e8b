//! `dropship submit`: submits a package without a drop folder.

use std::path::{Path, PathBuf};

use super::backend;
use super::exit::{Exit, ExitError, usage};
use super::fetch::advice_if_hidden;
use super::output::Output;
use super::wait_job::{CommandWait, WaitOptions, wait_for_job};
use dropship_engine::outbox::Receipt;
use dropship_job::StateKind;

/// Submit a package directly, without a drop folder
///
/// The package is inspected and matched against the rules as if it had been dropped into a folder. `--folder` and `--rule` choose
/// among the rules; the package must still match the rule.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  dropship submit build/echo.cab --folder audio --wait --timeout 2h --fetch out/

Exit codes:
  0   accepted; with --wait: the job reached the state of --for
  64  no folder or rule has this name
  65  rejected; with --wait also: failed or cancelled; with --held fail also: held
  69  no daemon is running
  75  timed out")]
pub(super) struct Args {
    /// Package to submit (.cab, .hlkx, .hckx)
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Folder whose settings and rules apply
    #[arg(long, value_name = "NAME")]
    folder: Option<String>,
    /// Rule to use instead of the first matching rule; the package must match it, too
    #[arg(long, value_name = "NAME")]
    rule: Option<String>,
    /// Wait until the job reaches the state of `--for` or ends; the options below are those of `dropship wait`
    #[arg(long)]
    wait: bool,
    #[command(flatten)]
    options: WaitOptions,
}

pub(super) async fn run(args: &Args, config: &Path, output: &Output) -> anyhow::Result<Exit> {
    if args.options.is_given() && !args.wait {
        return Err(usage("--for, --held, --timeout and --fetch need --wait"));
    }
    let wait = CommandWait::new(backend::connect(config).await?, output.clone(), &args.options);
    let (folder, rule) = (args.folder.as_deref(), args.rule.as_deref());
    if args.wait {
        // The same bytes are the same job, so a package can be submitted again after a lost connection.
        let submitted = wait.ask(|| wait.daemon.submit(&args.file, folder, rule));
        let Some(submitted) = wait.in_time(submitted).await else {
            let message = format!("timed out: {} was not submitted", args.file.display());
            return Err(ExitError(Exit::TimedOut, message).into());
        };
        return wait_for_job(&wait, &submitted?).await;
    }
    let id = wait.daemon.submit(&args.file, folder, rule).await?;
    let job = wait.daemon.show(&id).await?;
    let is_rejected = job.state == StateKind::Rejected;
    output.print_result(&job, || {
        let why = job.error.as_ref().map(|error| format!(": {}", error.message)).unwrap_or_default();
        format!("{}: {}{why}\n{}", job.id, job.state, where_results_are(&job))
    })?;
    Ok(if is_rejected { Exit::Rejected } else { Exit::Done })
}

/// Where the results appear, and how this user gets them.
fn where_results_are(job: &Receipt) -> String {
    let advice = advice_if_hidden(job).map(|advice| format!("; {advice}"));
    format!("results: {}{}", job.outbox, advice.unwrap_or_default())
}
