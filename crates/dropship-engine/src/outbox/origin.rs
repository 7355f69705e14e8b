//! Where the ids of a receipt are valid.

use serde::{Deserialize, Serialize};

/// The service and the tenant at which the ids of a receipt are valid.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// URL of the service.
    pub endpoint: String,
    /// The tenant of the account.
    pub tenant_id: String,
}
