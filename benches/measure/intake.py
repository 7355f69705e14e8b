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
    for row, what in (("10000 in one that is recursive", "10,000 idle folders in one `[[folder]]`"),
                      ("10000", "10,000 idle `[[folder]]`s")):
        share, memory = found(rf"\| {row} \| [\d.]+ \| ([\d.]+) \| [\d.]+ \| \d+ \| ([\d.]+)")
        table.add("7", f"{what}: at most 0.1 % of a core and 24 MiB", f"{share:.3f} %, {memory:.0f} MiB",
                  share <= 0.1 and memory <= 24)
    ratio, = found(r"\| dropship \| [\d.]+ \| ([\d.]+) \|")
    table.add("7", "a look at 100,000 files at most 0.5 of walkdir with metadata", f"{ratio:.2f}", ratio <= 0.5)
