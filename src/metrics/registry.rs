//! All metrics: the page, its documentation and the tests of alerts and dashboard use this list.

/// The type of a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MetricKind {
    /// Only increases, until the daemon restarts.
    Counter,
    /// Increases and decreases.
    Gauge,
    /// A count and a sum.
    Summary,
}

impl MetricKind {
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
pub enum MetricScope {
    /// This process, its machine, and the folders that it watches: every node has it.
    Node,
    /// The jobs and calls of all nodes: only the active node has it.
    Fleet,
}

impl MetricScope {
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
    pub kind: MetricKind,
    /// What it is about.
    pub scope: MetricScope,
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
            Metric { name: $name, kind: MetricKind::$kind, scope: MetricScope::$scope, labels: &$labels, help: $help };)*

        /// Every metric, in the order of the page.
        pub const ALL: &[&Metric] = &[$(&$constant),*];
    };
}

metrics! {
    /// The label `version` has the version of the running daemon; the value is always 1.
    BUILD_INFO = "dropship_build_info", Gauge, Node, ["version"], "The label `version` has the version of the running daemon; the value is always 1";
    /// When the daemon started, in seconds since 1970.
    START_TIME = "dropship_start_time_seconds", Gauge, Node, [], "When the daemon started, in seconds since 1970";
    /// 1 if this node processes the jobs in the database, 0 if it stands by; absent without a database.
    NODE_ACTIVE = "dropship_node_active", Gauge, Node, [], "1 if this node processes the jobs in the database, 0 if it stands by; absent without a database";
    /// Time for which this node may send changes without a renewal of its lease; 0 without a lease, absent without a database.
    NODE_LEASE = "dropship_node_lease_seconds", Gauge, Node, [], "Time for which this node may send changes to Microsoft without a renewal of its lease; 0 without a lease, absent without a database";
    /// Number of the last line of the database's journal that the tables of this node contain; absent without a database.
    NODE_LINE = "dropship_node_journal_line", Gauge, Node, [], "Number of the last line of the database's journal that the tables of this node contain; absent without a database";
    /// Time since the tables of this node last contained every line of the database's journal; absent without a database.
    NODE_LAG = "dropship_node_lag_seconds", Gauge, Node, [], "Time since the tables of this node last contained every line of the database's journal, usually at most a second; absent without a database";
    /// 1 if trouble of this kind needs attention; docs/errors.md lists the kinds.
    TROUBLE = "dropship_trouble", Gauge, Node, ["kind"], "1 if trouble of this kind needs attention; docs/errors.md lists the kinds";
    /// Jobs in the store, by state.
    JOBS = "dropship_jobs", Gauge, Fleet, ["state"], "Jobs in the store, by state";
    /// Jobs that workers process now.
    JOBS_RUNNING = "dropship_jobs_running", Gauge, Fleet, [], "Jobs that workers process now";
    /// Age of the oldest job that is queued, running or waiting; 0 without such a job.
    OLDEST_JOB_AGE = "dropship_queue_oldest_job_age_seconds", Gauge, Fleet, [], "Age of the oldest job that is queued, running or waiting; 0 without such a job";
    /// 1 if a folder or everything is paused (`dropship pause`).
    PAUSED = "dropship_paused", Gauge, Fleet, [], "1 if a folder or everything is paused (`dropship pause`)";
    /// 1 if a folder cannot be read or watched completely.
    FOLDER_DEGRADED = "dropship_folder_degraded", Gauge, Node, ["folder"], "1 if a folder cannot be read or watched completely";
    /// Files in a folder that are not complete, have changed within the time `settle`, or are not readable.
    FOLDER_CANDIDATES = "dropship_folder_candidates", Gauge, Node, ["folder"], "Files in a folder that are not complete, have changed within the time `settle`, or are not readable";
    /// 1 if files wait in a folder because dropship accepts no packages from this folder at the moment; `dropship status` shows the reason.
    FOLDER_BACKPRESSURE = "dropship_folder_backpressure", Gauge, Node, ["folder"], "1 if files wait in a folder because dropship accepts no packages from this folder at the moment; `dropship status` shows the reason";
    /// Files of a folder that were assigned to a job: a new job, also a rejected one, or an existing job with the same bytes.
    FOLDER_ACCEPTED = "dropship_folder_accepted_total", Counter, Node, ["folder"], "Files of a folder that were assigned to a job: a new job, also a rejected one, or an existing job with the same bytes";
    /// Files in a folder that `exclude` leaves out.
    FOLDER_IGNORED = "dropship_folder_ignored", Gauge, Node, ["folder"], "Files in a folder that `exclude` leaves out";
    /// File system events of a folder.
    FOLDER_EVENTS = "dropship_folder_events_total", Counter, Node, ["folder"], "File system events of a folder";
    /// Full scans of a folder.
    FOLDER_SCANS = "dropship_folder_scans_total", Counter, Node, ["folder"], "Full scans of a folder";
    /// How often the kernel dropped file system events; each time, a full scan of every watched folder followed.
    WATCH_OVERFLOWS = "dropship_watch_overflows_total", Counter, Node, [], "How often the kernel dropped file system events; each time, a full scan of every watched folder followed";
    /// 1 if the results of a folder can be written to its outbox.
    OUTBOX_WRITABLE = "dropship_outbox_writable", Gauge, Node, ["folder"], "1 if the results of a folder can be written to its outbox";
    /// 1 if an account is suspended because Microsoft refuses its credentials or roles.
    ACCOUNT_PAUSED = "dropship_account_paused", Gauge, Fleet, ["account"], "1 if an account is suspended because Microsoft refuses its credentials or roles";
    /// 1 if Microsoft's service answers the calls of an account.
    SERVICE_UP = "dropship_service_up", Gauge, Fleet, ["account"], "1 if Microsoft's service answers the calls of an account";
    /// How far the clock of this machine is ahead of the clock of Microsoft's service, negative if it is behind; absent before the first response.
    CLOCK_SKEW = "dropship_clock_skew_seconds", Gauge, Fleet, [], "How far the clock of this machine is ahead of the clock of Microsoft's service, negative if it is behind; absent before the first response";
    /// When the secret or certificate of an account expires, in seconds since 1970; absent if the day is not known.
    SECRET_EXPIRY = "dropship_secret_expiry_timestamp_seconds", Gauge, Fleet, ["account"], "When the secret or certificate of an account expires, in seconds since 1970; absent if the day is not known";
    /// Free space on the disk of the store.
    STORE_FREE = "dropship_store_free_bytes", Gauge, Node, [], "Free space on the disk of the store";
    /// Time since the last heartbeat of a component.
    HEARTBEAT_AGE = "dropship_heartbeat_age_seconds", Gauge, Node, ["part"], "Time since the last heartbeat of a component";
    /// Delivery attempts of notifications, by target and outcome (`delivered`, `failed`, `given_up`); absent without targets.
    NOTIFICATIONS = "dropship_notifications_total", Counter, Fleet, ["target", "outcome"], "Delivery attempts of notifications, by target and outcome (`delivered`, `failed`, `given_up`); absent without targets";
    /// Notifications that are not delivered yet, by target; absent without targets.
    NOTIFICATIONS_PENDING = "dropship_notifications_pending", Gauge, Fleet, ["target"], "Notifications that are not delivered yet, by target; absent without targets";
    /// Recorded transitions of jobs, by the state after the transition; a transition can leave the state unchanged.
    JOB_TRANSITIONS = "dropship_job_transitions_total", Counter, Fleet, ["to"], "Recorded transitions of jobs, by the state after the transition; a transition can leave the state unchanged";
    /// Ended jobs, by rule and state; `rule` is empty if no rule was applied to the package.
    JOBS_ENDED = "dropship_jobs_ended_total", Counter, Fleet, ["rule", "state"], "Ended jobs, by rule and state; `rule` is empty if no rule was applied to the package";
    /// Uploaded bytes of packages.
    UPLOAD_BYTES = "dropship_upload_bytes_total", Counter, Fleet, [], "Uploaded bytes of packages";
    /// Files of a folder that were lost before they were accepted; `how` is `vanished` (removed or renamed) or `overwritten`.
    FILES_LOST = "dropship_files_lost_total", Counter, Node, ["folder", "how"], "Files of a folder that were lost before they were accepted; `how` is `vanished` (removed or renamed) or `overwritten`";
    /// Further dropped or submitted files that have the bytes of an existing job's package.
    SAME_BYTES = "dropship_duplicate_files_total", Counter, Fleet, [], "Further dropped or submitted files that have the bytes of an existing job's package";
    /// Calls of the Hardware dashboard API, by operation and HTTP status; `code` is `none` if there was no response.
    API_REQUESTS = "dropship_api_requests_total", Counter, Fleet, ["operation", "code"], "Calls of the Hardware dashboard API, by operation and HTTP status; `code` is `none` if there was no response";
    /// Number and total duration of API calls, by operation; no quantiles.
    API_REQUEST_DURATION = "dropship_api_request_duration_seconds", Summary, Fleet, ["operation"], "Number and total duration of API calls, by operation; no quantiles";
    /// Number of configurations that have been active since the start of the daemon.
    CONFIG_GENERATION = "dropship_config_generation", Gauge, Node, [], "Number of configurations that have been active since the start of the daemon";
    /// 0 after a refused reload of the configuration, until a reload is applied or the configuration on disk is the active one
    /// again; otherwise 1, also before the first reload.
    CONFIG_RELOAD_SUCCESSFUL = "dropship_config_last_reload_successful", Gauge, Node, [], "0 after a refused reload of the configuration, until a reload is applied or the configuration on disk is the active one again; otherwise 1, also before the first reload";
    /// Time of the last reload, in seconds since 1970; before the first reload, the time of the start.
    CONFIG_RELOAD_TIME = "dropship_config_last_reload_timestamp_seconds", Gauge, Node, [], "Time of the last reload, in seconds since 1970; before the first reload, the time of the start";
    /// When the active configuration was read, in seconds since 1970.
    CONFIG_RELOAD_SUCCESS_TIME = "dropship_config_last_reload_success_timestamp_seconds", Gauge, Node, [], "When the active configuration was read, in seconds since 1970";
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/metrics.md");

    const HEAD: &str = "\
# Metrics

The daemon serves `/metrics` on the control socket and, with `[metrics] listen`, also over TCP. Only root and members of the group
`dropship` can open the control socket. The format is Prometheus' text format, version 0.0.4.

```sh run
curl --unix-socket /run/dropship/control.sock http://localhost/metrics
```

Counters start at zero when the daemon starts. They have samples from the start, so `rate()` includes the first event. The label `code` is an
exception: the sample of an HTTP status appears with the first response that has this status. Label values come from the configuration and from
fixed lists; file names and ids are never label values. A metric whose meaning begins with `1 if` is 0 otherwise. `config/monitoring/` has alert
rules for Prometheus and a dashboard for Grafana.

Where several nodes share their jobs in a database, scrape all nodes. The column *of* says what a metric is about. `node`: one daemon, its machine
and the folders that it watches; every node has these metrics, except that a node that watches no folder has no metrics of folders. `fleet`: the jobs and the
calls of all nodes; only the active node (`dropship_node_active` is 1) has these metrics, so a sum over all nodes counts each job and each call
once. When another node becomes active, the `fleet` counters of that node start at zero. Therefore add up the increases, as in
`sum(increase(dropship_jobs_ended_total[1d]))`. A daemon without a database has the metrics of both kinds, except those whose meaning says
*absent without a database*. The *tables* of a node are files into which the node reads the database's journal, and from which it answers
queries: see [fleet.md](fleet.md).

<!-- Generated from src/metrics/registry.rs: run `UPDATE=1 cargo test --lib page_of_metrics`. -->

| metric | type | unit | of | labels | meaning |
|---|---|---|---|---|---|
";

    fn generated() -> String {
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
        let generated = generated();
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(PATH, &generated).expect("the page can be written");
        }
        let kept = std::fs::read_to_string(PATH).unwrap_or_default();
        assert!(
            kept == generated,
            "docs/metrics.md is stale: run `UPDATE=1 cargo test --lib page_of_metrics`"
        );
    }

    #[test]
    fn names_follow_the_conventions_of_prometheus() {
        let names: BTreeSet<_> = ALL.iter().map(|metric| metric.name).collect();
        assert_eq!(names.len(), ALL.len(), "a name is used twice");
        for metric in ALL {
            assert!(metric.name.starts_with("dropship_"), "{}", metric.name);
            assert_eq!(
                metric.kind == MetricKind::Counter,
                metric.name.ends_with("_total"),
                "{}",
                metric.name
            );
            assert!(!metric.help.contains('\n') && !metric.help.ends_with('.'), "{}", metric.name);
        }
    }
}
