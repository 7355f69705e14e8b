#![doc = include_str!("../README.md")]

mod assets;
mod layout;
mod navigation;
pub mod page;
pub mod picture;
pub mod text;

pub use assets::Asset;
pub use layout::{PageFrame, document};
pub use maud::Markup;
pub use navigation::Section;
