//! The modules of the two large crates form no circle.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// All modules of `crates/dropship-engine/src/`. A module uses only those before it.
const ENGINE: &[&str] = &[
    "digest",
    "service_id",
    "label_drift",
    "package_store",
    "observe",
    "approval",
    "outbox",
    "accounts",
    "call_limits",
    "pipeline",
    "operations",
    "admission",
    "rule_cases",
    "replay",
    "lib",
];

/// All modules of `src/`. A module uses only those before it.
const ROOT: &[&str] = &[
    "attention",
    "http",
    "metrics",
    "database",
    "package_objects",
    "store_binding",
    "requirements",
    "control",
    "doctor",
    "notify",
    "wording",
    "web",
    "daemon",
    "store_copy",
    "cli",
    "lib",
    "main",
];

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for item in fs::read_dir(folder).expect("a folder").map(|item| item.expect("an item").path()) {
        if item.is_dir() {
            files.extend(rust_files(&item));
        } else if item.extension().is_some_and(|extension| extension == "rs") {
            files.push(item);
        }
    }
    files
}

/// Whether a file is compiled for tests only.
fn is_of_tests(path: &Path) -> bool {
    let names = path.iter().filter_map(|name| name.to_str()).map(|name| name.trim_end_matches(".rs"));
    names.into_iter().any(|name| name == "tests")
}

/// The code of a file without its tests.
fn code(text: &str) -> &str {
    text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default()
}

/// The names that follow `crate::`.
fn used_names(code: &str) -> BTreeSet<String> {
    let names = code.split("crate::").skip(1).flat_map(|rest| match rest.strip_prefix('{') {
        Some(list) => {
            let list = list.split('}').next().unwrap_or_default();
            assert!(!list.contains('{'), "this test does not read lists in lists: crate::{{{list}");
            list.split(',').map(str::trim).collect()
        }
        None => vec![rest],
    });
    let name = |text: &str| {
        text.split(|letter: char| !letter.is_alphanumeric() && letter != '_').next().map(str::to_owned)
    };
    names.filter_map(name).collect()
}

#[test]
fn modules_of_the_program_use_only_modules_below_them() {
    assert_order("src", ROOT);
}

#[test]
fn modules_of_the_engine_use_only_modules_below_them() {
    assert_order("crates/dropship-engine/src", ENGINE);
}

#[track_caller]
fn assert_order(source: &str, order: &[&str]) {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join(source);
    let place = |name: &str| order.iter().position(|known| *known == name);
    let mut uses = BTreeMap::<String, BTreeSet<String>>::new();
    let mut found = BTreeSet::new();
    for file in rust_files(&source) {
        let path = file.strip_prefix(&source).expect("below it");
        let module =
            path.iter().next().and_then(|name| name.to_str()).expect("a name").trim_end_matches(".rs");
        let at = place(module).unwrap_or_else(|| panic!("`{module}` is not in the order of modules"));
        found.insert(module.to_owned());
        if is_of_tests(path) {
            continue;
        }
        let text = fs::read_to_string(&file).expect("a source file");
        let code = code(&text);
        let depth = path.iter().count() - usize::from(path.ends_with("mod.rs"));
        assert!(!code.contains(&"super::".repeat(depth)), "{}: write `crate::` for a module", path.display());
        let above = used_names(code).into_iter().filter(|name| place(name).is_some_and(|other| other > at));
        let above: Vec<_> = above.collect();
        if !above.is_empty() {
            uses.entry(path.display().to_string()).or_default().extend(above);
        }
    }
    assert_eq!(uses, BTreeMap::new(), "files that use a module above their own");
    assert_eq!(found.len(), order.len(), "modules that do not exist: {order:?} {found:?}");
}
