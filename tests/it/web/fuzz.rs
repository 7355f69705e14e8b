//! Random requests find nothing but the answers that pages may have.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::client::{Answer, Site};
use crate::harness::bytes;

const ALLOWED: [u16; 6] = [200, 304, 400, 404, 405, 421];

fn target(id: String) -> impl Strategy<Value = Vec<u8>> {
    let known = prop::sample::select(vec![
        "/".to_owned(),
        "/packages".to_owned(),
        "/packages.csv".to_owned(),
        "/packages.json".to_owned(),
        "/labels".to_owned(),
        "/who".to_owned(),
        "/rules".to_owned(),
        "/charts".to_owned(),
        "/style.css".to_owned(),
        format!("/packages/{id}"),
        format!("/packages/{id}/files/signed.zip"),
        format!("/packages/{id}/files/../receipt.json"),
        "*".to_owned(),
    ]);
    let name = prop::sample::select(vec![
        "q",
        "state",
        "folder",
        "rule",
        "package",
        "from",
        "to",
        "sort",
        "order",
        "page",
        "size",
        "upto",
        "hardware_id",
        "os",
        "month",
        "v",
        "x",
        "",
    ]);
    let value = prop_oneof![
        "[ -~]{0,30}",
        "[0-9]{0,25}",
        "\\PC{0,20}",
        Just("%ff".to_owned()),
        Just("%00".to_owned()),
        Just("-1".to_owned()),
        Just("9999-12-31".to_owned()),
        Just("-9999-01-01".to_owned()),
        Just("all".to_owned()),
        Just(id),
        Just("[[[[{{{{****".to_owned()),
        Just("18446744073709551616".to_owned()),
    ];
    let value = value.prop_map(|value| value.replace([' ', '\r', '\n'], "+"));
    let query = prop::collection::vec((name, value), 0..4).prop_map(|parameters| {
        let parts: Vec<_> = parameters.iter().map(|(name, value)| format!("{name}={value}")).collect();
        if parts.is_empty() { String::new() } else { format!("?{}", parts.join("&")) }
    });
    let usual = (known, query).prop_map(|(path, query)| format!("{path}{query}").into_bytes());
    let odd = prop::collection::vec(
        any::<u8>().prop_filter("no end of a line", |byte| !b"\r\n ".contains(byte)),
        1..60,
    );
    let odd = odd.prop_map(|path| [b"/".as_slice(), &path].concat());
    let long = Just([b"/packages?q=".as_slice(), &[b'x'; 70_000]].concat());
    prop_oneof![12 => usual, 2 => odd, 1 => long]
}

fn request(id: String) -> impl Strategy<Value = Vec<u8>> {
    let method = prop_oneof![
        8 => Just("GET".to_owned()), 2 => Just("HEAD".to_owned()), 1 => "[A-Z]{1,12}", 1 => Just("POST".to_owned()),
    ];
    let version = prop_oneof![12 => Just("HTTP/1.1".to_owned()), 1 => Just("HTTP/1.0".to_owned()), 1 => "HTTP/[0-9].[0-9]"];
    let host = prop_oneof![10 => Just("localhost".to_owned()), 1 => "[ -~]{0,20}", 1 => Just("evil.example".to_owned())];
    let header = prop_oneof![
        Just("If-None-Match: *".to_owned()),
        "If-None-Match: [ -~]{0,20}",
        "X-[A-Za-z]{1,8}: [ -~]{0,40}",
        Just("Content-Length: 3".to_owned()),
        "Content-Length: [0-9]{1,20}",
        Just("Transfer-Encoding: chunked".to_owned()),
        Just("Expect: 100-continue".to_owned()),
        Just("Upgrade: h2c".to_owned()),
        Just("Connection: Upgrade, HTTP2-Settings".to_owned()),
        Just("Range: bytes=0-1".to_owned()),
        Just(format!("X-Long: {}", "x".repeat(70_000))),
        "[ -~]{1,20}",
    ];
    let headers = prop::collection::vec(header, 0..4).prop_map(|headers| headers.join("\r\n"));
    let body = prop_oneof![4 => Just(Vec::new()), 1 => prop::collection::vec(any::<u8>(), 0..200)];
    (method, target(id), version, host, headers, body).prop_map(
        |(method, target, version, host, headers, body)| {
            let mut request = format!("{method} ").into_bytes();
            request.extend_from_slice(&target);
            let headers = if headers.is_empty() { headers } else { format!("{headers}\r\n") };
            request.extend_from_slice(format!(" {version}\r\nHost: {host}\r\n{headers}\r\n").as_bytes());
            request.extend_from_slice(&body);
            request
        },
    )
}

#[test]
fn random_requests_find_only_the_allowed_answers() {
    let site = Site::new();
    site.env.drop_package("echo.cab", &bytes("cab/good-signed-ts.cab"));
    let id = site.env.wait_for_end()["id"].as_str().expect("an id").to_owned();
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(400);
    let mut runner = TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() });
    let run = runner.run(&request(id), |request| {
        let mut stream = site.connect();
        use std::io::{Read, Write};
        drop(stream.write_all(&request));
        // A request that is not complete ends.
        drop(stream.shutdown(std::net::Shutdown::Write));
        let mut bytes = Vec::new();
        drop(stream.read_to_end(&mut bytes));
        if bytes.is_empty() {
            // The request was not complete.
            return Ok(());
        }
        let answer = Answer::of(&bytes);
        prop_assert!(
            ALLOWED.contains(&answer.status),
            "{}: {:?}",
            answer.head,
            String::from_utf8_lossy(&request)
        );
        prop_assert!(answer.header("content-security-policy").is_some(), "{}", answer.head);
        Ok(())
    });
    if let Err(error) = run {
        panic!("{error}\n{}", site.env.log());
    }
    site.stop();
}
