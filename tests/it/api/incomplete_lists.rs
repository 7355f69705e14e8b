//! `api … list` when a list cannot be read completely.

use dropship_sandbox::{Fault, FaultAction};

use crate::harness::api::ApiFixture;
use crate::harness::text;

#[test]
fn list_that_breaks_off_prints_its_rows_and_fails() {
    let api = ApiFixture::new();
    api.control().add_products("tenant", "Widget", 23);
    let failing = Fault::on("list_products", FaultAction::status(500)).nth(2).times(0);
    api.control().fault(failing).expect("a fault");
    let output = api.run(&["product", "list"]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(text(&output.stdout).lines().count(), 1 + 7, "{}", text(&output.stdout));
    let printed = text(&output.stderr);
    assert!(
        printed.contains("the list is incomplete") && printed.contains("page 1") && printed.contains("500"),
        "{printed}"
    );
}
