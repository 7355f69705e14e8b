//! The blob store.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use md5::Digest as _;

use super::*;

fn crc64(bytes: &[u8]) -> String {
    let mut sum = crc64fast_nvme::Digest::new();
    sum.write(bytes);
    STANDARD.encode(sum.sum64().to_le_bytes())
}

async fn failed(answer: Response, status: u16, code: &str) {
    assert_eq!(answer.status(), status);
    assert_eq!(answer.headers()["x-ms-error-code"], code);
    assert_eq!(answer.headers()["content-type"], "application/xml");
    assert!(answer.text().await.unwrap().contains(&format!("<Code>{code}</Code>")));
}

#[tokio::test]
async fn block_list_commits_blocks_in_its_order() {
    let service = TestService::plain().await;
    let (_, _, url) = service.submission().await;
    for (id, bytes) in [("b", "second "), ("a", "first "), ("c", "never")] {
        let id = STANDARD.encode(id).replace('=', "%3D");
        let put = service
            .http
            .put(format!("{url}&comp=block&blockid={id}"))
            .header("x-ms-content-crc64", crc64(bytes.as_bytes()));
        let response = put.body(bytes).send().await.unwrap();
        assert_eq!(response.status(), 201);
        assert_eq!(response.headers()["x-ms-content-crc64"], crc64(bytes.as_bytes()));
    }
    let listed = service
        .http
        .get(format!("{url}&comp=blocklist&blocklisttype=all"))
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    assert_eq!(listed.matches("<Block>").count(), 3, "{listed}");
    failed(service.http.get(&url).send().await.unwrap(), 404, "BlobNotFound").await;
    let list = |ids: &[&str]| {
        let ids: String = ids.iter().map(|id| format!("<Latest>{}</Latest>", STANDARD.encode(id))).collect();
        format!("<?xml version=\"1.0\" encoding=\"utf-8\"?><BlockList>{ids}</BlockList>")
    };
    let put = |body: String| service.http.put(format!("{url}&comp=blocklist")).body(body).send();
    failed(put(list(&["a", "z"])).await.unwrap(), 400, "InvalidBlockList").await;
    failed(put("<BlockList".to_owned()).await.unwrap(), 400, "InvalidXmlDocument").await;
    let response = put(list(&["a", "b"])).await.unwrap();
    assert_eq!(response.status(), 201);
    assert_eq!(response.headers()["x-ms-content-crc64"], crc64(list(&["a", "b"]).as_bytes()), "of the list");
    let etag = response.headers()["etag"].clone();
    let head = service.http.head(&url).send().await.unwrap();
    assert_eq!((head.headers()["content-length"].to_str().unwrap(), &head.headers()["etag"]), ("13", &etag));
    assert!(head.headers().contains_key("last-modified"));
    let part = service.http.get(&url).header("range", "bytes=6-11").send().await.unwrap();
    assert_eq!(
        (part.status().as_u16(), part.headers()["content-range"].to_str().unwrap()),
        (206, "bytes 6-11/13")
    );
    assert_eq!(part.text().await.unwrap(), "second");
    failed(service.http.get(&url).header("range", "bytes=13-").send().await.unwrap(), 416, "InvalidRange")
        .await;
}

