//! `dropship api codes`: the words of the API that dropship knows.

use serde_json::json;

use crate::cli::exit::Exit;
use crate::cli::output::Output;
use dropship_rules::vocabulary::{FLOORS, OS_CODES, OS_FAMILIES, PRODUCT_TYPES};

pub(super) fn run(output: &Output) -> anyhow::Result<Exit> {
    let document = json!({
        "os_codes": OS_CODES,
        "os_families": OS_FAMILIES,
        "versions": FLOORS,
        "product_types": PRODUCT_TYPES,
    });
    output.print_result(&document, || {
        let list = |title: &str, words: &[&str]| format!("{title}\n  {}", words.join("\n  "));
        [
            list("OS codes (requested_signatures, operating_systems):", OS_CODES),
            list("OS families (selected_product_types):", OS_FAMILIES),
            list("Versions of Windows (floor, ceiling):", FLOORS),
            list("Product types (selected_product_types):", PRODUCT_TYPES),
        ]
        .join("\n\n")
    })?;
    Ok(Exit::Done)
}
