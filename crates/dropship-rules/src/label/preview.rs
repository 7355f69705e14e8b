//! Labels as they will probably be, shown before Microsoft has answered.

use jiff::Timestamp;
use serde::Serialize;

use super::request::{self, LabelProblem};
use super::warnings::{self, LabelWarning, RESTRICTIONS};
use crate::guid::{is_guid, without_braces};
use crate::plan::{DestinationPlan, LabelPlan, Plan};
use dropship_hardware::{
    Audience, Bundle, DriverMetadata, HardwareId, InfMetadata, NewShippingLabel, PnpInfo,
};
use dropship_package::Facts;
use dropship_package::facts::InfFacts;

/// Beginning of the ids of predicted bundles.
const PREDICTED_BUNDLE: &str = "foreseen";

/// A label as it will probably be.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LabelPreview {
    /// Its name.
    pub name: String,
    /// The request. Bundle ids are unknown before Microsoft has signed: `foreseen` and the folder of the INF stand for them.
    /// Audiences are named as in the rule.
    pub request: Option<NewShippingLabel>,
    /// Why it could not be requested.
    pub problems: Vec<LabelProblem>,
    /// Warnings: Microsoft accepts these, but may ask about them.
    pub warnings: Vec<LabelWarning>,
    /// Ceilings of the targets, where the driver metadata have them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ceilings: Vec<Ceiling>,
}

/// The newest system that a target may be offered to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Ceiling {
    /// INF file name.
    pub inf: String,
    /// OS code of the target.
    pub os: String,
    /// Hardware id.
    pub hardware_id: String,
    /// `CeilingOsCode` of the driver metadata.
    pub ceiling: String,
}

/// A label of a plan as it will probably be: every hardware id of every INF under every OS code that is requested, and every
/// audience that the rule names.
#[must_use]
pub fn preview(label: &LabelPlan, plan: &Plan, facts: &Facts, now: Timestamp) -> LabelPreview {
    preview_with(label, plan, &predicted_metadata(label, facts, &plan.product.requested_signatures), now)
}

/// A label of a plan as it will be with these driver metadata, and with every audience that the rule names.
#[must_use]
pub fn preview_with(
    label: &LabelPlan,
    plan: &Plan,
    metadata: &DriverMetadata,
    now: Timestamp,
) -> LabelPreview {
    let audiences = assumed_audiences(label);
    let name = label.name.clone();
    match request::build(label, metadata, &audiences, earliest(label, plan, now)) {
        Ok(request) => LabelPreview {
            name,
            warnings: warnings::warnings(label, &request, metadata)
                .into_iter()
                .chain(unclassified(label, plan))
                .collect(),
            ceilings: ceilings(&request, metadata),
            request: Some(request),
            problems: Vec::new(),
        },
        Err(problems) => {
            LabelPreview { name, request: None, problems, warnings: Vec::new(), ceilings: Vec::new() }
        }
    }
}

/// The ceilings of the targets of a request.
fn ceilings(request: &NewShippingLabel, metadata: &DriverMetadata) -> Vec<Ceiling> {
    let targets = request.targeting.iter().flat_map(|targeting| &targeting.hardware_ids);
    let ceiling = |target: &HardwareId| {
        let inf = metadata.bundles.get(&target.bundle_id)?.infs.get(&target.inf_id)?;
        let info = inf.os_pnp.get(&target.operating_system_code)?.get(&target.pnp_string)?;
        Some(Ceiling {
            inf: target.inf_id.clone(),
            os: target.operating_system_code.clone(),
            hardware_id: target.pnp_string.clone(),
            ceiling: info.ceiling_os_code.clone()?,
        })
    };
    targets.filter_map(ceiling).collect()
}

/// The earliest time at which a label of a plan is requested, if the plan starts now and only the waits of the rule take time:
/// `soak` counts from the publication and the go-live date of the labels before.
#[must_use]
pub fn earliest(label: &LabelPlan, plan: &Plan, now: Timestamp) -> Timestamp {
    earliest_of(label, plan, now, plan.labels.len())
}

