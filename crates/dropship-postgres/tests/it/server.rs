//! A PostgreSQL server that the tests start, in a temporary folder. It ends with the test process, however that ends.

use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::time::{Duration, Instant};

use dropship_postgres::{Address, PostgresJournal};
use dropship_store::{OpenReport, Role, SharedStore, Unwatched};

static RUNNING: Mutex<Weak<Server>> = Mutex::new(Weak::new());
static DATABASES: AtomicUsize = AtomicUsize::new(0);

/// Programs of the test's folder are run as this user, since the server refuses root.
#[derive(Clone, Copy)]
struct User(Option<(u32, u32)>);

/// A running server.
pub(crate) struct Server {
    folder: tempfile::TempDir,
    programs: PathBuf,
    user: User,
    /// Its options besides the usual ones.
    options: Vec<String>,
    port: u16,
    process: Mutex<Option<Child>>,
}

/// A database of its own for each test.
pub(crate) struct Database {
    pub(crate) server: Arc<Server>,
    name: String,
}

/// A new database; `None`, with a message, if there are no programs of a server.
pub(crate) fn database() -> Option<Database> {
    let programs = programs()?;
    let mut running = RUNNING.lock().expect("no test panicked here");
    let server = running.upgrade().unwrap_or_else(|| Arc::new(Server::start(&programs)));
    *running = Arc::downgrade(&server);
    drop(running);
    Some(Database::new(server))
}

/// A new database on a server of its own, which the test may stop.
pub(crate) fn database_of_its_own() -> Option<Database> {
    programs().map(|programs| Database::new(Arc::new(Server::start(&programs))))
}

/// A new database on a server of its own with these options.
pub(crate) fn database_with(options: &[&str]) -> Option<Database> {
    let mut server = Server::initialised(&programs()?);
    server.options.extend(options.iter().map(|option| (*option).to_owned()));
    server.run();
    Some(Database::new(Arc::new(server)))
}

/// A new database on a server of its own that speaks TLS with this certificate and key (PEM) on a port of 127.0.0.1, and
/// asks for the password of the user `app` there. Returns the port, too.
pub(crate) fn encrypted_database(certificate: &[u8], key: &[u8], password: &str) -> Option<(Database, u16)> {
    let mut server = Server::initialised(&programs()?);
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    server.port = listener.local_addr().expect("an address").port();
    drop(listener);
    let access = b"local all all trust\nhostssl all app 127.0.0.1/32 scram-sha-256\n";
    let files = [("ssl_cert_file", certificate), ("ssl_key_file", key), ("hba_file", access)];
    for (name, bytes) in files {
        let path = server.write(name, bytes);
        server.options.push(format!("{name}={}", path.display()));
    }
    server.options.extend(["ssl=on".to_owned(), "listen_addresses=127.0.0.1".to_owned()]);
    server.run();
    let port = server.port;
    let database = Database::new(Arc::new(server));
    database.sql(&format!("CREATE USER app PASSWORD '{password}'"));
    database.sql(&format!("GRANT CREATE ON DATABASE {} TO app", database.name));
    Some((database, port))
}

fn programs() -> Option<PathBuf> {
    let programs = std::env::var_os("DROPSHIP_POSTGRES");
    if programs.is_none() {
        eprintln!("NOT RUN: DROPSHIP_POSTGRES is not set; .ci/postgres sets it");
    }
    programs.map(PathBuf::from)
}

impl Server {
    fn start(programs: &Path) -> Self {
        let server = Self::initialised(programs);
        server.run();
        server
    }

    /// A server that has not been started, with an empty database cluster.
    fn initialised(programs: &Path) -> Self {
        let server = Self::new(programs);
        let mut initdb = server.command("initdb");
        let initdb =
            initdb.args(["--auth=trust", "--username=dropship", "--no-sync", "--encoding=UTF8", "-D"]);
        let status = initdb.arg(server.data()).stdout(Stdio::null()).status().expect("initdb runs");
        assert!(status.success(), "initdb failed");
        server
    }

