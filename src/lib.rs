#![doc = include_str!("../README.md")]

pub mod attention;
pub mod cli;
pub mod control;
pub mod daemon;
pub mod database;
pub mod doctor;
pub mod http;
pub mod metrics;
pub mod notify;
pub mod package_objects;
pub mod requirements;
pub mod store_binding;
pub mod store_copy;
pub mod web;
pub(crate) mod wording;
