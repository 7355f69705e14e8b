//! `dropship store`: work on a whole store while no daemon uses it.

use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use super::exit::{Exit, usage};
use super::output::Output;
use super::{backend, owner};
use crate::database;
use crate::store_copy::{CopyJob, CopyOutcome, PackageCopy, StoreLocation};
use dropship_config::model::{Config, Database, ObjectPlace, PackagePlace, SecretAt};
use dropship_job::counted;

/// Commands about a whole store.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Move a store to another place: from a folder to PostgreSQL, or back
    ///
    /// FROM and TO are folders, as in `[store] path`, or addresses of databases, as in `[store] url`; at least one must be a folder. TO
    /// must be empty, or an unfinished copy of FROM: the same command continues an interrupted copy. At the end, the command compares the
    /// number and the SHA-256 of the entries of both stores. Captured packages are copied too.
    ///
    /// Stop all daemons of both stores first. After the copy, daemons refuse FROM, because otherwise two daemons could send its jobs twice. As
    /// long as TO has not changed, a copy from TO to FROM makes FROM usable again.
    ///
    /// If FROM or TO is the `[store] url` of the configuration, the command uses the password, `ca_file` and `packages` of the
    /// configuration, unless options set others.
    #[command(after_help = "\
Examples:
  dropship store copy /var/lib/dropship postgres://dropship@db.corp/dropship
  dropship store copy postgres://dropship@db.corp/dropship /var/lib/dropship/own --packages /mnt/shared/dropship

Exit codes:
  0   copied, now or by an earlier run
  1   refused or failed; the message says why
  64  invalid command line
  77  not permitted
  78  a store of another version, or a database that cannot be used")]
    Copy(CopyArgs),
}

/// Arguments of `store copy`.
#[derive(Debug, clap::Args)]
pub(super) struct CopyArgs {
    /// Store to copy: a folder, or `postgres://USER@HOST/DATABASE`
    #[arg(value_name = "FROM")]
    from: String,
    /// Place of the copy: a folder, or `postgres://USER@HOST/DATABASE`
    #[arg(value_name = "TO")]
    to: String,
    /// Place of the captured packages of the database, as in `[store] packages` [default: of the configuration]
    #[arg(long, value_name = "PLACE")]
    packages: Option<String>,
    /// File with credentials for object storage [default: the environment]
    #[arg(long, value_name = "FILE", requires = "packages")]
    packages_credentials_file: Option<PathBuf>,
    /// File with the password of the database [default: of the configuration]
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
    /// Name of the systemd credential with the password of the database
    #[arg(long, value_name = "NAME", conflicts_with = "password_file")]
    password_credential: Option<String>,
    /// PEM file with more trusted roots for the certificates of the database and of the object storage
    #[arg(long, value_name = "FILE")]
    ca_file: Option<PathBuf>,
}

pub(super) async fn run(command: &Command, config: &Path, output: &Output) -> anyhow::Result<Exit> {
    let Command::Copy(args) = command;
    let config = if config.exists() { Some(backend::load_for_operation(config)?) } else { None };
    let job = copy_job(args, config.as_ref())?;
    become_owner(&job, config.as_ref())?;
    let outcome = tokio::task::spawn_blocking(move || job.run()).await??;
    output.print_result(&outcome, || text(&outcome))?;
    Ok(Exit::Done)
}

fn copy_job(args: &CopyArgs, config: Option<&Config>) -> anyhow::Result<CopyJob> {
    let (from, to) = (store_location(&args.from, args, config)?, store_location(&args.to, args, config)?);
    let database = match (&from, &to) {
        (StoreLocation::Database(_), StoreLocation::Database(_)) => {
            return Err(usage("one of FROM and TO has to be a folder"));
        }
        (StoreLocation::Database(database), _) | (_, StoreLocation::Database(database)) => Some(database),
        (StoreLocation::Folder(_), StoreLocation::Folder(_)) => None,
    };
    // Without `packages` in the configuration they are in the folder of its node.
    let configured_packages = |database: &Database| {
        let store = config.map(|config| &config.store);
        let store = store.filter(|store| {
            store.database.as_ref().is_some_and(|configured| configured.url == database.url)
        })?;
        Some(match store.objects() {
            Some(place) => PackagePlace::Objects(place.clone()),
            None => PackagePlace::Folder(store.packages().to_owned()),
        })
    };
    let packages = match &args.packages {
        Some(text) if text.contains("://") => {
            let (credentials, ca_file) = (args.packages_credentials_file.clone(), args.ca_file.clone());
            Some(PackagePlace::Objects(ObjectPlace { url: text.clone(), credentials, ca_file }))
        }
        Some(folder) => Some(PackagePlace::Folder(folder.into())),
        None => database.and_then(configured_packages),
    };
    Ok(CopyJob { from, to, packages })
}

