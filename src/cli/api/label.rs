//! `dropship api label`.

use super::args::{FromFile, LabelRef, SubmissionRef};
use super::create;
use super::label_update;
use super::session::{ApiSession, Change};
use super::shape::cell;
use crate::cli::exit::Exit;
use crate::control::LabelChange;
use dropship_hardware::ShippingLabel;

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
        of: SubmissionRef,
        #[command(flatten)]
        from: FromFile,
    },
    Update(label_update::Args),
    /// Cancel a label
    ///
    /// The service accepts this only during Microsoft's approval and the gradual rollout. The cancellation takes more
    /// than a day; then the label is shown as failed.
    Cancel {
        #[command(flatten)]
        one: LabelRef,
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
        Verb::Get(one) => session.show(&session.label(*one).await?),
        Verb::Create { of, from } => create::label(*of, from, session).await,
        Verb::Update(args) => label_update::run(args, session).await,
        Verb::Cancel { one, dry_run } => cancel(*one, *dry_run, session).await,
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

async fn cancel(one: LabelRef, dry_run: bool, session: &ApiSession<'_>) -> anyhow::Result<Exit> {
    let (SubmissionRef { product, submission }, label) = (one.of, one.label);
    let change = Change {
        method: "PUT",
        path: format!("{}/cancel", one.path()),
        body: None,
        label_change: Some((label, LabelChange::Withdrawn)),
        done: format!(
            "label {label} is being cancelled; this takes the service more than a day, then the label is shown as failed"
        ),
    };
    session
        .change(&change, dry_run, async |client| client.cancel_label(product, submission, label).await)
        .await
}
