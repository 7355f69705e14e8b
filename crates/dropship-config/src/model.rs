//! The validated configuration: what the rest of the daemon reads.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use dropship_hardware::Backoff;
use dropship_intake::ReadyWhen;
use dropship_package::Level;
use dropship_rules::Rule;
use dropship_rules::label::Guard;
use dropship_rules::rule_tests::RuleTest;

mod notify;

pub use notify::{Notify, Occasion, SecretAt, Via};

/// Default of [`Store::min_free`] in bytes. With less, no package is captured, so that the journal can still grow.
pub const DEFAULT_MIN_FREE: u64 = 256 << 20;

/// A whole configuration that passed every check.
#[derive(Debug, Clone)]
pub struct Config {
    /// The file that was named on the command line.
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
    /// `[web]`: the pages for people; absent without `listen`.
    pub web: Option<Web>,
    /// `[[notify]]`, in file order.
    pub notify: Vec<Notify>,
    /// `[[folder]]`, in file order.
    pub folders: Vec<Folder>,
    /// `[guard]`: limits that no rule can exceed.
    pub guard: Guard,
    /// `[signers]`.
    pub signers: Signers,
    /// `[preflight]`: level by name of the check.
    pub preflight: BTreeMap<String, Level>,
    /// `[[rule]]`, in file order; the first match wins.
    pub rules: Vec<Rule>,
    /// `[[test]]`, in file order.
    pub tests: Vec<RuleTest>,
    /// Warnings.
    pub warnings: super::Report,
    /// Every file that was read, in the order of reading.
    pub files: Vec<PathBuf>,
}

/// The name of `[account]`.
pub const DEFAULT_ACCOUNT: &str = "default";

/// Identity and credential of one Entra application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Entra tenant, a GUID or domain; empty only for a managed identity.
    pub tenant_id: String,
    /// Application (client) id.
    pub client_id: String,
    /// Where the credential comes from.
    pub credential: Credential,
    /// When the client secret expires, if the configuration says it.
    pub secret_expires: Option<jiff::Timestamp>,
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

impl Credential {
    /// Whether it is a client secret.
    #[must_use]
    pub fn is_secret(&self) -> bool {
        matches!(self, Self::SecretFile(_) | Self::SecretEnv(_) | Self::SecretCredential(_))
    }
}

/// `[api]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Api {
    /// Base URL of the Hardware dashboard API, without the path.
    pub endpoint: url::Url,
    /// Base URL of the Entra token service.
    pub authority: url::Url,
    /// Host globs for uploads and downloads, in addition to the endpoint's origin.
    pub blob_hosts: Vec<String>,
    /// Jobs processed concurrently.
    pub workers: usize,
    /// How long a create without a response may still take effect.
    pub uncertain: Duration,
    /// Interval between comparisons of a published label with the service; zero: none are made.
    pub audit: Duration,
    /// Backoff of failed calls.
    pub retry: Backoff,
    /// Poll intervals.
    pub poll: Poll,
    /// Maximum duration of waits before an alert.
    pub overdue: Overdue,
    /// Proxy for connections to Microsoft, except loopback addresses; absent: from the environment.
    pub proxy: Option<url::Url>,
    /// Additional trusted roots for TLS, PEM.
    pub ca_file: Option<PathBuf>,
}

/// `[api.poll]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Poll {
    /// Waiting for Microsoft's signature.
    pub sign: PollInterval,
    /// Waiting for a label to be published.
    pub publish: PollInterval,
    /// Probes of a suspended account.
    pub account: Backoff,
}

/// `[api.overdue]`: a longer wait is logged once, and the job keeps waiting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Overdue {
    /// Waiting for Microsoft's signature.
    pub sign: Duration,
    /// Waiting for a label to be published.
    pub publish: Duration,
}

/// Interval between polls for a result that the service is working on. It grows from `first` to `max`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PollInterval {
    /// First interval.
    pub first: Duration,
    /// Longest interval.
    pub max: Duration,
}

/// `[store]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Store {
    /// Folder of the store.
    pub path: PathBuf,
    /// The database that holds the jobs, in place of the folder.
    pub database: Option<Database>,
    /// How long jobs that have ended are kept, with their history.
    pub keep: Duration,
    /// No package is accepted while at most this many bytes are free.
    pub min_free: Option<u64>,
    /// Maximum size of a package in bytes.
    pub max_package: u64,
    /// Maximum number of accepted packages whose job has not started.
    pub most_waiting: usize,
}

/// The PostgreSQL database of `[store]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Database {
    /// Its address, without a password.
    pub url: String,
    /// Where the password is; absent: the database asks for none.
    pub password: Option<SecretAt>,
    /// Additional trusted roots for its certificate, PEM.
    pub ca_file: Option<PathBuf>,
    /// Where captured packages are kept; absent: in the folder of the store.
    pub packages: Option<PackagePlace>,
    /// The name of this node.
    pub node: String,
}

/// The place of the captured packages of all nodes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PackagePlace {
    /// A folder that all nodes mount.
    Folder(PathBuf),
    /// Object storage.
    Objects(ObjectPlace),
}

impl PackagePlace {
    /// The folder.
    #[must_use]
    pub fn folder(&self) -> Option<&Path> {
        match self {
            Self::Folder(path) => Some(path),
            Self::Objects(_) => None,
        }
    }

