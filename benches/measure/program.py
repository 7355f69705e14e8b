"""The size of the program, the time to build it, and the cost of one call."""

import os
import statistics
import tempfile
import time

from .common import DROPSHIP, PEERS, SCRATCH, Server, call, cargo, peers

CALLS = 5_000


def size(table, folder):
    stripped = folder / "stripped"
    call("strip", "-o", stripped, DROPSHIP)
    mega = stripped.stat().st_size / 1e6
    table.add("program", "packaged binary at most 16 MB stripped", f"{mega:.1f} MB", mega <= 16, before="15.5 MB")


def step(table, rounds):
    """One call of dropship's client, alternating with a plain GET."""
    peers()
    ours, worst, bare = [], [], []
    with Server(PEERS, "api") as base:
        for _ in range(min(rounds, 5)):
            printed = call(PEERS, "step", base, CALLS).split()
            for number, into in zip(printed, (ours, worst, bare)):
                into.append(float(number))
    ours, worst, bare = (statistics.median(numbers) for numbers in (ours, worst, bare))
    table.add("program", "one API call on a connection that is kept alive: median 100 us", f"{ours:.0f} us", ours <= 100,
              f"`Client::submission` to a small local server, {CALLS:,} times; 99 % within {worst:.0f} us; a plain GET of "
              f"the same with reqwest takes {bare:.0f} us", "42 us")


def clean_build(table, asked):
    wanted = "a clean release build in 240 s on 2 cores"
    if not asked:
        table.add("program", wanted, "-", None, "measured with `--clean-build` only")
        return
    call("cargo", "fetch", "--locked", timeout=900)
    with tempfile.TemporaryDirectory(dir=SCRATCH) as target:
        start = time.perf_counter()
        call("cargo", "build", "--release", "--locked", "--offline", "--bin", "dropship", timeout=3600,
             env={**os.environ, "CARGO_TARGET_DIR": target})
        wall = time.perf_counter() - start
    table.add("program", wanted, f"{wall:.0f} s", wall <= 240, f"{os.cpu_count()} cores, crates downloaded before", "352 s")
