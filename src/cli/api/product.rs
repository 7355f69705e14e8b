//! `dropship api product`.

use clap::builder::NonEmptyStringValueParser;

use super::create;
use super::desk::{Change, Desk, told, usage};
use super::shape::cell;
use crate::cli::exit::Exit;
use dropship_hardware::{Product, ProductId, ProductUpdate, format_date, parse_date};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Verb {
    /// List all products of the account
    List,
    /// Show one product
    Get {
        /// The product
        #[arg(value_name = "PID")]
        product: ProductId,
    },
    /// Make a product; the request is not repeated when its answer is lost: look with `list` first
    Create(create::FromFile),
    Update(Update),
}

/// Rename a product, or change its announcement date or marketing names
///
/// Only what is given is changed.
///
/// The service takes this once the product has a submission, and refuses a new announcement date after
/// signing and new marketing names after the announcement date.
#[derive(Debug, clap::Args)]
pub(super) struct Update {
    /// The product
    #[arg(value_name = "PID")]
    product: ProductId,
    /// Its new name
    #[arg(long, value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    name: Option<String>,
    /// When it appears in the Windows Server Catalog: `2027-01-31`, or with a time; UTC unless it says otherwise
    #[arg(long, value_name = "DATE")]
    announcement_date: Option<String>,
    /// A marketing name; repeat it for several: those given replace all that there are
    #[arg(long, value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    marketing_name: Vec<String>,
    /// Print the request and send nothing
    #[arg(long)]
    dry_run: bool,
}

pub(super) async fn run(verb: &Verb, desk: &Desk<'_>) -> anyhow::Result<Exit> {
    match verb {
        Verb::List => {
            let heads = ["ID", "NAME", "HARNESS", "COMMITTED", "ANNOUNCED"];
            desk.list(desk.client()?.products(), &heads, row).await
        }
        Verb::Get { product } => desk.show(&desk.client()?.product(*product).await.map_err(told)?),
        Verb::Create(from) => create::product(from, desk).await,
        Verb::Update(args) => update(args, desk).await,
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

async fn update(args: &Update, desk: &Desk<'_>) -> anyhow::Result<Exit> {
    let date = |text: &String| {
        let date =
            parse_date(text).ok_or_else(|| usage(format!("`{text}` is no date; write it as 2027-01-31")))?;
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
    let change = Change {
        method: "PATCH",
        path: format!("products/{}", args.product),
        body: Some(serde_json::to_value(&update)?),
        note: None,
        done: format!("product {} is updated", args.product),
    };
    desk.change(&change, args.dry_run, async |client| client.update_product(args.product, &update).await)
        .await
}
