//! The site: from a request to its answer.

use std::sync::Arc;

use axum::body::Body;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use dropship_web::{Frame, Markup, Section, document};
use jiff::Timestamp;
use tokio::runtime::Handle;

use super::export;
use super::hosts::AllowedHosts;
use super::pages::{charts, labels, overview, package, packages, rules, who};
use super::preview::ReloadPreview;
use super::query::Query;
use super::readings::Readings;
use super::refusal::Refusal;
use super::response;
use super::route::{ExportFormat, PageRoute, Route};
use super::rows::JobRows;
use super::streams::{self, Streams, Topic};
use super::words;
use crate::http::{RequestSlots, SlotKind};

/// Size of the pieces in which a file is read, in bytes.
const PIECE: usize = 64 << 10;

/// What all requests share.
pub(super) struct Site {
    pub(super) readings: Readings,
    pub(super) hosts: AllowedHosts,
    /// The header with the name of the user, which a proxy sets.
    pub(super) trusted_header: Option<String>,
    /// Whether submissions go to a sandbox.
    pub(super) sandbox: bool,
    /// The streams of newer versions of pages.
    pub(super) streams: Streams,
    /// The packages in memory.
    pub(super) rows: Arc<JobRows>,
    /// The runtime of the workers, which previews reloads.
    pub(super) main: Handle,
    /// What a reload would change.
    pub(super) preview: Arc<ReloadPreview>,
}

impl Site {
    /// Answers a GET request whose host is allowed.
    pub(super) async fn answer(
        self: &Arc<Self>,
        uri: &Uri,
        headers: &HeaderMap,
        slots: &RequestSlots,
    ) -> Result<Response, Refusal> {
        let absent = || Refusal::NotFound("there is no page at this address".to_owned());
        match Route::of(uri.path()).ok_or_else(absent)? {
            Route::Asset(asset) => {
                let query = Query::read(uri.query(), &["v"])?;
                Ok(response::asset(asset, query.get("v").is_some(), headers))
            }
            Route::Page(page) => {
                let query = Query::read(uri.query(), page.parameters())?;
                let site = Arc::clone(self);
                let rendered = self.blocking(slots, SlotKind::Query, move || {
                    let content = page.content(&site, &query)?;
                    let (section, title) = (page.section(), page.title(&site));
                    Ok(document(&site.frame(Some(section), title), &content).into_string())
                });
                Ok(response::page(rendered.await?, headers))
            }
            Route::Export(format) => {
                let query = Query::read(uri.query(), packages::PARAMETERS)?;
                let site = Arc::clone(self);
                let exported = self.blocking(slots, SlotKind::Bulk, move || {
                    let rows = packages::rows(&site, &query)?;
                    Ok(match format {
                        ExportFormat::Csv => export::csv(&rows),
                        ExportFormat::Json => export::json(&rows),
                    })
                });
                Ok(response::download(exported.await?.into(), format.media(), format.file_name(), None))
            }
            Route::File(id, name) => {
                Query::read(uri.query(), &[])?;
                let (site, wanted) = (Arc::clone(self), name.clone());
                let opened = self.blocking(slots, SlotKind::Bulk, move || {
                    let file = site.readings.open_result(&id, &wanted)?;
                    let size = file.metadata().map(|found| found.len()).map_err(|error| {
                        Refusal::Unavailable(format!("cannot read the result `{wanted}`: {error}"))
                    })?;
                    Ok((file, size))
                });
                let (file, size) = opened.await?;
                let file = tokio::io::AsyncReadExt::take(tokio::fs::File::from_std(file), size);
                let body = Body::from_stream(tokio_util::io::ReaderStream::with_capacity(file, PIECE));
                Ok(response::download(body, response::media_of(&name), &name, Some(size)))
            }
            Route::Live(topic) => {
                Query::read(uri.query(), &[])?;
                if let Topic::Package(id) = &topic {
                    let (site, id) = (Arc::clone(self), id.clone());
                    self.blocking(slots, SlotKind::Query, move || Ok(site.readings.current(&id)?)).await?;
                }
                Ok(response::event_stream(streams::open(self, topic)))
            }
        }
    }

    /// The frame of a page.
    pub(super) fn frame(&self, section: Option<Section>, title: String) -> Frame {
        Frame {
            title,
            section,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            sandbox: self.sandbox,
            now: Timestamp::now(),
        }
    }

    /// Runs work that blocks.
    pub(super) async fn blocking<T: Send + 'static>(
        &self,
        slots: &RequestSlots,
        kind: SlotKind,
        work: impl FnOnce() -> Result<T, Refusal> + Send + 'static,
    ) -> Result<T, Refusal> {
        let slot = slots.take(kind).await?;
        let with_slot = move || {
            let _slot = slot;
            work()
        };
        let done = tokio::task::spawn_blocking(with_slot).await;
        done.unwrap_or_else(|error| {
            Err(Refusal::Unavailable(format!("the daemon failed to answer: {error}")))
        })
    }
}

impl PageRoute {
    fn parameters(&self) -> &'static [&'static str] {
        match self {
            Self::Overview => overview::PARAMETERS,
            Self::Packages => packages::PARAMETERS,
            Self::Package(_) => package::PARAMETERS,
            Self::Labels => labels::PARAMETERS,
            Self::Who => who::PARAMETERS,
            Self::Rules => rules::PARAMETERS,
            Self::Charts => charts::PARAMETERS,
        }
    }

    fn section(&self) -> Section {
        match self {
            Self::Overview => Section::Overview,
            Self::Packages | Self::Package(_) => Section::Packages,
            Self::Labels => Section::Labels,
            Self::Who => Section::Who,
            Self::Rules => Section::Rules,
            Self::Charts => Section::Charts,
        }
    }

    fn title(&self, site: &Site) -> String {
        match self {
            Self::Package(id) => {
                let name = site.rows.read().get(id).map(|row| words::shown(&row.package));
                name.unwrap_or_else(|| format!("Package {id}"))
            }
            _ => self.section().title().to_owned(),
        }
    }

    fn content(&self, site: &Site, query: &Query) -> Result<Markup, Refusal> {
        match self {
            Self::Overview => overview::content(site, query),
            Self::Packages => packages::content(site, query),
            Self::Package(id) => package::content(site, id, query),
            Self::Labels => labels::content(site, query),
            Self::Who => who::content(site, query),
            Self::Rules => rules::content(site, query),
            Self::Charts => charts::content(site, query),
        }
    }
}
