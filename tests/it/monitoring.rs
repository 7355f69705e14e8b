//! The alert rules and the dashboard of `config/monitoring`. `.ci/run monitoring` tests the rules with `promtool`.

use std::collections::BTreeSet;
use std::path::Path;

use dropship::attention::AttentionKind;
use dropship::metrics::registry::ALL;
use serde_json::Value;

fn read(path: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).expect("a file")
}

/// The words of a text that begin with `dropship_`, without the suffixes of summaries.
fn metrics_in(text: &str) -> BTreeSet<String> {
    let is_part = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    let words = text.split(|letter| !is_part(letter)).filter(|word| word.starts_with("dropship_"));
    words.map(|word| word.trim_end_matches("_sum").trim_end_matches("_count").to_owned()).collect()
}

fn assert_known(source: &str, text: &str) {
    let used = metrics_in(text);
    assert!(used.len() > 5, "{source} uses {used:?}");
    for metric in used {
        assert!(ALL.iter().any(|known| known.name == metric), "{source} uses {metric}, which does not exist");
    }
}

#[test]
fn dashboard_is_json_and_every_metric_in_it_exists() {
    let dashboard: Value = serde_json::from_str(&read("config/monitoring/dashboard.json")).expect("JSON");
    let panels = dashboard["panels"].as_array().expect("panels");
    let queries: Vec<_> = panels
        .iter()
        .flat_map(|panel| panel["targets"].as_array().expect("targets"))
        .map(|target| target["expr"].as_str().expect("a query"))
        .collect();
    assert!(queries.len() >= panels.len());
    assert_known("the dashboard", &queries.join("\n"));
}

#[test]
fn every_metric_and_kind_in_the_alert_rules_exists() {
    let rules = read("config/monitoring/alerts.yml");
    let queries: Vec<_> = rules.lines().filter(|line| line.trim_start().starts_with("expr:")).collect();
    assert_known("the alert rules", &queries.join("\n"));
    for query in queries {
        if let Some((_, rest)) = query.split_once("kind=\"") {
            let kind = rest.split('"').next().expect("a kind");
            assert!(AttentionKind::ALL.iter().any(|known| known.name() == kind), "{kind} does not exist");
        }
    }
}

/// The anchor of a heading, as in rendered Markdown.
fn anchor(heading: &str) -> String {
    let text = heading.trim_start_matches('#').trim().to_lowercase();
    text.chars()
        .filter(|letter| letter.is_alphanumeric() || " -_".contains(*letter))
        .collect::<String>()
        .replace(' ', "-")
}

#[test]
fn every_alert_links_to_a_heading_of_the_operating_manual_and_has_a_test() {
    let manual = read("docs/operating.md");
    let anchors: BTreeSet<_> = manual.lines().filter(|line| line.starts_with('#')).map(anchor).collect();
    let (rules, tests) = (read("config/monitoring/alerts.yml"), read("config/monitoring/alerts.test.yml"));
    let alerts: Vec<_> = rules.split("- alert: ").skip(1).collect();
    assert!(alerts.len() >= 15);
    for alert in alerts {
        let name = alert.lines().next().expect("a name");
        let link =
            alert.split_once("runbook_url: docs/operating.md#").and_then(|(_, link)| link.lines().next());
        let link = link.unwrap_or_else(|| panic!("{name} has no runbook"));
        assert!(anchors.contains(link), "{name}: docs/operating.md has no heading for #{link}");
        assert!(tests.contains(&format!("alertname: {name}\n")), "{name} has no test");
        for annotation in ["summary: ", "description: ", "severity: "] {
            assert!(alert.contains(annotation), "{name} has no {annotation}");
        }
    }
}

#[test]
fn every_kind_of_trouble_has_a_section_in_the_operating_manual() {
    let manual = read("docs/operating.md");
    for kind in AttentionKind::ALL {
        let heading = format!("\n### {}\n", kind.name());
        assert!(manual.contains(&heading), "docs/operating.md has no section for {}", kind.name());
    }
}
