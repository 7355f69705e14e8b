//! PEM files that have lost their line breaks, or that end early: no message shows a key in them, in whatever form.

use std::fs;

use crate::harness::{TestEnv, text};

/// The first characters of an RSA key in PKCS #8.
const KEY: &str = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj";

/// Settings that name a file in PEM, as a change of the configuration.
const SETTINGS: &[(&str, &str)] = &[
    ("client_secret_file = \"secret\"", "client_certificate_file = \"broken.pem\""),
    ("[api]", "[api]\nca_file = \"broken.pem\""),
    ("roots = [\"roots.pem\"]", "roots = [\"broken.pem\"]"),
    #[cfg(feature = "postgres")]
    (
        "[store]",
        "[store]\nurl = \"postgres://dropship@db.invalid/dropship\"\npassword_file = \"secret\"\npackages = \"packages\"\nca_file = \"broken.pem\"",
    ),
];

#[test]
fn malformed_pem_file_is_reported_without_its_content() {
    let begin = "-----BEGIN PRIVATE KEY-----";
    let end = "-----END PRIVATE KEY-----";
    let files = [
        format!("{begin} {KEY} {end}\n"),
        format!("{begin}{KEY}\n{end}\n"),
        format!("{begin}\n{KEY}\n"),
        format!("{begin}\n{KEY}!\n{end}\n"),
    ];
    let numbers = format!("{:?}", &KEY.as_bytes()[..8]);
    let numbers = numbers.trim_matches(['[', ']']);
    for (from, to) in SETTINGS {
        let env = TestEnv::new();
        env.edit_configuration(from, to);
        for file in &files {
            fs::write(env.path("broken.pem"), file).expect("written");
            for command in [&["check"][..], &["--json", "check"], &["run", "--until-idle"]] {
                let output = env.run(command);
                let shown = text(&output.stdout) + &text(&output.stderr);
                assert_eq!(output.status.code(), Some(78), "{to}: {command:?}: {shown}");
                assert!(shown.contains("broken.pem"), "{to}: {command:?}: {shown}");
                assert!(!shown.contains(&KEY[..8]) && !shown.contains(numbers), "{to}: {command:?}: {shown}");
            }
        }
    }
}
