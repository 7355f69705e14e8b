//! The operations of the API by the names that errors and metrics use.

/// Every operation that a [`Client`](super::Client) can call, in alphabetical order.
pub const OPERATIONS: [&str; 21] = [
    "cancel shipping label",
    "commit submission",
    "create preproduction package",
    "create product",
    "create publisher metadata",
    "create shipping label",
    "create submission",
    "get preproduction asset",
    "get preproduction package",
    "get product",
    "get shipping label",
    "get submission",
    "list audiences",
    "list preproduction assets",
    "list products",
    "list shipping labels",
    "list submissions",
    "translate a partner's ids",
    "update product",
    "update shipping label",
    "update submission",
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// The operations in the sources: the first argument of `Call::…(`, and constants named `OPERATION`.
    #[test]
    fn list_has_every_operation_of_the_client() {
        let sources = [
            include_str!("check.rs"),
            include_str!("labels.rs"),
            include_str!("preprod.rs"),
            include_str!("products.rs"),
            include_str!("submissions.rs"),
        ];
        let mut found = BTreeSet::new();
        for source in sources {
            for marker in
                ["Call::get(", "Call::once(", "Call::create(", "Call::idempotent(", "OPERATION: &str ="]
            {
                let names =
                    source.split(marker).skip(1).filter_map(|rest| rest.trim_start().strip_prefix('"'));
                found.extend(names.filter_map(|rest| Some(rest.split_once('"')?.0)));
            }
        }
        assert_eq!(found.into_iter().collect::<Vec<_>>(), OPERATIONS);
    }
}
