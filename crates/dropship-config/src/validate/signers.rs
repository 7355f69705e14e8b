//! `[signers]`.

use super::diagnostics::Diagnostics;
use crate::model::Signers;
use crate::raw;
use crate::raw::Texts;
use crate::raw::values::At;

pub(super) fn signers(diagnostics: &mut Diagnostics<'_>, raw: &At<raw::Signers>) -> Signers {
    let mut signers = Signers {
        roots: paths(diagnostics, &raw.roots),
        system_roots: raw.system_roots.as_ref().is_some_and(|flag| flag.value),
        intermediates: paths(diagnostics, &raw.intermediates),
        timestamp_roots: paths(diagnostics, &raw.timestamp_roots),
        crls: paths(diagnostics, &raw.crls),
        allow_unsigned: raw.allow_unsigned.as_ref().is_some_and(|flag| flag.value),
        ..Signers::default()
    };
    for print in raw.thumbprints.iter().flat_map(|prints| &prints.0) {
        // Certificate dialogs show them in pairs, with blanks, colons and sometimes an invisible mark in front.
        let hex: String = print.chars().filter(char::is_ascii_alphanumeric).collect();
        let hex = hex.to_ascii_lowercase();
        let is_hex = hex.bytes().all(|byte| byte.is_ascii_hexdigit());
        match (is_hex, hex.len()) {
            (true, 40 | 64) => {
                signers.thumbprints.insert(hex);
            }
            (true, length) => diagnostics.error(
                &print.span,
                format!("a thumbprint has 40 (SHA-1) or 64 (SHA-256) hexadecimal digits, this has {length}"),
            ),
            (false, _) => diagnostics.error(&print.span, "a thumbprint consists of hexadecimal digits"),
        }
    }
    signers
}

fn paths(diagnostics: &mut Diagnostics<'_>, texts: &Option<Texts>) -> Vec<std::path::PathBuf> {
    let texts = texts.iter().flat_map(|texts| &texts.0);
    let mut paths = Vec::new();
    for text in texts {
        match text.trim().is_empty() {
            true => diagnostics.error(&text.span, "this path is empty"),
            false => paths.push(diagnostics.path(text)),
        }
    }
    paths
}
