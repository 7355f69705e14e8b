//! Labels as they will probably be, shown before Microsoft has answered.

use jiff::Timestamp;
use serde::Serialize;

use super::request::{self, LabelProblem};
use super::warnings::{self, LabelWarning, RESTRICTIONS};
use crate::guid::is_guid;
use crate::plan::{DestinationPlan, LabelPlan, Plan};
use dropship_hardware::{
    Audience, Bundle, DriverMetadata, HardwareId, InfMetadata, NewShippingLabel, PnpInfo,
};
use dropship_package::Facts;

/// The bundle of foreseen metadata.
const BUNDLE: &str = "foreseen";

/// A label as it will probably be.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LabelPreview {
    /// Its name.
    pub name: String,
    /// The request; bundle ids are not known yet, and audiences stand with the names that the rule uses.
    pub request: Option<NewShippingLabel>,
    /// Why it could not be asked for.
    pub problems: Vec<LabelProblem>,
    /// What Microsoft would look at twice.
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

/// A label of a plan as it will probably be: every hardware id of every INF under every OS code that is asked
/// for, and every audience that the rule names.
#[must_use]
pub fn preview(label: &LabelPlan, plan: &Plan, facts: &Facts, now: Timestamp) -> LabelPreview {
    preview_with(label, plan, &metadata(facts, &plan.product.requested_signatures), now)
}

/// A label of a plan as it will be with these driver metadata, and with every audience that the rule names.
#[must_use]
pub fn preview_with(
    label: &LabelPlan,
    plan: &Plan,
    metadata: &DriverMetadata,
    now: Timestamp,
) -> LabelPreview {
    let audiences: Vec<_> = label.audiences.iter().map(|name| audience(name)).collect();
    let name = label.name.clone();
    match request::build(label, metadata, &audiences, now) {
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

/// The product type that is on the list, though the samples of many tools have it.
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

/// Every hardware id of every INF under every OS code that is asked for.
fn metadata(facts: &Facts, os_codes: &[String]) -> DriverMetadata {
    let mut bundle = Bundle::default();
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
        let single = match inf.descriptions.as_slice() {
            [only] => Some(only.clone()),
            _ => None,
        };
        for os in os_codes {
            let pnp = |id: &String| {
                let info = PnpInfo { device_description: single.clone(), ..PnpInfo::default() };
                (id.to_lowercase(), info)
            };
            info.os_pnp.insert(os.clone(), inf.hardware_ids.iter().map(pnp).collect());
        }
        bundle.infs.insert(inf.name.clone(), info);
    }
    let mut metadata = DriverMetadata::default();
    metadata.bundles.insert(BUNDLE.to_owned(), bundle);
    metadata
}

/// An audience as if the account had it; one that is named by its id might be for tests.
fn audience(name: &str) -> Audience {
    let shown = if is_guid(name) { "Test Registry Key" } else { name };
    Audience { id: name.to_owned(), name: shown.to_owned(), ..Audience::default() }
}
