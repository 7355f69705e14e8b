//! `api submission download` of files that the service does not deliver.

use dropship_sandbox::{Fault, FaultAction, FaultBody};

use crate::harness::api::ApiFixture;

#[test]
fn download_of_something_else_names_the_item_and_leaves_no_file() {
    let api = ApiFixture::new();
    let (product, submission) = api.signed();
    let bodies = [
        (200, FaultBody::Empty, "is empty"),
        (204, FaultBody::Empty, "is empty"),
        (200, FaultBody::Html, "HTML page"),
        (200, FaultBody::Json, "error of the service"),
    ];
    let items = [
        ("signed", "blob", "signedPackage"),
        ("metadata", "blob", "driverMetadata"),
        ("certification", "certification_report", "certificationReport"),
    ];
    for (kind, operation, item) in items {
        for (status, body, why) in bodies {
            let fault = Fault::on(operation, FaultAction::status_with(status, body)).method("GET").times(6);
            api.control().fault(fault).expect("a fault");
            let command = ["submission", "download", &product, &submission, "--kind", kind, "--to", "file"];
            let (code, printed) = api.fail(&command);
            assert!(
                code == 1 && printed.contains(item) && printed.contains(why),
                "{kind} {why}: {code} {printed}"
            );
            assert!(!api.path("file").exists(), "{kind} {why}");
            api.control().clear_faults();
        }
    }
}

#[test]
fn download_without_a_url_is_refused_with_the_reason() {
    let api = ApiFixture::with("null-urls");
    let (product, submission) = api.uploaded();
    assert!(api.control().withhold_metadata(submission.parse().expect("an id")));
    api.stdout(&["submission", "commit", &product, &submission]);
    api.advance_work(700);
    let (code, printed) = api.fail(&["submission", "download", &product, &submission, "--kind", "metadata"]);
    assert!(code == 1 && printed.contains("driverMetadata without a URL"), "{code} {printed}");
    let (code, printed) =
        api.fail(&["submission", "download", &product, &submission, "--kind", "error-report"]);
    assert!(code == 1 && printed.contains("does not offer error-report"), "{code} {printed}");
}
