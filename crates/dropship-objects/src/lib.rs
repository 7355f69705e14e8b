#![doc = include_str!("../README.md")]

mod address;
mod error;
mod objects;
mod reachability;
mod settings;
mod transfer;

pub use address::{Address, BadAddress};
pub use error::ObjectError;
pub use objects::{Fetched, ObjectChange, Objects};
pub use settings::{BadSettings, Settings};
