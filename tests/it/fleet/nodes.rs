//! Three daemons on one database and one service, which a test kills, freezes and cuts off.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, TcpListener};
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use dropship_sandbox::{Options, Quirks};
use serde_json::Value;

use super::networks::{Networks, SERVERS};
use super::proxy::{Proxy, Upstream, Way, process_of};
use super::server::{Database, Server};
use super::{is_root, signal};
use crate::fleet_objects::s3::S3;
use crate::harness::{TestDaemon, TestEnv, text};

/// Number of nodes.
pub(super) const NODES: usize = 3;

/// Leases last 2 s in place of 30 s, so that they run out often.
const LEASE_DIVISOR: &str = "15";

/// Time until a daemon that has ended is started again, as systemd does.
const RESTART: Duration = Duration::from_millis(100);

/// What repairs a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Repair {
    Start(usize),
    Continue(usize),
    /// The bytes that were held arrive late.
    Database(usize),
    /// The bytes that were held are lost.
    Service(usize),
    Network(usize),
    Server,
    Storage,
}

/// Nodes of one environment, with proxies in front of the database and the service.
pub(super) struct Fleet {
    pub(super) env: TestEnv,
    pub(super) database: Database,
    daemons: [Option<TestDaemon>; NODES],
    is_frozen: [bool; NODES],
    is_server_down: bool,
    /// The object storage, if the nodes have no folder in common for captured packages.
    pub(super) storage: Option<S3>,
    /// The networks of the nodes, as root.
    networks: Option<Networks>,
    /// The process of each node, for the proxy of the service.
    processes: Arc<Mutex<[u32; NODES]>>,
    databases: [Proxy; NODES],
    service: Proxy,
    repairs: Vec<(Instant, Repair)>,
    /// How often daemons ended without a signal of the test.
    pub(super) ends: usize,
}

/// Writes the file with the credentials of the storage.
pub(super) fn write_settings(env: &TestEnv, storage: &S3) {
    write_settings_at(env, storage, &storage.address.to_string());
}

/// The same for storage behind a proxy at this address.
fn write_settings_at(env: &TestEnv, storage: &S3, address: &str) {
    let settings = storage.settings().replace(&storage.address.to_string(), address);
    fs::write(env.path("storage.env"), settings).expect("written");
    let private = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    fs::set_permissions(env.path("storage.env"), private).expect("private");
}

fn socket_of(server: &Server) -> Upstream {
    Upstream::Unix(server.socket().join(".s.PGSQL.5432"))
}

impl Fleet {
    /// Starts the nodes. Captured packages are in a folder, or on this storage.
    pub(super) fn new(database: Database, storage: Option<S3>) -> Self {
        let options =
            Options { speed: 6000.0, quirks: Quirks::none(), page_size: 1000, ..Options::default() };
        let env = TestEnv::at(options, "");
        let sandbox = env.sandbox.base_url().trim_start_matches("http://").parse().expect("an address");
        let processes = Arc::new(Mutex::new([0; NODES]));
        let known = Arc::clone(&processes);
        let networks = is_root("a network of its own for each node").then(|| Networks::new(NODES));
        let loopback = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let host = networks.as_ref().map_or(loopback, |_| SERVERS);
        let listener = || match &networks {
            Some(networks) => networks.listener(),
            None => TcpListener::bind((loopback, 0)).expect("a port"),
        };
        let has_networks = networks.is_some();
        let service = Proxy::on(listener(), Upstream::Tcp(sandbox), NODES, move |peer| {
            if has_networks {
                return Networks::node_of(peer);
            }
            let processes = *known.lock().expect("unpoisoned");
            process_of(peer, &processes)
        });
        let databases =
            [(); NODES].map(|()| Proxy::on(listener(), socket_of(&database.server), 1, |_| Some(0)));
        let base = env.sandbox.base_url().to_owned();
        env.edit_configuration(&base, &format!("http://{host}:{}", service.port));
        if has_networks {
            // A call that has begun to connect is sent when packets pass again: the kernel tries at 1, 3 and 7 s.
            env.edit_configuration("uncertain = \"2s\"", "uncertain = \"10s\"");
        }
        let common = fs::read_to_string(env.path("dropship.toml")).expect("a configuration");
        // Each node has a folder of its own besides that of all.
        let folder = |number: usize| {
            fs::create_dir(env.path(&format!("drop{number}"))).expect("a folder");
            format!(
                "[[folder]]\nname = \"site{number}\"\nnode = \"n{number}\"\npath = \"drop{number}\"\noutbox = \"out{number}\"\n\
                 settle = \"200ms\"\npoll = \"1s\"\nsame_content = \"take\"\nafter = \"delete\"\n"
            )
        };
        let folders: String = (0..NODES).map(folder).collect();
        let common = common.replace("[signers]", &format!("{folders}[signers]"));
        let packages = match &storage {
            None => "packages = \"shared\"",
            Some(storage) => {
                let proxy = Proxy::on(listener(), Upstream::Tcp(storage.address), 1, |_| Some(0));
                write_settings_at(&env, storage, &format!("{host}:{}", proxy.port));
                "packages = \"s3://captured/fleet\"\npackages_credentials_file = \"storage.env\""
            }
        };
        for (number, proxy) in databases.iter().enumerate() {
            let store = format!(
                "path = \"store{number}\"\nurl = \"postgres://dropship@{host}:{}/{}\"\n{packages}\nnode = \"n{number}\"",
                proxy.port,
                database.name()
            );
            let own = common.replace("path = \"store\"", &store);
            let own = own.replace("control.sock", &format!("control{number}.sock"));
            fs::write(env.path(&format!("node{number}.toml")), own).expect("written");
        }
        let mut fleet = Self {
            env,
            database,
            daemons: Default::default(),
            is_frozen: [false; NODES],
            is_server_down: false,
            storage,
            networks,
            processes,
            databases,
            service,
            repairs: Vec::new(),
            ends: 0,
        };
        (0..NODES).for_each(|node| fleet.start(node));
        fleet
    }

