"""SQLite's group commit, as a measure for our own: 32 changes of 2 KiB each that become durable together."""

import os
import sqlite3
import statistics
import tempfile
import time

WORKERS, EACH, ROUNDS = 32, 100, 5


def sqlite(folder):
    """Microseconds for one of 32 changes that share a transaction (WAL, synchronous=FULL)."""
    times = []
    with tempfile.TemporaryDirectory(dir=folder) as home:
        database = sqlite3.connect(os.path.join(home, "jobs.sqlite"), isolation_level=None)
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("PRAGMA synchronous=FULL")
        database.execute("CREATE TABLE jobs (id INTEGER PRIMARY KEY, job BLOB)")
        for turn in range(ROUNDS + 1):
            start = time.perf_counter()
            for step in range(EACH):
                rows = [(worker, bytes([step % 256]) * 2048) for worker in range(WORKERS)]
                database.execute("BEGIN IMMEDIATE")
                database.executemany("INSERT OR REPLACE INTO jobs VALUES (?, ?)", rows)
                database.execute("COMMIT")
            if turn:
                times.append((time.perf_counter() - start) / (EACH * WORKERS))
        database.close()
    return statistics.median(times) * 1e6
