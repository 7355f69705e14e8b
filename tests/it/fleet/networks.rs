//! A network for each node. While it is down, its packets are lost; only new connections end with an error, after seconds.
//!
//! All servers have one address, in a network between those of the nodes. It is a loopback address, for which no TLS is needed; unlike
//! others, its packets pass the link of the node.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::process::Command;

use super::namespaces::{Namespace, ip};

/// The address of the servers.
pub(super) const SERVERS: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 10, 0, 1));

/// The networks of all nodes, and the one between them.
pub(super) struct Networks {
    between: Namespace,
    nodes: Vec<Namespace>,
}

/// The addresses of a node's link: the near end and that of the node.
fn addresses(node: usize) -> [Ipv4Addr; 2] {
    let node = u8::try_from(node).expect("few nodes");
    [Ipv4Addr::new(127, 9, node, 1), Ipv4Addr::new(127, 9, node, 2)]
}

/// A namespace in which loopback addresses but 127.0.0.1 may be those of links.
fn namespace() -> Namespace {
    let namespace = Namespace::new();
    let name = &namespace.name;
    ip(&format!("-n {name} addr del 127.0.0.1/8 dev lo"));
    ip(&format!("-n {name} addr add 127.0.0.1/32 dev lo"));
    let mut set = namespace.command("sh");
    set.args(["-c", "echo 1 > /proc/sys/net/ipv4/conf/all/route_localnet"]);
    assert!(set.status().expect("sh runs").success());
    namespace
}

impl Networks {
    pub(super) fn new(nodes: usize) -> Self {
        let between = namespace();
        let middle = &between.name;
        ip(&format!("-n {middle} addr add {SERVERS}/32 dev lo"));
        let link = |node: usize| {
            let namespace = namespace();
            let (name, [near, far]) = (&namespace.name, addresses(node));
            ip(&format!("-n {middle} link add node{node} type veth peer name inside netns {name}"));
            ip(&format!("-n {middle} addr add {near}/30 dev node{node} scope global"));
            ip(&format!("-n {name} addr add {far}/30 dev inside scope global"));
            ip(&format!("-n {middle} link set node{node} up"));
            ip(&format!("-n {name} link set inside up"));
            ip(&format!("-n {name} route add {SERVERS}/32 via {near} src {far}"));
            namespace
        };
        let nodes = (0..nodes).map(link).collect();
        Self { between, nodes }
    }

    /// A listener at the address of the servers.
    pub(super) fn listener(&self) -> TcpListener {
        self.between.listener(SocketAddr::new(SERVERS, 0))
    }

    /// The node that has connected from this address.
    pub(super) fn node_of(peer: SocketAddr) -> Option<usize> {
        let IpAddr::V4(address) = peer.ip() else { return None };
        let node = usize::from(address.octets()[2]);
        (addresses(node)[1] == address).then_some(node)
    }

    /// A command that runs a program in the network of a node.
    pub(super) fn command(&self, node: usize, program: &str) -> Command {
        self.nodes[node].command(program)
    }

    /// Lets the packets of a node pass, or loses them.
    pub(super) fn set(&self, node: usize, is_up: bool) {
        let state = if is_up { "up" } else { "down" };
        ip(&format!("-n {} link set node{node} {state}", self.between.name));
    }
}
