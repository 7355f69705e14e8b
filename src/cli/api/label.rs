//! `dropship api label`.

use super::create;
use super::desk::{Change, Desk, told};
use super::edit;
use super::shape::cell;
use super::submission::Which;
use crate::cli::exit::Exit;
use crate::control::Note;
use dropship_hardware::{LabelId, ShippingLabel};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Verb {
    /// List the shipping labels of a submission; the list does not hold their targeting, `get` does
    List(Which),
    /// Show one label, with its targeting and how far each hardware id is
    Get(One),
    /// Make a label, which asks for it to be published; look with `list` first when an answer was lost
    Create {
        #[command(flatten)]
        of: Which,
        #[command(flatten)]
        from: create::FromFile,
    },
    Update(edit::Args),
    /// Ask for a label to be withdrawn
    ///
    /// The service takes this only during Microsoft's approval and gradual rollout. It then needs more than
    /// a day, and the label shows as failed.
    Cancel {
        #[command(flatten)]
        one: One,
        /// Print the request and send nothing
        #[arg(long)]
        dry_run: bool,
    },
}

/// One label.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(super) struct One {
    #[command(flatten)]
    pub(super) of: Which,
    /// The label
    #[arg(value_name = "LID")]
    pub(super) label: LabelId,
}

impl One {
    /// Its path behind the base.
    pub(super) fn path(self) -> String {
        format!("{}/shippingLabels/{}", self.of.path(), self.label)
    }

    /// The label with its targeting.
    pub(super) async fn get(self, desk: &Desk<'_>) -> anyhow::Result<ShippingLabel> {
        let Which { product, submission } = self.of;
        desk.client()?.label(product, submission, self.label, true).await.map_err(told)
    }
}

pub(super) async fn run(verb: &Verb, desk: &Desk<'_>) -> anyhow::Result<Exit> {
    match verb {
        Verb::List(Which { product, submission }) => {
            let heads = ["ID", "NAME", "DESTINATION", "STEP", "STATE"];
            desk.list(desk.client()?.labels(*product, *submission), &heads, row).await
        }
        Verb::Get(one) => desk.show(&one.get(desk).await?),
        Verb::Create { of, from } => create::label(*of, from, desk).await,
        Verb::Update(args) => edit::run(args, desk).await,
        Verb::Cancel { one, dry_run } => cancel(*one, *dry_run, desk).await,
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

async fn cancel(one: One, dry_run: bool, desk: &Desk<'_>) -> anyhow::Result<Exit> {
    let (Which { product, submission }, label) = (one.of, one.label);
    let change = Change {
        method: "PUT",
        path: format!("{}/cancel", one.path()),
        body: None,
        note: Some((label, Note::Withdrawn)),
        done: format!(
            "label {label} is being cancelled; it takes the service more than a day, and then shows as failed"
        ),
    };
    desk.change(&change, dry_run, async |client| client.cancel_label(product, submission, label).await).await
}
