//! The output of `plan` about labels and rules.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::harness::rules::{LABEL, RULE, RuleFixture};
use crate::harness::text;

const CAB: &str = "cab/good-signed-ts.cab";

const RING: &str = "audiences = [\"Test Registry Key\"]";

/// The text that `plan` prints for a fixture, and its exit code.
fn print_plan(fixture: &RuleFixture, package: &str, name: &str, args: &[&str]) -> (Option<i32>, String) {
    fixture.plan(package, name);
    let file = fixture.path("drop").join(name);
    let output = fixture.run(&[&["plan", file.to_str().expect("a path")], args].concat());
    (output.status.code(), text(&output.stdout))
}

/// A rule for kit packages, with this label.
fn kit(label: &str) -> String {
    let rule = RULE.replace("*.cab", "*.hlkx").replace("attestation", "hlk");
    let name = "{{ inf.provider }} {{ file.stem }} {{ inf.version }}";
    format!("{}{}", rule.replace(name, "{{ file.stem }}"), label.replace(" {{ inf.version }}", ""))
}

#[test]
fn plan_of_a_kit_package_shows_what_will_select_its_targets() {
    let keys = r#"disclosure_restricted = true
floor = "NI"
ceiling = "GE"
chids = ["2f3d3eb7-0ed5-4f28-8e06-5b3e5e7d1a11"]
go_live = "+7d"
hold = true
hardware_ids = { include = ['pci\ven_1234*'], exclude = ['*subsys_0000*'], operating_systems = ["*_X64_*"], infs = ["echo.inf"], lowest_os_only = true }
approval = { business_justification = "why not", validations_performed = "all" }"#;
    let fixture = RuleFixture::new(&kit(&LABEL.replace(RING, keys)));
    let (code, printed) = print_plan(&fixture, "hlkx/good.hlkx", "echo.hlkx", &[]);
    assert_eq!(code, Some(0), "{printed}");
    for line in [
        "  destination: Windows Update, no audiences: every machine that the targets below fit",
        "  hardware ids: `pci\\ven_1234*`",
        "  except hardware ids: `*subsys_0000*`",
        "  operating systems: `*_X64_*`",
        "  operating systems: of each hardware id only the lowest",
        "  INFs: `echo.inf`",
        "  floor: NI",
        "  ceiling: GE",
        "  CHIDs: 2f3d3eb7-0ed5-4f28-8e06-5b3e5e7d1a11",
        "  disclosure: restricted",
        "  approval: businessJustification: why not",
        "(UTC), if approved today",
    ] {
        assert!(printed.contains(line), "{line} in {printed}");
    }
    assert!(!printed.contains("everybody"), "{printed}");
}

/// The hours from now to the go-live date of a label.
fn hours(plan: &Value, label: usize) -> i64 {
    let request = &plan["labels"][label]["foreseen"]["request"];
    let date = request["publishingSpecifications"]["goLiveDate"].as_str().expect("a date");
    let date: Timestamp = date.parse().expect("a time");
    (date.duration_since(Timestamp::now()) + SignedDuration::from_mins(30)).as_hours()
}

#[test]
fn plan_of_staged_labels_adds_soak_to_their_dates() {
    let label = |name: &str, keys: &str| {
        format!(
            "{}{keys}\n",
            LABEL.replace("ring\"", &format!("{name}\"")).replace("{{ file.stem }}", "{{ file.stem }} ")
        )
    };
    let rules = format!(
        "{RULE}{}{}{}",
        label("first", "go_live = \"+24h\""),
        label("second", "after = \"* first\"\nsoak = \"48h\"\ngo_live = \"+1h\""),
        label("third", "after = \"* second\"\nsoak = \"10h\"\ngo_live = \"+2h\""),
    );
    let fixture = RuleFixture::new(&rules);
    let (code, plan) = fixture.plan(CAB, "echo.cab");
    assert_eq!(code, Some(0), "{plan:#}");
    assert_eq!([hours(&plan, 0), hours(&plan, 1), hours(&plan, 2)], [24, 73, 85], "{plan:#}");
    let (_, printed) = print_plan(&fixture, CAB, "echo.cab", &[]);
    assert_eq!(printed.matches("(UTC), at the earliest").count(), 2, "{printed}");
    assert!(printed.contains("first, plus 2d\n") && printed.contains("second, plus 10h\n"), "{printed}");
}

