//! The form that is posted to the token service.

use crate::settings::TokenVersion;
use dropship_redact::{ExposeSecret, SecretString};

/// How the application proves who it is, ready to be sent.
pub(super) enum ClientProof {
    /// `client_secret`.
    Secret(SecretString),
    /// `client_assertion`: a signed token.
    Assertion(SecretString),
}

/// One request for a token.
pub(super) struct TokenForm<'a> {
    pub(super) version: TokenVersion,
    pub(super) client_id: &'a str,
    pub(super) proof: &'a ClientProof,
    pub(super) resource: &'a str,
}

impl TokenForm<'_> {
    /// The fields, in the documentation's order.
    pub(super) fn fields(&self) -> Vec<(&'static str, String)> {
        const JWT: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
        let mut fields =
            vec![("grant_type", "client_credentials".to_owned()), ("client_id", self.client_id.to_owned())];
        match self.proof {
            ClientProof::Secret(secret) => fields.push(("client_secret", secret.expose_secret().to_owned())),
            ClientProof::Assertion(token) => {
                fields.push(("client_assertion_type", JWT.to_owned()));
                fields.push(("client_assertion", token.expose_secret().to_owned()));
            }
        }
        fields.push(match self.version {
            TokenVersion::V1 => ("resource", self.resource.to_owned()),
            TokenVersion::V2 => ("scope", format!("{}/.default", self.resource)),
        });
        fields
    }
}
