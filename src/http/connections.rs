//! Counts connections, in all and for each client.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;

use super::limits::Limits;
use super::listener::{Caller, ClientClass, ClientKey};
use super::request_slots::{ClassSlots, ClientSlots, RequestSlots};

/// The part of the connections that is for clients that have none: a fourth. Few clients with many connections cannot take it.
const RESERVED: usize = 4;

/// The open connections of a listener.
#[derive(Debug)]
pub(super) struct Connections {
    limits: Limits,
    classes: Mutex<HashMap<ClientClass, ClassConnections>>,
}

#[derive(Debug, Default)]
struct ClassConnections {
    count: usize,
    slots: Arc<ClassSlots>,
    clients: HashMap<ClientKey, ClientConnections>,
}

#[derive(Debug, Default)]
struct ClientConnections {
    count: usize,
    slots: Arc<ClientSlots>,
}

/// Why a connection is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum ConnectionRefusal {
    #[error("this client has too many connections")]
    Client,
    #[error("there are too many connections")]
    All,
    #[error("the daemon has too few free file descriptors")]
    Descriptors,
}

impl Connections {
    pub(super) fn new(limits: Limits) -> Arc<Self> {
        Arc::new(Self { limits, classes: Mutex::default() })
    }

    /// Counts a connection until the permit is dropped.
    pub(super) fn open(self: &Arc<Self>, caller: &Caller) -> Result<OpenConnection, ConnectionRefusal> {
        let (key, class) = (caller.key, caller.class);
        let mut classes = self.classes.lock();
        let open = classes.entry(class).or_default();
        let free = self.limits.connections.saturating_sub(open.count);
        if free == 0 {
            return Err(ConnectionRefusal::All);
        }
        let open_count = open.clients.get(&key).map_or(0, |client| client.count);
        let is_reserved = free <= self.limits.connections / RESERVED;
        if open_count >= self.limits.per_client || (open_count > 0 && is_reserved) {
            return Err(ConnectionRefusal::Client);
        }
        // A client that has disconnected is remembered while its requests still run.
        open.clients.retain(|_, client| client.count > 0 || !client.slots.are_free());
        let client = open.clients.entry(key).or_default();
        open.count += 1;
        client.count += 1;
        let slots = RequestSlots::new(Arc::clone(&open.slots), Arc::clone(&client.slots));
        Ok(OpenConnection { connections: Arc::clone(self), class, key, slots })
    }
}

/// A connection that counts while this lives.
#[derive(Debug)]
pub(super) struct OpenConnection {
    connections: Arc<Connections>,
    class: ClientClass,
    key: ClientKey,
    pub(super) slots: RequestSlots,
}

impl Drop for OpenConnection {
    fn drop(&mut self) {
        let mut classes = self.connections.classes.lock();
        let Some(open) = classes.get_mut(&self.class) else { return };
        open.count -= 1;
        if let Some(client) = open.clients.get_mut(&self.key) {
            client.count -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::Extensions;

    fn caller(uid: u32, class: ClientClass) -> Caller {
        Caller { key: ClientKey::Uid(uid), class, extensions: Extensions::new() }
    }

    #[test]
    fn flood_of_one_client_leaves_room_for_others_and_for_operators() {
        let connections = Connections::new(Limits { connections: 5, per_client: 3, ..Limits::CONTROL });
        let open = |uid, class| connections.open(&caller(uid, class));
        let mut flood: Vec<_> = (0..3).map(|_| open(1, ClientClass::Others).expect("room")).collect();
        assert_eq!(open(1, ClientClass::Others).expect_err("its limit"), ConnectionRefusal::Client);
        flood.push(open(2, ClientClass::Others).expect("room"));
        assert_eq!(
            open(2, ClientClass::Others).expect_err("the last is reserved"),
            ConnectionRefusal::Client
        );
        flood.push(open(3, ClientClass::Others).expect("room"));
        assert_eq!(open(4, ClientClass::Others).expect_err("the limit of all"), ConnectionRefusal::All);
        let operator = open(0, ClientClass::Operators).expect("its own class");
        drop(flood);
        drop((open(1, ClientClass::Others).expect("room again"), operator));
        drop(open(4, ClientClass::Others).expect("room"));
        let classes = connections.classes.lock();
        assert!(classes.values().all(|class| class.count == 0 && class.clients.len() == 1), "{classes:?}");
    }

    #[test]
    fn flood_of_many_clients_leaves_room_for_a_client_that_has_no_connection() {
        let one_after_the_other = (0..40).flat_map(|uid| std::iter::repeat_n(uid, 100)).collect::<Vec<_>>();
        let in_turns = (0..40).cycle().take(4000).collect::<Vec<_>>();
        for uids in [one_after_the_other, in_turns] {
            let connections = Connections::new(Limits::CONTROL);
            let open = |uid| connections.open(&caller(uid, ClientClass::Others));
            let flood: Vec<_> = uids.into_iter().filter_map(|uid| open(uid).ok()).collect();
            assert!(flood.len() > 180, "{}", flood.len());
            drop(open(99).expect("room"));
        }
    }
}
