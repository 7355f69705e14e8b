//! The page "Charts".

use maud::{Markup, html};

use crate::picture::Chart;

/// What the page shows.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ChartsView {
    /// Number of weeks.
    pub weeks: usize,
    /// The numbers of weeks that can be chosen.
    pub choices: Vec<usize>,
    /// Why not all packages are counted yet.
    pub incomplete: Option<String>,
    /// The charts by week.
    pub by_week: Vec<Chart>,
    /// The charts by hour.
    pub by_hour: Vec<Chart>,
}

/// The content of the page.
#[must_use]
pub fn content(view: &ChartsView) -> Markup {
    html! {
        div.head {
            h1 { "Charts" }
            nav.choices aria-label="Number of weeks" {
                ul {
                    @for weeks in &view.choices {
                        li { a href=(format!("/charts?weeks={weeks}")) aria-current=[(*weeks == view.weeks).then_some("true")] { (weeks) " weeks" } }
                    }
                }
            }
        }
        @if let Some(why) = &view.incomplete { div.notice { p { (why) } } }
        section aria-labelledby="by-week" {
            h2 #by-week { "By week" }
            p.quiet { "A week begins on Monday, in UTC. A package counts in the week in which it arrived." }
            div.charts { @for chart in &view.by_week { (chart.figure()) } }
        }
        section aria-labelledby="by-hour" {
            h2 #by-hour { "Calls to Microsoft by hour" }
            @if view.by_hour.is_empty() { p.empty { "No call was made since the daemon started." } }
            div.charts { @for chart in &view.by_hour { (chart.figure()) } }
        }
    }
}
