//! The arguments of `dropship api`.

use std::path::Path;

use clap::Subcommand;

use super::session::ApiSession;
use super::{audience, codes, label, preprod, product, submission};
use crate::cli::exit::Exit;
use crate::cli::output::Output;

/// Call the Hardware dashboard API by hand
///
/// Calls go directly to the service, with an account of the configuration. They do not pass through the daemon, so
/// `dropship pause` does not stop them.
///
/// PID, SID and LID are the service's ids of a product, a submission and a label; `list` shows them. `--json` prints
/// the API's own objects with the API's field names, ids as strings, and the signatures of URLs masked. Commands that
/// change something accept `--dry-run`, which prints the request instead of sending it.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit codes:
  0   done
  1   the call failed, a list is incomplete, or a file cannot be used
  64  invalid command line
  65  `wait` and `asset`: the service rejected the object, or the object was cancelled
  75  `wait` and `asset`: timed out
  77  the application lacks a role in Partner Center, or a file may not be opened
  78  invalid configuration or credentials

Examples:
  dropship api product list
  dropship api submission get 14461751976964156 1152921504621467600
  dropship api submission wait 14461751976964156 1152921504621467600 --timeout 2h
  dropship api submission download 14461751976964156 1152921504621467600 --to signed.zip
  dropship api label update PID SID LID --audience 'Test Registry Key' --dry-run")]
pub(crate) struct Args {
    /// Account to use: `default` for [account], NAME for [accounts.NAME]
    #[arg(long, global = true, value_name = "NAME", default_value = "default")]
    account: String,
    #[command(subcommand)]
    resource: Resource,
}

#[derive(Debug, Subcommand)]
enum Resource {
    /// List, show, create and change products
    #[command(subcommand)]
    Product(product::Verb),
    /// List, show, create, upload, commit, wait for and download submissions
    #[command(subcommand)]
    Submission(submission::Verb),
    /// List, show, create, change, wait for and cancel shipping labels
    #[command(subcommand)]
    Label(label::Verb),
    /// List the audiences that labels can be restricted to
    #[command(subcommand)]
    Audience(audience::Verb),
    /// Sign packages for test machines (preproduction signing)
    #[command(subcommand)]
    Preprod(preprod::Verb),
    /// Print the OS codes, OS families, Windows versions and product types that dropship knows
    ///
    /// Needs no configuration. The service may accept newer words; dropship sends them too, with a warning.
    Codes,
}

pub(crate) async fn run(args: &Args, path: &Path, output: &Output) -> anyhow::Result<Exit> {
    if matches!(args.resource, Resource::Codes) {
        return codes::run(output);
    }
    let session = ApiSession::open(path, &args.account, output)?;
    match &args.resource {
        Resource::Codes => codes::run(output),
        Resource::Product(verb) => product::run(verb, &session).await,
        Resource::Submission(verb) => submission::run(verb, &session).await,
        Resource::Label(verb) => label::run(verb, &session).await,
        Resource::Audience(verb) => audience::run(verb, &session).await,
        Resource::Preprod(verb) => preprod::run(verb, &session).await,
    }
}
