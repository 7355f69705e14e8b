//! `dropship api`: the Hardware dashboard API by hand.

mod audience;
mod create;
mod desk;
mod download;
mod edit;
mod label;
mod preprod;
mod product;
mod shape;
mod submission;
mod targets;

use std::path::Path;

use clap::Subcommand;

use super::exit::Exit;
use super::output::Output;
use desk::Desk;

/// The Hardware dashboard API by hand: products, submissions, labels, audiences
///
/// Speaks to the service at once, with an account of the configuration; no daemon takes part, so a
/// `dropship pause` does not hold these commands back.
///
/// Ids are those of the service: PID is a product's, SID a submission's, LID a label's. `list` shows them.
/// With `--json` the answers are the API's own objects under the API's own names, ids as strings and the
/// signatures of URLs masked. What changes something takes `--dry-run`, which prints the request instead.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit codes: 1 the service refused or could not be reached, 64 the command line is at fault,
77 the application lacks a role in Partner Center, 78 configuration or credentials are at fault.

Examples:
  dropship api product list
  dropship api submission get 14461751976964156 1152921504621467600
  dropship api submission download 14461751976964156 1152921504621467600 --to signed.zip
  dropship api label update PID SID LID --audience 'Test Registry Key' --dry-run")]
pub(super) struct Args {
    /// The account to call with: `default` is [account], other names are [accounts.NAME]
    #[arg(long, global = true, value_name = "NAME", default_value = "default")]
    account: String,
    #[command(subcommand)]
    noun: Noun,
}

#[derive(Debug, Subcommand)]
enum Noun {
    /// Products: one driver each, with the signatures it asks for
    #[command(subcommand)]
    Product(product::Verb),
    /// Submissions of a product: one package each
    #[command(subcommand)]
    Submission(submission::Verb),
    /// Shipping labels of a submission: where it goes, and to which machines
    #[command(subcommand)]
    Label(label::Verb),
    /// Audiences of the account, which labels can be restricted to
    #[command(subcommand)]
    Audience(audience::Verb),
    /// Preproduction packages: signed for test machines, outside of products
    #[command(subcommand)]
    Preprod(preprod::Verb),
}

pub(super) async fn run(args: &Args, path: &Path, output: &Output) -> anyhow::Result<Exit> {
    let desk = Desk::open(path, &args.account, output)?;
    match &args.noun {
        Noun::Product(verb) => product::run(verb, &desk).await,
        Noun::Submission(verb) => submission::run(verb, &desk).await,
        Noun::Label(verb) => label::run(verb, &desk).await,
        Noun::Audience(verb) => audience::run(verb, &desk).await,
        Noun::Preprod(verb) => preprod::run(verb, &desk).await,
    }
}
