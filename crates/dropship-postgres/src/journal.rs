//! The journal in the database.

use std::sync::Arc;

use crate::address::Address;
use crate::errors::store_error;
use crate::lease::PostgresLeases;
use crate::link::{ConnectionThread, DatabaseLink};
use crate::numbers::{append_id, damaged, extent, number, signed, value};
use crate::reader::{PostgresReader, read};
use crate::schema;
use crate::session::PostgresConnection;
use crate::settings::{Password, Settings};
use crate::tls::Roots;
use dropship_store::{
    AppendId, AppendResult, Batch, JournalEnd, Leases, NewLine, Position, Rewrite, SharedJournal,
    SharedReader, StoreError, Topic,
};

/// A journal in PostgreSQL.
pub struct PostgresJournal {
    link: DatabaseLink,
}

impl PostgresJournal {
    /// Connects, and creates the tables or brings them up to date.
    ///
    /// # Errors
    /// [`StoreError::Away`] when the database does not respond or refuses the connection, [`StoreError::Newer`] when a newer
    /// program has changed the tables, [`StoreError::Unusable`] for servers and databases that cannot be used.
    pub fn connect(
        address: Address,
        password: Option<Password>,
        roots: Option<Roots>,
    ) -> Result<Self, StoreError> {
        let link = link(address, password, roots)?;
        let making = Arc::clone(&link.settings);
        link.run(async move {
            schema::prepare(&mut PostgresConnection::open(&making, None).await?.client).await
        })?;
        Ok(Self { link })
    }

    /// Checks whether a database can be used, and changes nothing.
    ///
    /// # Errors
    /// As [`connect`](Self::connect).
    pub fn examine(
        address: Address,
        password: Option<Password>,
        roots: Option<Roots>,
    ) -> Result<(), StoreError> {
        let link = link(address, password, roots)?;
        let settings = Arc::clone(&link.settings);
        link.run(
            async move { schema::examine(&PostgresConnection::open(&settings, None).await?.client).await },
        )
    }
}

fn link(
    address: Address,
    password: Option<Password>,
    roots: Option<Roots>,
) -> Result<DatabaseLink, StoreError> {
    let roots = roots.filter(|_| address.needs_tls());
    if address.needs_tls() && roots.is_none() {
        let what = "TLS is required, and there are no trusted roots".to_owned();
        return Err(StoreError::Unusable { what });
    }
    Ok(DatabaseLink::new(
        Arc::new(ConnectionThread::start()?),
        Arc::new(Settings { address, password, roots }),
    ))
}

impl SharedJournal for PostgresJournal {
    fn end(&mut self) -> Result<JournalEnd, StoreError> {
        self.link.call(|session| {
            Box::pin(async move {
                let row = session.client().query_one(&session.statements.end, &[]).await;
                let row = row.map_err(|error| store_error(&error))?;
                let journal: Vec<u8> = value(&row, 0)?;
                let journal = journal.try_into().map_err(|_| damaged("the id of the journal"))?;
                let position = Position { seq: number(&row, 1)?, append: append_id(&row, 2)? };
                Ok(JournalEnd { journal, position, compacted: number(&row, 3)?, extent: extent(&row, 4)? })
            })
        })
    }

    fn append(
        &mut self,
        after: Position,
        id: AppendId,
        lines: &[NewLine],
    ) -> Result<AppendResult, StoreError> {
        let (topics, texts) = columns(lines);
        let size: usize = texts.iter().map(String::len).sum();
        self.link.call(move |session| {
            Box::pin(async move {
                let (seq, before, append_id) =
                    (signed(after.seq)?, &after.append.as_bytes()[..], &id.as_bytes()[..]);
                let size = i64::try_from(size).unwrap_or(i64::MAX);
                let row = session
                    .client()
                    .query_opt(
                        &session.statements.append,
                        &[&seq, &before, &append_id, &topics, &texts, &size],
                    )
                    .await
                    .map_err(|error| store_error(&error))?;
                row.map_or(Ok(AppendResult::EndsElsewhere), |row| extent(&row, 0).map(AppendResult::Appended))
            })
        })
    }

    fn rewrite(&mut self, after: Position, id: AppendId, rewrite: &Rewrite) -> Result<bool, StoreError> {
        let rewrite = rewrite.clone();
        self.link.call(move |session| {
            Box::pin(async move {
                let (seq, before, append_id) =
                    (signed(after.seq)?, &after.append.as_bytes()[..], &id.as_bytes()[..]);
                let (cursor, next) = (signed(rewrite.cursor)?, signed(rewrite.after.cursor)?);
                let (until, compacted) = (signed(rewrite.after.until)?, signed(rewrite.compacted)?);
                let removed: Vec<_> = rewrite.removed.into_iter().map(signed).collect::<Result<_, _>>()?;
                let (changed, lines): (Vec<_>, Vec<_>) = rewrite.changed.into_iter().unzip();
                let changed: Vec<_> = changed.into_iter().map(signed).collect::<Result<_, _>>()?;
                let (changed_topics, changed_texts) = columns(&lines);
                let (topics, texts) = columns(&rewrite.appended);
                let row = session
                    .client()
                    .query_opt(
                        &session.statements.rewrite,
                        &[
                            &seq,
                            &before,
                            &append_id,
                            &cursor,
                            &next,
                            &until,
                            &compacted,
                            &rewrite.growth,
                            &removed,
                            &changed,
                            &changed_topics,
                            &changed_texts,
                            &topics,
                            &texts,
                        ],
                    )
                    .await
                    .map_err(|error| store_error(&error))?;
                Ok(row.is_some())
            })
        })
    }

    fn topics_after(&mut self, seq: u64, topics: &[Topic]) -> Result<Vec<Topic>, StoreError> {
        let topics = topics.to_vec();
        self.link.call(move |session| {
            Box::pin(async move {
                let texts: Vec<_> = topics.iter().filter_map(text_of).collect();
                let rows = session.client().query(&session.statements.topics, &[&signed(seq)?, &texts]).await;
                let rows = rows.map_err(|error| store_error(&error))?;
                let found: Vec<Option<String>> =
                    rows.iter().map(|row| value(row, 0)).collect::<Result<_, _>>()?;
                Ok(topics.into_iter().filter(|topic| found.contains(&text_of(topic))).collect())
            })
        })
    }

    fn read(&mut self, from: u64, limit: usize) -> Result<Batch, StoreError> {
        self.link.call(move |session| Box::pin(read(session, from, limit)))
    }

    fn reader(&self) -> Box<dyn SharedReader> {
        Box::new(PostgresReader(self.link.another()))
    }

    fn leases(&self) -> Arc<dyn Leases> {
        Arc::new(PostgresLeases(self.link.another()))
    }

    fn on_append(&mut self, hint: Box<dyn Fn() + Send + Sync>) {
        self.link.listen(Arc::from(hint));
    }
}

/// Topics and texts of lines.
fn columns(lines: &[NewLine]) -> (Vec<Option<String>>, Vec<String>) {
    lines.iter().map(|line| (text_of(&line.topic), line.text.clone())).unzip()
}

/// A topic in its column. Ids of jobs contain neither `*` nor `=`.
fn text_of(topic: &Topic) -> Option<String> {
    match topic {
        Topic::None => None,
        Topic::Job(job) => Some(job.clone()),
        Topic::Several => Some("*".to_owned()),
        Topic::Snapshot(job) => Some(format!("={job}")),
    }
}
