//! The variables of a template for one package.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use minijinja::Value;
use minijinja::value::{Object, Serde};

use super::variables::INF;
use crate::input::MatchInput;
use dropship_package::facts::{InfFacts, SignerFacts};

/// The variables of one package under one rule.
#[derive(Debug, Clone)]
pub struct TemplateScope {
    variables: BTreeMap<String, Value>,
    context: Value,
    /// Why an `inf.` fact is undefined.
    differing: BTreeMap<String, String>,
    infs: usize,
}

impl TemplateScope {
    /// The variables of `input` under the rule of that name; `vars` are the rule's defaults.
    #[must_use]
    pub fn new(rule: &str, input: &MatchInput<'_>, vars: &BTreeMap<String, String>) -> Self {
        let facts = input.facts;
        let (stem, ext) = input.file.rsplit_once('.').unwrap_or((input.file, ""));
        let mut all = vars.clone();
        if let Some(set) = input.vars {
            all.extend(set.iter().map(|(name, value)| (name.clone(), value.clone())));
        }
        let mut variables = BTreeMap::new();
        let mut define = |name: &str, value: Value| variables.insert(name.to_owned(), value);
        define("file", map([("name", input.file.into()), ("stem", stem.into()), ("ext", ext.into())]));
        define("rule", map([("name", rule.into())]));
        define("vars", Value::from(Serde(&all)));
        let paths: Vec<_> = facts.files.iter().map(|file| file.path.as_str()).collect();
        define(
            "package",
            map([
                ("sha256", input.sha256.into()),
                ("size", facts.size.into()),
                ("kind", facts.kind.as_str().into()),
                ("architectures", Value::from(Serde(&facts.architectures))),
                ("files", Value::from(Serde(paths))),
            ]),
        );
        let infs: Vec<_> = facts.infs.iter().map(fields).collect();
        let (shared, differing) = share(&facts.infs, &infs);
        define("inf", Value::from(shared));
        define("infs", infs.into_iter().map(Value::from).collect::<Vec<Value>>().into());
        if let Some(folder) = input.folder {
            define("folder", folder.into());
        }
        if let Some(signer) = &facts.signer {
            define("signer", Value::from_object(SignerObject(signer.clone())));
        }
        if let Some(hlkx) = &facts.hlkx {
            define("hlkx", Value::from(Serde(hlkx)));
        }
        Self { context: Value::from(variables.clone()), variables, differing, infs: facts.infs.len() }
    }

    /// The same variables, and `partner`.
    #[must_use]
    pub fn with_partner(&self, partner: &str) -> Self {
        let mut scope = self.clone();
        scope.variables.insert("partner".to_owned(), partner.into());
        scope.context = Value::from(scope.variables.clone());
        scope
    }

    /// The same variables under another rule.
    #[must_use]
    pub fn for_rule(&self, rule: &str) -> Self {
        let mut scope = self.clone();
        scope.variables.insert("rule".to_owned(), map([("name", rule.into())]));
        scope.context = Value::from(scope.variables.clone());
        scope
    }

    pub(super) fn context(&self) -> Value {
        self.context.clone()
    }

    /// Why the first of `names` that is undefined is.
    pub(super) fn missing(&self, names: &BTreeSet<String>) -> Option<String> {
        names.iter().find(|name| !self.is_defined(name)).map(|name| self.reason(name))
    }

    fn is_defined(&self, name: &str) -> bool {
        let mut parts = name.split('.');
        let Some(mut value) = parts.next().and_then(|head| self.variables.get(head)).cloned() else {
            return false;
        };
        for part in parts {
            match value.get_attr(part) {
                Ok(next) => value = next,
                Err(_) => return false,
            }
        }
        !value.is_undefined() && !value.is_none()
    }

