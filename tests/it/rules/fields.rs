//! Every fact that a rule can match, every field of a request, and Microsoft's requirements.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde_json::Value;

use super::cab::cab_with;
use crate::harness::rules::{LABEL, RULE, RuleFixture};
use crate::harness::text;

#[test]
fn every_match_fact_selects_the_rule() {
    // A match key, a value that matches, and one that does not.
    let facts = [
        ("provider = \"Con*\"", "provider = \"Contoso\"", "provider = \"Fabrikam\""),
        ("class = [\"MEDIA\", \"System\"]", "class = \"system\"", "class = \"Net\""),
        ("class_guid = \"{4d36e96c-*}\"", "class_guid = \"{4D36E96C-0}\"", "class_guid = \"{0}\""),
        ("class_guid = \"4d36e96c-0\"", "class_guid = \"{4D36E96C-0}\"", "class_guid = \"{0}\""),
        ("chid = \"{0-a12}\"", "chids = \"0-A12\"", "chids = \"0-b12\""),
        ("version = \">=1.2, <2\"", "version = \"1.10.0.0\"", "version = \"2.0.0.0\""),
        ("version = [\"<1\", \">=3\"]", "version = \"3.0.0.1\"", "version = \"1.5.0.0\""),
        ("date = \"2026-*\"", "date = \"2026-01-31\"", "date = \"2025-01-31\""),
        ("inf = \"{a,b}.inf\"", "inf = \"B.inf\"", "inf = \"c.inf\""),
        ("hardware_id = 'PCI\\VEN_8086*'", "hardware_ids = 'pci\\ven_8086&dev_1'", "hardware_ids = 'usb\\x'"),
        ("chid = \"*-a1?\"", "chids = \"{0-a12}\"", "chids = \"{0-b12}\""),
        ("manufacturer = \"Contoso\"", "manufacturers = \"contoso\"", "manufacturers = \"Fabrikam\""),
        ("description = \"*Audio*\"", "descriptions = \"My audio\"", "descriptions = \"Net\""),
        ("signer = \"Contoso*\"", "signer = \"Contoso Ltd\"", "signer = \"Fabrikam\""),
        ("kind = \"cab\"", "kind = \"cab\"", "kind = \"hlkx\""),
        ("architecture = \"arm64\"", "architectures = [\"amd64\", \"arm64\"]", "architectures = \"amd64\""),
        ("contains = \"*.sys\"", "files = 'Drv\\x.sys'", "files = 'Drv\\x.dll'"),
        ("extension = true", "extension_id = \"{1}\"", "provider = \"x\""),
        (
            "not = { provider = \"Fab*\", class = \"Net\" }",
            "provider = \"Fabrikam\"",
            "provider = \"Fabrikam\"\nclass = \"Net\"",
        ),
        ("not = [{ class = \"Net\" }, { class = \"System\" }]", "class = \"MEDIA\"", "class = \"System\""),
    ];
    let mut rules_env = String::new();
    for (at, (matching, fits, other)) in facts.iter().enumerate() {
        let key = matching.split(' ').next().expect("a key");
        let rule = RULE
            .replace("\"ring\"", &format!("\"{at} {key}\""))
            .replace("{ file = \"*.cab\" }", &format!("{{ file = \"{at}-*\", {matching} }}"));
        rules_env.push_str(
            &rule.replace("{{ inf.provider }} {{ file.stem }} {{ inf.version }}", "{{ file.stem }}"),
        );
        for (says, expect) in [
            (fits, format!("rule = \"{at} {key}\"")),
            (other, format!("rejected = true\nerror = \"*{key}*\"")),
        ] {
            let own = if says.contains("inf =") { "" } else { "inf = \"x.inf\"\n" };
            write!(
                rules_env,
                "[[test]]\nname = \"{at} {key} {}\"\n[test.package]\nfile = \"{at}-x.cab\"\n{own}{says}\n[test.expect]\n{expect}\n",
                expect.starts_with("rule")
            )
            .expect("written");
        }
    }
    // Facts of packages that the kit made.
    for (at, (matching, fits, other)) in [
        (
            "operating_system = \"*_X64_GE_*\"",
            "operating_systems = \"WINDOWS_v100_X64_GE_FULL\"",
            "operating_systems = \"WINDOWS_v100_X64_CO_FULL\"",
        ),
        (
            "product_type = \"WLAN\"",
            "product_types = { windows_v100_GE = \"wlan\" }",
            "product_types = { windows_v100_GE = \"Touch\" }",
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let rule = RULE
            .replace("\"ring\"", &format!("\"kit {at}\""))
            .replace("{ file = \"*.cab\" }", &format!("{{ file = \"kit{at}-*.hlkx\", {matching} }}"))
            .replace("attestation", "hlk")
            .replace("{{ inf.provider }} {{ file.stem }} {{ inf.version }}", "{{ file.stem }}");
        rules_env.push_str(&rule);
        for (says, expect) in [(fits, format!("rule = \"kit {at}\"")), (other, "rejected = true".to_owned())]
        {
            let name = format!("kit {at} {}", expect.starts_with("rule"));
            write!(
                rules_env,
                "[[test]]\nname = \"{name}\"\n[test.package]\nfile = \"kit{at}-x.hlkx\"\n{says}\n[test.expect]\n{expect}\n"
            )
            .expect("written");
        }
    }
    let rules_env = RuleFixture::new(&rules_env);
    let output = rules_env.run(&["test"]);
    assert_eq!(output.status.code(), Some(0), "{}{}", text(&output.stdout), text(&output.stderr));
    assert!(text(&output.stdout).contains("44 passed"), "{}", text(&output.stdout));
}

/// The facts that need a signed package: the issuer of its certificate, the version of its kit.
#[test]
fn every_package_fact_selects_the_rule() {
    for (package, key, other, fits) in [
        ("cab/good-signed-ts.cab", "issuer", "\"CN=Nobody*\"", "\"CN=Test EV Code Signing CA*\""),
        (
            "cab/good-signed-ts.cab",
            "thumbprint",
            "\"0000000000000000000000000000000000000000\"",
            "\"848C3F416622BAFB73C80D082289AFBA931B7F6F\"",
        ),
        ("cab/good-signed-ts.cab", "primitive", "true", "false"),
        ("hlkx/good.hlkx", "kit_version", "\"10.0.*\"", "\"10.1.26100.*\""),
    ] {
        let name = package.rsplit_once('/').map_or(package, |(_, name)| name);
        let harness = if name.ends_with(".hlkx") { "hlk" } else { "attestation" };
        let rule = |called: &str, value: &str| {
            RULE.replace("\"ring\"", &format!("\"{called}\""))
                .replace("{ file = \"*.cab\" }", &format!("{{ {key} = {value} }}"))
                .replace("attestation", harness)
                .replace("{{ inf.provider }} {{ file.stem }} {{ inf.version }}", "{{ file.stem }}")
        };
        let (_, plan) = RuleFixture::new(&(rule("other", other) + &rule("fits", fits))).plan(package, name);
        assert_eq!(plan["rule"], "fits", "{key}: {plan:#}");
        let passed = plan["passed_over"].to_string();
        assert!(passed.contains("other") && passed.contains(key), "{key}: {passed}");
    }
}

/// The rows that a label of a package with two INFs targets, as `INF OS-version`, with these keys of `hardware_ids`.
fn selected(keys: &str) -> (Option<i32>, BTreeSet<String>, Value) {
    let rule = RULE.replace("{{ inf.provider }} {{ file.stem }} {{ inf.version }}", "{{ file.stem }}");
    let label = LABEL.replace(" {{ inf.version }}", "");
    let rules_env = RuleFixture::new(&format!("{rule}{label}hardware_ids = {{ {keys} }}\n"));
    let (code, plan) = rules_env.plan("cab/multi.cab", "multi.cab");
    let foreseen = plan["labels"][0]["foreseen"].clone();
    let rows = foreseen["request"]["targeting"]["hardwareIds"].as_array().cloned().unwrap_or_default();
    let shown = |row: &Value| {
        let [inf, os, id] =
            ["infId", "operatingSystemCode", "pnpString"].map(|key| row[key].as_str().expect("a text"));
        format!("{inf} {} {}", &os[17..19], &id[..3])
    };
    (code, rows.iter().map(shown).collect(), foreseen)
}

#[test]
fn label_with_empty_selection_never_targets_everything() {
    let rows = |text: &str| text.split(", ").map(str::to_owned).collect::<BTreeSet<_>>();
    let all = "driver1.inf CO pci, driver1.inf CO roo, driver1.inf NI pci, driver1.inf NI roo, \
               driver2.inf CO pci, driver2.inf CO roo, driver2.inf NI pci, driver2.inf NI roo";
    for (keys, wanted) in [
        ("", all),
        (
            "include = ['pci\\*']",
            "driver1.inf CO pci, driver1.inf NI pci, driver2.inf CO pci, driver2.inf NI pci",
        ),
        ("exclude = ['PCI\\*', 'ROOT\\DRIVER1']", "driver2.inf CO roo, driver2.inf NI roo"),
        ("include = \"root*\", operating_systems = \"*_NI_*\"", "driver1.inf NI roo, driver2.inf NI roo"),
        ("infs = \"*2.inf\", lowest_os_only = true", "driver2.inf CO pci, driver2.inf CO roo"),
        (
            "bundles = \"*\", infs = \"DRIVER1.*\", include = \"*\", operating_systems = [\"*_CO_*\"]",
            "driver1.inf CO pci, driver1.inf CO roo",
        ),
    ] {
        let (code, found, foreseen) = selected(keys);
        assert_eq!((code, found), (Some(0), rows(wanted)), "{keys}: {foreseen:#}");
    }
    for (keys, emptied) in [
        ("include = ['usb\\*']", "include"),
        ("infs = \"other.inf\"", "infs"),
        ("descriptions = \"Nothing like it\"", "descriptions"),
        ("exclude = [\"*\"]", "exclude"),
        ("include = ['root\\driver1'], infs = \"driver2.inf\"", "include"),
    ] {
        let (code, found, foreseen) = selected(keys);
        assert_eq!((code, found.len(), &foreseen["request"]), (Some(65), 0, &Value::Null), "{keys}");
        let problem = foreseen["problems"][0]["message"].as_str().expect("a message");
        assert!(
            problem.contains("it would target nothing") && problem.contains(emptied),
            "{keys}: {problem}"
        );
    }
}

#[test]
fn request_that_microsoft_refuses_is_an_error_of_check() {
    let ring = "audiences = [\"Test Registry Key\"]";
    let kit = |keys: &str| {
        let label = LABEL.replace(" {{ inf.version }}", "").replace(ring, keys);
        let rule = RULE.replace("\"*.cab\"", "\"*.hlkx\"").replace("attestation", "hlk");
        format!(
            "{}{label}",
            rule.replace("{{ inf.provider }} {{ file.stem }} {{ inf.version }}", "{{ file.stem }}")
        )
    };
    // By `check`, if the configuration alone shows it.
    for (keys, why) in [
        ("auto_install_on_applicable_systems = true", "approval"),
        ("floor = \"NI\"\nceiling_build = 22621", "floor"),
        ("floor_build = 2262", "five digits"),
        ("floor_build = 22631\nceiling_build = 22621", "is below"),
        ("ceiling = \"NI\"", "business_justification"),
        ("floor = \"NJ\"", "NJ"),
        ("chids = [\"x\"]", "GUID"),
        ("enforce_chid_targeting = true", "enforce_chid_targeting"),
        ("block_dua_creation = true", "block_dua_creation"),
        ("hardware_ids = { operating_systems = \"WINDOWS_v100_X64_NL_FULL\" }", "NL"),
    ] {
        let messages = RuleFixture::new(&kit(keys)).check();
        assert!(messages.contains(why) && messages.contains("dropship.toml:"), "{keys}: {messages}");
    }
    // By `plan`, if the package shows it.
    let approval = "approval = { business_justification = \"x\", validations_performed = \"y\" }";
    for (package, keys, os, why) in [
        ("ext.cab", ring.to_owned(), "CO", "automatic"),
        ("good-signed-ts.cab", format!("{ring}\nfloor = \"RS5\""), "CO", "its floor is below"),
        ("good-signed-ts.cab", format!("{ring}\nceiling = \"GE\"\n{approval}"), "CO", "its ceiling is above"),
        ("good-signed-ts.cab", format!("{ring}\nchids = \"from_inf\""), "CO", "name no CHID"),
    ] {
        let label = LABEL.replace(ring, &keys);
        let rule = RULE.replace(
            "\"WINDOWS_v100_X64_CO_FULL\", \"WINDOWS_v100_X64_NI_FULL\"",
            &format!("\"WINDOWS_v100_X64_{os}_FULL\""),
        );
        let (code, plan) =
            RuleFixture::new(&format!("{rule}{label}")).plan(&format!("cab/{package}"), "x.cab");
        assert_eq!(code, Some(65), "{keys}: {plan:#}");
        assert!(plan.to_string().contains(why), "{why}: {plan:#}");
    }
}

#[test]
fn request_that_microsoft_reviews_is_a_warning_with_source() {
    let types = "[rule.product]\nselected_product_types = { windows_v100_CO = \"Unclassified\" }";
    let rules_env = RuleFixture::new(&format!("{RULE}{LABEL}").replace("[rule.product]", types));
    let config = std::fs::read_to_string(rules_env.path("dropship.toml")).expect("a configuration");
    rules_env.write("dropship.toml", &config.replace("signers = {", "signers = { allow_unsigned = true,"));
    let file = rules_env.path("drop/x.cab");
    let warnings = |to: &str| {
        std::fs::write(&file, cab_with(&[("ROOT\\ECHO", to)])).expect("dropped");
        let (code, plan) = rules_env.json(&["plan", file.to_str().expect("a path")]);
        assert_eq!(code, Some(0), "a warning is no refusal: {plan:#}");
        let found = plan["labels"][0]["foreseen"]["warnings"].as_array().expect("warnings").clone();
        let sourced =
            |one: &Value| one["document"].as_str().is_some_and(|from| from.starts_with("Microsoft: "));
        assert!(found.iter().all(sourced), "{found:?}");
        let text: Vec<_> = found.iter().map(|one| one["message"].as_str().expect("a message")).collect();
        text.join("\n")
    };
    let plain = warnings("ROOT\\ECHO");
    assert!(plain.contains("Unclassified") && plain.lines().count() == 1, "{plain}");
    for (to, why) in [
        ("BIOS\\PNP1", "begins with `bios\\pnp`"),
        ("*DONTUSEX", "begins with `*dontuse`"),
        ("PCI\\VEN_1", "names no device"),
        ("ECHODRIVE", "no bus enumerator"),
    ] {
        let found = warnings(to);
        assert!(found.contains(why), "{to}: {found}");
    }
}

const EVERYTHING: &str = r#"
[[rule]]
name = "all"
match = { file = "*.hlkx" }
[rule.product]
name = "Echo {{ file.stem }}"
test_harness = "hlk"
announcement_date = "2027-01-31"
device_metadata_ids = ["7f1d7c6e-0000-4000-8000-000000000001"]
firmware_version = "980"
device_type = "internal_external"
is_test_sign = true
is_flight_sign = true
marketing_names = ["Echo One", "Echo {{ file.stem }}"]
selected_product_types = { windows_v100_CO = "Audio Device" }
requested_signatures = ["WINDOWS_v100_X64_CO_FULL"]
additional_attributes = { svvp = { max_processors = 8, max_memory = 4096 } }
package_type = "x"
[rule.submission]
name = "S {{ file.stem }}"
[[rule.label]]
name = "{{ file.stem }} retail"
destination = "windows_update"
go_live = "2027-02-03T10:00:00Z"
visible_to_accounts = [27691110]
auto_install_during_os_upgrade = true
auto_install_on_applicable_systems = true
disclosure_restricted = true
publish_to_windows10s = true
audiences = ["Ring"]
floor = "CO"
ceiling = "CO"
chids = ["{2F3D3EB7-0ed5-4f28-8e06-5b3e5e7d1a11}"]
[rule.label.approval]
microsoft_contact = "a@microsoft.com"
validations_performed = "all"
affected_oems = ["Contoso", "Fabrikam"]
is_reboot_required = true
is_co_engineered = true
is_for_unreleased_hardware = true
has_ui_software = false
business_justification = "because"
[[rule.label]]
name = "{{ file.stem }} insider"
destination = "windows_update"
floor_build = 26100
ceiling_build = 26200
[[rule.label]]
name = "{{ file.stem }} for {{ partner }}"
destination = "another_partner"
partners = ["14631253285588838"]
enforce_chid_targeting = true
block_dua_creation = true

[[test]]
name = "everything"
package = { file = "a.hlkx" }
[test.expect]
labels = ["a retail", "a insider", "a for 14631253285588838"]
[test.expect.product]
product_name = "Echo a"
test_harness = "hlk"
announcement_date = "2027-01-31*"
device_metadata_ids = ["7f1d7c6e-0000-4000-8000-000000000001"]
firmware_version = "980"
device_type = "internalExternal"
is_test_sign = true
is_flight_sign = true
marketing_names = ["Echo One", "Echo a"]
selected_product_types = { windows_v100_CO = "Audio Device" }
requested_signatures = ["WINDOWS_v100_X64_CO_FULL"]
additional_attributes = { svvp = { max_processors = 8, max_memory = 4096 } }
package_type = "x"
[test.expect.submission]
name = "S a"
type = "initial"
[[test.expect.label]]
name = "a retail"
destination = "windowsUpdate"
go_live_date = "2027-02-03T10:00:00*"
visible_to_accounts = [27691110]
is_auto_install_during_os_upgrade = true
is_auto_install_on_applicable_systems = true
manual_acquisition = false
is_disclosure_restricted = true
publish_to_windows10s = true
restricted_to_audiences = ["Ring"]
in_service_publish_info = { flooring = "CO", ceiling = "CO" }
chid = "2f3d3eb7-0ed5-4f28-8e06-5b3e5e7d1a11"
[test.expect.label.additional_info_for_ms_approval]
microsoft_contact = "a@microsoft.com"
validations_performed = "all"
affected_oems = ["Contoso", "Fabrikam"]
is_reboot_required = true
is_co_engineered = true
is_for_unreleased_hardware = true
has_ui_software = false
business_justification = "because"
[[test.expect.label]]
name = "a insider"
manual_acquisition = true
co_eng_driver_publish_info = { flooring_build_number = 26100, ceiling_build_number = 26200 }
[[test.expect.label]]
name = "a for *"
destination = "anotherPartner"
recipient_specifications = { receiver_publisher_id = "14631253285588838", enforce_chid_targeting = true, block_dua_creation = true }
"#;

#[test]
fn every_request_field_can_be_set_and_is_sent_unchanged() {
    let good = RuleFixture::new(EVERYTHING).run(&["test"]);
    assert_eq!(good.status.code(), Some(0), "{}{}", text(&good.stdout), text(&good.stderr));
    // Each expectation is compared: changing any one of them is a difference.
    let (rule, case) = EVERYTHING.split_once("[test.expect.product]").expect("expectations");
    let mut differences = 0;
    for (from, to) in [
        ("true", "false"),
        ("false", "true"),
        ("\"CO\"", "\"NI\""),
        ("980", "981"),
        ("26100", "26101"),
        ("8838\"", "8839\""),
        ("because", "why"),
        ("\"x\"", "\"y\""),
        ("Fabrikam", "Fab"),
        ("27691110", "1"),
    ] {
        for (at, _) in case.match_indices(from) {
            let changed =
                format!("{rule}[test.expect.product]{}{to}{}", &case[..at], &case[at + from.len()..]);
            let output = RuleFixture::new(&changed).run(&["test"]);
            assert_eq!(output.status.code(), Some(1), "{from} at {at}: {}", text(&output.stdout));
            differences += 1;
        }
    }
    assert!(differences > 20, "{differences}");
}

#[test]
fn every_sample_file_names_the_schema() {
    let config = std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/config"));
    let folder = std::fs::read_dir(config.join("rules.d")).expect("samples");
    let samples = folder.map(|item| item.expect("a sample").path()).chain([config.join("dropship.toml")]);
    let mut seen = 0;
    for path in samples {
        let text = std::fs::read_to_string(&path).expect("a sample");
        let schema =
            text.lines().next().and_then(|line| line.strip_prefix("#:schema ")).expect("a first line");
        let schema = path.parent().expect("a folder").join(schema);
        let schema: Value =
            serde_json::from_slice(&std::fs::read(&schema).expect("the schema")).expect("JSON");
        assert_eq!(schema["$schema"], "http://json-schema.org/draft-07/schema#", "{}", path.display());
        seen += 1;
    }
    assert_eq!(seen, 4);
}
