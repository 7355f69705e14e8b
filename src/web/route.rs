//! What the path of a request asks for.

use dropship_web::Asset;

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
            ["packages", id] => Self::Page(PageRoute::Package(id.parse().ok()?)),
            ["labels"] => Self::Page(PageRoute::Labels),
            ["who"] => Self::Page(PageRoute::Who),
            ["rules"] => Self::Page(PageRoute::Rules),
            ["charts"] => Self::Page(PageRoute::Charts),
            _ => return None,
        })
    }
}
