//! Streams of newer versions of a page (server-sent events). All streams of one page share one computation, which runs only while
//! a reader is connected.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use dropship_web::page::overview::{self, OverviewView};
use dropship_web::page::package::{self, PackageView};
use futures_util::stream;
use jiff::Timestamp;
use tokio::sync::watch;
use tokio::time::{Instant, timeout};

use super::open_streams::{PageVersion, StreamPage};
use super::pages;
use super::site::Site;
use dropship_job::JobId;

/// Maximum number of streams. A further one ends at once, and its browser tries again later.
const MAX_STREAMS: usize = 96;

/// Interval between signs of life, by which a client that has gone is noticed.
const SIGN_OF_LIFE: Duration = Duration::from_secs(15);

/// Maximum age of a stream. Its browser connects again.
const MAX_AGE: Duration = Duration::from_secs(3600);

/// Pause after a change before the page is computed, so that a burst of changes is one.
const PAUSE: Duration = Duration::from_millis(500);

/// Interval between checks of the things that change without an event of a job: troubles, folders and accounts.
const CHECK_INTERVAL: Duration = Duration::from_secs(3);

/// What a page shows, without the times that have elapsed.
#[derive(Debug, Clone, PartialEq, Eq)]
enum PageSnapshot {
    Overview(Box<OverviewView>),
    Package(Box<PackageView>),
}

/// An open stream. It is counted until this is dropped.
struct OpenStream {
    site: Arc<Site>,
    page: StreamPage,
    versions: watch::Receiver<PageVersion>,
    end: Instant,
    is_new: bool,
}

impl Drop for OpenStream {
    fn drop(&mut self) {
        let mut open = self.site.streams.0.lock();
        open.count -= 1;
        // This receiver is still counted.
        if open.pages.get(&self.page).is_some_and(|versions| versions.receiver_count() <= 1) {
            open.pages.remove(&self.page);
        }
    }
}

/// Opens a stream.
pub(super) fn open(site: &Arc<Site>, page: StreamPage) -> Body {
    let versions = {
        let mut open = site.streams.0.lock();
        if open.count >= MAX_STREAMS {
            return Body::from("retry: 60000\nevent: full\ndata:\n\n");
        }
        open.count += 1;
        match open.pages.get(&page) {
            Some(versions) => versions.subscribe(),
            None => {
                let (versions, first) = watch::channel(None);
                open.pages.insert(page.clone(), versions.clone());
                tokio::spawn(keep_current(Arc::clone(site), page.clone(), versions));
                first
            }
        }
    };
    let (site, end) = (Arc::clone(site), Instant::now() + MAX_AGE);
    let stream = OpenStream { site, page, versions, end, is_new: true };
    Body::from_stream(stream::unfold(stream, |mut stream| async {
        let event = stream.next().await?;
        Some((Ok::<_, Infallible>(event), stream))
    }))
}

impl OpenStream {
    async fn next(&mut self) -> Option<Bytes> {
        if std::mem::take(&mut self.is_new) {
            // The version that is known already comes next.
            self.versions.mark_changed();
            return Some(Bytes::from_static(b"retry: 3000\n\n"));
        }
        if Instant::now() >= self.end {
            return None;
        }
        match timeout(SIGN_OF_LIFE, self.versions.changed()).await {
            Ok(Ok(())) => {
                let version = self.versions.borrow_and_update().clone();
                Some(version.unwrap_or_else(|| Bytes::from_static(b":\n\n")))
            }
            // The computation has ended: the package is gone.
            Ok(Err(_)) => None,
            Err(_) => Some(Bytes::from_static(b":\n\n")),
        }
    }
}

/// Computes the page after each change while it has readers.
async fn keep_current(site: Arc<Site>, page: StreamPage, versions: watch::Sender<PageVersion>) {
    let mut changes = site.rows.subscribe();
    let mut last: Option<PageSnapshot> = None;
    let mut last_rev = None;
    while versions.receiver_count() > 0 {
        changes.mark_unchanged();
        let (source, about) = (Arc::clone(&site), page.clone());
        let rev = match &page {
            StreamPage::Overview => None,
            StreamPage::Package(id) => Some(revision(&site, id)),
        };
        // Events of other packages do not change the page of this one.
        if rev.is_none() || rev != last_rev {
            let computed = site.turns.run(move || page_snapshot(&source, &about)).await;
            let Ok(Some(now)) = computed else { break };
            if last.as_ref() != Some(&now) {
                versions.send_replace(Some(event(&now)));
                last = Some(now);
            }
            last_rev = rev;
        }
        tokio::time::sleep(PAUSE).await;
        // Fails only when the rows are gone, with the daemon.
        drop(timeout(CHECK_INTERVAL, changes.changed()).await);
    }
    let mut open = site.streams.0.lock();
    // A new stream may have started the page again.
    if open.pages.get(&page).is_some_and(|known| known.same_channel(&versions)) {
        open.pages.remove(&page);
    }
}

/// What changes with a package, and whether a worker has it.
fn revision(site: &Site, id: &JobId) -> (Option<u64>, bool) {
    (site.rows.revision(id), site.readings.running().contains(id))
}

/// What the page shows now; `None` when the package is gone. Blocks.
fn page_snapshot(site: &Site, page: &StreamPage) -> Option<PageSnapshot> {
    match page {
        StreamPage::Overview => {
            pages::overview::view(site).ok().map(|view| PageSnapshot::Overview(Box::new(view)))
        }
        StreamPage::Package(id) => {
            pages::package::view(site, id).ok().map(|view| PageSnapshot::Package(Box::new(view)))
        }
    }
}

/// The event with the region of the page.
fn event(shown: &PageSnapshot) -> Bytes {
    let now = Timestamp::now();
    let region = match shown {
        PageSnapshot::Overview(view) => overview::region(view, now),
        PageSnapshot::Package(view) => package::region(view, now),
    };
    let mut text = String::from("event: region\n");
    for line in region.into_string().split(['\n', '\r']) {
        text.push_str("data: ");
        text.push_str(line);
        text.push('\n');
    }
    text.push('\n');
    text.into()
}
