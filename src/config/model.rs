//! The validated configuration: what the rest of the daemon reads.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use dropship_intake::ReadyWhen;
use dropship_package::Level;
use dropship_rules::Rule;
use dropship_rules::rule_tests::RuleTest;

mod notify;

pub use notify::{Notify, Occasion, SecretAt, Via};

/// A whole configuration that passed every check.
#[derive(Debug, Clone)]
pub struct Config {
    /// The file that it began with.
    pub path: PathBuf,
    /// Accounts by name; `[account]` is `default`.
    pub accounts: BTreeMap<String, Account>,
    /// `[api]` and `[api.poll]`.
    pub api: Api,
    /// `[store]`.
    pub store: Store,
    /// `[control]`.
    pub control: Control,
    /// `[metrics] listen`: metrics and health over TCP.
    pub metrics: Option<std::net::SocketAddr>,
    /// `[[notify]]`, in file order.
    pub notify: Vec<Notify>,
    /// `[[folder]]`, in file order.
    pub folders: Vec<Folder>,
    /// `[signers]`.
    pub signers: Signers,
    /// `[preflight]`: level by name of the check.
    pub preflight: BTreeMap<String, Level>,
    /// `[[rule]]`, in file order; the first match wins.
    pub rules: Vec<Rule>,
    /// `[[test]]`, in file order.
    pub tests: Vec<RuleTest>,
    /// What is doubtful but not wrong.
    pub warnings: super::Report,
    /// Every file that was read, in the order of reading.
    pub files: Vec<PathBuf>,
}

/// How one Entra application proves who it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Entra tenant, a GUID or domain; empty only for a managed identity.
    pub tenant_id: String,
    /// Application (client) id.
    pub client_id: String,
    /// Where the credential comes from.
    pub credential: Credential,
}

/// Where a credential comes from; never the credential itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credential {
    /// A file that holds the client secret.
    SecretFile(PathBuf),
    /// An environment variable that holds the client secret.
    SecretEnv(String),
    /// Name of a systemd credential that holds the client secret.
    SecretCredential(String),
    /// PEM file with certificate and private key.
    CertificateFile(PathBuf),
    /// File that holds a federated (workload identity) token.
    FederatedTokenFile(PathBuf),
    /// The machine's managed identity.
    ManagedIdentity,
}

/// `[api]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Api {
    /// Base URL of the Hardware dashboard API, without the path.
    pub endpoint: url::Url,
    /// Base URL of the Entra token service.
    pub authority: url::Url,
    /// Host globs that packages may go to and come from, besides the endpoint's own host.
    pub blob_hosts: Vec<String>,
    /// Jobs worked on at once.
    pub workers: usize,
    /// How long a create without an answer may still be carried out.
    pub uncertain: Duration,
    /// Back-off of repeated calls.
    pub retry: Pace,
    /// How often to look.
    pub poll: Poll,
    /// After so long a wait is worth an alert.
    pub overdue: Overdue,
    /// Proxy for everything but loopback; absent: the environment's.
    pub proxy: Option<url::Url>,
    /// More trusted roots, PEM.
    pub ca_file: Option<PathBuf>,
}

/// `[api.poll]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Poll {
    /// Waiting for Microsoft's signature.
    pub sign: Pace,
    /// Waiting for a label to be published.
    pub publish: Pace,
    /// Probing a paused account.
    pub account: Pace,
}

/// `[api.overdue]`: a wait that takes longer is told once; it goes on all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Overdue {
    /// Waiting for Microsoft's signature.
    pub sign: Duration,
    /// Waiting for a label to be published.
    pub publish: Duration,
}

/// A delay that grows from `first` to `max`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// First delay.
    pub first: Duration,
    /// Longest delay.
    pub max: Duration,
    /// Longest delay where earlier waits say that no end is near: `max` where that is stated, more where it is not.
    pub far: Duration,
}

impl Pace {
    /// A pace that `max` bounds in any case.
    #[must_use]
    pub const fn new(first: Duration, max: Duration) -> Self {
        Self { first, max, far: max }
    }
}

/// `[store]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Store {
    /// Folder of the store.
    pub path: PathBuf,
    /// How long ended jobs and their history stay.
    pub keep: Duration,
    /// Free bytes that are left alone; intake pauses below.
    pub min_free: Option<u64>,
    /// So many packages are let in and not begun, and intake waits.
    pub most_waiting: usize,
}

/// `[control]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Control {
    /// Path of the Unix socket.
    pub socket: PathBuf,
    /// Groups whose members may change things.
    pub operators: Vec<String>,
}

/// `[[folder]]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folder {
    /// Unique name.
    pub name: String,
    /// The watched drop folder, absolute.
    pub path: PathBuf,
    /// File name globs, case-blind, that are packages.
    pub include: Vec<String>,
    /// File name globs that are not, though `include` says so.
    pub exclude: Vec<String>,
    /// Look into subfolders.
    pub recursive: bool,
    /// Levels of subfolders, if `recursive`; absent: all.
    pub depth: Option<usize>,
    /// Which folder's packages go first: the higher, the earlier.
    pub priority: i64,
    /// What says that a file is complete.
    pub ready: ReadyWhen,
    /// Where results go; absent: in the store.
    pub outbox: Option<PathBuf>,
    /// How long results stay in the outbox; absent: for ever.
    pub outbox_keep: Option<Duration>,
    /// Permission bits of result files and, with search bits added, folders; absent: 0640.
    pub outbox_mode: Option<u32>,
    /// What becomes of the dropped file after success.
    pub after: AfterSuccess,
    /// What becomes of files in a folder never seen before.
    pub backlog: Backlog,
    /// Unchanged for so long before a bad verdict counts.
    pub settle: Duration,
    /// Still not whole after so long unchanged: rejected as truncated.
    pub incomplete: Duration,
    /// A full look besides the events.
    pub poll: Duration,
}

/// `after` of a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AfterSuccess {
    /// The file stays where it is.
    Leave,
    /// The file is deleted.
    Delete,
    /// The file is moved into this folder.
    Move(PathBuf),
}

/// `backlog` of a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backlog {
    /// Taken like any other.
    Take,
    /// Held until `approve`.
    Hold,
}

/// `[signers]`: whose signature a package must bear.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Signers {
    /// PEM files of roots.
    pub roots: Vec<PathBuf>,
    /// Let chains end at a root of this machine, too.
    pub system_roots: bool,
    /// PEM files of intermediates.
    pub intermediates: Vec<PathBuf>,
    /// PEM files of roots of timestamp authorities.
    pub timestamp_roots: Vec<PathBuf>,
    /// PEM or DER files of certificate revocation lists.
    pub crls: Vec<PathBuf>,
    /// SHA-1 or SHA-256 of leaf certificates, lower-case hex.
    pub thumbprints: BTreeSet<String>,
    /// Let unsigned packages in.
    pub allow_unsigned: bool,
}