    /// Drops a package into the folder of a node, or of all.
    pub(super) fn drop_package(&self, node: Option<usize>, name: &str, bytes: &[u8]) {
        let Some(node) = node else { return self.env.drop_package(name, bytes) };
        let staged = self.env.path(&format!("drop{node}/{name}.part"));
        fs::write(&staged, bytes).expect("a copy");
        fs::rename(&staged, self.env.path(&format!("drop{node}/{name}"))).expect("a rename");
    }

    /// The receipts in the outboxes of all folders. A package with a receipt that has succeeded has its results.
    pub(super) fn receipts(&self) -> Vec<Value> {
        let outboxes = (0..NODES).map(|node| self.env.path(&format!("out{node}")));
        let items = outboxes.filter_map(|outbox| fs::read_dir(outbox).ok()).flatten().flatten();
        let of_nodes = items.filter_map(|item| {
            let receipt = fs::read(item.path().join("receipt.json")).ok()?;
            let receipt: Value = serde_json::from_slice(&receipt).expect("a receipt is JSON");
            let has_results = item.path().join("signed.zip").is_file();
            assert!(receipt["state"] != "succeeded" || has_results, "{receipt:#}");
            Some(receipt)
        });
        of_nodes.chain(self.env.receipts()).collect()
    }

    /// The dropped files that are still in the folders of single nodes.
    pub(super) fn left(&self) -> usize {
        let folders = (0..NODES).map(|node| self.env.path(&format!("drop{node}")));
        folders.map(|folder| fs::read_dir(folder).expect("listed").count()).sum()
    }

    fn log_path(&self, node: usize) -> PathBuf {
        self.env.path(&format!("node{node}.log"))
    }

    /// The end of the log of each node.
    pub(super) fn logs(&self) -> String {
        let tail = |node| {
            let log = text(&fs::read(self.log_path(node)).unwrap_or_default());
            let from = log.len().saturating_sub(60_000);
            let from = (from..log.len()).find(|at| log.is_char_boundary(*at)).unwrap_or(0);
            format!("== node {node}\n{}\n", &log[from..])
        };
        (0..NODES).map(tail).collect()
    }

    /// Whether a text is in the log of a node.
    pub(super) fn is_logged(&self, what: &str) -> bool {
        (0..NODES).any(|node| text(&fs::read(self.log_path(node)).unwrap_or_default()).contains(what))
    }

    /// A command with the configuration of a node.
    pub(super) fn command(&self, node: usize, args: &[&str]) -> Command {
        let program = env!("CARGO_BIN_EXE_dropship");
        let mut command = match &self.networks {
            Some(networks) => networks.command(node, program),
            None => Command::new(program),
        };
        command.arg("--config").arg(self.env.path(&format!("node{node}.toml"))).args(args);
        command.env_remove("STATE_DIRECTORY").env_remove("RUNTIME_DIRECTORY");
        command.env("DROPSHIP_TEST_LEASE_DIVISOR", LEASE_DIVISOR);
        command
    }

    fn start(&mut self, node: usize) {
        if self.daemons[node].is_some() {
            return;
        }
        let log = fs::File::options().create(true).append(true).open(self.log_path(node)).expect("a log");
        let mut command = self.command(node, &["run", "--log-level", "debug"]);
        let child = command.stderr(log).spawn().expect("the daemon starts");
        self.processes.lock().expect("unpoisoned")[node] = child.id();
        self.daemons[node] = Some(TestDaemon { child });
    }

