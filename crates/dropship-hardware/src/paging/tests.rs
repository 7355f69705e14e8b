use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;

use super::{MAX_BYTES, MAX_ENTRIES, MAX_PAGES, is_within_budget};
use crate::testing::{Reply, TestServer};

/// Products `from..to` and a link to the next page.
fn page(from: u64, to: u64, next: Option<&str>) -> Reply {
    let value: Vec<_> = (from..to).map(|id| json!({"id": id, "productName": format!("p{id}")})).collect();
    let mut links =
        vec![json!({"href": "https://hardwareapi.example/api/v1/products?pageSize=50", "rel": "self"})];
    if let Some(token) = next {
        let href = format!("https:// evil.example/api/v1/products?pageSize=50&continuationToken={token}");
        links.push(json!({"href": href, "rel": "next_link", "method": "GET"}));
    }
    Reply::json(200, &json!({"value": value, "links": links}))
}

#[tokio::test]
async fn list_of_12345_is_complete_despite_faults() {
    let calls = Arc::new(AtomicUsize::new(0));
    let server = TestServer::start({
        let calls = Arc::clone(&calls);
        move |request| {
            match calls.fetch_add(1, Ordering::SeqCst) {
                20 | 100 => return Reply::empty(500),
                180 => return Reply::empty(429).with("Retry-After", "0"),
                _ => {}
            }
            // The token is base64 with signs that must come back as they went out.
            let token = request.query("continuationToken").unwrap_or_else(|| "<+0=>".to_owned());
            let from: u64 = token.trim_matches(['<', '+', '=', '>']).parse().expect("our own token");
            let to = (from + 50).min(12_345);
            let next = format!("%3C%2B{to}%3D%3E");
            page(from, to, (to < 12_345).then_some(&next))
        }
    })
    .await;
    let all = server.client().products().all().await.expect("complete");
    assert_eq!(all.len(), 12_345);
    assert!(all.iter().zip(0..).all(|(product, id)| product.id.0 == id));
    assert_eq!(calls.load(Ordering::SeqCst), 247 + 3);
}

#[tokio::test]
async fn pages_that_lead_in_a_circle_end_with_an_error() {
    let server = TestServer::start(|_| page(0, 50, Some("again"))).await;
    let mut pages = server.client().products();
    assert_eq!(pages.next().await.expect("the page itself is good").map(|page| page.len()), Some(50));
    pages.next().await.expect_err("a circle");
    pages.next().await.expect_err("it stays one");
    assert_eq!(server.requests().len(), 2);
    let error = server.client().products().all().await.expect_err("a circle");
    assert!(error.to_string().contains("in a circle"), "{error}");
}

#[tokio::test]
async fn repeated_entries_of_later_pages_are_left_out() {
    let server = TestServer::start(|request| match request.query("continuationToken").as_deref() {
        None => page(0, 50, Some("a")),
        Some("a") => page(40, 90, Some("b")),
        Some("b") => page(0, 0, Some("c")),
        _ => page(90, 95, None),
    })
    .await;
    let mut pages = server.client().products();
    let mut lengths = Vec::new();
    while let Some(page) = pages.next().await.expect("page") {
        lengths.push(page.len());
    }
    assert_eq!(lengths, [50, 40, 5], "an empty page is no end");
    assert!(pages.next().await.expect("the end stays").is_none());
}

#[tokio::test]
async fn failed_page_can_be_requested_again() {
    let broken = Arc::new(AtomicUsize::new(0));
    let server = TestServer::start({
        let broken = Arc::clone(&broken);
        move |request| match request.query("continuationToken") {
            None => page(0, 50, Some("a")),
            Some(_) if broken.fetch_add(1, Ordering::SeqCst) < 10 => Reply::empty(500),
            Some(_) => page(50, 60, None),
        }
    })
    .await;
    let mut pages = server.client().products();
    assert_eq!(pages.next().await.expect("page").map(|page| page.len()), Some(50));
    pages.next().await.expect_err("seven times 500");
    assert_eq!(pages.next().await.expect("page").map(|page| page.len()), Some(10));
}

