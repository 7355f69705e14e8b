#![doc = include_str!("../README.md")]

mod address;
mod error;
mod objects;
mod presence;
mod settings;
mod transfer;

pub use address::{Address, BadAddress};
pub use error::ObjectError;
pub use objects::{Change, Fetched, Objects};
pub use settings::{BadSettings, Settings};
