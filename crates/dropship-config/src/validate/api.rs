//! `[api]`, `[store]` and `[control]`.

use std::path::PathBuf;
use std::time::Duration;

use url::Url;

use super::diagnostics::Diagnostics;
use crate::Environment;
use crate::model::{Api, Control, Overdue, Poll, PollInterval, Store};
use crate::raw::values::{At, Text};
use crate::raw::{self, Delay};
use dropship_hardware::Backoff;

/// Default endpoint.
const ENDPOINT: &str = "https://manage.devcenter.microsoft.com";
/// Default authority.
const AUTHORITY: &str = "https://login.microsoftonline.com";
/// Default blob hosts.
const BLOB_HOSTS: &str = "*.blob.core.windows.net";
/// Default number of workers; more of them only reach Microsoft's rate limits sooner.
const WORKERS: usize = 4;
/// Maximum number of workers.
const MAX_WORKERS: u64 = 256;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(86_400);

pub(super) fn api(diagnostics: &mut Diagnostics<'_>, file: &raw::File) -> Option<Api> {
    let unset = raw::Api::default();
    let raw = file.api.as_ref().map_or(&unset, |api| &api.value);
    let endpoint = base_url(diagnostics, &raw.endpoint, "endpoint", ENDPOINT);
    let authority = base_url(diagnostics, &raw.authority, "authority", AUTHORITY);
    let unset_poll = raw::Poll::default();
    let poll = raw.poll.as_ref().map_or(&unset_poll, |poll| &poll.value);
    let workers = match &raw.workers {
        None => WORKERS,
        Some(workers) if (1..=MAX_WORKERS).contains(&workers.value) => workers.value as usize,
        Some(workers) => {
            diagnostics.error(&workers.span, format!("`workers` is a number from 1 to {MAX_WORKERS}"));
            WORKERS
        }
    };
    let blob_hosts = match &raw.blob_hosts {
        None => vec![BLOB_HOSTS.to_owned()],
        Some(globs) => globs.0.iter().map(|glob| glob.value.0.as_str().to_owned()).collect(),
    };
    for glob in raw.blob_hosts.iter().flat_map(|globs| &globs.0) {
        if glob.value.0.is_anything() {
            let help = "name the hosts, such as \"*.blob.core.windows.net\"";
            diagnostics.error_with_help(
                &glob.span,
                "packages would go to any host that an answer names",
                help,
            );
        } else if host_of(glob.value.0.as_str()).contains(['/', ':']) {
            let help = "write the host, or host:port, without a scheme or path";
            diagnostics.error_with_help(&glob.span, format!("`{}` is not a host name", glob.value.0), help);
        }
    }
    let proxy = raw.proxy.as_ref().map(|proxy| proxy.value.0.clone());
    if let (Some(proxy), Some(at)) = (&proxy, &raw.proxy)
        && (!proxy.username().is_empty() || proxy.password().is_some())
    {
        let help = "set HTTPS_PROXY in the service's environment from a root-owned file instead";
        diagnostics.error_with_help(&at.span, "this file must not contain a secret", help);
    }
    Some(Api {
        endpoint: endpoint?,
        authority: authority?,
        blob_hosts,
        workers,
        uncertain: delay(&raw.uncertain, 10 * MINUTE),
        retry: backoff(diagnostics, &raw.retry, "retry", Duration::from_millis(500), 5 * MINUTE),
        poll: Poll {
            sign: poll_interval(diagnostics, &poll.sign, "sign", 15 * SECOND, 5 * MINUTE),
            publish: poll_interval(diagnostics, &poll.publish, "publish", MINUTE, HOUR),
            account: backoff(diagnostics, &poll.account, "account", 5 * SECOND, 5 * MINUTE),
        },
        overdue: Overdue {
            sign: delay(&raw.overdue.sign, 14 * DAY),
            publish: delay(&raw.overdue.publish, 60 * DAY),
        },
        audit: delay(&raw.audit, 7 * DAY),
        proxy,
        ca_file: raw.ca_file.as_ref().map(|path| diagnostics.path(path)),
    })
}

/// A base URL: https, or http for loopback addresses; nothing after the host but a path.
fn base_url(
    diagnostics: &mut Diagnostics<'_>,
    value: &Option<At<Text<Url>>>,
    key: &str,
    default: &str,
) -> Option<Url> {
    let Some(at) = value else {
        return Url::parse(default).ok();
    };
    let url = at.value.0.clone();
    if url.scheme() == "http" && !is_loopback(&url) {
        let help = "write https://; plain http:// is allowed for loopback addresses only";
        diagnostics.error_with_help(&at.span, format!("`{key}` would send credentials unencrypted"), help);
        return None;
    }
    if !url.username().is_empty() || url.password().is_some() {
        diagnostics.error(&at.span, "this file must not contain a secret");
        return None;
    }
    if url.query().is_some() || url.fragment().is_some() {
        diagnostics.error(&at.span, format!("`{key}` is a base URL; it has no `?` and no `#`"));
        return None;
    }
    Some(url)
}

