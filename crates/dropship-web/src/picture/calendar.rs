//! The calendar of labels: what was published, what waits for a date, and why.

use jiff::Timestamp;
use jiff::civil::Date;
use maud::{Markup, html};

use super::calendar_days::{CalendarDays, HEAD, MAX_DAYS, ROW, WIDTH, day_of};
use super::calendar_label::{CalendarGroup, CalendarRow};
use super::calendar_rows::{self, CalendarLine};
use super::frame::frame;
use crate::text::clean;

/// Height of the legend.
const LEGEND: f64 = 34.0;
/// Maximum number of rows of the table.
const MAX_TABLE: usize = 200;

/// Labels and days, in UTC.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Calendar {
    /// Unique in its page.
    pub id: String,
    /// The first day.
    pub first: Date,
    /// Number of days.
    pub days: u16,
    /// The present time.
    pub now: Timestamp,
    /// The labels, grouped.
    pub groups: Vec<CalendarGroup>,
    /// Number of labels that the caller has left out.
    pub more: usize,
    /// The page with all labels.
    pub more_href: String,
}

impl Calendar {
    /// The picture, and the number of labels that it leaves out.
    #[must_use]
    pub fn picture(&self) -> Markup {
        let (lines, hidden) = calendar_rows::lines(&self.groups);
        if lines.is_empty() {
            return html! { p.empty { "No label was, is or will be in motion in this time." } };
        }
        let days = CalendarDays::new(self.first, self.days);
        let body = HEAD + ROW * lines.len() as f64;
        let height = body + LEGEND;
        let content = html! {
            (self.patterns())
            (days.head())
            (days.grid(body))
            @for (index, line) in lines.iter().enumerate() {
                (calendar_rows::draw(&self.id, line, days, HEAD + ROW * index as f64))
            }
            (days.today(self.now, body))
            (calendar_rows::legend(&self.id, &self.shown(&lines), body + 22.0))
        };
        let hidden = hidden + self.more;
        html! {
            (frame(&self.id, (WIDTH as u32, height as u32), "Calendar of labels", &self.description(), &content))
            @if hidden > 0 {
                p.more { (hidden) " more " (if hidden == 1 { "label is" } else { "labels are" }) " not in the picture: " a href=(self.more_href) { "list all labels" } "." }
            }
        }
    }

    /// The rows that are drawn.
    fn shown<'a>(&self, lines: &[CalendarLine<'a>]) -> Vec<&'a CalendarRow> {
        let rows = lines.iter().filter_map(|line| match line {
            CalendarLine::Row(row) => Some(*row),
            CalendarLine::Group(_) | CalendarLine::More(_) => None,
        });
        rows.collect()
    }

    fn description(&self) -> String {
        let count: usize = self.groups.iter().map(|group| group.rows.len()).sum();
        format!(
            "{} in {} from {}, in UTC; today is {}. The table has the dates of each.",
            crate::text::count(count + self.more, "label", "labels"),
            crate::text::count(self.days.clamp(1, MAX_DAYS).into(), "day", "days"),
            self.first,
            day_of(self.now)
        )
    }

    /// The same as a table, which opens on request.
    #[must_use]
    pub fn table(&self) -> Markup {
        let rows = self.groups.iter().flat_map(|group| group.rows.iter().map(move |row| (group, row)));
        html! {
            details.values {
                summary { "Dates as a table" }
                div.scroll tabindex="0" role="region" aria-label="Dates of labels" {
                    table.data {
                        caption { "Dates of labels, in UTC" }
                        thead { tr { th scope="col" { "Label" } th scope="col" { "Group" } th scope="col" { "State" } th scope="col" { "Dates" } } }
                        tbody {
                            @for (group, row) in rows.take(MAX_TABLE) {
                                tr {
                                    th scope="row" { (clean(&row.name)) }
                                    td { (clean(&group.name)) }
                                    td { (clean(&row.state)) }
                                    td { (calendar_rows::sentence(row)) }
                                }
                            }
                        }
                    }
                }
            }
        }
    }

    fn patterns(&self) -> Markup {
        html! {
            defs {
                pattern id=(format!("{}-blackout", self.id)) width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)" {
                    rect.ink x="0" y="0" width="1.5" height="6" {}
                }
                pattern id=(format!("{}-held", self.id)) width="5" height="5" patternUnits="userSpaceOnUse" patternTransform="rotate(-45)" {
                    rect.ink x="0" y="0" width="2" height="5" {}
                }
                pattern id=(format!("{}-soak", self.id)) width="5" height="5" patternUnits="userSpaceOnUse" {
                    circle.ink cx="2.5" cy="2.5" r="1.1" {}
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