    /// A server without data.
    fn new(programs: &Path) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o755)).expect("readable");
        let user = User(is_root().then(|| (id("-u"), id("-g"))));
        let (programs, options) = (programs.to_owned(), Vec::new());
        let server = Self { folder, programs, user, options, port: 5432, process: Mutex::new(None) };
        for folder in [server.data(), server.socket()] {
            std::fs::create_dir(&folder).expect("created");
            server.hand_over(&folder);
        }
        std::fs::set_permissions(server.data(), PermissionsExt::from_mode(0o700)).expect("private");
        server
    }

    /// Gives a file to the user of the server.
    fn hand_over(&self, path: &Path) {
        if let Some((uid, gid)) = self.user.0 {
            chown(path, Some(uid), Some(gid)).expect("given to the user of the server");
        }
    }

    /// Writes a file that only the server may read; returns its path.
    fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, bytes).expect("written");
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).expect("private");
        self.hand_over(&path);
        path
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// A running standby of this server; `name` is its name in `synchronous_standby_names`.
    pub(crate) fn standby(&self, name: &str) -> Self {
        let standby = self.empty();
        standby.follow(self, name);
        standby
    }

    /// A server without data, which does not run.
    pub(crate) fn empty(&self) -> Self {
        Self::new(&self.programs)
    }

    /// Makes a running standby of a server without data.
    pub(crate) fn follow(&self, primary: &Self, name: &str) {
        let source = format!("host={} user=dropship application_name={name}", primary.socket().display());
        let mut backup = self.command("pg_basebackup");
        backup.args(["--write-recovery-conf", "--no-sync", "--checkpoint=fast", "--dbname", &source]);
        let status = backup.arg("-D").arg(self.data()).status().expect("pg_basebackup runs");
        assert!(status.success(), "pg_basebackup failed");
        self.run();
    }

    /// Makes a primary of a standby.
    pub(crate) fn promote(&self) {
        assert_eq!(self.sql("postgres", "SELECT pg_promote()"), "t");
    }

    /// Waits until a standby of this name receives all commits before they are acknowledged, and has them all.
    pub(crate) fn wait_for_synchronous(&self, name: &str) {
        self.sql("postgres", &format!("ALTER SYSTEM SET synchronous_standby_names = '{name}'"));
        self.sql("postgres", "SELECT pg_reload_conf()");
        let state = format!("SELECT sync_state FROM pg_stat_replication WHERE application_name = '{name}'");
        let started = Instant::now();
        while self.sql("postgres", &state) != "sync" {
            assert!(started.elapsed() < Duration::from_secs(60), "the standby {name} does not follow");
            std::thread::park_timeout(Duration::from_millis(20));
        }
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.programs.join(program));
        command.current_dir(self.folder.path()).env("PGPORT", self.port.to_string());
        if let Some((uid, gid)) = self.user.0 {
            command.gid(gid).uid(uid);
        }
        command
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.folder.path().join("socket")
    }

    /// Starts the server and waits until it accepts connections.
    pub(crate) fn run(&self) {
        // The shell ends the server when its standard input closes: this process has stopped it, or is dead.
        let script = r#""$@" & server=$!; read -r how; kill "-${how:-INT}" $server; wait $server"#;
        let mut shell = Command::new("sh");
        if let Some((uid, gid)) = self.user.0 {
            shell.gid(gid).uid(uid);
        }
        let mut log = std::fs::File::options();
        let log = log.create(true).append(true).open(self.folder.path().join("log")).expect("a log");
        let shell = shell.current_dir(self.folder.path()).args(["-c", script, "sh"]);
        let shell = shell.arg(self.programs.join("postgres")).arg("-D").arg(self.data());
        let shell = shell.arg("-p").arg(self.port.to_string()).arg("-k").arg(self.socket());
        let shell = shell.args(["-c", "listen_addresses=", "-c", "fsync=off", "-c", "max_connections=200"]);
        let shell = shell.args(self.options.iter().flat_map(|option| ["-c", option]));
        let shell = shell.stdin(Stdio::piped()).stdout(log.try_clone().expect("a log")).stderr(log);
        *self.process.lock().expect("unpoisoned") = Some(shell.spawn().expect("the server starts"));
        let started = Instant::now();
        let ready = || self.psql("postgres", "SELECT 1").output().expect("psql runs").status.success();
        while !ready() {
            let log = std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
            assert!(started.elapsed() < Duration::from_secs(60), "the server does not start: {log}");
            std::thread::park_timeout(Duration::from_millis(50));
        }
    }

    /// Stops the server with this signal: `INT` closes all connections, `QUIT` is a crash.
    pub(crate) fn stop(&self, signal: &str) {
        let Some(mut shell) = self.process.lock().expect("unpoisoned").take() else { return };
        if let Some(mut input) = shell.stdin.take() {
            drop(std::io::Write::write_all(&mut input, format!("{signal}\n").as_bytes()));
        }
        drop(shell.wait());
    }

    fn psql(&self, database: &str, sql: &str) -> Command {
        let mut psql = self.command("psql");
        psql.args([
            "-X",
            "-q",
            "-A",
            "-t",
            "-v",
            "ON_ERROR_STOP=1",
            "-U",
            "dropship",
            "-d",
            database,
            "-c",
            sql,
        ]);
        psql.arg("-h").arg(self.socket()).stdin(Stdio::null());
        psql
    }

    /// Runs a statement in a database; returns its values.
    pub(crate) fn sql(&self, database: &str, sql: &str) -> String {
        let done = self.psql(database, sql).output().expect("psql runs");
        assert!(done.status.success(), "{sql}: {}", String::from_utf8_lossy(&done.stderr));
        String::from_utf8_lossy(&done.stdout).trim().to_owned()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop("QUIT");
    }
}

