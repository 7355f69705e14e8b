//! Connections to a real server over TLS, with certificates that `openssl` makes.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use super::environment_at;
use super::server::encrypted_database;
use crate::harness::{TestEnv, bytes, text};

pub(super) const PASSWORD: &str = "of-the-database-7f1c";

fn openssl(folder: &Path, args: &str) {
    let output =
        Command::new("openssl").current_dir(folder).args(args.split(' ')).output().expect("openssl runs");
    assert!(output.status.success(), "openssl {args}: {}", text(&output.stderr));
}

/// Makes the certificates `ca.pem`, `other.pem` (of another CA) and `server.pem`, for `db.corp`, with `server.key`.
pub(super) fn certificates(folder: &Path) {
    let key = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";
    for ca in ["ca", "other"] {
        openssl(folder, &format!("req -x509 {key} -keyout {ca}.key -out {ca}.pem -days 2 -subj /CN={ca}"));
    }
    openssl(folder, &format!("req {key} -keyout server.key -out server.csr -subj /CN=server"));
    std::fs::write(folder.join("names"), "subjectAltName=DNS:db.corp\n").expect("written");
    let sign = "x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile names -out server.pem";
    openssl(folder, sign);
}

/// The output of `check`, with its exit code.
fn check(env: &TestEnv, url: &str, more: &str) -> (Option<i32>, String) {
    let path = env.path("dropship.toml");
    let plain = std::fs::read_to_string(&path).expect("a configuration");
    let (before, after) = plain.split_once("url = ").expect("a URL");
    let (_, after) = after.split_once('\n').expect("a line");
    std::fs::write(&path, format!("{before}url = \"{url}\"\n{more}\n{after}")).expect("written");
    let output = env.run(&["check"]);
    std::fs::write(&path, plain).expect("written");
    (output.status.code(), text(&output.stdout) + &text(&output.stderr))
}

#[test]
fn database_on_another_machine_is_trusted_by_its_certificate_only() {
    let folder = tempfile::tempdir().expect("a folder");
    certificates(folder.path());
    let read = |name: &str| std::fs::read(folder.path().join(name)).expect("openssl has written it");
    let Some((database, port)) = encrypted_database(&read("server.pem"), &read("server.key"), PASSWORD)
    else {
        return;
    };
    let name = database.name().to_owned();
    // `hostaddr` stands for the name service: the name in the certificate is that of another machine.
    let at = |host: &str, more: &str| format!("postgres://app@{host}:{port}/{name}?hostaddr=127.0.0.1{more}");
    let env = environment_at(&at("db.corp", ""));
    for (file, bytes) in [("ca.pem", read("ca.pem")), ("other.pem", read("other.pem"))] {
        std::fs::write(env.path(file), bytes).expect("written");
    }
    for (file, password) in [("password", PASSWORD), ("wrong", "another")] {
        std::fs::write(env.path(file), password).expect("written");
        std::fs::set_permissions(env.path(file), PermissionsExt::from_mode(0o600)).expect("private");
    }
    let (ca, password) = ("ca_file = \"ca.pem\"\n", "password_file = \"password\"\n");
    let trusted = format!("{ca}{password}");
    let cases = [
        ("the right name and CA", at("db.corp", ""), trusted.clone(), ""),
        ("another name", at("db.other", ""), trusted.clone(), "certificate"),
        ("another CA", at("db.corp", ""), format!("ca_file = \"other.pem\"\n{password}"), "certificate"),
        ("no CA", at("db.corp", ""), password.to_owned(), "certificate"),
        ("without TLS", at("db.corp", "&sslmode=disable"), trusted.clone(), "sslmode=disable"),
        ("TLS if possible", at("db.corp", "&sslmode=prefer"), trusted.clone(), ""),
        ("another password", at("db.corp", ""), format!("{ca}password_file = \"wrong\"\n"), "password"),
        ("no password", at("db.corp", ""), ca.to_owned(), "password"),
        // To this machine, plain connections are allowed; this server refuses them.
        ("loopback", format!("postgres://app@127.0.0.1:{port}/{name}"), password.to_owned(), "encryption"),
    ];
    for (what, url, more, expected) in cases {
        let (code, output) = check(&env, &url, &more);
        if expected.is_empty() {
            assert_eq!(code, Some(0), "{what}: {output}");
            assert!(!output.contains("warning"), "{what}: {output}");
        } else {
            assert!(output.contains(expected), "{what}: {output}");
        }
        assert!(!output.contains(PASSWORD), "{what}: {output}");
    }

    env.edit_configuration("packages = \"shared\"", &format!("packages = \"shared\"\n{trusted}"));
    env.drop_package("echo.cab", &bytes("cab/good-signed-ts.cab"));
    let daemon = env.daemon(&["--until-idle"]);
    let receipt = env.wait_for_end();
    assert_eq!(receipt["state"], "succeeded", "{receipt:#}\n{}", env.log());
    assert_eq!(daemon.wait(), Some(0));
    assert!(!env.log().contains(PASSWORD), "the password is in the log");
    let plain = "SELECT count(*) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE usename = 'app' AND NOT ssl";
    assert_eq!(database.sql(plain), "0");
}
