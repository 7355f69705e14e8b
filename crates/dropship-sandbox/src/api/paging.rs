//! Lists in pages, with the continuation tokens of the table store behind the service.

use std::sync::atomic::Ordering;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use url::form_urlencoded;

use crate::app::{ApiCaller, App};
use crate::quirks::Quirk;
use crate::reply::{ErrorReply, Reply};

/// Item after which the product list of the real service has failed with 500.
const FIRST_DEEP_ITEM: usize = 8_910;
/// Item after which the next link of the real service has led to the same page.
const FIRST_LOOPING_ITEM: usize = 1_650;

/// The parameter of the token in `OData` services.
const SKIP_TOKEN: &str = "$skiptoken";

/// A page of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PageRange {
    first: usize,
    size: usize,
}

impl PageRange {
    /// Reads `pageSize` and `continuationToken`; other parameters are ignored.
    pub(crate) fn of(app: &App, query: &str) -> Result<Self, ErrorReply> {
        let mut page = Self { first: 0, size: app.options.page_size.max(1) };
        for (key, value) in form_urlencoded::parse(query.as_bytes()) {
            if key.eq_ignore_ascii_case("pageSize") {
                let size = value.parse::<usize>().ok().filter(|size| (1..=500).contains(size));
                page.size = size
                    .ok_or_else(|| ErrorReply::field("pageSize", "The page size must be from 1 to 500."))?;
            } else if key.eq_ignore_ascii_case("continuationToken") || key.eq_ignore_ascii_case(SKIP_TOKEN) {
                page.first = read_token(&value).ok_or_else(|| {
                    ErrorReply::field("continuationToken", "The continuation token is invalid.")
                })?;
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

/// A response with a complete list.
pub(crate) fn complete(caller: &ApiCaller, path: &str, items: &[Value]) -> Reply {
    let links = json!([{"href": caller.url(path), "rel": "self", "method": "GET"}]);
    Reply::Json(200, json!({"value": items, "links": links}))
}

/// A response with one page of a list of `total` items; `item` returns the item at an index.
pub(crate) fn paged(
    app: &App,
    caller: &ApiCaller,
    path: &str,
    page: PageRange,
    total: usize,
    item: impl FnMut(usize) -> Value,
) -> Result<Reply, ErrorReply> {
    if app.has(Quirk::List500OnDeepPage) && page.first >= FIRST_DEEP_ITEM {
        return Err(ErrorReply::gateway(500, "Internal server error"));
    }
    let last = page.first.saturating_add(page.size).min(total);
    let items: Vec<Value> = (page.first..last).map(item).collect();
    let url = caller.url(path);
    let mut links =
        vec![json!({"href": format!("{url}?pageSize={}", page.size), "rel": "self", "method": "GET"})];
    if last >= total {
        return Ok(Reply::Json(200, json!({"value": items, "links": links})));
    }
    let oddity = next_link_oddity(app);
    let is_looping =
        app.has(Quirk::LoopingNextLink) && last >= FIRST_LOOPING_ITEM || oddity == Some(Quirk::NextLinkLoop);
    let token = encoded_token(if is_looping { page.first } else { last });
    let parameter = match oddity {
        Some(Quirk::NextLinkWithoutToken) => String::new(),
        Some(Quirk::NextLinkEmptyToken) => "&continuationToken=".to_owned(),
        Some(Quirk::NextLinkOtherParameter) => format!("&{SKIP_TOKEN}={token}"),
        _ => format!("&continuationToken={token}"),
    };
    let href = format!("{url}?pageSize={}{parameter}", page.size);
    if oddity == Some(Quirk::NextLinkOdata) {
        return Ok(Reply::Json(200, json!({"value": items, "links": links, "@odata.nextLink": href})));
    }
    let relation = if oddity == Some(Quirk::NextLinkOtherRelation) { "nextPage" } else { "next_link" };
    links.push(json!({"href": href, "rel": relation, "method": "GET"}));
    Ok(Reply::Json(200, json!({"value": items, "links": links})))
}

/// The odd form of this next link. Several enabled forms take turns.
fn next_link_oddity(app: &App) -> Option<Quirk> {
    let forms = [
        Quirk::NextLinkWithoutToken,
        Quirk::NextLinkEmptyToken,
        Quirk::NextLinkOtherParameter,
        Quirk::NextLinkOtherRelation,
        Quirk::NextLinkOdata,
        Quirk::NextLinkLoop,
    ];
    let enabled: Vec<Quirk> = forms.into_iter().filter(|form| app.has(*form)).collect();
    let first = *enabled.first()?;
    let index = app.next_links.fetch_add(1, Ordering::Relaxed) % enabled.len();
    Some(enabled.get(index).copied().unwrap_or(first))
}

fn encoded_token(first: usize) -> String {
    form_urlencoded::byte_serialize(token(first).as_bytes()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn continuation_token_survives_the_round_trip() {
        assert_eq!(read_token(&token(8_900)), Some(8_900));
        assert_eq!(read_token("nonsense"), None);
    }
}
