//! The command line: one file per command.

mod api;
mod approve;
mod backend;
mod cancel;
mod check;
mod command_line;
mod completions;
mod demo;
mod dispatch;
mod doctor;
#[cfg(test)]
mod errors_page;
mod exit;
mod export;
mod failure;
mod help;
mod init;
mod inspect;
mod job_action;
mod job_filter;
mod job_selection;
mod jobs;
mod labels;
mod log_level;
mod man;
mod offline_store;
mod output;
mod owner;
mod pause;
mod plan;
mod progress;
mod reload;
mod rescan;
mod resume;
mod retry;
mod run;
mod sandbox;
mod show;
mod status;
mod submit;
mod systemd;
mod test;
mod top;
mod wait;

pub use dispatch::main;
pub use exit::{Exit, ExitError};
