//! `dropship api submission`.

use std::path::PathBuf;

use clap::ValueEnum;
use clap::builder::NonEmptyStringValueParser;

use super::args::SubmissionRef;
use super::create;
use super::download;
use super::progress;
use super::request_fields;
use super::request_file;
use super::session::{ApiSession, ChangeRequest, call_error};
use super::shape::cell;
use super::upload;
use super::wait::{ObjectWait, WaitLimit, WaitStatus};
use crate::cli::exit::Exit;
use dropship_hardware::{
    Client, CommitStatus, DownloadKind, NewSubmission, ProductId, Submission, SubmissionKind,
    SubmissionUpdate,
};

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
        submission_ref: SubmissionRef,
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
        submission_ref: SubmissionRef,
        /// Print the request instead of sending it
        #[arg(long)]
        dry_run: bool,
    },
    /// Wait until a submission is signed
    ///
    /// Prints a line for each change. Exits 65 if the service rejects the submission, and 75 when the time is over.
    #[command(after_help = "\
Examples:
  dropship api submission wait PID SID --timeout 2h
  dropship api submission wait PID SID --for metadata")]
    Wait {
        #[command(flatten)]
        submission_ref: SubmissionRef,
        /// What to wait for
        #[arg(long = "for", value_enum, default_value_t = Goal::Signed)]
        goal: Goal,
        #[command(flatten)]
        limit: WaitLimit,
    },
    Download(download::Args),
    /// Create the initial submission of a product, or a derived one
    Create {
        /// Id of the product
        #[arg(value_name = "PID")]
        product: ProductId,
        /// Name of the submission
        #[arg(long, value_name = "NAME", required_unless_present = "file",
              value_parser = NonEmptyStringValueParser::new())]
        name: Option<String>,
        /// Create a derived submission: an update of the initial one
        #[arg(long)]
        derived: bool,
        /// Read the request from this JSON file, with the API's own field names or as SDCM writes it
        #[arg(long, value_name = "FILE", conflicts_with_all = ["name", "derived"])]
        file: Option<PathBuf>,
        /// Print the request instead of sending it
        #[arg(long)]
        dry_run: bool,
    },
    /// Upload a package to a submission that is not committed yet
    ///
    /// Blocks that an earlier attempt uploaded are not sent again.
    Upload {
        #[command(flatten)]
        submission_ref: SubmissionRef,
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
        submission_ref: SubmissionRef,
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
        submission_ref: SubmissionRef,
    },
}

pub(super) async fn run(verb: &Verb, session: &ApiSession<'_>) -> anyhow::Result<Exit> {
    match verb {
        Verb::List { product } => {
            let heads = ["ID", "NAME", "TYPE", "COMMIT"];
            session.list(session.client()?.submissions(*product), &heads, row).await
        }
        Verb::Get(submission_ref) => {
            let found = session.client()?.submission(submission_ref.product, submission_ref.submission).await;
            session.show_document(&progress::submission_document(&found.map_err(call_error)?, session).await?)
        }
        Verb::Wait { submission_ref, goal, limit } => wait(*submission_ref, *goal, *limit, session).await,
        Verb::Update { submission_ref, name, dry_run } => {
            rename(*submission_ref, name, *dry_run, session).await
        }
        Verb::Commit { submission_ref, dry_run } => commit(*submission_ref, *dry_run, session).await,
        Verb::Download(args) => download::run(args, session).await,
        Verb::Create { product, name, derived, file, dry_run } => {
            let new = match file {
                Some(file) => request_file::read(file, &request_fields::SUBMISSION)?,
                None => {
                    let kind = if *derived { SubmissionKind::Derived } else { SubmissionKind::Initial };
                    NewSubmission { name: name.clone().unwrap_or_default(), kind }
                }
            };
            create::submission(*product, &new, *dry_run, session).await
        }
        Verb::Upload { submission_ref, file, dry_run } => {
            upload::run(*submission_ref, file, *dry_run, session).await
        }
        Verb::PublisherMetadata { submission_ref, dry_run } => {
            publisher_metadata(*submission_ref, *dry_run, session).await
        }
        Verb::Translate { publisher, submission_ref } => {
            let found = session
                .client()?
                .translate(*publisher, submission_ref.product, submission_ref.submission)
                .await;
            session.show_document(&progress::submission_document(&found.map_err(call_error)?, session).await?)
        }
    }
}

