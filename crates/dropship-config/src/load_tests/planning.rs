//! Plans of packages by rules.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use jiff::Timestamp;
use serde_json::json;

use dropship_package::Kind;
use dropship_rules::plan::{DestinationPlan, LabelDependency, StrategyPlan};
use dropship_rules::{MatchInput, Plan, PlanError, plan};

use crate::{Config, Environment, load_str};
use dropship_package::facts::{Facts, HlkxFacts, InfFacts};

fn now() -> Timestamp {
    "2026-11-20T10:00:00Z".parse().expect("time")
}

pub(crate) fn config(text: &str) -> Config {
    let config = load_str(Path::new("t.toml"), text, &Environment::default());
    config.unwrap_or_else(|report| panic!("{report}"))
}

fn inf(name: &str, version: &str) -> InfFacts {
    InfFacts {
        name: name.to_owned(),
        stem: name.trim_end_matches(".inf").to_owned(),
        provider: Some("Contoso".to_owned()),
        version: Some(version.to_owned()),
        ..InfFacts::default()
    }
}

fn facts(kind: Kind, infs: Vec<InfFacts>) -> Facts {
    Facts {
        kind,
        size: 1,
        files: Vec::new(),
        infs,
        architectures: BTreeSet::new(),
        signer: None,
        hlkx: None,
        content_sha256: None,
    }
}

fn planned(text: &str, file: &str, facts: &Facts) -> Result<Plan, PlanError> {
    let config = config(text);
    plan(&config.rules[0], &MatchInput::new(file, "00ff", facts), now())
}

const ATTESTATION: &str = r#"
[defaults.product]
device_type = "internal"
test_harness = "attestation"
is_test_sign = false
[defaults.label]
destination = "windows_update"
audiences = ["Test Registry Key"]
disclosure_restricted = true
[defaults.label.approval]
affected_oems = ["Contoso"]
microsoft_contact = "a@microsoft.com"

[[rule]]
name = "r"
[rule.product]
name = "{{ inf.provider }} {{ inf.stem }} {{ inf.version }}"
announcement_date = "+30d"
marketing_names = ["{{ inf.stem }} for {{ folder | default('all') }}"]
requested_signatures = ["WINDOWS_v100_X64_CO_FULL", "WINDOWS_v100_ARM64_CO_FULL"]
selected_product_types = { Windows_v100_CO = "Audio Device" }
additional_attributes = { svvp = { max_memory = 4096, guest_os = "x" } }
[[rule.label]]
name = "{{ inf.stem }} {{ inf.version }} ring"
[[rule.label]]
name = "{{ inf.stem }} {{ inf.version }} rest"
after = "* ring"
soak = "7d"
go_live = "+1d"
auto_install_on_applicable_systems = true
[rule.label.approval]
affected_oems = ["Fabrikam"]
[rule.label.hardware_ids]
include = ["pci\\ven_{{ '8086' }}*"]
lowest_os_only = true
"#;

#[test]
fn requests_are_rendered_with_defaults_filled_in() {
    let facts = facts(Kind::Cab, vec![inf("x.inf", "1.2.3.4")]);
    let plan = planned(ATTESTATION, "x.cab", &facts).expect("plan");
    assert_eq!(
        serde_json::to_value(&plan.product).expect("json"),
        json!({
            "productName": "Contoso x 1.2.3.4",
            "testHarness": "attestation",
            "announcementDate": "2026-12-20T10:00:00",
            "deviceType": "internal",
            "isTestSign": false,
            "isFlightSign": false,
            "marketingNames": ["x for all"],
            "selectedProductTypes": {"Windows_v100_CO": "Audio Device"},
            "requestedSignatures": ["WINDOWS_v100_X64_CO_FULL", "WINDOWS_v100_ARM64_CO_FULL"],
            "additionalAttributes": {"svvp": {"maxMemory": 4096, "guestOs": "x"}}
        })
    );
    assert_eq!(plan.submission.name, "Contoso x 1.2.3.4");
    assert_eq!(plan.strategy, StrategyPlan::New);
    let [ring, rest] = plan.labels.as_slice() else { panic!("two labels") };
    assert_eq!(ring.name, "x 1.2.3.4 ring");
    assert_eq!(ring.disclosure_restricted, Some(true));
    assert_eq!(
        rest.after,
        Some(LabelDependency { labels: vec!["x 1.2.3.4 ring".to_owned()], soak_seconds: 604_800 })
    );
    let approval = rest.approval.as_ref().expect("approval");
    assert_eq!(approval.affected_oems, ["Fabrikam"]);
    assert_eq!(approval.microsoft_contact.as_deref(), Some("a@microsoft.com"));
    assert!(rest.targets.include[0].is_match("PCI\\VEN_8086&DEV_1"));
    let text = serde_json::to_string(&plan).expect("json");
    let again: Plan = serde_json::from_str(&text).expect("plan");
    assert_eq!(again, plan, "a plan survives being kept with its job");
}

