//! `[account]` and `[accounts.NAME]`.

use std::collections::BTreeMap;
use std::ops::Range;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::diagnostics::Diagnostics;
use crate::expiry;
use crate::model::{Account, Credential, DEFAULT_ACCOUNT};
use crate::raw;
use crate::raw::values::At;
use crate::secret_names::{KeyKind, TableScope, fault_of_file, kind};
use crate::secrets::ADVICE;

/// The kinds of credential, as keys.
const KINDS: &str = "`client_secret_file`, `client_secret_env`, `client_secret_credential`, \
                     `client_certificate_file`, `federated_token_file` or `managed_identity`";

pub(super) fn accounts(diagnostics: &mut Diagnostics<'_>, file: &raw::File) -> BTreeMap<String, Account> {
    let mut accounts = BTreeMap::new();
    if let Some(raw) = &file.account
        && let Some(account) = account(diagnostics, raw)
    {
        accounts.insert(DEFAULT_ACCOUNT.to_owned(), account);
    }
    for (name, raw) in file.accounts.iter().flat_map(|named| &named.value) {
        if name == DEFAULT_ACCOUNT && file.account.is_some() {
            let message = format!("`[accounts.{DEFAULT_ACCOUNT}]` and `[account]` are the same account");
            diagnostics.error(&raw.span, message);
        }
        if let Some(account) = account(diagnostics, raw) {
            accounts.insert(name.clone(), account);
        }
    }
    accounts
}

fn account(diagnostics: &mut Diagnostics<'_>, raw: &At<raw::Account>) -> Option<Account> {
    let is_managed = raw.managed_identity.as_ref().is_some_and(|flag| flag.value);
    let text = |diagnostics: &mut Diagnostics<'_>, value: &Option<At<String>>, key: &str| match value {
        None if is_managed => Some(String::new()),
        value => diagnostics.need_text(value, &raw.span, key),
    };
    let tenant_id = text(diagnostics, &raw.tenant_id, "tenant_id");
    let client_id = text(diagnostics, &raw.client_id, "client_id");
    if let (Some(tenant), Some(at)) = (&tenant_id, &raw.tenant_id) {
        // It becomes a part of the token URL's path.
        let is_unusual = |c: char| !(c.is_ascii_alphanumeric() || c == '-' || c == '.');
        if tenant.contains(is_unusual) {
            diagnostics
                .error(&at.span, format!("`{tenant}` is not a tenant; a tenant is a GUID or a domain name"));
        }
    }
    if let Some(at) = &raw.client_id
        && !KeyKind::Id.is_usual(&at.value)
    {
        let message = "the value of `client_id` is not the id of an application, which is a GUID";
        diagnostics.error_with_help(&at.span, message, ADVICE);
    }
    let credential = credential(diagnostics, raw)?;
    let secret_expires = secret_expires(diagnostics, raw, &credential);
    Some(Account { tenant_id: tenant_id?, client_id: client_id?, credential, secret_expires })
}

/// The time at which the secret expires: a day in UTC, or a time as Entra's command line prints it.
fn secret_expires(
    diagnostics: &mut Diagnostics<'_>,
    raw: &At<raw::Account>,
    credential: &Credential,
) -> Option<Timestamp> {
    let at = raw.secret_expires.as_ref()?;
    let text = at.value.trim();
    let day = || Some(text.parse::<Date>().ok()?.to_zoned(TimeZone::UTC).ok()?.timestamp());
    let Some(expires) = text.parse().ok().or_else(day) else {
        let help = "write the day as Entra shows it, such as \"2026-12-31\"";
        diagnostics.error_with_help(&at.span, format!("`{text}` is not a day"), help);
        return None;
    };
    if !credential.is_secret() {
        let message = "`secret_expires` belongs to a client secret, and this account has none";
        let help = "remove it; the date of a certificate is read from its file";
        diagnostics.error_with_help(&at.span, message, help);
        return None;
    }
    if let Some(warning) = expiry::warning("the client secret", expires, Timestamp::now()) {
        diagnostics.warn(&at.span, warning, Some(expiry::REMEDY_SECRET.to_owned()));
    }
    Some(expires)
}

fn credential(diagnostics: &mut Diagnostics<'_>, raw: &At<raw::Account>) -> Option<Credential> {
    let mut given: Vec<(&str, Range<usize>, Credential)> = Vec::new();
    let mut has_faulty = false;
    let mut add_credential =
        |diagnostics: &mut Diagnostics<'_>, key: &'static str, value: &Option<At<String>>, make: Make| {
            let Some(text) = value else { return };
            if text.trim().is_empty() {
                has_faulty = true;
                diagnostics.error(&text.span, format!("`{key}` is empty"));
                return;
            }
            let fault = match kind(key, TableScope::Account) {
                KeyKind::File => fault_of_file(text, &diagnostics.path(text)),
                kind => kind.fault(text),
            };
            if let Some(fault) = fault {
                has_faulty = true;
                diagnostics.error_with_help(&text.span, format!("the value of `{key}` {fault}"), ADVICE);
                return;
            }
            let credential = make(diagnostics, text);
            given.push((key, text.span.clone(), credential));
        };
    type Make = fn(&mut Diagnostics<'_>, &At<String>) -> Credential;
    add_credential(diagnostics, "client_secret_file", &raw.client_secret_file, |diagnostics, text| {
        Credential::SecretFile(diagnostics.path(text))
    });
    add_credential(diagnostics, "client_secret_env", &raw.client_secret_env, |_, text| {
        Credential::SecretEnv(text.value.clone())
    });
    add_credential(diagnostics, "client_secret_credential", &raw.client_secret_credential, |_, text| {
        Credential::SecretCredential(text.value.clone())
    });
    add_credential(
        diagnostics,
        "client_certificate_file",
        &raw.client_certificate_file,
        |diagnostics, text| Credential::CertificateFile(diagnostics.path(text)),
    );
    add_credential(diagnostics, "federated_token_file", &raw.federated_token_file, |diagnostics, text| {
        Credential::FederatedTokenFile(diagnostics.path(text))
    });
    if let Some(flag) = raw.managed_identity.as_ref().filter(|flag| flag.value) {
        given.push(("managed_identity", flag.span.clone(), Credential::ManagedIdentity));
    }
    if given.is_empty() {
        let block = diagnostics.block(&raw.span);
        let unusable =
            |(at, name): &(usize, String)| block.contains(at) && KINDS.contains(&format!("`{name}`"));
        if !has_faulty && !diagnostics.skipped_keys.iter().any(unusable) {
            let help = format!("give one of {KINDS}; the configuration must not contain the secret itself");
            diagnostics.error_with_help(&raw.span, "the account has no credential", help);
        }
        return None;
    }
    let (first, _, credential) = given.remove(0);
    for (key, span, _) in &given {
        let message = format!("`{key}` besides `{first}`: an account has exactly one credential");
        diagnostics.error_with_help(span, message, "remove the one that is not used");
    }
    given.is_empty().then_some(credential)
}