#[test]
fn plan_raises_no_false_alarm_on_guids_and_descriptions() {
    for keys in [
        "audiences = [\"{2F3D3EB7-0ed5-4f28-8e06-5b3e5e7d1a11}\"]",
        "audiences = [\"2f3d3eb7-0ed5-4f28-8e06-5b3e5e7d1a11\"]",
        "audiences = [\"Test Registry Key\"]\nhardware_ids = { descriptions = [\"*\"] }",
    ] {
        for package in [CAB, "cab/multi.cab"] {
            let rule =
                RULE.replace("{{ inf.provider }} {{ file.stem }} {{ inf.version }}", "{{ file.stem }}");
            let label = LABEL.replace(" {{ inf.version }}", "").replace(RING, keys);
            let (code, plan) = RuleFixture::new(&format!("{rule}{label}")).plan(package, "echo.cab");
            assert_eq!(code, Some(0), "{keys}: {plan:#}");
            assert_eq!(plan["labels"][0]["foreseen"]["problems"], json!([]), "{keys}: {plan:#}");
        }
    }
}

#[test]
fn plan_lists_other_rules_last_and_summarises_many() {
    let others = |count: usize| {
        let other = |at: usize| {
            RULE.replace("\"ring\"", &format!("\"other {at}\"")).replace("*.cab", &format!("other{at}-*.cab"))
        };
        (0..count).map(other).collect::<String>()
    };
    let (_, printed) =
        print_plan(&RuleFixture::new(&format!("{}{RULE}{LABEL}", others(3))), CAB, "echo.cab", &[]);
    let label = printed.find("label: echo 1.2.3.4 ring").expect("a label");
    assert_eq!(printed.matches("does not match: ").count(), 3, "{printed}");
    assert!(printed.find("rule `other 0` does not match").is_some_and(|at| at > label), "{printed}");
    let fixture = RuleFixture::new(&format!("{}{RULE}{LABEL}", others(40)));
    let (_, printed) = print_plan(&fixture, CAB, "echo.cab", &[]);
    assert!(printed.contains("35 other rules do not apply either; `--json` lists them"), "{printed}");
    assert_eq!(printed.matches("does not match: ").count(), 5, "{printed}");
    let (_, plan) = fixture.plan(CAB, "echo.cab");
    assert_eq!(plan["passed_over"].as_array().map(Vec::len), Some(40));
}

/// Driver metadata as the service sends them, with these INFs.
fn metadata(infs: &Value) -> String {
    json!({"BundleInfoMap": {"4f0c1c1e-0000-4000-8000-000000000001": {"Locales": ["English"], "InfInfoMap": infs}}}).to_string()
}

fn echo(hardware_ids: &[&str]) -> Value {
    let ids: serde_json::Map<_, _> = hardware_ids.iter().map(|id| ((*id).to_owned(), json!({}))).collect();
    json!({"InfClass": "MEDIA", "DriverVersion": "1.2.3.4", "OSPnPInfoMap": {"WINDOWS_v100_X64_CO_FULL": ids}})
}

#[test]
fn plan_with_metadata_shows_the_requests_that_will_be_sent() {
    let fixture = RuleFixture::new(&format!(
        "guard = {{ unforeseen = \"hold\" }}\n{RULE}{LABEL}hardware_ids = {{ include = ['pci\\*'] }}\n"
    ));
    let plan = |infs: Value| {
        fixture.write("metadata.json", &metadata(&infs));
        fixture.plan(CAB, "echo.cab");
        let [file, metadata] = [fixture.path("drop/echo.cab"), fixture.path("metadata.json")]
            .map(|path| path.to_str().expect("a path").to_owned());
        fixture.json(&["plan", &file, "--metadata", &metadata])
    };
    let known = "pci\\ven_1234&dev_5678&subsys_00011234&rev_01";
    let (code, shown) = plan(json!({"echo.inf": echo(&[known, "root\\echo"])}));
    assert_eq!((code, &shown["metadata_mismatch"]), (Some(0), &Value::Null), "{shown:#}");
    let rows = &shown["labels"][0]["foreseen"]["request"]["targeting"]["hardwareIds"];
    assert_eq!((rows.as_array().map(Vec::len), &rows[0]["pnpString"]), (Some(1), &json!(known)), "{rows:#}");
    assert_eq!(rows[0]["bundleId"], "4f0c1c1e-0000-4000-8000-000000000001");
    assert_eq!(shown["labels"][0]["guard"]["held"], json!([]));
    // A target that the plan did not foresee is held; an INF that is missing or foreign holds the job.
    let (_, shown) = plan(json!({"echo.inf": echo(&[known, "pci\\ven_1234&dev_9999"])}));
    let held = shown["labels"][0]["guard"]["held"].to_string();
    assert!(held.contains("its plan did not foresee") && held.contains("dev_9999"), "{held}");
    let (code, shown) = plan(json!({"other.inf": echo(&[known])}));
    assert_eq!(code, Some(65), "{shown:#}");
    assert_eq!(shown["metadata_mismatch"], json!({"missing": ["echo.inf"], "foreign": ["other.inf"]}));
}

