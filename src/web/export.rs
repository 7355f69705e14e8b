//! The packages of a page as files.

use serde_json::{Value, json};

use super::rows::{Row, RowInf};
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

/// A quoted cell. A spreadsheet would take some first characters for a formula: an apostrophe makes the cell a text. Some spreadsheets
/// end a cell at a semicolon, a tab or a line end too, in spite of the quotes, so the same holds after these.
fn cell(value: &str) -> String {
    let mut text = String::with_capacity(value.len() + 2);
    text.push('"');
    let mut rest = value;
    loop {
        if rest.trim_start_matches(is_skipped).starts_with(STARTS_FORMULA) {
            text.push('\'');
        }
        let end = rest.find(ENDS_CELL).map_or(rest.len(), |at| at + 1);
        text.push_str(&rest[..end].replace('"', "\"\""));
        rest = &rest[end..];
        if rest.is_empty() {
            break;
        }
    }
    text.push('"');
    text
}

/// What begins a formula, also in the wide form that East Asian spreadsheets accept.
const STARTS_FORMULA: [char; 8] = ['=', '+', '-', '@', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}'];

/// What ends a cell for some spreadsheets.
const ENDS_CELL: [char; 4] = [';', '\t', '\r', '\n'];

/// What a spreadsheet may skip before a formula.
fn is_skipped(c: char) -> bool {
    c.is_whitespace()
        || c.is_control()
        || matches!(c, '"' | '\'' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}')
}

/// The rows as a list of objects, with the names of `jobs --json`.
pub(super) fn json(rows: &[(Row, StateKind)]) -> String {
    let inf = |inf: &RowInf| json!({ "name": &*inf.name, "provider": inf.provider.as_deref(), "version": inf.version.as_deref() });
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
            ("\t=1", "\"'\t'=1\""),
            (" =1", "\"' =1\""),
            ("\u{feff}=1", "\"'\u{feff}=1\""),
            ("\u{ff1d}1", "\"'\u{ff1d}1\""),
            ("a;=1;-2", "\"a;'=1;'-2\""),
            ("a;\"=1", "\"a;'\"\"=1\""),
            ("a\r\n+1", "\"a\r'\n'+1\""),
            ("a-b;c_=d", "\"a-b;c_=d\""),
        ] {
            assert_eq!(cell(value), wanted);
        }
    }
}
