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

fn programs() -> Option<PathBuf> {
    let programs = std::env::var_os("DROPSHIP_POSTGRES");
    if programs.is_none() {
        eprintln!("NOT RUN: DROPSHIP_POSTGRES is not set; .ci/postgres sets it");
    }
    programs.map(PathBuf::from)
}

impl Server {
    fn start(programs: &Path) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o755)).expect("readable");
        let user = User(is_root().then(|| (id("-u"), id("-g"))));
        let (data, socket) = (folder.path().join("data"), folder.path().join("socket"));
        for folder in [&data, &socket] {
            std::fs::create_dir(folder).expect("created");
            if let Some((uid, gid)) = user.0 {
                chown(folder, Some(uid), Some(gid)).expect("given to the user of the server");
            }
        }
        let server = Self { folder, programs: programs.to_owned(), user, process: Mutex::new(None) };
        let mut initdb = server.command("initdb");
        let initdb =
            initdb.args(["--auth=trust", "--username=dropship", "--no-sync", "--encoding=UTF8", "-D"]);
        let made = initdb.arg(&data).stdout(Stdio::null()).status().expect("initdb runs");
        assert!(made.success(), "initdb failed");
        server.run();
        server
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.programs.join(program));
        command.current_dir(self.folder.path());
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
        let log = std::fs::File::create(self.folder.path().join("log")).expect("a log");
        let shell = shell.current_dir(self.folder.path()).args(["-c", script, "sh"]);
        let shell = shell.arg(self.programs.join("postgres")).arg("-D").arg(self.folder.path().join("data"));
        let shell = shell.arg("-k").arg(self.socket());
        let shell = shell.args(["-c", "listen_addresses=", "-c", "fsync=off", "-c", "max_connections=200"]);
        let shell = shell.stdin(Stdio::piped()).stdout(log.try_clone().expect("a log")).stderr(log);
        *self.process.lock().expect("unpoisoned") = Some(shell.spawn().expect("the server starts"));
        let begun = Instant::now();
        let ready = || self.psql("postgres", "SELECT 1").output().expect("psql runs").status.success();
        while !ready() {
            let log = std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
            assert!(begun.elapsed() < Duration::from_secs(60), "the server does not start: {log}");
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

    fn sql(&self, database: &str, sql: &str) -> String {
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
        let socket = self.server.socket().display().to_string().replace('/', "%2F");
        format!("postgres://dropship@{socket}/{}", self.name)
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
    pub(crate) fn open(&self, folder: &Path, role: Role, least: u64) -> (SharedStore, OpenReport) {
        let (journal, cancelled) = (Box::new(self.journal()), std::sync::atomic::AtomicBool::new(false));
        SharedStore::open_with_limit(folder, journal, role, least, Arc::new(Unwatched), &cancelled)
            .expect("the node opens its store")
    }

    /// Runs a statement; returns its values.
    pub(crate) fn sql(&self, sql: &str) -> String {
        self.server.sql(&self.name, sql)
    }

    /// Cuts all connections to the database but that of the statement. A server that is down has none.
    pub(crate) fn cut_connections(&self) {
        let sql = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()";
        drop(self.server.psql(&self.name, sql).output());
    }
}

fn is_root() -> bool {
    let own = std::fs::metadata("/proc/self").expect("a process");
    std::os::unix::fs::MetadataExt::uid(&own) == 0
}

/// The number of the server's user or group.
fn id(which: &str) -> u32 {
    let found = Command::new("id").args([which, "postgres"]).output().expect("id runs");
    let text = String::from_utf8_lossy(&found.stdout).trim().to_owned();
    text.parse().expect("the user `postgres` of Debian's package")
}
