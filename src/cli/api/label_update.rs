//! `dropship api label update`.

use std::path::PathBuf;

use clap::builder::NonEmptyStringValueParser;

use super::args::{LabelRef, SubmissionRef};
use super::audience;
use super::download::{self, OfferedFile};
use super::request_fields;
use super::request_file;
use super::session::{ApiSession, ChangeRequest};
use super::targets::{self, TargetPattern, TargetRow};
use crate::cli::exit::{Exit, usage};
use crate::control::LabelChange;
use dropship_hardware::{
    Action, ChidChange, CoEngPublishInfo, DriverMetadata, HardwareIdState, InServicePublishInfo, LabelUpdate,
    RecipientUpdate, ShippingLabel, TargetingUpdate,
};
use dropship_rules::guid::{is_guid, plain_guid};

/// Change the targeting of a label, or what its partner may do
///
/// Only the given options are changed. The service refuses changes while it processes the label, and each change
/// starts the processing again. Name, destination, go-live date and automatic installation cannot be changed:
/// create another label instead.
///
/// Write hardware ids as BUNDLE|INF|OS|PNP, in quotes. A pattern with `*` or `?` is matched against the driver metadata of the
/// submission (additions) or the current targets of the label (removals). A dry run, too, looks up these patterns and the names
/// of audiences; the lookups change nothing.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  dropship api label update PID SID LID --add-hardware-id '*|echo.inf|WINDOWS_v100_X64_NI_FULL|pci\\*' --dry-run
  dropship api label update PID SID LID --audience 'Test Registry Key' --audience 'Pilot Fleet'
  dropship api label update PID SID LID --floor NI --remove-chid 2f3d3eb7-0ed5-4f28-8e06-5b3e5e7d1a11
  dropship api label update PID SID LID --block-dua-creation true
  dropship api label update PID SID LID --file update.json --dry-run")]
pub(super) struct Args {
    #[command(flatten)]
    label_ref: LabelRef,
    /// Add hardware ids to the targets
    #[arg(long, value_name = "BUNDLE|INF|OS|PNP")]
    add_hardware_id: Vec<TargetPattern>,
    /// Remove hardware ids from the targets
    #[arg(long, value_name = "BUNDLE|INF|OS|PNP")]
    remove_hardware_id: Vec<TargetPattern>,
    /// Add a computer hardware id (CHID) to the targets
    #[arg(long, value_name = "GUID", value_parser = chid)]
    add_chid: Vec<String>,
    /// Remove a computer hardware id (CHID) from the targets
    #[arg(long, value_name = "GUID", value_parser = chid)]
    remove_chid: Vec<String>,
    /// Restrict the label to this audience; repeatable. Replaces all audiences that the label has
    #[arg(long, value_name = "NAME_OR_ID", value_parser = NonEmptyStringValueParser::new())]
    audience: Vec<String>,
    /// Remove all audiences: the label reaches every machine that its other targeting matches
    #[arg(long, conflicts_with = "audience")]
    no_audience: bool,
    /// Lowest version of Windows to offer the driver to, such as RS1, 19H1 or NI; keeps the ceiling;
    /// requires --justification if the label has a ceiling
    #[arg(long, value_name = "VERSION", value_parser = NonEmptyStringValueParser::new())]
    floor: Option<String>,
    /// Highest version of Windows to offer the driver to; keeps the floor; requires --justification
    #[arg(long, value_name = "VERSION", value_parser = NonEmptyStringValueParser::new())]
    ceiling: Option<String>,
    /// Lowest build of Windows to offer the driver to, such as 26100 (co-engineering); keeps the highest build
    #[arg(long, value_name = "BUILD", value_parser = clap::value_parser!(u32).range(10_000..=99_999),
          conflicts_with_all = ["floor", "ceiling"])]
    floor_build: Option<u32>,
    /// Highest build of Windows to offer the driver to (co-engineering); keeps the lowest build
    #[arg(long, value_name = "BUILD", value_parser = clap::value_parser!(u32).range(10_000..=99_999),
          conflicts_with_all = ["floor", "ceiling"])]
    ceiling_build: Option<u32>,
    /// Require the partner to target computer hardware ids
    #[arg(long, value_name = "true|false")]
    enforce_chid_targeting: Option<bool>,
    /// Forbid the partner to create driver updates (DUA packages)
    #[arg(long, value_name = "true|false")]
    block_dua_creation: Option<bool>,
    /// Read the changes from this JSON file, with the API's own field names; `-` reads standard input
    #[arg(long, value_name = "FILE", conflicts_with_all = ["add_hardware_id", "remove_hardware_id", "add_chid",
          "remove_chid", "audience", "no_audience", "floor", "ceiling", "justification", "floor_build", "ceiling_build",
          "enforce_chid_targeting", "block_dua_creation"])]
    file: Option<PathBuf>,
    /// Business justification for Microsoft's review
    #[arg(long, value_name = "TEXT", value_parser = NonEmptyStringValueParser::new())]
    justification: Option<String>,
    /// Print the request instead of sending it
    #[arg(long)]
    dry_run: bool,
}

