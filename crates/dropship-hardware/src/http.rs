//! The HTTP clients: one for calls that may be repeated, one for those that may not, one for blobs.
//!
//! The HTTP layer repeats nothing. reqwest repeats requests that a peer refuses on protocol grounds, unless it is built with
//! `retry::never()`. hyper-util's pool sends a request again if the idle connection that it chose was closed and no byte was
//! written; reqwest cannot turn that off, and it is harmless. But an idle connection that closes while the request is written
//! leaves a create in doubt. Therefore the client for creates keeps no idle connections.

use std::time::Duration;

use reqwest::{NoProxy, Proxy, redirect, retry};
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;

use dropship_redact::{pem_problem, remember_user};

use super::settings::{BuildError, Settings};

/// Maximum time to connect, including TLS.
const CONNECT: Duration = Duration::from_secs(30);

/// Never reached through a proxy: this machine, and Azure's metadata service.
const DIRECT: &str = "localhost,127.0.0.0/8,::1,169.254.169.254";

#[derive(Debug, Clone)]
pub(super) struct Http {
    /// Calls that are safe to repeat; keeps connections.
    pub(super) calls: reqwest::Client,
    /// Calls that are not; each has a connection of its own.
    pub(super) unpooled: reqwest::Client,
    /// Blob transfers. Without a timeout, because reqwest's counts from the start and a slow link is no fault; transfers fail
    /// when nothing moves.
    pub(super) blobs: reqwest::Client,
}

impl Http {
    pub(super) fn new(settings: &Settings) -> Result<Self, BuildError> {
        // The system's roots are some hundred files, so they are read once for all three.
        let tls = tls(settings)?;
        let build = |builder: reqwest::ClientBuilder| {
            builder.build().map_err(|error| BuildError::Http(chain(&error.without_url())))
        };
        Ok(Self {
            calls: build(
                base(settings, &tls)?
                    .timeout(settings.call_timeout)
                    .pool_idle_timeout(Duration::from_secs(60)),
            )?,
            unpooled: build(base(settings, &tls)?.timeout(settings.call_timeout).pool_max_idle_per_host(0))?,
            blobs: build(base(settings, &tls)?)?,
        })
    }
}

/// Trusts the system's roots and those of the settings.
fn tls(settings: &Settings) -> Result<ClientConfig, BuildError> {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // Fails only if another thread installs a provider at this moment, which is as good.
        let _lost = rustls::crypto::ring::default_provider().install_default().is_err();
    }
    let system = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(system.certs);
    if let Some(pem) = &settings.ca_pem {
        let before = roots.len();
        for root in CertificateDer::pem_slice_iter(pem) {
            let root = root.map_err(|error| BuildError::Roots(pem_problem(&error).to_owned()))?;
            roots.add(root).map_err(|error| BuildError::Roots(error.to_string()))?;
        }
        if roots.len() == before {
            return Err(BuildError::Roots("there is no certificate in it".to_owned()));
        }
    }
    for error in &system.errors {
        tracing::debug!(%error, "A root certificate of the system cannot be read");
    }
    if roots.is_empty() {
        tracing::warn!(
            "this system has no root certificates, so no https address can be reached; install ca-certificates or set `ca_file`"
        );
    }
    let mut tls = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    tls.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(tls)
}

