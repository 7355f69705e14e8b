//! Label requests, the conditions that Microsoft refuses, and those that it reviews.

use jiff::Timestamp;
use serde_json::json;

use super::*;
use crate::plan::{ChidPlan, DestinationPlan, LabelPlan, Plan};
use crate::rule::{Build, TargetFilter};
use crate::schedule::{Days, GoLive};
use dropship_glob::Glob;
use dropship_hardware::{AdditionalInfo, Audience, DriverMetadata, NewShippingLabel};

const CHID: &str = "2f3d3eb7-0ed5-4f28-8e06-5b3e5e7d1a11";

fn metadata() -> DriverMetadata {
    let text = json!({"BundleInfoMap": {"b1": {"Locales": ["English"], "InfInfoMap": {
        "echo.inf": {"InfClass": "MEDIA", "DriverVersion": "1.2.0.0", "ExtensionId": null, "Provider": "Contoso",
            "InstallationComputerHardwareIds": [format!("{{{}}}", CHID.to_uppercase())],
            "OSPnPInfoMap": {
                "WINDOWS_v100_X64_CO_FULL": {
                    "pci\\ven_8086&dev_1&subsys_1": {"Manufacturer": "C", "DeviceDescription": "Echo One"},
                    "pci\\ven_10de&dev_2&subsys_2": {"Manufacturer": "C", "DeviceDescription": "Echo Two"}},
                "WINDOWS_v100_X64_NI_FULL": {
                    "PCI\\VEN_8086&DEV_1&SUBSYS_1": {"DeviceDescription": "Echo One"}},
                "WINDOWS_v100_ARM64_NI_FULL": {
                    "pci\\ven_8086&dev_1&subsys_1": {"DeviceDescription": "Echo One"}}}},
        "ext.inf": {"InfClass": "Extension", "DriverVersion": "1.2.0.0", "ExtensionId": "{1}",
            "OSPnPInfoMap": {"WINDOWS_7_X64": {"usb\\vid_1&pid_2": {}}}}}}}});
    serde_json::from_value(text).expect("metadata")
}

fn audiences() -> Vec<Audience> {
    let audience = |id: &str, name: &str, technical: &str| Audience {
        id: id.to_owned(),
        name: name.to_owned(),
        audience_name: technical.to_owned(),
        ..Audience::default()
    };
    vec![
        audience("a-1", "Test Registry Key", "Test_Registry_Key"),
        audience("a-2", "Beta", "Beta_1"),
        audience("a-3", "Beta", "Beta_2"),
    ]
}

fn plan() -> LabelPlan {
    LabelPlan {
        key: "{{ inf.version }}".to_owned(),
        name: "ring".to_owned(),
        destination: DestinationPlan::WindowsUpdate,
        hold: crate::hold::Hold::NONE,
        after: None,
        supersede: false,
        go_live: None,
        blackout: Vec::new(),
        auto_install_during_os_upgrade: false,
        auto_install_on_applicable_systems: false,
        disclosure_restricted: None,
        publish_to_windows10s: None,
        visible_to_accounts: Vec::new(),
        approval: None,
        audiences: vec!["test_registry_key".to_owned()],
        floor: None,
        ceiling: None,
        build: None,
        chids: ChidPlan::None,
        targets: select(&["echo.inf"], &[], &[]),
        attestation: true,
    }
}

fn globs(globs: &[&str]) -> Vec<Glob> {
    globs.iter().map(|glob| Glob::new(glob).expect("glob")).collect()
}

fn select(infs: &[&str], include: &[&str], os: &[&str]) -> TargetFilter {
    TargetFilter {
        infs: globs(infs),
        include: globs(include),
        operating_systems: globs(os),
        ..TargetFilter::default()
    }
}

fn now() -> Timestamp {
    "2026-11-20T10:00:00Z".parse().expect("time")
}

fn made(plan: &LabelPlan) -> NewShippingLabel {
    build(plan, &metadata(), &audiences(), now()).unwrap_or_else(|problems| panic!("{problems:?}"))
}

