//! Secrets typed where only their place belongs.

use super::{CONTRACT, reported};

#[test]
fn keys_that_say_where_a_secret_is_refuse_other_values_without_showing_them() {
    for (key, value, fault) in [
        ("secret_credential", "hush, the secret", "is not the name of a systemd credential"),
        ("secret_file", "-----BEGIN hush", "is not a path"),
    ] {
        let notify =
            format!("[[notify]]\nname = \"a\"\nurl = \"https://hooks.example/\"\n{key} = \"{value}\"\n");
        let report = reported(&format!("{CONTRACT}\n{notify}"));
        assert!(report.contains(&format!("the value of `{key}` {fault}")), "{report}");
        assert!(!report.contains("hush"), "{report}");
    }
}