fn base(settings: &Settings, tls: &ClientConfig) -> Result<reqwest::ClientBuilder, BuildError> {
    let mut builder = reqwest::Client::builder()
        .user_agent(&settings.user_agent)
        .redirect(redirect::Policy::none())
        .retry(retry::never())
        .referer(false)
        .tcp_nodelay(true)
        .connect_timeout(CONNECT)
        .tls_backend_preconfigured(tls.clone())
        .no_proxy();
    for proxy in proxies(settings)? {
        builder = builder.proxy(proxy);
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
    let remember = |url: &str| {
        if let Ok(url) = url::Url::parse(url) {
            remember_user(&url);
        }
    };
    if let Some(url) = &settings.proxy {
        remember_user(url);
        return Ok(vec![Proxy::all(url.clone()).map_err(bad)?.no_proxy(exempt(None))]);
    }
    let exempt = exempt(var(["NO_PROXY", "no_proxy"]));
    let all = var(["ALL_PROXY", "all_proxy"]);
    let mut found = Vec::new();
    if let Some(url) = var(["HTTPS_PROXY", "https_proxy"]).or_else(|| all.clone()) {
        remember(&url);
        found.push(Proxy::https(url).map_err(bad)?.no_proxy(exempt.clone()));
    }
    if let Some(url) = var(["HTTP_PROXY", "http_proxy"]).or(all) {
        remember(&url);
        found.push(Proxy::http(url).map_err(bad)?.no_proxy(exempt));
    }
    Ok(found)
}

/// The reason of a failed request, with advice where the reason alone does not help.
pub(super) fn explain(error: reqwest::Error) -> String {
    let advice = if is_unknown_issuer(&error) {
        "; if a proxy inspects TLS connections, its root certificate has to be trusted too"
    } else {
        ""
    };
    chain(&error.without_url()) + advice
}

/// Whether the peer's certificate was issued by an authority that is not trusted.
fn is_unknown_issuer(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(rustls::Error::InvalidCertificate(rustls::CertificateError::UnknownIssuer)) =
            error.downcast_ref()
        {
            return true;
        }
        // The source of an I/O error is the source of the error that it holds, which would be skipped.
        cause = match error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref) {
            Some(held) => Some(held),
            None => error.source(),
        };
    }
    false
}

/// An error with its causes, on one line: reqwest's own text omits the cause.
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
    dropship_redact::mask(&text)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio_rustls::TlsAcceptor;
    use tokio_rustls::rustls::ServerConfig;

    use super::*;
    use crate::{Credential, SecretSource};
    use dropship_redact::SecretString;

    const CA: &[u8] = include_bytes!("../tests/fixtures/tls/ca.pem");
    const CERTIFICATE: &[u8] = include_bytes!("../tests/fixtures/tls/localhost.pem");
    const KEY: &[u8] = include_bytes!("../tests/fixtures/tls/localhost.key.pem");

    fn settings(ca_pem: Option<&[u8]>) -> Settings {
        let base: url::Url = "https://localhost".parse().expect("a URL");
        let secret = Credential::Secret(SecretSource::fixed(SecretString::from("x")));
        Settings { ca_pem: ca_pem.map(<[u8]>::to_vec), ..Settings::new(base.clone(), base, "t", "c", secret) }
    }

    /// A server whose certificate an authority of our own has signed.
    async fn server() -> u16 {
        drop(rustls::crypto::ring::default_provider().install_default());
        let chain = vec![CertificateDer::from_pem_slice(CERTIFICATE).expect("a certificate")];
        let key = rustls_pki_types::PrivateKeyDer::from_pem_slice(KEY).expect("a key");
        let config = ServerConfig::builder().with_no_client_auth().with_single_cert(chain, key);
        let acceptor = TlsAcceptor::from(Arc::new(config.expect("a configuration")));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let Ok(mut stream) = acceptor.accept(stream).await else { continue };
                let mut head = [0; 4096];
                if stream.read(&mut head).await.is_ok() {
                    drop(stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await);
                }
            }
        });
        port
    }

    #[tokio::test]
    async fn server_is_trusted_by_roots_of_the_settings_only() {
        let url = format!("https://localhost:{}/", server().await);
        let http = Http::new(&settings(Some(CA))).expect("clients");
        for client in [&http.calls, &http.unpooled, &http.blobs] {
            assert_eq!(client.get(&url).send().await.expect("trusted").status(), 204);
        }
        let http = Http::new(&settings(None)).expect("clients");
        for client in [&http.calls, &http.unpooled, &http.blobs] {
            let error = explain(client.get(&url).send().await.expect_err("it is not trusted"));
            assert!(error.contains("UnknownIssuer") && error.contains("a proxy inspects"), "{error}");
        }
    }

    #[test]
    fn roots_that_are_none_are_refused() {
        for pem in
            [&b""[..], b"no certificate", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"]
        {
            let error = Http::new(&settings(Some(pem))).expect_err("refused");
            assert!(matches!(error, BuildError::Roots(_)), "{error}");
        }
    }
}
