//! Globs: their meaning, in `match`, in targets and in folders, and values of packages inside of them.

use std::fs;

use dropship_sandbox::Quirks;
use serde_json::Value;

use super::running::{bodies, edit, receipt_of};
use crate::harness::rules::{LABEL, RULE, RuleFixture};
use crate::harness::{TestEnv, bytes, text};

const CAB: &str = "cab/good-signed-ts.cab";

#[test]
fn glob_without_meaning_or_effect_is_reported_by_check() {
    let targets = |keys: &str| format!("{RULE}{LABEL}hardware_ids = {{ {keys} }}\n");
    let matching = |keys: &str| format!("{}{LABEL}", RULE.replace("file = \"*.cab\"", keys));
    for (rules, severity, why) in [
        (targets("exclude = ['pci\\{a,{b,c}}']"), "error", "braces cannot be nested"),
        (targets("include = ['pci\\[a']"), "error", "`[` has no closing `]`"),
        (targets("include = ['pci\\a}']"), "error", "`}` has no opening `{`"),
        (targets("infs = ['[z-a].inf']"), "error", "runs from a higher to a lower character"),
        (targets("infs = ['{{ file.stem }}{.inf']"), "error", "`{` has no closing `}`"),
        (targets("include = ['pci\\[{{ file.stem }}]']"), "error", "inside the brackets"),
        (targets("exclude = ['pci/ven_1234*']"), "error", "separates its parts with `\\`"),
        (targets("include = ['pci/ven_1234*']"), "warning", "separates its parts with `\\`"),
        (targets("infs = ['echo']"), "warning", "ends in `.inf`"),
        (targets("operating_systems = ['WINDOWS_v100_x64_XX_*']"), "warning", "matches no OS code"),
        (matching("file = \"{x,{y}}.cab\""), "error", "braces cannot be nested"),
        (matching("file = \"*.cab\", not = { hardware_id = 'usb/*' }"), "error", "separates its parts"),
        (matching("file = \"*.cab\", not = { inf = \"echo\" }"), "error", "ends in `.inf`"),
        (matching("file = \"*.cab\", not = { contains = '*\\echo.sys' }"), "error", "written with `/`"),
        (matching("file = \"*.cab\", not = { thumbprint = \"AB:CD:*\" }"), "error", "hexadecimal digits"),
        (matching("file = \"*.cab\", not = { thumbprint = \"848c3f41\" }"), "error", "40 (SHA-1) or 64"),
        (
            matching("file = \"*.cab\", not = { class_guid = \"4d36e97d\" }"),
            "error",
            "groups of 8, 4, 4, 4 and 12",
        ),
        (
            matching("file = \"*.cab\", not = { chid = \"{4d36e97d*-bfc108002be10318}\" }"),
            "error",
            "groups of",
        ),
        (matching("file = \"drop/*.cab\""), "warning", "a file name contains no `/`"),
        (matching("file = \"*.cab\", class_guid = \"{MEDIA}\""), "warning", "a GUID consists of"),
    ] {
        let output = RuleFixture::new(&rules).run(&["check"]);
        let printed = format!("{}{}", text(&output.stdout), text(&output.stderr));
        assert!(printed.contains(severity) && printed.contains(why), "{rules}\n{severity} {why}: {printed}");
        let code = if severity == "error" { 78 } else { 0 };
        assert_eq!(output.status.code(), Some(code), "{printed}");
    }
    let folder = RuleFixture::new(RULE);
    let config = fs::read_to_string(folder.path("dropship.toml")).expect("a configuration");
    folder.write(
        "dropship.toml",
        &config.replace("path = \"drop\"", "path = \"drop\", exclude = [\"{a,{b}}\"]"),
    );
    assert!(folder.check().contains("braces cannot be nested"));
    folder.write("dropship.toml", &format!("include = [\"[a.toml\"]\n{config}"));
    assert!(folder.check().contains("`[` has no closing `]`"));
    let good =
        "include = ['{pci,,usb}\\*', '[*]pnp????', 'bthenum\\{0000110b-*}*'], exclude = ['root\\[!a-c]?*']";
    assert_eq!(RuleFixture::new(&targets(good)).check(), "");
    let good = "file = \"*.cab\", not = { thumbprint = \"848c*\", class_guid = \"{4D36E97?-*}\", chid = \"*-bfc1-*\" }";
    assert_eq!(RuleFixture::new(&matching(good)).check(), "");
}

#[test]
fn exclude_that_matches_nothing_is_reported_by_plan() {
    let rules =
        RuleFixture::new(&format!("{RULE}{LABEL}hardware_ids = {{ exclude = ['usb\\*', 'root\\*'] }}\n"));
    let (code, plan) = rules.plan(CAB, "echo.cab");
    assert_eq!(code, Some(0), "{plan:#}");
    let warnings = plan["labels"][0]["foreseen"]["warnings"].to_string();
    assert!(warnings.contains("`exclude` \\\"usb\\\\*\\\" matches no hardware id"), "{warnings}");
    assert!(!warnings.contains("root"), "{warnings}");
}

/// The targets of a label request, as received.
fn targets(request: &Value) -> Vec<String> {
    let rows = request["targeting"]["hardwareIds"].as_array().expect("rows");
    let mut ids: Vec<_> =
        rows.iter().map(|row| row["pnpString"].as_str().expect("an id").to_owned()).collect();
    ids.sort();
    ids
}

