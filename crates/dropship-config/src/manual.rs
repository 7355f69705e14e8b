//! dropship.toml(5), generated from the schema into `docs/man/`.

use serde_json::{Map, Value};

const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/man/dropship.toml.5");

/// Text before the tables.
const HEAD: &str = include_str!("../../../docs/man/dropship.toml.head");
/// Text after the tables.
const TAIL: &str = include_str!("../../../docs/man/dropship.toml.tail");

/// Order of the tables; others follow in the order of the schema.
const ORDER: [&str; 10] =
    ["include", "account", "accounts", "api", "store", "control", "signers", "preflight", "folder", "rule"];

/// The page as it should be.
fn generated() -> String {
    let schema: Value = serde_json::from_str(&super::schema::generated()).expect("the schema is JSON");
    let definitions = schema["definitions"].as_object().expect("definitions");
    let properties = schema["properties"].as_object().expect("properties");
    let mut page = ManualPage { definitions, text: HEAD.to_owned(), described: Vec::new() };
    let rest = properties.keys().map(String::as_str).filter(|key| !ORDER.contains(key));
    for key in ORDER.into_iter().chain(rest) {
        page.top(key, &properties[key]);
    }
    page.text + TAIL
}

struct ManualPage<'a> {
    definitions: &'a Map<String, Value>,
    text: String,
    /// Definitions that are described already, and the table in which.
    described: Vec<(&'a str, String)>,
}

impl<'a> ManualPage<'a> {
    /// A key of the file itself: mostly a table.
    fn top(&mut self, key: &str, schema: &'a Value) {
        if schema["items"].get("$ref").is_some() || reference(schema).is_some() {
            self.table(key, schema, schema["description"].as_str().unwrap_or_default());
        } else if let Some(each) = schema.get("additionalProperties").filter(|each| each.is_object()) {
            self.table(&format!("{key}.NAME"), each, schema["description"].as_str().unwrap_or_default());
            if self.definition(each).is_none_or(|(_, table)| table.get("properties").is_none()) {
                self.choices(each);
            }
        } else {
            self.text.push_str(".SH TOP LEVEL\n");
            self.key(key, schema, false);
        }
    }

    /// A table, its keys, then the tables in it.
    fn table(&mut self, path: &str, schema: &'a Value, about: &str) {
        let list = schema["items"].get("$ref").is_some();
        let heading = if list { format!("[[{path}]]") } else { format!("[{path}]") };
        self.text.push_str(&format!(".SH {}\n{}\n", quoted(&heading), prose(about)));
        let target = if list { &schema["items"] } else { schema };
        let Some((name, table)) = self.definition(target) else { return };
        if let Some((_, place)) = self.described.iter().find(|(known, _)| *known == name) {
            self.text.push_str(&format!("The same keys as in {}.\n", roff(place)));
            return;
        }
        self.described.push((name, heading));
        let required: Vec<_> = table["required"].as_array().into_iter().flatten().collect();
        let mut inner = Vec::new();
        for (key, schema) in table["properties"].as_object().into_iter().flatten() {
            let each = schema.get("additionalProperties").filter(|each| each.get("$ref").is_some());
            let target = each.or_else(|| schema.get("items")).unwrap_or(schema);
            match self.definition(target) {
                Some((found, table)) if table.get("properties").is_some() && found != "Interval" => {
                    let about = schema["description"].as_str().unwrap_or_default();
                    match each {
                        Some(each) => inner.push((format!("{path}.{key}.NAME"), each, about)),
                        None => inner.push((format!("{path}.{key}"), schema, about)),
                    }
                }
                _ => self.key(key, schema, required.iter().any(|name| *name == key)),
            }
        }
        for (path, schema, about) in inner {
            self.table(&path, schema, about);
        }
    }

