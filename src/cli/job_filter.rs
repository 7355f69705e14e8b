//! The filters of `jobs`, which `retry`, `approve` and `cancel` take too.

use clap::builder::{PossibleValuesParser, TypedValueParser};
use jiff::Timestamp;

use super::backend::Backend;
use dropship_engine::operations::{ControlError, JobQuery};
use dropship_engine::outbox::Receipt;
use dropship_glob::Glob;
use dropship_job::{JobId, StateKind};
use dropship_rules::duration;

/// Number of jobs in one request.
const PAGE: usize = 1000;

/// Conditions on jobs; a job must meet all of them.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct JobFilter {
    /// Only jobs in this state
    #[arg(long, value_name = "S", value_parser = state_parser(), help_heading = "Filters")]
    pub(super) state: Option<StateKind>,
    /// Only jobs of this folder
    #[arg(long, value_name = "F", help_heading = "Filters")]
    pub(super) folder: Option<String>,
    /// Only jobs of this rule
    #[arg(long, value_name = "R", help_heading = "Filters")]
    pub(super) rule: Option<String>,
    /// Only packages whose file name matches, such as 'echo-*.cab'
    #[arg(long, value_name = "GLOB", value_parser = parse_glob, help_heading = "Filters")]
    pub(super) package: Option<Glob>,
    /// Only packages that arrived since TIME: a duration such as 7d, or a time such as 2026-11-02T09:00:00Z
    #[arg(long, value_name = "TIME", value_parser = parse_since, help_heading = "Filters")]
    pub(super) since: Option<Timestamp>,
}

fn state_parser() -> impl TypedValueParser<Value = StateKind> {
    PossibleValuesParser::new(StateKind::ALL.map(StateKind::as_str)).try_map(|text| text.parse::<StateKind>())
}

fn parse_glob(text: &str) -> Result<Glob, String> {
    Glob::new(text).map_err(|error| error.to_string())
}

/// The time that a duration before now, or a time in RFC 3339, names.
pub(super) fn parse_since(text: &str) -> Result<Timestamp, String> {
    if let Ok(time) = text.parse::<Timestamp>() {
        return Ok(time);
    }
    let ago = duration::parse(text).map_err(|_| {
        format!("`{text}` is neither a duration such as \"7d\" nor a time such as \"2026-11-02T09:00:00Z\"")
    })?;
    Timestamp::now().checked_sub(ago).map_err(|error| error.to_string())
}

impl JobFilter {
    /// Whether no condition is set.
    pub(super) fn is_empty(&self) -> bool {
        let Self { state, folder, rule, package, since } = self;
        state.is_none() && folder.is_none() && rule.is_none() && package.is_none() && since.is_none()
    }

    /// The jobs that meet all conditions, newest first: at most `max`, and only those before a job if one is named. They are
    /// requested page by page, so that the daemon has at most one page in memory.
    pub(super) async fn jobs(
        &self,
        backend: &Backend,
        mut before: Option<JobId>,
        max: usize,
    ) -> Result<Vec<Receipt>, ControlError> {
        let mut jobs = Vec::<Receipt>::new();
        loop {
            let limit = PAGE.min(max - jobs.len());
            let page = backend.jobs(&self.query(before.take(), limit)).await?;
            let is_last = page.len() < limit;
            jobs.extend(page);
            if is_last || jobs.len() == max {
                return Ok(jobs);
            }
            before = jobs.last().map(|job| job.id.clone());
        }
    }

    fn query(&self, before: Option<JobId>, limit: usize) -> JobQuery {
        let Self { state, folder, rule, package, since } = self.clone();
        JobQuery { state, folder, rule, package, since, before, limit }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn since_accepts_durations_and_rfc_3339() {
        let now = Timestamp::now();
        let day = parse_since("1d").expect("a duration");
        assert!(now.duration_since(day).as_hours() <= 24 && day < now);
        assert_eq!(
            parse_since("2026-11-02T09:00:00+01:00"),
            Ok("2026-11-02T08:00:00Z".parse().expect("a time"))
        );
        for bad in ["", "yesterday", "7", "2026-13-02T09:00:00Z", "-1d"] {
            assert!(parse_since(bad).is_err(), "{bad}");
        }
    }
}
