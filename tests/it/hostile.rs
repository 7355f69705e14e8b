//! Attacks of a build job that may write to drop folder and outbox. Each is carried out by another user than the daemon's, so they
//! run only as root. Each ends with: nothing written outside, no secret anywhere, other folders served, SIGTERM obeyed.

mod build_job;
mod descriptors;
mod dropped_files;
mod environment;
mod folder_above;
mod full_disk;
mod hung;
mod hung_mount;
mod names;
mod notifications;
mod outbox;
mod packages;
mod paths;
mod questions;
mod results;
mod rule_files;
mod same_content;
mod submitted;
