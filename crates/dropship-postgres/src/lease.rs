//! The lease of the node that processes jobs: one row, with a deadline by the clock of the database.

use std::time::Duration;

use dropship_store::{Leases, Node, StoreError, Taken};

use crate::errors::store_error;
use crate::link::Link;

/// Keeps the lease in the database, over a connection of its own: no slow query delays a renewal.
pub(crate) struct PostgresLeases(pub(crate) Link);

/// Conditions on one row are checked again after a wait for its lock, so of two nodes that ask at once one is granted.
const TAKE: &str = "UPDATE dropship.lease
    SET name = $1, place = $2, incarnation = $3, version = $4, since = clock_timestamp(),
        deadline = clock_timestamp() + $5 * interval '1 second'
    WHERE deadline IS NULL OR deadline < clock_timestamp() OR place = $2";

const RENEW: &str = "UPDATE dropship.lease SET deadline = clock_timestamp() + $2 * interval '1 second' WHERE incarnation = $1";

const RELEASE: &str = "UPDATE dropship.lease SET deadline = NULL WHERE incarnation = $1";

impl Leases for PostgresLeases {
    fn take(&self, node: &Node, term: Duration) -> Result<Taken, StoreError> {
        let (node, term) = (node.clone(), term.as_secs_f64());
        self.0.call(move |session| {
            Box::pin(async move {
                let incarnation = &node.incarnation.as_bytes()[..];
                let client = session.client();
                let taken = client
                    .execute(TAKE, &[&node.name, &node.place, &incarnation, &node.version, &term])
                    .await;
                if taken.map_err(|error| store_error(&error))? > 0 {
                    return Ok(Taken::Granted);
                }
                let holder = client.query_one("SELECT coalesce(name, '') FROM dropship.lease", &[]).await;
                Ok(Taken::HeldBy { name: holder.map_err(|error| store_error(&error))?.get(0) })
            })
        })
    }

    fn renew(&self, node: &Node, term: Duration) -> Result<bool, StoreError> {
        let (incarnation, term) = (node.incarnation, term.as_secs_f64());
        self.0.call(move |session| {
            Box::pin(async move {
                let renewed = session.client().execute(RENEW, &[&&incarnation.as_bytes()[..], &term]).await;
                Ok(renewed.map_err(|error| store_error(&error))? > 0)
            })
        })
    }

    fn release(&self, node: &Node) -> Result<(), StoreError> {
        let incarnation = node.incarnation;
        self.0.call(move |session| {
            Box::pin(async move {
                let released = session.client().execute(RELEASE, &[&&incarnation.as_bytes()[..]]).await;
                released.map(drop).map_err(|error| store_error(&error))
            })
        })
    }
}
