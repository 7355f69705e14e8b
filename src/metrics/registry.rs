//! All metrics: the page, its documentation and the tests of alerts and dashboard use this list.

/// The type of a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Only increases, until the daemon restarts.
    Counter,
    /// Increases and decreases.
    Gauge,
    /// A count and a sum.
    Summary,
}

impl Kind {
    /// The name in the text format.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Summary => "summary",
        }
    }
}

/// What a value is about, where several nodes share their jobs in a database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// This process, its machine, and the folders that it watches: every node has it.
    Node,
    /// The jobs and calls of all nodes: only the active node has it.
    Fleet,
}

impl Scope {
    /// Its name in the page of metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Node => "node",
            Self::Fleet => "fleet",
        }
    }
}

/// One metric.
#[derive(Debug, PartialEq, Eq)]
pub struct Metric {
    /// Its name.
    pub name: &'static str,
    /// Its type.
    pub kind: Kind,
    /// What it is about.
    pub scope: Scope,
    /// The names of its labels.
    pub labels: &'static [&'static str],
    /// Its meaning, in one line.
    pub help: &'static str,
}

impl Metric {
    /// The unit, which is a part of the name.
    #[must_use]
    pub fn unit(&self) -> &'static str {
        let base = self.name.trim_end_matches("_total");
        ["seconds", "bytes"].into_iter().find(|unit| base.ends_with(unit)).unwrap_or_default()
    }
}

