//! Why a signature value cannot be verified.

/// Why a signature value cannot be verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ValueFault {
    /// It does not match the key and the message.
    Bad,
    /// The key or the algorithm is not supported; the text names it.
    Unsupported(String),
}