impl Database {
    fn new(server: Arc<Server>) -> Self {
        let name = format!("test{}", DATABASES.fetch_add(1, Ordering::Relaxed));
        server.sql("postgres", &format!("CREATE DATABASE {name} ENCODING 'UTF8' TEMPLATE template0"));
        Self { server, name }
    }

    pub(crate) fn url(&self) -> String {
        self.url_with(&[])
    }

    /// The address with further servers that may have this database.
    pub(crate) fn url_with(&self, others: &[&Server]) -> String {
        let host = |server: &Server| server.socket().display().to_string().replace('/', "%2F");
        let hosts: Vec<_> = std::iter::once(&*self.server).chain(others.iter().copied()).map(host).collect();
        format!("postgres://dropship@{}/{}", hosts.join(","), self.name)
    }

    /// Another new database on the same server.
    pub(crate) fn another(&self) -> Self {
        Self::new(Arc::clone(&self.server))
    }

    /// This database on another server.
    pub(crate) fn at(&self, server: Arc<Server>) -> Self {
        Self { server, name: self.name.clone() }
    }

    pub(crate) fn journal(&self) -> PostgresJournal {
        let address = Address::parse(&self.url()).expect("an address");
        PostgresJournal::connect(address, None, None).expect("connected")
    }

    /// Opens the store of a node beside others.
    pub(crate) fn node(&self, folder: &Path) -> (SharedStore, OpenReport) {
        self.open(folder, Role::Peer, 128 << 20)
    }

    /// Opens the store of a node, with the size below which the journal is not compacted.
    pub(crate) fn open(&self, folder: &Path, role: Role, min_size: u64) -> (SharedStore, OpenReport) {
        let (journal, cancelled) = (Box::new(self.journal()), std::sync::atomic::AtomicBool::new(false));
        SharedStore::open_with_limit(folder, journal, role, min_size, Arc::new(Unwatched), &cancelled)
            .expect("the node opens its store")
    }

    /// Opens the store of a node that takes over.
    pub(crate) fn active(&self, folder: &Path, name: &str) -> SharedStore {
        let role = Role::Node { name: name.into(), folders: vec!["in".into(), "out".into()] };
        let (store, _) = self.open(folder, role, 128 << 20);
        let (standing_by, never) =
            (tokio::sync::watch::channel(None).0, std::sync::atomic::AtomicBool::new(false));
        store.take_lease(&standing_by, &never).expect("it takes over");
        store
    }

    /// Runs a statement; returns its values.
    pub(crate) fn sql(&self, sql: &str) -> String {
        self.server.sql(&self.name, sql)
    }

    /// The name of the database.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Writes a dump of the database; returns its path.
    pub(crate) fn dump(&self) -> PathBuf {
        let path = self.server.folder.path().join("data").join(format!("{}.sql", self.name));
        let mut dump = self.server.command("pg_dump");
        dump.arg("-h").arg(self.server.socket()).args(["-U", "dropship", "-d", &self.name, "-f"]).arg(&path);
        assert!(dump.status().expect("pg_dump runs").success());
        path
    }

    /// Replaces the database by a dump.
    pub(crate) fn restore(&self, dump: &Path) {
        self.server.sql("postgres", &format!("DROP DATABASE {} WITH (FORCE)", self.name));
        let create = format!("CREATE DATABASE {} ENCODING 'UTF8' TEMPLATE template0", self.name);
        self.server.sql("postgres", &create);
        self.server.sql(&self.name, &format!("\\i {}", dump.display()));
    }

    /// Cuts all connections to the database but that of the statement. A server that is down has none.
    pub(crate) fn cut_connections(&self) {
        let sql = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()";
        drop(self.server.psql(&self.name, sql).output());
    }
}

fn is_root() -> bool {
    let process = std::fs::metadata("/proc/self").expect("a process");
    std::os::unix::fs::MetadataExt::uid(&process) == 0
}

/// The number of the server's user or group.
fn id(which: &str) -> u32 {
    let found = Command::new("id").args([which, "postgres"]).output().expect("id runs");
    let text = String::from_utf8_lossy(&found.stdout).trim().to_owned();
    text.parse().expect("the user `postgres` of Debian's package")
}
