//! Managed identity: Azure authenticates the machine.
//!
//! Two endpoints are supported: the instance metadata service of virtual machines, and the local endpoint that
//! App Service, Functions and Container Apps announce in the environment. Source: "How to use managed identities to get
//! an access token", Entra documentation.

use std::time::Duration;

use dropship_redact::{ExposeSecret, Lifetime, SecretString, remember};

use super::answer::{self, OPERATION};
use crate::error::{Error, Recovery};
use crate::settings::{IdentityEndpoint, ManagedIdentity};

impl ManagedIdentity {
    /// Gets a token for that resource.
    pub(super) async fn token(
        &self,
        http: &reqwest::Client,
        resource: &str,
    ) -> Result<(SecretString, Duration), Error> {
        let (mut url, version, headers) = match &self.endpoint {
            IdentityEndpoint::Metadata(base) => {
                let url = base.join("/metadata/identity/oauth2/token").map_err(|error| {
                    Error::not_sent(
                        OPERATION,
                        Recovery::Credentials,
                        format!("the metadata service's URL: {error}"),
                    )
                })?;
                (url, "2018-02-01", ("Metadata", "true"))
            }
            IdentityEndpoint::AppService { endpoint, header } => {
                remember(header.expose_secret(), Lifetime::Process);
                (endpoint.clone(), "2019-08-01", ("X-IDENTITY-HEADER", header.expose_secret()))
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
