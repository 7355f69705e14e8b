//! The statements on the journal. Each is a transaction of its own, so a node that freezes holds no lock.

/// The end of the journal.
pub(crate) const END: &str =
    "SELECT journal, seq, append, compacted, size, settled, cursor, until FROM dropship.head";

/// Appends lines after a position: $1 and $2 are the position, $3 is the id of the append, $4 and $5 are topics and texts, $6 is their
/// size. Without a row nothing was appended. A node that waits for the row of another one checks its condition again.
pub(crate) fn append(channel: &str) -> String {
    format!(
        "WITH head AS (
             UPDATE dropship.head
             SET seq = seq + cardinality($5::text[]), append = $3::bytea, size = size + $6::bigint
             WHERE seq = $1::bigint AND append = $2::bytea
             RETURNING size, settled, cursor, until, pg_notify('{channel}', '')
         ), added AS (
             INSERT INTO dropship.lines (seq, append, topic, line)
             SELECT $1 + item.place, $3, item.topic, item.line
             FROM unnest($4::text[], $5) WITH ORDINALITY AS item(topic, line, place)
             WHERE EXISTS (SELECT FROM head)
         )
         SELECT size, settled, cursor, until FROM head"
    )
}

/// At most $2 lines from $1 on, and how far the journal is compacted at that moment.
pub(crate) const READ: &str = "SELECT head.compacted, item.seq, item.append, item.line
    FROM dropship.head LEFT JOIN LATERAL (
        SELECT seq, append, line FROM dropship.lines WHERE seq >= $1 ORDER BY seq LIMIT $2
    ) AS item ON true
    ORDER BY item.seq";

/// The lines with events of a job.
pub(crate) const ABOUT: &str = "SELECT line FROM dropship.lines WHERE topic IN ($1, '*') ORDER BY seq";

/// Which of the topics $2 have a line after $1.
pub(crate) const TOPICS: &str =
    "SELECT DISTINCT topic FROM dropship.lines WHERE topic = ANY ($2::text[]) AND seq > $1";

/// A step of compaction.
///
/// - $1, $2, $3: as of an append
/// - $4: the cursor before the step; $5 and $6: the cursor and the end of the pass after it
/// - $7: the last line that is rewritten; $8: the growth
/// - $9: lines that are removed; $10 to $12: lines that change; $13 and $14: lines that are appended
pub(crate) const REWRITE: &str = "WITH head AS (
        UPDATE dropship.head
        SET seq = seq + cardinality($14::text[]),
            append = CASE WHEN cardinality($14) > 0 THEN $3::bytea ELSE append END,
            cursor = $5::bigint, until = $6::bigint, compacted = greatest(compacted, $7::bigint), size = size + $8::bigint,
            settled = CASE WHEN $5 = 0 THEN size + $8 ELSE settled END
        WHERE seq = $1::bigint AND append = $2::bytea AND cursor = $4::bigint
        RETURNING 1
    ), removed AS (
        DELETE FROM dropship.lines WHERE seq = ANY ($9::bigint[]) AND EXISTS (SELECT FROM head)
    ), changed AS (
        UPDATE dropship.lines SET topic = item.topic, line = item.line
        FROM unnest($10::bigint[], $11::text[], $12::text[]) AS item(seq, topic, line)
        WHERE lines.seq = item.seq AND EXISTS (SELECT FROM head)
    ), added AS (
        INSERT INTO dropship.lines (seq, append, topic, line)
        SELECT $1 + item.place, $3, item.topic, item.line
        FROM unnest($13::text[], $14) WITH ORDINALITY AS item(topic, line, place)
        WHERE EXISTS (SELECT FROM head)
    )
    SELECT FROM head";
