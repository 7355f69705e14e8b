//! `dropship api preprod`.

use std::path::PathBuf;

use serde_json::json;

use super::desk::{Desk, told, transfer};
use super::download::Moving;
use super::shape::cell;
use crate::cli::exit::Exit;
use crate::observe::Shown;
use dropship_hardware::Asset;

#[derive(Debug, clap::Subcommand)]
pub(super) enum Verb {
    /// Send a package for preproduction signing
    Submit {
        /// The package
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// Print the request and send nothing
        #[arg(long)]
        dry_run: bool,
    },
    /// Show a package: how far its signing is
    Get {
        /// The package
        #[arg(value_name = "ID")]
        id: String,
    },
    /// List what came of a package
    Assets {
        /// The package
        #[arg(value_name = "ID")]
        id: String,
    },
    /// Fetch what came of a package
    Download {
        /// The package
        #[arg(value_name = "ID")]
        id: String,
        /// The asset, as `assets` lists it
        #[arg(value_name = "ASSET")]
        asset: String,
        /// Where to put it
        #[arg(long, value_name = "FILE")]
        to: PathBuf,
        /// Overwrite a file that is there
        #[arg(long)]
        force: bool,
    },
}

pub(super) async fn run(verb: &Verb, desk: &Desk<'_>) -> anyhow::Result<Exit> {
    match verb {
        Verb::Submit { file, dry_run: true } => {
            desk.dry("PUT", "preprod/packages/", Some(&json!({ "file": file.display().to_string() })))
        }
        Verb::Submit { file, dry_run: false } => {
            desk.show(&desk.client()?.preprod_submit(file).await.map_err(told)?)
        }
        Verb::Get { id } => desk.show(&desk.client()?.preprod_package(id).await.map_err(told)?),
        Verb::Assets { id } => {
            desk.list(desk.client()?.preprod_assets(id), &["ID", "TYPE", "CREATED", "SHA-256"], row).await
        }
        Verb::Download { id, asset, to, force } => {
            if !force && to.symlink_metadata().is_ok() {
                anyhow::bail!("{} is there already; --force overwrites it", to.display());
            }
            let moving = Moving::of(None);
            let fetched = desk.client()?.preprod_download(id, asset, to, &|bytes| moving.show(bytes)).await;
            moving.end();
            let size = fetched.map_err(transfer)?;
            let name = to.display().to_string();
            desk.output
                .give(&json!({ "file": name, "size": size }), || format!("{}, {size} bytes", Shown(&name)))?;
            Ok(Exit::Done)
        }
    }
}

fn row(asset: &Asset) -> Vec<String> {
    let text = |text: &Option<String>| cell(text.as_deref().unwrap_or_default());
    vec![cell(&asset.id), text(&asset.asset_type), text(&asset.created_date), text(&asset.content_hash)]
}
