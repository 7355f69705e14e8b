//! The lease of the node that processes jobs: one row, with a deadline by the clock of the database. Beside it the list of the nodes.

use std::time::Duration;

use dropship_store::{LeaseAnswer, Leases, Namesake, Node, NodeState, NodeStatus, StoreError};
use jiff::Timestamp;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use crate::errors::store_error;
use crate::link::DatabaseLink;
use crate::numbers::{append_id, value};

/// Keeps the lease in the database, over a connection of its own: no slow query delays a renewal.
pub(crate) struct PostgresLeases(pub(crate) DatabaseLink);

/// Conditions on one row are checked again after a wait for its lock, so of two nodes that ask at once one is granted.
const TAKE: &str = "UPDATE dropship.lease
    SET name = $1, place = $2, incarnation = $3, version = $4, since = clock_timestamp(),
        deadline = clock_timestamp() + $5 * interval '1 second'
    WHERE deadline IS NULL OR deadline < clock_timestamp() OR place = $2";

const RENEW: &str = "UPDATE dropship.lease SET deadline = clock_timestamp() + $2 * interval '1 second' WHERE incarnation = $1";

/// A process replaces earlier ones of the same folder, and of a node of the same name that is gone.
const REPORT: &str = "WITH gone AS (
        DELETE FROM dropship.nodes
        WHERE incarnation <> $1
            AND (place = $3 OR seen < clock_timestamp() - interval '7 days'
                OR name = $2 AND (ended OR seen < clock_timestamp() - interval '5 minutes'))
    )
    INSERT INTO dropship.nodes (incarnation, name, place, version, folders, host) VALUES ($1, $2, $3, $4, $5, $6)
    ON CONFLICT (incarnation) DO UPDATE SET seen = clock_timestamp()";

const REPORT_END: &str =
    "UPDATE dropship.nodes SET seen = clock_timestamp(), ended = true WHERE incarnation = $1";

/// The oldest process with the name $2 that is not of the place $3, was seen within $4 seconds, and has started before $1. One that has
/// not reported itself has started after all others.
const NAMESAKE: &str = "SELECT incarnation, host, place, (extract(epoch FROM seen) * 1000000)::bigint
    FROM dropship.nodes
    WHERE name = $2 AND place <> $3 AND NOT ended AND seen > clock_timestamp() - $4 * interval '1 second'
        AND (
            (since, incarnation)
            < (SELECT own.since, own.incarnation FROM dropship.nodes AS own WHERE own.incarnation = $1)
        ) IS NOT FALSE
    ORDER BY since, incarnation LIMIT 1";

/// Times in microseconds since 1970. A node with the lease is active, also when it was not heard of for a while.
const NODES: &str = "SELECT nodes.name, nodes.version, nodes.folders, nodes.ended,
        nodes.seen < clock_timestamp() - $1 * interval '1 second',
        (extract(epoch FROM nodes.since) * 1000000)::bigint,
        (extract(epoch FROM nodes.seen) * 1000000)::bigint,
        (extract(epoch FROM lease.deadline) * 1000000)::bigint
    FROM dropship.nodes
        LEFT JOIN dropship.lease ON lease.incarnation = nodes.incarnation AND lease.deadline > clock_timestamp()
    ORDER BY nodes.name, nodes.since";

const RELEASE: &str = "UPDATE dropship.lease SET deadline = NULL WHERE incarnation = $1";

impl Leases for PostgresLeases {
    fn take(&self, node: &Node, term: Duration) -> Result<LeaseAnswer, StoreError> {
        let (node, term) = (node.clone(), term.as_secs_f64());
        self.0.call(move |session| {
            Box::pin(async move {
                let incarnation = &node.incarnation.as_bytes()[..];
                let client = session.client();
                let taken = client
                    .execute(TAKE, &[&node.name, &node.place, &incarnation, &node.version, &term])
                    .await;
                if taken.map_err(|error| store_error(&error))? > 0 {
                    return Ok(LeaseAnswer::Granted);
                }
                let holder = client.query_one("SELECT coalesce(name, '') FROM dropship.lease", &[]).await;
                Ok(LeaseAnswer::HeldBy { name: value(&holder.map_err(|error| store_error(&error))?, 0)? })
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

    fn report(&self, node: &Node, folders: &[String]) -> Result<(), StoreError> {
        let (node, folders) = (node.clone(), folders.to_vec());
        self.0.call(move |session| {
            Box::pin(async move {
                let incarnation = &node.incarnation.as_bytes()[..];
                let values: [&(dyn ToSql + Sync); 6] =
                    [&incarnation, &node.name, &node.place, &node.version, &folders, &node.host];
                let reported = session.client().execute(REPORT, &values).await;
                reported.map(drop).map_err(|error| store_error(&error))
            })
        })
    }

    fn report_end(&self, node: &Node) -> Result<(), StoreError> {
        let incarnation = node.incarnation;
        self.0.call(move |session| {
            Box::pin(async move {
                let reported = session.client().execute(REPORT_END, &[&&incarnation.as_bytes()[..]]).await;
                reported.map(drop).map_err(|error| store_error(&error))
            })
        })
    }

    fn namesake(&self, node: &Node, silence: Duration) -> Result<Option<Namesake>, StoreError> {
        let (node, silence) = (node.clone(), silence.as_secs_f64());
        self.0.call(move |session| {
            Box::pin(async move {
                let incarnation = &node.incarnation.as_bytes()[..];
                let values: [&(dyn ToSql + Sync); 4] = [&incarnation, &node.name, &node.place, &silence];
                let row = session.client().query_opt(NAMESAKE, &values).await;
                row.map_err(|error| store_error(&error))?.as_ref().map(namesake).transpose()
            })
        })
    }

    fn nodes(&self, silence: Duration) -> Result<Vec<NodeStatus>, StoreError> {
        let silence = silence.as_secs_f64();
        self.0.call(move |session| {
            Box::pin(async move {
                let rows = session.client().query(NODES, &[&silence]).await;
                let rows = rows.map_err(|error| store_error(&error))?;
                rows.iter().map(status).collect()
            })
        })
    }
}

/// A time of a node, in microseconds since 1970.
fn time(micros: i64) -> Result<Timestamp, StoreError> {
    let what = || "a time of a node is out of range".to_owned();
    Timestamp::from_microsecond(micros).map_err(|_| StoreError::Damaged { what: what() })
}

/// A process with the name of another one.
fn namesake(row: &Row) -> Result<Namesake, StoreError> {
    Ok(Namesake {
        incarnation: append_id(row, 0)?,
        host: value(row, 1)?,
        place: value(row, 2)?,
        last_seen: time(value(row, 3)?)?,
    })
}

/// A row of the list of nodes.
fn status(row: &Row) -> Result<NodeStatus, StoreError> {
    let lease_until = value::<Option<i64>>(row, 7)?.map(time).transpose()?;
    let state = match (lease_until, value(row, 3)?, value(row, 4)?) {
        (Some(_), _, _) => NodeState::Active,
        (None, true, _) => NodeState::Ended,
        (None, false, true) => NodeState::Lost,
        (None, false, false) => NodeState::StandingBy,
    };
    Ok(NodeStatus {
        name: value(row, 0)?,
        version: value(row, 1)?,
        state,
        since: time(value(row, 5)?)?,
        last_seen: time(value(row, 6)?)?,
        lease_until,
        folders: value(row, 2)?,
    })
}
