//! The variables that templates know.

use crate::suggest;

/// Variables that hold a value or a list.
const PLAIN: &[&str] = &["folder", "infs", "partner", "signer"];

/// Variables with fields.
const FIELDS: &[(&str, &[&str])] = &[
    ("file", &["name", "stem", "ext"]),
    ("inf", INF),
    ("package", &["sha256", "size", "kind", "architectures", "files"]),
    (
        "signer",
        &[
            "name",
            "subject",
            "issuer",
            "thumbprint_sha1",
            "thumbprint_sha256",
            "not_before",
            "not_after",
            "extended_validation",
            "timestamp",
            "timestamp_authority",
        ],
    ),
    ("hlkx", &["operating_systems", "product_types", "kit_version", "package_type", "tests"]),
    ("rule", &["name"]),
];

/// Facts of an INF.
pub(super) const INF: &[&str] = &[
    "path",
    "name",
    "stem",
    "provider",
    "class",
    "class_guid",
    "version",
    "date",
    "catalog",
    "extension_id",
    "pnp_lockdown",
    "hardware_ids",
    "chids",
    "manufacturers",
    "descriptions",
    "architectures",
    "primitive",
];

/// Names that `MiniJinja` itself brings.
const BUILT_IN: &[&str] = &["range", "dict", "namespace", "debug", "loop"];

/// What is wrong with a variable's name, and a suggestion; `None` for one that there is.
///
/// `vars` are the names that the rule declares.
#[must_use]
pub fn unknown_variable(name: &str, vars: &[&str]) -> Option<(String, Option<String>)> {
    let mut parts = name.split('.');
    let head = parts.next().unwrap_or_default();
    let field = parts.next();
    if BUILT_IN.contains(&head) {
        return None;
    }
    let fields: Vec<&str> = match head {
        "vars" => vars.to_vec(),
        _ => match FIELDS.iter().find(|(group, _)| *group == head) {
            Some((_, fields)) => fields.to_vec(),
            None if PLAIN.contains(&head) => return None,
            None => {
                let heads =
                    FIELDS.iter().map(|(group, _)| *group).chain(PLAIN.iter().copied()).chain(["vars"]);
                let mut heads: Vec<_> = heads.collect();
                heads.sort_unstable();
                heads.dedup();
                return Some((format!("there is no variable `{head}`"), suggest::help(head, &heads)));
            }
        },
    };
    let field = field?;
    if fields.contains(&field) {
        return None;
    }
    let message = match head {
        "vars" => format!("the rule declares no `vars.{field}`"),
        _ => format!("`{head}` has no `{field}`"),
    };
    Some((message, suggest::help(field, &fields)))
}