fn chid(text: &str) -> Result<String, String> {
    if is_guid(text) { Ok(plain_guid(text)) } else { Err("a computer hardware id must be a GUID".to_owned()) }
}

pub(super) async fn run(args: &Args, session: &ApiSession<'_>) -> anyhow::Result<Exit> {
    if !args.changes_something() {
        return Err(usage(
            "nothing to change: give at least one of --add-hardware-id, --remove-hardware-id, --add-chid, \
             --remove-chid, --audience, --no-audience, --floor, --ceiling, --floor-build, --ceiling-build, \
             --enforce-chid-targeting, --block-dua-creation and --justification, or --file",
        ));
    }
    let update = match &args.file {
        Some(file) => request_file::read(file, &request_fields::LABEL_UPDATE)?,
        None => LabelUpdate {
            targeting: args.targeting(session).await?,
            recipient_specifications: args.recipient(),
            ..LabelUpdate::default()
        },
    };
    if update.is_empty() {
        return Err(usage("the file changes nothing"));
    }
    let (SubmissionRef { product, submission }, label) =
        (args.label_ref.submission_ref, args.label_ref.label);
    let body = serde_json::to_value(&update)?;
    let change = ChangeRequest {
        method: "PATCH",
        path: args.label_ref.path(),
        label_change: Some((label, LabelChange::Edited { update: body.to_string() })),
        body: Some(body),
        success_message: format!(
            "label {label} is updated; the service processes it again and refuses other changes until it is done"
        ),
    };
    let send = async |client: &dropship_hardware::Client| {
        client.update_label(product, submission, label, &update).await
    };
    session.change(&change, args.dry_run, send).await
}

impl Args {
    fn changes_something(&self) -> bool {
        let has_hardware_ids = self.add_hardware_id.iter().chain(&self.remove_hardware_id).next().is_some();
        let texts = [&self.add_chid, &self.remove_chid, &self.audience];
        has_hardware_ids
            || self.no_audience
            || texts.iter().any(|texts| !texts.is_empty())
            || [&self.floor, &self.ceiling, &self.justification].iter().any(|text| text.is_some())
            || self.floor_build.or(self.ceiling_build).is_some()
            || self.enforce_chid_targeting.or(self.block_dua_creation).is_some()
            || self.file.is_some()
    }

    fn recipient(&self) -> Option<RecipientUpdate> {
        self.enforce_chid_targeting.or(self.block_dua_creation)?;
        Some(RecipientUpdate {
            enforce_chid_targeting: self.enforce_chid_targeting,
            block_dua_creation: self.block_dua_creation,
            ..RecipientUpdate::default()
        })
    }

    async fn targeting(&self, session: &ApiSession<'_>) -> anyhow::Result<TargetingUpdate> {
        let has_single_limit = self.floor.is_some() != self.ceiling.is_some()
            || self.floor_build.is_some() != self.ceiling_build.is_some();
        let label = if has_single_limit || self.remove_hardware_id.iter().any(TargetPattern::is_glob) {
            Some(session.label(self.label_ref).await?)
        } else {
            None
        };
        let offered_rows = if self.add_hardware_id.iter().any(TargetPattern::is_glob) {
            self.offered_rows(session).await?
        } else {
            Vec::new()
        };
        let targeted_rows = label.as_ref().map(targeted_rows).unwrap_or_default();
        let added = matching_rows(&self.add_hardware_id, &offered_rows, "the driver metadata")?;
        let removed = matching_rows(&self.remove_hardware_id, &targeted_rows, "the targets of the label")?;
        reject_conflict(
            "hardware id",
            added.iter().find(|row| removed.contains(row)).map(|row| row.join("|")),
        )?;
        reject_conflict(
            "computer hardware id",
            self.add_chid.iter().find(|chid| self.remove_chid.contains(chid)).cloned(),
        )?;
        let hardware_id_changes = |action: Action, rows: Vec<TargetRow>| {
            rows.into_iter().map(move |row| targets::change(action.clone(), row))
        };
        let chids = |action: Action, chids: &[String]| {
            let change = |chid: &String| ChidChange { action: action.clone(), chid: chid.clone() };
            chids.iter().map(change).collect::<Vec<_>>()
        };
        let audiences = audience::resolve_ids(&self.audience, session).await?;
        Ok(TargetingUpdate {
            chids: [chids(Action::Add, &self.add_chid), chids(Action::Remove, &self.remove_chid)].concat(),
            hardware_ids: hardware_id_changes(Action::Add, added)
                .chain(hardware_id_changes(Action::Remove, removed))
                .collect(),
            restricted_to_audiences: (self.no_audience || !audiences.is_empty()).then_some(audiences),
            in_service_publish_info: self.limits(label.as_ref())?,
            co_eng_driver_publish_info: self.builds(label.as_ref()),
            business_justification: self.justification.clone(),
            ..TargetingUpdate::default()
        })
    }

