//! Uploads and downloads with Azurite, Microsoft's emulator of Azure Storage.
//!
//! `DROPSHIP_AZURITE=$(.ci/azurite) cargo test --test it azurite`. Without the variable the tests print that they are
//! skipped; where `CI` is set, they fail.

use std::process::Stdio;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use dropship_hardware::{Client, Credential, SecretSource, Settings, TransferError};
use dropship_redact::{SafeUrl, SecretString};
use jiff::Timestamp;
use ring::hmac;
use sha2::{Digest, Sha256};
use url::Url;

use crate::harness::free_port;
use crate::harness::service::{QUIET, until};

pub(crate) const ACCOUNT: &str = "devstoreaccount1";
/// The emulator's well-known key.
pub(crate) const KEY: &str =
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";
const VERSION: &str = "2021-12-02";

/// A URL with these permissions for one blob until this time. Source: "Create a service SAS".
fn signed(base: &Url, blob: &str, permissions: &str, end: Timestamp) -> SafeUrl {
    let end = format!("{end:.0}");
    let resource = format!("/blob/{ACCOUNT}/ingestion/{blob}");
    let text =
        [permissions, "", &end, &resource, "", "", "", VERSION, "b", "", "", "", "", "", "", ""].join("\n");
    let key = hmac::Key::new(hmac::HMAC_SHA256, &STANDARD.decode(KEY).expect("base64"));
    let signature = STANDARD.encode(hmac::sign(&key, text.as_bytes()));
    let mut url = base.join(&format!("/{ACCOUNT}/ingestion/{blob}")).expect("a URL");
    url.query_pairs_mut().extend_pairs([
        ("sv", VERSION),
        ("sr", "b"),
        ("se", &end),
        ("sp", permissions),
        ("sig", &signature),
    ]);
    SafeUrl::new(url)
}

/// Creates the container, which needs the account's key. Source: "Authorize with Shared Key".
pub(crate) async fn make_container(base: &Url, container: &str) -> bool {
    let date = httpdate::fmt_http_date(std::time::SystemTime::now());
    let text = format!(
        "PUT\n\n\n\n\n\n\n\n\n\n\n\nx-ms-date:{date}\nx-ms-version:{VERSION}\n/{ACCOUNT}/{ACCOUNT}/{container}\nrestype:container"
    );
    let key = hmac::Key::new(hmac::HMAC_SHA256, &STANDARD.decode(KEY).expect("base64"));
    let signature = STANDARD.encode(hmac::sign(&key, text.as_bytes()));
    let url = base.join(&format!("/{ACCOUNT}/{container}?restype=container")).expect("a URL");
    let http = reqwest::Client::builder().no_proxy().build().expect("a client");
    let request = http
        .put(url)
        .header("x-ms-date", date)
        .header("x-ms-version", VERSION)
        .header("Content-Length", "0")
        .header("Authorization", format!("SharedKey {ACCOUNT}:{signature}"));
    match request.send().await {
        Ok(answer) => {
            assert_eq!(answer.status(), 201, "the container is made");
            true
        }
        Err(_) => false,
    }
}

#[tokio::test]
async fn azurite_upload_and_download_round_trip_succeeds() {
    let Some(azurite) = std::env::var_os("DROPSHIP_AZURITE") else {
        assert!(std::env::var_os("CI").is_none(), "CI has Azurite: DROPSHIP_AZURITE=$(.ci/azurite)");
        eprintln!("NOT RUN: transfers against Azurite, for want of DROPSHIP_AZURITE=$(.ci/azurite)");
        return;
    };
    let folder = tempfile::tempdir().expect("a folder");
    let port = free_port();
    let mut command = tokio::process::Command::new(azurite);
    command
        .args(["--blobHost", "127.0.0.1", "--blobPort", &port.to_string(), "--silent", "--loose"])
        .args(["--skipApiVersionCheck", "--disableTelemetry", "-l"])
        .arg(folder.path().join("azurite"))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true);
    let _server = command.spawn().expect("Azurite starts");
    let base: Url = format!("http://127.0.0.1:{port}").parse().expect("a URL");
    let secret = Credential::Secret(SecretSource::fixed(SecretString::from("unused")));
    let client = Client::new(Settings::new(base.clone(), base.clone(), "t", "c", secret)).expect("a client");
    until("Azurite to listen", async || make_container(&base, "ingestion").await).await;

    let end = Timestamp::now() + Duration::from_secs(3600);
    for (blob, length) in [("small", 12_345), ("large", 30 << 20)] {
        let path = folder.path().join(blob);
        let bytes: Vec<u8> = (0..length).map(|at: usize| (at * 31 + at / 997) as u8).collect();
        std::fs::write(&path, &bytes).expect("write");
        let url = signed(&base, blob, "rcw", end);
        let done = client.upload(&url, &path, QUIET).await.expect("uploaded");
        assert_eq!((done.bytes, done.sent, done.verified), (length as u64, length as u64, true));
        if length > 1 << 20 {
            let again = client.upload(&url, &path, QUIET).await.expect("it is there");
            assert_eq!(again.sent, 0, "nothing is sent twice");
        }
        let back = folder.path().join(format!("{blob}.back"));
        client.download(&signed(&base, blob, "r", end), &back, QUIET).await.expect("downloaded");
        assert_eq!(Sha256::digest(std::fs::read(&back).expect("read")), Sha256::digest(&bytes));
    }
    // A signed URL works for one blob only, and a read-only URL does not allow writing.
    let small = folder.path().join("small");
    let mut other = signed(&base, "small", "rcw", end).with_secrets().clone();
    other.set_path(&format!("/{ACCOUNT}/ingestion/other"));
    let error = client.upload(&SafeUrl::new(other), &small, QUIET).await.expect_err("another blob");
    assert!(matches!(error, TransferError::Refused { status: 403, .. }), "{error}");
    let error = client.upload(&signed(&base, "small", "r", end), &small, QUIET).await.expect_err("read-only");
    assert!(matches!(error, TransferError::Refused { status: 403, .. }), "{error}");
}
