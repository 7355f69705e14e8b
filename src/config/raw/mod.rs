//! The configuration as written: the type of every key. Relations between keys are checked in `validate`.
//!
//! The doc comments become the descriptions of the JSON schema and of the man page.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;

use crate::config::model::AfterSuccess;
use crate::config::size::Size;
use dropship_glob::Glob;
use dropship_intake::ReadyWhen;

pub(super) mod rule;
pub(super) mod test;
pub(super) mod values;

use values::{At, OneOrMany, Text};

/// A list of texts, or one.
pub(super) type Texts = OneOrMany<String>;
/// A list of globs, or one.
pub(super) type Globs = OneOrMany<Text<Glob>>;
/// A duration.
pub(super) type Delay = At<Text<Duration>>;

/// Configuration of dropship.
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    /// More files with folders, rules and tests: globs, relative to this file.
    pub(super) include: Option<At<Texts>>,
    /// The account at Microsoft.
    pub(super) account: Option<At<Account>>,
    /// Several accounts by name; a rule names its own with `account`.
    pub(super) accounts: Option<At<BTreeMap<String, At<Account>>>>,
    /// The Hardware dashboard API.
    pub(super) api: Option<At<Api>>,
    /// The store of jobs.
    pub(super) store: Option<At<Store>>,
    /// The control socket.
    pub(super) control: Option<At<Control>>,
    /// Metrics and health over TCP.
    pub(super) metrics: Option<At<Metrics>>,
    /// Notifications about jobs.
    #[serde(default)]
    pub(super) notify: Vec<At<Notify>>,
    /// Limits that no rule can exceed. They are checked by `check`, by `plan`, and before a label is sent.
    pub(super) guard: Option<At<Guard>>,
    /// Watched drop folders.
    #[serde(default)]
    pub(super) folder: Vec<At<Folder>>,
    /// Signers that are trusted.
    pub(super) signers: Option<At<Signers>>,
    /// Level of each check of a package, by name of the check.
    pub(super) preflight: Option<At<BTreeMap<String, At<Level>>>>,
    /// Defaults for all rules.
    pub(super) defaults: Option<At<Defaults>>,
    /// Rules: which packages they match, and the product, submission and labels of those. The first match wins.
    #[serde(default)]
    pub(super) rule: Vec<At<rule::Rule>>,
    /// Test cases of `dropship test`.
    #[serde(default)]
    pub(super) test: Vec<At<test::Case>>,
}

/// Defaults for all rules: used for each key that a rule does not set.
#[derive(Debug, Default, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct Defaults {
    /// Defaults for `[rule.product]`.
    pub(super) product: Option<rule::Product>,
    /// Defaults for `[[rule.label]]`.
    pub(super) label: Option<rule::Label>,
}

/// An Entra application with access to Partner Center. Exactly one kind of credential is set.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct Account {
    /// Entra tenant, a GUID or domain.
    pub(super) tenant_id: Option<At<String>>,
    /// Application (client) id.
    pub(super) client_id: Option<At<String>>,
    /// File that contains the client secret.
    pub(super) client_secret_file: Option<At<String>>,
    /// Environment variable that contains the client secret.
    pub(super) client_secret_env: Option<At<String>>,
    /// Name of the systemd credential that contains the client secret.
    pub(super) client_secret_credential: Option<At<String>>,
    /// PEM file with the certificate and its private key.
    pub(super) client_certificate_file: Option<At<String>>,
    /// File that contains a federated (workload identity) token.
    pub(super) federated_token_file: Option<At<String>>,
    /// Use the machine's managed identity.
    pub(super) managed_identity: Option<At<bool>>,
}

