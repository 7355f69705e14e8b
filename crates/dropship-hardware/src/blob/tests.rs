use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use parking_lot::Mutex;

use super::buffers::{BLOCK, BUFFERS};
use super::*;
use crate::testing::{ReceivedRequest, Reply, TestServer};
use crate::{Client, Settings};
use dropship_redact::SafeUrl;

mod download;
mod slot;

use slot::Slot;

/// A file in which each byte depends on its position.
fn package(length: usize) -> (tempfile::TempDir, PathBuf, Vec<u8>) {
    let folder = tempfile::tempdir().expect("folder");
    let bytes: Vec<u8> = (0..length).map(|at| (at % 251) as u8 ^ (at / 65_536) as u8).collect();
    let path = folder.path().join("package.cab");
    std::fs::write(&path, &bytes).expect("write");
    (folder, path, bytes)
}

const NONE: &(dyn Fn(u64) + Send + Sync) = &|_| ();

#[tokio::test]
async fn small_package_is_uploaded_in_one_request() {
    for length in [0, 1, BLOCK] {
        let slot = Slot::new(|_| None).await;
        let (_folder, path, bytes) = package(length);
        let done = slot.server.client().upload(&slot.url(), &path, NONE).await.expect("uploaded");
        assert_eq!((done.bytes, done.sent, done.verified), (length as u64, length as u64, true));
        assert_eq!(done.etag.as_deref(), Some("\"0x1\""));
        assert_eq!(slot.content(), bytes);
        assert_eq!(slot.server.requests().len(), 1, "the response confirms the bytes");
    }
}

#[tokio::test]
async fn length_of_a_blob_is_read_where_the_store_returns_no_checksum() {
    for length in [0, 1, BLOCK] {
        let slot = Slot::without_checksums(|_| None).await;
        let (_folder, path, bytes) = package(length);
        let done = slot.server.client().upload(&slot.url(), &path, NONE).await.expect("uploaded");
        assert_eq!((done.bytes, done.sent, done.verified), (length as u64, length as u64, true));
        assert_eq!(done.etag.as_deref(), Some("\"0x1\""));
        assert_eq!(slot.content(), bytes);
        assert_eq!(slot.server.requests().len(), 2, "put and head");
    }
}

#[tokio::test]
async fn bytes_whose_returned_checksum_differs_are_sent_again() {
    for (length, requests) in [(5, 2), (BLOCK * 2, 6)] {
        let count = AtomicUsize::new(0);
        let slot = Slot::new(move |request| {
            request.header("x-ms-content-crc64")?;
            let other = Reply::empty(201).with("x-ms-content-crc64", "AAAAAAAAAAA=");
            (count.fetch_add(1, Ordering::SeqCst) == 0).then_some(other)
        })
        .await;
        let (_folder, path, bytes) = package(length);
        let done = slot.server.client().upload(&slot.url(), &path, NONE).await.expect("uploaded");
        assert_eq!((done.sent, done.verified), (bytes.len() as u64, true));
        assert_eq!(slot.content(), bytes);
        assert_eq!(slot.server.requests().len(), requests);
    }
}

#[tokio::test]
async fn store_that_always_returns_another_checksum_has_no_upload() {
    let slot = Slot::new(|request| {
        let other = Reply::empty(201).with("x-ms-content-crc64", "AAAAAAAAAAA=");
        request.header("x-ms-content-crc64").map(|_| other)
    })
    .await;
    let (_folder, path, _) = package(5);
    let error = slot.server.client().upload(&slot.url(), &path, NONE).await.expect_err("damaged");
    assert!(matches!(&error, TransferError::Stored { got, .. } if got == "AAAAAAAAAAA="), "{error}");
    assert!(error.is_passing());
}

#[tokio::test]
async fn large_package_is_uploaded_in_blocks_despite_faults() {
    let count = AtomicUsize::new(0);
    let slot = Slot::new(move |request| {
        request.query("blockid")?;
        match count.fetch_add(1, Ordering::SeqCst) {
            1 => Some(Reply::empty(500)),
            3 => Some(Reply::Drop),
            4 => Some(Reply::empty(503).with("Retry-After", "0")),
            _ => None,
        }
    })
    .await;
    let (_folder, path, bytes) = package(BLOCK * 5 + 17);
    let reported = Mutex::new(Vec::new());
    let progress = |done| reported.lock().push(done);
    let done = slot.server.client().upload(&slot.url(), &path, &progress).await.expect("uploaded");
    assert_eq!((done.bytes, done.sent, done.verified), (bytes.len() as u64, bytes.len() as u64, true));
    assert!(slot.content() == bytes, "the bytes are the package's");
    assert_eq!(slot.puts(), 6 + 3);
    let reported = reported.lock().clone();
    assert!(
        reported.is_sorted()
            && reported.first() == Some(&0)
            && reported.last() == Some(&(bytes.len() as u64)),
        "{reported:?}"
    );
}

