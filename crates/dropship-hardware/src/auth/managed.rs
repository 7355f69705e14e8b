//! Managed identity: the platform vouches for the machine.
//!
//! Two forms are spoken: the instance metadata service of virtual machines, and the local endpoint that
//! App Service, Functions and Container Apps announce in the environment. Source: "How to use managed
//! identities to get an access token", Entra documentation.

use std::time::Duration;

use url::Url;

use crate::error::{Class, Error};
use dropship_redact::Secret;

use super::{OPERATION, answer};

/// The identity that Azure gives the machine.
#[derive(Debug, Clone)]
pub struct ManagedIdentity {
    /// Client id of a user-assigned identity; absent: the system's.
    pub identity: Option<String>,
    /// What its token is for.
    pub purpose: Purpose,
    /// Who hands it out.
    pub endpoint: IdentityEndpoint,
}

/// What a managed identity's token is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Purpose {
    /// The API itself: the identity is the application that Partner Center knows.
    Direct,
    /// To vouch for the application of the settings, which trusts this identity (federated credential).
    Exchange {
        /// The resource to ask for; usually [`ManagedIdentity::EXCHANGE`].
        resource: String,
    },
}

/// Who hands out the tokens of a managed identity.
#[derive(Debug, Clone)]
pub enum IdentityEndpoint {
    /// The instance metadata service at this base URL.
    Metadata(Url),
    /// The endpoint of App Service and its kin.
    AppService {
        /// `IDENTITY_ENDPOINT`.
        endpoint: Url,
        /// `IDENTITY_HEADER`.
        header: Secret,
    },
}

impl ManagedIdentity {
    /// The resource that federated credentials are made for.
    pub const EXCHANGE: &'static str = "api://AzureADTokenExchange";
    /// Where virtual machines find the metadata service.
    pub const METADATA: &'static str = "http://169.254.169.254";

    /// The machine's identity, with the endpoint that the environment announces.
    ///
    /// # Errors
    /// When `IDENTITY_ENDPOINT` is not a URL.
    pub fn from_env(identity: Option<String>, purpose: Purpose) -> Result<Self, url::ParseError> {
        let app = std::env::var("IDENTITY_ENDPOINT").ok().zip(std::env::var("IDENTITY_HEADER").ok());
        let endpoint = match app {
            Some((endpoint, header)) => {
                IdentityEndpoint::AppService { endpoint: Url::parse(&endpoint)?, header: Secret::new(header) }
            }
            None => IdentityEndpoint::Metadata(Url::parse(Self::METADATA)?),
        };
        Ok(Self { identity, purpose, endpoint })
    }

    /// Gets a token for that resource.
    pub(super) async fn token(
        &self,
        http: &reqwest::Client,
        resource: &str,
    ) -> Result<(Secret, Duration), Error> {
        let (mut url, version, headers) = match &self.endpoint {
            IdentityEndpoint::Metadata(base) => {
                let url = base.join("/metadata/identity/oauth2/token").map_err(|error| {
                    Error::unsent(
                        OPERATION,
                        Class::Credentials,
                        format!("the metadata service's URL: {error}"),
                    )
                })?;
                (url, "2018-02-01", ("Metadata", "true"))
            }
            IdentityEndpoint::AppService { endpoint, header } => {
                (endpoint.clone(), "2019-08-01", ("X-IDENTITY-HEADER", header.expose()))
            }
        };
        url.query_pairs_mut().append_pair("api-version", version).append_pair("resource", resource);
        if let Some(identity) = &self.identity {
            url.query_pairs_mut().append_pair("client_id", identity);
        }
        let request = http.get(url).header(headers.0, headers.1);
        answer::read(request.timeout(Duration::from_secs(60)).send().await).await
    }
}
