//! Lists that come in pages.
//!
//! Hosts and paths of the service's links are known to be wrong. Of a link to the next page only the continuation token is
//! used, on the client's own URL. A list that cannot be read to its end is returned as far as it could be read, and is marked
//! as incomplete: an object that is missing in it may exist.

use std::collections::HashSet;
use std::marker::PhantomData;

use super::client::{Call, CallQuery, Client};
use super::error::{Error, Execution, Recovery};
use super::model::{Listed, entry};

mod listing;
mod page;

pub use listing::{Incomplete, Listing};
#[cfg(fuzzing)]
pub(crate) use page::read_page;
use page::{NextPage, Page, PageForm};

/// Maximum number of pages of a list; the service sends 50 entries a page.
const MAX_PAGES: usize = 10_000;
/// Maximum number of entries of a list. Each needs some 2 kB in memory.
const MAX_ENTRIES: usize = 200_000;
/// Maximum length of all pages of a list, in bytes.
const MAX_BYTES: usize = 256 << 20;
/// Maximum number of consecutive pages without entries; a table store sends a few.
const MAX_EMPTY_PAGES: usize = 100;

/// Code of the error of a list that is incomplete: an object that is missing in it may exist.
pub const INCOMPLETE_LIST: &str = "unproven-list";

/// A list, page by page. An object that a later page repeats is left out.
pub struct Pages<T> {
    client: Client,
    call: Call,
    /// The continuation tokens so far.
    tokens: HashSet<String>,
    /// The keys of the entries so far.
    seen: HashSet<String>,
    /// The number of entries so far, with repeated and unreadable ones.
    entries: usize,
    /// The length of all pages so far.
    bytes: usize,
    pages: usize,
    empty_pages: usize,
    unreadable: Vec<String>,
    state: PagingState,
    of: PhantomData<fn() -> T>,
}

/// State of reading a list.
enum PagingState {
    /// There is a next page.
    More,
    /// It is read to its end.
    End,
    /// There are more pages, which cannot be read for this reason.
    Broken(String),
}

impl<T: Listed> Pages<T> {
    pub(super) fn new(client: Client, call: Call) -> Self {
        Self {
            client,
            call,
            tokens: HashSet::new(),
            seen: HashSet::new(),
            entries: 0,
            bytes: 0,
            pages: 0,
            empty_pages: 0,
            unreadable: Vec::new(),
            state: PagingState::More,
            of: PhantomData,
        }
    }

    /// The next page; `None` after the last. After an error the same page can be requested again.
    ///
    /// # Errors
    /// See [`Error`]. After the last page that can be read, [`INCOMPLETE_LIST`] if the list is incomplete.
    pub async fn next(&mut self) -> Result<Option<Vec<T>>, Error> {
        match self.next_page().await? {
            Some(items) => Ok(Some(items)),
            None => match self.gaps() {
                Some(gaps) => Err(gaps.into_error(self.call.operation)),
                None => Ok(None),
            },
        }
    }

    /// The list as far as it can be read.
    ///
    /// # Errors
    /// When the first page cannot be read. Also, on any page, when the service refuses the account or asks for a pause.
    pub async fn read(mut self) -> Result<Listing<T>, Error> {
        let mut items = Vec::new();
        let error = loop {
            match self.next_page().await {
                Ok(Some(page)) => items.extend(page),
                Ok(None) => break None,
                Err(error) if self.pages == 0 || is_of_account(&error) => return Err(error),
                Err(error) => break Some(error),
            }
        };
        let mut incomplete = self.gaps();
        if let Some(error) = error {
            let why = format!("the pages after page {} cannot be read: {error}", self.pages);
            incomplete = Some(Incomplete::new(self.unreadable, Some(why), Some(error)));
        }
        Ok(Listing { items, incomplete })
    }

    /// The complete list.
    ///
    /// # Errors
    /// See [`Pages::next`].
    pub async fn all(self) -> Result<Vec<T>, Error> {
        let operation = self.call.operation;
        self.read().await?.complete(operation)
    }

