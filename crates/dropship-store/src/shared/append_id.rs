//! The id of one append to a shared journal.

/// Identifies the lines of one append. It is random: the node that made the append recognises its lines by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct AppendId([u8; 16]);

impl AppendId {
    /// The id of an empty journal's end.
    pub const NONE: Self = Self([0; 16]);

    /// A new id. Without random bytes of the system, the time and the process distinguish it.
    #[must_use]
    pub fn random() -> Self {
        let mut bytes = [0; 16];
        if getrandom::fill(&mut bytes).is_err() {
            let nanos = jiff::Timestamp::now().as_nanosecond().to_be_bytes();
            bytes.copy_from_slice(&nanos);
            bytes[..4].copy_from_slice(&std::process::id().to_be_bytes());
        }
        Self(bytes)
    }

    /// The id with these bytes.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}
