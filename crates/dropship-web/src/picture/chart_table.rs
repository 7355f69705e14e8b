//! The values of a chart as a table.

use maud::{Markup, html};

use super::chart_values::Chart;
use crate::text::clean;

/// The table, which opens on request.
pub(super) fn table(chart: &Chart) -> Markup {
    let cell = |values: &[Option<f64>], column: usize| {
        let value = values.get(column).copied().flatten();
        value.map_or_else(|| "–".to_owned(), |value| chart.unit.text(value))
    };
    html! {
        details.values {
            summary { "Values as a table" }
            div.scroll tabindex="0" role="region" aria-label=(format!("Values: {}", clean(&chart.title))) {
                table.data {
                    caption { (clean(&chart.title)) }
                    thead {
                        tr {
                            th scope="col" { (clean(&chart.column)) }
                            @for series in &chart.series { th.number scope="col" { (clean(&series.name)) } }
                            @if let Some(limit) = &chart.limit { th.number scope="col" { (clean(&limit.name)) } }
                        }
                    }
                    tbody {
                        @for (column, name) in chart.columns.iter().enumerate() {
                            tr {
                                th scope="row" { (clean(name)) }
                                @for series in &chart.series { td.number { (cell(&series.values, column)) } }
                                @if let Some(limit) = &chart.limit { td.number { (cell(&limit.values, column)) } }
                            }
                        }
                    }
                }
            }
        }
    }
}
