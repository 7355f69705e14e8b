//! The Hardware dashboard API: one file per resource.

pub(crate) mod audiences;
pub(crate) mod call;
pub(crate) mod downloads;
pub(crate) mod json;
pub(crate) mod label_rules;
pub(crate) mod label_update;
pub(crate) mod labels;
pub(crate) mod paging;
pub(crate) mod preprod;
pub(crate) mod products;
pub(crate) mod sharing;
pub(crate) mod submissions;
pub(crate) mod views;
