//! The daemon under systemd: notifications, shutdown, watchdog, permissions, metrics.

mod attention;
mod control_errors;
mod counts;
mod drain;
mod floods;
mod generated_texts;
pub(crate) mod http;
mod lost_files;
mod lost_socket;
mod manager;
mod notify;
mod notify_socket;
mod one_cause;
mod permissions;
mod shared_socket;
mod terminal;
mod top;
