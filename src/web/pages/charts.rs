//! The page `Charts`.

use dropship_web::Markup;
use dropship_web::page::charts::{self, ChartsView};
use jiff::Timestamp;

use super::super::query::QueryParameters;
use super::super::refusal::RequestRefusal;
use super::super::site::Site;
use super::super::words;

mod by_hour;
mod by_week;

/// The parameters of the page.
pub(crate) const PARAMETERS: &[&str] = &["weeks"];

/// The numbers of weeks that can be chosen; the first is the default.
const WEEKS: [usize; 4] = [12, 4, 26, 52];

/// The content of the page. It may block.
pub(crate) fn content(site: &Site, query: &QueryParameters) -> Result<Markup, RequestRefusal> {
    let weeks = query.parse("weeks", "a number of weeks")?.unwrap_or(WEEKS[0]);
    if !WEEKS.contains(&weeks) {
        let choices = WEEKS.map(|weeks| weeks.to_string()).join(", ");
        return Err(RequestRefusal::parameter("weeks", format!("it must be one of {choices}")));
    }
    let now = Timestamp::now();
    let (by_week, incomplete) = {
        let rows = site.rows.read();
        (by_week::of(&rows, weeks, now), words::incomplete(rows.completeness()))
    };
    let mut choices = WEEKS.to_vec();
    choices.sort_unstable();
    let by_hour = by_hour::of(&site.readings.calls());
    Ok(charts::content(&ChartsView { weeks, choices, incomplete, by_week, by_hour }))
}