fn checks(plan: &LabelPlan) -> Vec<&'static str> {
    let problems = build(plan, &metadata(), &audiences(), now()).expect_err("refused");
    problems.iter().map(|problem| problem.check).collect()
}

fn rows(label: &NewShippingLabel) -> Vec<String> {
    let rows = &label.targeting.as_ref().expect("targeting").hardware_ids;
    rows.iter().map(|row| format!("{} {}", row.operating_system_code, row.pnp_string)).collect()
}

#[test]
fn essence_covers_the_rule_of_the_go_live_date_and_not_the_date() {
    let at = |now: &str, go_live: &str, blackout: &[&str]| {
        let blackout = blackout.iter().map(|days| Days::parse(days).expect("days")).collect();
        let plan = LabelPlan { go_live: Some(GoLive::parse(go_live).expect("a rule")), blackout, ..plan() };
        let request =
            build(&plan, &metadata(), &audiences(), now.parse().expect("a time")).expect("a request");
        essence(&plan, &request).into_owned()
    };
    let (friday, monday) = ("2026-11-20T10:00:00Z", "2026-11-23T10:00:00Z");
    assert_eq!(at(friday, "+7d", &[]), at(monday, "+7d", &[]));
    assert_ne!(at(friday, "+7d", &[]), at(friday, "+8d", &[]));
    assert_ne!(at(friday, "+7d", &[]), at(friday, "+7d next_working_day", &[]));
    assert_ne!(at(friday, "+7d", &[]), at(friday, "+7d", &["2027-12-24"]));
    assert_ne!(at(friday, "2027-01-01", &[]), at(friday, "2027-01-02", &[]));
    assert_eq!(at(friday, "2027-01-01", &[]), at(monday, "2027-01-01", &[]));
}

#[test]
fn request_has_required_and_configured_fields_only() {
    let label = made(&LabelPlan {
        targets: select(&[], &["pci\\ven_8086*"], &["WINDOWS_v100_X64_CO*"]),
        go_live: Some(GoLive::parse("+7d").expect("offset")),
        floor: Some("CO".to_owned()),
        disclosure_restricted: Some(true),
        ..plan()
    });
    assert_eq!(
        serde_json::to_value(&label).expect("json"),
        json!({
            "name": "ring",
            "destination": "windowsUpdate",
            "publishingSpecifications": {
                "goLiveDate": "2026-11-27T10:00:00.000Z",
                "isAutoInstallDuringOSUpgrade": false,
                "isAutoInstallOnApplicableSystems": false,
                "manualAcquisition": true,
                "isDisclosureRestricted": true
            },
            "targeting": {
                "hardwareIds": [{"bundleId": "b1", "infId": "echo.inf",
                    "operatingSystemCode": "WINDOWS_v100_X64_CO_FULL", "pnpString": "pci\\ven_8086&dev_1&subsys_1"}],
                "restrictedToAudiences": ["a-1"],
                "inServicePublishInfo": {"flooring": "CO"}
            }
        })
    );
}

#[test]
fn automatic_labels_are_not_manual_and_tell_the_reviewers_why() {
    let automatic = LabelPlan { auto_install_on_applicable_systems: true, ..plan() };
    assert_eq!(checks(&automatic), ["approval-info"]);
    let label = made(&LabelPlan {
        approval: Some(AdditionalInfo {
            microsoft_contact: Some("a@microsoft.com".to_owned()),
            ..AdditionalInfo::default()
        }),
        ..automatic
    });
    let publishing = label.publishing_specifications.expect("publishing");
    assert_eq!(publishing.manual_acquisition, Some(false));
    assert!(publishing.additional_info_for_ms_approval.is_some());
}

