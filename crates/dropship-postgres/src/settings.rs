//! How connections are made.

use std::sync::Arc;

use secrecy::SecretString;

use crate::address::Address;
use crate::tls::Roots;

/// Reads the password, at each connection: it may change. The error is for the operator.
pub type Password = Arc<dyn Fn() -> Result<SecretString, String> + Send + Sync>;

/// The address of the database, and what a connection needs besides.
pub(crate) struct Settings {
    pub(crate) address: Address,
    pub(crate) password: Option<Password>,
    pub(crate) roots: Option<Roots>,
}
