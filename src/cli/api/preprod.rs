//! `dropship api preprod`.

use std::path::PathBuf;

use serde_json::json;

use super::preprod_wait;
use super::session::{ApiSession, call_error, transfer_error};
use super::shape::cell;
use super::transfer_progress::TransferProgress;
use super::wait::WaitLimit;
use crate::cli::exit::Exit;
use dropship_hardware::Asset;
use dropship_job::counted;
use dropship_redact::Escaped;

#[derive(Debug, clap::Subcommand)]
pub(super) enum Verb {
    /// Upload a package for preproduction signing
    Submit {
        /// Package to upload
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// Print the request instead of sending it
        #[arg(long)]
        dry_run: bool,
    },
    /// Show a package and its signing status
    Get {
        /// Id of the preproduction package
        #[arg(value_name = "ID")]
        id: String,
    },
    /// Wait until a package is signed
    ///
    /// Prints a line for each change. Exits 65 if signing fails, and 75 when the time is over.
    Wait {
        /// Id of the preproduction package
        #[arg(value_name = "ID")]
        id: String,
        #[command(flatten)]
        limit: WaitLimit,
    },
    Asset(preprod_wait::AssetArgs),
    /// List the assets that signing produced
    Assets {
        /// Id of the preproduction package
        #[arg(value_name = "ID")]
        id: String,
    },
    /// Download an asset
    Download {
        /// Id of the preproduction package
        #[arg(value_name = "ID")]
        id: String,
        /// Id of the asset, as listed by `assets`
        #[arg(value_name = "ASSET")]
        asset: String,
        /// File to write to
        #[arg(long, value_name = "FILE")]
        to: PathBuf,
        /// Overwrite an existing file
        #[arg(long)]
        force: bool,
    },
}

pub(super) async fn run(verb: &Verb, session: &ApiSession<'_>) -> anyhow::Result<Exit> {
    match verb {
        Verb::Submit { file, dry_run: true } => session.print_request(
            "PUT",
            "preprod/packages/",
            Some(&json!({ "file": file.display().to_string() })),
        ),
        Verb::Submit { file, dry_run: false } => {
            session.show(&session.client()?.preprod_submit(file).await.map_err(call_error)?)
        }
        Verb::Get { id } => session.show(&session.client()?.preprod_package(id).await.map_err(call_error)?),
        Verb::Wait { id, limit } => preprod_wait::run_wait(id, *limit, session).await,
        Verb::Asset(args) => preprod_wait::run_asset(args, session).await,
        Verb::Assets { id } => {
            session
                .list(session.client()?.preprod_assets(id), &["ID", "TYPE", "CREATED", "SHA-256"], row)
                .await
        }
        Verb::Download { id, asset, to, force } => {
            if !force && to.symlink_metadata().is_ok() {
                anyhow::bail!("{} exists; use --force to overwrite it", to.display());
            }
            let progress = TransferProgress::new(None);
            let fetched =
                session.client()?.preprod_download(id, asset, to, &|bytes| progress.update(bytes)).await;
            progress.finish();
            let size = fetched.map_err(transfer_error)?;
            let name = to.display().to_string();
            session.output.print_result(&json!({ "file": name, "size": size }), || {
                format!("{}, {}", Escaped(&name), counted(size, "byte"))
            })?;
            Ok(Exit::Done)
        }
    }
}

fn row(asset: &Asset) -> Vec<String> {
    let text = |text: &Option<String>| cell(text.as_deref().unwrap_or_default());
    vec![cell(&asset.id), text(&asset.asset_type), text(&asset.created_date), text(&asset.content_hash)]
}