macro_rules! metrics {
    ($($(#[$doc:meta])* $constant:ident = $name:literal, $kind:ident, $scope:ident, $labels:expr, $help:literal;)*) => {
        $($(#[$doc])* pub const $constant: Metric =
            Metric { name: $name, kind: Kind::$kind, scope: Scope::$scope, labels: &$labels, help: $help };)*

        /// Every metric, in the order of the page.
        pub const ALL: &[&Metric] = &[$(&$constant),*];
    };
}

metrics! {
    /// The running version; always 1.
    BUILD_INFO = "dropship_build_info", Gauge, Node, ["version"], "The running version; always 1";
    /// When the daemon started, in seconds since 1970.
    START_TIME = "dropship_start_time_seconds", Gauge, Node, [], "When the daemon started, in seconds since 1970";
    /// Whether this node processes the jobs of a database, or stands by; absent without a database.
    NODE_ACTIVE = "dropship_node_active", Gauge, Node, [], "Whether this node processes the jobs of a database, or stands by; absent without a database";
    /// Time for which this node may send changes without a renewal of its lease; 0 without a lease, absent without a database.
    NODE_LEASE = "dropship_node_lease_seconds", Gauge, Node, [], "Time for which this node may send changes to Microsoft without a renewal of its lease; 0 without a lease, absent without a database";
    /// Last line of the journal in the database that the tables of this node have; absent without a database.
    NODE_LINE = "dropship_node_journal_line", Gauge, Node, [], "Last line of the journal in the database that the tables of this node have; absent without a database";
    /// Time since the tables of this node had everything that was in the database; absent without a database.
    NODE_LAG = "dropship_node_lag_seconds", Gauge, Node, [], "Time since the tables of this node had everything that was in the database, a second at most in operation; absent without a database";
    /// Whether something of this kind needs attention; docs/errors.md lists the kinds.
    TROUBLE = "dropship_trouble", Gauge, Node, ["kind"], "Whether something of this kind needs attention; docs/errors.md lists the kinds";
    /// Jobs in the store, by state.
    JOBS = "dropship_jobs", Gauge, Fleet, ["state"], "Jobs in the store, by state";
    /// Jobs that workers process.
    JOBS_RUNNING = "dropship_jobs_running", Gauge, Fleet, [], "Jobs that workers process";
    /// Age of the oldest job that is queued, running or waiting; 0 without one.
    OLDEST_JOB_AGE = "dropship_queue_oldest_job_age_seconds", Gauge, Fleet, [], "Age of the oldest job that is queued, running or waiting; 0 without one";
    /// Whether anything is paused.
    PAUSED = "dropship_paused", Gauge, Fleet, [], "Whether anything is paused";
    /// Whether a folder cannot be watched fully.
    FOLDER_DEGRADED = "dropship_folder_degraded", Gauge, Node, ["folder"], "Whether a folder cannot be watched fully";
    /// Files that are not complete or settled yet.
    FOLDER_CANDIDATES = "dropship_folder_candidates", Gauge, Node, ["folder"], "Files that are not complete or settled yet";
    /// Whether files wait for capacity of the queue.
    FOLDER_BACKPRESSURE = "dropship_folder_backpressure", Gauge, Node, ["folder"], "Whether files wait for capacity of the queue";
    /// Files that were accepted.
    FOLDER_ACCEPTED = "dropship_folder_accepted_total", Counter, Node, ["folder"], "Files that were accepted";
    /// Files in a folder that `exclude` leaves out.
    FOLDER_IGNORED = "dropship_folder_ignored", Gauge, Node, ["folder"], "Files in a folder that `exclude` leaves out";
    /// File system events.
    FOLDER_EVENTS = "dropship_folder_events_total", Counter, Node, ["folder"], "File system events";
    /// Full scans of a folder.
    FOLDER_SCANS = "dropship_folder_scans_total", Counter, Node, ["folder"], "Full scans of a folder";
    /// Times that the kernel dropped events; a full scan of each folder followed.
    WATCH_OVERFLOWS = "dropship_watch_overflows_total", Counter, Node, [], "Times that the kernel dropped events; a full scan of each folder followed";
    /// Whether results of a folder can be written to its outbox.
    OUTBOX_WRITABLE = "dropship_outbox_writable", Gauge, Node, ["folder"], "Whether results of a folder can be written to its outbox";
    /// Whether an account is suspended because Microsoft refuses it.
    ACCOUNT_PAUSED = "dropship_account_paused", Gauge, Fleet, ["account"], "Whether an account is suspended because Microsoft refuses it";
    /// Whether the service answers the calls of an account.
    SERVICE_UP = "dropship_service_up", Gauge, Fleet, ["account"], "Whether the service answers the calls of an account";
    /// Seconds by which the clock of this machine is ahead of the service's; absent before the first response.
    CLOCK_SKEW = "dropship_clock_skew_seconds", Gauge, Fleet, [], "Seconds by which the clock of this machine is ahead of the service's; absent before the first response";
    /// When the secret or certificate of an account expires, in seconds since 1970; absent where that is not known.
    SECRET_EXPIRY = "dropship_secret_expiry_timestamp_seconds", Gauge, Fleet, ["account"], "When the secret or certificate of an account expires, in seconds since 1970; absent where that is not known";
    /// Free space of the disk that has the store.
    STORE_FREE = "dropship_store_free_bytes", Gauge, Node, [], "Free space of the disk that has the store";
    /// Time since the last heartbeat of a component.
    HEARTBEAT_AGE = "dropship_heartbeat_age_seconds", Gauge, Node, ["part"], "Time since the last heartbeat of a component";
    /// Delivery attempts, by target and outcome; absent without targets.
    NOTIFICATIONS = "dropship_notifications_total", Counter, Fleet, ["target", "outcome"], "Delivery attempts, by target and outcome; absent without targets";
    /// Notifications in the spool, by target.
    NOTIFICATIONS_PENDING = "dropship_notifications_pending", Gauge, Fleet, ["target"], "Notifications in the spool, by target";
    /// State transitions of jobs, by new state.
    JOB_TRANSITIONS = "dropship_job_transitions_total", Counter, Fleet, ["to"], "State transitions of jobs, by new state";
    /// Ended jobs, by rule and state; the rule of a package without a matching rule is empty.
    JOBS_ENDED = "dropship_jobs_ended_total", Counter, Fleet, ["rule", "state"], "Ended jobs, by rule and state; the rule of a package without a matching rule is empty";
    /// Uploaded bytes of packages.
    UPLOAD_BYTES = "dropship_upload_bytes_total", Counter, Fleet, [], "Uploaded bytes of packages";
    /// Files that were removed, renamed or overwritten before they were taken.
    FILES_LOST = "dropship_files_lost_total", Counter, Node, ["folder", "how"], "Files that were removed, renamed or overwritten before they were taken";
    /// Further files and submissions with the bytes of a job.
    SAME_BYTES = "dropship_duplicate_files_total", Counter, Fleet, [], "Further files and submissions with the bytes of a job";
    /// Calls of the Hardware dashboard API, by operation and HTTP status (none: no response).
    API_REQUESTS = "dropship_api_requests_total", Counter, Fleet, ["operation", "code"], "Calls of the Hardware dashboard API, by operation and HTTP status (none: no response)";
    /// Duration of API calls, by operation.
    API_REQUEST_DURATION = "dropship_api_request_duration_seconds", Summary, Fleet, ["operation"], "Duration of API calls, by operation";
    /// Number of configurations that have been active since the start.
    CONFIG_GENERATION = "dropship_config_generation", Gauge, Node, [], "Number of configurations that have been active since the start";
    /// Whether the last reload of the configuration was applied; 1 before the first.
    CONFIG_RELOAD_SUCCESSFUL = "dropship_config_last_reload_successful", Gauge, Node, [], "Whether the last reload of the configuration was applied; 1 before the first";
    /// Time of the last reload or, before the first, of the start.
    CONFIG_RELOAD_TIME = "dropship_config_last_reload_timestamp_seconds", Gauge, Node, [], "Time of the last reload or, before the first, of the start";
    /// When the active configuration was read.
    CONFIG_RELOAD_SUCCESS_TIME = "dropship_config_last_reload_success_timestamp_seconds", Gauge, Node, [], "When the active configuration was read";
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/metrics.md");

    const HEAD: &str = "\
# Metrics

`/metrics` on the control socket and, with `[metrics] listen`, over TCP. The format is Prometheus' text format, version 0.0.4.

```sh run
curl --unix-socket /run/dropship/control.sock http://localhost/metrics
```

Counters start at zero with the daemon, and every family of counters has samples from the start: `rate()` sees the first event.
Label values come from the configuration and from fixed lists; names of files and ids are never label values. `config/monitoring/` has alert
rules for Prometheus and a dashboard for Grafana.

Where several nodes share their jobs in a database, scrape all of them. A metric *of* `node` is about one process, its machine and the folders
that it watches, and every node has it. One *of* `fleet` is about the jobs and the calls of all nodes: only the active node has it
(`dropship_node_active` is 1), so a sum over all nodes counts each job and each call once. The counters of a node that takes over start at zero:
add up the increases, as in `sum(increase(dropship_jobs_ended_total[1d]))`.

<!-- Generated from src/metrics/registry.rs: run `UPDATE=1 cargo test --lib page_of_metrics`. -->

| metric | type | unit | of | labels | meaning |
|---|---|---|---|---|---|
";

    fn fresh() -> String {
        let mut page = HEAD.to_owned();
        for metric in ALL {
            let labels: Vec<_> = metric.labels.iter().map(|label| format!("`{label}`")).collect();
            let kind = metric.kind.as_str();
            let (name, unit, of, help) = (metric.name, metric.unit(), metric.scope.as_str(), metric.help);
            page.push_str(&format!(
                "| `{name}` | {kind} | {unit} | {of} | {} | {help} |\n",
                labels.join(", ")
            ));
        }
        page
    }

    /// Run with `UPDATE=1` to write the file again.
    #[test]
    fn page_of_metrics_is_fresh() {
        let fresh = fresh();
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(PATH, &fresh).expect("the page can be written");
        }
        let kept = std::fs::read_to_string(PATH).unwrap_or_default();
        assert!(kept == fresh, "docs/metrics.md is stale: run `UPDATE=1 cargo test --lib page_of_metrics`");
    }

    #[test]
    fn names_follow_the_conventions_of_prometheus() {
        let names: BTreeSet<_> = ALL.iter().map(|metric| metric.name).collect();
        assert_eq!(names.len(), ALL.len(), "a name is used twice");
        for metric in ALL {
            assert!(metric.name.starts_with("dropship_"), "{}", metric.name);
            assert_eq!(metric.kind == Kind::Counter, metric.name.ends_with("_total"), "{}", metric.name);
            assert!(!metric.help.contains('\n') && !metric.help.ends_with('.'), "{}", metric.name);
        }
    }
}
