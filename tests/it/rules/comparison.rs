//! The differences of two plans of one package, for edits of one rule.

use std::path::Path;

use dropship_config::{Config, Environment, load_str};
use dropship_engine::replay::describe;
use dropship_hardware::DriverMetadata;
use dropship_package::Facts;
use dropship_rules::comparison::{self, PlanDifference, PlannedPackage, PlanningOutcome};
use dropship_rules::{MatchInput, Planning, plan_package};
use serde_json::json;

const CONFIG: &str = r#"
account = { tenant_id = "t", client_id = "c", client_secret_file = "secret" }
store = { path = "/nowhere/store" }
control = { socket = "/nowhere/control.sock" }
folder = [{ name = "in", path = "/nowhere/in" }]
[[rule]]
name = "audio"
match = { file = "x.*" }
vars = { branch = { allowed = ["*"], default = "main" } }
[rule.product]
name = "x"
test_harness = "TEST_HARNESS"
device_type = "internal"
announcement_date = "+30d"
requested_signatures = ["WINDOWS_v100_X64_CO_FULL"]
selected_product_types = { windows_v100_CO = "Touch" }
[[rule.label]]
name = "x ring"
destination = "windows_update"
audiences = ["Test Registry Key", "Fabrikam"]
[rule.label.hardware_ids]
include = ["pci\\*"]
[[rule.label]]
name = "x {{ vars.branch }}"
destination = "windows_update"
audiences = ["Test Registry Key"]
after = "x ring"
soak = "2d"
"#;

/// Where the first label goes.
const PUBLIC: &str = "destination = \"windows_update\"\naudiences = [\"Test Registry Key\", \"Fabrikam\"]";

/// Texts of the configuration, and what replaces each.
type Edits<'a> = &'a [(&'a str, &'a str)];

fn config(kind: &str, edits: Edits<'_>) -> Config {
    let harness = if kind == "cab" { "attestation" } else { "hlk" };
    let mut text = CONFIG.replace("TEST_HARNESS", harness);
    for (from, to) in edits {
        assert!(text.contains(from), "{from}");
        text = text.replacen(from, to, 1);
    }
    load_str(Path::new("/nowhere/dropship.toml"), &text, &Environment::default())
        .unwrap_or_else(|report| panic!("{report}"))
}

fn facts(kind: &str) -> Facts {
    let inf = json!({
        "path": "x.inf", "name": "x.inf", "stem": "x", "provider": "Contoso", "class": "MEDIA", "class_guid": null,
        "version": "1.0.0.1", "date": null, "catalog": null, "extension_id": null, "pnp_lockdown": true,
        "hardware_ids": ["PCI\\VEN_8086&DEV_0001", "USB\\VID_045E&PID_0001"], "chids": [], "manufacturers": [],
        "descriptions": [], "architectures": [], "primitive": false,
    });
    let hlkx = json!({
        "operating_systems": ["WINDOWS_v100_X64_CO_FULL"], "product_types": {}, "kit_version": null,
        "package_type": null, "tests": null,
    });
    let is_cab = kind == "cab";
    serde_json::from_value(json!({
        "kind": kind, "size": 1, "files": [], "infs": if is_cab { vec![inf] } else { Vec::new() },
        "architectures": [], "signer": null, "hlkx": (!is_cab).then_some(hlkx),
    }))
    .expect("facts")
}

/// The differences that the edits make for a package without driver metadata.
fn differences(kind: &str, edits: Edits<'_>) -> Vec<PlanDifference> {
    let (old, new, facts) = (config(kind, &[]), config(kind, edits), facts(kind));
    let file = format!("x.{kind}");
    let input = MatchInput::new(&file, "0", &facts).in_folder(Some("in"));
    let at = "2026-11-28T12:00:00Z".parse().expect("a time");
    let planned = plan_package(&old.rules, &input, Planning::at(at));
    let outcome = PlanningOutcome::Planned(Box::new(planned.plan.expect("a plan")));
    let metadata: Box<Option<DriverMetadata>> = Box::new(None);
    let remembered =
        PlannedPackage { input, planning: &planned.planning, outcome: &outcome, metadata: &metadata };
    comparison::replay(&new.rules, &remembered, &|_| None).1
}

/// Cause and text of each difference.
fn describe_all(differences: &[PlanDifference]) -> Vec<String> {
    let line = |one: &PlanDifference| format!("{} | {}", one.cause, describe(one, 0).join(" "));
    differences.iter().map(line).collect()
}

