//! The packages of a page as files.

use serde_json::{Value, json};

use super::rows::{Inf, Row};
use dropship_job::StateKind;

/// The columns of a CSV file.
const HEADS: [&str; 13] = [
    "id",
    "package",
    "folder",
    "rule",
    "state",
    "step",
    "provider",
    "version",
    "infs",
    "product_id",
    "submission_id",
    "created",
    "updated",
];

/// The rows as comma-separated values (RFC 4180).
pub(super) fn csv(rows: &[(Row, StateKind)]) -> String {
    let mut text = line(HEADS.iter().map(|head| (*head).to_owned()));
    for (row, state) in rows {
        let names = row.infs.iter().flatten().map(|inf| &*inf.name);
        let of = |value: Option<&str>| value.unwrap_or_default().to_owned();
        let id = |id: Option<dropship_job::RemoteId>| id.map(|id| id.to_string()).unwrap_or_default();
        text.push_str(&line([
            row.id.to_string(),
            row.package.to_string(),
            of(row.folder.as_deref()),
            of(row.rule.as_deref()),
            state.to_string(),
            row.step.to_string(),
            of(row.provider()),
            of(row.version()),
            names.collect::<Vec<_>>().join(" "),
            id(row.product),
            id(row.submission),
            row.created.to_string(),
            row.updated.to_string(),
        ]));
    }
    text
}

fn line(cells: impl IntoIterator<Item = String>) -> String {
    let cells: Vec<_> = cells.into_iter().map(|value| cell(&value)).collect();
    format!("{}\r\n", cells.join(","))
}

/// A quoted cell. A spreadsheet would take some first characters for a formula: an apostrophe makes the cell a text.
fn cell(value: &str) -> String {
    let is_formula = value.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']);
    format!("\"{}{}\"", if is_formula { "'" } else { "" }, value.replace('"', "\"\""))
}

/// The rows as a list of objects, with the names of `jobs --json`.
pub(super) fn json(rows: &[(Row, StateKind)]) -> String {
    let inf = |inf: &Inf| json!({ "name": &*inf.name, "provider": inf.provider.as_deref(), "version": inf.version.as_deref() });
    let object = |(row, state): &(Row, StateKind)| {
        json!({
            "id": row.id,
            "package": row.package,
            "folder": row.folder.as_deref(),
            "rule": row.rule.as_deref(),
            "state": state,
            "step": row.step,
            "infs": row.infs.iter().flatten().map(inf).collect::<Vec<_>>(),
            "product_id": row.product,
            "submission_id": row.submission,
            "created": row.created,
            "updated": row.updated,
        })
    };
    Value::Array(rows.iter().map(object).collect()).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cell_is_quoted_and_is_no_formula() {
        for (value, wanted) in [
            ("", "\"\""),
            ("a,b", "\"a,b\""),
            ("say \"x\"", "\"say \"\"x\"\"\""),
            ("=1+1", "\"'=1+1\""),
            ("+1", "\"'+1\""),
            ("-1", "\"'-1\""),
            ("@SUM(A1)", "\"'@SUM(A1)\""),
            ("\t=1", "\"'\t=1\""),
        ] {
            assert_eq!(cell(value), wanted);
        }
    }
}
