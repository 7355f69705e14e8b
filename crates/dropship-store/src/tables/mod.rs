//! The tables that the lines of the journal amount to, the same for both stores.
//!
//! Every change of a table goes through [`record()`] or [`replay`], so both stores do the same.

mod access;
mod byte_map;
mod codec;
pub(crate) mod devices;
mod files;
mod jobs;
pub(crate) mod key;
mod later_lines;
mod overlay;
pub(crate) mod published;
mod published_label;
mod record;
pub(crate) mod series;

pub use access::Tables;
pub(crate) use byte_map::{ByteMap, KeyValue, TableChanges};
pub use codec::KnownFile;
pub(crate) use codec::{decode, decode_job, id_of, number};
pub(crate) use jobs::remote_ids;
pub(crate) use later_lines::LaterLines;
pub(crate) use overlay::{Overlay, merge};
pub(crate) use record::{record, replay, require_unknown};
