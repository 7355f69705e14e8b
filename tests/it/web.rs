//! The read-only pages, as browsers and attackers request them over a socket.

mod client;
mod fuzz;
mod live;
mod package;
mod packages;
mod rings;
mod rules;
mod safety;
