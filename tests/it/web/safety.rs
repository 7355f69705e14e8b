//! Headers, hosts, methods, caches and limits.

use std::net::TcpListener;

use super::client::{Answer, Site};
use crate::harness::{TestEnv, text};

const HEADERS: [(&str, &str); 6] = [
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("cross-origin-embedder-policy", "require-corp"),
];

fn assert_safe(answer: &Answer, what: &str) {
    for (name, value) in HEADERS {
        assert_eq!(answer.header(name), Some(value), "{name} of {what}: {}", answer.head);
    }
    let policy = answer.header("content-security-policy").unwrap_or_default();
    for part in [
        "default-src 'none'",
        "style-src 'self'",
        "script-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    ] {
        assert!(policy.contains(part), "{part} of {what}: {policy}");
    }
    assert!(!policy.contains("unsafe"), "{policy}");
    assert!(answer.header("cache-control").is_some(), "{what}: {}", answer.head);
}

#[test]
fn every_answer_forbids_what_the_pages_do_not_use() {
    let site = Site::with("", "allowed_hosts = [\"drivers.example.com\"]");
    let pages =
        ["/", "/packages", "/labels", "/who", "/rules", "/charts", "/style.css", "/live.js", "/icon.svg"];
    for page in pages.into_iter().chain(["/packages.csv", "/packages.json"]) {
        let answer = site.get(page);
        assert_eq!(answer.status, 200, "{page}: {}", answer.text());
        assert_safe(&answer, page);
        let body = answer.text();
        let is_page = pages[..6].contains(&page);
        assert_eq!(is_page, answer.header("content-type") == Some("text/html; charset=utf-8"), "{page}");
        if is_page {
            for needed in [
                "<!DOCTYPE html>",
                "lang=\"en\"",
                "<main",
                "<nav",
                "<h1>",
                "class=\"skip\"",
                "aria-current=\"page\"",
            ] {
                assert!(body.contains(needed), "{needed} of {page}: {body}");
            }
            assert!(!body.contains(" style=") && !body.contains("<style"), "{page}");
            assert!(!body.contains("onclick") && body.matches("<script").count() == 1, "{page}: {body}");
        }
        let head = site.request("HEAD", page, "");
        assert_eq!((head.status, head.body.len()), (200, 0), "HEAD {page}");
        assert_safe(&head, page);
    }
    for (target, status) in [
        ("/nothing", 404),
        ("/packages/none", 404),
        ("/packages/1m846vq9nzr46c", 404),
        ("//", 404),
        ("/packages/", 404),
        ("/..%2f..%2fetc/passwd", 404),
        ("/live/packages/1m846vq9nzr46c", 404),
        ("/?x=1", 400),
        ("/packages?page=0", 400),
        ("/packages?state=odd", 400),
        ("/packages?from=yesterday", 400),
        ("/packages?from=2026-02-01&to=2026-01-01", 400),
        ("/packages?sort=x", 400),
        ("/packages?order=x", 400),
        ("/packages?size=0", 400),
        ("/packages?page=99", 400),
        ("/packages?package=%5B", 400),
        ("/packages?upto=x", 400),
        ("/packages?q=a&q=b", 400),
        ("/packages?page=all", 400),
        ("/packages?folder=none", 400),
        ("/packages?rule=none", 400),
    ] {
        let answer = site.get(target);
        assert_eq!(answer.status, status, "{target}: {}", answer.text());
        assert_safe(&answer, target);
    }
    let bad = site.get("/packages?state=%3Cb%3E").text();
    assert!(bad.contains("The parameter `state`") && bad.contains("&lt;b&gt;"), "{bad}");
    for method in ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND"] {
        let answer = site.request(method, "/packages", "Content-Length: 5\r\n");
        assert_eq!(
            (answer.status, answer.header("allow")),
            (405, Some("GET, HEAD")),
            "{method}: {}",
            answer.head
        );
        assert_safe(&answer, method);
    }
    assert_hosts(&site);
    assert_caches(&site);
    assert_unreadable(&site);
    site.env.edit_configuration("drivers.example.com", "other.example.com");
    let reloaded = site.env.json(&["reload"]);
    assert_eq!(reloaded["restart"], serde_json::json!(["[web]"]), "{reloaded:#}");
    site.stop();
}

fn assert_hosts(site: &Site) {
    for (host, status) in [
        ("localhost", 200),
        ("127.0.0.1", 200),
        ("LOCALHOST:80", 200),
        ("drivers.example.com", 200),
        ("[::1]", 200),
        ("evil.example", 421),
        ("drivers.example.com.evil.example", 421),
        ("10.0.0.1", 421),
        ("", 400),
        ("a b", 400),
        ("localhost/x", 400),
        ("@localhost", 400),
    ] {
        let answer = site.request("GET", "/", &format!("Host: {host}\r\n"));
        assert_eq!(answer.status, status, "{host}: {}", answer.head);
        assert_safe(&answer, host);
        assert!(status == 200 || !answer.text().contains("In progress"), "{host} shows nothing");
    }
    for (request, status) in [
        ("GET / HTTP/1.1\r\n\r\n", 400),
        ("GET / HTTP/1.0\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n", 400),
        ("GET http://evil.example/ HTTP/1.1\r\nHost: localhost\r\n\r\n", 421),
        ("GET http://localhost/ HTTP/1.1\r\nHost: localhost\r\n\r\n", 200),
        ("POST / HTTP/1.1\r\nHost: evil.example\r\nContent-Length: 0\r\n\r\n", 421),
    ] {
        assert_eq!(Answer::of(&site.send(request.as_bytes())).status, status, "{request}");
    }
}