    fn reason(&self, name: &str) -> String {
        let (head, field) = name.split_once('.').unwrap_or((name, ""));
        match head {
            "inf" if self.infs == 0 => format!("`{name}` is undefined: the package holds no INF"),
            "inf" => match self.differing.get(field) {
                Some(differing) => format!("`{name}` is undefined: {differing}"),
                None if INF.contains(&field) => {
                    format!("`{name}` is undefined: no INF of the package states it")
                }
                None => format!("`inf` has no `{field}`"),
            },
            "folder" => "`folder` is undefined: the package is in no folder".to_owned(),
            "signer" => format!("`{name}` is undefined: the package states no such thing of its signer"),
            "hlkx" => format!("`{name}` is undefined: only an .hlkx states it, and not each"),
            "partner" => "`partner` is undefined: only labels for partners have one".to_owned(),
            "vars" => format!("`{name}` is undefined: it has no default and no sidecar sets it"),
            _ => format!("`{name}` is undefined"),
        }
    }
}

fn map<const N: usize>(fields: [(&str, Value); N]) -> Value {
    let fields = fields.into_iter().map(|(name, value)| (name.to_owned(), value));
    Value::from(fields.collect::<BTreeMap<_, _>>())
}

/// The facts of one INF that it states.
fn fields(inf: &InfFacts) -> BTreeMap<String, Value> {
    let text = |value: &Option<String>| value.as_deref().map(Value::from);
    let list = |values: &[String]| Some(Value::from(Serde(values)));
    let all: [(&str, Option<Value>); 17] = [
        ("path", Some(inf.path.as_str().into())),
        ("name", Some(inf.name.as_str().into())),
        ("stem", Some(inf.stem.as_str().into())),
        ("provider", text(&inf.provider)),
        ("class", text(&inf.class)),
        ("class_guid", text(&inf.class_guid)),
        ("version", text(&inf.version)),
        ("date", text(&inf.date)),
        ("catalog", text(&inf.catalog)),
        ("extension_id", text(&inf.extension_id)),
        ("pnp_lockdown", Some(inf.pnp_lockdown.into())),
        ("hardware_ids", list(&inf.hardware_ids)),
        ("chids", list(&inf.chids)),
        ("manufacturers", list(&inf.manufacturers)),
        ("descriptions", list(&inf.descriptions)),
        ("architectures", Some(Value::from(Serde(&inf.architectures)))),
        ("primitive", Some(inf.primitive.into())),
    ];
    let stated = all.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    stated.collect()
}

/// The facts in which all INFs agree, and for each other fact its value in each INF.
fn share(
    infs: &[InfFacts],
    fields: &[BTreeMap<String, Value>],
) -> (BTreeMap<String, Value>, BTreeMap<String, String>) {
    let mut shared = BTreeMap::new();
    let mut differing = BTreeMap::new();
    for name in INF {
        let mut values = fields.iter().map(|inf| inf.get(*name));
        let Some(first) = values.next() else { continue };
        if values.all(|value| value == first) {
            if let Some(value) = first {
                shared.insert((*name).to_owned(), value.clone());
            }
            continue;
        }
        let values_by_inf = infs.iter().zip(fields).map(|(inf, fields)| match fields.get(*name) {
            Some(value) => format!("{} has {value}", inf.name),
            None => format!("{} has none", inf.name),
        });
        let values_by_inf = values_by_inf.collect::<Vec<_>>().join(", ");
        differing.insert((*name).to_owned(), format!("the INFs differ in it ({values_by_inf})"));
    }
    (shared, differing)
}

/// A signer that shows its name and has fields.
#[derive(Debug)]
struct SignerObject(SignerFacts);

impl Object for SignerObject {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let signer = &self.0;
        let text = |text: &str| Some(Value::from(text));
        match key.as_str()? {
            "name" => text(&signer.name),
            "subject" => text(&signer.subject),
            "issuer" => text(&signer.issuer),
            "thumbprint_sha1" => text(&signer.thumbprint_sha1),
            "thumbprint_sha256" => text(&signer.thumbprint_sha256),
            "not_before" => text(&signer.not_before),
            "not_after" => text(&signer.not_after),
            "extended_validation" => Some(signer.extended_validation.into()),
            "timestamp" => signer.timestamp.as_deref().map(Value::from),
            "timestamp_authority" => signer.timestamp_authority.as_deref().map(Value::from),
            _ => None,
        }
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.name)
    }

    fn is_true(self: &Arc<Self>) -> bool {
        true
    }
}
