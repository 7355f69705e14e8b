//! The fields of a request that a case expects.

use std::collections::BTreeMap;

use serde_json::Value;

/// Fields of a request that are expected, by name.
pub type ExpectedFields = BTreeMap<String, Value>;