    /// Whether a node runs and is not frozen.
    pub(super) fn is_running(&self, node: usize) -> bool {
        self.daemons[node].is_some() && !self.is_frozen[node]
    }

    fn after(&mut self, delay: Duration, repair: Repair) {
        self.repairs.push((Instant::now() + delay, repair));
    }

    pub(super) fn kill(&mut self, node: usize, down: Duration) {
        if let Some(daemon) = self.daemons[node].take() {
            daemon.kill();
            self.is_frozen[node] = false;
            self.after(down, Repair::Start(node));
        }
    }

    pub(super) fn freeze(&mut self, node: usize, time: Duration) {
        if let Some(daemon) = self.daemons[node].as_ref().filter(|_| !self.is_frozen[node]) {
            signal(daemon, "-STOP");
            self.is_frozen[node] = true;
            self.after(time, Repair::Continue(node));
        }
    }

    pub(super) fn cut_database(&mut self, node: usize, way: Way, time: Duration) {
        if way == Way::Open {
            self.databases[node].cut(0);
        } else {
            self.databases[node].set(0, way);
            self.after(time, Repair::Database(node));
        }
    }

    pub(super) fn cut_service(&mut self, node: usize, way: Way, time: Duration) {
        if way == Way::Open {
            self.service.cut(node);
        } else {
            self.service.set(node, way);
            self.after(time, Repair::Service(node));
        }
    }

    /// Whether each node has a network.
    pub(super) fn has_networks(&self) -> bool {
        self.networks.is_some()
    }

    /// Whether packets of a node are lost at present.
    pub(super) fn is_a_network_down(&self) -> bool {
        self.repairs.iter().any(|(_, repair)| matches!(repair, Repair::Network(_)))
    }

    /// Loses all packets of a node, to the database, the service and the storage.
    pub(super) fn cut_network(&mut self, node: usize, time: Duration) {
        if let Some(networks) = &self.networks {
            networks.set(node, false);
            self.after(time, Repair::Network(node));
        }
    }

    /// Stops the server; `QUIT` is a crash.
    pub(super) fn stop_server(&mut self, how: &str, down: Duration) {
        if !self.is_server_down {
            self.database.server.stop(how);
            self.is_server_down = true;
            self.after(down, Repair::Server);
        }
    }

    /// Has the object storage answer 503.
    pub(super) fn fail_storage(&mut self, time: Duration) {
        if let Some(storage) = &self.storage {
            storage.set_away(true);
            self.after(time, Repair::Storage);
        }
    }

    /// Replaces the server by a synchronous standby. False while the server is down.
    pub(super) fn fail_over(&mut self) -> bool {
        if self.is_server_down {
            return false;
        }
        let standby = Arc::new(self.database.server.standby("next"));
        self.database.server.wait_for_synchronous("next");
        self.database.server.stop("QUIT");
        standby.promote();
        self.databases.iter().for_each(|proxy| proxy.redirect(socket_of(&standby)));
        self.database = self.database.at(standby);
        true
    }

    fn repair(&mut self, repair: Repair) {
        match repair {
            Repair::Start(node) => self.start(node),
            Repair::Continue(node) => {
                if let Some(daemon) = self.daemons[node].as_ref().filter(|_| self.is_frozen[node]) {
                    signal(daemon, "-CONT");
                    self.is_frozen[node] = false;
                }
            }
            Repair::Database(node) => self.databases[node].set(0, Way::Open),
            Repair::Service(node) => {
                self.service.cut(node);
                self.service.set(node, Way::Open);
            }
            Repair::Network(node) => {
                // The kernel of the node sends again what it has, which then arrives late at the database, but not at the service.
                self.service.cut(node);
                self.networks.iter().for_each(|networks| networks.set(node, true));
            }
            Repair::Storage => self.storage.iter().for_each(|storage| storage.set_away(false)),
            Repair::Server => {
                self.database.server.run();
                self.is_server_down = false;
            }
        }
    }

    /// Repairs what is due, and starts daemons that have ended.
    pub(super) fn tick(&mut self) {
        let now = Instant::now();
        let due: Vec<_> = self.repairs.extract_if(.., |(at, _)| *at <= now).collect();
        due.into_iter().for_each(|(_, repair)| self.repair(repair));
        for node in 0..NODES {
            let Some(daemon) = &mut self.daemons[node] else { continue };
            let Some(status) = daemon.child.try_wait().expect("asked") else { continue };
            assert_eq!(status.code(), Some(1), "node {node} ended with {status}\n{}", self.logs());
            self.ends += 1;
            self.daemons[node] = None;
            self.after(RESTART, Repair::Start(node));
        }
    }

    /// Repairs all faults at once.
    pub(super) fn repair_all(&mut self) {
        for (_, repair) in std::mem::take(&mut self.repairs) {
            self.repair(repair);
        }
    }
}