#[test]
fn plan_with_several_templates_that_do_not_render_reports_all() {
    let facts = facts(Kind::Cab, vec![inf("x.inf", "1"), inf("y.inf", "1")]);
    let error = planned(ATTESTATION, "x.cab", &facts).expect_err("differing stems");
    assert_eq!(error.problems.len(), 4, "{error}");
    assert!(
        error.problems[0]
            .ends_with("`inf.stem` is undefined: the INFs differ in it (x.inf has x, y.inf has y)"),
        "{error}"
    );
}

#[test]
fn value_that_renders_empty_is_an_error() {
    let text = ATTESTATION
        .replace("audiences = [\"Test Registry Key\"]", "audiences = [\"{{ inf.class | default('') }}\"]");
    let facts = facts(Kind::Cab, vec![inf("x.inf", "1")]);
    let error = planned(&text, "x.cab", &facts).expect_err("empty audience");
    assert_eq!(error.problems, ["label.audiences: `{{ inf.class | default('') }}` renders nothing"]);
}

#[test]
fn hlkx_supplies_signatures_and_product_types() {
    let text = r#"
[[rule]]
name = "whql"
match = { kind = "hlkx" }
[rule.product]
name = "{{ file.stem }}"
test_harness = "hlk"
device_type = "internalExternal"
requested_signatures = "from_package"
[rule.submission]
name = "{{ file.name }}"
"#;
    let mut package = facts(Kind::Hlkx, Vec::new());
    let none = planned(text, "a.hlkx", &package).expect_err("no codes");
    assert_eq!(
        none.problems,
        ["product.requested_signatures: the package states no OS codes that could be requested"]
    );
    package.hlkx = Some(HlkxFacts {
        operating_systems: vec!["WINDOWS_v100_X64_GE_FULL".to_owned()],
        product_types: BTreeMap::from([("Windows_v100_GE".to_owned(), "WLAN".to_owned())]),
        ..HlkxFacts::default()
    });
    let plan = planned(text, "a.hlkx", &package).expect("plan");
    assert_eq!(plan.product.requested_signatures, ["WINDOWS_v100_X64_GE_FULL"]);
    assert_eq!(plan.product.selected_product_types["Windows_v100_GE"], "WLAN");
    assert_eq!(plan.submission.name, "a.hlkx");
    let cab = facts(Kind::Cab, Vec::new());
    let wrong = planned(&text.replace("match = { kind = \"hlkx\" }", ""), "a.cab", &cab).expect_err("a cab");
    assert!(wrong.to_string().contains("takes an .hlkx, and the package is a .cab"), "{wrong}");
}