    /// The service overwrites floor and ceiling together, so a limit that is not given is sent with its current value.
    fn limits(&self, label: Option<&ShippingLabel>) -> anyhow::Result<Option<InServicePublishInfo>> {
        if self.floor.is_none() && self.ceiling.is_none() {
            return Ok(None);
        }
        let current = label.and_then(|label| label.targeting.as_ref()?.in_service_publish_info.clone());
        let current = current.unwrap_or_default();
        let flooring = self.floor.clone().or(current.flooring);
        let ceiling = self.ceiling.clone().or(current.ceiling).filter(|ceiling| !ceiling.is_empty());
        if let Some(ceiling) = ceiling.as_ref().filter(|_| self.justification.is_none()) {
            return Err(usage(format!(
                "the ceiling {ceiling} requires --justification (the label's ceiling is sent again with a new floor)"
            )));
        }
        Ok(Some(InServicePublishInfo { flooring, ceiling, ..InServicePublishInfo::default() }))
    }

    /// Like floor and ceiling, the two builds are overwritten together.
    fn builds(&self, label: Option<&ShippingLabel>) -> Option<CoEngPublishInfo> {
        self.floor_build.or(self.ceiling_build)?;
        let current = label.and_then(|label| label.targeting.as_ref()?.co_eng_driver_publish_info.clone());
        let current = current.unwrap_or_default();
        Some(CoEngPublishInfo {
            flooring_build_number: self.floor_build.or(current.flooring_build_number),
            ceiling_build_number: self.ceiling_build.or(current.ceiling_build_number),
            ..CoEngPublishInfo::default()
        })
    }

    /// All targets in the driver metadata of the submission.
    async fn offered_rows(&self, session: &ApiSession<'_>) -> anyhow::Result<Vec<TargetRow>> {
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("driver-metadata.json");
        download::fetch(self.label_ref.submission_ref, OfferedFile::Metadata, &file, &|_| {}, session)
            .await?;
        let metadata = DriverMetadata::parse(&std::fs::read(&file)?)?;
        let row =
            |(bundle, inf, os, pnp): (&str, &str, &str, &str)| [bundle, inf, os, pnp].map(str::to_owned);
        Ok(metadata.targets().map(row).collect())
    }
}

/// Current targets of a label.
fn targeted_rows(label: &ShippingLabel) -> Vec<TargetRow> {
    let ids = label.targeting.iter().flat_map(|targeting| &targeting.hardware_ids);
    let remaining = ids.filter(|id| id.distribution_state != Some(HardwareIdState::PendingRemove));
    let row = |id: &dropship_hardware::HardwareId| {
        [&id.bundle_id, &id.inf_id, &id.operating_system_code, &id.pnp_string].map(Clone::clone)
    };
    remaining.map(row).collect()
}

/// All rows that match, without duplicates.
fn matching_rows(
    patterns: &[TargetPattern],
    candidates: &[TargetRow],
    source: &str,
) -> anyhow::Result<Vec<TargetRow>> {
    let mut rows = Vec::new();
    for pattern in patterns {
        for row in pattern.matching_rows(candidates, source)? {
            if !rows.contains(&row) {
                rows.push(row);
            }
        }
    }
    Ok(rows)
}

fn reject_conflict(what: &str, id: Option<String>) -> anyhow::Result<()> {
    match id {
        Some(id) => Err(usage(format!("cannot both add and remove the {what} `{id}`"))),
        None => Ok(()),
    }
}
