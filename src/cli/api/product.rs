//! `dropship api product`.

use clap::builder::NonEmptyStringValueParser;

use super::args::FromFile;
use super::create;
use super::session::{ApiSession, ChangeRequest, call_error};
use super::shape::cell;
use crate::cli::exit::{Exit, usage};
use dropship_hardware::{Product, ProductId, ProductUpdate, format_date, parse_date};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Verb {
    /// List all products of the account
    List,
    /// Show one product
    Get {
        /// Id of the product
        #[arg(value_name = "PID")]
        product: ProductId,
    },
    /// Create a product
    ///
    /// The request is not repeated when its response is lost: check with `list` before you create the product again.
    Create(FromFile),
    Update(UpdateArgs),
}

/// Change the name, announcement date or marketing names of a product
///
/// Only the given options are changed. The service accepts changes once the product has a submission. It refuses a new
/// announcement date after signing, and new marketing names after the announcement date.
#[derive(Debug, clap::Args)]
pub(super) struct UpdateArgs {
    /// Id of the product
    #[arg(value_name = "PID")]
    product: ProductId,
    /// New name of the product
    #[arg(long, value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    name: Option<String>,
    /// Date of the entry in the Windows Server Catalog, such as `2027-01-31` or `2027-01-31T09:00:00+01:00` (default zone UTC)
    #[arg(long, value_name = "DATE")]
    announcement_date: Option<String>,
    /// Marketing name; repeatable. Replaces all marketing names that the product has
    #[arg(long, value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    marketing_name: Vec<String>,
    /// Print the request instead of sending it
    #[arg(long)]
    dry_run: bool,
}

pub(super) async fn run(verb: &Verb, session: &ApiSession<'_>) -> anyhow::Result<Exit> {
    match verb {
        Verb::List => {
            let heads = ["ID", "NAME", "HARNESS", "COMMITTED", "ANNOUNCED"];
            session.list(session.client()?.products(), &heads, row).await
        }
        Verb::Get { product } => {
            session.show(&session.client()?.product(*product).await.map_err(call_error)?)
        }
        Verb::Create(from) => create::product(from, session).await,
        Verb::Update(args) => update(args, session).await,
    }
}

fn row(product: &Product) -> Vec<String> {
    let harness = product.test_harness.as_ref().map_or("", |harness| harness.as_str());
    let committed = product.is_committed.map_or("-", |committed| if committed { "yes" } else { "no" });
    vec![
        product.id.to_string(),
        cell(&product.product_name),
        cell(harness),
        committed.to_owned(),
        cell(product.announcement_date.as_deref().unwrap_or_default()),
    ]
}

async fn update(args: &UpdateArgs, session: &ApiSession<'_>) -> anyhow::Result<Exit> {
    let date = |text: &String| {
        let date = parse_date(text)
            .ok_or_else(|| usage(format!("invalid date `{text}`; write it as 2027-01-31")))?;
        anyhow::Ok(format_date(date))
    };
    let update = ProductUpdate {
        product_name: args.name.clone(),
        announcement_date: args.announcement_date.as_ref().map(date).transpose()?,
        marketing_names: Some(args.marketing_name.clone()).filter(|names| !names.is_empty()),
    };
    if update == ProductUpdate::default() {
        return Err(usage(
            "nothing to change: give at least one of --name, --announcement-date and --marketing-name",
        ));
    }
    let change = ChangeRequest {
        method: "PATCH",
        path: format!("products/{}", args.product),
        body: Some(serde_json::to_value(&update)?),
        label_change: None,
        success_message: format!("product {} is updated", args.product),
    };
    session
        .change(&change, args.dry_run, async |client| client.update_product(args.product, &update).await)
        .await
}
