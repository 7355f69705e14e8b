"""Collects the results, goal by goal, and writes the page."""

import os
import platform
import re
import time
from pathlib import Path

from .common import call, say

BEGIN, END = "<!-- results of compare.py -->", "<!-- end of the results -->"
VERDICTS = {True: "met", False: "**missed**", None: "not measured", "info": "no goal"}


class Table:
    def __init__(self):
        self.rows, self.details, self.intake, self.missed = [], [], "Not measured.", []

    def add(self, area, wanted, measured, met, note="", before="-"):
        """Adds a row. `before` is the figure of the build of 2026-11-24, or of the one that the note names."""
        self.rows.append(f"| {area} | {wanted} | {before} | {measured} | {VERDICTS[met]} | {note} |")
        if met is False or met is None:
            self.missed.append(f"{area}: {wanted}: {measured} {'' if met is False else '(not measured)'}".strip())

    def part(self, name, goals, run):
        """Runs one part. If it fails, its goals are reported as not measured, with the reason."""
        say(name)
        rows_before, missed_before = len(self.rows), len(self.missed)
        try:
            run()
        except Exception as error:  # the other parts run nevertheless
            say(f"{name}: {error}")
            del self.rows[rows_before:], self.missed[missed_before:]
            reason = " ".join(str(error).split())[:160].replace("|", "/")
            for goal, wanted in goals:
                self.add(goal, wanted, "-", None, reason)

    def polls(self):
        """Results of the tests of the poll schedule, which are the same in each run, and a goal that cannot be reached."""
        fixed = "result of the test in `crates/dropship-engine/src/pipeline/poll.rs` on a simulated clock, not measured by this run"
        self.add("polls", "40 minutes of signing: at most 45 polls, the end noticed at most 60 s late on average", "41; 58 s", True, fixed)
        self.add("polls", "three days of approval: at most 250 polls", "214", True, fixed)
        self.add("polls", "polling many submissions of one product by list: at most 1.2 times the calls for one", "-", "info",
                 "impossible: a list of submissions has no workflow status (documented), so each is polled; labels are polled by list")

    def page(self, old, rounds, load, command):
        """The page with new results. What people wrote around them stays as it is in `old`."""
        noise = f"load {load:.1f} at the start"
        if load > 1:
            noise += ": other programs were running, so the figures are noisy"
        new = f"""{BEGIN}

**Measured on {time.strftime('%Y-%m-%d', time.gmtime())} at commit {commit()}** by `{command}`, which replaces this part of the page.

Machine: {machine()}, {noise}.

- Most figures are medians of {rounds} rounds after a warm-up; the programs that are compared take turns. The ratios are
  more reliable than the absolute figures: two runs of a day differ by up to a tenth, processor times of a package by a third.
- "The sink" is a blob store that discards what it receives, so only the client is measured. The uploaded files are
  sparse, so the disk plays no part.
- Times of clients are those of whole processes, from start to exit.
- "Before" is the build of 2026-11-24, measured on the same kind of machine on that day; for bytes and syncs, the build
  before the change that the row is about.

{self.found()}

### Intake

{self.intake}

{END}"""
        if BEGIN not in old:
            return f"# Performance\n\n{new}\n"
        before, rest = old.split(BEGIN, 1)
        return before + new + rest.split(END, 1)[1]

    def found(self):
        rows = ["| area | target | before | now | | note |", "|---|---|---|---|---|---|", *self.rows]
        return "\n".join(rows) + "\n\n### Details\n\n" + "\n\n".join(self.details)


def commit():
    return call("git", "describe", "--always", "--dirty").strip()


def machine():
    model = re.search(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text())
    memory = int(re.search(r"MemTotal:\s+(\d+)", Path("/proc/meminfo").read_text())[1]) / (1 << 20)
    name = model[1] if model else platform.machine()
    return f"{os.cpu_count()} processors of {name}, {memory:.0f} GiB, Linux {platform.release().split('-')[0]}"
