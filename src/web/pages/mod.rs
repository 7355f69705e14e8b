//! The pages: each maps readings into the view model of `dropship-web`.

pub(super) mod charts;
pub(super) mod labels;
pub(super) mod overview;
pub(super) mod package;
pub(super) mod packages;
mod partner_center;
pub(super) mod rules;
pub(super) mod who;