/// Whether the host of a URL is a loopback address.
pub(super) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => {
            let name = name.trim_end_matches('.');
            name.eq_ignore_ascii_case("localhost") || name.to_ascii_lowercase().ends_with(".localhost")
        }
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

pub(super) fn delay(value: &Option<Delay>, default: Duration) -> Duration {
    value.as_ref().map_or(default, |delay| delay.value.0)
}

/// A delay that must not be zero, so that a loop cannot spin.
pub(super) fn nonzero_delay(
    diagnostics: &mut Diagnostics<'_>,
    value: &Option<Delay>,
    key: &str,
    default: Duration,
) -> Duration {
    match value {
        Some(delay) if delay.value.0.is_zero() => {
            diagnostics.error(&delay.span, format!("`{key}` must be longer than 0"));
            default
        }
        value => delay(value, default),
    }
}

fn poll_interval(
    diagnostics: &mut Diagnostics<'_>,
    value: &Option<At<raw::Interval>>,
    key: &str,
    first: Duration,
    max: Duration,
) -> PollInterval {
    let (first, max) = interval(diagnostics, value, key, first, max);
    PollInterval { first, max }
}

fn backoff(
    diagnostics: &mut Diagnostics<'_>,
    value: &Option<At<raw::Interval>>,
    key: &str,
    first: Duration,
    max: Duration,
) -> Backoff {
    let (first, max) = interval(diagnostics, value, key, first, max);
    // `first` is not zero, and `max` is not shorter.
    Backoff::new(first, max).unwrap_or(Backoff::DEFAULT)
}

/// The first and the longest interval: `first` is not zero, and `max` is not shorter.
fn interval(
    diagnostics: &mut Diagnostics<'_>,
    value: &Option<At<raw::Interval>>,
    key: &str,
    first: Duration,
    max: Duration,
) -> (Duration, Duration) {
    let Some(raw) = value else {
        return (first, max);
    };
    let given = nonzero_delay(diagnostics, &raw.first, "first", first);
    let longest = match &raw.max {
        None => max.max(given),
        value => delay(value, max),
    };
    if longest < given {
        let span = raw.max.as_ref().map_or(&raw.span, |max| &max.span);
        diagnostics.error(span, format!("`max` of `{key}` is shorter than its `first`"));
    }
    (given, longest.max(given))
}

/// Default of `most_waiting`: more than the workers start in minutes. Each costs a copy of the package.
const MOST_WAITING: usize = 1000;

/// Default of `max_package` in bytes.
const MAX_PACKAGE: u64 = 8 << 30;

pub(super) fn store_and_control(
    diagnostics: &mut Diagnostics<'_>,
    file: &raw::File,
    environment: &Environment,
) -> (Store, Control) {
    let unset = raw::Store::default();
    let raw = file.store.as_ref().map_or(&unset, |store| &store.value);
    let path = match &raw.path {
        Some(path) => diagnostics.path(path),
        None => environment.state_directory.clone().unwrap_or_else(|| PathBuf::from("/var/lib/dropship")),
    };
    let most_waiting = raw.most_waiting.as_ref();
    if let Some(zero) = most_waiting.filter(|most| most.value == 0) {
        diagnostics
            .error(&zero.span, "`most_waiting` must be at least 1; with 0 no package would be accepted");
    }
    if let Some(zero) = raw.max_package.as_ref().filter(|size| size.value.0.0 == 0) {
        diagnostics.error(
            &zero.span,
            "`max_package` must be at least 1 byte; with 0 every package would be rejected",
        );
    }
    let store = Store {
        path,
        database: super::database::database(diagnostics, raw),
        max_package: raw.max_package.as_ref().map_or(MAX_PACKAGE, |size| size.value.0.0),
        most_waiting: most_waiting
            .map_or(MOST_WAITING, |most| usize::try_from(most.value).unwrap_or(usize::MAX)),
        keep: nonzero_delay(diagnostics, &raw.keep, "keep", 90 * DAY),
        min_free: raw.min_free.as_ref().map(|size| size.value.0.0),
    };
    let unset = raw::Control::default();
    let raw = file.control.as_ref().map_or(&unset, |control| &control.value);
    let socket = match &raw.socket {
        Some(path) => diagnostics.path(path),
        None => environment
            .runtime_directory
            .clone()
            .unwrap_or_else(|| PathBuf::from("/run/dropship"))
            .join("control.sock"),
    };
    // The kernel's sun_path holds 108 bytes with the closing zero.
    if let Some(at) = &raw.socket
        && socket.as_os_str().len() > 107
    {
        diagnostics.error(&at.span, "a socket's path has at most 107 bytes");
    }
    let operators = raw.operators.iter().flat_map(|names| &names.0);
    let control = Control { socket, operators: operators.map(|name| name.value.clone()).collect() };
    (store, control)
}

/// The host of an entry `host` or `host:port`.
fn host_of(entry: &str) -> &str {
    match entry.rsplit_once(':') {
        Some((host, port)) if port.parse::<u16>().is_ok() => host,
        _ => entry,
    }
}
