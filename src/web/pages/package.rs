//! The page of one package.

use dropship_web::Markup;
use dropship_web::page::package;

use super::super::query::Query;
use super::super::refusal::Refusal;
use super::super::site::Site;
use dropship_job::JobId;

/// The parameters of the page.
pub(in crate::web) const PARAMETERS: &[&str] = &[];

/// The content of the page. It may block.
pub(in crate::web) fn content(site: &Site, id: &JobId, _query: &Query) -> Result<Markup, Refusal> {
    let _job = site.readings.job(id)?;
    Ok(package::content(&package::PackageView::default()))
}
