//! The rules for shipping labels.

use serde_json::{Map, Value};

use crate::api::audiences;
use crate::api::json::{flag, items, part, present, text, value_of};
use crate::package::metadata;
use crate::reply::{ErrorCode, ErrorReply};

/// The input of the rules besides the label.
pub(crate) struct LabelContext<'a> {
    pub(crate) account: &'a str,
    pub(crate) is_attestation: bool,
    pub(crate) is_extension: bool,
    /// The driver metadata of the submission.
    pub(crate) metadata: &'a Value,
    /// Whether a floor below the lowest targeted system is rejected. Microsoft's own sample has such a floor.
    pub(crate) has_strict_floors: bool,
}

/// The documented message about extension drivers.
const EXTENSION: &str = "Extension drivers must be published as an Automatic update. Either of \
                         isAutoInstallDuringOSUpgrade or isAutoInstallOnApplicableSystems must be true.";

/// The documented message about computer hardware ids.
const CHIDS: &str = "CHIDs are allowed only when HardwareIds are for operating systems Windows 10 and later.";

/// Broken rules, as fields and messages.
#[derive(Debug, Default)]
pub(crate) struct Violations(Vec<(String, String)>);

impl Violations {
    fn add(&mut self, target: &str, message: impl Into<String>) {
        self.0.push((target.to_owned(), message.into()));
    }

    /// # Errors
    /// When a rule is broken.
    pub(crate) fn into_result(self) -> Result<(), ErrorReply> {
        if self.0.is_empty() { Ok(()) } else { Err(ErrorReply::invalid(self.0)) }
    }
}

/// Checks a new label against all rules.
pub(crate) fn check(sent: &Map<String, Value>, facts: &LabelContext<'_>) -> Result<(), ErrorReply> {
    let mut violations = Violations::default();
    if text(sent, "name").trim().is_empty() {
        violations.add("name", "The name field is required.");
    }
    let empty = Map::new();
    let targeting = part(sent, "targeting").unwrap_or(&empty);
    match text(sent, "destination").to_ascii_lowercase().as_str() {
        "windowsupdate" => match part(sent, "publishingSpecifications") {
            Some(publishing) => check_publishing(&mut violations, publishing, targeting, facts)?,
            None => violations.add(
                "publishingSpecifications",
                "The publishingSpecifications field is required when the destination is windowsUpdate.",
            ),
        },
        "anotherpartner" => match part(sent, "recipientSpecifications") {
            Some(recipient) => check_recipient(&mut violations, recipient),
            None => violations.add(
                "recipientSpecifications",
                "The recipientSpecifications field is required when the destination is anotherPartner.",
            ),
        },
        other => violations.add("destination", format!("The destination `{other}` is invalid.")),
    }
    check_targeting(&mut violations, targeting, facts)?;
    violations.into_result()
}

/// A documented error with its message at the top level and at the field.
fn documented(target: &str, message: &str) -> ErrorReply {
    ErrorReply::Api {
        code: ErrorCode::InvalidInput,
        message: message.to_owned(),
        targets: vec![(target.to_owned(), message.to_owned())],
    }
}

fn check_publishing(
    violations: &mut Violations,
    publishing: &Map<String, Value>,
    targeting: &Map<String, Value>,
    facts: &LabelContext<'_>,
) -> Result<(), ErrorReply> {
    check_installation(violations, publishing, facts)?;
    if !items(publishing, "visibleToAccounts").iter().all(Value::is_number) {
        violations.add(
            "publishingSpecifications.visibleToAccounts",
            "visibleToAccounts must be a list of numbers.",
        );
    }
    let date = text(publishing, "goLiveDate");
    let is_date = date.parse::<jiff::Timestamp>().is_ok() || date.parse::<jiff::civil::DateTime>().is_ok();
    if !date.is_empty() && !is_date {
        violations.add("publishingSpecifications.goLiveDate", format!("The date `{date}` is invalid."));
    }
    let approval = part(publishing, "additionalInfoForMsApproval");
    let service = part(targeting, "inServicePublishInfo");
    let has_ceiling = service.is_some_and(|service| !text(service, "ceiling").is_empty());
    let is_justified = approval.is_some_and(|approval| !text(approval, "businessJustification").is_empty());
    if has_ceiling && !is_justified {
        violations.add("targetingInfo.inServicePublishInfo", "A ceiling requires a business justification.");
    }
    let has_co_engineering = part(targeting, "coEngDriverPublishInfo").is_some();
    let is_test = |id: &Value| id.as_str().and_then(|id| audiences::is_test(facts.account, id)) == Some(true);
    if facts.is_attestation
        && !has_co_engineering
        && !items(targeting, "restrictedToAudiences").iter().any(is_test)
    {
        violations.add(
            "targetingInfo.restrictedToAudiences",
            "Attestation signed drivers can't be published to retail audiences. Restrict the shipping label to a CoDev \
             or Test Registry Key / Surface SSRK audience.",
        );
    }
    Ok(())
}

/// Automatic and manual installation exclude each other, and automatic installation needs information for Microsoft.
fn check_installation(
    violations: &mut Violations,
    publishing: &Map<String, Value>,
    facts: &LabelContext<'_>,
) -> Result<(), ErrorReply> {
    let automatic = flag(publishing, "isAutoInstallDuringOSUpgrade")
        || flag(publishing, "isAutoInstallOnApplicableSystems");
    let manual = value_of(publishing, "manualAcquisition").and_then(Value::as_bool);
    if facts.is_extension && !automatic {
        return Err(documented("publishingSpecifications", EXTENSION));
    }
    if automatic && manual == Some(true) {
        violations.add(
            "publishingSpecifications.manualAcquisition",
            "manualAcquisition must be false when the driver is installed automatically.",
        );
    }
    if !automatic && manual != Some(true) {
        violations.add(
            "publishingSpecifications.manualAcquisition",
            "manualAcquisition must be true when the driver isn't installed automatically.",
        );
    }
    if automatic && part(publishing, "additionalInfoForMsApproval").is_none() {
        violations.add(
            "publishingSpecifications.additionalInfoForMsApproval",
            "additionalInfoForMsApproval is required when the driver is installed automatically.",
        );
    }
    Ok(())
}

