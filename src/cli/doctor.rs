//! `dropship doctor`: finds problems of the store, and prints how to repair them.

use std::collections::BTreeSet;
use std::path::Path;

use super::exit::Exit;
use super::output::Output;
use super::{backend, offline_store, owner};
use crate::control::ConnectError;
use crate::doctor::{examine, stale_store};
use crate::package_objects;
use crate::requirements::remedy;
use crate::store_binding::refuse_copy;
use dropship_config::model::Config;
use dropship_config::outbox_layout::in_store;
use dropship_engine::admission::{ReceiptComparison, compare_with_receipts};
use dropship_engine::package_store::PackageStore;
use dropship_job::counted;
use dropship_store::{DiskStore, Finding, OpenReport, Store, StoreError};

/// Check the store and its files, and print how to repair them
///
/// Changes nothing. If no daemon runs, and the store is in a folder, the command tries the next start of the daemon on a copy of the
/// store.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit codes:
  0   no problems found
  1   problems found
  69  no daemon is running and there is no store")]
pub(super) struct Args {}

pub(super) async fn run(config: &Path, output: &Output) -> anyhow::Result<Exit> {
    let findings = match backend::connect(config).await {
        Ok(client) => client.doctor().await?,
        Err(error) => match error.downcast::<ConnectError>()? {
            ConnectError::NoDaemon(no_daemon) => {
                let config = backend::load_for_operation(config)?;
                let home = &config.store.path;
                offline_store::require_store(&config, no_daemon)?;
                owner::become_owner(home)?;
                examine_offline(&config)?
            }
            other => return Err(other.into()),
        },
    };
    output.print_result(&findings, || text(&findings))?;
    Ok(if findings.is_empty() { Exit::Done } else { Exit::Failed })
}

/// Tries the next start of the daemon on a copy of the store.
fn examine_offline(config: &Config) -> anyhow::Result<Vec<Finding>> {
    let home: &Path = &config.store.path;
    if config.store.database.is_some() {
        let (store, _) = offline_store::open_store(config)?;
        return examine_content(&*store, config);
    }
    let dry_run = match DiskStore::open_dry_run(home) {
        Ok(dry_run) => dry_run,
        Err(error @ (StoreError::Damaged { .. } | StoreError::Older { .. } | StoreError::Newer { .. })) => {
            let remedy = remedy(&error).unwrap_or_default();
            return Ok(vec![Finding::new(error.to_string(), format!("the daemon does not start: {remedy}"))]);
        }
        Err(error) => return Err(error.into()),
    };
    let OpenReport { quarantined, skipped, replayed, .. } = &dry_run.report;
    let mut findings = Vec::new();
    findings.extend(quarantined.as_ref().map(|(_, why)| {
        Finding::new(
            format!("the database is unusable: {why}"),
            format!(
                "no action needed: the next start moves it aside and rebuilds it from {} of the journal",
                counted(*replayed, "line")
            ),
        )
    }));
    if *skipped > 0 {
        findings.push(Finding::new(
            format!("damaged sections of the journal: {skipped}"),
            "no action needed: the next start skips them, because the database holds their content",
        ));
    }
    findings.extend(examine_content(&dry_run.store, config)?);
    Ok(findings)
}

/// Checks a store that could be opened, with its packages and receipts.
fn examine_content(store: &dyn Store, config: &Config) -> anyhow::Result<Vec<Finding>> {
    let packages = package_objects::for_reading(&config.store)?;
    let comparison = compare(store, &packages, config)?;
    let mut findings = examine(store, &packages, &comparison)?;
    findings.extend(copy_finding(store, config));
    findings.extend(stale_store(&comparison, config));
    Ok(findings)
}

/// The store was copied elsewhere, or is an unfinished copy.
fn copy_finding(store: &dyn Store, config: &Config) -> Option<Finding> {
    let error = refuse_copy(store, config).err()?;
    Some(Finding::new(
        format!("{error:#}"),
        "the daemon does not start: name the other store in [store], or finish the copy",
    ))
}

/// Compares the store with the receipts in its outboxes.
fn compare(store: &dyn Store, packages: &PackageStore, config: &Config) -> anyhow::Result<ReceiptComparison> {
    let home: &Path = &config.store.path;
    let folders = config
        .folders
        .iter()
        .map(|folder| folder.outbox.clone().unwrap_or_else(|| in_store(home, &folder.name)));
    let outboxes: BTreeSet<_> = folders.chain([in_store(home, "submitted")]).collect();
    let outboxes: Vec<_> = outboxes.into_iter().collect();
    let ownership = dropship_engine::accounts::ownership(config, false);
    Ok(compare_with_receipts(store, packages, config, &outboxes, &ownership)?)
}

fn text(findings: &[Finding]) -> String {
    if findings.is_empty() {
        return "no problems found".to_owned();
    }
    let lines = findings.iter().map(|finding| format!("{}\n    {}", finding.what, finding.mend));
    lines.collect::<Vec<_>>().join("\n")
}
