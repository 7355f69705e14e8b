//! Values of `[[test]]`: globs, and fields of requests that are expected.

use std::collections::BTreeMap;
use std::ops::Range;

use super::diagnostics::Diagnostics;
use crate::raw::Globs;
use crate::raw::test as raw;
use crate::raw::values::{At, OneOrMany};
use dropship_glob::Glob;
use dropship_rules::rule_tests::ExpectedFields;

/// The globs of a key.
pub(super) fn globs(globs: &Globs) -> Vec<Glob> {
    globs.0.iter().map(|glob| glob.value.0.clone()).collect()
}

/// The expected fields of label requests, and the globs that select the labels.
pub(super) fn labels(
    diagnostics: &mut Diagnostics<'_>,
    raw: Option<&OneOrMany<BTreeMap<String, At<raw::Any>>>>,
) -> Vec<(Option<Glob>, ExpectedFields)> {
    let mut labels = Vec::new();
    for table in raw.iter().flat_map(|tables| &tables.0) {
        let mut fields = fields(diagnostics, &table.value);
        let name = match fields.remove("name") {
            None => None,
            Some(serde_json::Value::String(text)) => glob(diagnostics, &table.span, &text),
            Some(_) => {
                diagnostics.error(&table.span, "`name` is a glob that says which label is meant");
                None
            }
        };
        labels.push((name, fields));
    }
    labels
}

fn glob(diagnostics: &mut Diagnostics<'_>, span: &Range<usize>, glob: &str) -> Option<Glob> {
    match Glob::new(glob) {
        Ok(glob) => Some(glob),
        Err(error) => {
            diagnostics.error(span, error.to_string());
            None
        }
    }
}

/// The expected fields of a request.
pub(super) fn fields(
    diagnostics: &mut Diagnostics<'_>,
    table: &BTreeMap<String, At<raw::Any>>,
) -> ExpectedFields {
    let mut fields = ExpectedFields::new();
    for (key, value) in table {
        match json(&value.value.0) {
            Some(json) => {
                fields.insert(key.clone(), json);
            }
            None => {
                diagnostics.error(&value.span, format!("`{key}` cannot be compared with what JSON holds"))
            }
        }
    }
    fields
}

/// The value as JSON; dates as their texts.
fn json(value: &toml::Value) -> Option<serde_json::Value> {
    Some(match value {
        toml::Value::String(text) => text.as_str().into(),
        toml::Value::Integer(number) => (*number).into(),
        toml::Value::Float(number) => serde_json::Number::from_f64(*number)?.into(),
        toml::Value::Boolean(flag) => (*flag).into(),
        toml::Value::Datetime(date) => date.to_string().into(),
        toml::Value::Array(items) => items.iter().map(json).collect::<Option<Vec<_>>>()?.into(),
        toml::Value::Table(table) => {
            let fields = table.iter().map(|(key, value)| Some((key.clone(), json(value)?)));
            serde_json::Value::Object(fields.collect::<Option<_>>()?)
        }
    })
}
