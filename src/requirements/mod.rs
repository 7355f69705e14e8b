//! Requirements outside of the configuration files: credentials, certificates, folders, ports and the store.
//!
//! `check` reports all of them, and `run` does not start with any that is an error. A folder that is missing or cannot be reached now is a
//! warning: it is degraded while the daemon runs, and recovers.

mod folders;
mod listening;
mod ports;
mod secrets;
mod store;
mod watches;

pub use folders::check_folders;
pub use listening::is_served_by_another;
pub use ports::{check_socket, check_socket_is_free};
pub use secrets::Secrets;
pub use store::{check_database_of_credential, check_store, check_store_access, remedy};
pub use watches::check_watches;

use dropship_config::model::Config;
use dropship_config::{Problem, one_line};

/// Problems that keep the daemon from starting, except those of the store and of the control socket, which systemd can create. A sandbox needs neither secrets nor ports.
#[must_use]
pub fn check_start(config: &Config, sandbox: bool, secrets: Secrets) -> Vec<Problem> {
    let mut problems = self::secrets::check_signers(config);
    problems.extend(check_folders(config, sandbox));
    if !sandbox {
        problems.extend(check_secrets(config, secrets));
        problems.extend(ports::check_ports(config));
    }
    problems
}

/// Problems of the secrets of accounts and webhooks.
#[must_use]
pub fn check_secrets(config: &Config, secrets: Secrets) -> Vec<Problem> {
    let mut problems = self::secrets::check_accounts(config, secrets);
    problems.extend(self::secrets::check_notifications(config, secrets));
    problems
}

/// A problem that no line of the configuration has. The message is one line, whatever the paths in it contain.
fn problem(config: &Config, message: impl Into<String>) -> Problem {
    Problem::of_file(&config.path, one_line(&message.into()))
}
