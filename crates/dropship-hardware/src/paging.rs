//! Lists that come in pages, and that end.
//!
//! Hosts and paths of the service's links are known to be wrong, so of a `next_link` only the continuation
//! token is used, on our own URL. A token that comes twice, or pages without end, are errors: a list that
//! silently stops would make things be created twice.

use std::collections::HashSet;
use std::marker::PhantomData;

use serde::de::DeserializeOwned;
use serde_json::Value;

use dropship_redact::mask;

use super::client::{Call, Client, Query};
use super::error::{Error, Execution, Recovery};
use super::{Asset, Audience, Link, Product, ShippingLabel, Submission};

/// Most pages of a list; at 50 a page that is five million objects.
const MOST: usize = 100_000;
/// Most empty pages in a row; a table store sends a few.
const EMPTY: usize = 100;

/// Code of the error of a list that does not reach its end, or of which an entry cannot be read: what is not in it may
/// be there all the same.
pub const INCOMPLETE_LIST: &str = "unproven-list";

/// An object that lists hold.
pub trait Listed: DeserializeOwned {
    /// What tells it from the others.
    fn key(&self) -> String;
}

macro_rules! listed {
    ($($object:ty),+) => {
        $(impl Listed for $object {
            fn key(&self) -> String {
                self.id.to_string()
            }
        })+
    };
}
listed!(Asset, Audience, Product, ShippingLabel, Submission);

/// A list, page by page. Objects that a later page repeats are left out.
pub struct Pages<T> {
    client: Client,
    call: Call,
    tokens: HashSet<String>,
    seen: HashSet<String>,
    pages: usize,
    empty: usize,
    unread: usize,
    state: Progress,
    of: PhantomData<fn() -> T>,
}

/// How a list stands.
#[derive(Clone, Copy)]
enum Progress {
    /// There is a next page.
    More,
    /// There is none.
    Done,
    /// There is one, but it was here before.
    Circle,
}

impl<T: Listed> Pages<T> {
    pub(super) fn new(client: Client, call: Call) -> Self {
        Self {
            client,
            call,
            tokens: HashSet::new(),
            seen: HashSet::new(),
            pages: 0,
            empty: 0,
            unread: 0,
            state: Progress::More,
            of: PhantomData,
        }
    }

    /// The next page; `None` after the last. After an error the same page may be asked for again.
    ///
    /// # Errors
    /// See [`Error`]; also, behind the last page that can be had, when the service's pages lead in a circle.
    pub async fn next(&mut self) -> Result<Option<Vec<T>>, Error> {
        loop {
            match self.state {
                Progress::Done => return Ok(None),
                Progress::Circle => return Err(self.endless()),
                Progress::More => {}
            }
            let page: Page = self.client.parsed(self.call.clone(), serde_json::from_value).await?;
            self.pages += 1;
            match next_token(&page.links) {
                None => self.state = Progress::Done,
                Some(token) => {
                    self.call.query = Query::Raw(format!("continuationToken={token}"));
                    if !self.tokens.insert(token) || self.pages >= MOST {
                        self.state = Progress::Circle;
                    }
                }
            }
            let items = self.read(page.value);
            self.empty = if items.is_empty() { self.empty + 1 } else { 0 };
            if self.empty > EMPTY {
                self.state = Progress::Circle;
            }
            if !items.is_empty() {
                return Ok(Some(items));
            }
        }
    }

    /// The whole list, of which nothing was left out.
    ///
    /// # Errors
    /// See [`Pages::next`]; [`INCOMPLETE_LIST`] when an entry cannot be read.
    pub async fn all(mut self) -> Result<Vec<T>, Error> {
        let mut all = Vec::new();
        while let Some(page) = self.next().await? {
            all.extend(page);
        }
        if self.unread > 0 {
            let message = format!("{} entries of the list cannot be read", self.unread);
            return Err(self.incomplete(message));
        }
        Ok(all)
    }

    fn read(&mut self, values: Vec<Value>) -> Vec<T> {
        let mut items = Vec::with_capacity(values.len());
        for value in values {
            match serde_json::from_value::<T>(value) {
                Ok(item) => {
                    if self.seen.insert(item.key()) {
                        items.push(item);
                    }
                }
                Err(error) => {
                    self.unread += 1;
                    let operation = self.call.operation;
                    let why = mask(&error.to_string());
                    tracing::warn!(
                        operation,
                        why,
                        "An entry of a list cannot be read and is left out: {why}"
                    );
                }
            }
        }
        items
    }

    fn endless(&self) -> Error {
        self.incomplete(format!("the service's pages lead in a circle after {} pages", self.pages))
    }

    fn incomplete(&self, message: String) -> Error {
        Error::new(self.call.operation, Execution::Rejected, Recovery::Retry, message)
            .with_code(INCOMPLETE_LIST.to_owned())
    }
}

/// One page: an envelope as documented, or a plain array as some lists come.
struct Page {
    value: Vec<Value>,
    links: Vec<Link>,
}

impl<'de> serde::Deserialize<'de> for Page {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use serde::de::Error as _;
        match Value::deserialize(deserializer)? {
            Value::Array(value) => Ok(Self { value, links: Vec::new() }),
            Value::Object(mut page) => {
                let links = page.remove("links").map(serde_json::from_value).transpose();
                let links: Option<Option<Vec<Link>>> = links.map_err(D::Error::custom)?;
                let value = match page.remove("value") {
                    Some(Value::Array(value)) => value,
                    Some(Value::Null) => Vec::new(),
                    _ => return Err(D::Error::custom("a list without `value`")),
                };
                Ok(Self { value, links: links.flatten().unwrap_or_default() })
            }
            _ => Err(D::Error::custom("neither a list nor a page of one")),
        }
    }
}

/// The continuation token of the link to the next page, encoded as it came.
fn next_token(links: &[Link]) -> Option<String> {
    let next = links.iter().find(|link| {
        let rel = link.rel.trim();
        rel.eq_ignore_ascii_case("next_link") || rel.eq_ignore_ascii_case("next")
    })?;
    let query = next.href.split_once('?').map_or("", |(_, query)| query);
    let query = query.split('#').next().unwrap_or(query);
    let token = query.split('&').find_map(|pair| {
        let (name, value) = pair.split_once('=')?;
        name.trim().eq_ignore_ascii_case("continuationToken").then(|| value.trim().to_owned())
    });
    if token.is_none() && !next.href.trim().is_empty() {
        tracing::warn!(
            href = mask(&next.href),
            "The link to a list's next page holds no token; the list ends here"
        );
    }
    token.filter(|token| !token.is_empty())
}

#[cfg(test)]
mod tests;
