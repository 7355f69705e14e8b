//! What the path of a request asks for.

use dropship_web::Asset;

use super::open_streams::StreamPage;
use super::query::decoded_segment;
use dropship_job::JobId;

/// Maximum length of a path in bytes.
const MAX_PATH: usize = 1024;

/// What a path asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Route {
    /// A static file.
    Asset(Asset),
    /// A page of the site.
    Page(PageRoute),
    /// The packages of a page as a file: `/packages.csv`, `/packages.json`
    Export(ExportFormat),
    /// A result of a package: `/packages/{id}/files/{name}`
    File(JobId, String),
    /// A stream of newer versions of a page: `/live/overview`, `/live/packages/{id}`
    Live(StreamPage),
}

/// The form of exported packages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ExportFormat {
    /// Comma-separated values.
    Csv,
    /// A list of objects.
    Json,
}

impl ExportFormat {
    /// Its media type.
    pub(super) fn media(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8",
            Self::Json => "application/json",
        }
    }

    /// The name of the file.
    pub(super) fn file_name(self) -> &'static str {
        match self {
            Self::Csv => "packages.csv",
            Self::Json => "packages.json",
        }
    }
}

/// A page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum PageRoute {
    /// `/`
    Overview,
    /// `/packages`
    Packages,
    /// `/packages/{id}`
    Package(JobId),
    /// `/labels`
    Labels,
    /// `/who`
    Who,
    /// `/rules`
    Rules,
    /// `/charts`
    Charts,
}

impl Route {
    /// The route of a path; `None` if there is none.
    pub(super) fn of(path: &str) -> Option<Self> {
        if path.len() > MAX_PATH {
            return None;
        }
        if let Some(asset) = Asset::ALL.into_iter().find(|asset| asset.path() == path) {
            return Some(Self::Asset(asset));
        }
        let segments: Option<Vec<_>> = path.strip_prefix('/')?.split('/').map(decoded_segment).collect();
        let segments = segments?;
        let segments: Vec<_> = segments.iter().map(String::as_str).collect();
        Some(match segments.as_slice() {
            [""] => Self::Page(PageRoute::Overview),
            ["packages"] => Self::Page(PageRoute::Packages),
            ["packages.csv"] => Self::Export(ExportFormat::Csv),
            ["packages.json"] => Self::Export(ExportFormat::Json),
            ["packages", id, "files", name] => Self::File(id.parse().ok()?, (*name).to_owned()),
            ["live", "overview"] => Self::Live(StreamPage::Overview),
            ["live", "packages", id] => Self::Live(StreamPage::Package(id.parse().ok()?)),
            ["packages", id] => Self::Page(PageRoute::Package(id.parse().ok()?)),
            ["labels"] => Self::Page(PageRoute::Labels),
            ["who"] => Self::Page(PageRoute::Who),
            ["rules"] => Self::Page(PageRoute::Rules),
            ["charts"] => Self::Page(PageRoute::Charts),
            _ => return None,
        })
    }
}