    /// The next page with entries; `None` after the last that can be read.
    async fn next_page(&mut self) -> Result<Option<Vec<T>>, Error> {
        while matches!(self.state, PagingState::More) {
            let read = |body: &[u8]| Ok((Page::read(body, entry::read_listed::<T>)?, body.len()));
            let (page, length): (Page<Result<T, String>>, _) =
                self.client.parsed(self.call.clone(), read).await?;
            self.pages += 1;
            self.bytes += length;
            self.entries += page.entries.len();
            self.state = match page.next {
                NextPage::None => PagingState::End,
                NextPage::Unusable(why) => PagingState::Broken(why),
                NextPage::Token(token) => {
                    self.call.query = CallQuery::Raw(format!("continuationToken={token}"));
                    if !self.tokens.insert(token) {
                        PagingState::Broken("the pages lead in a circle".to_owned())
                    } else if is_within_budget(self.pages, self.entries, self.bytes) {
                        PagingState::More
                    } else {
                        PagingState::Broken(format!(
                            "it has more than {MAX_ENTRIES} entries, {MAX_PAGES} pages or {} MiB, which is more than is read",
                            MAX_BYTES >> 20
                        ))
                    }
                }
            };
            self.check_form(page.form);
            let items = self.read_entries(page.entries);
            if !items.is_empty() {
                self.empty_pages = 0;
                return Ok(Some(items));
            }
            self.empty_pages += 1;
            if self.empty_pages > MAX_EMPTY_PAGES && matches!(self.state, PagingState::More) {
                self.state =
                    PagingState::Broken(format!("{MAX_EMPTY_PAGES} pages in a row have no new entry"));
            }
        }
        Ok(None)
    }

    /// Notes a page whose form does not show that its entries are all there.
    fn check_form(&mut self, form: PageForm) {
        match form {
            PageForm::PlainArray if !T::COMES_AS_PLAIN_ARRAY => {
                self.note(format!("page {} is an array instead of an envelope", self.pages));
            }
            PageForm::NoArray(why) => self.note(format!("page {} cannot be read: {why}", self.pages)),
            PageForm::Envelope | PageForm::PlainArray => {}
        }
    }

    /// Notes what could not be read, and logs it once.
    fn note(&mut self, why: String) {
        let operation = self.call.operation;
        if entry::is_new("entry", &format!("{operation} {why}")) {
            tracing::warn!(operation, why, "cannot {operation} completely: {why}");
        }
        self.unreadable.push(why);
    }

    fn read_entries(&mut self, entries: Vec<Result<T, String>>) -> Vec<T> {
        let mut items = Vec::with_capacity(entries.len());
        for (index, entry) in entries.into_iter().enumerate() {
            match entry {
                Ok(item) => {
                    if self.seen.insert(item.key()) {
                        items.push(item);
                    }
                }
                Err(why) => self.note(format!("entry {} of page {} {why}", index + 1, self.pages)),
            }
        }
        items
    }

    /// Why the list, now that no further page can be read, is incomplete.
    fn gaps(&self) -> Option<Incomplete> {
        let why = match &self.state {
            PagingState::Broken(why) => Some(format!("the list ends early after page {}: {why}", self.pages)),
            PagingState::More | PagingState::End if self.unreadable.is_empty() => return None,
            PagingState::More | PagingState::End => None,
        };
        Some(Incomplete::new(self.unreadable.clone(), why, None))
    }
}

/// Whether a further page of a list is read.
fn is_within_budget(pages: usize, entries: usize, bytes: usize) -> bool {
    pages < MAX_PAGES && entries < MAX_ENTRIES && bytes < MAX_BYTES
}

/// Whether the error says more about the account or its quota than about the page.
fn is_of_account(error: &Error) -> bool {
    matches!(error.recovery, Recovery::Credentials | Recovery::Permission) || error.status == Some(429)
}

impl Incomplete {
    /// The error of an operation that needs the complete list.
    fn into_error(self, operation: &'static str) -> Error {
        let message = self.to_string();
        let code = Some(INCOMPLETE_LIST.to_owned());
        match self.into_cause() {
            Some(cause) => {
                Error::new(operation, cause.execution, cause.recovery, message).with_status(cause.status)
            }
            None => Error::new(operation, Execution::Rejected, Recovery::Retry, message),
        }
        .with_code(code)
    }
}

impl<T> Listing<T> {
    /// All items, if the list is complete.
    ///
    /// # Errors
    /// [`INCOMPLETE_LIST`] with the reasons.
    fn complete(self, operation: &'static str) -> Result<Vec<T>, Error> {
        match self.incomplete {
            None => Ok(self.items),
            Some(incomplete) => Err(incomplete.into_error(operation)),
        }
    }
}

#[cfg(test)]
mod tests;
