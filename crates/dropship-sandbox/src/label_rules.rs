//! The hard rules of a new shipping label.

use serde_json::{Map, Value};

use super::audiences;
use super::metadata;
use super::products::value_of;
use super::reply::Fail;

/// What the rules need to know besides the label.
pub(super) struct Facts<'a> {
    pub(super) account: &'a str,
    pub(super) attestation: bool,
    pub(super) extension: bool,
    pub(super) metadata: &'a Value,
    /// Whether a floor is held to the lowest targeted system. Microsoft's own sample is below it.
    pub(super) strict_floors: bool,
}

/// The wrongs of a label, as targets and messages.
type Wrongs = Vec<(String, String)>;

/// The documented message about extension drivers.
const EXTENSION: &str = "Extension drivers must be published as an Automatic update. Either of \
                         isAutoInstallDuringOSUpgrade or isAutoInstallOnApplicableSystems must be true.";

/// The documented message about computer hardware ids.
const CHIDS: &str = "CHIDs are allowed only when HardwareIds are for operating systems Windows 10 and later.";

/// Checks a new label against the rules.
pub(super) fn check(sent: &Map<String, Value>, facts: &Facts<'_>) -> Result<(), Fail> {
    let mut wrongs = Wrongs::new();
    if text(sent, "name").trim().is_empty() {
        blame(&mut wrongs, "name", "The name field is required.");
    }
    let empty = Map::new();
    let targeting = value_of(sent, "targeting").and_then(Value::as_object).unwrap_or(&empty);
    match text(sent, "destination").to_ascii_lowercase().as_str() {
        "windowsupdate" => match value_of(sent, "publishingSpecifications").and_then(Value::as_object) {
            Some(publishing) => check_publishing(&mut wrongs, publishing, targeting, facts)?,
            None => blame(
                &mut wrongs,
                "publishingSpecifications",
                "The publishingSpecifications field is required when the destination is windowsUpdate.",
            ),
        },
        "anotherpartner" => match value_of(sent, "recipientSpecifications").and_then(Value::as_object) {
            Some(recipient) => check_recipient(&mut wrongs, recipient),
            None => blame(
                &mut wrongs,
                "recipientSpecifications",
                "The recipientSpecifications field is required when the destination is anotherPartner.",
            ),
        },
        other => blame(&mut wrongs, "destination", format!("The destination `{other}` is invalid.")),
    }
    check_targeting(&mut wrongs, targeting, facts)?;
    if wrongs.is_empty() { Ok(()) } else { Err(Fail::invalid(wrongs)) }
}

fn blame(wrongs: &mut Wrongs, target: &str, message: impl Into<String>) {
    wrongs.push((target.to_owned(), message.into()));
}

fn text<'a>(map: &'a Map<String, Value>, name: &str) -> &'a str {
    value_of(map, name).and_then(Value::as_str).unwrap_or_default()
}

fn flag(map: &Map<String, Value>, name: &str) -> bool {
    value_of(map, name).and_then(Value::as_bool).unwrap_or(false)
}