#[tokio::test]
async fn other_envelopes_are_read_too() {
    let server = TestServer::start(|request| match request.target.rsplit('/').next() {
        Some("assets") => Reply::json(200, &json!([{"id": "a", "assetType": "SignedFilesZip"}])),
        Some("audiences") => Reply::json(200, &json!({"value": [], "links": null})),
        _ if request.target.contains("/2/") => {
            Reply::json(200, &json!({"value": [{"id": "7", "name": "n"}, {"name": "no id"}]}))
        }
        // One entry is a list of one, not an object in an envelope.
        _ => Reply::json(200, &json!({"value": [{"id": "7", "name": "n"}]})),
    })
    .await;
    let client = server.client();
    assert_eq!(client.preprod_assets("p").all().await.expect("assets")[0].id, "a");
    assert!(client.audiences().all().await.expect("none").is_empty());
    assert_eq!(client.submissions(crate::ProductId(1)).all().await.expect("one").len(), 1);
    let unproven = client.submissions(crate::ProductId(2)).all().await.expect_err("an entry cannot be read");
    assert!(unproven.has_code(super::INCOMPLETE_LIST), "{unproven}");
    assert!(unproven.to_string().contains("(`no id`) has no readable id"), "{unproven}");
    let read = client.submissions(crate::ProductId(2)).read().await.expect("the first entry is good");
    assert_eq!((read.items.len(), read.incomplete.expect("the second is not").unreadable().len()), (1, 1));
}

#[tokio::test]
async fn list_with_a_page_without_array_is_incomplete() {
    for (odd, count) in [
        (json!({"value": null, "links": []}), 2),
        (json!({"links": []}), 2),
        (json!([]), 2),
        (json!([{"id": 9, "productName": "p9"}]), 3),
        (json!({"value": {}}), 2),
        (json!({"value": {"id": 9, "productName": "p9"}}), 3),
    ] {
        for at in [None, Some("a"), Some("b")] {
            let odd_page = odd.clone();
            let server = TestServer::start(move |request| {
                let token = request.query("continuationToken");
                match token.as_deref() {
                    token if token == at => {
                        let mut page = odd_page.clone();
                        let next = match token {
                            None => Some("a"),
                            Some("a") => Some("b"),
                            _ => None,
                        };
                        if let (Some(fields), Some(next)) = (page.as_object_mut(), next) {
                            let href = format!("https://h/products?continuationToken={next}");
                            fields.insert("links".to_owned(), json!([{"rel": "next_link", "href": href}]));
                        }
                        Reply::json(200, &page)
                    }
                    None => page(0, 1, Some("a")),
                    Some("a") => page(1, 2, Some("b")),
                    _ => page(2, 3, None),
                }
            })
            .await;
            let listing = server.client().products().read().await.expect("as far as it goes");
            assert!(listing.incomplete.is_some(), "{odd} at {at:?}");
            // A page without links is the last one that can be read.
            if odd.is_object() {
                assert_eq!(listing.items.len(), count, "{odd} at {at:?}");
            }
        }
    }
    let server = TestServer::start(|_| Reply::json(200, &json!({"value": []}))).await;
    assert_eq!(server.client().products().read().await.expect("none").incomplete, None);
}

#[test]
fn list_is_read_within_a_budget_of_pages_entries_and_bytes() {
    assert!(is_within_budget(MAX_PAGES - 1, MAX_ENTRIES - 1, MAX_BYTES - 1));
    for (pages, entries, bytes) in [(MAX_PAGES, 1, 1), (1, MAX_ENTRIES, 1), (1, 1, MAX_BYTES)] {
        assert!(!is_within_budget(pages, entries, bytes));
    }
}
