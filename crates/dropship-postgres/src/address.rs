//! The address of a database.

use std::net::IpAddr;
use std::time::Duration;

use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode, TargetSessionAttrs};

/// Maximum time to connect to one host.
const CONNECT: Duration = Duration::from_secs(5);

/// Time after which unacknowledged bytes break a connection.
const SILENCE: Duration = Duration::from_secs(10);

/// A URL that is no address of a database.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{0}")]
pub struct BadAddress(String);

/// The address of a database, without a password.
#[derive(Debug, Clone)]
pub struct Address {
    config: Config,
    needs_tls: bool,
}

impl Address {
    /// Reads `postgres://USER@HOST/DATABASE`. Several hosts, separated by commas, are tried in order until one accepts writes.
    ///
    /// # Errors
    /// When a part of the address is missing or must not be there. The error names the part.
    pub fn parse(url: &str) -> Result<Self, BadAddress> {
        let bad = |why: &str| Err(BadAddress(why.to_owned()));
        if !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
            return bad("expected an address such as postgres://dropship@db.corp/dropship");
        }
        let mut config: Config = match url.parse() {
            Ok(config) => config,
            Err(error) => return Err(BadAddress(with_cause(&error))),
        };
        if config.get_password().is_some() {
            return bad(
                "the address must not contain the password; set password_file or password_credential",
            );
        }
        if config.get_user().is_none() {
            return bad("the address names no user: postgres://USER@HOST/DATABASE");
        }
        if config.get_dbname().is_none_or(str::is_empty) {
            return bad("the address names no database: postgres://USER@HOST/DATABASE");
        }
        if config.get_hosts().is_empty() {
            return bad(
                "the address names no host; for a Unix socket write postgres://USER@%2Frun%2Fpostgresql/DATABASE",
            );
        }
        let is_remote = |host: &Host| match host {
            Host::Tcp(name) => {
                !name.eq_ignore_ascii_case("localhost")
                    && !name
                        .trim_matches(['[', ']'])
                        .parse::<IpAddr>()
                        .is_ok_and(|address| address.is_loopback())
            }
            Host::Unix(_) => false,
        };
        let is_remote = config.get_hosts().iter().any(is_remote)
            || config.get_hostaddrs().iter().any(|address| !address.is_loopback());
        if is_remote && config.get_ssl_mode() == SslMode::Disable {
            return bad("sslmode=disable is allowed for loopback addresses and Unix sockets only");
        }
        let needs_tls = is_remote || config.get_ssl_mode() == SslMode::Require;
        config
            .ssl_mode(if needs_tls { SslMode::Require } else { SslMode::Disable })
            .application_name("dropship")
            .target_session_attrs(TargetSessionAttrs::ReadWrite)
            .connect_timeout(CONNECT)
            .tcp_user_timeout(SILENCE)
            .keepalives_idle(SILENCE);
        Ok(Self { config, needs_tls })
    }

    /// Whether connections use TLS.
    #[must_use]
    pub fn needs_tls(&self) -> bool {
        self.needs_tls
    }

    pub(crate) fn config(&self) -> &Config {
        &self.config
    }
}

/// An error with its causes: tokio-postgres prints only "invalid configuration".
pub(crate) fn with_cause(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn address_needs_tls_unless_it_is_loopback_or_a_socket() {
        let needs = |url: &str| Address::parse(url).expect(url).needs_tls();
        for local in [
            "postgres://d@localhost/d",
            "postgresql://d@127.0.0.1:5433/d",
            "postgres://d@[::1]/d",
            "postgres://d@%2Frun%2Fpostgresql/d",
            "postgres:///d?host=/run/postgresql&user=d",
            "postgres://d@LOCALHOST/d?sslmode=prefer",
        ] {
            assert!(!needs(local), "{local}");
        }
        for remote in [
            "postgres://d@db.corp/d",
            "postgres://d@10.0.0.1/d",
            "postgres://d@localhost,db.corp/d",
            "postgres://d@db.corp/d?sslmode=prefer",
            "postgres://d@localhost/d?sslmode=require",
            "postgres://d@localhost/d?hostaddr=10.0.0.1",
        ] {
            assert!(needs(remote), "{remote}");
        }
    }

    #[test]
    fn bad_address_is_refused_with_its_reason() {
        let why = |url: &str| Address::parse(url).map(|_| ()).expect_err(url).to_string();
        assert!(why("mysql://d@h/d").contains("postgres://"));
        assert!(why("postgres://d:secret@h/d").contains("password_file"));
        assert!(!why("postgres://d:secret@h/d").contains("secret"));
        assert!(why("postgres://h/d").contains("user"));
        assert!(why("postgres://d@h").contains("database"));
        assert!(why("postgres://d@h/").contains("database"));
        assert!(why("postgres://d@h/d?sslmode=disable").contains("loopback"));
        assert!(why("postgres://d@h:port/d").contains("port"));
        assert!(why("postgres://d@h/d?nonsense=1").contains("nonsense"));
    }
}
