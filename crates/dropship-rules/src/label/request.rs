//! The request for one label.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::Serialize;
use serde_json::json;

use super::audiences;
use super::select::{self, MetadataRow};
use crate::guid::plain_guid;
use crate::plan::{ChidPlan, DestinationPlan, LabelPlan};
use crate::schedule::GoLiveError;
use crate::vocabulary::{self, is_test_audience};
use dropship_hardware::{
    AdditionalInfo, Audience, Chid, CoEngPublishInfo, Destination, DriverMetadata, InServicePublishInfo,
    InfMetadata, NewShippingLabel, PublishingSpecifications, RecipientSpecifications, Targeting, Unknown,
    format_date,
};

/// Why a label cannot be requested.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("label `{label}`: {message}")]
pub struct LabelProblem {
    /// Name of the label.
    pub label: String,
    /// Which rule it breaks, in kebab case.
    pub check: &'static str,
    /// The mistake, and how to correct it.
    pub message: String,
    /// The document that the rule comes from, or empty.
    pub document: &'static str,
}

/// The value of [`LabelProblem::check`] if a fixed go-live date has passed.
pub const GO_LIVE_PASSED: &str = "go-live-passed";

/// The documents that most of the rules come from.
const LIMIT: &str = "Microsoft: Limit driver distribution";
const CREATE: &str = "Microsoft: Create a new shipping label";

/// Problems of one label as they are found.
struct LabelProblems<'a> {
    label: &'a str,
    all: Vec<LabelProblem>,
}

impl LabelProblems<'_> {
    fn add(&mut self, check: &'static str, document: &'static str, message: impl Into<String>) {
        self.all.push(LabelProblem {
            label: self.label.to_owned(),
            check,
            message: message.into(),
            document,
        });
    }
}

/// The request for a label, from the rule, the driver metadata and the account's audiences.
///
/// The go-live date is that of a request that is sent at `now`. Build the request again for each time that it is sent.
///
/// # Errors
/// Everything that Microsoft would refuse, and every empty selection: an empty selection is never left out of the request.
pub fn build(
    plan: &LabelPlan,
    metadata: &DriverMetadata,
    account_audiences: &[Audience],
    now: Timestamp,
) -> Result<NewShippingLabel, Vec<LabelProblem>> {
    let mut problems = LabelProblems { label: &plan.name, all: Vec::new() };
    let rows = match select::select(&plan.targets, metadata) {
        Ok(rows) => rows,
        Err(message) => {
            problems.add("empty-selection", "", format!("it would target nothing: {message}"));
            Vec::new()
        }
    };
    let chids = chids(plan, metadata, &rows, &mut problems);
    let label = match &plan.destination {
        DestinationPlan::WindowsUpdate => {
            windows_update(plan, metadata, account_audiences, now, &rows, chids, &mut problems)
        }
        DestinationPlan::AnotherPartner { partner, enforce_chid_targeting, block_dua_creation } => {
            NewShippingLabel {
                name: plan.name.clone(),
                destination: Destination::AnotherPartner,
                publishing_specifications: None,
                recipient_specifications: Some(RecipientSpecifications {
                    receiver_publisher_id: partner.clone(),
                    enforce_chid_targeting: Some(enforce_chid_targeting.unwrap_or(false)),
                    block_dua_creation: *block_dua_creation,
                    other: Unknown::default(),
                }),
                targeting: Some(Targeting {
                    hardware_ids: rows.iter().map(|row| row.to_request()).collect(),
                    chids,
                    restricted_to_audiences: Vec::new(),
                    in_service_publish_info: None,
                    co_eng_driver_publish_info: None,
                    other: Unknown::default(),
                }),
                other: Unknown::default(),
            }
        }
    };
    if problems.all.is_empty() { Ok(label) } else { Err(problems.all) }
}

/// The part of a request to which approvals and repeated creates are bound: the request with the rule of the go-live date in place
/// of the computed date. It is the same whenever the request is sent.
#[must_use]
pub fn essence<'r>(plan: &LabelPlan, request: &'r NewShippingLabel) -> Cow<'r, NewShippingLabel> {
    let Some(go_live) = plan.go_live.filter(|go_live| go_live.fixed().is_none()) else {
        return Cow::Borrowed(request);
    };
    let mut essence = request.clone();
    if let Some(publishing) = &mut essence.publishing_specifications {
        let blackout = plan.blackout.iter().map(ToString::to_string).collect::<Vec<_>>();
        publishing.go_live_date = Some(json!({ "rule": go_live, "blackout": blackout }).to_string());
    }
    Cow::Owned(essence)
}

