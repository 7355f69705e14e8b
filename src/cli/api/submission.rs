//! `dropship api submission`.

use std::path::PathBuf;

use clap::builder::NonEmptyStringValueParser;

use super::args::SubmissionRef;
use super::create;
use super::download;
use super::session::{ApiSession, Change, call_error};
use super::shape::cell;
use super::upload;
use crate::cli::exit::Exit;
use dropship_hardware::{ProductId, Submission, SubmissionUpdate};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Verb {
    /// List the submissions of a product, without their progress
    List {
        /// Id of the product
        #[arg(value_name = "PID")]
        product: ProductId,
    },
    /// Show one submission with its progress and downloads
    Get(SubmissionRef),
    /// Rename a submission
    Update {
        #[command(flatten)]
        which: SubmissionRef,
        /// New name of the submission
        #[arg(long, value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
        name: String,
        /// Print the request instead of sending it
        #[arg(long)]
        dry_run: bool,
    },
    /// Start the processing of an uploaded submission; this cannot be undone
    Commit {
        #[command(flatten)]
        which: SubmissionRef,
        /// Print the request instead of sending it
        #[arg(long)]
        dry_run: bool,
    },
    Download(download::Args),
    /// Create the initial submission of a product, or a derived one
    Create {
        /// Id of the product
        #[arg(value_name = "PID")]
        product: ProductId,
        /// Name of the submission
        #[arg(long, value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
        name: String,
        /// Create a derived submission: an update of the initial one
        #[arg(long)]
        derived: bool,
        /// Print the request instead of sending it
        #[arg(long)]
        dry_run: bool,
    },
    /// Upload a package to a submission that is not committed yet
    ///
    /// Blocks that an earlier attempt uploaded are not sent again.
    Upload {
        #[command(flatten)]
        which: SubmissionRef,
        /// Package to upload
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// Print the request instead of sending it
        #[arg(long)]
        dry_run: bool,
    },
    /// Request the driver metadata of an old or shared submission
    ///
    /// The service needs several hours. Then `api submission download --kind metadata` downloads the metadata.
    PublisherMetadata {
        #[command(flatten)]
        which: SubmissionRef,
        /// Print the request instead of sending it
        #[arg(long)]
        dry_run: bool,
    },
    /// Show your copy of a submission that a partner has shared, by the partner's ids
    Translate {
        /// Seller id of the partner
        #[arg(value_name = "PUBLISHER")]
        publisher: u64,
        #[command(flatten)]
        which: SubmissionRef,
    },
}

pub(super) async fn run(verb: &Verb, session: &ApiSession<'_>) -> anyhow::Result<Exit> {
    match verb {
        Verb::List { product } => {
            let heads = ["ID", "NAME", "TYPE", "COMMIT"];
            session.list(session.client()?.submissions(*product), &heads, row).await
        }
        Verb::Get(which) => {
            let found = session.client()?.submission(which.product, which.submission).await;
            session.show(&found.map_err(call_error)?)
        }
        Verb::Update { which, name, dry_run } => rename(*which, name, *dry_run, session).await,
        Verb::Commit { which, dry_run } => commit(*which, *dry_run, session).await,
        Verb::Download(args) => download::run(args, session).await,
        Verb::Create { product, name, derived, dry_run } => {
            create::submission(*product, name, *derived, *dry_run, session).await
        }
        Verb::Upload { which, file, dry_run } => upload::run(*which, file, *dry_run, session).await,
        Verb::PublisherMetadata { which, dry_run } => publisher_metadata(*which, *dry_run, session).await,
        Verb::Translate { publisher, which } => {
            let found = session.client()?.translate(*publisher, which.product, which.submission).await;
            session.show(&found.map_err(call_error)?)
        }
    }
}

fn row(submission: &Submission) -> Vec<String> {
    vec![
        submission.id.to_string(),
        cell(&submission.name),
        cell(submission.kind.as_ref().map_or("", |kind| kind.as_str())),
        cell(submission.commit_status.as_ref().map_or("", |status| status.as_str())),
    ]
}

async fn rename(
    which: SubmissionRef,
    name: &str,
    dry_run: bool,
    session: &ApiSession<'_>,
) -> anyhow::Result<Exit> {
    let update = SubmissionUpdate { name: name.to_owned() };
    let change = Change {
        method: "PATCH",
        path: which.path(),
        body: Some(serde_json::to_value(&update)?),
        label_change: None,
        done: format!("submission {} is renamed", which.submission),
    };
    let send = async |client: &dropship_hardware::Client| {
        client.update_submission(which.product, which.submission, &update).await
    };
    session.change(&change, dry_run, send).await
}

async fn publisher_metadata(
    which: SubmissionRef,
    dry_run: bool,
    session: &ApiSession<'_>,
) -> anyhow::Result<Exit> {
    let SubmissionRef { product, submission } = which;
    let change = Change {
        label_change: None,
        method: "POST",
        path: format!("{}/createpublishermetadata", which.path()),
        body: None,
        done: format!(
            "the service creates the metadata of submission {submission}; this takes several hours"
        ),
    };
    let send = async |client: &dropship_hardware::Client| {
        client.create_publisher_metadata(product, submission).await
    };
    session.change(&change, dry_run, send).await
}

async fn commit(which: SubmissionRef, dry_run: bool, session: &ApiSession<'_>) -> anyhow::Result<Exit> {
    let SubmissionRef { product, submission } = which;
    let change = Change {
        method: "POST",
        path: format!("{}/commit", which.path()),
        body: None,
        label_change: None,
        done: format!(
            "submission {submission} is committed; follow it with `dropship api submission get {product} {submission}`"
        ),
    };
    session.change(&change, dry_run, async |client| client.commit(product, submission).await).await
}
