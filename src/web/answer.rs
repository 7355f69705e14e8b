//! From a request to its answer.

use std::sync::Arc;

use axum::body::Body;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use dropship_web::{Markup, Section, document};

use super::export;
use super::open_streams::StreamPage;
use super::pages::{charts, labels, overview, package, packages, rules, who};
use super::query::QueryParameters;
use super::refusal::RequestRefusal;
use super::response;
use super::route::{ExportFormat, PageRoute, Route};
use super::site::Site;
use super::streams;
use super::words;
use crate::http::{RequestSlots, SlotKind};

/// Size of the pieces in which a file is read, in bytes.
const PIECE: usize = 64 << 10;

/// Answers a GET request whose host is allowed.
pub(super) async fn answer(
    site: &Arc<Site>,
    uri: &Uri,
    headers: &HeaderMap,
    slots: &RequestSlots,
) -> Result<Response, RequestRefusal> {
    let not_found = || RequestRefusal::NotFound("there is no page at this address".to_owned());
    match Route::of(uri.path()).ok_or_else(not_found)? {
        Route::Asset(asset) => {
            let query = QueryParameters::read(uri.query(), &["v"])?;
            Ok(response::asset(asset, query.get("v").is_some(), headers))
        }
        Route::Page(page) => {
            let query = QueryParameters::read(uri.query(), page.parameters())?;
            let shared = Arc::clone(site);
            let rendered = site.compute(slots, SlotKind::Query, move || {
                let content = page.content(&shared, &query)?;
                let (section, title) = (page.section(), page.title(&shared));
                Ok(document(&shared.frame(Some(section), title), &content).into_string())
            });
            Ok(response::page(rendered.await?, headers))
        }
        Route::Export(format) => {
            let query = QueryParameters::read(uri.query(), packages::PARAMETERS)?;
            let shared = Arc::clone(site);
            let exported = site.compute(slots, SlotKind::Bulk, move || {
                let rows = packages::rows(&shared, &query)?;
                Ok(match format {
                    ExportFormat::Csv => export::csv(&rows),
                    ExportFormat::Json => export::json(&rows),
                })
            });
            Ok(response::download(exported.await?.into(), format.media(), format.file_name(), None))
        }
        Route::File(id, name) => {
            QueryParameters::read(uri.query(), &[])?;
            let (shared, file_name) = (Arc::clone(site), name.clone());
            let opened = site.blocking(slots, SlotKind::Bulk, move || {
                let file = shared.readings.open_result(&id, &file_name)?;
                let size = file.metadata().map(|found| found.len()).map_err(|error| {
                    RequestRefusal::Unavailable(format!("cannot read the result `{file_name}`: {error}"))
                })?;
                Ok((file, size))
            });
            let (file, size) = opened.await?;
            let file = tokio::io::AsyncReadExt::take(tokio::fs::File::from_std(file), size);
            let body = Body::from_stream(tokio_util::io::ReaderStream::with_capacity(file, PIECE));
            Ok(response::download(body, response::media_of(&name), &name, Some(size)))
        }
        Route::Live(page) => {
            QueryParameters::read(uri.query(), &[])?;
            if let StreamPage::Package(id) = &page {
                let (shared, id) = (Arc::clone(site), id.clone());
                site.blocking(slots, SlotKind::Query, move || Ok(shared.readings.current(&id)?)).await?;
            }
            Ok(response::event_stream(streams::open(site, page)))
        }
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
                let name = site.rows.read().get(id).map(|row| words::escape(&row.package));
                name.unwrap_or_else(|| format!("Package {id}"))
            }
            _ => self.section().title().to_owned(),
        }
    }

    fn content(&self, site: &Site, query: &QueryParameters) -> Result<Markup, RequestRefusal> {
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