#[tokio::test]
async fn interrupted_upload_resumes_at_its_block() {
    let broken = Arc::new(AtomicUsize::new(0));
    let slot = Slot::new({
        let broken = Arc::clone(&broken);
        move |request| {
            request.query("blockid")?;
            // Nothing passes after three blocks, for a while.
            let at = broken.fetch_add(1, Ordering::SeqCst);
            (3..1000).contains(&at).then_some(Reply::empty(403))
        }
    })
    .await;
    let (_folder, path, bytes) = package(BLOCK * 6);
    let client = slot.server.client();
    let error = client.upload(&slot.url(), &path, NONE).await.expect_err("refused");
    assert!(matches!(error, TransferError::Refused { status: 403, .. }), "{error}");
    broken.store(1000, Ordering::SeqCst);
    let kept = slot.blob.lock().waiting.len();
    assert!(kept >= 1);
    let done = client.upload(&slot.url(), &path, NONE).await.expect("uploaded");
    // A block that was on its way while we counted may have arrived as well.
    assert!(done.sent <= ((6 - kept) * BLOCK) as u64, "{done:?}, {kept} were kept");
    assert!(slot.content() == bytes);

    // Once more: all is there, so nothing is sent and nothing committed.
    let before = slot.server.requests().len();
    let again = client.upload(&slot.url(), &path, NONE).await.expect("there");
    assert_eq!((again.sent, again.verified), (0, true));
    assert_eq!(slot.server.requests().len() - before, 2, "list and head");

    // Other bytes of the same length are other blocks.
    let mut other = bytes.clone();
    other[BLOCK * 2] ^= 1;
    std::fs::write(&path, &other).expect("write");
    let done = client.upload(&slot.url(), &path, NONE).await.expect("uploaded");
    assert_eq!(done.sent, BLOCK as u64);
    assert!(slot.content() == other);
}

#[tokio::test]
async fn foreign_blocks_in_the_slot_are_cleared() {
    let slot = Slot::new(|_| None).await;
    slot.blob.lock().waiting.insert("c2hvcnQ=".to_owned(), vec![1]);
    let (_folder, path, bytes) = package(BLOCK * 2);
    slot.server.client().upload(&slot.url(), &path, NONE).await.expect("uploaded");
    assert!(slot.content() == bytes);
}

#[tokio::test]
async fn blob_of_wrong_length_fails_the_upload() {
    let slot = Slot::without_checksums(|request| {
        (request.method == "HEAD").then(|| Reply::empty(200).with("Content-Length", "4"))
    })
    .await;
    for length in [5, BLOCK + 1] {
        let (_folder, path, _) = package(length);
        let error = slot.server.client().upload(&slot.url(), &path, NONE).await.expect_err("short");
        let is_right =
            matches!(error, TransferError::Length { expected, got: 4, .. } if expected == length as u64);
        assert!(is_right, "{error}");
    }
}

#[tokio::test]
async fn expired_url_is_reported_for_renewal() {
    let slot = Slot::new(|request| {
        let body = "<Error><Code>AuthenticationFailed</Code><Message>Server failed to authenticate the request.\
                    </Message><AuthenticationErrorDetail>Signature not valid in the specified time frame: Expiry [x]\
                    </AuthenticationErrorDetail></Error>";
        (request.method == "PUT").then(|| Reply::Answer(403, vec![], body.into()))
    })
    .await;
    let (_folder, path, _) = package(5);
    let client = slot.server.client();
    let near = Timestamp::now() + Duration::from_secs(5);
    let url = slot.server.url(&format!("/c/b?se={near}&sig=x"));
    assert!(matches!(client.upload(&url, &path, NONE).await, Err(TransferError::Expired)));
    assert!(slot.server.all_requests().is_empty(), "our clock is enough");
    // Their clock counts as well.
    assert!(matches!(client.upload(&slot.url(), &path, NONE).await, Err(TransferError::Expired)));
}

