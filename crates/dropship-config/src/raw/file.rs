//! The keys of a file outside of its rules and tests.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::model::AfterSuccess;
use crate::size::Size;
use dropship_intake::ReadyWhen;

use super::values::{At, Delay, Globs, Text, Texts};
use super::{rule, test};

/// Configuration of dropship.
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct File {
    /// More files with folders, rules and tests: globs, relative to this file.
    pub(crate) include: Option<At<Texts>>,
    /// The Entra application that calls Microsoft. Set exactly one credential: a client secret, a certificate, a federated token or the
    /// managed identity.
    pub(crate) account: Option<At<Account>>,
    /// Several accounts by name; a rule names its account with `account`.
    pub(crate) accounts: Option<At<BTreeMap<String, At<Account>>>>,
    /// The Hardware dashboard API.
    pub(crate) api: Option<At<Api>>,
    /// The store of jobs.
    pub(crate) store: Option<At<Store>>,
    /// The control socket.
    pub(crate) control: Option<At<Control>>,
    /// Metrics and health over TCP.
    pub(crate) metrics: Option<At<Metrics>>,
    /// Read-only web pages without sign-on: put a proxy with TLS and sign-on before them.
    pub(crate) web: Option<At<Web>>,
    /// Notifications about jobs and accounts. Set either `url` or `command`.
    #[serde(default)]
    pub(crate) notify: Vec<At<Notify>>,
    /// Limits that no rule can exceed. `check` and `plan` apply these limits, and the daemon does before it requests a label.
    pub(crate) guard: Option<At<Guard>>,
    /// Watched drop folders.
    #[serde(default)]
    pub(crate) folder: Vec<At<Folder>>,
    /// Signers that are trusted. The daemon needs at least one of `roots`, `system_roots` and `thumbprints`.
    pub(crate) signers: Option<At<Signers>>,
    /// Levels of the checks of packages, each written as the name of the check and its level, such as `cert-not-ev = "error"`.
    pub(crate) preflight: Option<At<BTreeMap<String, At<Level>>>>,
    /// Defaults for all rules.
    pub(crate) defaults: Option<At<Defaults>>,
    /// Rules. Each rule says which packages it matches, and which product, submission and labels dropship creates for these packages. The
    /// first rule that matches wins.
    #[serde(default)]
    pub(crate) rule: Vec<At<rule::Rule>>,
    /// Test cases of `dropship test`.
    #[serde(default)]
    pub(crate) test: Vec<At<test::Case>>,
}

/// Defaults for all rules: used for each key that a rule does not set.
#[derive(Debug, Default, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct Defaults {
    /// Defaults for `[rule.product]`.
    pub(crate) product: Option<rule::Product>,
    /// Defaults for `[[rule.label]]`.
    pub(crate) label: Option<rule::Label>,
}

/// An Entra application with access to Partner Center. Exactly one kind of credential is set.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct Account {
    /// Entra tenant, a GUID or domain.
    pub(crate) tenant_id: Option<At<String>>,
    /// Application (client) id.
    pub(crate) client_id: Option<At<String>>,
    /// File that contains the client secret.
    pub(crate) client_secret_file: Option<At<String>>,
    /// Name of the environment variable that contains the client secret.
    pub(crate) client_secret_env: Option<At<String>>,
    /// Name of the systemd credential that contains the client secret.
    pub(crate) client_secret_credential: Option<At<String>>,
    /// Day on which the client secret expires, such as "2026-12-31". `check` and the daemon warn from 30 days before
    /// this day.
    pub(crate) secret_expires: Option<At<String>>,
    /// PEM file with the certificate and its private key.
    pub(crate) client_certificate_file: Option<At<String>>,
    /// File that contains a federated (workload identity) token.
    pub(crate) federated_token_file: Option<At<String>>,
    /// Use the managed identity of the machine instead of a secret.
    pub(crate) managed_identity: Option<At<bool>>,
}

