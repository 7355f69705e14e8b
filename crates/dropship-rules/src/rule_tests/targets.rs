//! Which expectations are about the targets of a label, which a case may leave undescribed.

use serde_json::Value;

use super::fields::ExpectedFields;
use crate::plan::{ChidPlan, LabelPlan};

/// Fields of the targets of a request, in lower case and without underscores.
const TARGETS: [&str; 6] =
    ["hardwareids", "hardwareid", "pnpstring", "infid", "operatingsystemcode", "bundleid"];

/// Removes and returns the expectations about targets.
pub(super) fn take(fields: &mut ExpectedFields, label: &LabelPlan) -> Vec<(String, Value)> {
    let is_about_targets = |key: &str, value: &Value| is_target(key, label) || mentions_targets(value, label);
    fields.extract_if(.., |key, value| is_about_targets(key, value)).collect()
}

fn is_target(key: &str, label: &LabelPlan) -> bool {
    key.split('.').any(|part| {
        let plain: String = part.chars().filter(|c| *c != '_').collect::<String>().to_ascii_lowercase();
        let is_chid = matches!(plain.as_str(), "chid" | "chids");
        TARGETS.contains(&plain.as_str()) || (is_chid && label.chids == ChidPlan::FromInf)
    })
}

fn mentions_targets(value: &Value, label: &LabelPlan) -> bool {
    match value {
        Value::Object(fields) => {
            fields.iter().any(|(key, value)| is_target(key, label) || mentions_targets(value, label))
        }
        Value::Array(items) => items.iter().any(|item| mentions_targets(item, label)),
        _ => false,
    }
}
