//! The tables, and how older ones are brought up to date. Migrations are forward only.

use dropship_store::StoreError;
use tokio_postgres::Client;

use crate::errors::store_error;
use crate::numbers::value;

/// What the nodes of all databases lock while they change tables: "dropship" in ASCII.
const LOCK: i64 = 0x6472_6f70_7368_6970;

/// The statements that lead from each version to the next.
const MIGRATIONS: [&str; 3] = [
    "
    CREATE TABLE dropship.head (
        one boolean PRIMARY KEY DEFAULT true CHECK (one),
        journal bytea NOT NULL,
        seq bigint NOT NULL,
        append bytea NOT NULL,
        compacted bigint NOT NULL DEFAULT 0,
        size bigint NOT NULL DEFAULT 0,
        settled bigint NOT NULL DEFAULT 0,
        cursor bigint NOT NULL DEFAULT 0,
        until bigint NOT NULL DEFAULT 0
    ) WITH (fillfactor = 10);
    CREATE TABLE dropship.lines (
        seq bigint PRIMARY KEY,
        append bytea NOT NULL,
        topic text,
        line text NOT NULL
    );
    CREATE INDEX lines_topic ON dropship.lines (topic, seq) WHERE topic IS NOT NULL;
    CREATE TABLE dropship.lease (
        one boolean PRIMARY KEY DEFAULT true CHECK (one),
        name text,
        place text,
        incarnation bytea,
        version text,
        since timestamptz,
        deadline timestamptz
    ) WITH (fillfactor = 10);
    INSERT INTO dropship.lease DEFAULT VALUES;
    INSERT INTO dropship.head (journal, seq, append)
    VALUES (decode(replace(gen_random_uuid()::text, '-', ''), 'hex'), 0, decode(repeat('00', 16), 'hex'));
",
    "
    CREATE TABLE dropship.nodes (
        incarnation bytea PRIMARY KEY,
        name text NOT NULL,
        place text NOT NULL,
        version text NOT NULL,
        folders text[] NOT NULL,
        since timestamptz NOT NULL DEFAULT clock_timestamp(),
        seen timestamptz NOT NULL DEFAULT clock_timestamp(),
        ended boolean NOT NULL DEFAULT false
    ) WITH (fillfactor = 10);
",
    "
    ALTER TABLE dropship.nodes ADD COLUMN host text NOT NULL DEFAULT '';
",
];

/// The oldest version of PostgreSQL that is supported.
const OLDEST: i32 = 14;

/// Whether there are tables.
const EXISTS: &str = "SELECT to_regclass('dropship.schema') IS NOT NULL";

/// Checks whether the server and the tables in the database can be used; the tables need not exist.
pub(crate) async fn examine(client: &Client) -> Result<(), StoreError> {
    usable_server(client).await?;
    let exists = client.query_one(EXISTS, &[]).await.map_err(|error| store_error(&error))?;
    if value(&exists, 0)? {
        known_version(client).await?;
    }
    Ok(())
}

/// Creates the tables, or brings them up to date.
pub(crate) async fn prepare(client: &mut Client) -> Result<(), StoreError> {
    let failed = |error: tokio_postgres::Error| store_error(&error);
    usable_server(client).await?;
    let change = client.transaction().await.map_err(failed)?;
    change.execute("SELECT pg_advisory_xact_lock($1)", &[&LOCK]).await.map_err(failed)?;
    if !value::<bool>(&change.query_one(EXISTS, &[]).await.map_err(failed)?, 0)? {
        let schema = "SELECT to_regnamespace('dropship') IS NULL";
        if value::<bool>(&change.query_one(schema, &[]).await.map_err(failed)?, 0)? {
            change.batch_execute("CREATE SCHEMA dropship").await.map_err(failed)?;
        }
        let table = "CREATE TABLE dropship.schema (
            version int PRIMARY KEY, since timestamptz NOT NULL DEFAULT now(), program text NOT NULL)";
        change.batch_execute(table).await.map_err(failed)?;
    }
    let version = known_version(change.client()).await?;
    for (next, statements) in (1..).zip(MIGRATIONS).skip(version) {
        change.batch_execute(statements).await.map_err(failed)?;
        let program = env!("CARGO_PKG_VERSION");
        let note = "INSERT INTO dropship.schema (version, program) VALUES ($1, $2)";
        let next: i32 = next;
        change.execute(note, &[&next, &program]).await.map_err(failed)?;
    }
    change.commit().await.map_err(failed)
}

/// Refuses servers and databases that cannot be used.
async fn usable_server(client: &Client) -> Result<(), StoreError> {
    let settings = "SELECT current_setting('server_version_num')::int, current_setting('server_encoding')";
    let row = client.query_one(settings, &[]).await.map_err(|error| store_error(&error))?;
    let (server, encoding): (i32, String) = (value(&row, 0)?, value(&row, 1)?);
    let what = if server < OLDEST * 10_000 {
        format!("it is PostgreSQL {}; version {OLDEST} or newer is needed", server / 10_000)
    } else if encoding != "UTF8" {
        format!("its encoding is {encoding}; create the database with ENCODING 'UTF8'")
    } else {
        return Ok(());
    };
    Err(StoreError::Unusable { what })
}

/// The version of the tables; 0: there are none.
async fn known_version(client: &Client) -> Result<usize, StoreError> {
    let newest = "SELECT coalesce(max(version), 0) FROM dropship.schema";
    let row = client.query_one(newest, &[]).await.map_err(|error| store_error(&error))?;
    let version: i32 = value(&row, 0)?;
    match usize::try_from(version) {
        Ok(version) if version <= MIGRATIONS.len() => Ok(version),
        _ => Err(StoreError::Newer {
            what: format!(
                "its tables in the database have version {version}, this program knows {}",
                MIGRATIONS.len()
            ),
        }),
    }
}
