"""The pages with 100,000 packages, and packages while people read pages."""

import re

from .common import BENCH, FEATURES, cargo


def pages(table):
    printed = cargo(*BENCH, *FEATURES, "--bench", "web", timeout=1800)
    found = re.findall(r"page (\S+): median ([\d.]+) ms, first ([\d.]+) ms", printed)
    slowest = max(found, key=lambda page: float(page[1]))
    first = max(found, key=lambda page: float(page[2]))
    table.add("pages", "100,000 packages: each page within 200 ms, also the first time",
              f"{float(slowest[1]):.0f} ms (`{slowest[0]}`), first time {float(first[2]):.0f} ms (`{first[0]}`)",
              float(slowest[1]) <= 200 and float(first[2]) <= 200, f"the slowest of {len(found)} pages", "187 ms, first time 277 ms")
    searches = re.findall(r"dropship who '(\S+)': median ([\d.]+) ms", printed)
    if not searches:
        raise RuntimeError("the bench printed no search")
    for who, median in searches:
        table.add("pages", f"`dropship who '{who}'` with 100,000 packages: within 100 ms", f"{float(median):.0f} ms", float(median) <= 100, "",
                  "580 ms (a glob that matches all)" if who == "*" else "-")
    without, reading, count = re.search(r"median ([\d.]+) s without readers, ([\d.]+) s while people read (\d+) pages", printed).groups()
    table.add("pages", "60 packages, from the drop to the last receipt, while ten people read pages: time compared with no readers",
              f"{float(reading) / float(without):.2f} ({reading} s, {without} s)", "info", f"they read {count} pages, on the same processors", "1.06")
