//! `dropship adopt`: follows a submission that was made elsewhere.

use std::path::Path;

use super::backend;
use super::exit::Exit;
use super::output::Output;
use crate::control::AdoptRequest;
use dropship_hardware::{ProductId, SubmissionId};

/// Follow a submission that was made elsewhere
///
/// The daemon waits until the submission is signed, downloads its results and creates the labels of the rule. It uses the product
/// and the submission as they are. It also uses a label that exists already and has the name of a label of the rule.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  dropship adopt 14461751976964157 1152921504621467613 --folder audio

Exit codes:
  0   the daemon follows the submission
  1   the submission cannot be followed
  64  no folder or rule has this name
  69  no daemon is running
  77  not permitted")]
pub(super) struct Args {
    /// Id of the product
    #[arg(value_name = "PRODUCT")]
    product: ProductId,
    /// Id of the submission
    #[arg(value_name = "SUBMISSION")]
    submission: SubmissionId,
    /// Folder whose settings and rules apply, and whose outbox gets the results
    #[arg(long, value_name = "NAME")]
    folder: Option<String>,
    /// Rule to use instead of the first matching rule; the package must match it, too
    #[arg(long, value_name = "NAME")]
    rule: Option<String>,
}

pub(super) async fn run(args: &Args, config: &Path, output: &Output) -> anyhow::Result<Exit> {
    let daemon = backend::connect(config).await?;
    let (folder, rule) = (args.folder.clone(), args.rule.clone());
    let request = AdoptRequest { product: args.product, submission: args.submission, folder, rule };
    let id = daemon.adopt(&request).await?;
    let job = daemon.show(&id).await?;
    output.print_result(&job, || format!("{}: {}, {}\n{}", job.id, job.step, job.state, job.outbox))?;
    Ok(Exit::Done)
}
