//! Lists in pages, with the continuation tokens of the table store behind the service.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use url::form_urlencoded;

use super::app::{App, Caller};
use super::quirks::Quirk;
use super::reply::{Fail, Reply};

/// Where an account's product list is known to break, and where it was once stuck.
const DEEP: usize = 8_910;
const STUCK: usize = 1_650;

/// A part of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Page {
    first: usize,
    size: usize,
}

impl Page {
    /// Reads `pageSize` and `continuationToken`; other parameters are ignored.
    pub(super) fn of(app: &App, query: &str) -> Result<Self, Fail> {
        let mut page = Self { first: 0, size: app.options.page_size.max(1) };
        for (key, value) in form_urlencoded::parse(query.as_bytes()) {
            if key.eq_ignore_ascii_case("pageSize") {
                let size = value.parse::<usize>().ok().filter(|size| (1..=500).contains(size));
                page.size =
                    size.ok_or_else(|| Fail::field("pageSize", "The page size must be from 1 to 500."))?;
            } else if key.eq_ignore_ascii_case("continuationToken") {
                page.first = read_token(&value)
                    .ok_or_else(|| Fail::field("continuationToken", "The continuation token is invalid."))?;
            }
        }
        Ok(page)
    }
}

fn token(first: usize) -> String {
    let xml = format!(
        "<ContinuationToken><Version>2.0</Version><Type>Table</Type><NextPartitionKey>1!12!cHJvZHVjdHM-</NextPartitionKey>\
         <NextRowKey>{first:08}</NextRowKey><TargetLocation>Primary</TargetLocation></ContinuationToken>"
    );
    STANDARD.encode(xml)
}

fn read_token(text: &str) -> Option<usize> {
    let xml = String::from_utf8(STANDARD.decode(text.replace(' ', "+")).ok()?).ok()?;
    let row = xml.split_once("<NextRowKey>")?.1.split_once("</NextRowKey>")?.0;
    row.parse().ok()
}

/// The envelope of a whole list.
pub(super) fn whole(caller: &Caller, path: &str, items: &[Value]) -> Reply {
    let links = json!([{"href": caller.url(path), "rel": "self", "method": "GET"}]);
    Reply::Json(200, json!({"value": items, "links": links}))
}

/// The envelope of a page of `total` items, which `item` makes from their places.
pub(super) fn paged(
    app: &App,
    caller: &Caller,
    path: &str,
    page: Page,
    total: usize,
    item: impl FnMut(usize) -> Value,
) -> Result<Reply, Fail> {
    if app.has(Quirk::List500OnDeepPage) && page.first >= DEEP {
        return Err(Fail::gateway(500, "Internal server error"));
    }
    let last = page.first.saturating_add(page.size).min(total);
    let items: Vec<Value> = (page.first..last).map(item).collect();
    let here = caller.url(path);
    let mut links =
        vec![json!({"href": format!("{here}?pageSize={}", page.size), "rel": "self", "method": "GET"})];
    if last < total {
        let next = if app.has(Quirk::LoopingNextLink) && last >= STUCK { page.first } else { last };
        let token: String = form_urlencoded::byte_serialize(token(next).as_bytes()).collect();
        let href = format!("{here}?pageSize={}&continuationToken={token}", page.size);
        links.push(json!({"href": href, "rel": "next_link", "method": "GET"}));
    }
    Ok(Reply::Json(200, json!({"value": items, "links": links})))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_come_back() {
        assert_eq!(read_token(&token(8_900)), Some(8_900));
        assert_eq!(read_token("nonsense"), None);
    }
}