/// `max_depth` bounds the length of a chain of labels.
fn earliest_of(label: &LabelPlan, plan: &Plan, now: Timestamp, max_depth: usize) -> Timestamp {
    let Some(after) = label.after.as_ref().filter(|_| max_depth > 0) else { return now };
    let before = plan.labels.iter().filter(|before| after.labels.contains(&before.name));
    let live = before.map(|before| {
        let requested = earliest_of(before, plan, now, max_depth - 1);
        let live = before.go_live.and_then(|live| live.resolve(requested, &before.blackout).ok());
        live.map_or(requested, |live| live.max(requested))
    });
    let start = live.max().unwrap_or(now);
    start.checked_add(after.soak()).unwrap_or(Timestamp::MAX)
}

/// The warning about the product type `Unclassified`, which the samples of many tools have.
fn unclassified(label: &LabelPlan, plan: &Plan) -> Option<LabelWarning> {
    let mut types = plan.product.selected_product_types.iter();
    let (family, _) = types.find(|(_, kind)| kind.eq_ignore_ascii_case("unclassified"))?;
    (label.destination == DestinationPlan::WindowsUpdate).then(|| LabelWarning {
        label: label.name.clone(),
        message: format!(
            "the product type of {family} is Unclassified: it needs another review; say what the device is"
        ),
        document: RESTRICTIONS,
    })
}

/// Driver metadata with every hardware id of every INF under every OS code that is requested. INFs of one name are in different
/// bundles, one for each folder.
#[must_use]
pub fn predicted_metadata(label: &LabelPlan, facts: &Facts, os_codes: &[String]) -> DriverMetadata {
    let mut metadata = DriverMetadata::default();
    for inf in &facts.infs {
        let mut info = InfMetadata {
            inf_class: inf.class.clone(),
            driver_version: inf.version.clone(),
            extension_id: inf.extension_id.clone(),
            provider: inf.provider.clone(),
            class_guid: inf.class_guid.clone(),
            installation_computer_hardware_ids: inf.chids.clone(),
            ..InfMetadata::default()
        };
        let description = description(label, inf);
        for os in os_codes {
            let pnp = |id: &String| {
                let info = PnpInfo { device_description: description.clone(), ..PnpInfo::default() };
                (id.to_lowercase(), info)
            };
            info.os_pnp.insert(os.clone(), inf.hardware_ids.iter().map(pnp).collect());
        }
        let same_name = facts.infs.iter().filter(|other| other.name.eq_ignore_ascii_case(&inf.name));
        let folder = inf.path.rsplit_once('/').filter(|_| same_name.count() > 1);
        let folder = folder.map_or("", |(folder, _)| folder);
        let bundle = metadata.bundles.entry(bundle_id(folder)).or_insert_with(Bundle::default);
        bundle.infs.insert(inf.name.clone(), info);
    }
    metadata
}

/// Stands for the bundle id, which Microsoft assigns.
fn bundle_id(folder: &str) -> String {
    if folder.is_empty() { PREDICTED_BUNDLE.to_owned() } else { format!("{PREDICTED_BUNDLE}/{folder}") }
}

/// The folder of a bundle of [`preview`]; `None` for a bundle of Microsoft, and for the topmost folder.
#[must_use]
pub fn predicted_folder(bundle: &str) -> Option<&str> {
    bundle.strip_prefix(PREDICTED_BUNDLE)?.strip_prefix('/')
}

/// The description of the devices of an INF. Which device has which description is unknown: with several, each device may
/// have the one that the label selects.
fn description(label: &LabelPlan, inf: &InfFacts) -> Option<String> {
    let selected = |text: &&String| dropship_glob::any(&label.targets.descriptions, text);
    inf.descriptions.iter().find(selected).or(inf.descriptions.first()).cloned()
}

/// The audiences of a label as if the account had each of them.
#[must_use]
pub fn assumed_audiences(label: &LabelPlan) -> Vec<Audience> {
    label.audiences.iter().map(|name| audience(name)).collect()
}

/// An audience as if the account had it; one that is named by its id might be for tests.
fn audience(name: &str) -> Audience {
    let name = name.trim();
    let shown = if is_guid(name) { "Test Registry Key" } else { name };
    Audience { id: without_braces(name).to_owned(), name: shown.to_owned(), ..Audience::default() }
}