/// An environment whose packages bring `vars.id`, and whose label targets these hardware ids.
fn env(hardware_ids: &str) -> TestEnv {
    let env = TestEnv::with(Quirks::none(), "");
    let vars = "vars = { id = { allowed = [\"*\"], default = \"x\" } }";
    edit(
        &env,
        &[
            (
                "settle = \"200ms\"",
                "settle = \"200ms\"\nready = \"sidecar:.toml\"\ninclude = [\"{echo,}[0-9*]?.CAB\"]",
            ),
            ("match = { file = \"*.cab\" }", &format!("match = {{ file = \"??*.{{cab,}}\" }}\n{vars}")),
            ("include = [\"pci\\\\*\"]", hardware_ids),
        ],
    );
    env
}

fn drop_with_id(env: &TestEnv, name: &str, id: &str) {
    fs::write(env.path(&format!("drop/{name}.toml")), format!("id = '{id}'\n")).expect("a sidecar");
    env.drop_package(name, &bytes(CAB));
}

#[test]
fn wildcard_in_a_value_of_the_package_is_matched_literally() {
    let env = env("include = [\"*{{ vars.id }}*\"]");
    for wildcard in ["*", "ven_????", "[a-z]", "{1234,5678}", "ven_1234*", "pci\\*"] {
        fs::write(env.path("vars.toml"), format!("id = '{wildcard}'\n")).expect("a sidecar");
        fs::write(env.path("echo.cab"), bytes(CAB)).expect("a package");
        let [package, vars] =
            ["echo.cab", "vars.toml"].map(|name| env.path(name).to_str().expect("a path").to_owned());
        let plan = env.json(&["plan", &package, "--folder", "in", "--vars", &vars]);
        let foreseen = &plan["labels"][0]["foreseen"];
        assert_eq!(foreseen["request"], Value::Null, "{wildcard}: {plan:#}");
        let problems = foreseen["problems"].to_string();
        assert!(problems.contains("it would target nothing"), "{wildcard}: {plan:#}");
    }
    let daemon = env.daemon(&[]);
    drop_with_id(&env, "echo1x.cab", "*_5678*");
    let held = receipt_of(&env, "echo1x.cab", "held");
    assert_eq!(held["error"]["kind"], "label-unfit", "{held:#}");
    assert_eq!(env.created().2, 0, "{}", env.log());
    drop(daemon);
}

#[test]
fn every_kind_of_wildcard_selects_what_is_sent() {
    let env = env("include = ['?[!x]i\\{ven_,}*{{ vars.id }}*', 'root\\e*']\nexclude = ['{ROOT,USB}\\*']");
    let daemon = env.daemon(&[]);
    drop_with_id(&env, "*\u{e4}.cab", "DEV_5678");
    receipt_of(&env, "*\u{e4}.cab", "succeeded");
    let sent = bodies(&env, "create_label");
    assert_eq!(targets(&sent[0]), ["pci\\ven_1234&dev_5678&subsys_00011234&rev_01"], "{sent:#?}");
    drop(daemon);
}

#[test]
fn exclusion_of_an_inf_excludes_every_package_that_contains_it() {
    let named =
        |rule: &str| rule.replace("{{ inf.provider }} {{ file.stem }} {{ inf.version }}", "{{ file.stem }}");
    let ring =
        "{ file = \"*.cab\", not = [{ provider = \"Contoso*\" }, { date = \">=2026-01-01, <2026-07-01\" }] }";
    let rest = "{ not = { kind = \"cab\", not = { provider = \"Contoso*\", date = \"2026-0[1-6]-*\" } } }";
    let rules = named(&RULE.replace("{ file = \"*.cab\" }", ring))
        + &named(&RULE.replace("{ file = \"*.cab\" }", rest).replace("\"ring\"", "\"rest\""));
    // Provider and date of two INFs, and the rule. The second rule takes only packages in which both fit.
    let cases = [
        ("Fabrikam", "2025-01-01", "Fabrikam", "2025-01-01", "rule = \"ring\""),
        ("Fabrikam", "2025-01-01", "Contoso Ltd", "2025-01-01", "rejected = true"),
        ("Contoso", "2025-01-01", "Fabrikam", "2025-01-01", "rejected = true"),
        ("Fabrikam", "2025-12-31", "Fabrikam", "2026-06-30", "rejected = true"),
        ("Fabrikam", "2025-12-31", "Fabrikam", "2026-07-01", "rule = \"ring\""),
        ("Contoso", "2026-03-01", "Contoso", "2026-03-31", "rule = \"rest\""),
        ("Contoso", "2026-03-01", "Contoso", "2026-07-31", "rejected = true"),
    ];
    let mut tests = String::new();
    for (at, (provider, date, other, later, expect)) in cases.iter().enumerate() {
        tests += &format!(
            "[[test]]\nname = \"case {at}\"\nexpect = {{ {expect} }}\n[test.package]\nfile = \"x.cab\"\n\
             infs = [{{ name = \"a.inf\", provider = \"{provider}\", date = \"{date}\" }}, \
             {{ name = \"b.inf\", provider = \"{other}\", date = \"{later}\" }}]\n"
        );
    }
    let output = RuleFixture::new(&(rules + &tests)).run(&["test"]);
    let printed = format!("{}{}", text(&output.stdout), text(&output.stderr));
    assert!(output.status.success() && printed.contains("7 passed"), "{printed}");
}