#[test]
fn selections_follow_every_glob_and_are_never_empty() {
    assert_eq!(rows(&made(&plan())).len(), 4);
    let mut lowest = plan();
    lowest.targets.lowest_os_only = true;
    assert_eq!(
        rows(&made(&lowest)),
        [
            "WINDOWS_v100_ARM64_NI_FULL pci\\ven_8086&dev_1&subsys_1",
            "WINDOWS_v100_X64_CO_FULL pci\\ven_10de&dev_2&subsys_2",
            "WINDOWS_v100_X64_CO_FULL pci\\ven_8086&dev_1&subsys_1",
        ]
    );
    let mut described = plan();
    described.targets.descriptions = globs(&["echo two"]);
    assert_eq!(rows(&made(&described)), ["WINDOWS_v100_X64_CO_FULL pci\\ven_10de&dev_2&subsys_2"]);
    described.targets.exclude = globs(&["*ven_10de*"]);
    assert_eq!(checks(&described), ["empty-selection"]);
    let empty = LabelPlan { targets: select(&["echo.inf"], &["usb*"], &[]), ..plan() };
    let problems = build(&empty, &metadata(), &audiences(), now()).expect_err("empty");
    assert_eq!(
        problems[0].to_string(),
        "label `ring`: it would target nothing: nothing fits `include` = \"usb*\"; there is \
         \"PCI\\VEN_8086&DEV_1&SUBSYS_1\", \"pci\\ven_10de&dev_2&subsys_2\", \"pci\\ven_8086&dev_1&subsys_1\""
    );
    let nothing = build(&plan(), &DriverMetadata::default(), &audiences(), now()).expect_err("no metadata");
    assert!(nothing[0].message.contains("names no hardware id at all"));
}

#[test]
fn missing_or_ambiguous_audience_is_a_problem() {
    let with = |names: &[&str]| LabelPlan {
        audiences: names.iter().map(|name| (*name).to_owned()).collect(),
        attestation: false,
        ..plan()
    };
    let ids = |names: &[&str]| made(&with(names)).targeting.expect("targeting").restricted_to_audiences;
    assert_eq!(ids(&["TEST registry key", "beta_2", "a-3"]), ["a-1", "a-3"]);
    let problems = build(&with(&["Beta", "Gamma"]), &metadata(), &audiences(), now()).expect_err("wrong");
    let messages: Vec<_> = problems.iter().map(|problem| problem.message.as_str()).collect();
    assert_eq!(
        messages,
        [
            "`Beta` fits several audiences: `a-2`, `a-3`; use the id",
            "the account has no audience `Gamma`; it has `Test Registry Key`, `Beta`, `Beta`"
        ]
    );
}

