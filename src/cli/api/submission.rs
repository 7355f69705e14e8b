//! `dropship api submission`.

use std::path::PathBuf;

use clap::builder::NonEmptyStringValueParser;

use super::create;
use super::desk::{Change, Desk, told};
use super::download;
use super::shape::cell;
use crate::cli::exit::Exit;
use dropship_hardware::{ProductId, Submission, SubmissionId, SubmissionUpdate};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Verb {
    /// List the submissions of a product; the list does not say how far they are, `get` does
    List {
        /// The product
        #[arg(value_name = "PID")]
        product: ProductId,
    },
    /// Show one submission: its workflow, and what can be downloaded
    Get(Which),
    /// Rename a submission
    Update {
        #[command(flatten)]
        which: Which,
        /// Its new name
        #[arg(long, value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
        name: String,
        /// Print the request and send nothing
        #[arg(long)]
        dry_run: bool,
    },
    /// Hand an uploaded submission over for processing; this cannot be taken back
    Commit {
        #[command(flatten)]
        which: Which,
        /// Print the request and send nothing
        #[arg(long)]
        dry_run: bool,
    },
    Download(download::Args),
    /// Make a submission of a product: its initial one, or one derived from it
    Create {
        /// The product
        #[arg(value_name = "PID")]
        product: ProductId,
        /// Its name
        #[arg(long, value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
        name: String,
        /// A derived submission: a driver update over the initial one
        #[arg(long)]
        derived: bool,
        /// Print the request and send nothing
        #[arg(long)]
        dry_run: bool,
    },
    /// Bring a package into its slot, before the commit; what an earlier attempt left is not sent again
    Upload {
        #[command(flatten)]
        which: Which,
        /// The package
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// Say what would be sent, and send nothing
        #[arg(long)]
        dry_run: bool,
    },
    /// Ask for the driver metadata of an old or shared submission; it takes the service hours
    PublisherMetadata {
        #[command(flatten)]
        which: Which,
        /// Print the request and send nothing
        #[arg(long)]
        dry_run: bool,
    },
    /// Show the submission of ours that a partner's is, by the partner's ids
    Translate {
        /// The partner's seller id
        #[arg(value_name = "PUBLISHER")]
        publisher: u64,
        #[command(flatten)]
        which: Which,
    },
}

/// One submission.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(super) struct Which {
    /// The product
    #[arg(value_name = "PID")]
    pub(super) product: ProductId,
    /// The submission
    #[arg(value_name = "SID")]
    pub(super) submission: SubmissionId,
}

impl Which {
    /// Its path behind the base.
    pub(super) fn path(self) -> String {
        format!("products/{}/submissions/{}", self.product, self.submission)
    }
}

pub(super) async fn run(verb: &Verb, desk: &Desk<'_>) -> anyhow::Result<Exit> {
    match verb {
        Verb::List { product } => {
            let heads = ["ID", "NAME", "TYPE", "COMMIT"];
            desk.list(desk.client()?.submissions(*product), &heads, row).await
        }
        Verb::Get(which) => {
            let found = desk.client()?.submission(which.product, which.submission).await;
            desk.show(&found.map_err(told)?)
        }
        Verb::Update { which, name, dry_run } => rename(*which, name, *dry_run, desk).await,
        Verb::Commit { which, dry_run } => commit(*which, *dry_run, desk).await,
        Verb::Download(args) => download::run(args, desk).await,
        Verb::Create { product, name, derived, dry_run } => {
            create::submission(*product, name, *derived, *dry_run, desk).await
        }
        Verb::Upload { which, file, dry_run } => create::upload(*which, file, *dry_run, desk).await,
        Verb::PublisherMetadata { which, dry_run } => publisher_metadata(*which, *dry_run, desk).await,
        Verb::Translate { publisher, which } => {
            let found = desk.client()?.translate(*publisher, which.product, which.submission).await;
            desk.show(&found.map_err(told)?)
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

async fn rename(which: Which, name: &str, dry_run: bool, desk: &Desk<'_>) -> anyhow::Result<Exit> {
    let update = SubmissionUpdate { name: name.to_owned() };
    let change = Change {
        method: "PATCH",
        path: which.path(),
        body: Some(serde_json::to_value(&update)?),
        note: None,
        done: format!("submission {} is renamed", which.submission),
    };
    let send = async |client: &dropship_hardware::Client| {
        client.update_submission(which.product, which.submission, &update).await
    };
    desk.change(&change, dry_run, send).await
}

async fn publisher_metadata(which: Which, dry_run: bool, desk: &Desk<'_>) -> anyhow::Result<Exit> {
    let Which { product, submission } = which;
    let change = Change {
        note: None,
        method: "POST",
        path: format!("{}/createpublishermetadata", which.path()),
        body: None,
        done: format!(
            "the metadata of submission {submission} are being made, which takes the service hours"
        ),
    };
    let send = async |client: &dropship_hardware::Client| {
        client.create_publisher_metadata(product, submission).await
    };
    desk.change(&change, dry_run, send).await
}

async fn commit(which: Which, dry_run: bool, desk: &Desk<'_>) -> anyhow::Result<Exit> {
    let Which { product, submission } = which;
    let change = Change {
        method: "POST",
        path: format!("{}/commit", which.path()),
        body: None,
        note: None,
        done: format!(
            "submission {submission} is committed; `dropship api submission get {product} {submission}` shows how far it is"
        ),
    };
    desk.change(&change, dry_run, async |client| client.commit(product, submission).await).await
}
