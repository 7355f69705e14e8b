//! A daemon with pages, and a client that sends exactly what it is given.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use dropship_sandbox::Quirks;

use crate::harness::{TIME_LIMIT, TestDaemon, TestEnv, free_port, usual_quirks, wait_for};

/// A daemon that serves pages.
pub(super) struct Site {
    pub(super) env: TestEnv,
    pub(super) port: u16,
    daemon: Option<TestDaemon>,
}

/// An answer.
#[derive(Debug, Clone)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) head: String,
    pub(super) body: Vec<u8>,
}

impl Site {
    /// A running daemon; `more` is appended to the configuration before `[web]`, `keys` to `[web]`.
    pub(super) fn with(more: &str, keys: &str) -> Self {
        Self::edited(usual_quirks(), more, keys, &[])
    }

    /// The same with other quirks of the service, and with texts of the configuration replaced.
    pub(super) fn edited(quirks: Quirks, more: &str, keys: &str, edits: &[(&str, &str)]) -> Self {
        let port = free_port();
        let web = format!("{more}\n[web]\nlisten = \"127.0.0.1:{port}\"\n{keys}\n");
        let env = TestEnv::with(quirks, &web);
        for (from, to) in edits {
            env.edit_configuration(from, to);
        }
        let daemon = env.daemon(&[]);
        let site = Self { env, port, daemon: Some(daemon) };
        let up = wait_for("the pages", || TcpStream::connect(("127.0.0.1", port)).ok());
        assert!(up.is_some(), "{}", site.env.log());
        site
    }

    pub(super) fn new() -> Self {
        Self::with("", "")
    }

    /// Sends bytes and reads until the daemon closes the connection.
    pub(super) fn send(&self, request: &[u8]) -> Vec<u8> {
        let mut stream = self.connect();
        // The daemon may answer and close before it has read everything.
        drop(stream.write_all(request));
        let mut answer = Vec::new();
        drop(stream.read_to_end(&mut answer));
        answer
    }

    pub(super) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(("127.0.0.1", self.port)).expect("the port");
        stream.set_read_timeout(Some(TIME_LIMIT)).expect("a limit");
        stream.set_write_timeout(Some(Duration::from_secs(20))).expect("a limit");
        stream
    }

    /// Requests a page with further header lines.
    pub(super) fn request(&self, method: &str, target: &str, headers: &str) -> Answer {
        let host = if headers.to_ascii_lowercase().contains("host:") {
            String::new()
        } else {
            "Host: localhost\r\n".to_owned()
        };
        Answer::of(&self.send(format!("{method} {target} HTTP/1.1\r\n{host}{headers}\r\n").as_bytes()))
    }

    pub(super) fn get(&self, target: &str) -> Answer {
        self.request("GET", target, "")
    }

    /// Ends the daemon as systemd does.
    pub(super) fn stop(mut self) {
        let daemon = self.daemon.take().expect("it runs");
        assert_eq!(daemon.terminate(), Some(0), "{}", self.env.log());
    }
}

impl Answer {
    pub(super) fn of(bytes: &[u8]) -> Self {
        let split = bytes.windows(4).position(|part| part == b"\r\n\r\n").unwrap_or(bytes.len());
        let head = String::from_utf8_lossy(&bytes[..split]).into_owned();
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
        let body = bytes.get(split + 4..).unwrap_or_default();
        let body = match head.to_ascii_lowercase().contains("transfer-encoding: chunked") {
            true => dechunked(body),
            false => body.to_vec(),
        };
        Self { status, head, body }
    }

    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The value of a header.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().skip(1).filter_map(|line| line.split_once(": "));
        lines.filter(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| value).next()
    }

    /// The values of an attribute, in the order of the page.
    pub(super) fn links(&self, start: &str) -> Vec<String> {
        let text = self.text();
        let links = text.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next());
        links.filter(|link| link.starts_with(start)).map(|link| link.replace("&amp;", "&")).collect()
    }
}

fn dechunked(mut rest: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    while let Some(end) = rest.windows(2).position(|part| part == b"\r\n") {
        let size =
            std::str::from_utf8(&rest[..end]).ok().and_then(|size| usize::from_str_radix(size, 16).ok());
        let Some(size) = size.filter(|size| *size > 0) else { break };
        body.extend_from_slice(rest.get(end + 2..end + 2 + size).unwrap_or_default());
        rest = rest.get(end + 4 + size..).unwrap_or_default();
    }
    body
}
