//! The values of a file, with their lines.

use serde::Deserialize;
use toml::de::{DeArray, DeTable, DeValue, ValueDeserializer};
use toml::{Spanned, Value};

use crate::source::SourceText;
use dropship_redact::MASK;

/// Other names of keys of a rule, as `raw::rule` declares them.
const ALIASES: [(&str, &str); 17] = [
    ("product_name", "name"),
    ("test_sign", "is_test_sign"),
    ("flight_sign", "is_flight_sign"),
    ("go_live_date", "go_live"),
    ("is_auto_install_during_os_upgrade", "auto_install_during_os_upgrade"),
    ("is_auto_install_on_applicable_systems", "auto_install_on_applicable_systems"),
    ("is_disclosure_restricted", "disclosure_restricted"),
    ("additional_info_for_ms_approval", "approval"),
    ("receiver_publisher_id", "partners"),
    ("partner", "partners"),
    ("restricted_to_audiences", "audiences"),
    ("flooring", "floor"),
    ("flooring_build_number", "floor_build"),
    ("ceiling_build_number", "ceiling_build"),
    ("reboot_required", "is_reboot_required"),
    ("co_engineered", "is_co_engineered"),
    ("for_unreleased_hardware", "is_for_unreleased_hardware"),
];

/// A value of a file.
#[derive(Debug, Clone)]
pub(super) struct WrittenValue {
    /// Names of the tables and of the key.
    pub(super) keys: Vec<String>,
    /// The value, masked if it can be a secret.
    pub(super) value: Value,
    /// Line of the key, from 1.
    pub(super) line: usize,
    /// Something in the value is masked.
    pub(super) is_masked: bool,
}

/// All values of a file, in its order.
pub(super) fn of(source: &SourceText) -> Vec<WrittenValue> {
    let (document, _) = DeTable::parse_recoverable(&source.text);
    let mut walk = Walk { source, keys: Vec::new(), written: Vec::new() };
    walk.table(document.get_ref());
    let mut written = walk.written;
    written.sort_by_key(|value| value.line);
    written
}

struct Walk<'s> {
    source: &'s SourceText,
    keys: Vec<String>,
    written: Vec<WrittenValue>,
}

impl Walk<'_> {
    fn table(&mut self, table: &DeTable<'_>) {
        for (key, value) in table {
            let key_name = self.canonical(key.get_ref());
            self.keys.push(key_name);
            self.value(self.source.line(key.span().start), value);
            self.keys.pop();
        }
    }

    fn value(&mut self, line: usize, value: &Spanned<DeValue<'_>>) {
        match value.get_ref() {
            DeValue::Table(table) => self.table(table),
            DeValue::Array(items) if self.is_array_of_elements() => self.elements(items),
            _ => {
                let at = value.span();
                let is_masked = self.source.is_secret(&at) || self.is_argument_list();
                let value = Value::deserialize(ValueDeserializer::from(value.clone()));
                // Every value of a valid file can be represented.
                self.written.extend(value.ok().map(|value| WrittenValue {
                    keys: self.keys.clone(),
                    value: match (is_masked, value) {
                        (false, value) => without_dates(value),
                        (true, command) if self.is_argument_list() => program_only(command),
                        (true, _) => Value::String(MASK.to_owned()),
                    },
                    line,
                    is_masked,
                }));
            }
        }
    }

    /// The command of a notification: its arguments can be secrets, and nothing shows which.
    fn is_argument_list(&self) -> bool {
        matches!(
            self.keys.iter().map(String::as_str).collect::<Vec<_>>().as_slice(),
            ["notify", _, "command"]
        )
    }

    /// Elements are known by their name, labels by their position, because the name of a label is a template.
    fn elements(&mut self, items: &DeArray<'_>) {
        for (index, item) in items.iter().enumerate() {
            let DeValue::Table(table) = item.get_ref() else { continue };
            let name = table.get("name").and_then(|name| name.get_ref().as_str());
            let position = index.saturating_add(1).to_string();
            let element = name.filter(|_| self.keys.len() == 1).map_or(position, str::to_owned);
            self.keys.push(element);
            self.table(table);
            self.keys.pop();
        }
    }

    fn is_array_of_elements(&self) -> bool {
        let keys: Vec<_> = self.keys.iter().map(String::as_str).collect();
        matches!(keys.as_slice(), ["folder" | "rule" | "notify" | "test"] | ["rule", _, "label"])
    }

    fn canonical(&self, key: &str) -> String {
        let is_in_rule = self.keys.first().is_some_and(|first| first == "rule" || first == "defaults")
            && self.keys.iter().all(|table| table != "vars");
        let alias = ALIASES.iter().find(|(alias, _)| is_in_rule && *alias == key);
        alias.map_or(key, |(_, name)| name).to_owned()
    }
}

/// The program of a command, and masked arguments.
fn program_only(command: Value) -> Value {
    let Value::Array(words) = command else { return command };
    let shown = |(index, word)| if index == 0 { word } else { Value::String(MASK.to_owned()) };
    Value::Array(words.into_iter().enumerate().map(shown).collect())
}

/// Dates as texts, which JSON can represent.
fn without_dates(value: Value) -> Value {
    match value {
        Value::Datetime(date) => Value::String(date.to_string()),
        Value::Array(items) => Value::Array(items.into_iter().map(without_dates).collect()),
        Value::Table(table) => {
            Value::Table(table.into_iter().map(|(key, value)| (key, without_dates(value))).collect())
        }
        value => value,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The declarations of the types of a rule, which serde reads.
    const DECLARED: &str = include_str!("../raw/rule.rs");

    #[test]
    fn other_names_are_those_that_the_types_declare() {
        let mut declared = Vec::new();
        let mut open = Vec::new();
        for line in DECLARED.lines().map(str::trim) {
            if line.starts_with("#[serde(") {
                open.extend(line.split("alias = \"").skip(1).filter_map(|rest| rest.split('"').next()));
            } else if let Some(name) = line.strip_prefix(FIELD).and_then(|field| field.split(':').next()) {
                declared.extend(open.drain(..).map(|alias| (alias, name)));
            }
        }
        declared.sort_unstable();
        let mut listed = ALIASES.to_vec();
        listed.sort_unstable();
        assert_eq!(listed, declared);
    }

    const FIELD: &str = "pub(crate) ";
}