#[test]
fn each_edit_has_its_own_differences_and_causes() {
    let ring = "rule `audio`, label `x ring`";
    let branch = "rule `audio`, label `x {{ vars.branch }}`";
    let whole_label = CONFIG.split_at(CONFIG.rfind("[[rule.label]]").expect("a label")).1;
    let cases: &[(&str, Edits<'_>, &[String])] = &[
        ("cab", &[], &[]),
        ("cab", &[("pci\\\\*", "[pP]ci\\\\*{,&*}")], &[]),
        ("cab", &[("\"Test Registry Key\", \"Fabrikam\"", "\"Fabrikam\", \"Test Registry Key\"")], &[]),
        (
            "cab",
            &[("name = \"x ring\"", "name = \"x first\""), ("after = \"x ring\"", "after = \"x first\"")],
            &["rule `audio`, label `x first`: name | label `x first`: name \"x first\" instead of \"x ring\"".to_owned()],
        ),
        ("cab", &[("soak = \"2d\"", "soak = \"3d\"")], &[format!("{branch}: soak | label `x main`: soak \"3d\" instead of \"2d\"")]),
        ("cab", &[("soak = \"2d\"", "soak = \"0s\"")], &[format!("{branch}: soak | label `x main`: soak none instead of \"2d\"")]),
        (
            "cab",
            &[(PUBLIC, "destination = \"another_partner\"\npartners = [\"123\"]\nenforce_chid_targeting = true")],
            &[
                format!("{ring}: audiences | label `x ring`: audiences none instead of [\"Test Registry Key\",\"Fabrikam\"]"),
                format!("{ring}: destination | label `x ring`: destination \"another_partner\" instead of \"windows_update\""),
                format!("{ring}: enforce_chid_targeting | label `x ring`: enforce_chid_targeting true instead of none"),
                format!("{ring}: partners | label `x ring`: partners [\"123\"] instead of none"),
            ],
        ),
        (
            "cab",
            &[("default = \"main\"", "default = \"next\"")],
            &[format!("{branch}: name | label `x next`: name \"x next\" instead of \"x main\"")],
        ),
        (
            "cab",
            &[(whole_label, "")],
            &[
                format!("{branch}: label | label `x main`: no longer asked for"),
                format!("{branch}: label | label `x main`: targets +0 -2"),
            ],
        ),
        (
            "cab",
            &[("device_type = \"internal\"", "device_type = \"external\""), ("+30d", "+31d")],
            &[
                "rule `audio`: product.announcement_date | product.announcement_date \"2026-12-29T12:00:00\" instead of \
                 \"2026-12-28T12:00:00\""
                    .to_owned(),
                "rule `audio`: product.device_type | product.device_type \"external\" instead of \"internal\"".to_owned(),
            ],
        ),
        (
            "cab",
            &[("\"WINDOWS_v100_X64_CO_FULL\"]", "\"WINDOWS_v100_X64_CO_FULL\", \"WINDOWS_v100_X64_NI_FULL\"]")],
            &[
                "rule `audio`: product.requested_signatures | product.requested_signatures \
                 [\"WINDOWS_v100_X64_CO_FULL\",\"WINDOWS_v100_X64_NI_FULL\"] instead of [\"WINDOWS_v100_X64_CO_FULL\"]"
                    .to_owned(),
                "rule `audio`: product.requested_signatures | label `x ring`: targets +1 -0".to_owned(),
                "rule `audio`: product.requested_signatures | label `x main`: targets +2 -0".to_owned(),
            ],
        ),
        (
            "cab",
            &[("pci\\\\*", "acpi\\\\*")],
            &[
                format!("{ring}: hardware_ids.include | label `x ring`: targets +0 -1"),
                format!(
                    "{ring}: hardware_ids.include | label `x ring`: it cannot be requested: it would target nothing: nothing fits \
                     `include` = \"acpi\\*\"; there is \"pci\\ven_8086&dev_0001\", \"usb\\vid_045e&pid_0001\""
                ),
            ],
        ),
        // The targets of an .hlkx are not known yet.
        (
            "hlkx",
            &[("pci\\\\*", "usb\\\\*")],
            &[format!("{ring}: hardware_ids.include | label `x ring`: hardware_ids.include [\"usb\\\\*\"] instead of [\"pci\\\\*\"]")],
        ),
        (
            "cab",
            &[("match = { file = \"x.*\" }", "match = { file = \"x.*\", provider = \"Fabrikam\" }")],
            &["rule `audio` no longer matches: match.provider | rejected instead of being planned: No rule is for this package; \
               closest is: rule `audio`: provider \"Contoso\" does not fit \"Fabrikam\""
                .to_owned()],
        ),
        (
            "cab",
            &[("name = \"audio\"", "name = \"sound\"")],
            &["rule `audio` no longer exists | rule `sound` instead of `audio`".to_owned()],
        ),
        (
            "cab",
            &[("name = \"x\"", "name = \"{{ inf.date }}\"")],
            &["rule `audio`: whether it can be applied | rejected instead of being planned: rule `audio` cannot be carried out for \
               this package: product.name: `{{ inf.date }}` cannot be rendered: `inf.date` is undefined: no INF of the package states it"
                .to_owned()],
        ),
    ];
    for (kind, edits, expected) in cases {
        assert_eq!(describe_all(&differences(kind, edits)), *expected, "{kind} {edits:?}");
    }
}
