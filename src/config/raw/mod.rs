//! The configuration as it is written: every key, none of them judged against another.
//!
//! The doc comments here become the descriptions of the JSON schema.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;

use crate::config::model::AfterSuccess;
use crate::config::size::Size;
use dropship_intake::ReadyWhen;
use dropship_rules::pattern::Pattern;

pub(super) mod rule;
pub(super) mod test;
pub(super) mod values;

use values::{At, OneOrMany, Text};

/// A list of texts, or one.
pub(super) type Texts = OneOrMany<String>;
/// A list of globs, or one.
pub(super) type Globs = OneOrMany<Text<Pattern>>;
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
    /// Where jobs are kept.
    pub(super) store: Option<At<Store>>,
    /// The control socket.
    pub(super) control: Option<At<Control>>,
    /// Metrics and health over TCP.
    pub(super) metrics: Option<At<Metrics>>,
    /// Who wants to know what becomes of jobs.
    #[serde(default)]
    pub(super) notify: Vec<At<Notify>>,
    /// Watched drop folders.
    #[serde(default)]
    pub(super) folder: Vec<At<Folder>>,
    /// Whose signature a package must bear.
    pub(super) signers: Option<At<Signers>>,
    /// How grave each check of a package is, by its name.
    pub(super) preflight: Option<At<BTreeMap<String, At<Level>>>>,
    /// What rules share.
    pub(super) defaults: Option<At<Defaults>>,
    /// Which packages get what; the first rule that fits wins.
    #[serde(default)]
    pub(super) rule: Vec<At<rule::Rule>>,
    /// Cases that `dropship test` tries.
    #[serde(default)]
    pub(super) test: Vec<At<test::Case>>,
}

/// What rules share: taken for each key that a rule leaves out.
#[derive(Debug, Default, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct Defaults {
    /// For `[rule.product]`.
    pub(super) product: Option<rule::Product>,
    /// For `[[rule.label]]`.
    pub(super) label: Option<rule::Label>,
}

/// An Entra application that acts in Partner Center. Exactly one kind of credential.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct Account {
    /// Entra tenant, a GUID or domain.
    pub(super) tenant_id: Option<At<String>>,
    /// Application (client) id.
    pub(super) client_id: Option<At<String>>,
    /// File that holds the client secret.
    pub(super) client_secret_file: Option<At<String>>,
    /// Environment variable that holds the client secret.
    pub(super) client_secret_env: Option<At<String>>,
    /// Name of the systemd credential that holds the client secret.
    pub(super) client_secret_credential: Option<At<String>>,
    /// PEM file with the certificate and its private key.
    pub(super) client_certificate_file: Option<At<String>>,
    /// File that holds a federated (workload identity) token.
    pub(super) federated_token_file: Option<At<String>>,
    /// The machine's managed identity.
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
    /// Hosts, besides the endpoint's own, that packages go to and come from. Default: *.blob.core.windows.net
    pub(super) blob_hosts: Option<Globs>,
    /// Jobs worked on at once. Default: 4
    pub(super) workers: Option<At<u64>>,
    /// How long a create without an answer may still be carried out. Default: 10m
    pub(super) uncertain: Option<Delay>,
    /// How failed calls are repeated. Default: from 500ms to 5m
    pub(super) retry: Option<At<Pace>>,
    /// How often to look, by kind of wait.
    pub(super) poll: Option<At<Poll>>,
    /// After so long a wait is told of once; it goes on all the same.
    #[serde(default)]
    pub(super) overdue: Overdue,
    /// Proxy for everything but loopback. Default: the environment's
    pub(super) proxy: Option<At<Text<url::Url>>>,
    /// More trusted roots, PEM.
    pub(super) ca_file: Option<At<String>>,
}

/// How often to look, by kind of wait.
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct Poll {
    /// Waiting for the signature. Default: from 15s to 5m
    pub(super) sign: Option<At<Pace>>,
    /// Waiting for a label to be published. Default: from 1m to 1h
    pub(super) publish: Option<At<Pace>>,
    /// Probing a paused account. Default: from 5s to 5m
    pub(super) account: Option<At<Pace>>,
}

/// When a wait is worth an alert.
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct Overdue {
    /// Waiting for the signature. Default: 14d
    pub(super) sign: Option<Delay>,
    /// Waiting for a label to be published. Default: 60d
    pub(super) publish: Option<Delay>,
}

/// A delay that grows from `first` to `max`.
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct Pace {
    /// First delay.
    pub(super) first: Option<Delay>,
    /// Longest delay. Where it is left to its default, waits for Microsoft may be longer while earlier ones say that no
    /// end is near.
    pub(super) max: Option<Delay>,
}

/// Where jobs are kept.
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct Store {
    /// Folder of the store. Default: `$STATE_DIRECTORY`, else `/var/lib/dropship`
    pub(super) path: Option<At<String>>,
    /// How long ended jobs and their history stay. Default: 90d
    pub(super) keep: Option<Delay>,
    /// Free space that is left alone; intake pauses below it. Default: 256MiB
    pub(super) min_free: Option<At<Text<Size>>>,
    /// So many packages are let in and not begun, and intake waits. Default: 1000
    pub(super) most_waiting: Option<At<u64>>,
}

