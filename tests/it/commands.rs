//! Commands of operators: errors, exit codes, selections of jobs, the list of labels, and the level of the log.

mod advice;
mod broken_configuration;
mod config_show;
mod failures;
mod init;
mod log_level;
mod offline;
mod requirements;
mod selection;
