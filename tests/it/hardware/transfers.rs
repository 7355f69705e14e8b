//! Uploads of packages and downloads of results.

use std::time::Duration;

use dropship_hardware::{DownloadKind, TransferError};
use dropship_sandbox::{Fault, FaultAction, Options};

use crate::harness::service::{QUIET, TestService};

/// A file of this length with varied bytes.
fn file(service: &TestService, length: usize) -> (std::path::PathBuf, Vec<u8>) {
    let bytes: Vec<u8> = (0..length).map(|at| (at * 7 + at / 4096) as u8).collect();
    let path = service.folder.path().join("large.hlkx");
    std::fs::write(&path, &bytes).expect("write");
    (path, bytes)
}

#[tokio::test]
async fn q26_upload_survives_faults_and_an_expired_url() {
    let service =
        TestService::new(Options { sas_lifetime: Duration::from_secs(3600), ..Options::default() }, |_| ())
            .await;
    let (product, id) = service.submission().await;
    let (path, bytes) = file(&service, 33 << 20);
    let url = service.get(product, id).await.upload_url().expect("a slot");
    service
        .control()
        .fault(Fault::on("blob", FaultAction::DropBefore).method("PUT").nth(2))
        .expect("a fault");
    service
        .control()
        .fault(Fault::on("blob", FaultAction::status(503)).method("PUT").nth(4))
        .expect("a fault");
    let control = service.control();
    let progress = |done: u64| {
        if done > 12 << 20 && done < 20 << 20 {
            // The URL has expired by the service's clock, but not by the client's.
            control.advance(Duration::from_secs(7200));
        }
    };
    let error = service.client.upload(&url, &path, &progress).await.expect_err("the URL has run out");
    assert!(matches!(error, TransferError::Expired), "{error}");
    let fresh = service.get(product, id).await.upload_url().expect("a slot");
    let done = service.client.upload(&fresh, &path, QUIET).await.expect("uploaded");
    assert!(done.verified && done.sent < bytes.len() as u64, "what was there was not sent again: {done:?}");
    let state = service.control().state();
    assert_eq!(state["products"][0]["submissions"][0]["uploadedBytes"], bytes.len());
    assert_eq!(service.control().leaked_bearers(), 0);

    // The second upload into a slot replaces the first.
    std::fs::write(&path, b"another package").expect("write");
    let done = service.client.upload(&fresh, &path, QUIET).await.expect("uploaded");
    assert_eq!((done.bytes, done.verified), (15, true));
}

#[tokio::test]
async fn q26_url_with_raw_spaces_is_accepted() {
    let service = TestService::quirky("space-in-sas").await;
    let (product, id) = service.signed().await;
    let url = service.get(product, id).await.download(&DownloadKind::SignedPackage).expect("offered");
    let to = service.folder.path().join("signed.zip");
    service.client.download(&url, &to, QUIET).await.expect("downloaded");
    zip::ZipArchive::new(std::fs::File::open(&to).expect("open")).expect("a ZIP");
}

#[tokio::test]
async fn q27_upload_after_the_commit_is_refused() {
    let service = TestService::plain().await;
    let (product, id) = service.uploaded().await;
    service.client.commit(product, id).await.expect("committed");
    let url = service.get(product, id).await.upload_url().expect("it is read-only now");
    let error = service.client.upload(&url, &service.package(), QUIET).await.expect_err("too late");
    assert!(matches!(error, TransferError::Refused { status: 403, .. }) && !error.is_passing(), "{error}");
}

#[tokio::test]
async fn q27_every_upload_carries_a_checksum() {
    let service = TestService::plain().await;
    let (product, id) = service.uploaded().await;
    let puts: Vec<_> = service
        .control()
        .requests()
        .into_iter()
        .filter(|entry| entry.operation == "blob" && entry.method == "PUT")
        .collect();
    assert!(
        !puts.is_empty() && puts.iter().all(|put| put.headers.contains_key("x-ms-content-crc64")),
        "{puts:?}"
    );
    assert!(service.get(product, id).await.upload_url().is_some());
}

#[tokio::test]
async fn download_survives_broken_connections_and_an_expired_url() {
    let service =
        TestService::new(Options { sas_lifetime: Duration::from_secs(3600), ..Options::default() }, |_| ())
            .await;
    let (product, id) = service.signed().await;
    let signed = service.get(product, id).await;
    let to = service.folder.path().join("signed.zip");
    let url = signed.download(&DownloadKind::SignedPackage).expect("offered");
    service.control().fault(Fault::on("blob", FaultAction::Truncate).method("GET")).expect("a fault");
    service.client.download(&url, &to, QUIET).await.expect("downloaded");
    zip::ZipArchive::new(std::fs::File::open(&to).expect("open")).expect("a ZIP");

    service.control().advance(Duration::from_secs(7200));
    let error = service.client.download(&url, &to, QUIET).await.expect_err("the URL has run out");
    assert!(matches!(error, TransferError::Expired), "{error}");
    let fresh = service.get(product, id).await.download(&DownloadKind::SignedPackage).expect("offered");
    service.client.download(&fresh, &to, QUIET).await.expect("downloaded");
}

#[tokio::test]
async fn report_from_the_service_is_downloaded_with_and_without_a_token() {
    for quirk in ["none", "report-needs-bearer"] {
        let service = TestService::quirky(quirk).await;
        let (product, id) = service.signed().await;
        let url =
            service.get(product, id).await.download(&DownloadKind::CertificationReport).expect("offered");
        let to = service.folder.path().join("certification-report");
        service.client.download(&url, &to, QUIET).await.expect(quirk);
        assert!(std::fs::read_to_string(&to).expect("text").contains(&id.to_string()), "{quirk}");
    }
}

#[tokio::test]
async fn q30_failed_submission_reports_the_reason() {
    let service = TestService::plain().await;
    let (product, id) = service.submission().await;
    let url = service.get(product, id).await.upload_url().expect("a slot");
    let path = service.folder.path().join("no.cab");
    std::fs::write(&path, b"this is no cabinet").expect("write");
    service.client.upload(&url, &path, QUIET).await.expect("uploaded");
    service.client.commit(product, id).await.expect("committed");
    service.control().advance_work(Duration::from_secs(1000));
    let failed = service.get(product, id).await;
    assert!(failed.is_failed() && !failed.is_signed());
    let status = failed.workflow_status.expect("a status");
    assert!(!status.messages.is_empty());
    let to = service.folder.path().join("error-report.txt");
    let report = status.error_report.expect("a report");
    service.client.download(&report, &to, QUIET).await.expect("downloaded");
    assert!(!std::fs::read_to_string(&to).expect("text").is_empty());
}
