//! Ids of clients and requests.

use uuid::Builder;

/// A random UUID (version 4).
pub(crate) fn random_uuid() -> String {
    let mut bytes = [0_u8; 16];
    if getrandom::fill(&mut bytes).is_err() {
        // Without randomness the ids still differ in time. They only serve to find a call in logs.
        bytes.copy_from_slice(&jiff::Timestamp::now().as_nanosecond().to_le_bytes());
    }
    Builder::from_random_bytes(bytes).into_uuid().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn random_uuids_are_version_4_and_differ() {
        let id = random_uuid();
        assert_eq!(id.as_bytes()[14], b'4', "{id}");
        assert_ne!(id, random_uuid());
    }
}