fn list<'a>(map: &'a Map<String, Value>, name: &str) -> &'a [Value] {
    value_of(map, name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// A documented error whose message stands at the top, with the field that it is about.
fn documented(target: &str, message: &str) -> Fail {
    Fail::Api {
        code: super::reply::Code::InvalidInput,
        message: message.to_owned(),
        targets: vec![(target.to_owned(), message.to_owned())],
    }
}

fn check_publishing(
    wrongs: &mut Wrongs,
    publishing: &Map<String, Value>,
    targeting: &Map<String, Value>,
    facts: &Facts<'_>,
) -> Result<(), Fail> {
    let upgrade = flag(publishing, "isAutoInstallDuringOSUpgrade");
    let applicable = flag(publishing, "isAutoInstallOnApplicableSystems");
    let automatic = upgrade || applicable;
    let manual = value_of(publishing, "manualAcquisition").and_then(Value::as_bool);
    if facts.extension && !automatic {
        return Err(documented("publishingSpecifications", EXTENSION));
    }
    if automatic && manual == Some(true) {
        blame(
            wrongs,
            "publishingSpecifications.manualAcquisition",
            "manualAcquisition must be false when the driver is installed automatically.",
        );
    }
    if !automatic && manual != Some(true) {
        blame(
            wrongs,
            "publishingSpecifications.manualAcquisition",
            "manualAcquisition must be true when the driver isn't installed automatically.",
        );
    }
    let approval = value_of(publishing, "additionalInfoForMsApproval").and_then(Value::as_object);
    if automatic && approval.is_none() {
        blame(
            wrongs,
            "publishingSpecifications.additionalInfoForMsApproval",
            "additionalInfoForMsApproval is required when the driver is installed automatically.",
        );
    }
    let accounts = list(publishing, "visibleToAccounts");
    if !accounts.iter().all(Value::is_number) {
        blame(
            wrongs,
            "publishingSpecifications.visibleToAccounts",
            "visibleToAccounts must be a list of numbers.",
        );
    }
    let date = text(publishing, "goLiveDate");
    if !date.is_empty()
        && date.parse::<jiff::Timestamp>().is_err()
        && date.parse::<jiff::civil::DateTime>().is_err()
    {
        blame(wrongs, "publishingSpecifications.goLiveDate", format!("The date `{date}` is invalid."));
    }
    let service = value_of(targeting, "inServicePublishInfo").and_then(Value::as_object);
    let ceiling = service.is_some_and(|service| !text(service, "ceiling").is_empty());
    let justified = approval.is_some_and(|approval| !text(approval, "businessJustification").is_empty());
    if ceiling && !justified {
        blame(wrongs, "targetingInfo.inServicePublishInfo", "A ceiling requires a business justification.");
    }
    let has_co_engineering = value_of(targeting, "coEngDriverPublishInfo").is_some_and(Value::is_object);
    let test = |id: &Value| id.as_str().and_then(|id| audiences::is_test(facts.account, id)) == Some(true);
    if facts.attestation && !has_co_engineering && !list(targeting, "restrictedToAudiences").iter().any(test)
    {
        blame(
            wrongs,
            "targetingInfo.restrictedToAudiences",
            "Attestation signed drivers can't be published to retail audiences. Restrict the shipping label to a CoDev \
             or Test Registry Key / Surface SSRK audience.",
        );
    }
    Ok(())
}

fn check_recipient(wrongs: &mut Wrongs, recipient: &Map<String, Value>) {
    // A text on the wire, unlike visibleToAccounts.
    let id = text(recipient, "receiverPublisherId");
    if id.is_empty() || !id.bytes().all(|byte| byte.is_ascii_digit()) {
        blame(
            wrongs,
            "recipientSpecifications.receiverPublisherId",
            "The receiverPublisherId field is required, as a text of digits.",
        );
    }
}

/// What holds for targeting in a new label and in an update alike.
pub(super) fn check_targeting(
    wrongs: &mut Wrongs,
    targeting: &Map<String, Value>,
    facts: &Facts<'_>,
) -> Result<(), Fail> {
    let hardware = list(targeting, "hardwareIds");
    for (at, item) in hardware.iter().enumerate() {
        let Some(item) = item.as_object() else {
            blame(wrongs, "targetingInfo.hardwareIds", format!("Item {at} is no object."));
            continue;
        };
        let (bundle, inf, code, id) = (
            text(item, "bundleId"),
            text(item, "infId"),
            text(item, "operatingSystemCode"),
            text(item, "pnpString"),
        );
        if !metadata::names(facts.metadata, bundle, inf, code, id) {
            let message = format!(
                "The hardware id `{id}` for `{inf}`, `{code}`, bundle `{bundle}` is not in the driver metadata."
            );
            blame(wrongs, "targetingInfo.hardwareIds", message);
        }
    }
    let chids = list(targeting, "chids");
    let modern = |item: &Value| {
        item.as_object().is_some_and(|item| {
            text(item, "operatingSystemCode").to_ascii_uppercase().starts_with("WINDOWS_V100")
        })
    };
    if !chids.is_empty() && !hardware.iter().all(modern) {
        return Err(documented("targetingInfo.chids", CHIDS));
    }
    if chids.iter().any(|item| {
        item.as_object().is_none_or(|item| text(item, "chid").trim_matches(['{', '}']).len() != 36)
    }) {
        blame(wrongs, "targetingInfo.chids", "A CHID must be a GUID.");
    }
    for id in list(targeting, "restrictedToAudiences") {
        let id = id.as_str().unwrap_or_default();
        if audiences::is_test(facts.account, id).is_none() {
            blame(wrongs, "targetingInfo.restrictedToAudiences", format!("The audience `{id}` is invalid."));
        }
    }
    check_floors(wrongs, targeting, facts.strict_floors);
    Ok(())
}

/// The releases of Windows 10 and later, oldest first, as floors and codes name them.
const RELEASES: &[&str] = &[
    "TH", "TH1", "TH2", "RS1", "RS2", "RS3", "RS4", "RS5", "19H1", "VB", "FE", "CO", "NI", "GE", "25H2",
    "26H1",
];

/// The place of a release among the others, if it is known.
fn release(name: &str) -> Option<usize> {
    RELEASES.iter().position(|known| known.eq_ignore_ascii_case(name))
}

/// The release that an operating system code names.
fn release_of(code: &str) -> Option<usize> {
    code.split('_').find_map(release)
}

fn check_floors(wrongs: &mut Wrongs, targeting: &Map<String, Value>, strict: bool) {
    let part = |name: &str| value_of(targeting, name).and_then(Value::as_object);
    let (service, engineering) = (part("inServicePublishInfo"), part("coEngDriverPublishInfo"));
    if service.is_some() && engineering.is_some() {
        blame(
            wrongs,
            "targetingInfo",
            "Only one of inServicePublishInfo and coEngDriverPublishInfo is allowed.",
        );
    }
    if let Some(service) = service {
        let floor = release(text(service, "flooring"));
        let ceiling = release(text(service, "ceiling"));
        let targeted = list(targeting, "hardwareIds").iter().filter_map(Value::as_object);
        let lowest = targeted.filter_map(|item| release_of(text(item, "operatingSystemCode"))).min();
        // A release that is not known here is let through: the list grows every year.
        if strict && floor.zip(lowest).is_some_and(|(floor, lowest)| floor < lowest) {
            let message = "The floor can't be lower than the lowest targeted operating system.";
            blame(wrongs, "targetingInfo.inServicePublishInfo", message);
        }
        if floor.zip(ceiling).is_some_and(|(floor, ceiling)| ceiling < floor) {
            blame(wrongs, "targetingInfo.inServicePublishInfo", "The ceiling can't be lower than the floor.");
        }
    }
    if let Some(engineering) = engineering {
        let five_digits =
            |value: &Value| value.as_u64().is_some_and(|build| (10_000..100_000).contains(&build));
        for name in ["flooringBuildNumber", "ceilingBuildNumber"] {
            if value_of(engineering, name).is_some_and(|value| !value.is_null() && !five_digits(value)) {
                blame(
                    wrongs,
                    "targetingInfo.coEngDriverPublishInfo",
                    format!("{name} must be a number of five digits."),
                );
            }
        }
    }
}
