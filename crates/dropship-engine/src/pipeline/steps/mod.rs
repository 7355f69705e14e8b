//! The steps of a job up to its results, one file each. The steps `label` and `publish` are in `crate::pipeline::labels`.

pub(crate) mod collect;
pub(crate) mod commit;
pub(crate) mod inspect;
pub(crate) mod product;
pub(crate) mod sign;
pub(crate) mod submission;
pub(crate) mod upload;
