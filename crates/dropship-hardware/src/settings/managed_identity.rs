//! Managed identities of Azure.

use dropship_redact::SecretString;
use url::Url;

/// The identity that Azure assigns to the machine.
#[derive(Debug, Clone)]
pub struct ManagedIdentity {
    /// Client id of a user-assigned identity; `None`: the system-assigned identity.
    pub identity: Option<String>,
    /// The use of its tokens.
    pub purpose: Purpose,
    /// The endpoint that issues its tokens.
    pub endpoint: IdentityEndpoint,
}

/// The use of a managed identity's tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Purpose {
    /// Call the API: the identity is the application that is registered in Partner Center.
    Direct,
    /// Authenticate as the application of the settings, which trusts this identity (federated credential).
    Exchange {
        /// The resource to ask for; usually [`ManagedIdentity::EXCHANGE`].
        resource: String,
    },
}

/// The endpoint that issues the tokens of a managed identity.
#[derive(Debug, Clone)]
pub enum IdentityEndpoint {
    /// The instance metadata service at this base URL.
    Metadata(Url),
    /// The endpoint of App Service, Functions or Container Apps.
    AppService {
        /// `IDENTITY_ENDPOINT`.
        endpoint: Url,
        /// `IDENTITY_HEADER`.
        header: SecretString,
    },
}

impl ManagedIdentity {
    /// The resource that federated credentials are issued for.
    pub const EXCHANGE: &'static str = "api://AzureADTokenExchange";
    /// Base URL of the instance metadata service on virtual machines.
    pub const METADATA: &'static str = "http://169.254.169.254";

    /// The machine's identity, with the endpoint that the environment announces.
    ///
    /// # Errors
    /// When `IDENTITY_ENDPOINT` is not a URL.
    pub fn from_env(identity: Option<String>, purpose: Purpose) -> Result<Self, url::ParseError> {
        let app = std::env::var("IDENTITY_ENDPOINT").ok().zip(std::env::var("IDENTITY_HEADER").ok());
        let endpoint = match app {
            Some((endpoint, header)) => IdentityEndpoint::AppService {
                endpoint: Url::parse(&endpoint)?,
                header: SecretString::from(header),
            },
            None => IdentityEndpoint::Metadata(Url::parse(Self::METADATA)?),
        };
        Ok(Self { identity, purpose, endpoint })
    }
}