    /// The object storage.
    #[must_use]
    pub fn objects(&self) -> Option<&ObjectPlace> {
        match self {
            Self::Folder(_) => None,
            Self::Objects(place) => Some(place),
        }
    }
}

/// A place on object storage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectPlace {
    /// Its address: `s3://BUCKET/PREFIX` or `az://CONTAINER/PREFIX`.
    pub url: String,
    /// A file with credentials; absent: they are in the environment.
    pub credentials: Option<PathBuf>,
    /// Additional trusted roots for its certificate, PEM.
    pub ca_file: Option<PathBuf>,
}

impl Store {
    /// The folder with the captured packages in `packages`. With object storage it has those that are in work.
    #[must_use]
    pub fn packages(&self) -> &Path {
        let shared = self.database.as_ref().and_then(|database| database.packages.as_ref());
        shared.and_then(PackagePlace::folder).unwrap_or(&self.path)
    }

    /// The outbox in which all nodes find the results of a folder that is on one of them: a path, or an address of object storage.
    #[must_use]
    pub fn shared_outbox(&self, folder: &str) -> PathBuf {
        let place = self.objects().map_or(self.packages(), |place| Path::new(&place.url));
        crate::outbox_layout::in_store(place, folder)
    }

    /// The name of this node, if the store is in a database.
    #[must_use]
    pub fn node(&self) -> Option<&str> {
        Some(&self.database.as_ref()?.node)
    }

    /// The object storage that has the captured packages.
    #[must_use]
    pub fn objects(&self) -> Option<&ObjectPlace> {
        self.database.as_ref()?.packages.as_ref()?.objects()
    }
}

/// `[control]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Control {
    /// Path of the Unix socket.
    pub socket: PathBuf,
    /// Groups whose members are operators.
    pub operators: Vec<String>,
}

/// `[web]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Web {
    /// Address to listen on.
    pub listen: std::net::SocketAddr,
    /// Host names and addresses that requests may name besides the listen address and `localhost`, in lower case.
    pub allowed_hosts: Vec<String>,
    /// The header in which a proxy names the user, for the log.
    pub trusted_header: Option<String>,
}

/// `[[folder]]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folder {
    /// Unique name.
    pub name: String,
    /// The watched drop folder, absolute.
    pub path: PathBuf,
    /// Globs of file names that are packages, case-insensitive.
    pub include: Vec<String>,
    /// Globs of file names that are ignored although `include` matches them.
    pub exclude: Vec<String>,
    /// Watch subfolders too.
    pub recursive: bool,
    /// Maximum depth of subfolders, if `recursive`; absent: all.
    pub depth: Option<usize>,
    /// Priority of the folder's packages; higher goes first.
    pub priority: i64,
    /// Sign that a file is complete.
    pub ready: ReadyWhen,
    /// The node that has the folder on its disk; absent: every node reaches it.
    pub on_node: Option<OnNode>,
    /// Folder for results; absent: in the store. The results of a folder on one node are here first, on the shared storage: this may
    /// be an address.
    pub outbox: Option<PathBuf>,
    /// How long results are kept in the outbox; absent: forever.
    pub outbox_keep: Option<Duration>,
    /// Permission bits of result files and, with search bits added, folders; absent: 0640.
    pub outbox_mode: Option<u32>,
    /// Action on the dropped file after its job has succeeded.
    pub after: AfterSuccess,
    /// Files that are found at the first scan of a new folder.
    pub backlog: Backlog,
    /// Packages with the signed content of another job of the folder, under other bytes.
    pub same_content: SameContent,
    /// Time without change before a negative verdict counts.
    pub settle: Duration,
    /// Time without change after which an incomplete file is rejected as truncated.
    pub incomplete: Duration,
    /// Interval between full scans.
    pub poll: Duration,
}

/// Maximum depth of subfolders: more than people create, and a limit to what programs create by mistake.
pub(super) const MAX_DEPTH: usize = 32;

impl Folder {
    /// The number of levels of subfolders that are watched.
    #[must_use]
    pub fn levels(&self) -> usize {
        if self.recursive { self.depth.unwrap_or(MAX_DEPTH).min(MAX_DEPTH) } else { 0 }
    }
}

/// `node` of a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OnNode {
    /// The name of the node.
    pub node: String,
    /// The outbox on its disk, to which it copies the results.
    pub outbox: PathBuf,
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
    /// Accepted like any other file.
    Take,
    /// Their jobs are held until `approve`.
    Hold,
}

/// `same_content` of a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SameContent {
    /// Accepted like any other package.
    Take,
    /// Their jobs are held until `approve`.
    Hold,
}

/// `[signers]`: signers that are trusted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Signers {
    /// PEM files of roots.
    pub roots: Vec<PathBuf>,
    /// Also trust the roots of this machine.
    pub system_roots: bool,
    /// PEM files of intermediates.
    pub intermediates: Vec<PathBuf>,
    /// PEM files of roots of timestamp authorities.
    pub timestamp_roots: Vec<PathBuf>,
    /// PEM or DER files of certificate revocation lists.
    pub crls: Vec<PathBuf>,
    /// SHA-1 or SHA-256 of leaf certificates, lower-case hex.
    pub thumbprints: BTreeSet<String>,
    /// Accept unsigned packages, with a warning.
    pub allow_unsigned: bool,
}
