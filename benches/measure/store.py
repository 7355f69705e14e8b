"""Durable transitions, compared with a raw write and with SQLite."""

import re
import statistics

from .common import BENCH, FEATURES, PEERS, call, cargo, peers


def transition(table, rounds, folder):
    peers()
    runs = []
    for _ in range(rounds):
        # The two take turns, and each pair gives a ratio: the time of a sync changes from minute to minute.
        ours = cargo(*BENCH, *FEATURES, "--bench", "store", timeout=300, environment={"TMPDIR": str(folder)})
        theirs = call(PEERS, "sqlite", folder)
        run = {name: float(number) for name, number in re.findall(r"(\S+) ([\d.]+) us", ours)}
        run |= {f"sqlite-{name}-of-32": float(number) for name, number in re.findall(r"(\w+) ([\d.]+)", theirs)}
        run["ratio"] = run["transition"] / run["raw"]
        run["faster"] = run["sqlite-transition-of-32"] / run["transition-of-32"]
        lives = re.search(r"lives (\d+) transitions (\d+) busy ([\d.]+) MiB quiet ([\d.]+) MiB", ours)
        runs.append(run | {name: float(number) for name, number in zip(("jobs", "transitions", "busy", "quiet"), lives.groups())})
    found = {name: statistics.median(run[name] for run in runs) for name in runs[0]}
    pairs = ", ".join(f"{run['faster']:.2f}" for run in runs)
    theirs, bare = found["sqlite-transition-of-32"], found["sqlite-row-of-32"]
    lines = [f"{name} {number:.1f} us" for name, number in found.items() if name in ("raw", "transition") or "-of-32" in name]
    table.details.append("```\n" + "\n".join(lines) + "\n```")
    table.add("store", "a durable transition: at most 2.2 times a raw pwrite with fdatasync",
              f"{found['ratio']:.2f} ({found['transition']:.0f} us, raw {found['raw']:.0f} us)", found["ratio"] <= 2.2, before="1.44")
    table.add("store", "32 workers: at least as fast as group commit with SQLite",
              f"{found['faster']:.2f} ({found['transition-of-32']:.0f} us a transition, SQLite {theirs:.0f} us)",
              found["faster"] >= 1,
              "32 threads that each wait for their commit, in both. SQLite stores the same: the job, its history, an index by "
              f"state (WAL, synchronous=FULL, one committer). A single row of 2 KiB takes SQLite {bare:.0f} us. "
              f"Ratio of each pair of runs: {pairs}", "1.11")
    what = f"sled's folder after 100,000 transitions: at most 20 MiB (here {found['transitions']:,.0f}, of {found['jobs']:,.0f} jobs)"
    table.add("many packages", what, f"{found['quiet']:.1f} MiB", found["quiet"] <= 20,
              f"after the vacuum; {found['busy']:.1f} MiB before. Without the journal, which is bounded too", "0.3 MiB")
