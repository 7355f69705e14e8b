//! Certificates and secrets.

use super::problem;
use crate::accounts;
use crate::config::model::{Config, Credential, Notify, SecretAt, Via};
use crate::config::{self, Problem};

/// Problems of the files in `[signers]`.
pub(super) fn of_signers(config: &Config) -> Vec<Problem> {
    let error = accounts::policy(config).err();
    error.map(|error| problem(config, format!("[signers]: {error:#}"))).into_iter().collect()
}

/// Problems of the credential of each account, and of `[api] ca_file`.
pub(super) fn of_accounts(config: &Config) -> Vec<Problem> {
    let mut problems = Vec::new();
    for name in config.accounts.keys() {
        let mut one = config.clone();
        one.accounts.retain(|other, _| other == name);
        if let Err(error) = accounts::clients(&one, false) {
            problems.push(problem(config, format!("{error:#}")));
            continue;
        }
        let credential = config.accounts.get(name).map(|account| &account.credential);
        let unusable = match credential {
            Some(Credential::CertificateFile(path)) => dropship_hardware::check_certificate(path),
            Some(Credential::FederatedTokenFile(path)) => std::fs::read_to_string(path)
                .map(drop)
                .map_err(|error| format!("cannot read {}: {error}", path.display())),
            _ => Ok(()),
        };
        problems.extend(unusable.err().map(|why| problem(config, format!("account `{name}`: {why}"))));
    }
    problems
}

/// Problems of the secrets of webhooks.
pub(super) fn of_notifications(config: &Config) -> Vec<Problem> {
    let unusable = |notify: &Notify| {
        let Via::Webhook { secret: Some(secret), .. } = &notify.via else { return None };
        let path = match secret {
            SecretAt::File(path) => Ok(path.clone()),
            SecretAt::Credential(name) => crate::systemd::credential(name)
                .map_err(|error| config::credential_error(name, error).to_string()),
        };
        let read = path.and_then(|path| {
            let text = std::fs::read_to_string(&path);
            let text = text.map_err(|error| format!("cannot read {}: {error}", path.display()))?;
            if text.trim().is_empty() {
                Err(format!("{} contains no secret", path.display()))
            } else {
                Ok(())
            }
        });
        read.err().map(|why| problem(config, format!("notify `{}`: {why}", notify.name)))
    };
    config.notify.iter().filter_map(unusable).collect()
}
