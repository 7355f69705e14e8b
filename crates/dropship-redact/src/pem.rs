//! Why a PEM file cannot be read.

use rustls_pki_types::pem::Error;

/// The reason of an error, without the content of the file. The text of the error itself can contain a line of the file, and
/// in a file that has lost its line breaks, this line is the private key.
#[must_use]
pub fn pem_problem(error: &Error) -> &'static str {
    match error {
        Error::MissingSectionEnd { .. } => {
            "a section does not end with a line `-----END …-----`; perhaps the file has lost its line breaks"
        }
        Error::IllegalSectionStart { .. } => {
            "a line that begins with `-----BEGIN` does not end with `-----`; perhaps the file has lost its line breaks"
        }
        Error::Base64Decode(_) => "a section is not valid base64",
        Error::NoItemsFound => "no section is of this kind",
        Error::SectionTooLarge => "a section is too large",
        _ => "the file cannot be read",
    }
}
