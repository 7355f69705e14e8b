//! dropship as its users meet it: the real binary, real files, real sockets, real signed packages.

#![expect(missing_docs, reason = "tests tell by their names")]

mod home;

mod configuration;
mod crash;
mod hardware;
mod outage;
mod rejection;
mod secrecy;
mod way;
