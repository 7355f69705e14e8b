"""What PostgreSQL and object storage in the program cost a daemon whose store is a folder."""

import signal
import statistics

from .common import DROPSHIP, FEATURES, TARGET, Server, call, cargo
from .daemon import Daemon, filled, home_at


def embedded(table, rounds, folder, count, may_build):
    """Starts programs with and without these features in turns: with an empty store, and with many jobs.

    Both are optimised like the benches, because the optimisation of all crates together would take the time of two packages.
    """
    if not may_build:
        raise RuntimeError("the program without the features has to be built")
    programs = {"with": folder / "with", "without": folder / "without"}
    for name, features in (("without", ()), ("with", FEATURES)):
        cargo("build", "--profile", "measure", "--locked", "--bin", "dropship", *features)
        call("strip", "-o", programs[name], TARGET / "measure/dropship")
    sizes = {name: program.stat().st_size / 1e6 for name, program in programs.items()}
    starts, again, idle, peaks = ({name: [] for name in programs} for _ in range(4))
    with Server(DROPSHIP, "sandbox", "--json") as base:
        many = filled(folder / "many-embedded", base, count)
        for turn in range(rounds + 1):
            for name, program in programs.items():
                daemon = Daemon(home_at(folder / f"{name}-{turn}", base), program=program)
                starts[name].append(daemon.serving())
                idle[name].append(daemon.memory("RssAnon"))
                daemon.end(signal.SIGTERM)
                daemon = Daemon(many, program=program)
                again[name].append(daemon.serving())
                peaks[name].append(daemon.memory())
                daemon.end(signal.SIGKILL)
    middle = lambda found: tuple(statistics.median(found[name][1:]) for name in ("with", "without"))
    note = "the features are PostgreSQL and object storage; the store is in a folder. Both programs take turns"
    for wanted, found, unit, scale, most in (
        ("start to ready with an empty store: at most 1.1 of that without the features", starts, "ms", 1e3, 1.1),
        (f"start after SIGKILL with {count:,} jobs: at most 1.1 of that without the features", again, "ms", 1e3, 1.1),
        ("memory that is not of a file, after the start: at most 1.1 of that without the features", idle, "MiB", 1, 1.1),
        (f"peak with {count:,} jobs: at most 1.1 of that without the features", peaks, "MiB", 1, 1.1),
    ):
        ours, base = middle(found)
        table.add("store in a folder", wanted, f"{ours / base:.2f} ({ours * scale:.1f} {unit}, {base * scale:.1f} {unit})",
                  ours / base <= most, note)
    table.add("store in a folder", "size of the program beside that without the features",
              f"{sizes['with']:.1f} MB, {sizes['without']:.1f} MB", "info", "packages have the features; both without the optimisation of packages")