/// The Hardware dashboard API.
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct Api {
    /// Base URL of the API. Default: `https://manage.devcenter.microsoft.com`
    pub(crate) endpoint: Option<At<Text<url::Url>>>,
    /// Base URL of the token service. Default: `https://login.microsoftonline.com`
    pub(crate) authority: Option<At<Text<url::Url>>>,
    /// Hosts to which packages may be uploaded and from which results may be downloaded, besides the host of `endpoint`. Default:
    /// *.blob.core.windows.net
    pub(crate) blob_hosts: Option<Globs>,
    /// Maximum number of jobs that are processed at the same time. Default: 4
    pub(crate) workers: Option<At<u64>>,
    /// How long a request to create an object can still take effect after its response was lost. Default: 10m
    pub(crate) uncertain: Option<Delay>,
    /// Interval at which each published label is compared with what the service shows; "0s" turns this off. Default: 7d
    pub(crate) audit: Option<Delay>,
    /// Delay before a failed call is repeated. Default: from 500ms to 5m
    pub(crate) retry: Option<At<Interval>>,
    /// Poll intervals, by kind of wait.
    pub(crate) poll: Option<At<Poll>>,
    /// Durations of a wait after which an alert is logged once. The job keeps waiting.
    #[serde(default)]
    pub(crate) overdue: Overdue,
    /// URL of the proxy for connections to Microsoft, except loopback addresses; webhooks do not use it. Default: the proxy that the
    /// environment names
    pub(crate) proxy: Option<At<Text<url::Url>>>,
    /// PEM file with roots that TLS connections to Microsoft trust besides the system's roots.
    pub(crate) ca_file: Option<At<String>>,
}

/// Poll intervals, by kind of wait.
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct Poll {
    /// Interval between polls for the signature. Default: from 15s to 5m
    pub(crate) sign: Option<At<Interval>>,
    /// Interval between polls for the publication of a label. Default: from 1m to 1h
    pub(crate) publish: Option<At<Interval>>,
    /// Interval between probes of a suspended account. Default: from 5s to 5m
    pub(crate) account: Option<At<Interval>>,
}

/// Maximum duration of each kind of wait before an alert.
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct Overdue {
    /// Maximum wait for the signature. Default: 14d
    pub(crate) sign: Option<Delay>,
    /// Maximum wait for the publication of a label. Default: 60d
    pub(crate) publish: Option<Delay>,
}

/// An interval that grows from `first` to `max`.
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct Interval {
    /// First interval.
    pub(crate) first: Option<Delay>,
    /// Longest interval.
    pub(crate) max: Option<Delay>,
}

/// The store of jobs.
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct Store {
    /// Folder of the store; with `url`, the folder for the files of this node. Default: `$STATE_DIRECTORY`, else `/var/lib/dropship`
    pub(crate) path: Option<At<String>>,
    /// Address of a PostgreSQL database that holds the jobs in place of the folder, such as
    /// `postgres://dropship@db.corp/dropship`. TLS is required except for loopback addresses and Unix sockets. Default: none
    pub(crate) url: Option<At<String>>,
    /// File that contains the password of the database.
    pub(crate) password_file: Option<At<String>>,
    /// Name of the systemd credential that contains the password of the database.
    pub(crate) password_credential: Option<At<String>>,
    /// PEM file with more trusted roots for the certificates of the database and of the object storage. Default: the system's roots only
    pub(crate) ca_file: Option<At<String>>,
    /// Place for the captured packages, which all nodes have to reach: a folder that they mount, `s3://BUCKET/PREFIX` or
    /// `az://CONTAINER/PREFIX`. Only with `url`. Default: in the folder `path`
    pub(crate) packages: Option<At<String>>,
    /// File with credentials for `packages` on object storage, in lines such as `AWS_REGION=eu-central-1`. Default: the environment
    pub(crate) packages_credentials_file: Option<At<String>>,
    /// Name of this machine among those that use the database. Default: host name
    pub(crate) node: Option<At<String>>,
    /// How long jobs that have ended are kept, with their history. Default: 90d
    pub(crate) keep: Option<Delay>,
    /// No package is accepted while at most this much space is free on the disk of the store. Default: 256MiB
    pub(crate) min_free: Option<At<Text<Size>>>,
    /// Maximum size of a package; a larger file is rejected before it is copied. Default: 8GiB
    pub(crate) max_package: Option<At<Text<Size>>>,
    /// Maximum number of accepted packages that are not started at Microsoft; further packages wait in their folders. Default: 1000
    pub(crate) most_waiting: Option<At<u64>>,
}

