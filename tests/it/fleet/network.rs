//! A node in a network of its own, which loses every packet without an error. Its path to the service stays open: such a node could
//! still send while another one has taken over.

use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use super::encrypted::{PASSWORD, certificates};
use super::namespaces::{Namespace, ip};
use super::proxy::{Proxy, Upstream};
use super::server::{Database, encrypted_database};
use super::{environment_at, is_root, second_node, wait_for_requests};
use crate::harness::{TestDaemon, TestEnv, bytes, wait_for};
use crate::storm::PackageTemplate;

const PACKAGES: u64 = 5;

/// A network namespace, and its link to this machine.
struct Network {
    namespace: Namespace,
    /// The end of the link on this machine.
    link: String,
    /// The address of this machine in the link.
    address: String,
}

impl Network {
    fn new() -> Self {
        let process = std::process::id();
        // Addresses for tests of networks (RFC 2544), four for each process.
        let [_, third, second, first] = (process << 2).to_be_bytes();
        let address = |last: u8| format!("198.{}.{second}.{}", 18 + (third & 1), first + last);
        let (namespace, link) = (Namespace::new(), format!("dropship{}", process % 1_000_000));
        let name = &namespace.name;
        ip(&format!("link add {link} type veth peer name inside netns {name}"));
        ip(&format!("addr add {}/30 dev {link}", address(1)));
        ip(&format!("link set {link} up"));
        ip(&format!("-n {name} addr add {}/30 dev inside", address(2)));
        ip(&format!("-n {name} link set inside up"));
        Self { namespace, link, address: address(1) }
    }

    /// Lets packets pass, or loses them.
    fn set(&self, is_up: bool) {
        ip(&format!("link set {} {}", self.link, if is_up { "up" } else { "down" }));
    }

    /// Starts a daemon in this network.
    fn daemon(&self, env: &TestEnv) -> TestDaemon {
        start(self.namespace.command(env!("CARGO_BIN_EXE_dropship")), env, "dropship.toml", &[])
    }
}

/// Starts a daemon with leases of 2 s.
fn start(mut command: Command, env: &TestEnv, file: &str, args: &[&str]) -> TestDaemon {
    let log = std::fs::File::options().create(true).append(true).open(env.path("daemon.log")).expect("a log");
    command.arg("--config").arg(env.path(file)).args(["run", "--log-level", "trace"]).args(args);
    command.env_remove("STATE_DIRECTORY").env_remove("RUNTIME_DIRECTORY");
    command.env("DROPSHIP_TEST_LEASE_DIVISOR", "15");
    TestDaemon { child: command.stderr(log).spawn().expect("the daemon starts") }
}

/// An environment with a node in the network, and one outside.
fn environment(network: &Network, database: &Database, port: u16, near: u16, ca: &[u8]) -> TestEnv {
    let url =
        |address: &str, port| format!("postgres://app@db.corp:{port}/{}?hostaddr={address}", database.name());
    let far = url(&network.address, near);
    let env = environment_at(&far);
    std::fs::write(env.path("ca.pem"), ca).expect("written");
    std::fs::write(env.path("password"), PASSWORD).expect("written");
    std::fs::set_permissions(env.path("password"), PermissionsExt::from_mode(0o600)).expect("private");
    let keys = "packages = \"shared\"\nca_file = \"ca.pem\"\npassword_file = \"password\"";
    env.edit_configuration("packages = \"shared\"", keys);
    second_node(&env);
    env.edit_configuration_of("second.toml", &far, &url("127.0.0.1", port));
    env
}

#[test]
fn node_whose_network_loses_all_packets_sends_nothing_more_and_ends() {
    if !is_root("it makes a network") {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    certificates(folder.path());
    let read = |name: &str| std::fs::read(folder.path().join(name)).expect("openssl has written it");
    let Some((database, port)) = encrypted_database(&read("server.pem"), &read("server.key"), PASSWORD)
    else {
        return;
    };
    let network = Network::new();
    let to_database = TcpListener::bind((network.address.as_str(), 0)).expect("a port of the link");
    let server = SocketAddr::from(([127, 0, 0, 1], port));
    let to_database = Proxy::on(to_database, Upstream::Tcp(server), 1, |_| Some(0));
    let packages = PackageTemplate::new(&bytes("cab/good-signed.cab"));
    for count in [4, 12, 25] {
        database.sql("DROP SCHEMA IF EXISTS dropship CASCADE");
        let env = environment(&network, &database, port, to_database.port, &read("ca.pem"));
        let sandbox = env.sandbox.base_url().trim_start_matches("http://").parse().expect("an address");
        let _to_service =
            Proxy::on(network.namespace.listener(sandbox), Upstream::Tcp(sandbox), 1, |_| Some(0));
        let one = network.daemon(&env);
        wait_for("the first node", || env.path("control.sock").exists().then_some(()))
            .unwrap_or_else(|| panic!("{}", env.log()));
        for number in 0..PACKAGES {
            env.drop_package(&format!("p{number}.cab"), &packages.package(number));
        }
        wait_for_requests(&env, count);
        network.set(false);
        let two = Command::new(env!("CARGO_BIN_EXE_dropship"));
        let two = start(two, &env, "second.toml", &["--until-idle"]);
        assert_eq!(two.wait(), Some(0), "{}", env.log());
        network.set(true);
        assert_eq!(one.wait(), Some(1), "{}", env.log());
        assert!(env.log().contains("another node has taken over"), "{}", env.log());
        let states: Vec<_> = env.receipts().iter().map(|receipt| receipt["state"].clone()).collect();
        assert_eq!(states, vec!["succeeded"; PACKAGES as usize], "cut after {count}\n{}", env.log());
        let each = PACKAGES as usize;
        assert_eq!(env.created(), (each, each, each), "cut after {count} requests\n{}", env.log());
    }
}
