//! Where connections come from, and who is at their other end.

use std::future::Future;
use std::io;
use std::net::IpAddr;
use std::os::fd::AsFd;

use axum::http::Extensions;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};

/// A client for the limits: all its connections count together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ClientKey {
    /// A local user.
    Uid(u32),
    /// A remote address.
    Address(IpAddr),
}

/// Clients of different classes do not share limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ClientClass {
    /// The daemon itself: its watchdog connects to the control socket.
    Own,
    /// Clients that may change things.
    Operators,
    /// All other clients.
    Others,
}

/// The client of a connection.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The client.
    pub key: ClientKey,
    /// Its class.
    pub class: ClientClass,
    /// Added to each of its requests.
    pub extensions: Extensions,
}

/// A socket that accepts connections.
pub trait Listener: Send + 'static {
    /// A connection.
    type Stream: AsyncRead + AsyncWrite + AsFd + Unpin + Send + 'static;

    /// Accepts the next connection. Cancel-safe.
    fn accept(&mut self) -> impl Future<Output = io::Result<(Self::Stream, Caller)>> + Send;

    /// Name for the log.
    fn name(&self) -> String;
}

impl Listener for TcpListener {
    type Stream = TcpStream;

    async fn accept(&mut self) -> io::Result<(TcpStream, Caller)> {
        let (stream, address) = Self::accept(self).await?;
        // An IPv6 client usually has a whole /64; it counts as one.
        let key = match address.ip().to_canonical() {
            IpAddr::V6(address) => {
                let mut network = address.segments();
                network[4..].fill(0);
                IpAddr::V6(network.into())
            }
            address @ IpAddr::V4(_) => address,
        };
        let caller = Caller {
            key: ClientKey::Address(key),
            class: ClientClass::Others,
            extensions: Extensions::new(),
        };
        Ok((stream, caller))
    }

    fn name(&self) -> String {
        self.local_addr().map_or_else(|_| "TCP".to_owned(), |address| address.to_string())
    }
}
