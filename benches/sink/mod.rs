//! A blob store that accepts and discards everything, for the benches of uploads.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use rustix::net::{RecvFlags, recv};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{HandshakeKind, ServerConfig, ServerConnection, StreamOwned};

/// Connections over which something was sent.
static CONNECTIONS: AtomicUsize = AtomicUsize::new(0);
/// Those of them that resumed a TLS session.
static RESUMED: AtomicUsize = AtomicUsize::new(0);
/// The certificate of the TLS store; clients must trust `tests/fixtures/tls/ca.pem` of `dropship-hardware`.
const CERTIFICATE: &[u8] = include_bytes!("../../crates/dropship-hardware/tests/fixtures/tls/localhost.pem");
const KEY: &[u8] = include_bytes!("../../crates/dropship-hardware/tests/fixtures/tls/localhost.key.pem");

/// The store in a process of its own, so that only the client is measured.
pub(crate) struct Sink(Child);

impl Sink {
    /// Starts this program again as the store; returns it and its address.
    pub(crate) fn start() -> (Self, url::Url) {
        let mut child = Command::new(std::env::current_exe().expect("this program"))
            .arg("store")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the store");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("its output")).read_line(&mut line).expect("its address");
        (Self(child), line.trim().parse().expect("its address"))
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        drop(self.0.wait());
    }
}

/// The peak memory of this process.
pub(crate) fn peak_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("status");
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("the peak");
    peak.trim().trim_end_matches(" kB").parse::<u64>().expect("a number") / 1024
}

/// Runs the store until its standard input ends. `SINK_DELAY_MS` delays each response, and `SINK_RATE_MB` limits each
/// connection in megabytes a second: together they simulate the link between a build server and the service.
/// With `SINK_TLS=1` it speaks TLS and decrypts everything. `GET /__stats` returns the number of connections so far, and how many
/// of them resumed a TLS session.
pub(crate) fn store() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("address");
    let tls = std::env::var_os("SINK_TLS").map(|_| tls());
    println!("{}://{address}", if tls.is_some() { "https" } else { "http" });
    std::io::stdout().flush().expect("printed");
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let tls = tls.clone();
            std::thread::spawn(move || {
                stream.set_nodelay(true).ok()?;
                match tls {
                    None => discard(stream),
                    Some(tls) => discard(StreamOwned::new(ServerConnection::new(tls).ok()?, stream)),
                }
            });
        }
    });
    let mut rest = Vec::new();
    std::io::stdin().read_to_end(&mut rest).expect("the end");
}

fn tls() -> Arc<ServerConfig> {
    drop(rustls::crypto::ring::default_provider().install_default());
    let chain = vec![CertificateDer::from_pem_slice(CERTIFICATE).expect("a certificate")];
    let key = PrivateKeyDer::from_pem_slice(KEY).expect("a key");
    let config = ServerConfig::builder().with_no_client_auth().with_single_cert(chain, key);
    Arc::new(config.expect("a configuration"))
}

/// A connection of a client.
trait Connection: Read + Write {
    /// Takes up to as many bytes as the buffer has, and forgets them.
    fn forget(&mut self, buffer: &mut [u8]) -> Option<usize>;
    fn is_resumed(&self) -> bool;
}

impl Connection for TcpStream {
    /// The kernel discards the bytes instead of copying them (tcp(7), `MSG_TRUNC`), to leave the processor to the client.
    fn forget(&mut self, buffer: &mut [u8]) -> Option<usize> {
        recv(&*self, buffer, RecvFlags::TRUNC).ok().map(|(_, count)| count)
    }

    fn is_resumed(&self) -> bool {
        false
    }
}

impl Connection for StreamOwned<ServerConnection, TcpStream> {
    fn forget(&mut self, buffer: &mut [u8]) -> Option<usize> {
        self.read(buffer).ok()
    }

    fn is_resumed(&self) -> bool {
        self.conn.handshake_kind() == Some(HandshakeKind::Resumed)
    }
}

fn discard(mut stream: impl Connection) -> Option<()> {
    let mut buffer = vec![0; 256 * 1024];
    let (mut received, mut counted) = (Vec::new(), false);
    let number = |name| std::env::var(name).ok().and_then(|text| text.parse::<f64>().ok());
    let (delay, rate) = (number("SINK_DELAY_MS").unwrap_or(0.0), number("SINK_RATE_MB"));
    loop {
        let end = loop {
            if let Some(at) = received.windows(4).position(|part| part == b"\r\n\r\n") {
                break at + 4;
            }
            let count = stream.read(&mut buffer).ok().filter(|&count| count > 0)?;
            received.extend_from_slice(&buffer[..count]);
        };
        let exact = String::from_utf8_lossy(&received[..end]).into_owned();
        let head = exact.to_ascii_lowercase();
        if head.starts_with("get /__stats ") {
            let count =
                [&CONNECTIONS, &RESUMED].map(|count| count.load(Ordering::Relaxed).to_string()).join(" ");
            let head =
                format!("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}\r\n\r\n", count.len());
            return stream.write_all((head + &count).as_bytes()).ok();
        }
        if !counted {
            counted = true;
            CONNECTIONS.fetch_add(1, Ordering::Relaxed);
            RESUMED.fetch_add(usize::from(stream.is_resumed()), Ordering::Relaxed);
        }
        if head.lines().any(|line| line.starts_with("expect:") && line.contains("100-continue")) {
            stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").ok()?;
        }
        let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
        let mut remaining: usize = length.and_then(|length| length.trim().parse().ok()).unwrap_or(0);
        let early = (received.len() - end).min(remaining);
        received.drain(..end + early);
        remaining -= early;
        let (start, total) = (Instant::now(), remaining);
        while remaining > 0 {
            let limit = remaining.min(buffer.len());
            let count = stream.forget(&mut buffer[..limit])?;
            remaining = remaining.checked_sub(count).filter(|_| count > 0)?;
            if let Some(rate) = rate {
                let due = Duration::from_secs_f64((total - remaining) as f64 / (rate * 1e6));
                pass(due.saturating_sub(start.elapsed()));
            }
        }
        pass(Duration::from_secs_f64(delay / 1e3));
        // Like Azure: the checksum of what was received. The sink trusts that it is the one that was announced.
        let sum =
            head.lines().find(|line| line.starts_with("x-ms-content-crc64:")).map_or(String::new(), |line| {
                let at = head.find(line).unwrap_or(0);
                format!("{}\r\n", &exact[at..at + line.len()])
            });
        // The first part of the path is the length of the blob.
        let blob = head.split('/').nth(1).unwrap_or("0").to_owned();
        let answer = match head.split(' ').next()? {
            "head" => format!("HTTP/1.1 200 OK\r\nContent-Length: {blob}\r\n\r\n"),
            "get" => "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n".to_owned(),
            // Some clients require these headers.
            _ => format!(
                "HTTP/1.1 201 Created\r\nContent-Length: 0\r\nETag: \"0x1\"\r\n{sum}\
                 Last-Modified: Mon, 01 Jun 2026 00:00:00 GMT\r\n\r\n"
            ),
        };
        stream.write_all(answer.as_bytes()).ok()?;
    }
}

/// Waits, as a slow link does.
#[expect(clippy::disallowed_methods, reason = "a simulated link takes real time")]
fn pass(time: Duration) {
    std::thread::sleep(time);
}
