//! `links[]`: hosts and paths are wrong in many responses, so no link is followed.

use serde::{Deserialize, Serialize};

use super::{Unknown, wire};

/// A link of an answer. Only ids and the continuation token may be taken from `href`.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Link {
    /// Where it points, as it came: often not even a URL.
    #[serde(deserialize_with = "wire::raw_text", serialize_with = "wire::mask_text")]
    pub href: String,
    /// Relation: `self`, `next_link`, `get_submissions`, `driverMetadata` ...
    #[serde(deserialize_with = "wire::text")]
    pub rel: String,
    /// HTTP method.
    #[serde(deserialize_with = "wire::text")]
    pub method: String,
    /// Fields without a documented name.
    #[serde(flatten)]
    pub other: Unknown,
}

impl std::fmt::Debug for Link {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Link({} {} {})", self.rel, self.method, dropship_redact::mask(&self.href))
    }
}

/// The first link of that relation, case-blind.
pub(super) fn find<'a>(links: &'a [Link], rel: &str) -> Option<&'a Link> {
    links.iter().find(|link| link.rel.trim().eq_ignore_ascii_case(rel))
}