#[tokio::test]
async fn packages_do_not_go_elsewhere() {
    let slot = Slot::new(|_| None).await;
    let (_folder, path, _) = package(5);
    let elsewhere = SafeUrl::parse("https://evil.example/c/b?sig=s3cret").expect("url");
    let error = slot.server.client().upload(&elsewhere, &path, NONE).await.expect_err("forbidden");
    assert!(matches!(error, TransferError::Forbidden { .. }));
    assert!(error.to_string().contains("evil.example") && !error.to_string().contains("s3cret"), "{error}");
}

#[tokio::test]
async fn redirected_upload_sends_no_package() {
    let other = Slot::new(|_| None).await;
    let there = other.url().with_secrets().to_string();
    let slot = Slot::new(move |_| Some(Reply::empty(307).with("Location", &there))).await;
    let (_folder, path, _) = package(5);
    let error = slot.server.client().upload(&slot.url(), &path, NONE).await.expect_err("a redirect");
    assert!(matches!(error, TransferError::Refused { status: 307, .. }), "{error}");
    assert!(other.server.all_requests().is_empty());
}

#[tokio::test]
async fn package_that_shrinks_fails_the_upload() {
    let slot = Slot::new(|_| None).await;
    let (_folder, path, _) = package(BLOCK * 12);
    let shrink = |_| {
        std::fs::OpenOptions::new().write(true).open(&path).and_then(|file| file.set_len(7)).expect("shrink")
    };
    let error = slot.server.client().upload(&slot.url(), &path, &shrink).await.expect_err("changed");
    assert!(matches!(error, TransferError::Changed { .. }), "{error}");
}

#[tokio::test]
async fn upload_of_other_bytes_creates_no_blob() {
    for length in [5, BLOCK, BLOCK * 3 + 9] {
        let slot = Slot::new(|_| None).await;
        let (_folder, path, bytes) = package(length);
        let client = slot.server.client();
        let meant =
            format!("{:x}", bytes::Bytes::copy_from_slice(&<sha2::Sha256 as sha2::Digest>::digest(&bytes)));
        let mut other = bytes.clone();
        other[length / 2] ^= 1;
        std::fs::write(&path, &other).expect("write");
        let error = client.upload_checked(&slot.url(), &path, &meant, NONE).await.expect_err("other bytes");
        assert!(matches!(error, TransferError::Altered { .. }), "{error}");
        assert!(slot.blob.lock().content.is_none(), "{length}: it did not become whole");
        std::fs::write(&path, &bytes).expect("write");
        client.upload_checked(&slot.url(), &path, &meant, NONE).await.expect("uploaded");
        assert!(slot.content() == bytes);
        // What is there already is looked at no less.
        std::fs::write(&path, &other).expect("write");
        assert!(client.upload_checked(&slot.url(), &path, &meant, NONE).await.is_err());
        assert!(slot.content() == bytes);
    }
}

#[tokio::test]
async fn more_uploads_at_once_than_there_are_buffers_all_end() {
    let slot = Slot::new(|_| None).await;
    let (_folder, path, bytes) = package(BLOCK * 2 + 1);
    let client = slot.server.client();
    let url = slot.url();
    let uploads = (0..3 * BUFFERS).map(|_| client.upload(&url, &path, NONE));
    for done in futures_util::future::join_all(uploads).await {
        assert_eq!(done.expect("uploaded").bytes, bytes.len() as u64);
    }
    assert!(slot.content() == bytes);
}

fn client(server: &TestServer, change: impl FnOnce(&mut Settings)) -> Client {
    let mut settings = server.settings();
    change(&mut settings);
    Client::new(settings).expect("client")
}

#[tokio::test]
async fn damaged_block_and_page_of_a_proxy_are_sent_again() {
    let count = AtomicUsize::new(0);
    let slot = Slot::new(move |request| {
        request.query("blockid")?;
        let refused = |code: &str| {
            let body = format!(
                "<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>damaged</Message></Error>"
            );
            Some(Reply::Answer(400, vec![], body.into_bytes()))
        };
        let page =
            |status| Some(Reply::Answer(status, vec![], b"<html><title>Blocked</title></html>".to_vec()));
        match count.fetch_add(1, Ordering::SeqCst) {
            0 => refused("Crc64Mismatch"),
            1 => refused("md5mismatch"),
            2 => page(403),
            3 => page(407),
            4 => page(503),
            _ => None,
        }
    })
    .await;
    let (_folder, path, bytes) = package(BLOCK * 3 + 17);
    let done = slot.server.client().upload(&slot.url(), &path, NONE).await.expect("uploaded");
    assert_eq!(done.sent, bytes.len() as u64);
    assert_eq!(slot.content(), bytes);
}