#[test]
fn request_that_microsoft_refuses_is_not_sent() {
    assert_eq!(checks(&LabelPlan { audiences: vec!["a-2".to_owned()], ..plan() }), ["attestation-retail"]);
    assert_eq!(
        checks(&LabelPlan { targets: select(&["ext.inf"], &[], &[]), ..plan() }),
        ["extension-automatic"]
    );
    let listed = ChidPlan::Listed(vec![format!("{{{CHID}}}")]);
    assert_eq!(
        checks(&LabelPlan { chids: listed.clone(), targets: TargetFilter::default(), ..plan() }),
        ["chids-down-level", "extension-automatic"]
    );
    assert_eq!(
        made(&LabelPlan { chids: listed, ..plan() }).targeting.expect("targeting").chids[0].chid,
        CHID
    );
    assert_eq!(
        made(&LabelPlan { chids: ChidPlan::FromInf, ..plan() }).targeting.expect("targeting").chids[0].chid,
        CHID
    );
    assert_eq!(
        checks(&LabelPlan { chids: ChidPlan::FromInf, targets: select(&["ext.inf"], &[], &[]), ..plan() }),
        ["chids", "extension-automatic"]
    );
    let mut old = metadata();
    let echo = old.bundles.get_mut("b1").and_then(|bundle| bundle.infs.get_mut("echo.inf")).expect("inf");
    let pnps = echo.os_pnp.get("WINDOWS_v100_X64_CO_FULL").expect("os").clone();
    echo.os_pnp.insert("WINDOWS_v63_X64".to_owned(), pnps);
    let listed = ChidPlan::Listed(vec![CHID.to_owned()]);
    let down_level = LabelPlan { chids: listed, ..plan() };
    assert!(build(&down_level, &metadata(), &audiences(), now()).is_ok());
    let refused = build(&down_level, &old, &audiences(), now()).expect_err("CHIDs");
    assert_eq!(refused.iter().map(|problem| problem.check).collect::<Vec<_>>(), ["chids-down-level"]);
    assert_eq!(checks(&LabelPlan { floor: Some("RS5".to_owned()), ..plan() }), ["floor-too-low"]);
    assert_eq!(checks(&LabelPlan { ceiling: Some("GE".to_owned()), ..plan() }), ["ceiling-too-high"]);
    assert_eq!(
        checks(&LabelPlan { floor: Some("NI".to_owned()), ceiling: Some("CO".to_owned()), ..plan() }),
        ["floor-above-ceiling"]
    );
    let build_numbers = Some(Build { floor: Some(26_100), ceiling: Some(27_000) });
    assert_eq!(
        checks(&LabelPlan { build: build_numbers, floor: Some("NI".to_owned()), ..plan() }),
        ["floor-and-build"]
    );
    let co_engineering = made(&LabelPlan { build: build_numbers, audiences: Vec::new(), ..plan() });
    let info =
        co_engineering.targeting.expect("targeting").co_eng_driver_publish_info.expect("build numbers");
    assert_eq!((info.flooring_build_number, info.ceiling_build_number), (Some(26_100), Some(27_000)));
}

#[test]
fn partner_label_has_targeting_and_no_publishing() {
    let label = made(&LabelPlan {
        destination: DestinationPlan::AnotherPartner {
            partner: "27691110".to_owned(),
            enforce_chid_targeting: None,
            block_dua_creation: Some(true),
        },
        audiences: Vec::new(),
        targets: select(&["echo.inf"], &["*10de*"], &[]),
        ..plan()
    });
    assert_eq!(
        serde_json::to_value(&label).expect("json"),
        json!({
            "name": "ring",
            "destination": "anotherPartner",
            "recipientSpecifications": {"receiverPublisherId": "27691110", "enforceChidTargeting": false, "blockDuaCreation": true},
            "targeting": {"hardwareIds": [{"bundleId": "b1", "infId": "echo.inf",
                "operatingSystemCode": "WINDOWS_v100_X64_CO_FULL", "pnpString": "pci\\ven_10de&dev_2&subsys_2"}]}
        })
    );
}

#[test]
fn doubts_are_warnings_with_their_source() {
    let mut data = metadata();
    let echo = data.bundles.get_mut("b1").and_then(|bundle| bundle.infs.get_mut("echo.inf")).expect("inf");
    echo.inf_class = Some("Firmware".to_owned());
    let pnps = echo.os_pnp.get_mut("WINDOWS_v100_X64_CO_FULL").expect("os");
    pnps.insert("pci\\ven_8086&dev_9".to_owned(), dropship_hardware::PnpInfo::default());
    let old = pnps.clone();
    echo.os_pnp.insert("WINDOWS_7_X64".to_owned(), old);
    let plan = plan();
    let label = build(&plan, &data, &audiences(), now()).expect("label");
    let reported: Vec<_> = warnings(&plan, &label, &data)
        .into_iter()
        .map(|warning| (warning.message, warning.document))
        .collect();
    assert_eq!(
        reported,
        [
            (
                "`pci\\ven_8086&dev_9` has only two parts, the vendor and the device: it needs another review".to_owned(),
                "Microsoft: Publishing restrictions"
            ),
            (
                "echo.inf is firmware, which requires CHIDs (other pages forbid them)".to_owned(),
                "Microsoft: Driver flighting"
            ),
            (
                "it mixes WINDOWS_7_X64 with WINDOWS_v100_ARM64_NI_FULL; down-level systems want a label of their own"
                    .to_owned(),
                "Microsoft: Other policies"
            ),
        ]
    );
}

