//! `dropship adopt`: follows a submission that was made elsewhere.

use std::path::Path;

use super::backend;
use super::exit::Exit;
use super::output::Output;
use crate::control::AdoptRequest;
use dropship_hardware::{ProductId, SubmissionId};

/// Follow a submission that was made elsewhere
///
/// The daemon waits for its signature, collects its results and creates the labels of the rule. The product and the submission
/// are used as they are. A label that exists already under the name of the rule's label is used, too.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  dropship adopt 14461751976964157 1152921504621467613 --folder audio

Exit codes:
  0   the daemon follows it
  1   it cannot be followed
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
    /// Rule to use instead of the first matching one; it must match, too
    #[arg(long, value_name = "NAME")]
    rule: Option<String>,
}

pub(super) async fn run(args: &Args, config: &Path, output: &Output) -> anyhow::Result<Exit> {
    let daemon = backend::connect(config).await?;
    let (folder, rule) = (args.folder.clone(), args.rule.clone());
    let request = AdoptRequest { product: args.product, submission: args.submission, folder, rule };
    let id = daemon.adopt(&request).await?;
    let job = daemon.show(&id).await?;
    output.give(&job, || format!("{}: {}, {}\n{}", job.id, job.step, job.state, job.outbox))?;
    Ok(Exit::Done)
}
