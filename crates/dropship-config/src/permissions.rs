//! Warnings about files that other users can read or change: secrets, the configuration, the store, trusted certificates.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use dropship_redact::ShellWord;

use super::credential_file;
use super::model::{Config, Credential, SecretAt, Signers, Via};
use super::repeated;
use super::report::Problem;

const OTHERS_READ: u32 = 0o004;
const GROUP_READS: u32 = 0o040;
const GROUP_WRITES: u32 = 0o020;
const OTHERS_WRITE: u32 = 0o002;
const STICKY: u32 = 0o1000;
/// Maximum number of entries of a folder that are examined.
const MAX_ENTRIES: usize = 1000;

impl Config {
    /// Warnings about secrets that other users can read, and about a configuration, a store or trusted certificates that they can change.
    #[must_use]
    pub fn exposed_files(&self) -> Vec<Problem> {
        let mut warnings = Vec::new();
        for path in self.secret_files() {
            if let Ok(data) = std::fs::metadata(&path) {
                warnings.extend(exposed_secret(&path, &data));
            }
        }
        for file in &self.files {
            warnings.extend(changeable(file, false));
        }
        let mut folders: Vec<&Path> = self.files.iter().filter_map(|file| file.parent()).collect();
        folders.dedup();
        for folder in folders {
            let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
            warnings.extend(changeable(folder, true));
        }
        let store = &self.store.path;
        warnings.extend(changeable(store, false));
        for path in entries(store).iter().chain(&entries(&store.join("journal"))) {
            warnings.extend(changeable(path, false));
        }
        for path in self.trusted_files() {
            warnings.extend(changeable(path, false));
        }
        warnings.dedup();
        // An author of included files can have thousands of them.
        repeated::join(&mut warnings);
        warnings
    }

    /// The files that say who is trusted, and the folder of the packages of a fleet.
    fn trusted_files(&self) -> impl Iterator<Item = &Path> {
        let Signers { roots, intermediates, timestamp_roots, crls, .. } = &self.signers;
        let of_signers = [roots, intermediates, timestamp_roots, crls].into_iter().flatten();
        let database = self.store.database.as_ref();
        let of_database = database.and_then(|database| database.ca_file.as_ref());
        let packages = database.and_then(|database| database.packages.as_ref()?.folder());
        let of_connections = self.api.ca_file.iter().chain(of_database);
        of_signers.chain(of_connections).map(PathBuf::as_path).chain(packages)
    }

    /// The files of secrets that the configuration names.
    fn secret_files(&self) -> Vec<PathBuf> {
        let of_accounts = self.accounts.values().filter_map(|account| match &account.credential {
            Credential::SecretFile(path)
            | Credential::CertificateFile(path)
            | Credential::FederatedTokenFile(path) => Some(path.clone()),
            Credential::SecretCredential(name) => credential_file(name).ok(),
            Credential::SecretEnv(_) | Credential::ManagedIdentity => None,
        });
        let of_webhooks = self.notify.iter().filter_map(|notify| match &notify.via {
            Via::Webhook { secret: Some(SecretAt::File(path)), .. } => Some(path.clone()),
            Via::Webhook { secret: Some(SecretAt::Credential(name)), .. } => credential_file(name).ok(),
            Via::Webhook { secret: None, .. } | Via::Command(_) => None,
        });
        let database = self.store.database.as_ref().and_then(|database| database.password.as_ref());
        let of_database = database.and_then(|password| match password {
            SecretAt::File(path) => Some(path.clone()),
            SecretAt::Credential(name) => credential_file(name).ok(),
        });
        let of_objects = self.store.objects().and_then(|place| place.credentials.clone());
        of_accounts.chain(of_webhooks).chain(of_database).chain(of_objects).collect()
    }
}

fn exposed_secret(path: &Path, data: &Metadata) -> Option<Problem> {
    let mode = data.mode() & 0o7777;
    let own_group = rustix::process::getegid().as_raw();
    // Root does not know the group of the service. A group that has the id of the user is the user's own.
    let is_shared =
        ![0, own_group, data.uid()].contains(&data.gid()) && !rustix::process::geteuid().is_root();
    let group = format!("every member of the group {}", data.gid());
    let (who, action) = match mode {
        mode if mode & OTHERS_WRITE != 0 => ("every user", "change"),
        mode if mode & OTHERS_READ != 0 => ("every user", "read"),
        mode if mode & GROUP_WRITES != 0 && is_shared => (&*group, "change"),
        mode if mode & GROUP_READS != 0 && is_shared => (&*group, "read"),
        _ => return None,
    };
    let message = format!("{who} can {action} this secret (its mode is {mode:04o})");
    let help = format!("chmod 0600 {0}, or 0640 with the group of the service", ShellWord::of(path));
    Some(Problem::of_file(path, message).with_help(help).into_warning())
}

/// A warning if other users can change a file, or create files in a folder. In a sticky folder they cannot replace the files
/// of others, which is enough for a file that is named, but not for a glob.
fn changeable(path: &Path, is_sticky_enough: bool) -> Option<Problem> {
    let data = std::fs::metadata(path).ok()?;
    let mode = data.mode() & 0o7777;
    if is_sticky_enough && data.is_dir() && mode & STICKY != 0 {
        return None;
    }
    let user = rustix::process::geteuid();
    if ![0, user.as_raw()].contains(&data.uid()) && !user.is_root() {
        let message =
            format!("its owner (uid {}) can change it, who is not the user of the service", data.uid());
        let help = format!("chown root {}", ShellWord::of(path));
        return Some(Problem::of_file(path, message).with_help(help).into_warning());
    }
    // A group that has the id of the user is the user's own.
    let is_shared = ![0, data.uid()].contains(&data.gid());
    let who = match mode {
        mode if mode & OTHERS_WRITE != 0 => "every user".to_owned(),
        mode if mode & GROUP_WRITES != 0 && is_shared => format!("every member of the group {}", data.gid()),
        _ => return None,
    };
    let message = format!("{who} can change it (its mode is {mode:04o})");
    let help = format!("chmod go-w {}", ShellWord::of(path));
    Some(Problem::of_file(path, message).with_help(help).into_warning())
}

/// A folder with what is in it, of which the first entries are enough.
fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let files = entries
        .take(MAX_ENTRIES)
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_file() || kind.is_dir()));
    files.map(|entry| entry.path()).collect()
}
