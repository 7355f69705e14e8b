//! The page `Rules`.

use dropship_web::Markup;
use dropship_web::page::rules;

use super::super::query::Query;
use super::super::refusal::Refusal;
use super::super::site::Site;

/// The parameters of the page.
pub(in crate::web) const PARAMETERS: &[&str] = &[];

/// The content of the page. It may block.
pub(in crate::web) fn content(site: &Site, _query: &Query) -> Result<Markup, Refusal> {
    let _configuration = site.readings.configuration();
    Ok(rules::content(&rules::RulesView::default()))
}
