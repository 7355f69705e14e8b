//! The page `Charts`.

use dropship_web::Markup;
use dropship_web::page::charts;

use super::super::query::Query;
use super::super::refusal::Refusal;
use super::super::site::Site;

/// The parameters of the page.
pub(in crate::web) const PARAMETERS: &[&str] = &[];

/// The content of the page. It may block.
pub(in crate::web) fn content(_site: &Site, _query: &Query) -> Result<Markup, Refusal> {
    Ok(charts::content(&charts::ChartsView::default()))
}
