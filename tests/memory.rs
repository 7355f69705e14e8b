//! A large upload needs little memory. The test has a binary of its own, because it measures the memory of the process.
#![expect(clippy::expect_used, reason = "a failing helper fails the test")]

use std::time::Duration;

use dropship_hardware::{Client, Credential, SecretSource, Settings};
use dropship_redact::{SafeUrl, SecretString};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const GIB: u64 = 1 << 30;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn upload_of_one_gibibyte_uses_less_than_64_mebibytes() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let base = format!("http://{}", listener.local_addr().expect("address"));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(discard(stream));
        }
    });
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("sparse.hlkx");
    std::fs::File::create(&path).and_then(|file| file.set_len(GIB)).expect("a sparse file");

    let base: url::Url = base.parse().expect("url");
    let secret = Credential::Secret(SecretSource::fixed(SecretString::from("x")));
    let client = Client::new(Settings::new(base.clone(), base.clone(), "t", "c", secret)).expect("client");
    let url = SafeUrl::new(base.join("/c/b?sig=x").expect("url"));
    let upload = client.upload(&url, &path, &|_| ());
    let done =
        tokio::time::timeout(Duration::from_secs(300), upload).await.expect("in time").expect("uploaded");
    assert_eq!((done.bytes, done.sent), (GIB, GIB));

    let status = std::fs::read_to_string("/proc/self/status").expect("status");
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("the peak");
    let kib: u64 = peak.trim().trim_end_matches(" kB").parse().expect("a number");
    println!("{} MiB at the peak", kib / 1024);
    assert!(kib < 64 * 1024, "{} MiB at the peak, the other end included", kib / 1024);
}

/// Accepts uploads and discards them.
async fn discard(mut stream: TcpStream) -> Option<()> {
    let mut held = Vec::new();
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let end = loop {
            if let Some(at) = held.windows(4).position(|part| part == b"\r\n\r\n") {
                break at + 4;
            }
            let count = stream.read(&mut buffer).await.ok().filter(|&count| count > 0)?;
            held.extend_from_slice(&buffer[..count]);
        };
        let head = String::from_utf8_lossy(&held[..end]).to_ascii_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
        let mut left = length.map_or(0, |length| length.trim().parse().expect("a length"));
        let early = (held.len() - end).min(left);
        held.drain(..end + early);
        left -= early;
        while left > 0 {
            let most = left.min(buffer.len());
            left -= stream.read(&mut buffer[..most]).await.ok().filter(|&count| count > 0)?;
        }
        let answer = match head.split(' ').next()? {
            "head" => format!("HTTP/1.1 200 OK\r\nContent-Length: {GIB}\r\n\r\n"),
            "get" => "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n".to_owned(),
            _ => "HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n".to_owned(),
        };
        stream.write_all(answer.as_bytes()).await.ok()?;
    }
}
