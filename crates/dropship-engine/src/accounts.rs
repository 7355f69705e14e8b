//! Builds clients and the trust policy from the configuration, and reads the files that it names.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, anyhow};

use crate::outbox::{Origin, Ownership};
use dropship_config::model::{Account, Config, Credential, Signers};
use dropship_config::{credential_file, shown_variable};
use dropship_hardware::{self, BuildError, Client, ManagedIdentity, Purpose, SecretSource};
use dropship_package::{PemFile, Policy, Trust, TrustSources};
use dropship_redact::{Lifetime, SecretString, remember};

/// How long a secret of a file is searched for in messages after it was last read; it is read again for each token.
const MASK_SECRET_FOR: Duration = Duration::from_secs(7 * 24 * 3600);

/// A client for each account. A sandbox accepts any secret, so no secret is read for it.
///
/// # Errors
/// When a credential or certificate cannot be read. The error names its file.
pub fn clients(config: &Config, sandbox: bool) -> anyhow::Result<BTreeMap<String, Client>> {
    adjusted_clients(config, sandbox, &|_, _| Ok(()))
}

/// Adjusts the settings of the client of an account.
pub type Adjustment<'a> = dyn Fn(&str, &mut dropship_hardware::Settings) -> anyhow::Result<()> + 'a;

/// The same, with settings that the caller adjusts: observers, and conditions of calls.
///
/// # Errors
/// When a credential or certificate cannot be read (the error names its file), and the errors of the adjustment.
pub fn adjusted_clients(
    config: &Config,
    sandbox: bool,
    adjust: &Adjustment<'_>,
) -> anyhow::Result<BTreeMap<String, Client>> {
    let client = |(name, account): (&String, &Account)| {
        let mut settings = settings(config, account, sandbox).with_context(|| format!("account `{name}`"))?;
        adjust(name, &mut settings)?;
        let built = Client::new(settings).map_err(|error| match (&error, &config.api.ca_file) {
            (BuildError::Roots(_), Some(file)) => {
                anyhow::Error::new(error).context(file.display().to_string())
            }
            _ => error.into(),
        });
        Ok((name.clone(), built.with_context(|| format!("account `{name}`"))?))
    };
    config.accounts.iter().map(client).collect()
}

/// Recognises the receipts of the configured service and accounts.
#[must_use]
pub fn ownership(config: &Config, sandbox: bool) -> Ownership {
    if sandbox {
        return Ownership::of_sandbox();
    }
    let origin = |account: &Account| Origin {
        endpoint: config.api.endpoint.to_string(),
        tenant_id: account.tenant_id.clone(),
    };
    Ownership::of_service(
        config.accounts.iter().map(|(name, account)| (name.clone(), origin(account))).collect(),
    )
}

fn settings(
    config: &Config,
    account: &Account,
    sandbox: bool,
) -> anyhow::Result<dropship_hardware::Settings> {
    let api = &config.api;
    let ca_pem = api.ca_file.as_deref().map(read).transpose()?;
    let (endpoint, authority) = (api.endpoint.clone(), api.authority.clone());
    let credential = if sandbox {
        dropship_hardware::Credential::Secret(SecretSource::fixed(SecretString::from("sandbox")))
    } else {
        credential(account)?
    };
    let (tenant, client) = (account.tenant_id.clone(), account.client_id.clone());
    Ok(dropship_hardware::Settings {
        user_agent: concat!("dropship/", env!("CARGO_PKG_VERSION")).to_owned(),
        blob_hosts: api.blob_hosts.clone(),
        retry: api.retry,
        proxy: api.proxy.clone(),
        ca_pem,
        ..dropship_hardware::Settings::new(endpoint, authority, tenant, client, credential)
    })
}