fn assert_caches(site: &Site) {
    let style = site.get("/style.css");
    let tag = style.header("etag").expect("a tag").to_owned();
    for tags in [tag.clone(), format!("\"x\", W/{tag}")] {
        let known = site.request("GET", "/style.css", &format!("If-None-Match: {tags}\r\n"));
        assert_eq!((known.status, known.body.len()), (304, 0), "{}", known.head);
        assert_safe(&known, "304");
    }
    assert_eq!(site.request("GET", "/style.css", "If-None-Match: \"x\"\r\n").status, 200);
    let page = site.get("/");
    let linked = page.links("/style.css?v=");
    let versioned = site.get(&linked[0]);
    assert!(
        versioned.header("cache-control").is_some_and(|cache| cache.contains("immutable")),
        "{}",
        versioned.head
    );
    assert_eq!(page.header("cache-control"), Some("private, no-cache"));
}

/// Requests that the server cannot read, or that are too large.
fn assert_unreadable(site: &Site) {
    let long = "x".repeat(100_000);
    let headers: String = (0..200).map(|number| format!("X-{number}: 1\r\n")).collect();
    for request in [
        "nonsense\r\n\r\n".to_owned(),
        format!("GET /{long} HTTP/1.1\r\nHost: localhost\r\n\r\n"),
        format!("GET / HTTP/1.1\r\nHost: localhost\r\nX: {long}\r\n\r\n"),
        format!("GET / HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n"),
        "GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: x\r\n\r\n".to_owned(),
        "GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab".to_owned(),
        "GET / HTTP/9.9\r\nHost: localhost\r\n\r\n".to_owned(),
    ] {
        let answer = Answer::of(&site.send(request.as_bytes()));
        let shown: String = request.chars().take(60).collect();
        assert_eq!(answer.status, 400, "{shown}: {}", answer.head);
        assert_safe(&answer, &shown);
    }
    // One request for each connection: a second one is not read.
    let two = site
        .send(b"GET /nothing HTTP/1.1\r\nHost: localhost\r\n\r\nGET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert_eq!(text(&two).matches("HTTP/1.1 ").count(), 1);
    let body = format!("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n{long}", long.len());
    assert_eq!(Answer::of(&site.send(body.as_bytes())).status, 405, "a body does not lose the answer");
}

#[test]
fn address_of_the_pages_is_checked() {
    let env = TestEnv::new();
    let other = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = other.local_addr().expect("an address").to_string();
    let with = |web: &str| {
        let env = TestEnv::new();
        env.edit_configuration("[signers]", &format!("{web}\n[signers]"));
        let output = env.run(&["check"]);
        (output.status.code(), format!("{}{}", text(&output.stdout), text(&output.stderr)))
    };
    let (code, output) = with(&format!("[web]\nlisten = \"{address}\""));
    assert!(code == Some(78) && output.contains("[web] listen") && output.contains(&address), "{output}");
    for (web, part) in [
        ("[web]\nlisten = \"localhost\"", "`localhost` is not an address"),
        ("[web]\nallowed_hosts = [\"https://x.example\"]", "is not a host name"),
        ("[web]\nallowed_hosts = \"*.example\"", "is not a host name"),
        ("[web]\ntrusted_header = \"a b\"", "is not a header"),
        ("[web]\ntrusted_header = \"Host\"", "is not a header"),
        (
            "[metrics]\nlisten = \"127.0.0.1:9\"\n[web]\nlisten = \"127.0.0.1:9\"",
            "is the address of `[metrics]`",
        ),
    ] {
        let (code, output) = with(web);
        assert!(code == Some(78) && output.contains(part), "{web}: {output}");
    }
    let (code, output) = with("[web]\nlisten = \"0.0.0.0:0\"");
    assert!(code == Some(0) && output.contains("they have no sign-on"), "{output}");
    let (code, output) = with(
        "[web]\nlisten = \"127.0.0.1:0\"\nallowed_hosts = [\"a.example\", \"::1\"]\ntrusted_header = \"X-User\"",
    );
    assert!(code == Some(0) && !output.contains("sign-on"), "{output}");
    env.edit_configuration("[signers]", &format!("[web]\nlisten = \"{address}\"\n[signers]"));
    let output = env.run(&["run", "--until-idle"]);
    assert!(
        output.status.code() == Some(78) && text(&output.stderr).contains("[web] listen"),
        "{}",
        text(&output.stderr)
    );
}
