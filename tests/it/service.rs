//! The daemon as a service: what it tells systemd, how it stops, and what freezes it.

mod drain;
mod generated_texts;
mod http;
mod manager;
mod notify;
mod notify_socket;
mod permissions;
mod top;
