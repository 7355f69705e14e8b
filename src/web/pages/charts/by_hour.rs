//! Calls of the API by hour, beside the limit.

use dropship_web::picture::{Chart, ChartKind, ChartLimit, ChartUnit, Series, SeriesStyle};

use crate::control::Calls;
use crate::metrics::{AccountCalls, CallHour};

/// Maximum number of accounts with a chart: those with the most calls.
const MAX_ACCOUNTS: usize = 8;

/// A chart for each account that has made calls.
pub(super) fn of(calls: &Calls) -> Vec<Chart> {
    let mut accounts: Vec<&AccountCalls> = calls.accounts.iter().collect();
    let total = |account: &AccountCalls| {
        account.hours.iter().map(|(_, hour)| hour.answered + hour.throttled + hour.failed).sum::<u64>()
    };
    accounts.sort_by_key(|account| std::cmp::Reverse(total(account)));
    let charts = accounts.into_iter().take(MAX_ACCOUNTS).enumerate();
    charts.map(|(index, account)| chart(index, account, calls)).collect()
}

fn chart(index: usize, account: &AccountCalls, calls: &Calls) -> Chart {
    let series = |name: &str, style, count: fn(&CallHour) -> u64| Series {
        name: name.to_owned(),
        style,
        values: account.hours.iter().map(|(_, hour)| Some(count(hour) as f64)).collect(),
    };
    let has_limit = account.hours.iter().any(|(_, hour)| hour.limit.is_some());
    let limit = has_limit.then(|| ChartLimit {
        name: "limit".to_owned(),
        values: account.hours.iter().map(|(_, hour)| hour.limit).collect(),
    });
    let about_limit = if has_limit {
        "The limit is the lowest rate that dropship kept in the hour after Microsoft had throttled it"
    } else {
        "Microsoft has not throttled any call, so no limit is known"
    };
    Chart {
        id: format!("calls-{index}"),
        title: format!("Calls per hour of account {}", account.account),
        unit: ChartUnit::Count,
        column: "Hour from".to_owned(),
        columns: account.hours.iter().map(|(hour, _)| hour.strftime("%m-%d %H:%M").to_string()).collect(),
        kind: ChartKind::Stacked,
        series: vec![
            series("answered", SeriesStyle::Main, |hour| hour.answered),
            series("throttled", SeriesStyle::Second, |hour| hour.throttled),
            series("failed", SeriesStyle::Bad, |hour| hour.failed),
        ],
        limit,
        note: format!(
            "Counted since {}, for two days at most. {about_limit}.",
            calls.since.strftime("%Y-%m-%d %H:%M UTC")
        ),
    }
}
