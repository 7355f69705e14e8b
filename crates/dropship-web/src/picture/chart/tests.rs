//! Charts of weeks and hours, and of any values and names.

use super::super::axis::ChartUnit;
use super::*;
use crate::picture::testing::{self, HOSTILE};

const STYLES: [SeriesStyle; 5] =
    [SeriesStyle::Main, SeriesStyle::Second, SeriesStyle::Good, SeriesStyle::Bad, SeriesStyle::Off];

fn chart(kind: ChartKind, unit: ChartUnit, columns: usize, values: impl Fn(usize) -> Option<f64>) -> Chart {
    let series = STYLES.map(|style| Series {
        name: format!("{style:?}"),
        style,
        values: (0..columns).map(&values).collect(),
    });
    Chart {
        id: "chart".to_owned(),
        title: "Time from drop to signed".to_owned(),
        unit,
        column: "Week".to_owned(),
        columns: (0..columns).map(|index| format!("week {index}")).collect(),
        kind,
        series: series.into(),
        limit: Some(ChartLimit { name: "limit".to_owned(), values: (0..columns).map(&values).collect() }),
        note: String::new(),
    }
}

fn weeks() -> Vec<String> {
    ["09-07", "09-14", "09-21", "09-28", "10-05", "10-12", "10-19", "10-26"].map(str::to_owned).into()
}

#[test]
fn chart_of_durations_looks_as_recorded() {
    let hours = |values: [Option<f64>; 8]| values.map(|value| value.map(|hours| hours * 3_600.0)).into();
    let chart = Chart {
        columns: weeks(),
        series: vec![
            Series {
                name: "median".to_owned(),
                style: SeriesStyle::Main,
                values: hours([
                    Some(3.2),
                    Some(3.0),
                    Some(4.1),
                    None,
                    Some(2.8),
                    Some(2.9),
                    Some(3.3),
                    Some(3.1),
                ]),
            },
            Series {
                name: "p90".to_owned(),
                style: SeriesStyle::Second,
                values: hours([
                    Some(9.0),
                    Some(8.2),
                    Some(20.0),
                    None,
                    Some(7.5),
                    Some(7.7),
                    Some(11.0),
                    Some(8.1),
                ]),
            },
        ],
        limit: None,
        note: "From 412 packages.".to_owned(),
        ..chart(ChartKind::Lines, ChartUnit::Duration, 0, |_| None)
    };
    insta::assert_snapshot!(testing::lines(&chart.figure()));
}

#[test]
fn chart_of_counts_looks_as_recorded() {
    let series = |name: &str, style, values: [u32; 8]| Series {
        name: name.to_owned(),
        style,
        values: values.map(|value| Some(f64::from(value))).into(),
    };
    let chart = Chart {
        title: "Packages by outcome".to_owned(),
        columns: weeks(),
        series: vec![
            series("succeeded", SeriesStyle::Good, [31, 28, 40, 0, 35, 30, 38, 12]),
            series("failed", SeriesStyle::Bad, [2, 0, 1, 0, 3, 0, 0, 1]),
            series("rejected", SeriesStyle::Second, [4, 6, 2, 0, 3, 5, 2, 1]),
        ],
        limit: None,
        ..chart(ChartKind::Stacked, ChartUnit::Count, 0, |_| None)
    };
    insta::assert_snapshot!(testing::lines(&chart.figure()));
}

#[test]
fn chart_of_any_values_stays_in_its_picture() {
    let values: [fn(usize) -> Option<f64>; 9] = [
        |_| None,
        |_| Some(0.0),
        |_| Some(-3_600.0),
        |_| Some(f64::NAN),
        |_| Some(f64::INFINITY),
        |_| Some(f64::MAX),
        |_| Some(1e-12),
        |index| (index % 3 == 0).then_some(index as f64),
        |index| Some((index * index) as f64),
    ];
    for kind in [ChartKind::Lines, ChartKind::Stacked] {
        for unit in [ChartUnit::Duration, ChartUnit::Count] {
            for columns in [0, 1, 2, 12, 199, 201, 10_000] {
                for values in values {
                    let chart = chart(kind, unit, columns, values);
                    testing::well_formed(&chart.figure());
                    testing::check(&chart.thinned().picture());
                }
            }
        }
    }
}

#[test]
fn chart_with_hostile_names_stays_in_its_picture() {
    for name in HOSTILE {
        let mut chart = chart(ChartKind::Stacked, ChartUnit::Count, 30, |index| Some(index as f64));
        chart.title = format!("{name}.");
        chart.column = name.to_owned();
        chart.note = name.to_owned();
        chart.columns.iter_mut().for_each(|column| *column = name.to_owned());
        chart.series.iter_mut().for_each(|series| series.name = name.to_owned());
        chart.limit = Some(ChartLimit { name: name.to_owned(), values: vec![Some(5.0); 3] });
        testing::check(&chart.figure());
        chart.kind = ChartKind::Lines;
        testing::check(&chart.figure());
    }
}

#[test]
fn chart_of_many_columns_keeps_sums_and_largest_values() {
    let bars = chart(ChartKind::Stacked, ChartUnit::Count, 10_000, |_| Some(1.0)).thinned();
    assert_eq!(bars.columns.len(), 200);
    assert_eq!(bars.series[0].values.iter().flatten().sum::<f64>(), 10_000.0);
    let lines =
        chart(ChartKind::Lines, ChartUnit::Count, 10_000, |index| Some(f64::from(u8::from(index == 7_777))))
            .thinned();
    assert_eq!(lines.series[0].values.iter().flatten().sum::<f64>(), 1.0);
}

#[test]
fn limit_far_above_all_values_does_not_flatten_them() {
    let mut chart = chart(ChartKind::Stacked, ChartUnit::Count, 3, |_| Some(1.0));
    chart.series.truncate(2);
    chart.limit = Some(ChartLimit { name: "limit".to_owned(), values: vec![Some(30_000.0); 3] });
    assert_eq!(chart.max(), 2.0);
    assert!(chart.picture().into_string().contains("limit (above)"));
}
