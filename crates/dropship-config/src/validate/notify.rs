//! `[metrics]` and `[[notify]]`.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::Duration;

use super::api::{is_loopback, nonzero_delay};
use super::diagnostics::{Diagnostics, FirstUses};
use super::secret_keys;
use crate::model::{Notify, Occasion, SecretAt, Via};
use crate::raw;
use crate::raw::values::{At, Text, Texts};
use crate::secret_names::KeyKind;
use dropship_redact::SafeUrl;

/// The words of `on`.
const OCCASION_WORDS: [&str; 8] =
    ["succeeded", "failed", "cancelled", "ended", "held", "rejected", "account", "label"];

pub(super) fn metrics(diagnostics: &mut Diagnostics<'_>, file: &raw::File) -> Option<SocketAddr> {
    let listen = file.metrics.as_ref()?.value.listen.as_ref()?;
    match listen.value.parse() {
        Ok(address) => Some(address),
        Err(_) => {
            let help = "write an IP address and a port, such as \"127.0.0.1:9464\" or \"[::1]:9464\"";
            diagnostics.error_with_help(&listen.span, format!("`{}` is not an address", listen.value), help);
            None
        }
    }
}

pub(super) fn notify(diagnostics: &mut Diagnostics<'_>, file: &raw::File) -> Vec<Notify> {
    let mut names = FirstUses::default();
    file.notify.iter().filter_map(|raw| notify_entry(diagnostics, raw, &mut names)).collect()
}

fn notify_entry(
    diagnostics: &mut Diagnostics<'_>,
    raw: &At<raw::Notify>,
    names: &mut FirstUses,
) -> Option<Notify> {
    let name = diagnostics.need_text(&raw.name, &raw.span, "name");
    if let (Some(name), Some(at)) = (&name, &raw.name) {
        // It becomes the name of a folder.
        if !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_') {
            let help = "use letters, digits, `-` and `_`";
            diagnostics.error_with_help(&at.span, format!("`{name}` is not a name"), help);
        }
        diagnostics.unique(names, "[[notify]]", name, &at.span);
    }
    let on = occasions(diagnostics, raw);
    let via = via(diagnostics, raw);
    let timeout = nonzero_delay(diagnostics, &raw.timeout, "timeout", Duration::from_secs(30));
    let give_up = nonzero_delay(diagnostics, &raw.give_up, "give_up", Duration::from_secs(3 * 86_400));
    Some(Notify { name: name?, on, via: via?, timeout, give_up })
}

fn occasions(diagnostics: &mut Diagnostics<'_>, raw: &raw::Notify) -> BTreeSet<Occasion> {
    let Some(words) = &raw.on else { return Occasion::ALL.into() };
    let mut on = BTreeSet::new();
    for word in &words.0 {
        match word.value.as_str() {
            "ended" => on.extend([Occasion::Succeeded, Occasion::Failed, Occasion::Cancelled]),
            "succeeded" => on.extend([Occasion::Succeeded]),
            "failed" => on.extend([Occasion::Failed]),
            "cancelled" => on.extend([Occasion::Cancelled]),
            "held" => on.extend([Occasion::Held]),
            "rejected" => on.extend([Occasion::Rejected]),
            "account" => on.extend([Occasion::Account]),
            "label" => on.extend([Occasion::Label]),
            other => diagnostics.unknown(&word.span, "occasion", other, &OCCASION_WORDS),
        }
    }
    on
}

fn via(diagnostics: &mut Diagnostics<'_>, raw: &At<raw::Notify>) -> Option<Via> {
    match (&raw.url, &raw.command) {
        (Some(url), None) => Some(webhook(diagnostics, raw, url)),
        (None, Some(words)) => command(diagnostics, raw, words),
        (Some(_), Some(_)) => {
            diagnostics.error(&raw.span, "`url` and `command`: a [[notify]] has one of them");
            None
        }
        (None, None) => {
            diagnostics.error(&raw.span, "`url` or `command` is missing");
            None
        }
    }
}

fn webhook(diagnostics: &mut Diagnostics<'_>, raw: &raw::Notify, url: &At<Text<url::Url>>) -> Via {
    let target = &url.value.0;
    if target.scheme() != "https" && !(target.scheme() == "http" && is_loopback(target)) {
        let help = "write https://; plain http:// is allowed for loopback addresses only";
        diagnostics.error_with_help(&url.span, "notifications would be sent unencrypted", help);
    }
    let given = [
        ("secret_file", &raw.secret_file, KeyKind::File),
        ("secret_credential", &raw.secret_credential, KeyKind::Credential),
    ];
    secret_keys::check(diagnostics, given);
    let secret = match (&raw.secret_file, &raw.secret_credential) {
        (Some(_), Some(at)) => {
            diagnostics
                .error(&at.span, "`secret_credential` besides `secret_file`: a webhook has one secret");
            None
        }
        (Some(file), None) => Some(SecretAt::File(diagnostics.path(file))),
        (None, Some(name)) => Some(SecretAt::Credential(name.value.clone())),
        (None, None) => None,
    };
    Via::Webhook { url: SafeUrl::new(target.clone()), secret }
}

fn command(diagnostics: &mut Diagnostics<'_>, raw: &At<raw::Notify>, command: &Texts) -> Option<Via> {
    let words: Vec<_> = command.0.iter().map(|word| word.value.clone()).collect();
    for at in raw.secret_file.iter().chain(&raw.secret_credential) {
        diagnostics.error(&at.span, "a command has no secret; it is for a webhook");
    }
    match command.0.first() {
        Some(program) if program.value.starts_with('/') => {
            diagnostics.path(program);
            Some(Via::Command(words))
        }
        Some(program) => {
            let help = "write the whole path; nothing is searched for, and no shell is asked";
            diagnostics.error_with_help(
                &program.span,
                format!("`{}` is not an absolute path", program.value),
                help,
            );
            None
        }
        None => {
            diagnostics.error(&raw.span, "`command` is empty");
            None
        }
    }
}