/// The control socket.
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct Control {
    /// Path of the socket. Default: `$RUNTIME_DIRECTORY/control.sock`, else `/run/dropship/control.sock`
    pub(crate) socket: Option<At<String>>,
    /// Groups whose members may change jobs, labels and the configuration in force. Root and the daemon's user always may.
    pub(crate) operators: Option<Texts>,
}

/// Metrics and health over TCP. The control socket always serves them.
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct Metrics {
    /// Address, such as "127.0.0.1:9464". Every client that reaches the address can read the metrics. Default:
    /// none
    pub(crate) listen: Option<At<String>>,
}

/// Read-only pages for people. They have no sign-on: put a proxy with TLS and sign-on before them.
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct Web {
    /// Address, such as "127.0.0.1:9465". Every client that reaches the address can read the pages. Default: none
    pub(crate) listen: Option<At<String>>,
    /// Host names and addresses, without port, under which the pages are served besides the listen address and `localhost`. Default: none
    pub(crate) allowed_hosts: Option<Texts>,
    /// Header in which the proxy names the user, such as "X-Forwarded-User". The name is only written to the log.
    /// Default: none
    pub(crate) trusted_header: Option<At<String>>,
}

/// A receiver of notifications about jobs. Either `url` or `command` is set.
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct Notify {
    /// Unique name.
    pub(crate) name: Option<At<String>>,
    /// Events to notify of: `succeeded`, `failed`, `cancelled`, `ended` (any of these three), `held`, `rejected`, `account` (an
    /// account was suspended), `label` (a label that had to be withdrawn was published, or a published label was changed, but not by
    /// dropship). Default: all
    pub(crate) on: Option<Texts>,
    /// URL to which JSON is posted.
    pub(crate) url: Option<At<Text<url::Url>>>,
    /// File that contains the secret with which the requests to `url` are signed (HMAC-SHA256, as in Standard Webhooks).
    pub(crate) secret_file: Option<At<String>>,
    /// Name of the systemd credential that contains this secret.
    pub(crate) secret_credential: Option<At<String>>,
    /// Absolute path of a program, and its arguments. It reads JSON from standard input.
    pub(crate) command: Option<Texts>,
    /// Maximum duration of one attempt. Default: 30s
    pub(crate) timeout: Option<Delay>,
    /// How long dropship tries to deliver a notification. Default: 3d
    pub(crate) give_up: Option<Delay>,
}

/// Limits that no rule can exceed. They are checked by `check`, by `plan`, and before a label is sent.
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct Guard {
    /// A Windows Update label without audiences. Default: allow
    pub(crate) everybody: Option<At<Everybody>>,
    /// Globs; a label with a target that matches none of them is refused. Default: all targets are allowed
    pub(crate) hardware_ids: Option<Globs>,
    /// Labels with more targets are held. Default: no limit
    pub(crate) max_targets: Option<At<u64>>,
    /// A label with targets that the plan of the package did not foresee. Default: allow
    pub(crate) unforeseen: Option<At<Unforeseen>>,
}

/// How a Windows Update label without audiences is handled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub(crate) enum Everybody {
    /// The label is created.
    Allow,
    /// The label is requested only after `approve`; until then, the job is held.
    Hold,
    /// The label is never created.
    Refuse,
}

/// How a label with targets that the plan of the package did not foresee is handled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub(crate) enum Unforeseen {
    /// The label is created.
    Allow,
    /// The label is requested only after `approve`; until then, the job is held.
    Hold,
}

