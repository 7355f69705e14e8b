//! `dropship api label`.

use super::args::{FromFile, LabelRef, SubmissionRef};
use super::create;
use super::label_update;
use super::progress;
use super::session::{ApiSession, ChangeRequest};
use super::shape::{self, cell};
use super::wait::{ObjectWait, WaitLimit, WaitStatus};
use crate::cli::exit::Exit;
use crate::control::LabelChange;
use dropship_hardware::{Client, ShippingLabel};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Verb {
    /// List the shipping labels of a submission, without their targeting
    List(SubmissionRef),
    /// Show one label with its targeting and the state of each hardware id
    Get(LabelRef),
    /// Create a label, which starts its publication
    ///
    /// The request is not repeated when its response is lost: check with `list` before you create the label again.
    Create {
        #[command(flatten)]
        submission_ref: SubmissionRef,
        #[command(flatten)]
        from: FromFile,
    },
    /// Wait until a label is published or shared
    ///
    /// Prints a line for each change. Exits 65 if the label fails or was cancelled, and 75 when the time is over.
    Wait {
        #[command(flatten)]
        label_ref: LabelRef,
        #[command(flatten)]
        limit: WaitLimit,
    },
    Update(Box<label_update::Args>),
    /// Cancel a label
    ///
    /// The service accepts this only during Microsoft's approval and the gradual rollout. The cancellation takes more
    /// than a day; then the label is shown as failed.
    Cancel {
        #[command(flatten)]
        label_ref: LabelRef,
        /// Print the request instead of sending it
        #[arg(long)]
        dry_run: bool,
    },
}

pub(super) async fn run(verb: &Verb, session: &ApiSession<'_>) -> anyhow::Result<Exit> {
    match verb {
        Verb::List(SubmissionRef { product, submission }) => {
            let heads = ["ID", "NAME", "DESTINATION", "STEP", "STATE"];
            session.list(session.client()?.labels(*product, *submission), &heads, row).await
        }
        Verb::Get(label_ref) => session.show(&session.label(*label_ref).await?),
        Verb::Create { submission_ref, from } => create::label(*submission_ref, from, session).await,
        Verb::Update(args) => label_update::run(args, session).await,
        Verb::Wait { label_ref, limit } => wait(*label_ref, *limit, session).await,
        Verb::Cancel { label_ref, dry_run } => cancel(*label_ref, *dry_run, session).await,
    }
}

fn row(label: &ShippingLabel) -> Vec<String> {
    let status = label.workflow_status.as_ref();
    let step = status.and_then(|status| status.current_step.as_ref());
    let state = status.and_then(|status| status.state.as_ref());
    vec![
        label.id.to_string(),
        cell(&label.name),
        cell(label.destination.as_ref().map_or("", |to| to.as_str())),
        cell(step.map_or("", |step| step.as_str())),
        cell(state.map_or("", |state| state.as_str())),
    ]
}

async fn wait(label_ref: LabelRef, limit: WaitLimit, session: &ApiSession<'_>) -> anyhow::Result<Exit> {
    let (SubmissionRef { product, submission }, id) = (label_ref.submission_ref, label_ref.label);
    let subject = format!("label {id}");
    let wait = ObjectWait { session, subject: subject.clone(), pace: session.poll().publish, limit };
    let classify = |label: &ShippingLabel| {
        if label.is_failed() {
            WaitStatus::Failed(progress::reasons(label.workflow_status.as_ref()))
        } else if label.is_done() {
            WaitStatus::Done
        } else {
            WaitStatus::Pending(progress::step_and_state(label.workflow_status.as_ref()))
        }
    };
    let ask = async |client: &Client| client.label(product, submission, id, true).await;
    let (label, failure) = wait.wait_for_end(ask, classify).await?;
    let mut document = shape::json(&label)?;
    progress::add_report(&mut document, label.workflow_status.as_ref(), session).await;
    session.show_document(&document)?;
    Ok(session.exit(&subject, failure))
}

async fn cancel(label_ref: LabelRef, dry_run: bool, session: &ApiSession<'_>) -> anyhow::Result<Exit> {
    let (SubmissionRef { product, submission }, label) = (label_ref.submission_ref, label_ref.label);
    let change = ChangeRequest {
        method: "PUT",
        path: format!("{}/cancel", label_ref.path()),
        body: None,
        label_change: Some((label, LabelChange::Withdrawn)),
        success_message: format!(
            "label {label} is being cancelled; this takes the service more than a day, then the label is shown as failed"
        ),
    };
    session
        .change(&change, dry_run, async |client| client.cancel_label(product, submission, label).await)
        .await
}
