//! What an upload costs: a gibibyte, and many small packages, into a store that keeps nothing.
//!
//! `cargo bench --bench upload`. The store runs in a process of its own, so that time and memory are the
//! client's. "one put" is the least that any client does: one connection, no checksum, no resumption.
#![expect(clippy::expect_used, clippy::print_stdout, reason = "a bench reports, and ends when it cannot run")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use dropship::hardware::{Client, Credential, SecretSource, Settings};
use dropship::redact::{SafeUrl, Secret};

const GIB: u64 = 1 << 30;
const SMALL: u64 = 2 << 20;
const ROUNDS: usize = 5;

fn main() {
    if std::env::args().any(|argument| argument == "store") {
        return store();
    }
    let mut child = Command::new(std::env::current_exe().expect("ourselves"))
        .arg("store")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the store");
    let mut line = String::new();
    BufReader::new(child.stdout.take().expect("its output")).read_line(&mut line).expect("its address");
    let base: url::Url = line.trim().parse().expect("its address");

    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("tokio");
    let folder = tempfile::tempdir().expect("a folder");
    let file = |name: &str, length| {
        let path = folder.path().join(name);
        std::fs::File::create(&path).and_then(|file| file.set_len(length)).expect("a sparse file");
        path
    };
    let (large, small) = (file("large", GIB), file("small", SMALL));
    let secret = Credential::Secret(SecretSource::fixed(Secret::new("x")));
    let client = Client::new(Settings::new(base.clone(), base.clone(), "t", "c", secret)).expect("a client");
    let up = |path: &Path, length: u64| {
        let url = SafeUrl::new(base.join(&format!("/{length}/b?sig=x")).expect("a URL"));
        let done = runtime.block_on(client.upload(&url, path, &|_| ())).expect("uploaded");
        assert_eq!(done.bytes, length);
    };
    report("dropship, 1 GiB", GIB, || up(&large, GIB));
    println!("    peak memory so far: {} MiB", peak_mib());
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
    drop(child.stdin.take());
    child.wait().expect("the store ends");
}

/// The median of some rounds.
fn report(what: &str, bytes: u64, mut run: impl FnMut()) {
    let mut times: Vec<Duration> = (0..ROUNDS)
        .map(|_| {
            let start = Instant::now();
            run();
            start.elapsed()
        })
        .collect();
    times.sort();
    let median = times[ROUNDS / 2].as_secs_f64();
    println!("{what:<24} {median:>7.3} s {:>7.0} MiB/s", bytes as f64 / median / 1_048_576.0);
}

fn peak_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("status");
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("the peak");
    peak.trim().trim_end_matches(" kB").parse::<u64>().expect("a number") / 1024
}

/// A store that takes everything and keeps nothing; ends with its standard input.
fn store() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    println!("http://{}", listener.local_addr().expect("address"));
    std::io::stdout().flush().expect("told");
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || discard(stream));
        }
    });
    let mut rest = Vec::new();
    std::io::stdin().read_to_end(&mut rest).expect("the end");
}

fn discard(mut stream: TcpStream) -> Option<()> {
    stream.set_nodelay(true).ok()?;
    let mut buffer = vec![0; 256 * 1024];
    let mut held = Vec::new();
    loop {
        let end = loop {
            if let Some(at) = held.windows(4).position(|part| part == b"\r\n\r\n") {
                break at + 4;
            }
            let count = stream.read(&mut buffer).ok().filter(|&count| count > 0)?;
            held.extend_from_slice(&buffer[..count]);
        };
        let head = String::from_utf8_lossy(&held[..end]).to_ascii_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
        let mut left: usize = length.and_then(|length| length.trim().parse().ok()).unwrap_or(0);
        let early = (held.len() - end).min(left);
        held.drain(..end + early);
        left -= early;
        while left > 0 {
            let most = left.min(buffer.len());
            left -= stream.read(&mut buffer[..most]).ok().filter(|&count| count > 0)?;
        }
        // The path's first part says how long the blob is.
        let blob = head.split('/').nth(1).unwrap_or("0").to_owned();
        let answer = match head.split(' ').next()? {
            "head" => format!("HTTP/1.1 200 OK\r\nContent-Length: {blob}\r\n\r\n"),
            "get" => "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n".to_owned(),
            _ => "HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n".to_owned(),
        };
        stream.write_all(answer.as_bytes()).ok()?;
    }
}
