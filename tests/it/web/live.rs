//! Pages that are kept up to date.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;

use super::client::Site;
use crate::harness::{bytes, wait_for};

/// A stream of events, after its head.
fn stream(site: &Site, target: &str) -> BufReader<TcpStream> {
    let mut stream = site.connect();
    write!(stream, "GET {target} HTTP/1.1\r\nHost: localhost\r\n\r\n").expect("asked");
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        assert!(reader.read_line(&mut head).expect("a head") > 0, "{head}");
    }
    assert!(head.starts_with("HTTP/1.1 200 ") && head.contains("text/event-stream"), "{head}");
    reader
}

/// Reads the stream until a line contains this text.
fn until(reader: &mut BufReader<TcpStream>, expected: &str) -> String {
    let mut line = Vec::new();
    let mut seen = String::new();
    loop {
        line.clear();
        assert!(
            reader.read_until(b'\n', &mut line).expect("an event") > 0,
            "the stream ended before {expected}: {seen}"
        );
        let text = String::from_utf8_lossy(&line);
        if text.contains(expected) {
            return text.into_owned();
        }
        seen.push_str(&text);
    }
}

#[test]
fn streams_follow_a_package_and_hold_up_nothing() {
    let site = Site::new();
    let env = &site.env;
    let mut overview = stream(&site, "/live/overview");
    until(&mut overview, "No package is in progress.");
    env.drop_package("echo.cab", &bytes("cab/good-signed-ts.cab"));
    let moved = until(&mut overview, "echo.cab");
    assert!(moved.starts_with("data: "), "{moved}");
    let id = wait_for("the job", || env.json(&["jobs"])[0]["id"].as_str().map(str::to_owned)).expect("a job");
    let mut package = stream(&site, &format!("/live/packages/{id}"));
    until(&mut package, ">succeeded<");
    until(&mut overview, ">succeeded<");
    // Streams are limited; the others end at once.
    let mut open = Vec::new();
    let full = wait_for("the limit", || {
        let mut next = stream(&site, "/live/overview");
        let mut first = [0; 200];
        let read = next.read(&mut first).expect("an event");
        let is_full = String::from_utf8_lossy(&first[..read]).contains("event: full");
        open.push(next);
        is_full.then_some(())
    });
    assert!(full.is_some() && open.len() <= 100, "{} streams", open.len());
    assert_eq!(site.get("/").status, 200, "pages are still served");
    drop(open);
    let again = wait_for("room", || {
        let mut next = stream(&site, "/live/overview");
        let mut first = [0; 200];
        let read = next.read(&mut first).expect("an event");
        (!String::from_utf8_lossy(&first[..read]).contains("event: full")).then_some(())
    });
    assert!(again.is_some(), "streams of clients that have gone end: {}", env.log());
    assert!(env.run(&["reload"]).status.success(), "a reload does not wait for streams");
    // `overview` and `package` are still open.
    site.stop();
}
