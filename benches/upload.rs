//! The cost of uploads to a blob store that discards everything: one GiB, and many small packages.
//!
//! `cargo bench --bench upload`. The store is a process of its own, so only the client is measured. "one put" is the
//! least that any client does: one connection, no checksum, no resumption. `benches/peers` measures other clients.
#![expect(clippy::expect_used, clippy::print_stdout, reason = "a bench reports, and ends when it cannot run")]

#[path = "sink/mod.rs"]
mod sink;

use std::path::Path;
use std::time::{Duration, Instant};

use dropship_hardware::{Client, Credential, SecretSource, Settings};
use dropship_redact::{SafeUrl, SecretString};

const GIB: u64 = 1 << 30;
const SMALL: u64 = 2 << 20;
const ROUNDS: usize = 5;

fn main() {
    if std::env::args().any(|argument| argument == "store") {
        return sink::store();
    }
    let (_sink, base) = sink::Sink::start();
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("tokio");
    let folder = tempfile::tempdir().expect("a folder");
    let file = |name: &str, length| {
        let path = folder.path().join(name);
        std::fs::File::create(&path).and_then(|file| file.set_len(length)).expect("a sparse file");
        path
    };
    let (large, small) = (file("large", GIB), file("small", SMALL));
    let secret = Credential::Secret(SecretSource::fixed(SecretString::from("x")));
    let client = Client::new(Settings::new(base.clone(), base.clone(), "t", "c", secret)).expect("a client");
    let up = |path: &Path, length: u64| {
        let url = SafeUrl::new(base.join(&format!("/{length}/b?sig=x")).expect("a URL"));
        let done = runtime.block_on(client.upload(&url, path, &|_| ())).expect("uploaded");
        assert_eq!(done.bytes, length);
    };
    report("dropship, 1 GiB", GIB, || up(&large, GIB));
    println!("    peak memory so far: {} MiB", sink::peak_mib());
    report("dropship, 200 x 2 MiB", 200 * SMALL, || (0..200).for_each(|_| up(&small, SMALL)));
    let http = reqwest::Client::builder().no_proxy().build().expect("a client");
    let url = base.join(&format!("/{GIB}/b")).expect("a URL");
    report("one put, 1 GiB", GIB, || {
        runtime.block_on(async {
            let file = tokio::fs::File::open(&large).await.expect("the file");
            let body =
                reqwest::Body::wrap_stream(tokio_util::io::ReaderStream::with_capacity(file, 256 * 1024));
            let answer =
                http.put(url.clone()).header("Content-Length", GIB).body(body).send().await.expect("sent");
            assert_eq!(answer.status(), 201);
        });
    });
}

/// Prints the median of some rounds.
fn report(name: &str, bytes: u64, mut run: impl FnMut()) {
    let mut times: Vec<Duration> = (0..ROUNDS)
        .map(|_| {
            let start = Instant::now();
            run();
            start.elapsed()
        })
        .collect();
    times.sort();
    let median = times[ROUNDS / 2].as_secs_f64();
    println!("{name:<24} {median:>7.3} s {:>7.0} MiB/s", bytes as f64 / median / 1_048_576.0);
}
