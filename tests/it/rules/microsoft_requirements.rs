//! Requests that Microsoft refuses are errors, requests that Microsoft reviews are warnings.

use serde_json::Value;

use super::cab::cab_with;
use crate::harness::rules::{LABEL, RULE, RuleFixture};

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
