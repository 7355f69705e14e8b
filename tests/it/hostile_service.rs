//! A service, or a proxy in its place, whose responses are arranged to cost much or to never end. The daemon stays small,
//! answers its operators, and ends when it is asked to.

use std::fs;
use std::io::Write;
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::harness::{SECRET, TestEnv, bytes, start_double, text, wait_for};

/// The token that the double gives.
const TOKEN: &str = "0paque+Token/of~the_double";
/// Most memory that the daemon may use, in KiB.
const MOST_MEMORY: u64 = 700 << 10;

/// An attack: its name, and what it answers to a request with this number.
type Attack = (&'static str, fn(&mut TcpStream, usize) -> std::io::Result<bool>);

/// Writes a whole response.
fn respond(stream: &mut TcpStream, status: u16, headers: &str, body: &[u8]) -> std::io::Result<bool> {
    write!(stream, "HTTP/1.1 {status} X\r\ncontent-length: {}\r\n{headers}\r\n", body.len())?;
    stream.write_all(body)?;
    Ok(true)
}

/// Writes the same bytes until the client has enough.
fn forever(stream: &mut TcpStream, head: &[u8], bytes: &[u8]) -> std::io::Result<bool> {
    stream.write_all(head)?;
    loop {
        stream.write_all(bytes)?;
    }
}

const CHUNKED: &[u8] = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
const JSON: &str = "content-type: application/json\r\n";

const ATTACKS: &[Attack] = &[
    ("8 MiB of nested lists", |stream, _| respond(stream, 200, JSON, &[b'['; 8_000_000])),
    ("8 MiB of nested objects", |stream, _| respond(stream, 200, JSON, &b"{\"value\":".repeat(900_000))),
    ("a list of a million numbers", |stream, _| {
        respond(stream, 200, JSON, format!("{{\"value\":[{}1]}}", "1,".repeat(1_000_000)).as_bytes())
    }),
    ("entries of unheard forms", |stream, _| {
        let entry = "{\"id\":-1},{\"id\":1e400},{\"id\":[1]},7,null,";
        respond(stream, 200, JSON, format!("{{\"value\":[{}{{}}]}}", entry.repeat(20_000)).as_bytes())
    }),
    ("a name of 7 MiB", |stream, _| {
        let name = "n".repeat(7 << 20);
        let page = format!("{{\"value\":[{{\"id\":1,\"productName\":\"{name}\",\"name\":\"{name:.9}\"}}]}}");
        respond(stream, 200, JSON, page.as_bytes())
    }),
    ("a list without end", |stream, number| {
        let entry =
            |index: usize| format!("{{\"id\":{},\"productName\":\"p\"}}", 1 + number * 20_000 + index);
        let entries: Vec<_> = (0..20_000).map(entry).collect();
        let next = format!("[{{\"rel\":\"next_link\",\"href\":\"http://h/?continuationToken={number}\"}}]");
        let page = format!("{{\"value\":[{}],\"links\":{next}}}", entries.join(","));
        respond(stream, 200, JSON, page.as_bytes())
    }),
    ("an endless body", |stream, _| forever(stream, CHUNKED, b"8\r\n[[[[[[[[\r\n")),
    ("an endless page of an error", |stream, _| {
        forever(
            stream,
            b"HTTP/1.1 502 Bad\r\ncontent-type: text/html\r\ntransfer-encoding: chunked\r\n\r\n",
            b"8\r\n<b><b><b\r\n",
        )
    }),
    ("endless headers", |stream, _| {
        forever(stream, b"HTTP/1.1 200 OK\r\n", b"x-more: and more and more\r\n")
    }),
    ("an endless header", |stream, _| forever(stream, b"HTTP/1.1 200 OK\r\nx-long: ", &[b'a'; 4096])),
    ("an endless status", |stream, _| forever(stream, b"HTTP/1.1 ", b"2222222222222222")),
    ("a length of 8 EiB", |stream, _| {
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 9223372036854775807\r\n\r\n{")?;
        Ok(false)
    }),
    ("a bomb of gzip", |stream, _| {
        // It is not unpacked, as the client never asks for an encoding.
        let packed = [&b"\x1f\x8b\x08\0\0\0\0\0\0\x03"[..], &[0xff; 1 << 16]].concat();
        respond(stream, 200, "content-type: application/json\r\ncontent-encoding: gzip\r\n", &packed)
    }),
    ("nested entities", |stream, _| {
        let entity = |n: usize| format!("<!ENTITY e{} \"{}\">", n + 1, format!("&e{n};").repeat(10));
        let entities: String = (0..20).map(entity).collect();
        let page = format!("<!DOCTYPE a [<!ENTITY e0 \"b\">{entities}]><Error><Code>&e20;</Code></Error>");
        respond(stream, 500, "content-type: text/xml\r\n", page.as_bytes())
    }),
    ("nested elements", |stream, _| {
        respond(stream, 500, "content-type: text/html\r\n", &b"<a>".repeat(21_000))
    }),
    ("waits and dates without sense", |stream, number| {
        let headers = [
            "retry-after: 99999999999999999999\r\n",
            "retry-after: 1e400\r\n",
            "retry-after: -1\r\n",
            "date: Fri, 31 Dec 9999 23:59:59 GMT\r\n",
            "date: Mon, 01 Jan 0001 00:00:00 GMT\r\n",
        ];
        respond(stream, 500, headers[number % headers.len()], b"")
    }),
    ("a redirect to another host", |stream, _| {
        respond(stream, 307, "location: http://127.0.0.1:9/\r\n", b"")
    }),
    ("no HTTP", |stream, _| {
        stream.write_all(b"\x1b]0;owned\x07SSH-2.0-x\r\n")?;
        Ok(false)
    }),
];

/// The most memory that a process has used, in KiB.
fn peak_memory(id: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{id}/status")).expect("it runs");
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).expect("a peak");
    line.split_whitespace().nth(1).and_then(|number| number.parse().ok()).expect("a number")
}

#[test]
fn hostile_responses_cost_little_and_stop_neither_operators_nor_sigterm() {
    let env = TestEnv::new();
    let (attack, answered) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let base = start_double({
        let (attack, answered) = (Arc::clone(&attack), Arc::clone(&answered));
        move |request, stream| {
            if request.is_for_token() {
                let token = format!("{{\"access_token\":\"{TOKEN}\",\"expires_in\":3600}}");
                return respond(stream, 200, JSON, token.as_bytes());
            }
            let number = answered.fetch_add(1, Ordering::SeqCst);
            ATTACKS[attack.load(Ordering::SeqCst)].1(stream, number)
        }
    });
    let path = env.path("dropship.toml");
    let configuration = fs::read_to_string(&path).expect("a configuration");
    fs::write(&path, configuration.replace(env.sandbox.base_url(), &base)).expect("a configuration");
    env.drop_package("echo.cab", &bytes("cab/good-signed-ts.cab"));
    let daemon = env.daemon(&[]);
    for (index, (name, _)) in ATTACKS.iter().enumerate() {
        let before = answered.load(Ordering::SeqCst);
        attack.store(index, Ordering::SeqCst);
        // A list without end is ended by its number of entries, the others by an error.
        let more_requests = if name.contains("without end") { 12 } else { 3 };
        let has_enough = || (answered.load(Ordering::SeqCst) >= before + more_requests).then_some(());
        assert!(wait_for(name, has_enough).is_some(), "{name}: {}", env.log());
    }
    let peak = peak_memory(daemon.child.id());
    assert!(peak < MOST_MEMORY, "the daemon has used {peak} KiB");
    let jobs = env.json(&["jobs"]);
    assert_eq!(jobs.as_array().map(Vec::len), Some(1), "{jobs:#}");
    let message = jobs[0]["error"]["message"].as_str().unwrap_or_default().len();
    assert!(message < 4000, "a message of {message} bytes");
    let status = env.run(&["status"]);
    assert!(status.status.success(), "{}", text(&status.stderr));
    assert_eq!(daemon.terminate(), Some(0), "{}", env.log());
    let log = env.log();
    assert!(!log.contains(TOKEN) && !log.contains(SECRET) && !log.contains('\u{1b}'), "the log is clean");
    let longest = log.lines().map(str::len).max().unwrap_or_default();
    assert!(longest < 16_384, "a line of {longest} bytes");
}
