use super::*;

const BYTES: usize = 700_000;

/// A server that gives a file out, by ranges too.
fn give(request: &ReceivedRequest, bytes: &[u8], tag: &str) -> Reply {
    if let Some(expected) = request.header("if-match")
        && expected != tag
    {
        return Reply::empty(412);
    }
    let Some(from) = request.header("range") else {
        return Reply::Answer(200, vec![("ETag".into(), tag.into())], bytes.to_vec());
    };
    let from: usize = from
        .strip_prefix("bytes=")
        .and_then(|range| range.strip_suffix('-'))
        .expect("range")
        .parse()
        .expect("number");
    let range = format!("bytes {from}-{}/{}", bytes.len() - 1, bytes.len());
    Reply::Answer(206, vec![("ETag".into(), tag.into())], bytes[from..].to_vec())
        .with("Content-Range", &range)
}

fn cut(bytes: &[u8], at: usize, tag: &str) -> Reply {
    Reply::Cut(200, vec![("ETag".into(), tag.into())], bytes.len(), bytes[..at].to_vec())
}

struct Case {
    server: TestServer,
    folder: tempfile::TempDir,
    bytes: Vec<u8>,
}

impl Case {
    async fn new(reply: impl Fn(&ReceivedRequest, usize, &[u8]) -> Reply + Send + Sync + 'static) -> Self {
        let (folder, _, bytes) = package(BYTES);
        let count = AtomicUsize::new(0);
        let content = bytes.clone();
        let server =
            TestServer::start(move |request| reply(request, count.fetch_add(1, Ordering::SeqCst), &content))
                .await;
        Self { server, folder, bytes }
    }

    fn to(&self) -> PathBuf {
        self.folder.path().join("signed.zip")
    }

