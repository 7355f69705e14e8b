//! `cargo run --release --manifest-path benches/peers/Cargo.toml`: dropship's upload and that of the official
//! `azure_storage_blob` crate, turn by turn, into a store that keeps nothing. Each round of each client is a
//! process of its own, so that its memory and processor time are its own.

#[path = "../../sink/mod.rs"]
mod sink;

use std::io::Read;
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use azure_core::http::Body;
use azure_storage_blob::BlobClient;
use azure_storage_blob::models::BlobClientUploadOptions;
use azure_storage_blob::stream::tokio::FileStream;
use dropship::hardware::{Client, Credential, SecretSource, Settings};
use dropship::redact::{SafeUrl, Secret};
use url::Url;

const GIB: u64 = 1 << 30;
const SMALL: u64 = 2 << 20;
const MANY: usize = 200;
const ROUNDS: usize = 7;
/// Names of the clients, as arguments.
const CLIENTS: [&str; 4] = ["dropship", "azure-defaults", "azure-8MiB-4", "one-put"];

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.as_slice() {
        [store] if store == "store" => sink::store(),
        [client, base, file, length, count] => {
            let number = |text: &str| text.parse::<u64>().expect("a number");
            round(client, base.parse().expect("a URL"), Path::new(file), number(length), number(count));
        }
        _ => compare(),
    }
}

fn compare() {
    let (_sink, base) = sink::Sink::start();
    let folder = tempfile::tempdir().expect("a folder");
    for (what, length, count) in [("1 GiB", GIB, 1), ("200 x 2 MiB", SMALL, MANY)] {
        let file = folder.path().join(length.to_string());
        std::fs::File::create(&file).and_then(|file| file.set_len(length)).expect("a sparse file");
        let mut found: Vec<Vec<Vec<f64>>> = vec![Vec::new(); CLIENTS.len()];
        for _ in 0..ROUNDS {
            for (client, found) in CLIENTS.iter().zip(&mut found) {
                found.push(measure(client, &base, &file, length, count));
            }
        }
        println!("{what:<16} {:>8} {:>8} {:>8}", "wall s", "cpu s", "MiB");
        for (client, rounds) in CLIENTS.iter().zip(&found) {
            let median = |at: usize| {
                let mut values: Vec<f64> = rounds.iter().map(|round| round[at]).collect();
                values.sort_by(f64::total_cmp);
                values[values.len() / 2]
            };
            println!("  {client:<14} {:>8.3} {:>8.2} {:>8.0}", median(0), median(1), median(2));
        }
    }
}

/// Runs one round in a process of its own: wall time, processor time, memory.
fn measure(client: &str, base: &Url, file: &Path, length: u64, count: usize) -> Vec<f64> {
    let output = Command::new(std::env::current_exe().expect("ourselves"))
        .args([client, base.as_str()])
        .arg(file)
        .args([length.to_string(), count.to_string()])
        .output()
        .expect("a round");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{client}: {}", String::from_utf8_lossy(&output.stderr));
    text.split_whitespace().map(|number| number.parse().expect("a number")).collect()
}

fn round(client: &str, base: Url, file: &Path, length: u64, count: u64) {
    drop(rustls::crypto::ring::default_provider().install_default());
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("tokio");
    let url = base.join(&format!("/{length}/b?sp=rcw&sig=x")).expect("a URL");
    let file = file.to_owned();
    let start = Instant::now();
    runtime.block_on(async {
        match client {
            "dropship" => ours(&base, url, &file, count).await,
            "azure-defaults" => official(url, file, count, None).await,
            "azure-8MiB-4" => official(url, file, count, Some((8 << 20, 4))).await,
            _ => one_put(url, file, length, count).await,
        }
    });
    let wall = start.elapsed().as_secs_f64();
    println!("{wall} {} {}", processor(), sink::peak_mib());
}

async fn ours(base: &Url, url: Url, file: &Path, count: u64) {
    let secret = Credential::Secret(SecretSource::fixed(Secret::new("x")));
    let client = Client::new(Settings::new(base.clone(), base.clone(), "t", "c", secret)).expect("a client");
    let url = SafeUrl::new(url);
    for _ in 0..count {
        client.upload(&url, file, &|_| ()).await.expect("uploaded");
    }
}

async fn official(url: Url, file: PathBuf, count: u64, sizes: Option<(u64, usize)>) {
    let options = || BlobClientUploadOptions {
        partition_size: sizes.and_then(|(size, _)| NonZero::new(size)),
        parallel: sizes.and_then(|(_, parallel)| NonZero::new(parallel)),
        ..Default::default()
    };
    for _ in 0..count {
        let client = BlobClient::new(url.clone(), None, None).expect("a client");
        let opened = tokio::fs::File::open(&file).await.expect("the file");
        let body: Body = FileStream::builder(opened).build().await.expect("a stream").into();
        client.upload(body.into(), Some(options())).await.expect("uploaded");
    }
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

/// Processor time of this process so far, in seconds.
fn processor() -> f64 {
    let mut text = String::new();
    std::fs::File::open("/proc/self/stat").and_then(|mut file| file.read_to_string(&mut text)).expect("stat");
    let fields: Vec<&str> = text.rsplit(") ").next().unwrap_or_default().split(' ').collect();
    // utime and stime, in hundredths of a second (proc(5), fields 14 and 15; state is field 3).
    (fields[11].parse::<f64>().expect("utime") + fields[12].parse::<f64>().expect("stime")) / 100.0
}