const KIT_CASE: &str = r#"
[[test]]
name = "a kit package"
package = { file = "x.hlkx" }
[test.expect]
rule = "ring"
"#;

#[test]
fn rule_test_without_targets_cannot_pass_expectations_about_them() {
    let label = LABEL.replace(RING, "chids = \"from_inf\"\nhardware_ids = { include = ['pci\\*'] }");
    let rules = kit(&label);
    let run = |expect: &str, key: &str| {
        let case = KIT_CASE.replace("name = \"a kit package\"", &format!("name = \"a kit package\"\n{key}"));
        let fixture = RuleFixture::new(&format!("{rules}{case}label = {{ {expect} }}\n"));
        let infs = json!({"echo.inf": echo(&["pci\\a", "usb\\b"])});
        let mut infs = infs;
        infs["echo.inf"]["InstallationComputerHardwareIds"] =
            json!(["{2F3D3EB7-0ed5-4f28-8e06-5b3e5e7d1a11}"]);
        fixture.write("metadata.json", &metadata(&infs));
        let output = fixture.run(&["test"]);
        (output.status.code(), format!("{}{}", text(&output.stdout), text(&output.stderr)))
    };
    for expect in [
        "hardware_ids = [{ pnp_string = \"pci*\" }]",
        "pnp_string = \"*\"",
        "targeting = { hardware_ids = [{ inf_id = \"echo.inf\" }] }",
        "chid = \"2f3d3eb7-*\"",
    ] {
        let (code, printed) = run(expect, "");
        assert_eq!(code, Some(1), "{expect}: {printed}");
        assert!(
            printed.contains("the case describes no hardware ids") && printed.contains("metadata = \"FILE\""),
            "{printed}"
        );
        let (code, printed) = run(expect, "metadata = \"metadata.json\"");
        assert_eq!(code, Some(0), "{expect}: {printed}");
    }
    let (code, printed) = run("pnp_string = \"usb*\"", "metadata = \"metadata.json\"");
    assert_eq!(code, Some(1), "{printed}");
    assert_eq!(run("manual_acquisition = true", "").0, Some(0));
    let (code, printed) = run("manual_acquisition = true", "metadata = \"nothing.json\"");
    assert_eq!(code, Some(78), "{printed}");
    assert!(printed.contains("the driver metadata") && printed.contains("cannot be used"), "{printed}");
}

#[test]
fn label_with_chids_of_infs_that_differ_is_refused_with_advice() {
    let rules = kit(&LABEL.replace(RING, &format!("{RING}\nchids = \"from_inf\"")));
    let run_with = |chids: [&str; 2]| {
        let mut infs = json!({"echo.inf": echo(&["pci\\a"]), "other.inf": echo(&["pci\\b"])});
        for (inf, chid) in ["echo.inf", "other.inf"].into_iter().zip(chids) {
            infs[inf]["InstallationComputerHardwareIds"] = json!([chid]);
        }
        let case = KIT_CASE
            .replace("name = \"a kit package\"", "name = \"a kit package\"\nmetadata = \"metadata.json\"");
        let fixture = RuleFixture::new(&format!("{rules}{case}label = {{ chid = \"2f3d3eb7-*\" }}\n"));
        fixture.write("metadata.json", &metadata(&infs));
        let output = fixture.run(&["test"]);
        (output.status.code(), format!("{}{}", text(&output.stdout), text(&output.stderr)))
    };
    let one = "{2F3D3EB7-0ed5-4f28-8e06-5b3e5e7d1a11}";
    assert_eq!(run_with([one, "2f3d3eb7-0ed5-4f28-8e06-5b3e5e7d1a11"]).0, Some(0));
    let (code, printed) = run_with([one, "{2f3d3eb7-0ed5-4f28-8e06-5b3e5e7d1a12}"]);
    assert_eq!(code, Some(1), "{printed}");
    assert!(
        printed.contains("name different CHIDs") && printed.contains("split the label by `infs`"),
        "{printed}"
    );
}