fn check_recipient(violations: &mut Violations, recipient: &Map<String, Value>) {
    // A string, unlike the numbers in visibleToAccounts.
    let id = text(recipient, "receiverPublisherId");
    if id.is_empty() || !id.bytes().all(|byte| byte.is_ascii_digit()) {
        violations.add(
            "recipientSpecifications.receiverPublisherId",
            "The receiverPublisherId field is required, as a text of digits.",
        );
    }
}

/// Rules for the targeting of a new label and of an update.
pub(crate) fn check_targeting(
    violations: &mut Violations,
    targeting: &Map<String, Value>,
    facts: &LabelContext<'_>,
) -> Result<(), ErrorReply> {
    let hardware = items(targeting, "hardwareIds");
    for (at, item) in hardware.iter().enumerate() {
        match item.as_object() {
            Some(item) => check_hardware_id(violations, item, facts),
            None => violations.add("targetingInfo.hardwareIds", format!("Item {at} is not an object.")),
        }
    }
    let chids = items(targeting, "chids");
    let is_windows_10 = |item: &Value| {
        item.as_object().is_some_and(|item| {
            text(item, "operatingSystemCode").to_ascii_uppercase().starts_with("WINDOWS_V100")
        })
    };
    if !chids.is_empty() && !hardware.iter().all(is_windows_10) {
        return Err(documented("targetingInfo.chids", CHIDS));
    }
    let is_guid = |item: &Value| {
        item.as_object().is_some_and(|item| text(item, "chid").trim_matches(['{', '}']).len() == 36)
    };
    if !chids.iter().all(is_guid) {
        violations.add("targetingInfo.chids", "A CHID must be a GUID.");
    }
    for id in items(targeting, "restrictedToAudiences") {
        let id = id.as_str().unwrap_or_default();
        if audiences::is_test(facts.account, id).is_none() {
            violations.add("targetingInfo.restrictedToAudiences", format!("The audience `{id}` is invalid."));
        }
    }
    check_floors(violations, targeting, facts.has_strict_floors);
    Ok(())
}

/// A hardware id must be in the driver metadata.
fn check_hardware_id(violations: &mut Violations, item: &Map<String, Value>, facts: &LabelContext<'_>) {
    let (bundle, inf) = (text(item, "bundleId"), text(item, "infId"));
    let (code, id) = (text(item, "operatingSystemCode"), text(item, "pnpString"));
    if !metadata::contains(facts.metadata, bundle, inf, code, id) {
        let message = format!(
            "The hardware id `{id}` for `{inf}`, `{code}`, bundle `{bundle}` is not in the driver metadata."
        );
        violations.add("targetingInfo.hardwareIds", message);
    }
}

/// The releases of Windows 10 and later, oldest first, as floors and codes name them.
const RELEASES: &[&str] = &[
    "TH", "TH1", "TH2", "RS1", "RS2", "RS3", "RS4", "RS5", "19H1", "VB", "FE", "CO", "NI", "MN", "GE",
    "25H2", "26H1",
];

/// The position of a release in [`RELEASES`], if it is known.
fn release(name: &str) -> Option<usize> {
    RELEASES.iter().position(|known| known.eq_ignore_ascii_case(name))
}

/// The release that an operating system code names.
fn release_of(code: &str) -> Option<usize> {
    code.split('_').find_map(release)
}

fn check_floors(violations: &mut Violations, targeting: &Map<String, Value>, is_strict: bool) {
    let (service, engineering) =
        (part(targeting, "inServicePublishInfo"), part(targeting, "coEngDriverPublishInfo"));
    if service.is_some() && engineering.is_some() {
        violations
            .add("targetingInfo", "Only one of inServicePublishInfo and coEngDriverPublishInfo is allowed.");
    }
    if let Some(service) = service {
        let floor = release(text(service, "flooring"));
        let ceiling = release(text(service, "ceiling"));
        let targeted = items(targeting, "hardwareIds").iter().filter_map(Value::as_object);
        let lowest = targeted.filter_map(|item| release_of(text(item, "operatingSystemCode"))).min();
        // Unknown releases are accepted: Microsoft adds one every year.
        if is_strict && floor.zip(lowest).is_some_and(|(floor, lowest)| floor < lowest) {
            let message = "The floor can't be lower than the lowest targeted operating system.";
            violations.add("targetingInfo.inServicePublishInfo", message);
        }
        if floor.zip(ceiling).is_some_and(|(floor, ceiling)| ceiling < floor) {
            violations
                .add("targetingInfo.inServicePublishInfo", "The ceiling can't be lower than the floor.");
        }
    }
    if let Some(engineering) = engineering {
        let five_digits =
            |value: &Value| value.as_u64().is_some_and(|build| (10_000..100_000).contains(&build));
        for name in ["flooringBuildNumber", "ceilingBuildNumber"] {
            if present(engineering, name).is_some_and(|value| !five_digits(value)) {
                violations.add(
                    "targetingInfo.coEngDriverPublishInfo",
                    format!("{name} must be a number of five digits."),
                );
            }
        }
    }
}