#[tokio::test]
async fn blob_with_wrong_checksum_is_rejected() {
    let service = TestService::plain().await;
    let (_, _, url) = service.submission().await;
    let put = || service.http.put(&url).body("bytes");
    failed(put().send().await.unwrap(), 400, "MissingRequiredHeader").await;
    let block = || put().header("x-ms-blob-type", "BlockBlob");
    failed(block().header("x-ms-content-crc64", crc64(b"other")).send().await.unwrap(), 400, "Crc64Mismatch")
        .await;
    failed(block().header("content-md5", STANDARD.encode([0; 16])).send().await.unwrap(), 400, "Md5Mismatch")
        .await;
    let stream =
        reqwest::Body::wrap_stream(futures_util::stream::once(async { Ok::<_, std::io::Error>("bytes") }));
    let chunked = service.http.put(&url).header("x-ms-blob-type", "BlockBlob").body(stream);
    failed(chunked.send().await.unwrap(), 411, "MissingContentLengthHeader").await;
    for put in [block(), block().header("x-ms-content-crc64", crc64(b"bytes"))] {
        let response = put.send().await.unwrap();
        assert_eq!(response.status(), 201);
        assert_eq!(
            response.headers()["x-ms-content-crc64"],
            crc64(b"bytes"),
            "with and without one in the request"
        );
        assert!(!response.headers().contains_key("content-md5"));
    }
    let sum = STANDARD.encode(md5::Md5::digest(b"bytes"));
    let response = block().header("content-md5", &sum).send().await.unwrap();
    assert_eq!(response.headers()["content-md5"], sum);
    assert!(!response.headers().contains_key("x-ms-content-crc64"), "the store returns one of the two");
    failed(block().header("if-none-match", "*").send().await.unwrap(), 409, "BlobAlreadyExists").await;
}

#[tokio::test]
async fn signed_url_grants_one_blob_until_expiry() {
    let service = TestService::plain().await;
    let (pid, sid, url) = service.submission().await;
    let (_, _, other) = service.submission().await;
    let put = |url: String| service.http.put(url).header("x-ms-blob-type", "BlockBlob").body(cab());
    let (_, query) = url.split_once('?').unwrap();
    let (path, _) = other.split_once('?').unwrap();
    failed(put(format!("{path}?{query}")).send().await.unwrap(), 403, "AuthenticationFailed").await;
    failed(put(url.replace("sp=rwl", "sp=rwdl")).send().await.unwrap(), 403, "AuthenticationFailed").await;
    failed(put(path.to_owned()).send().await.unwrap(), 401, "NoAuthenticationInformation").await;
    failed(put(url.clone()).bearer_auth(&service.token).send().await.unwrap(), 403, "AuthenticationFailed")
        .await;
    assert_eq!(service.sandbox.control().leaked_bearers(), 1);
    let mut names: Vec<_> = query.split('&').filter_map(|part| part.split('=').next()).collect();
    names.sort_unstable();
    assert_eq!(
        names,
        ["rscd", "se", "sig", "sp", "sr", "sv"],
        "Azure's libraries drop what they do not know"
    );
    service.sandbox.control().advance(Duration::from_secs(24 * 3600 + 1));
    failed(put(url).send().await.unwrap(), 403, "AuthenticationFailed").await;
    let service =
        TestService { token: token(&service.http, service.sandbox.base_url(), TENANT).await, ..service };
    let fresh = service.get(&format!("products/{pid}/submissions/{sid}")).await;
    let fresh = download(&fresh, "initialPackage").unwrap();
    let put = |url: String| service.http.put(url).header("x-ms-blob-type", "BlockBlob").body(cab());
    assert_eq!(put(fresh.clone()).send().await.unwrap().status(), 201);
    service.commit(pid, sid).await;
    failed(put(fresh).send().await.unwrap(), 403, "AuthorizationPermissionMismatch").await;
}

#[tokio::test]
async fn interrupted_upload_leaves_no_blob() {
    use tokio::io::AsyncWriteExt as _;
    let service = TestService::plain().await;
    let (_, _, url) = service.submission().await;
    let address = service.sandbox.base_url().trim_start_matches("http://").to_owned();
    let target = url.trim_start_matches(service.sandbox.base_url());
    let mut stream = tokio::net::TcpStream::connect(&address).await.unwrap();
    let head = format!(
        "PUT {target} HTTP/1.1\r\nHost: {address}\r\nx-ms-blob-type: BlockBlob\r\nContent-Length: 100\r\n\r\nhalf"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.shutdown().await.unwrap();
    drop(stream);
    failed(service.http.get(&url).send().await.unwrap(), 404, "BlobNotFound").await;
}