fn credential(account: &Account) -> anyhow::Result<dropship_hardware::Credential> {
    Ok(match &account.credential {
        // Read now, so that a missing file is reported at the start, and again for each token, so that a rotated secret is used.
        Credential::SecretFile(path) => {
            check_secret(path)?;
            dropship_hardware::Credential::Secret(SecretSource::File(path.clone()))
        }
        Credential::SecretEnv(name) => {
            let shown = shown_variable(name);
            let secret =
                std::env::var(name).map_err(|_| anyhow!("the environment variable {shown} is not set"))?;
            remember(&secret, Lifetime::Process);
            dropship_hardware::Credential::Secret(SecretSource::fixed(SecretString::from(secret)))
        }
        Credential::SecretCredential(name) => {
            let path = credential_file(name)?;
            check_secret(&path)?;
            dropship_hardware::Credential::Secret(SecretSource::File(path))
        }
        Credential::CertificateFile(path) => {
            dropship_hardware::Credential::Certificate(SecretSource::File(path.clone()))
        }
        Credential::FederatedTokenFile(path) => {
            dropship_hardware::Credential::FederatedTokenFile(path.clone())
        }
        Credential::ManagedIdentity => {
            let identity = Some(account.client_id.clone()).filter(|id| !id.is_empty());
            dropship_hardware::Credential::ManagedIdentity(ManagedIdentity::from_env(
                identity,
                Purpose::Direct,
            )?)
        }
    })
}

fn check_secret(path: &Path) -> anyhow::Result<()> {
    let text = text(path)?;
    remember(&text, Lifetime::For(MASK_SECRET_FOR));
    if text.trim().is_empty() { Err(anyhow!("{} contains no secret", path.display())) } else { Ok(()) }
}

/// The trusted signers, and the level of each check.
///
/// # Errors
/// When a certificate file cannot be read. The error names it.
pub fn policy(config: &Config) -> anyhow::Result<Policy> {
    let signers = trust(&config.signers)?;
    Ok(Policy { signers, levels: config.preflight.clone(), now: jiff::Timestamp::now() })
}

fn trust(signers: &Signers) -> anyhow::Result<Trust> {
    let files = |paths: &[PathBuf]| -> anyhow::Result<Vec<(String, Vec<u8>)>> {
        paths.iter().map(|path| Ok((path.display().to_string(), read(path)?))).collect()
    };
    let roots = files(&signers.roots)?;
    let system_bundle = match signers.system_roots {
        true => files(&[system_roots()?])?,
        false => Vec::new(),
    };
    let intermediates = files(&signers.intermediates)?;
    let timestamp_roots = files(&signers.timestamp_roots)?;
    let crls = files(&signers.crls)?;
    let trust = Trust::from_pem(&TrustSources {
        roots: pem(&roots),
        system_roots: pem(&system_bundle),
        intermediates: pem(&intermediates),
        timestamp_roots: pem(&timestamp_roots),
        crls: pem(&crls),
        thumbprints: signers.thumbprints.iter().cloned().collect(),
        allow_unsigned: signers.allow_unsigned,
    })?;
    Ok(trust.with_name(SIGNERS))
}

/// What messages about signers call the trust: the table of the configuration.
pub const SIGNERS: &str = "[signers]";

/// Bundles of the roots that the machine trusts, by distribution.
const BUNDLES: [&str; 4] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

fn system_roots() -> anyhow::Result<PathBuf> {
    if let Some(path) = std::env::var_os("SSL_CERT_FILE").filter(|path| !path.is_empty()) {
        return Ok(path.into());
    }
    let found = BUNDLES.iter().map(Path::new).find(|path| path.is_file());
    found.map(Path::to_owned).ok_or_else(|| {
        anyhow!("`[signers] system_roots`: this machine has no bundle of roots ({}); install ca-certificates, or name a bundle in SSL_CERT_FILE", BUNDLES.join(", "))
    })
}

fn pem(files: &[(String, Vec<u8>)]) -> Vec<PemFile<'_>> {
    files.iter().map(|(name, bytes)| PemFile { name, bytes }).collect()
}

fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}

fn text(path: &Path) -> anyhow::Result<String> {
    String::from_utf8(read(path)?).map_err(|_| anyhow!("{} is not UTF-8 text", path.display()))
}
