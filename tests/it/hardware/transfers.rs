//! Packages up, results down.

use std::time::Duration;

use dropship_hardware::{DownloadKind, TransferError};
use dropship_sandbox::{Action, Fault, Options};

use super::rig::{QUIET, Rig};

/// A file of so many bytes, none like the other.
fn file(rig: &Rig, length: usize) -> (std::path::PathBuf, Vec<u8>) {
    let bytes: Vec<u8> = (0..length).map(|at| (at * 7 + at / 4096) as u8).collect();
    let path = rig.folder.path().join("large.hlkx");
    std::fs::write(&path, &bytes).expect("write");
    (path, bytes)
}

#[tokio::test]
async fn q26_an_upload_outlives_faults_and_a_url_that_runs_out() {
    let rig =
        Rig::new(Options { sas_lifetime: Duration::from_secs(3600), ..Options::default() }, |_| ()).await;
    let (product, id) = rig.submission().await;
    let (path, bytes) = file(&rig, 33 << 20);
    let url = rig.get(product, id).await.upload_url().expect("a slot");
    rig.control().fault(Fault::on("blob", Action::DropBefore).method("PUT").nth(2)).expect("a fault");
    rig.control().fault(Fault::on("blob", Action::status(503)).method("PUT").nth(4)).expect("a fault");
    let control = rig.control();
    let progress = |done: u64| {
        if done > 12 << 20 && done < 20 << 20 {
            // By the service's clock the URL has run out now; by ours it has not.
            control.advance(Duration::from_secs(7200));
        }
    };
    let error = rig.client.upload(&url, &path, &progress).await.expect_err("the URL has run out");
    assert!(matches!(error, TransferError::Expired), "{error}");
    let fresh = rig.get(product, id).await.upload_url().expect("a slot");
    let done = rig.client.upload(&fresh, &path, QUIET).await.expect("uploaded");
    assert!(done.verified && done.sent < bytes.len() as u64, "what was there was not sent again: {done:?}");
    let state = rig.control().state();
    assert_eq!(state["products"][0]["submissions"][0]["uploadedBytes"], bytes.len());
    assert_eq!(rig.control().leaked_bearers(), 0);

    // The second upload into a slot replaces the first.
    std::fs::write(&path, b"another package").expect("write");
    let done = rig.client.upload(&fresh, &path, QUIET).await.expect("uploaded");
    assert_eq!((done.bytes, done.verified), (15, true));
}

#[tokio::test]
async fn q26_raw_spaces_in_urls_are_no_obstacle() {
    let rig = Rig::quirky("space-in-sas").await;
    let (product, id) = rig.signed().await;
    let url = rig.get(product, id).await.download(&DownloadKind::SignedPackage).expect("offered");
    let to = rig.folder.path().join("signed.zip");
    rig.client.download(&url, &to, QUIET).await.expect("downloaded");
    zip::ZipArchive::new(std::fs::File::open(&to).expect("open")).expect("a ZIP");
}

#[tokio::test]
async fn q27_after_the_commit_nothing_can_be_uploaded() {
    let rig = Rig::plain().await;
    let (product, id) = rig.uploaded().await;
    rig.client.commit(product, id).await.expect("committed");
    let url = rig.get(product, id).await.upload_url().expect("it is read-only now");
    let error = rig.client.upload(&url, &rig.package(), QUIET).await.expect_err("too late");
    assert!(matches!(error, TransferError::Refused { status: 403, .. }) && !error.is_passing(), "{error}");
}

#[tokio::test]
async fn q27_whatever_is_uploaded_carries_a_checksum() {
    let rig = Rig::plain().await;
    let (product, id) = rig.uploaded().await;
    let puts: Vec<_> = rig
        .control()
        .requests()
        .into_iter()
        .filter(|entry| entry.operation == "blob" && entry.method == "PUT")
        .collect();
    assert!(
        !puts.is_empty() && puts.iter().all(|put| put.headers.contains_key("x-ms-content-crc64")),
        "{puts:?}"
    );
    assert!(rig.get(product, id).await.upload_url().is_some());
}

#[tokio::test]
async fn downloads_outlive_breaks_and_urls_that_run_out() {
    let rig =
        Rig::new(Options { sas_lifetime: Duration::from_secs(3600), ..Options::default() }, |_| ()).await;
    let (product, id) = rig.signed().await;
    let signed = rig.get(product, id).await;
    let to = rig.folder.path().join("signed.zip");
    let url = signed.download(&DownloadKind::SignedPackage).expect("offered");
    rig.control().fault(Fault::on("blob", Action::Truncate).method("GET")).expect("a fault");
    rig.client.download(&url, &to, QUIET).await.expect("downloaded");
    zip::ZipArchive::new(std::fs::File::open(&to).expect("open")).expect("a ZIP");

    rig.control().advance(Duration::from_secs(7200));
    let error = rig.client.download(&url, &to, QUIET).await.expect_err("the URL has run out");
    assert!(matches!(error, TransferError::Expired), "{error}");
    let fresh = rig.get(product, id).await.download(&DownloadKind::SignedPackage).expect("offered");
    rig.client.download(&fresh, &to, QUIET).await.expect("downloaded");
}

#[tokio::test]
async fn reports_come_from_the_service_itself_with_and_without_a_token() {
    for quirk in ["none", "report-needs-bearer"] {
        let rig = Rig::quirky(quirk).await;
        let (product, id) = rig.signed().await;
        let url = rig.get(product, id).await.download(&DownloadKind::CertificationReport).expect("offered");
        let to = rig.folder.path().join("certification-report");
        rig.client.download(&url, &to, QUIET).await.expect(quirk);
        assert!(std::fs::read_to_string(&to).expect("text").contains(&id.to_string()), "{quirk}");
    }
}

#[tokio::test]
async fn q30_a_failed_submission_tells_why() {
    let rig = Rig::plain().await;
    let (product, id) = rig.submission().await;
    let url = rig.get(product, id).await.upload_url().expect("a slot");
    let path = rig.folder.path().join("no.cab");
    std::fs::write(&path, b"this is no cabinet").expect("write");
    rig.client.upload(&url, &path, QUIET).await.expect("uploaded");
    rig.client.commit(product, id).await.expect("committed");
    rig.control().advance_work(Duration::from_secs(1000));
    let failed = rig.get(product, id).await;
    assert!(failed.is_failed() && !failed.is_signed());
    let status = failed.workflow_status.expect("a status");
    assert!(!status.messages.is_empty());
    let to = rig.folder.path().join("error-report.txt");
    let report = status.error_report.expect("a report");
    rig.client.download(&report, &to, QUIET).await.expect("downloaded");
    assert!(!std::fs::read_to_string(&to).expect("text").is_empty());
}