/// The end of `wait`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Goal {
    /// The signed package is offered
    Signed,
    /// The driver metadata, which labels need, are offered too
    Metadata,
}

async fn wait(
    submission_ref: SubmissionRef,
    goal: Goal,
    limit: WaitLimit,
    session: &ApiSession<'_>,
) -> anyhow::Result<Exit> {
    let SubmissionRef { product, submission } = submission_ref;
    let subject = format!("submission {submission}");
    let wait = ObjectWait { session, subject: subject.clone(), pace: session.poll().sign, limit };
    let classify = |submission: &Submission| {
        let status = submission.workflow_status.as_ref();
        let has_metadata = || submission.download(&DownloadKind::DriverMetadata).is_some();
        match (submission.is_signed(), goal) {
            _ if submission.is_failed() => WaitStatus::Failed(progress::reasons(status)),
            (true, Goal::Signed) => WaitStatus::Done,
            (true, Goal::Metadata) if has_metadata() => WaitStatus::Done,
            (true, Goal::Metadata) => {
                WaitStatus::Pending("signed; the driver metadata are not offered yet".to_owned())
            }
            (false, _) if submission.commit_status == Some(CommitStatus::Pending) => {
                WaitStatus::Pending("it is not committed".to_owned())
            }
            (false, _) => WaitStatus::Pending(progress::step_and_state(status)),
        }
    };
    let ask = async |client: &Client| client.submission(product, submission).await;
    let (ended, failure) = wait.wait_for_end(ask, classify).await?;
    session.show_document(&progress::submission_document(&ended, session).await?)?;
    Ok(session.exit(&subject, failure))
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
    submission_ref: SubmissionRef,
    name: &str,
    dry_run: bool,
    session: &ApiSession<'_>,
) -> anyhow::Result<Exit> {
    let update = SubmissionUpdate { name: name.to_owned() };
    let change = ChangeRequest {
        method: "PATCH",
        path: submission_ref.path(),
        body: Some(serde_json::to_value(&update)?),
        label_change: None,
        success_message: format!("submission {} is renamed", submission_ref.submission),
    };
    let send = async |client: &dropship_hardware::Client| {
        client.update_submission(submission_ref.product, submission_ref.submission, &update).await
    };
    session.change(&change, dry_run, send).await
}

async fn publisher_metadata(
    submission_ref: SubmissionRef,
    dry_run: bool,
    session: &ApiSession<'_>,
) -> anyhow::Result<Exit> {
    let SubmissionRef { product, submission } = submission_ref;
    let change = ChangeRequest {
        label_change: None,
        method: "POST",
        path: format!("{}/createpublishermetadata", submission_ref.path()),
        body: None,
        success_message: format!(
            "the service creates the metadata of submission {submission}; this takes several hours"
        ),
    };
    let send = async |client: &dropship_hardware::Client| {
        client.create_publisher_metadata(product, submission).await
    };
    session.change(&change, dry_run, send).await
}

async fn commit(
    submission_ref: SubmissionRef,
    dry_run: bool,
    session: &ApiSession<'_>,
) -> anyhow::Result<Exit> {
    let SubmissionRef { product, submission } = submission_ref;
    let change = ChangeRequest {
        method: "POST",
        path: format!("{}/commit", submission_ref.path()),
        body: None,
        label_change: None,
        success_message: format!(
            "submission {submission} is committed; follow it with `dropship api submission wait {product} {submission}`"
        ),
    };
    session.change(&change, dry_run, async |client| client.commit(product, submission).await).await
}