/// The Hardware dashboard API.
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct Api {
    /// Base URL of the API. Default: `https://manage.devcenter.microsoft.com`
    pub(super) endpoint: Option<At<Text<url::Url>>>,
    /// Base URL of the token service. Default: `https://login.microsoftonline.com`
    pub(super) authority: Option<At<Text<url::Url>>>,
    /// Hosts that packages may be uploaded to and downloaded from, in addition to the endpoint's origin. Default: *.blob.core.windows.net
    pub(super) blob_hosts: Option<Globs>,
    /// Jobs processed concurrently. Default: 4
    pub(super) workers: Option<At<u64>>,
    /// How long a create without a response may still take effect. Default: 10m
    pub(super) uncertain: Option<Delay>,
    /// Backoff of failed calls. Default: from 500ms to 5m
    pub(super) retry: Option<At<Interval>>,
    /// Poll intervals, by kind of wait.
    pub(super) poll: Option<At<Poll>>,
    /// Maximum duration of a wait before an alert is logged once. The job keeps waiting.
    #[serde(default)]
    pub(super) overdue: Overdue,
    /// Proxy for all connections except loopback. Default: from the environment
    pub(super) proxy: Option<At<Text<url::Url>>>,
    /// Additional trusted roots for TLS, PEM.
    pub(super) ca_file: Option<At<String>>,
}

/// Poll intervals, by kind of wait.
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct Poll {
    /// Interval between polls for the signature. Default: from 15s to 5m
    pub(super) sign: Option<At<Interval>>,
    /// Interval between polls for the publication of a label. Default: from 1m to 1h
    pub(super) publish: Option<At<Interval>>,
    /// Interval between probes of a suspended account. Default: from 5s to 5m
    pub(super) account: Option<At<Interval>>,
}

/// Maximum duration of each kind of wait before an alert.
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct Overdue {
    /// Maximum wait for the signature. Default: 14d
    pub(super) sign: Option<Delay>,
    /// Maximum wait for the publication of a label. Default: 60d
    pub(super) publish: Option<Delay>,
}

/// An interval that grows from `first` to `max`.
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct Interval {
    /// First interval.
    pub(super) first: Option<Delay>,
    /// Longest interval.
    pub(super) max: Option<Delay>,
}

/// The store of jobs.
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct Store {
    /// Folder of the store. Default: `$STATE_DIRECTORY`, else `/var/lib/dropship`
    pub(super) path: Option<At<String>>,
    /// How long jobs that have ended are kept, with their history. Default: 90d
    pub(super) keep: Option<Delay>,
    /// Free space below which no package is accepted. Default: 256MiB
    pub(super) min_free: Option<At<Text<Size>>>,
    /// Maximum number of accepted packages whose job has not started; further packages wait in their folders. Default: 1000
    pub(super) most_waiting: Option<At<u64>>,
}

/// The control socket.
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct Control {
    /// Path of the socket. Default: `$RUNTIME_DIRECTORY/control.sock`, else `/run/dropship/control.sock`
    pub(super) socket: Option<At<String>>,
    /// Groups whose members may change jobs, labels and the configuration in force.
    pub(super) operators: Option<Texts>,
}

/// Metrics and health over TCP. The control socket always serves them.
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct Metrics {
    /// Address, such as "127.0.0.1:9464". Every client that can reach it can read. Default: none
    pub(super) listen: Option<At<String>>,
}

/// A receiver of notifications about jobs. Either `url` or `command` is set.
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct Notify {
    /// Unique name.
    pub(super) name: Option<At<String>>,
    /// Events to notify of: `succeeded`, `failed`, `cancelled`, `ended` (these three), `held`, `rejected`, `account`,
    /// `label` (one that had to be withdrawn was published). Default: all
    pub(super) on: Option<Texts>,
    /// URL to post JSON to.
    pub(super) url: Option<At<Text<url::Url>>>,
    /// File that contains the secret for signing posts (HMAC-SHA256, as in Standard Webhooks).
    pub(super) secret_file: Option<At<String>>,
    /// Name of the systemd credential that contains the secret.
    pub(super) secret_credential: Option<At<String>>,
    /// Absolute path of a program, and its arguments. It reads JSON from standard input.
    pub(super) command: Option<Texts>,
    /// Maximum duration of one attempt. Default: 30s
    pub(super) timeout: Option<Delay>,
    /// How long a failed notification is retried. Default: 3d
    pub(super) give_up: Option<Delay>,
}