/// A watched drop folder.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct Folder {
    /// Unique name.
    pub(crate) name: Option<At<String>>,
    /// Path of the folder.
    pub(crate) path: Option<At<String>>,
    /// File names that are packages. Default: *.cab, *.hlkx and *.hckx
    pub(crate) include: Option<Globs>,
    /// File names that are ignored although `include` matches them; `status` counts them. Default: *.sync-conflict-*, *conflicted copy*, * - Copy*
    pub(crate) exclude: Option<Globs>,
    /// Also watch the subfolders. Default: false
    pub(crate) recursive: Option<At<bool>>,
    /// Maximum depth of the subfolders, with `recursive`; 0 means no subfolders, and a value above 32 counts as 32. Default: 32
    pub(crate) depth: Option<At<u64>>,
    /// Priority of the folder's packages; higher goes first. Default: 0
    pub(crate) priority: Option<At<i64>>,
    /// Sign that a file is complete: `whole` (its header says so), `settled` (it is unchanged for the time `settle`), `marker:.SUFFIX` (a
    /// file with this suffix is beside it), `sidecar:.sha256` (the same, with the digest of the file) or `sidecar:.toml` (the same, with
    /// variables for the rule). Default: whole
    pub(crate) ready: Option<At<Text<ReadyWhen>>>,
    /// Name of the node that has the folder and its outbox on its own disk, if the jobs are in a database. Default: every node reaches the folder
    pub(crate) node: Option<At<String>>,
    /// Folder for results. Default: in the store
    pub(crate) outbox: Option<At<String>>,
    /// How long results are kept in the outbox. Default: forever
    pub(crate) outbox_keep: Option<Delay>,
    /// Permission bits of result files. Default: 0640
    pub(crate) outbox_mode: Option<At<String>>,
    /// Action on the dropped file after its job has succeeded: `leave`, `delete`, `move:/a/folder`. Default: leave
    pub(crate) after: Option<At<Text<AfterSuccess>>>,
    /// Files that are found at the first scan of a new folder. Default: take
    pub(crate) backlog: Option<At<Backlog>>,
    /// Packages with the same signed content as the package of another job of the folder, but with other bytes. Default: hold
    pub(crate) same_content: Option<At<SameContent>>,
    /// How long a file that fails the inspection has to be unchanged before dropship rejects it. In polled folders (network shares), this
    /// applies to every file that dropship rejects, and the time is at least a minute. With
    /// `ready = "settled"`, no file is accepted before this time. Default: 2s
    pub(crate) settle: Option<Delay>,
    /// A file that is incomplete and has not changed for this long is rejected as truncated. Default: 1h
    pub(crate) incomplete: Option<Delay>,
    /// Interval between full scans, which find files that no event reported. Default: 30s
    pub(crate) poll: Option<Delay>,
}

/// Level of a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub(crate) enum Level {
    /// The check is not made.
    Off,
    /// The finding is shown, and does not stop the package.
    Info,
    /// The finding is shown and logged, and does not stop the package.
    Warn,
    /// The package is rejected.
    Error,
}

/// Files that are found at the first scan of a new folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub(crate) enum Backlog {
    /// Accepted like any other file.
    Take,
    /// Their jobs are held until an operator runs `approve`.
    Hold,
}

/// Packages with the signed content of another job of the folder, under other bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub(crate) enum SameContent {
    /// Accepted like any other package.
    Take,
    /// Their jobs are held until an operator runs `approve`.
    Hold,
}

/// Signers that are trusted.
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct Signers {
    /// PEM files with root certificates; the chain of a signer must end at one of them.
    pub(crate) roots: Option<Texts>,
    /// Also trust the roots of this machine: `$SSL_CERT_FILE`, else the system's bundle. Default: false
    pub(crate) system_roots: Option<At<bool>>,
    /// PEM files with intermediate certificates, for packages that contain only the certificate of the signer, such as an .hlkx.
    pub(crate) intermediates: Option<Texts>,
    /// SHA-1 or SHA-256 digests of signing certificates; if set, only these signers are accepted.
    pub(crate) thumbprints: Option<Texts>,
    /// PEM files with root certificates of timestamp authorities, besides `roots`.
    pub(crate) timestamp_roots: Option<Texts>,
    /// Files with certificate revocation lists (CRLs).
    pub(crate) crls: Option<Texts>,
    /// Accept unsigned packages, with a warning. Default: false
    pub(crate) allow_unsigned: Option<At<bool>>,
}