#[test]
fn products_that_exist_get_derived_submissions() {
    let text = |keys: &str| {
        format!(
            "[[rule]]\nname = \"dua\"\n[rule.product]\nstrategy = \"existing\"\n{keys}\n\
             [rule.submission]\nname = \"{{{{ file.stem }}}}\"\n"
        )
    };
    let package = facts(Kind::Hlkx, vec![inf("x.inf", "1")]);
    let by_id = planned(&text("id = \"14631253285588838\""), "a.hlkx", &package).expect("plan");
    assert_eq!(
        by_id.strategy,
        StrategyPlan::ExistingId(dropship_hardware::ProductId(14_631_253_285_588_838))
    );
    assert!(by_id.is_derived());
    let by_name = planned(&text("name = \"Contoso {{ inf.stem }}\""), "a.hlkx", &package).expect("plan");
    assert_eq!(by_name.strategy, StrategyPlan::ExistingName);
    assert_eq!(by_name.product.product_name, "Contoso x");
}

#[test]
fn partners_get_one_label_each() {
    let text = r#"
[defaults.label]
audiences = ["Test Registry Key"]
[[rule]]
name = "oem"
[rule.product]
name = "{{ inf.version }}"
test_harness = "hlk"
device_type = "internal"
requested_signatures = ["WINDOWS_v100_X64_CO_FULL"]
[[rule.label]]
name = "{{ inf.version }} to {{ partner }}"
destination = "another_partner"
partners = ["27691110", 5]
enforce_chid_targeting = true
[[rule.label]]
name = "{{ inf.version }} ring"
destination = "windows_update"
after = "* to *"
"#;
    let package = facts(Kind::Hlkx, vec![inf("x.inf", "1.0")]);
    let plan = planned(text, "a.hlkx", &package).expect("plan");
    let names: Vec<_> = plan.labels.iter().map(|label| label.name.as_str()).collect();
    assert_eq!(names, ["1.0 to 27691110", "1.0 to 5", "1.0 ring"]);
    assert_eq!(plan.labels[0].audiences, Vec::<String>::new(), "publishing is the partner's business");
    assert_eq!(
        plan.labels[0].destination,
        DestinationPlan::AnotherPartner {
            partner: "27691110".to_owned(),
            enforce_chid_targeting: Some(true),
            block_dua_creation: None,
        }
    );
    let after = plan.labels[2].after.as_ref().expect("after");
    assert_eq!(after.labels, ["1.0 to 27691110", "1.0 to 5"]);
}

#[test]
fn extension_inf_needs_an_automatic_flag() {
    let mut extension = inf("x.inf", "1.0");
    extension.extension_id = Some("{1}".to_owned());
    let package = facts(Kind::Cab, vec![extension]);
    let error = planned(ATTESTATION, "x.cab", &package).expect_err("manual");
    assert_eq!(error.problems.len(), 1, "{error}");
    assert!(error.problems[0].contains("extension INF only as an automatic update"), "{error}");
}

#[test]
fn sidecar_sets_declared_variables_only() {
    let text = r#"
[[rule]]
name = "r"
[rule.vars]
ring = { allowed = ["test", "pre*"], default = "test" }
[rule.product]
name = "{{ inf.version }} {{ vars.ring }}"
test_harness = "attestation"
device_type = "internal"
requested_signatures = ["WINDOWS_v100_X64_CO_FULL"]
"#;
    let config = config(text);
    let package = facts(Kind::Cab, vec![inf("x.inf", "1.0")]);
    let with = |vars: &[(&str, &str)]| {
        let vars = vars.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let input = MatchInput { vars: Some(&vars), ..MatchInput::new("x.cab", "", &package) };
        plan(&config.rules[0], &input, now()).map(|plan| plan.product.product_name)
    };
    assert_eq!(with(&[]).as_deref(), Ok("1.0 test"));
    assert_eq!(with(&[("ring", "preview")]).as_deref(), Ok("1.0 preview"));
    assert_eq!(with(&[("ring", "{{ 7 * 7 }}")]).expect_err("not allowed").problems.len(), 1);
    assert_eq!(
        with(&[("ring", "retail"), ("destination", "x")]).expect_err("not allowed").problems,
        ["the rule `r` declares no `vars.destination`", "`vars.ring` may be `test` and `pre*`, not `retail`"]
    );
}
