//! The nine steps of a job, one file each.

pub(crate) mod collect;
pub(crate) mod commit;
pub(crate) mod inspect;
pub(crate) mod product;
pub(crate) mod sign;
pub(crate) mod submission;
pub(crate) mod upload;
