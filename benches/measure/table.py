"""What was found, goal by goal, and the page that tells it."""

import os
import platform
import re
import time
from pathlib import Path

from .common import say

VERDICTS = {True: "met", False: "**missed**", None: "not measured", "told": "no goal"}


class Table:
    def __init__(self):
        self.rows, self.details, self.intake = [], [], "Not measured."

    def add(self, goal, wanted, measured, met, limit=""):
        self.rows.append(f"| {goal} | {wanted} | {measured} | {VERDICTS[met]} | {limit} |")

    def part(self, name, goals, run):
        """Runs one part; when it cannot be run its goals are not measured, and why is said."""
        say(name)
        begun = len(self.rows)
        try:
            run()
        except Exception as error:  # one part that fails must not cost the others
            say(f"{name}: {error}")
            del self.rows[begun:]
            reason = " ".join(str(error).split())[:160].replace("|", "/")
            for goal, wanted in goals:
                self.add(goal, wanted, "-", None, reason)

    def looks(self):
        """What a simulated clock finds, and what cannot be had."""
        of = "found by the test in `src/pipeline/{}` on a simulated clock, not in this run"
        fixed = of.format("poll.rs")
        self.add("8", "at most 45 looks over 40 minutes of signing, 60 s late in the mean", "41; 58 s", True, fixed)
        self.add("8", "at most 250 looks over three days of approval", "214", True, fixed)
        self.add("8", "a burst of submissions in one product at most 1.2 of one, by listing", "-", False,
                 "a list of submissions tells no workflow (documented), so each is looked at; labels are followed by list")

    def page(self, rounds, load, command):
        noise = f"load {load:.1f} at the start"
        if load > 1:
            noise += ", so others were at work on this machine and the figures are noisy"
        return f"""# How fast, beside what else there is

Written by `{command}`, which anyone can repeat; {time.strftime('%Y-%m-%d', time.gmtime())}, {machine()}, {noise}.
Medians of {rounds} rounds, turn by turn after a warm-up. Trust the ratios, not the absolute figures. "The sink" is a
blob store of our own that takes everything and keeps nothing, so that the client is what is measured; the files
sent to it are sparse, so no disk is. Times of clients are those of whole processes.

{self.found()}

## Intake

{self.intake}
"""

    def found(self):
        rows = ["| goal | wanted | measured | | limit, or why not |", "|---|---|---|---|---|", *self.rows]
        return "\n".join(rows) + "\n\n## Behind the rows\n\n" + "\n\n".join(self.details)


def machine():
    model = re.search(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text())
    memory = int(re.search(r"MemTotal:\s+(\d+)", Path("/proc/meminfo").read_text())[1]) / (1 << 20)
    name = model[1] if model else platform.machine()
    return f"{os.cpu_count()} x {name}, {memory:.0f} GiB, Linux {platform.release().split('-')[0]}"
