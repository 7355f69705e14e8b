//! Names that may have a page.

use maud::{Markup, html};

use crate::text::clean;

/// A text as a part of a query or path, percent-encoded.
#[must_use]
pub fn encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

/// A name, and the address of its page if it has one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MaybeLink {
    /// The name.
    pub name: String,
    /// The address.
    pub href: Option<String>,
}

impl MaybeLink {
    /// A name with a page.
    #[must_use]
    pub fn to(name: impl Into<String>, href: impl Into<String>) -> Self {
        Self { name: name.into(), href: Some(href.into()) }
    }

    /// A name without a page.
    #[must_use]
    pub fn name(name: impl Into<String>) -> Self {
        Self { name: name.into(), href: None }
    }

    /// The name, as a link if it has a page.
    #[must_use]
    pub fn render(&self) -> Markup {
        html! {
            @match &self.href {
                Some(href) => a href=(href) { bdi { (clean(&self.name)) } },
                None => bdi { (clean(&self.name)) },
            }
        }
    }
}

/// Links, separated by commas.
pub(super) fn links(links: &[MaybeLink]) -> Markup {
    html! { @for (index, link) in links.iter().enumerate() { @if index > 0 { ", " } (link.render()) } }
}

/// Names, separated by commas.
pub(super) fn names(names: &[String]) -> Markup {
    html! { @for (index, name) in names.iter().enumerate() { @if index > 0 { ", " } bdi { (clean(name)) } } }
}
