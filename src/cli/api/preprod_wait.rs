//! `dropship api preprod wait` and `asset`: preproduction signing to its end.

use std::path::PathBuf;

use anyhow::bail;
use serde_json::json;

use super::session::{ApiSession, call_error, transfer_error};
use super::transfer_progress::TransferProgress;
use super::wait::{ObjectWait, WaitLimit, WaitStatus};
use crate::cli::exit::Exit;
use dropship_hardware::{Asset, PreprodPackage};
use dropship_job::counted;
use dropship_redact::Escaped;

/// Type of the asset with the signed files.
const SIGNED_FILES: &str = "SignedFilesZip";

/// Wait for the signed files of a package, and show or download them
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  dropship api preprod asset ID --timeout 1h --to signed.zip")]
pub(super) struct AssetArgs {
    /// Id of the preproduction package
    #[arg(value_name = "ID")]
    id: String,
    /// Id of the asset, as listed by `assets` [default: the signed files]
    #[arg(value_name = "ASSET")]
    asset: Option<String>,
    /// Download the asset to this file
    #[arg(long, value_name = "FILE")]
    to: Option<PathBuf>,
    /// Overwrite an existing file
    #[arg(long, requires = "to")]
    force: bool,
    #[command(flatten)]
    limit: WaitLimit,
}

/// Waits until a package is signed or has failed. Returns the package, and why it failed.
async fn wait_for_signing(
    id: &str,
    limit: WaitLimit,
    session: &ApiSession<'_>,
) -> anyhow::Result<(PreprodPackage, Option<String>)> {
    let subject = format!("preproduction package {}", Escaped(id));
    let wait = ObjectWait { session, subject, pace: session.poll().sign, limit };
    wait.wait_for_end(async |client| client.preprod_package(id).await, classify).await
}

fn classify(package: &PreprodPackage) -> WaitStatus {
    match &package.signing_status {
        Some(status) if status.is_success() => WaitStatus::Done,
        Some(status) if status.is_failure() => {
            let why = package.error.as_ref().map(|error| error.message.as_str()).unwrap_or_default();
            WaitStatus::Failed(if why.is_empty() {
                "the service gives no reason".to_owned()
            } else {
                why.to_owned()
            })
        }
        Some(status) => WaitStatus::Pending(status.to_string()),
        None => WaitStatus::Pending("no signing status".to_owned()),
    }
}

pub(super) async fn run_wait(id: &str, limit: WaitLimit, session: &ApiSession<'_>) -> anyhow::Result<Exit> {
    let (package, failure) = wait_for_signing(id, limit, session).await?;
    session.show(&package)?;
    Ok(session.exit(&format!("preproduction package {}", Escaped(id)), failure))
}

pub(super) async fn run_asset(args: &AssetArgs, session: &ApiSession<'_>) -> anyhow::Result<Exit> {
    if let Some(to) = args.to.as_ref().filter(|to| !args.force && to.symlink_metadata().is_ok()) {
        bail!("{} exists; use --force to overwrite it", to.display());
    }
    let (package, failure) = wait_for_signing(&args.id, args.limit, session).await?;
    if failure.is_some() {
        session.show(&package)?;
        return Ok(session.exit(&format!("preproduction package {}", Escaped(&args.id)), failure));
    }
    let asset = choose_asset(args, package, session).await?;
    let Some(to) = &args.to else { return session.show(&asset) };
    let progress = TransferProgress::new(None);
    let fetched =
        session.client()?.preprod_download(&args.id, &asset.id, to, &|bytes| progress.update(bytes)).await;
    progress.finish();
    let size = fetched.map_err(transfer_error)?;
    let name = to.display().to_string();
    let document = json!({ "file": name, "size": size, "asset": asset.id });
    session.output.print_result(&document, || format!("{}, {}", Escaped(&name), counted(size, "byte")))?;
    Ok(Exit::Done)
}

/// The asset that was named, or the one with the signed files.
async fn choose_asset(
    args: &AssetArgs,
    package: PreprodPackage,
    session: &ApiSession<'_>,
) -> anyhow::Result<Asset> {
    let client = session.client()?;
    if let Some(asset) = &args.asset {
        return client.preprod_asset(&args.id, asset).await.map_err(call_error);
    }
    let mut assets = package.assets;
    if assets.is_empty() {
        assets = client.preprod_assets(&args.id).all().await.map_err(call_error)?;
    }
    let is_signed = |asset: &&Asset| {
        asset.asset_type.as_deref().is_some_and(|kind| kind.eq_ignore_ascii_case(SIGNED_FILES))
    };
    let signed: Vec<&Asset> = assets.iter().filter(is_signed).collect();
    match (signed.as_slice(), assets.as_slice()) {
        ([only], _) => Ok((*only).clone()),
        ([], [only]) => Ok(only.clone()),
        ([], []) => bail!("preproduction package {} has no assets", Escaped(&args.id)),
        _ => {
            let ids: Vec<_> = assets.iter().map(|asset| Escaped(&asset.id).to_string()).collect();
            bail!(
                "preproduction package {} has several assets; name one: {}",
                Escaped(&args.id),
                ids.join(", ")
            )
        }
    }
}
