//! Certificates and secrets.

use anyhow::{anyhow, bail};

use super::problem;
use dropship_config::model::{Config, Credential, Notify, SecretAt, Via};
use dropship_config::{CredentialFileError, Problem, credential_file};
use dropship_engine::accounts;

/// Problems of the files in `[signers]`.
pub(super) fn check_signers(config: &Config) -> Vec<Problem> {
    let error = accounts::policy(config).err();
    error.map(|error| problem(config, format!("[signers]: {error:#}"))).into_iter().collect()
}

/// Which secrets are checked. systemd reads its credentials as root, before it starts the daemon as its user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Secrets {
    /// All.
    All,
    /// Those in credentials of systemd.
    InCredentials,
    /// All others.
    Others,
}

impl Secrets {
    fn include(self, is_credential: bool) -> bool {
        match self {
            Self::All => true,
            Self::InCredentials => is_credential,
            Self::Others => !is_credential,
        }
    }
}

/// Problems of the credential of each account, and of `[api] ca_file`.
pub(super) fn check_accounts(config: &Config, secrets: Secrets) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (name, account) in &config.accounts {
        if !secrets.include(matches!(account.credential, Credential::SecretCredential(_))) {
            continue;
        }
        let mut account_config = config.clone();
        account_config.accounts.retain(|other, _| other == name);
        if let Err(error) = accounts::clients(&account_config, false) {
            problems.push(secret_problem(config, format!("{error:#}"), &error));
            continue;
        }
        let credential = config.accounts.get(name).map(|account| &account.credential);
        let unusable = match credential {
            Some(Credential::CertificateFile(path)) => {
                dropship_hardware::check_certificate(path).map_err(|error| error.to_string())
            }
            Some(Credential::FederatedTokenFile(path)) => std::fs::read_to_string(path)
                .map(drop)
                .map_err(|error| format!("cannot read {}: {error}", path.display())),
            _ => Ok(()),
        };
        problems.extend(unusable.err().map(|why| problem(config, format!("account `{name}`: {why}"))));
    }
    problems
}

/// The problem of a secret. An encrypted credential can be read only by the unit, so this is a warning outside of it.
pub(super) fn secret_problem(config: &Config, message: String, error: &anyhow::Error) -> Problem {
    let problem = problem(config, message);
    let is_sealed =
        error.chain().any(|cause| cause.downcast_ref().is_some_and(CredentialFileError::is_sealed));
    if is_sealed { problem.into_warning() } else { problem }
}

/// Problems of the secrets of webhooks.
pub(super) fn check_notifications(config: &Config, secrets: Secrets) -> Vec<Problem> {
    let unusable = |notify: &Notify| {
        let Via::Webhook { secret: Some(secret), .. } = &notify.via else { return None };
        if !secrets.include(matches!(secret, SecretAt::Credential(_))) {
            return None;
        }
        let path = match secret {
            SecretAt::File(path) => Ok(path.clone()),
            SecretAt::Credential(name) => credential_file(name).map_err(anyhow::Error::from),
        };
        let read = path.and_then(|path| {
            let text = std::fs::read_to_string(&path);
            let text = text.map_err(|error| anyhow!("cannot read {}: {error}", path.display()))?;
            if text.trim().is_empty() { bail!("{} contains no secret", path.display()) } else { Ok(()) }
        });
        let error = read.err()?;
        Some(secret_problem(config, format!("notify `{}`: {error}", notify.name), &error))
    };
    config.notify.iter().filter_map(unusable).collect()
}
