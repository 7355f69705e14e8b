//! The daemon as a service: what it tells systemd, how it stops, and what freezes it.

mod drain;
mod manager;
mod notify;
mod notify_socket;
mod pages;
mod rights;
mod texts;
mod top;
