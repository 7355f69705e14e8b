"""From a closed file to a durable job, and folders in which nothing happens."""

import re

from .common import cargo


def intake(table):
    text = cargo("bench", "--locked", "--bench", "intake", timeout=1200)
    table.intake = text[text.index("Load of"):].strip()
    found = lambda row: [float(number) for number in re.search(row, text).groups()]
    median, most = found(r"\| dropship, to its durable job \| ([\d.]+) \| ([\d.]+)")
    table.add("6", "a closed CAB to its durable job: median 5 ms, p99 20 ms", f"{median:.1f} ms, {most:.1f} ms",
              median <= 5 and most <= 20)
    share, memory = found(r"\| 10000 \| [\d.]+ \| ([\d.]+) \| [\d.]+ \| \d+ \| ([\d.]+)")
    table.add("7", "10,000 idle folders: at most 0.1 % of a core and 24 MiB", f"{share:.3f} %, {memory:.0f} MiB",
              share <= 0.1 and memory <= 24)
    ratio, = found(r"\| dropship \| [\d.]+ \| ([\d.]+) \|")
    table.add("7", "a look at 100,000 files at most 0.5 of walkdir with metadata", f"{ratio:.2f}", ratio <= 0.5)