#[test]
fn extension_inf_for_machines_of_several_oems_is_a_warning() {
    let mut data = metadata();
    let echo = data.bundles.get_mut("b1").and_then(|bundle| bundle.infs.get_mut("echo.inf")).expect("inf");
    echo.extension_id = Some("{2f3d3eb7-0ed5-4f28-8e06-5b3e5e7d1a11}".to_owned());
    let pnps = echo.os_pnp.get_mut("WINDOWS_v100_X64_CO_FULL").expect("os");
    for id in ["pci\\ven_8086&dev_9&subsys_0001103C", "pci\\ven_8086&dev_9&subsys_000217AA"] {
        pnps.insert(id.to_owned(), dropship_hardware::PnpInfo::default());
    }
    let reported = |plan: &LabelPlan, data: &DriverMetadata| {
        let label = build(plan, data, &audiences(), now()).expect("label");
        let reported: Vec<_> =
            warnings(plan, &label, data).into_iter().map(|warning| warning.message).collect();
        reported.join("\n")
    };
    // An extension INF has to be installed automatically, for which Microsoft asks for a business justification.
    let plan = |justification: &str| LabelPlan {
        auto_install_on_applicable_systems: true,
        approval: Some(AdditionalInfo {
            business_justification: Some(justification.to_owned()),
            ..AdditionalInfo::default()
        }),
        ..plan()
    };
    assert!(
        reported(&plan("new devices"), &data).contains("(subsystem vendors 103c, 17aa)"),
        "{}",
        reported(&plan("new devices"), &data)
    );
    let two = plan("ExtendsInboxDriver = wdma_usb.inf and ExtendsInboxDriver = hdaudio.inf");
    assert!(reported(&two, &data).contains("several inbox drivers"), "{}", reported(&two, &data));
    assert!(!reported(&plan("ExtendsInboxDriver = wdma_usb.inf"), &data).contains("several inbox drivers"));
}

#[test]
fn infs_of_one_name_in_two_folders_are_predicted_separately() {
    let inf = |folder: &str, id: &str| dropship_package::facts::InfFacts {
        path: format!("{folder}echo.inf"),
        name: "echo.inf".to_owned(),
        hardware_ids: vec![id.to_owned()],
        ..Default::default()
    };
    let facts = dropship_package::Facts {
        kind: dropship_package::Kind::Cab,
        size: 1,
        files: Vec::new(),
        infs: vec![inf("x64/", "PCI\\A"), inf("arm64/", "PCI\\B"), inf("", "PCI\\C")],
        architectures: std::collections::BTreeSet::new(),
        signer: None,
        hlkx: None,
        content_sha256: None,
    };
    let whole = Plan {
        rule: "r".to_owned(),
        rule_digest: String::new(),
        account: "default".to_owned(),
        strategy: crate::plan::StrategyPlan::New,
        product: serde_json::from_value(
            json!({"productName": "p", "testHarness": "attestation", "deviceType": "internal",
            "requestedSignatures": ["WINDOWS_v100_X64_CO_FULL"]}),
        )
        .expect("a product"),
        submission: serde_json::from_value(json!({"name": "s", "type": "initial"})).expect("a submission"),
        labels: vec![plan()],
    };
    let found = preview(&plan(), &whole, &facts, Timestamp::UNIX_EPOCH);
    let request = found.request.unwrap_or_else(|| panic!("{:?}", found.problems));
    let rows = request.targeting.expect("targets").hardware_ids;
    let shown: Vec<_> =
        rows.iter().map(|row| (predicted_folder(&row.bundle_id), row.pnp_string.as_str())).collect();
    assert_eq!(shown, [(None, "pci\\c"), (Some("arm64"), "pci\\b"), (Some("x64"), "pci\\a")]);
}