fn windows_update(
    plan: &LabelPlan,
    metadata: &DriverMetadata,
    account_audiences: &[Audience],
    now: Timestamp,
    rows: &[MetadataRow<'_>],
    chids: Vec<Chid>,
    problems: &mut LabelProblems<'_>,
) -> NewShippingLabel {
    let is_automatic = plan.auto_install_during_os_upgrade || plan.auto_install_on_applicable_systems;
    let audiences = audiences::resolve(&plan.audiences, account_audiences).unwrap_or_else(|unresolved| {
        unresolved.into_iter().for_each(|problem| problems.add("audience", "", problem));
        Vec::new()
    });
    check_extension(metadata, rows, is_automatic, problems);
    check_attestation(plan, &audiences, problems);
    check_range(plan, metadata, rows, problems);
    if is_automatic && plan.approval.as_ref().is_none_or(|info| *info == AdditionalInfo::default()) {
        problems.add(
            "approval-info",
            CREATE,
            "a driver that installs automatically needs `approval` information",
        );
    }
    let go_live = plan.go_live.map(|live| live.resolve(now, &plan.blackout));
    let go_live = go_live.and_then(|time| {
        let check = |error: &GoLiveError| match error {
            GoLiveError::Passed(_) => GO_LIVE_PASSED,
            GoLiveError::NoDay | GoLiveError::Calendar(_) => "go-live",
        };
        time.map_err(|error| problems.add(check(&error), "", error.to_string())).ok()
    });
    let in_service = (plan.floor.is_some() || plan.ceiling.is_some()).then(|| InServicePublishInfo {
        flooring: plan.floor.clone(),
        ceiling: plan.ceiling.clone(),
        other: Unknown::default(),
    });
    let co_engineering = plan.build.map(|build| CoEngPublishInfo {
        flooring_build_number: build.floor,
        ceiling_build_number: build.ceiling,
        other: Unknown::default(),
    });
    NewShippingLabel {
        name: plan.name.clone(),
        destination: Destination::WindowsUpdate,
        publishing_specifications: Some(PublishingSpecifications {
            go_live_date: go_live.map(format_date),
            visible_to_accounts: plan.visible_to_accounts.clone(),
            is_auto_install_during_os_upgrade: Some(plan.auto_install_during_os_upgrade),
            is_auto_install_on_applicable_systems: Some(plan.auto_install_on_applicable_systems),
            manual_acquisition: Some(!is_automatic),
            is_disclosure_restricted: plan.disclosure_restricted,
            publish_to_windows10s: plan.publish_to_windows10s,
            additional_info_for_ms_approval: plan.approval.clone(),
            other: Unknown::default(),
        }),
        recipient_specifications: None,
        targeting: Some(Targeting {
            hardware_ids: rows.iter().map(|row| row.to_request()).collect(),
            chids,
            restricted_to_audiences: audiences.iter().map(|audience| audience.id.clone()).collect(),
            in_service_publish_info: in_service,
            co_eng_driver_publish_info: co_engineering,
            other: Unknown::default(),
        }),
        other: Unknown::default(),
    }
}

fn chids(
    plan: &LabelPlan,
    metadata: &DriverMetadata,
    rows: &[MetadataRow<'_>],
    problems: &mut LabelProblems<'_>,
) -> Vec<Chid> {
    let ids: BTreeSet<String> = match &plan.chids {
        ChidPlan::None => return Vec::new(),
        ChidPlan::Listed(ids) => ids.iter().map(|id| plain_guid(id)).collect(),
        ChidPlan::FromInf => {
            let of_infs = chids_of_infs(metadata, rows);
            check_same_chids(&of_infs, problems);
            of_infs.into_values().flatten().collect()
        }
    };
    if ids.is_empty() && !rows.is_empty() {
        problems.add("chids", "", "`chids = \"from_inf\"`, but the INFs that it targets name no CHID");
    }
    let old: BTreeSet<_> =
        rows.iter().map(|row| row.os).filter(|os| !vocabulary::is_windows_10_or_later(os)).collect();
    if let Some(os) = old.first().filter(|_| !ids.is_empty()) {
        let message = format!("CHIDs are allowed only for Windows 10 and later, but the label targets {os}");
        problems.add("chids-down-level", CREATE, message);
    }
    let chid = |chid| Chid { chid, ..Chid::default() };
    ids.into_iter().map(chid).collect()
}

/// The CHIDs of each targeted INF, by bundle id and file name.
fn chids_of_infs<'a>(
    metadata: &'a DriverMetadata,
    rows: &[MetadataRow<'_>],
) -> BTreeMap<(&'a str, &'a str), BTreeSet<String>> {
    let targeted: BTreeSet<_> = rows.iter().map(|row| (row.bundle, row.inf)).collect();
    let infs = metadata.bundles.iter().flat_map(|(id, bundle)| {
        bundle.infs.iter().map(move |(name, info)| ((id.as_str(), name.as_str()), info))
    });
    let chids = |info: &InfMetadata| {
        info.installation_computer_hardware_ids.iter().map(|id| plain_guid(id)).collect::<BTreeSet<_>>()
    };
    infs.filter(|(inf, _)| targeted.contains(inf)).map(|(inf, info)| (inf, chids(info))).collect()
}

/// The CHIDs of a label apply to all of its hardware ids. If the INFs differed, one INF would reach the computers of another INF.
fn check_same_chids(of_infs: &BTreeMap<(&str, &str), BTreeSet<String>>, problems: &mut LabelProblems<'_>) {
    let mut infs = of_infs.iter();
    let Some(((_, first), chids)) = infs.next() else { return };
    let Some(((_, other), others)) = infs.find(|(_, others)| *others != chids) else { return };
    let shown = |chids: &BTreeSet<String>| match chids.is_empty() {
        true => "none".to_owned(),
        false => chids.iter().map(String::as_str).collect::<Vec<_>>().join(", "),
    };
    let message = format!(
        "`chids = \"from_inf\"`, but the INFs that it targets name different CHIDs ({first}: {}; {other}: {}), and a label \
         has one list for all of them; split the label by `infs`",
        shown(chids),
        shown(others)
    );
    problems.add("chids-differ", "", message);
}

fn check_extension(
    metadata: &DriverMetadata,
    rows: &[MetadataRow<'_>],
    is_automatic: bool,
    problems: &mut LabelProblems<'_>,
) {
    let extension = rows.iter().find(|row| {
        let bundle = metadata.bundles.get(row.bundle);
        let info = bundle.and_then(|bundle| bundle.infs.get(row.inf));
        info.and_then(|info| info.extension_id.as_deref()).is_some_and(|id| !id.trim().is_empty())
    });
    if let Some(row) = extension.filter(|_| !is_automatic) {
        let message = format!(
            "{} is an extension INF, which Microsoft publishes only as an automatic update: set \
             `auto_install_during_os_upgrade` or `auto_install_on_applicable_systems`",
            row.inf
        );
        problems.add("extension-automatic", CREATE, message);
    }
}

fn check_attestation(plan: &LabelPlan, audiences: &[&Audience], problems: &mut LabelProblems<'_>) {
    let is_test =
        |audience: &&Audience| is_test_audience(&audience.name) || is_test_audience(&audience.audience_name);
    if plan.attestation && plan.build.is_none() && !audiences.iter().any(is_test) && problems.all.is_empty() {
        problems.add(
            "attestation-retail",
            "Microsoft: Publishing restrictions",
            "Microsoft does not publish attestation-signed drivers to retail: add the audience \
             `Test Registry Key`, or submit HLK results",
        );
    }
}

fn check_range(
    plan: &LabelPlan,
    metadata: &DriverMetadata,
    rows: &[MetadataRow<'_>],
    problems: &mut LabelProblems<'_>,
) {
    if plan.build.is_some() && (plan.floor.is_some() || plan.ceiling.is_some()) {
        problems.add("floor-and-build", CREATE, "floor and ceiling exclude build numbers");
    }
    let rank = |edge: &Option<String>| edge.as_deref().and_then(vocabulary::floor_rank);
    let lowest = rows.iter().filter_map(|row| Some((vocabulary::floor_rank_of_os(row.os)?, row.os))).min();
    if let (Some(floor), Some((lowest, os))) = (rank(&plan.floor), lowest)
        && floor < lowest
    {
        let message = format!("its floor is below {os}, the lowest system that it targets");
        problems.add("floor-too-low", LIMIT, message);
    }
    let all = select::rows(metadata);
    let highest = all.iter().filter_map(|row| Some((vocabulary::floor_rank_of_os(row.os)?, row.os))).max();
    if let (Some(ceiling), Some((highest, os))) = (rank(&plan.ceiling), highest)
        && ceiling > highest
    {
        let message = format!("its ceiling is above {os}, the highest system that is certified");
        problems.add("ceiling-too-high", LIMIT, message);
    }
    if let (Some(floor), Some(ceiling)) = (rank(&plan.floor), rank(&plan.ceiling))
        && floor > ceiling
    {
        problems.add("floor-above-ceiling", LIMIT, "its floor is above its ceiling");
    }
}
