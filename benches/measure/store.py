"""Durable transitions, beside a raw write and SQLite."""

import re
import statistics

from .common import PEERS, call, cargo, peers


def transition(table, rounds, folder):
    peers()
    runs = []
    for _ in range(min(rounds, 5)):
        text = cargo("bench", "--locked", "--bench", "store", timeout=300, environment={"TMPDIR": str(folder)})
        run = {name: float(number) for name, number in re.findall(r"(\S+) ([\d.]+) (?:us|MiB)", text)}
        told = re.findall(r"(\w+) ([\d.]+)", call(PEERS, "sqlite", folder))
        runs.append({**run, **{f"sqlite-{name}-of-32": float(number) for name, number in told}})
    found = {name: statistics.median(run[name] for run in runs) for name in runs[0]}
    theirs, bare = found["sqlite-transition-of-32"], found["sqlite-row-of-32"]
    size = found.pop("sled")
    lines = [f"{name} {number:.1f} us" for name, number in found.items()]
    table.details.append("```\n" + "\n".join(lines) + "\n```")
    ratio = found["transition"] / found["raw"]
    table.add("9", "a durable transition at most 2.2 of a raw pwrite with fdatasync",
              f"{ratio:.2f} ({found['transition']:.0f} us, raw {found['raw']:.0f} us)", ratio <= 2.2)
    faster = theirs / found["transition-of-32"]
    table.add("9", "32 workers at least 1.3 of SQLite's group commit",
              f"{faster:.2f} ({found['transition-of-32']:.0f} us a transition, SQLite {theirs:.0f} us)", faster >= 1.3,
              "32 threads that each wait for their answer, in both; SQLite keeps what ours keeps: the job as it stands, its "
              f"story, an index by state (WAL, synchronous=FULL, one committer); a bare row of 2 KiB takes it {bare:.0f} us")
    table.add("11", "sled's folder at most 20 MiB after 100,000 transitions", f"{size:.1f} MiB", size <= 20,
              "of 32 jobs; beside it lies the journal, which is bounded")