    fn names(&self) -> Vec<String> {
        let mut names: Vec<_> = std::fs::read_dir(self.folder.path())
            .expect("folder")
            .map(|entry| entry.expect("entry").file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    async fn run(&self) -> Result<u64, TransferError> {
        self.server.client().download(&self.server.url("/c/b?sig=x"), &self.to(), NONE).await
    }

    fn is_whole(&self) {
        assert!(std::fs::read(self.to()).expect("file") == self.bytes, "the bytes are the server's");
        assert_eq!(self.names(), ["package.cab", "signed.zip"], "nothing is left over");
    }
}

#[tokio::test]
async fn interrupted_download_resumes_at_its_byte() {
    let case = Case::new(|request, at, bytes| match at {
        0 => cut(bytes, 600_000, "\"1\""),
        1 => Reply::Drop,
        2 => Reply::empty(500),
        _ => give(request, bytes, "\"1\""),
    })
    .await;
    assert_eq!(case.run().await.expect("whole"), BYTES as u64);
    case.is_whole();
    let requests = case.server.requests();
    assert_eq!(requests.len(), 4);
    assert_eq!(requests[3].header("range"), Some("bytes=600000-"));
    assert!(
        requests.iter().all(|request| request.header("authorization").is_none()),
        "signed URLs need no token"
    );
}

#[tokio::test]
async fn partial_download_is_resumed_by_a_later_call() {
    let case = Case::new(|request, at, bytes| match at {
        0 => cut(bytes, 100_000, "\"1\""),
        1 => Reply::empty(403),
        _ => give(request, bytes, "\"1\""),
    })
    .await;
    let error = case.run().await.expect_err("refused");
    assert!(matches!(error, TransferError::Refused { status: 403, .. }), "{error}");
    assert_eq!(case.names(), ["package.cab", "signed.zip.part", "signed.zip.part.etag"]);
    case.run().await.expect("whole");
    assert_eq!(case.server.requests()[2].header("range"), Some("bytes=100000-"));
    case.is_whole();
}

#[tokio::test]
async fn two_halves_of_two_files_are_not_joined() {
    let case = Case::new(|request, at, bytes| match at {
        0 => cut(&vec![0; bytes.len()], 100_000, "\"old\""),
        _ => give(request, bytes, "\"new\""),
    })
    .await;
    case.run().await.expect("whole");
    case.is_whole();

    // A server that ignores If-Match is detected by its ETag.
    let case = Case::new(|request, at, bytes| match at {
        0 => cut(&vec![0; bytes.len()], 100_000, "\"old\""),
        1 => {
            let mut blind = request.clone();
            blind.headers.remove("if-match");
            give(&blind, bytes, "\"new\"")
        }
        _ => give(request, bytes, "\"new\""),
    })
    .await;
    case.run().await.expect("whole");
    case.is_whole();

    // Without a tag nothing can be joined at all.
    let case = Case::new(|request, at, bytes| match at {
        0 => Reply::Cut(200, vec![], bytes.len(), vec![0; 100_000]),
        _ => give(request, bytes, "\"new\""),
    })
    .await;
    case.run().await.expect("whole");
    assert_eq!(case.server.requests()[1].header("range"), None);
    case.is_whole();
}

#[tokio::test]
async fn complete_partial_download_is_finished() {
    let case = Case::new(|_, _, bytes| {
        Reply::empty(416).with("Content-Range", &format!("bytes */{}", bytes.len())).with("ETag", "\"1\"")
    })
    .await;
    let part = case.folder.path().join("signed.zip.part");
    std::fs::write(&part, &case.bytes).expect("write");
    std::fs::write(case.folder.path().join("signed.zip.part.etag"), "\"1\"").expect("write");
    assert_eq!(case.run().await.expect("whole"), BYTES as u64);
    case.is_whole();
}

#[tokio::test]
async fn download_from_the_own_origin_sends_the_token_and_renews_it() {
    let case = Case::new(|request, at, bytes| match at {
        0 => Reply::empty(401),
        _ => give(request, bytes, "\"1\""),
    })
    .await;
    let client = case.server.client();
    client.download(&case.server.url("/dashboard/report"), &case.to(), NONE).await.expect("report");
    case.is_whole();
    assert_eq!(case.server.requests()[1].header("authorization"), Some("Bearer t0ken"));
    assert_eq!(case.server.tokens(), 2);
}

#[tokio::test]
async fn listed_loopback_port_gets_no_token_and_unlisted_one_is_refused() {
    let case = Case::new(|request, _, bytes| give(request, bytes, "\"1\"")).await;
    let endpoint = TestServer::start(|_| Reply::empty(500)).await;
    let unlisted = client(&endpoint, |settings| settings.blob_hosts.clear());
    let error =
        unlisted.download(&case.server.url("/plain"), &case.to(), NONE).await.expect_err("another origin");
    assert!(matches!(error, TransferError::Forbidden { .. }) && case.server.requests().is_empty(), "{error}");
    let listed = client(&endpoint, |settings| settings.blob_hosts = vec!["127.0.0.1".to_owned()]);
    listed.download(&case.server.url("/plain"), &case.to(), NONE).await.expect("a listed host");
    case.is_whole();
    assert_eq!(case.server.requests()[0].header("authorization"), None);
}

#[tokio::test]
async fn redirect_is_followed_without_credentials_five_times_at_most() {
    let case = Case::new(|request, _, bytes| {
        match request.target.trim_start_matches("/dashboard/hop").parse::<u32>() {
            Ok(0) => give(request, bytes, "\"1\""),
            Ok(left) => Reply::empty(302).with("Location", &format!("/dashboard/hop{}", left - 1)),
            Err(_) => Reply::empty(404),
        }
    })
    .await;
    let client = case.server.client();
    client.download(&case.server.url("/dashboard/hop5"), &case.to(), NONE).await.expect("five redirects");
    case.is_whole();
    let requests = case.server.requests();
    let tokens: Vec<_> = requests.iter().map(|request| request.header("authorization").is_some()).collect();
    assert_eq!(tokens, [true, false, false, false, false, false]);
    let error = client
        .download(&case.server.url("/dashboard/hop6"), &case.to(), NONE)
        .await
        .expect_err("six redirects");
    assert!(error.to_string().contains("more than 5 redirects"), "{error}");
}

#[tokio::test]
async fn redirect_to_another_origin_is_refused() {
    let other = TestServer::start(|_| Reply::empty(200)).await;
    let there = other.url("/x?sig=s3cret").with_secrets().to_string();
    let case = Case::new(move |_, _, _| Reply::empty(307).with("Location", &there)).await;
    let error = case.run().await.expect_err("another origin");
    assert!(matches!(error, TransferError::Forbidden { .. }) && other.all_requests().is_empty(), "{error}");
    assert!(
        error.to_string().contains("allowed blob hosts") && !error.to_string().contains("s3cret"),
        "{error}"
    );
}

#[tokio::test]
async fn html_page_is_never_the_file() {
    let html = ("Content-Type".to_owned(), "text/html; charset=utf-8".to_owned());
    let plain = ("Content-Type".to_owned(), "application/octet-stream".to_owned());
    for (kind, body) in [
        (plain, "\u{feff}\n<!DOCTYPE html><html><head><title>Sign in to your account</title></head></html>"),
        (html, "Please sign in to continue."),
    ] {
        let case = Case::new(move |_, _, _| {
            Reply::Answer(200, vec![kind.clone(), ("ETag".into(), "\"1\"".into())], body.as_bytes().to_vec())
        })
        .await;
        let error = case.run().await.expect_err("a page");
        assert!(matches!(error, TransferError::Page { .. }) && error.is_passing(), "{error}");
        assert!(error.to_string().to_lowercase().contains("sign in"), "{error}");
        assert!(!case.to().exists());
        let part = case.folder.path().join("signed.zip.part");
        assert_eq!(std::fs::read(part).expect("the part").len(), 0, "no byte of the page is kept");
    }
}

#[tokio::test]
async fn empty_response_and_error_with_status_200_are_never_the_file() {
    let json = br#"{"error":{"code":"internalError","message":"try again"}}"#;
    let xml = b"<?xml version=\"1.0\"?><Error><Code>BlobNotFound</Code><Message>gone</Message></Error>";
    for (status, body, why) in [
        (200, &b""[..], "is empty"),
        (204, b"", "is empty"),
        (200, &json[..], "internalError: try again"),
        (200, &xml[..], "BlobNotFound"),
    ] {
        let case = Case::new(move |_, _, _| Reply::Answer(status, vec![], body.to_vec())).await;
        let error = case.run().await.expect_err("no file");
        assert!(error.is_passing() && error.to_string().contains(why), "{status} {why}: {error}");
        assert!(!case.to().exists());
    }
}

#[tokio::test]
async fn page_of_a_proxy_is_passing_for_a_download() {
    let case = Case::new(|request, at, bytes| match at {
        0 => Reply::Answer(403, vec![], b"<html><title>Blocked</title></html>".to_vec()),
        1 => Reply::Answer(407, vec![], b"<html><title>Blocked</title></html>".to_vec()),
        2 => Reply::Answer(502, vec![], b"<html><title>Blocked</title></html>".to_vec()),
        _ => give(request, bytes, "\"1\""),
    })
    .await;
    case.run().await.expect("whole");
    case.is_whole();
}

#[tokio::test]
async fn hopeless_downloads_end_and_leave_no_file() {
    let case = Case::new(|_, _, _| Reply::empty(404)).await;
    let error = case.run().await.expect_err("gone");
    assert!(matches!(error, TransferError::Refused { status: 404, .. }), "{error}");
    assert_eq!((case.server.requests().len(), case.names().len()), (1, 1));

    let case = Case::new(|_, _, _| Reply::Drop).await;
    let error = case.run().await.expect_err("gone");
    assert!(matches!(error, TransferError::Network { .. }) && error.is_passing(), "{error}");
    assert_eq!(case.server.requests().len(), 6);
    assert!(!case.to().exists());
}

#[tokio::test]
async fn expired_url_is_not_requested() {
    let case = Case::new(|request, _, bytes| give(request, bytes, "\"1\"")).await;
    let url = case.server.url("/c/b?se=2018-03-12T15:32:10Z&sig=x");
    let error = case.server.client().download(&url, &case.to(), NONE).await.expect_err("ended");
    assert!(matches!(error, TransferError::Expired));
    assert!(case.server.all_requests().is_empty());
}

#[tokio::test]
async fn preproduction_download_is_verified_against_its_hash() {
    let digest = |bytes: &[u8]| ring::digest::digest(&ring::digest::SHA256, bytes).as_ref().to_vec();
    for (form, is_right) in [("hex", true), ("base64", true), ("wrong", false), ("none", true)] {
        let case = Case::new(move |request, _, bytes| {
            if request.target.ends_with("/download") {
                return give(request, bytes, "\"1\"");
            }
            let hash = match form {
                "hex" => digest(bytes).iter().map(|byte| format!("{byte:02X}")).collect(),
                "base64" => STANDARD.encode(digest(bytes)),
                "wrong" => STANDARD.encode(digest(b"other bytes")),
                _ => String::new(),
            };
            Reply::json(200, &serde_json::json!({"id": "a", "contentHash": hash}))
        })
        .await;
        let done = case.server.client().preprod_download("p", "a", &case.to(), NONE).await;
        if is_right {
            done.expect(form);
            case.is_whole();
        } else {
            let error = done.expect_err(form);
            assert!(matches!(error, TransferError::Digest { .. }), "{error}");
            assert!(!case.to().exists(), "{form}");
        }
    }
}

#[tokio::test]
async fn download_that_is_longer_than_its_kind_can_be_is_refused_and_not_kept() {
    let too_long = async |case: &Case, most: u64| {
        let client = case.server.client();
        let url = case.server.url("/c/b?sig=x");
        let error = client.download_within(&url, &case.to(), most, NONE).await.expect_err("too long");
        assert!(matches!(error, TransferError::TooLong { max_bytes } if max_bytes == most), "{error}");
        let part = case.folder.path().join("signed.zip.part");
        assert_eq!(std::fs::metadata(part).map_or(0, |part| part.len()), 0);
        assert_eq!(case.server.requests().len(), 1, "it is not asked for again");
    };
    let case = Case::new(|request, _, bytes| give(request, bytes, "\"1\"")).await;
    too_long(&case, BYTES as u64 - 1).await;
    // Without a stated length that is known only once the bytes have come.
    let case = Case::new(|_, _, bytes| Reply::Unsized(bytes.to_vec())).await;
    too_long(&case, BYTES as u64 / 2).await;
    let case = Case::new(|request, _, bytes| give(request, bytes, "\"1\"")).await;
    let url = case.server.url("/c/b?sig=x");
    case.server.client().download_within(&url, &case.to(), BYTES as u64, NONE).await.expect("whole");
    case.is_whole();
}

#[tokio::test]
async fn download_for_which_the_disk_has_no_space_is_not_begun() {
    let case = Case::new(|_, _, bytes| Reply::Cut(200, vec![], 1 << 55, bytes.to_vec())).await;
    let url = case.server.url("/c/b?sig=x");
    let error =
        case.server.client().download_within(&url, &case.to(), u64::MAX, NONE).await.expect_err("full");
    let is_full = |source: &std::io::Error| source.kind() == std::io::ErrorKind::StorageFull;
    assert!(matches!(&error, TransferError::Local { source, .. } if is_full(source)), "{error}");
    let part = case.folder.path().join("signed.zip.part");
    assert_eq!(std::fs::metadata(part).map_or(0, |part| part.len()), 0);
}

#[tokio::test]
async fn server_that_never_brings_the_end_is_given_up() {
    // A byte with each response; and always the same bytes, at first fewer.
    let byte = Case::new(|request, at, bytes| match at {
        0 => cut(bytes, 1, "\"1\""),
        at => {
            let Reply::Answer(status, headers, rest) = give(request, bytes, "\"1\"") else {
                unreachable!("the tag stays")
            };
            assert_eq!(request.header("range"), Some(format!("bytes={at}-").as_str()));
            Reply::Cut(status, headers, rest.len(), rest[..1].to_vec())
        }
    });
    let again = Case::new(|_, at, bytes| {
        let length = if at % 2 == 0 { 100_000 } else { 300_000 };
        Reply::Cut(200, vec![], bytes.len(), bytes[..length].to_vec())
    });
    for (case, most) in [(byte.await, 6), (again.await, 8)] {
        let error = case.run().await.expect_err("no end");
        assert!(error.is_passing(), "{error}");
        assert_eq!(case.server.requests().len(), most);
        assert!(!case.to().exists());
    }
}
