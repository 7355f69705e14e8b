"""The time from a closed file to a durable job, and the cost of idle folders."""

import os
import re

from .common import BENCH, DROPSHIP, FEATURES, SCRATCH, cargo, say


def intake(table, may_build):
    path = f"{watchexec(may_build)}{os.pathsep}{os.environ['PATH']}"
    text = cargo(*BENCH, *FEATURES, "--bench", "intake", timeout=1200, environment={"PATH": path, "DROPSHIP": str(DROPSHIP)})
    text += cargo(*BENCH, "-p", "dropship-intake", timeout=600)
    table.intake = text[text.index("Load of"):].strip()
    found = lambda row: [float(number) for number in re.search(row, text).groups()]
    median, most = found(r"\| dropship: durable job \| ([\d.]+) \| ([\d.]+)")
    table.add("intake", "from a closed CAB to its durable job: median 5 ms, p99 20 ms", f"{median:.1f} ms, {most:.1f} ms",
              median <= 5 and most <= 20, before="2.1 ms, 4.8 ms")
    wake, = found(r"only sleeps uses (\d+) us")
    for row, what, core, most, wakes, before in (
        ("1", "one idle folder", 0.02, 12, 2, "0.126 %, 15 MiB, 22 wake-ups"),
        ("10000 in one recursive folder", "10,000 idle folders in one `[[folder]]`", 0.1, 24, None, "0.112 %, 23 MiB, 22 wake-ups"),
        ("10000", "10,000 idle `[[folder]]`s", 0.1, 64, None, "0.217 %, 94 MiB, 22 wake-ups"),
    ):
        share, wakeups, memory, own = found(
            rf"\| {row} \| [\d.]+ \| ([\d.]+) \| [\d.]+ \| ([\d.]+) \| ([\d.]+) \| ([\d.]+)")
        wanted = f"{what}: at most {core} % of a core and {most} MiB" + (f", {wakes} wake-ups a second" if wakes else "")
        table.add("idle", wanted, f"{share:.3f} %, {memory:.0f} MiB, {wakeups:.1f} wake-ups",
                  share <= core and memory <= most and wakeups <= (wakes or wakeups),
                  f"{own:.1f} MiB without the program file and libraries, which are page cache; {wakeups:.1f} wake-ups of a thread that only "
                  f"sleeps take {wake * wakeups / 1e4:.3f} % here", before)
    ratio, = found(r"\| dropship \| [\d.]+ \| ([\d.]+) \|")
    table.add("idle", "a scan of 100,000 files at most 0.5 of walkdir with metadata", f"{ratio:.2f}", ratio <= 0.5, before="0.50")


def watchexec(may_build):
    """Installs watchexec if it may and can, and returns its folder. Without it, the page says that it is not installed."""
    root = SCRATCH / "watchexec"
    if may_build and not (root / "bin/watchexec").exists():
        try:
            cargo("install", "--quiet", "--locked", "--root", root, "watchexec-cli",
                  environment={"CARGO_TARGET_DIR": str(root / "target")})
        except RuntimeError as error:
            say(f"watchexec cannot be installed: {error}")
    return root / "bin"
