//! The JSON schema of the configuration, for editors: generated from the raw types, stored in `config/`.

use schemars::generate::SchemaSettings;
use serde_json::Value;

use super::raw::File;

const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../config/dropship.schema.json");

/// The schema as it should be: draft-07, which is what editors' TOML tools read.
pub(super) fn generated() -> String {
    let generator = SchemaSettings::draft07().into_generator();
    let mut schema = generator.into_root_schema_for::<File>();
    schema.insert("title".to_owned(), "dropship configuration".into());
    let mut schema = schema.to_value();
    without_null(&mut schema);
    for (name, keys) in REQUIRED {
        schema["definitions"][*name]["required"] = keys.iter().copied().collect();
    }
    let mut text = serde_json::to_string_pretty(&schema).expect("a schema is JSON");
    text.push('\n');
    text
}

/// Required keys. In the raw types every key is optional, so that a missing key is reported with its place.
const REQUIRED: &[(&str, &[&str])] = &[
    ("Folder", &["name", "path"]),
    ("Rule", &["name"]),
    ("Case", &["name", "package", "expect"]),
    ("Package", &["file"]),
];

/// TOML has no null, so optional keys need not allow it.
fn without_null(schema: &mut Value) {
    if let Value::Object(fields) = schema {
        if let Some(Value::Array(types)) = fields.get_mut("type") {
            types.retain(|name| name != "null");
            if let [only] = types.as_slice() {
                let only = only.clone();
                fields.insert("type".to_owned(), only);
            }
        }
        if let Some(Value::Array(choices)) = fields.get_mut("anyOf") {
            choices.retain(|choice| choice.get("type").is_none_or(|name| name != "null"));
            if let [only] = choices.as_slice() {
                let only = only.clone();
                fields.remove("anyOf");
                // Beside a `$ref` draft-07 ignores everything else.
                match only.get("$ref").is_some() {
                    true => drop(fields.insert("allOf".to_owned(), Value::Array(vec![only]))),
                    false => fields.extend(only.as_object().cloned().unwrap_or_default()),
                }
            }
        }
    }
    match schema {
        Value::Object(fields) => fields.values_mut().for_each(without_null),
        Value::Array(items) => items.iter_mut().for_each(without_null),
        _ => {}
    }
}

/// Run with `UPDATE=1` to write the file again.
#[test]
fn the_schema_in_the_repository_is_fresh() {
    let generated = generated();
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(PATH, &generated).expect("the schema can be written");
    }
    let kept = std::fs::read_to_string(PATH).unwrap_or_default();
    assert!(
        kept == generated,
        "config/dropship.schema.json is stale: run `UPDATE=1 cargo test --lib the_schema_in_the_repository`"
    );
}

/// The schema has every key that a sample uses, and refuses unknown keys.
#[test]
fn the_schema_accepts_known_keys_only() {
    let schema: Value = serde_json::from_str(&generated()).expect("JSON");
    assert_eq!(schema["$schema"], "http://json-schema.org/draft-07/schema#");
    assert_eq!(schema["additionalProperties"], false);
    for key in ["include", "account", "api", "folder", "rule", "test", "signers", "preflight", "defaults"] {
        assert!(schema["properties"][key].is_object(), "{key}");
    }
    let definitions = schema["definitions"].as_object().expect("definitions");
    for name in ["Rule", "Label", "Product", "Match", "Folder"] {
        assert_eq!(definitions[name]["additionalProperties"], false, "{name}");
    }
    assert!(!generated().contains("\"null\""));
    assert_eq!(definitions["Folder"]["required"], serde_json::json!(["name", "path"]));
    assert_eq!(definitions["Destination"]["oneOf"][0]["const"], "windows_update");
}
