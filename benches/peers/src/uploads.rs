//! Uploads with each of the clients.

use std::future::Future;
use std::num::NonZero;
use std::path::{Path, PathBuf};

use azure_core::http::Body;
use azure_storage_blob::BlobClient;
use azure_storage_blob::models::BlobClientUploadOptions;
use azure_storage_blob::stream::tokio::FileStream;
use bytes::BytesMut;
use dropship_hardware::{Client, Credential, SecretSource, Settings};
use dropship_redact::{SafeUrl, SecretString};
use futures_util::{StreamExt, stream};
use object_store::{ObjectStoreExt, WriteMultipart};
use object_store::azure::{MicrosoftAzure, MicrosoftAzureBuilder};
use tokio::io::AsyncReadExt;
use url::Url;

/// Length of the parts in which object_store uploads a large file.
const PART: usize = 8 << 20;

/// Uploads a file `count` times, `at_once` at the same time. A signed `base` is the URL of the blob; any other is the
/// sink, whose paths begin with the length of the blob. `sha256` is the digest that a checked upload expects.
pub(crate) async fn run(
    client: &str,
    base: Url,
    (file, length): (&Path, u64),
    (count, at_once): (u64, usize),
    sha256: &str,
) {
    let file = file.to_owned();
    let url = match base.query() {
        Some(_) => base,
        None => base.join(&format!("/{length}/b?sp=rcw&sig=x")).expect("a URL"),
    };
    match client {
        "dropship" => {
            let (client, url) = (ours(&url), SafeUrl::new(url));
            many(count, at_once, || {
                let (client, url, file) = (client.clone(), url.clone(), file.clone());
                async move { drop(client.upload(&url, &file, &|_| ()).await.expect("uploaded")) }
            })
            .await;
        }
        "dropship-hashed" => {
            let (client, url) = (ours(&url), SafeUrl::new(url));
            many(count, at_once, || {
                let (client, url, file, sha256) =
                    (client.clone(), url.clone(), file.clone(), sha256.to_owned());
                async move {
                    drop(client.upload_checked(&url, &file, &sha256, &|_| ()).await.expect("uploaded"));
                }
            })
            .await;
        }
        "object-store" => {
            let (store, path) = object_store(&url);
            many(count, at_once, || {
                let (store, path, file) = (store.clone(), path.clone(), file.clone());
                async move {
                    if length > PART as u64 {
                        return in_parts(&store, &path, &file).await;
                    }
                    let bytes = tokio::fs::read(file).await.expect("the file");
                    store.put(&path, bytes.into()).await.expect("uploaded");
                }
            })
            .await;
        }
        "azure-defaults" => many(count, at_once, || official(url.clone(), file.clone(), None)).await,
        "azure-8MiB-4" => {
            many(count, at_once, || official(url.clone(), file.clone(), Some((8 << 20, 4)))).await;
        }
        "one-put" => one_put(url, file, length, count).await,
        _ => panic!("there is no client {client}"),
    }
}

/// Runs each upload in a task, like a job of the daemon.
async fn many<F>(count: u64, at_once: usize, one: impl Fn() -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    let mut running = stream::iter(0..count).map(|_| tokio::spawn(one())).buffer_unordered(at_once);
    while let Some(done) = running.next().await {
        done.expect("uploaded");
    }
}

/// dropship's client. Its endpoint is the store, because it uploads to known hosts only.
pub(crate) fn ours(url: &Url) -> Client {
    let secret = Credential::Secret(SecretSource::fixed(SecretString::from("x")));
    let base = url.join("/").expect("a URL");
    Client::new(Settings::new(base.clone(), base, "t", "c", secret)).expect("a client")
}

/// object_store's client, which needs the parts of a signed URL instead of the URL.
fn object_store(url: &Url) -> (MicrosoftAzure, object_store::path::Path) {
    let mut segments: Vec<&str> = url.path_segments().expect("a path").collect();
    let (blob, container) = (segments.pop().expect("a blob"), segments.pop().expect("a container"));
    let mut endpoint = url.join("/").expect("a URL");
    endpoint.path_segments_mut().expect("a base").pop_if_empty().extend(&segments);
    let pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    let store = MicrosoftAzureBuilder::new()
        .with_account("devstoreaccount1")
        .with_container_name(container)
        .with_endpoint(endpoint.as_str().trim_end_matches('/').to_owned())
        .with_sas_authorization(pairs)
        .with_allow_http(true)
        .build()
        .expect("a store");
    (store, blob.into())
}

/// As its documentation shows for large files, with four parts in flight.
async fn in_parts(store: &MicrosoftAzure, path: &object_store::path::Path, file: &Path) {
    let upload = store.put_multipart(path).await.expect("begun");
    let mut upload = WriteMultipart::new_with_chunk_size(upload, PART);
    let mut file = tokio::fs::File::open(file).await.expect("the file");
    loop {
        let mut part = BytesMut::with_capacity(PART);
        while part.len() < PART && file.read_buf(&mut part).await.expect("read") > 0 {}
        if part.is_empty() {
            break;
        }
        upload.wait_for_capacity(4).await.expect("sent");
        upload.put(part.freeze());
    }
    upload.finish().await.expect("uploaded");
}

async fn official(url: Url, file: PathBuf, sizes: Option<(u64, usize)>) {
    let options = BlobClientUploadOptions {
        partition_size: sizes.and_then(|(size, _)| NonZero::new(size)),
        parallel: sizes.and_then(|(_, parallel)| NonZero::new(parallel)),
        ..Default::default()
    };
    let client = BlobClient::new(url, None, None).expect("a client");
    let opened = tokio::fs::File::open(&file).await.expect("the file");
    let body: Body = FileStream::builder(opened).build().await.expect("a stream").into();
    client.upload(body.into(), Some(options)).await.expect("uploaded");
}

async fn one_put(url: Url, file: PathBuf, length: u64, count: u64) {
    let http = reqwest::Client::builder().no_proxy().build().expect("a client");
    for _ in 0..count {
        let opened = tokio::fs::File::open(&file).await.expect("the file");
        let stream = tokio_util::io::ReaderStream::with_capacity(opened, 256 * 1024);
        let put = http.put(url.clone()).header("Content-Length", length);
        let answer = put.body(reqwest::Body::wrap_stream(stream)).send().await.expect("sent");
        assert_eq!(answer.status(), 201);
    }
}