    fn key(&mut self, key: &str, schema: &'a Value, required: bool) {
        let must = if required { ", required" } else { "" };
        let about = prose(schema["description"].as_str().unwrap_or_default());
        self.text.push_str(&format!(".TP\n.BR {} \" ({}{must})\"\n{about}\n", roff(key), self.kind(schema)));
        self.choices(schema);
    }

    /// The possible values, each with its meaning.
    fn choices(&mut self, schema: &'a Value) {
        let Some((_, definition)) = self.definition(schema) else { return };
        for choice in definition["oneOf"].as_array().into_iter().flatten() {
            if let (Some(value), about) = (choice["const"].as_str(), choice["description"].as_str()) {
                let about = prose(about.unwrap_or_default());
                self.text.push_str(&format!(".RS\n.TP\n.B \"\\(dq{}\\(dq\"\n{about}\n.RE\n", roff(value)));
            }
        }
    }

    /// The type of a value, in one or two words.
    fn kind(&self, schema: &'a Value) -> &'static str {
        let schema = self.definition(schema).map_or(schema, |(_, definition)| definition);
        match schema["type"].as_str() {
            Some("string") if schema["pattern"].as_str().is_some_and(|it| it.contains("(ms|s")) => "duration",
            Some("string") => "text",
            Some("boolean") => "true or false",
            Some("integer") => "number",
            Some("array") => "list",
            Some("object") if schema["properties"].get("first").is_some() => "{ first, max }, durations",
            Some("object") => "table",
            _ if schema.get("oneOf").is_some() => "one of",
            _ if schema["type"].is_array() => "text or number",
            _ => "text, or a list",
        }
    }

    fn definition(&self, schema: &'a Value) -> Option<(&'a str, &'a Value)> {
        let name = reference(schema)?.strip_prefix("#/definitions/")?;
        Some((name, self.definitions.get(name)?))
    }
}

fn reference(schema: &Value) -> Option<&str> {
    let direct = schema.get("$ref");
    let any = || schema["anyOf"][0].get("$ref");
    direct.or_else(|| schema["allOf"][0].get("$ref")).or_else(any)?.as_str()
}

/// A line of text; words in backquotes are bold.
fn prose(text: &str) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let bold = |(at, part): (usize, &str)| match at % 2 {
        0 => roff(part),
        _ => format!("\\fB{}\\fR", roff(part)),
    };
    let line: String = text.split('`').enumerate().map(bold).collect();
    if line.is_empty() || line.ends_with(['.', ':']) { line } else { line + "." }
}

/// Escapes text for roff: no escapes, no request at the beginning of a line, hyphens that can be copied.
fn roff(text: &str) -> String {
    let text = text.replace('\\', "\\e").replace('-', "\\-");
    if text.starts_with(['.', '\'']) { format!("\\&{text}") } else { text }
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", roff(text))
}

/// Run with `UPDATE=1` to write the file again.
#[test]
fn the_manual_page_of_the_configuration_is_fresh() {
    let generated = generated();
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(PATH, &generated).expect("the page can be written");
    }
    let kept = std::fs::read_to_string(PATH).unwrap_or_default();
    assert!(
        kept == generated,
        "docs/man/dropship.toml.5 is stale: run `UPDATE=1 cargo test --lib the_manual_page_of_the_configuration`"
    );
}

/// No key that the schema has is missing from the page.
#[test]
fn the_manual_page_describes_every_key() {
    let schema: Value = serde_json::from_str(&super::schema::generated()).expect("JSON");
    let page = generated();
    for (name, definition) in schema["definitions"].as_object().expect("definitions") {
        for key in definition["properties"].as_object().into_iter().flatten().map(|(key, _)| key) {
            let key_line = format!(".BR {} ", roff(key));
            let tables = [format!(".{}]", roff(key)), format!(".{}.NAME]", roff(key))];
            let is_described = page.contains(&key_line) || tables.iter().any(|table| page.contains(table));
            let is_described = is_described || name == "Interval";
            assert!(is_described, "{name}.{key}");
        }
    }
}
