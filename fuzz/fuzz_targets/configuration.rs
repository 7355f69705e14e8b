//! A configuration with templates and globs, as `check` reads it, and the plans of its rules for a package. What is wrong with it is
//! reported in a bounded text that contains no secret.
#![no_main]

use std::path::Path;
use std::sync::LazyLock;

use dropship_config::{Environment, Report, load_str};
use dropship_fuzz::POLICY;
use dropship_package::{Facts, Kind, inspect_bytes};
use dropship_rules::{MatchInput, plan};
use libfuzzer_sys::fuzz_target;

/// What the rules of an input need around them.
const BASE: &str = "[account]\ntenant_id = \"t\"\nclient_id = \"c\"\nclient_secret_file = \"secret\"\n[signers]\n\
                    allow_unsigned = true\n[[folder]]\nname = \"in\"\npath = \"/srv/in\"\n";
/// A secret that is typed before or after an input.
const SECRET: &str = "xY8Q~Hunter2.Hunter2-Hunter2_Hunter2Zz~";
/// Maximum length of a report, in bytes.
const MOST: usize = 2 << 20;

const PACKAGE: &[u8] = include_bytes!("../../crates/dropship-package/tests/fixtures/cab/good-signed-ts.cab");

static FACTS: LazyLock<Facts> =
    LazyLock::new(|| inspect_bytes(PACKAGE, Kind::Cab, &POLICY).facts.expect("the fixture has facts"));

fn check(report: &Report, text: &str) {
    let shown = report.render(false);
    assert!(shown.len() < MOST, "a report of {} bytes", shown.len());
    let json = serde_json::to_string(report).expect("a report is JSON");
    assert!(!shown.contains(SECRET) && !json.contains(SECRET), "{shown}\nof {text}");
}

fn read(text: &str) {
    let loaded = load_str(Path::new("/etc/dropship/dropship.toml"), text, &Environment::default());
    let config = match loaded {
        Ok(config) => config,
        Err(report) => return check(&report, text),
    };
    let now = "2026-06-01T12:00:00Z".parse().expect("a time");
    let input = MatchInput::new("echo.cab", "abababab", &FACTS).in_folder(Some("in"));
    for rule in config.rules.iter().take(8) {
        let _ = rule.matching.matches(&input);
        let _ = plan(rule, &input, now);
    }
}

// The first byte chooses what is around the rest.
fuzz_target!(|data: &[u8]| {
    let Some((first, rest)) = data.split_first() else { return };
    let Ok(text) = std::str::from_utf8(rest) else { return };
    match first % 4 {
        0 => read(text),
        1 => read(&format!("{BASE}{text}")),
        2 => read(&format!("[account]\nclient_secret = \"{SECRET}\"\n{text}")),
        _ => read(&format!("{text}\nclient_secret = \"{SECRET}\"\n")),
    }
});
