//! Which receipts belong to this daemon: the ids in a receipt are valid at one service and tenant only.

use std::collections::BTreeMap;

use super::origin::Origin;
use super::receipt::Receipt;

/// The service and the tenants that a daemon works with. It marks the receipts that the daemon writes, and recognises them.
#[derive(Debug, Clone, Default)]
pub struct Ownership {
    sandbox: bool,
    /// By name of the account; empty for a sandbox.
    origins: BTreeMap<String, Origin>,
}

impl Ownership {
    /// The ownership of a daemon that works with these accounts.
    #[must_use]
    pub fn of_service(origins: BTreeMap<String, Origin>) -> Self {
        Self { sandbox: false, origins }
    }

    /// The ownership of a daemon that uses a sandbox in place of the service.
    #[must_use]
    pub fn of_sandbox() -> Self {
        Self { sandbox: true, origins: BTreeMap::new() }
    }

    /// Marks a receipt as one of this daemon.
    pub fn mark_as_own(&self, receipt: &mut Receipt) {
        receipt.sandbox = self.sandbox;
        receipt.origin = receipt.account.as_ref().and_then(|name| self.origins.get(name)).cloned();
    }

    /// Whether the ids of a receipt are valid at this service, and belong to one of the tenants. A package that was not accepted
    /// has no account, so its receipt has no origin.
    #[must_use]
    pub fn owns(&self, receipt: &Receipt) -> bool {
        let is_known = |origin: &Origin| self.sandbox || self.origins.values().any(|known| known == origin);
        receipt.sandbox == self.sandbox && receipt.origin.as_ref().is_none_or(is_known)
    }
}