/// The control socket.
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct Control {
    /// Path of the socket. Default: `$RUNTIME_DIRECTORY/control.sock`, else `/run/dropship/control.sock`
    pub(super) socket: Option<At<String>>,
    /// Groups whose members may change things.
    pub(super) operators: Option<Texts>,
}

/// Metrics and health over TCP; on the control socket they are in any case.
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct Metrics {
    /// Address, such as "127.0.0.1:9464"; whoever reaches it may read. Default: none
    pub(super) listen: Option<At<String>>,
}

/// Who wants to know what becomes of jobs. Either `url` or `command`.
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct Notify {
    /// Unique name.
    pub(super) name: Option<At<String>>,
    /// What of: `succeeded`, `failed`, `cancelled`, `ended` (those three), `held`, `rejected`, `account`. Default: all
    pub(super) on: Option<Texts>,
    /// Where JSON is posted to.
    pub(super) url: Option<At<Text<url::Url>>>,
    /// File that holds the secret that posts are signed with (HMAC-SHA256, as Standard Webhooks says).
    pub(super) secret_file: Option<At<String>>,
    /// Name of the systemd credential that holds that secret.
    pub(super) secret_credential: Option<At<String>>,
    /// Program, as an absolute path, and its arguments; JSON comes on its standard input.
    pub(super) command: Option<Texts>,
    /// One try takes so long at most. Default: 30s
    pub(super) timeout: Option<Delay>,
    /// Tried again for so long. Default: 3d
    pub(super) give_up: Option<Delay>,
}

/// A watched drop folder.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct Folder {
    /// Unique name.
    pub(super) name: Option<At<String>>,
    /// The folder.
    pub(super) path: Option<At<String>>,
    /// File names that are packages. Default: *.cab, *.hlkx and *.hckx
    pub(super) include: Option<Globs>,
    /// File names that are ignored although `include` matches them; `status` counts them. Default: *.sync-conflict-*, *conflicted copy*, * - Copy*
    pub(super) exclude: Option<Globs>,
    /// Look into subfolders. Default: false
    pub(super) recursive: Option<At<bool>>,
    /// How many levels of subfolders, if recursive. Default: all
    pub(super) depth: Option<At<u64>>,
    /// Which folder's packages go first: the higher, the earlier. Default: 0
    pub(super) priority: Option<At<i64>>,
    /// What says that a file is complete: `whole`, `settled`, `marker:.done`, `sidecar:.sha256`. Default: whole
    pub(super) ready: Option<At<Text<ReadyWhen>>>,
    /// Where results go. Default: in the store
    pub(super) outbox: Option<At<String>>,
    /// How long results stay in the outbox. Default: for ever
    pub(super) outbox_keep: Option<Delay>,
    /// Permission bits of result files, such as "0640".
    pub(super) outbox_mode: Option<At<String>>,
    /// What becomes of the file after success: `leave`, `delete`, `move:/a/folder`. Default: leave
    pub(super) after: Option<At<Text<AfterSuccess>>>,
    /// What becomes of files in a folder never seen before. Default: take
    pub(super) backlog: Option<At<Backlog>>,
    /// Unchanged this long before a negative verdict counts; on polled folders (network shares) a minute at least. Default: 2s
    pub(super) settle: Option<Delay>,
    /// A file that is incomplete and has not changed for this long is rejected as truncated. Default: 1h
    pub(super) incomplete: Option<Delay>,
    /// Interval between full scans, which find files that no event reported. Default: 30s
    pub(super) poll: Option<Delay>,
}

/// How grave a finding of a check is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub(super) enum Level {
    /// Not looked for.
    Off,
    /// Shown, never in the way.
    Info,
    /// Shown; the package still goes out.
    Warn,
    /// The package is rejected.
    Error,
}

/// What becomes of files in a folder never seen before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub(super) enum Backlog {
    /// Taken like any other.
    Take,
    /// Held until `approve`.
    Hold,
}

/// Whose signature a package must bear.
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct Signers {
    /// PEM files of roots: the chain must end in one.
    pub(super) roots: Option<Texts>,
    /// Let chains end at a root of this machine, too: `$SSL_CERT_FILE`, else the system's bundle. Default: false
    pub(super) system_roots: Option<At<bool>>,
    /// PEM files of intermediates; an .hlkx carries its leaf certificate alone.
    pub(super) intermediates: Option<Texts>,
    /// If given, one of these leaf certificates: SHA-1 or SHA-256.
    pub(super) thumbprints: Option<Texts>,
    /// PEM files of roots of timestamp authorities.
    pub(super) timestamp_roots: Option<Texts>,
    /// Files of certificate revocation lists.
    pub(super) crls: Option<Texts>,
    /// Let unsigned packages in. Default: false
    pub(super) allow_unsigned: Option<At<bool>>,
}
