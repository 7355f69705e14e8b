//! Rules and labels: from the configuration to the requests.

mod approval_page;
mod cab;
mod check;
mod comparison;
mod fields;
mod globs;
mod guard;
mod label_cancel;
mod label_holds;
mod label_lifecycle;
mod label_retry;
mod labels;
mod metadata;
mod mutation;
mod plan;
mod products;
mod reference;
mod reload;
mod reload_dry_run;
mod replay;
mod rule_tests;
mod running;
mod samples;
mod sidecars;
mod walks;