/// Limits that no rule can exceed. They are checked by `check`, by `plan`, and before a label is sent.
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct Guard {
    /// A Windows Update label without audiences. Default: allow
    pub(super) everybody: Option<At<Everybody>>,
    /// Targets outside of these globs are refused. Default: all are allowed
    pub(super) hardware_ids: Option<Globs>,
    /// Labels with more targets are held. Default: no limit
    pub(super) max_targets: Option<At<u64>>,
    /// Targets that the plan of the package did not foresee. Default: allow
    pub(super) unforeseen: Option<At<Unforeseen>>,
}

/// What becomes of a Windows Update label without audiences.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub(super) enum Everybody {
    /// It is created.
    Allow,
    /// The job is held before it until `approve`.
    Hold,
    /// It is never created.
    Refuse,
}

/// What becomes of a label with targets that the plan of the package did not foresee.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub(super) enum Unforeseen {
    /// It is created.
    Allow,
    /// The job is held before it until `approve`.
    Hold,
}

/// A watched drop folder.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct Folder {
    /// Unique name.
    pub(super) name: Option<At<String>>,
    /// Path of the folder.
    pub(super) path: Option<At<String>>,
    /// File names that are packages. Default: *.cab, *.hlkx and *.hckx
    pub(super) include: Option<Globs>,
    /// File names that are ignored although `include` matches them; `status` counts them. Default: *.sync-conflict-*, *conflicted copy*, * - Copy*
    pub(super) exclude: Option<Globs>,
    /// Watch subfolders too. Default: false
    pub(super) recursive: Option<At<bool>>,
    /// Maximum depth of subfolders, if recursive. Default: all
    pub(super) depth: Option<At<u64>>,
    /// Priority of the folder's packages; higher goes first. Default: 0
    pub(super) priority: Option<At<i64>>,
    /// Sign that a file is complete: `whole`, `settled`, `marker:.SUFFIX`, `sidecar:.sha256` or `sidecar:.toml`. Default: whole
    pub(super) ready: Option<At<Text<ReadyWhen>>>,
    /// Folder for results. Default: in the store
    pub(super) outbox: Option<At<String>>,
    /// How long results are kept in the outbox. Default: forever
    pub(super) outbox_keep: Option<Delay>,
    /// Permission bits of result files, such as "0640".
    pub(super) outbox_mode: Option<At<String>>,
    /// Action on the dropped file after its job has succeeded: `leave`, `delete`, `move:/a/folder`. Default: leave
    pub(super) after: Option<At<Text<AfterSuccess>>>,
    /// Files that are found at the first scan of a new folder. Default: take
    pub(super) backlog: Option<At<Backlog>>,
    /// A negative verdict counts only after this long without change; on polled folders (network shares) at least a minute. Default: 2s
    pub(super) settle: Option<Delay>,
    /// A file that is incomplete and has not changed for this long is rejected as truncated. Default: 1h
    pub(super) incomplete: Option<Delay>,
    /// Interval between full scans, which find files that no event reported. Default: 30s
    pub(super) poll: Option<Delay>,
}

/// Level of a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub(super) enum Level {
    /// The check is not made.
    Off,
    /// Information.
    Info,
    /// A warning; the package is accepted.
    Warn,
    /// The package is rejected.
    Error,
}

/// Files that are found at the first scan of a new folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub(super) enum Backlog {
    /// Accepted like any other file.
    Take,
    /// Their jobs are held until `approve`.
    Hold,
}

/// Signers that are trusted.
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct Signers {
    /// PEM files of roots; the chain must end in one of them.
    pub(super) roots: Option<Texts>,
    /// Also trust the roots of this machine: `$SSL_CERT_FILE`, else the system's bundle. Default: false
    pub(super) system_roots: Option<At<bool>>,
    /// PEM files of intermediates; an .hlkx contains only its leaf certificate.
    pub(super) intermediates: Option<Texts>,
    /// SHA-1 or SHA-256 digests of leaf certificates; if set, only these are accepted.
    pub(super) thumbprints: Option<Texts>,
    /// PEM files of roots of timestamp authorities.
    pub(super) timestamp_roots: Option<Texts>,
    /// Files of certificate revocation lists.
    pub(super) crls: Option<Texts>,
    /// Accept unsigned packages, with a warning. Default: false
    pub(super) allow_unsigned: Option<At<bool>>,
}
