//! A proxy between nodes and a server. A test cuts and stalls the connections of a node.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};

/// What happens to the connections of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// Bytes pass.
    Open,
    /// New connections are closed at once.
    Closed,
    /// Connections are accepted, and no byte passes.
    Stalled,
}

/// The server behind a proxy.
#[derive(Debug, Clone)]
pub(crate) enum Upstream {
    /// A socket of the file system.
    Unix(PathBuf),
    /// A port of this machine.
    Tcp(SocketAddr),
}

/// Finds the node that has connected from an address.
type Owner = Box<dyn Fn(SocketAddr) -> Option<usize> + Send + Sync>;

/// A proxy on a port.
pub(crate) struct Proxy {
    pub(crate) port: u16,
    shared: Arc<Shared>,
}

struct Shared {
    upstream: Mutex<Upstream>,
    owner: Owner,
    ways: Mutex<Vec<Way>>,
    changed: Condvar,
    connections: Mutex<Vec<Arc<Connection>>>,
}

struct Connection {
    node: usize,
    ends: [Stream; 2],
    is_cut: AtomicBool,
}

enum Stream {
    Unix(UnixStream),
    Tcp(TcpStream),
}

impl Stream {
    fn read(&self, buffer: &mut [u8]) -> usize {
        match self {
            Self::Unix(stream) => (&*stream).read(buffer),
            Self::Tcp(stream) => (&*stream).read(buffer),
        }
        .unwrap_or(0)
    }

    fn write(&self, bytes: &[u8]) -> bool {
        match self {
            Self::Unix(stream) => (&*stream).write_all(bytes),
            Self::Tcp(stream) => (&*stream).write_all(bytes),
        }
        .is_ok()
    }

    fn close(&self) {
        drop(match self {
            Self::Unix(stream) => stream.shutdown(Shutdown::Both),
            Self::Tcp(stream) => stream.shutdown(Shutdown::Both),
        });
    }
}

impl Upstream {
    fn connect(&self) -> Option<Stream> {
        match self {
            Self::Unix(path) => UnixStream::connect(path).map(Stream::Unix).ok(),
            Self::Tcp(address) => TcpStream::connect(address)
                .map(|stream| {
                    drop(stream.set_nodelay(true));
                    Stream::Tcp(stream)
                })
                .ok(),
        }
    }
}

impl Proxy {
    /// Starts a proxy for this number of nodes behind a listener. `owner` finds the node of a connection by its address.
    pub(crate) fn on(
        listener: TcpListener,
        upstream: Upstream,
        nodes: usize,
        owner: impl Fn(SocketAddr) -> Option<usize> + Send + Sync + 'static,
    ) -> Self {
        let port = listener.local_addr().expect("an address").port();
        let shared = Arc::new(Shared {
            upstream: Mutex::new(upstream),
            owner: Box::new(owner),
            ways: Mutex::new(vec![Way::Open; nodes]),
            changed: Condvar::new(),
            connections: Mutex::default(),
        });
        let accepting = Arc::clone(&shared);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                accepting.accept(stream);
            }
        });
        Self { port, shared }
    }

    /// Changes what happens to the connections of a node. `Closed` cuts those that exist.
    pub(crate) fn set(&self, node: usize, way: Way) {
        self.shared.ways.lock().expect("unpoisoned")[node] = way;
        if way == Way::Closed {
            self.cut(node);
        }
        self.shared.changed.notify_all();
    }

    /// Cuts the connections of a node. Bytes that have not passed are lost.
    pub(crate) fn cut(&self, node: usize) {
        let mut connections = self.shared.connections.lock().expect("unpoisoned");
        for connection in connections.extract_if(.., |connection| connection.node == node) {
            connection.cut();
        }
        // The waiting threads look whether their connection is cut.
        drop(self.shared.ways.lock().expect("unpoisoned"));
        self.shared.changed.notify_all();
    }

    /// Sends new connections to another server.
    pub(crate) fn redirect(&self, upstream: Upstream) {
        *self.shared.upstream.lock().expect("unpoisoned") = upstream;
    }
}

impl Connection {
    fn cut(&self) {
        self.is_cut.store(true, Ordering::SeqCst);
        self.ends.iter().for_each(Stream::close);
    }
}

impl Shared {
    fn accept(self: &Arc<Self>, stream: TcpStream) {
        drop(stream.set_nodelay(true));
        let Some(node) = stream.peer_addr().ok().and_then(&self.owner) else { return };
        if self.ways.lock().expect("unpoisoned")[node] == Way::Closed {
            return;
        }
        let Some(server) = self.upstream.lock().expect("unpoisoned").connect() else { return };
        let ends = [Stream::Tcp(stream), server];
        let connection = Arc::new(Connection { node, ends, is_cut: AtomicBool::new(false) });
        self.connections.lock().expect("unpoisoned").push(Arc::clone(&connection));
        for from in [0, 1] {
            let (shared, connection) = (Arc::clone(self), Arc::clone(&connection));
            std::thread::spawn(move || shared.pass_on(&connection, from));
        }
    }

    /// Passes bytes on in one direction until the connection ends.
    fn pass_on(&self, connection: &Arc<Connection>, from: usize) {
        let mut buffer = vec![0; 16 << 10];
        loop {
            let count = connection.ends[from].read(&mut buffer);
            if count == 0 || !self.may_pass(connection) || !connection.ends[1 - from].write(&buffer[..count])
            {
                break;
            }
        }
        connection.cut();
        let mut connections = self.connections.lock().expect("unpoisoned");
        connections.retain(|other| !Arc::ptr_eq(other, connection));
    }

    /// Waits while the node's connections are stalled; false once this one is cut.
    fn may_pass(&self, connection: &Connection) -> bool {
        let ways = self.ways.lock().expect("unpoisoned");
        let is_stalled = |ways: &mut Vec<Way>| {
            ways[connection.node] == Way::Stalled && !connection.is_cut.load(Ordering::SeqCst)
        };
        drop(self.changed.wait_while(ways, is_stalled));
        !connection.is_cut.load(Ordering::SeqCst)
    }
}

/// Which of the processes has a TCP connection from this address of 127.0.0.1.
pub(crate) fn process_of(peer: SocketAddr, processes: &[u32]) -> Option<usize> {
    let table = std::fs::read_to_string("/proc/net/tcp").ok()?;
    let local = format!(":{:04X}", peer.port());
    let inode = table.lines().find_map(|line| {
        let mut words = line.split_whitespace();
        words.nth(1).filter(|address| address.ends_with(&local))?;
        words.nth(7)
    })?;
    let socket = PathBuf::from(format!("socket:[{inode}]"));
    processes.iter().position(|process| {
        let files = std::fs::read_dir(format!("/proc/{process}/fd"));
        files
            .into_iter()
            .flatten()
            .flatten()
            .any(|file| std::fs::read_link(file.path()).is_ok_and(|target| target == socket))
    })
}
