//! PowerShell in the documents: it cannot run here, but the fields, files and states that it names are those of a receipt.

use std::collections::BTreeSet;
use std::fs;

use serde_json::Value;

use super::blocks::{Document, repository};

/// The recorded receipt.
fn receipt() -> Value {
    let path = repository().join("tests/golden/receipt.snap");
    let text = fs::read_to_string(path).expect("the recorded receipt");
    let json = text.splitn(3, "---\n").nth(2).expect("a document").replace("<size>", "0");
    serde_json::from_str(&json).expect("JSON")
}

/// The names after each `$variable.` in the code.
fn fields(code: &str, variable: &str) -> BTreeSet<String> {
    let is_part = |letter: char| letter.is_ascii_alphanumeric() || "_.".contains(letter);
    let start = format!("${variable}.");
    let paths =
        code.split(&start).skip(1).map(|rest| rest.chars().take_while(|letter| is_part(*letter)).collect());
    paths.map(|path: String| path.trim_end_matches('.').to_owned()).collect()
}

/// Texts between these quotes.
fn quoted(code: &str, quote: char) -> Vec<&str> {
    code.lines().flat_map(|line| line.split(quote).skip(1).step_by(2)).collect()
}

fn scripts() -> String {
    let blocks = Document::read("docs/windows-build-servers.md").blocks();
    let scripts: String =
        blocks.into_iter().filter(|block| block.language == "powershell").map(|block| block.code).collect();
    assert!(scripts.len() > 1000, "no PowerShell found");
    scripts
}

#[test]
fn fields_in_powershell_are_those_of_a_receipt() {
    let receipt = receipt();
    let found = fields(&scripts(), "receipt");
    assert!(found.len() >= 4, "{found:?}");
    for path in found {
        // The recorded receipt has no error; docs/errors.md defines the two fields.
        let known = match path.strip_prefix("error.") {
            Some(field) => ["kind", "message"].contains(&field),
            None => receipt.get(&path).is_some(),
        };
        assert!(known, "a receipt has no field {path}");
    }
    for path in fields(&scripts(), "file") {
        assert!(receipt["files"][0].get(&path).is_some(), "a file of a receipt has no field {path}");
    }
    for path in fields(&scripts(), "label") {
        assert!(receipt["labels"][0].get(&path).is_some(), "a label of a receipt has no field {path}");
    }
}

#[test]
fn files_and_states_in_powershell_exist() {
    let receipt = receipt();
    let scripts = scripts();
    let files = receipt["files"].as_array().expect("files").iter();
    let mut known: BTreeSet<_> = files.map(|file| file["name"].as_str().expect("a name")).collect();
    known.extend(["receipt.json", "error-report.txt"]);
    let states = ["queued", "running", "waiting", "held", "succeeded", "failed", "rejected", "cancelled"];
    let mut count = 0;
    for name in quoted(&scripts, '\'') {
        count += 1;
        assert!(known.contains(name) || states.contains(&name), "'{name}' is neither a result nor a state");
    }
    assert!(count >= 6, "only {count} names found");
}
