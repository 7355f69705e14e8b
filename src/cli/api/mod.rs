//! `dropship api`: calls to the Hardware dashboard API by hand.

mod args;
mod audience;
mod codes;
mod command;
mod create;
mod download;
mod label;
mod label_update;
mod preprod;
mod preprod_wait;
mod product;
mod progress;
mod request_fields;
mod request_file;
mod session;
mod shape;
mod submission;
mod targets;
mod transfer_progress;
mod upload;
mod wait;

pub(super) use command::{Args, run};
