//! The HTTP clients beneath: one for calls that may be repeated, one for those that may not, one for blobs.
//!
//! Nothing is repeated beneath us. reqwest repeats requests that a peer refused on protocol grounds unless
//! it is told `retry::never()`. hyper-util's pool sends a request again when the kept connection that it had
//! picked turned out closed *and* the request was handed back unstarted; that one cannot be turned off
//! through reqwest, and it is harmless, for no byte was written. But a kept connection that dies just as the
//! request is written leaves a create in doubt, so creates never use one: their client keeps no idle
//! connections, and with none reused the pool has nothing to repeat either.

use std::time::Duration;

use reqwest::{Certificate, NoProxy, Proxy, redirect, retry};

use super::settings::{BuildError, Settings};

/// Longest wait for a connection, TLS included.
const CONNECT: Duration = Duration::from_secs(30);

/// Never reached through a proxy: this machine, and Azure's metadata service.
const DIRECT: &str = "localhost,127.0.0.0/8,::1,169.254.169.254";

#[derive(Debug, Clone)]
pub(super) struct Http {
    /// Calls that are safe to repeat; keeps connections.
    pub(super) calls: reqwest::Client,
    /// Calls that are not; each has a connection of its own.
    pub(super) once: reqwest::Client,
    /// Blob transfers: HTTP/1.1, for parallel blocks want parallel connections. Without a timeout of their own:
    /// reqwest's would count from the start, and a slow link is no fault; transfers watch for silence.
    pub(super) blobs: reqwest::Client,
}

impl Http {
    pub(super) fn new(settings: &Settings) -> Result<Self, BuildError> {
        if rustls::crypto::CryptoProvider::get_default().is_none() {
            // Lost only to another thread that installs a provider at this moment, which serves us as well.
            let _lost = rustls::crypto::ring::default_provider().install_default().is_err();
        }
        let build = |builder: reqwest::ClientBuilder| {
            builder.build().map_err(|error| BuildError::Http(chain(&error.without_url())))
        };
        Ok(Self {
            calls: build(
                base(settings)?.timeout(settings.call_timeout).pool_idle_timeout(Duration::from_secs(60)),
            )?,
            once: build(base(settings)?.timeout(settings.call_timeout).pool_max_idle_per_host(0))?,
            blobs: build(base(settings)?.http1_only())?,
        })
    }
}

fn base(settings: &Settings) -> Result<reqwest::ClientBuilder, BuildError> {
    let mut builder = reqwest::Client::builder()
        .user_agent(&settings.user_agent)
        .redirect(redirect::Policy::none())
        .retry(retry::never())
        .referer(false)
        .tcp_nodelay(true)
        .connect_timeout(CONNECT)
        .no_proxy();
    for proxy in proxies(settings)? {
        builder = builder.proxy(proxy);
    }
    if let Some(pem) = &settings.ca_pem {
        let roots = Certificate::from_pem_bundle(pem).map_err(|error| BuildError::Roots(chain(&error)))?;
        if roots.is_empty() {
            return Err(BuildError::Roots("there is no certificate in it".to_owned()));
        }
        builder = builder.tls_certs_merge(roots);
    }
    Ok(builder)
}

/// The configured proxy, or the environment's; loopback goes direct with either.
fn proxies(settings: &Settings) -> Result<Vec<Proxy>, BuildError> {
    let var =
        |names: [&str; 2]| names.iter().find_map(|name| std::env::var(name).ok().filter(|v| !v.is_empty()));
    let bad = |error: reqwest::Error| BuildError::Http(format!("proxy: {}", chain(&error.without_url())));
    let exempt = |list: Option<String>| {
        NoProxy::from_string(&list.map_or_else(|| DIRECT.to_owned(), |list| format!("{list},{DIRECT}")))
    };
    if let Some(url) = &settings.proxy {
        return Ok(vec![Proxy::all(url.clone()).map_err(bad)?.no_proxy(exempt(None))]);
    }
    let exempt = exempt(var(["NO_PROXY", "no_proxy"]));
    let all = var(["ALL_PROXY", "all_proxy"]);
    let mut found = Vec::new();
    if let Some(url) = var(["HTTPS_PROXY", "https_proxy"]).or_else(|| all.clone()) {
        found.push(Proxy::https(url).map_err(bad)?.no_proxy(exempt.clone()));
    }
    if let Some(url) = var(["HTTP_PROXY", "http_proxy"]).or(all) {
        found.push(Proxy::http(url).map_err(bad)?.no_proxy(exempt));
    }
    Ok(found)
}

/// An error with its causes, on one line: reqwest's own text leaves out what went wrong.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let inner_text = inner.to_string();
        if !text.contains(&inner_text) {
            text.push_str(": ");
            text.push_str(&inner_text);
        }
        cause = inner.source();
    }
    crate::redact::mask(&text)
}
