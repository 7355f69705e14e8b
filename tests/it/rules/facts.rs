//! Every fact that a rule can match, and every key that selects the targets of a label.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde_json::Value;

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
    for (keys, expected) in [
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
        assert_eq!((code, found), (Some(0), rows(expected)), "{keys}: {foreseen:#}");
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
