//! JSON of the service, parsed within a budget.

use serde::de::Error as _;
use serde_json::Value;

use crate::bom::without_bom;

/// Maximum number of objects in a document. Each needs some 600 bytes once it is parsed.
const MAX_OBJECTS: usize = 100_000;
/// Maximum number of values in a document, about.
const MAX_VALUES: usize = 1_000_000;

/// Parses one document into a tree.
pub(crate) fn parse(body: &[u8]) -> Result<Value, serde_json::Error> {
    serde_json::from_slice(within_budget(body)?)
}

/// The document without a byte order mark, if it has at most as many values as a response of the service can have. Those in
/// texts are counted, too, which is far from the limit.
///
/// # Errors
/// When it has more.
pub(crate) fn within_budget(body: &[u8]) -> Result<&[u8], serde_json::Error> {
    let (mut objects, mut values) = (0, 0);
    for byte in body {
        match byte {
            b'{' => objects += 1,
            b',' | b'[' => values += 1,
            _ => {}
        }
    }
    if objects > MAX_OBJECTS || objects + values > MAX_VALUES {
        return Err(serde_json::Error::custom("it has too many values"));
    }
    Ok(without_bom(body))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn document_beyond_the_budget_is_refused() {
        let document = |entry: &str, count: usize| format!("[{}0]", format!("{entry},").repeat(count));
        parse(document("{}", 90_000).as_bytes()).expect("within the budget");
        for hostile in [document("{}", 100_001), document("1", 1_000_001), "[".repeat(100_000)] {
            parse(hostile.as_bytes()).expect_err("refused");
        }
        assert_eq!(parse("\u{feff}5".as_bytes()).expect("a number"), Value::from(5));
    }
}
