#![doc = include_str!("../README.md")]

mod escaped;
mod forms;
mod hidden;
mod json;
mod live;
mod mask;
mod patterns;
mod pem;
mod registry;
mod safe_url;
mod shell_word;
mod value;
mod view;

pub use escaped::{Escaped, EscapedLines};
pub use hidden::is_hidden;
pub use json::mask_json;
pub use live::{Lifetime, remember};
pub use mask::{holds_secret, mask, mask_live};
pub use pem::pem_problem;
pub use registry::Registry;
pub use safe_url::{SafeUrl, remember_url, remember_user};
pub use secrecy::{ExposeSecret, SecretString};
pub use shell_word::ShellWord;
pub use value::MASK;
