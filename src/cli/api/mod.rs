//! `dropship api`: calls to the Hardware dashboard API by hand.

mod args;
mod audience;
mod command;
mod create;
mod download;
mod label;
mod label_update;
mod preprod;
mod product;
mod session;
mod shape;
mod submission;
mod targets;
mod transfer_progress;
mod upload;

pub(super) use command::{Args, run};