fn store_location(text: &str, args: &CopyArgs, config: Option<&Config>) -> anyhow::Result<StoreLocation> {
    if !text.contains("://") {
        let path = std::path::absolute(text).map_err(|error| usage(format!("`{text}`: {error}")))?;
        return Ok(StoreLocation::Folder(path));
    }
    database::check_address(text).map_err(|error| usage(format!("{error:#}")))?;
    let configured =
        config.and_then(|config| config.store.database.clone()).filter(|configured| configured.url == text);
    let mut database = configured.unwrap_or_else(|| Database {
        url: text.to_owned(),
        password: None,
        ca_file: None,
        packages: None,
        node: "dropship store copy".to_owned(),
    });
    let credential = args.password_credential.clone().map(SecretAt::Credential);
    let password = args.password_file.clone().map(SecretAt::File).or(credential);
    database.password = password.or(database.password);
    database.ca_file = args.ca_file.clone().or(database.ca_file);
    Ok(StoreLocation::Database(database))
}

/// Becomes the owner of the folder of the copy. One that does not exist is created for the owner of the configured store.
fn become_owner(job: &CopyJob, config: Option<&Config>) -> anyhow::Result<()> {
    let Some(target) = job.to.folder() else {
        return job.from.folder().map_or(Ok(()), existing_owner);
    };
    if !target.exists() {
        let owner_source = job.from.folder().or(config.map(|config| &*config.store.path));
        let owner = owner_source.and_then(|owner_source| std::fs::metadata(owner_source).ok());
        let failed = || format!("cannot create {}", target.display());
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(target).with_context(failed)?;
        if let Some(owner) = owner.filter(|_| rustix::process::geteuid().is_root()) {
            std::os::unix::fs::chown(target, Some(owner.uid()), Some(owner.gid())).with_context(failed)?;
        }
    }
    existing_owner(target)
}

fn existing_owner(folder: &Path) -> anyhow::Result<()> {
    if folder.exists() { owner::become_owner(folder) } else { Ok(()) }
}

fn text(outcome: &CopyOutcome) -> String {
    let CopyOutcome { from, to, content, copied, packages } = outcome;
    let mut lines = vec![
        format!("{to} has everything of {from}: {}", content.summary()),
        format!(
            "  {} of history, {}, {}; {} of these entries were copied now",
            counted(content.history, "record"),
            counted(content.files, "known file"),
            counted(content.published_labels, "published label"),
            copied
        ),
        format!("  verified: both have the SHA-256 {}", content.sha256),
    ];
    lines.push(match packages {
        PackageCopy::Target(done) => format!(
            "  captured packages: {}, of which {} were copied now, each compared with its original",
            counted(done.files, "file"),
            done.copied
        ),
        PackageCopy::Shared { path } => format!("  captured packages: both stores use {}", path.display()),
        PackageCopy::Unknown { folder } if outcome.to.contains("://") => format!(
            "  captured packages were not copied: set `packages = \"{}\"` in [store], or copy {} to the folder that [store] packages names, \
             before you start a daemon",
            folder.display(),
            folder.join("packages").display()
        ),
        PackageCopy::Unknown { folder } => format!(
            "  captured packages were not copied: copy `packages` of the folder that [store] packages names to {} before you start a daemon",
            folder.join("packages").display()
        ),
    });
    lines.push(format!("daemons refuse {from} from now on; start them with {to}"));
    lines.join("\n")
}
