#![doc = include_str!("../README.md")]

mod mask;
mod safe_url;

pub use mask::mask;
pub use safe_url::SafeUrl;
pub use secrecy::{ExposeSecret, SecretString};
