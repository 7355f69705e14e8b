"""The processor time of one package, by the number of jobs that the store remembers.

    python3 benches/compare.py --only remembered
"""

import os
import signal
import statistics
import time
from pathlib import Path

from .burst import BURST, METRICS, PackageTemplate, Sample, metrics
from .common import DROPSHIP, ROOT, Server, bench_program, call, free_port, say
from .daemon import Daemon, home_at

# Packages of one round; those of all rounds have different bytes.
PACKAGES = 100
# Time in which a daemon that has just started settles.
SETTLE = 3


class Remembering:
    """A daemon whose store remembers a number of jobs of the same rule and the same driver."""

    def __init__(self, folder, base, count, filler):
        self.count, self.home, self.port = count, home_at(folder / f"remembered-{count}", base), free_port()
        path = self.home / "dropship.toml"
        text = path.read_text().replace("[store]", BURST + "[store]", 1).replace("audiences =", "supersede = true\naudiences =", 1)
        path.write_text(text + METRICS.format(port=self.port))
        # A daemon creates the store first, because it records the account that the store belongs to.
        self.start()
        self.daemon.end(signal.SIGTERM)
        call(filler, "remember", self.home / "store", count, timeout=1800)
        self.start()
        time.sleep(SETTLE)

    def start(self):
        self.daemon = Daemon(self.home)
        self.daemon.serving()

    def processor(self):
        """Seconds of the daemon's processor time so far."""
        fields = Path(f"/proc/{self.daemon.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def ended(self):
        return Sample(metrics(self.port)).ended

    def round(self, template, first):
        """Processor milliseconds of each package of a round."""
        aside = self.home / "aside"
        aside.mkdir(exist_ok=True)
        for number in range(first, first + PACKAGES):
            (aside / f"new-{number}.cab").write_bytes(template.package(number))
        before, wanted = self.processor(), self.ended() + PACKAGES
        for path in list(aside.iterdir()):
            path.rename(self.home / "drop" / path.name)
        since = time.perf_counter()
        while self.ended() < wanted:
            time.sleep(0.5)
            if time.perf_counter() - since > 600:
                raise RuntimeError(f"the packages do not end: {(self.home / 'daemon.log').read_text()[-300:]}")
        return (self.processor() - before) / PACKAGES * 1e3


def per_package(table, rounds, folder, counts, filler=None):
    cabinet = (ROOT / "crates/dropship-package/tests/fixtures/cab/good-signed.cab").read_bytes()
    template = PackageTemplate(cabinet)
    with Server(DROPSHIP, "sandbox", "--json", "--speed", "6000") as base:
        daemons = [Remembering(folder, base, count, filler or bench_program("store")) for count in counts]
        try:
            times = {count: [] for count in counts}
            # The first round warms up.
            for turn in range(rounds + 1):
                for daemon in daemons:
                    spent = daemon.round(template, turn * PACKAGES)
                    if turn:
                        times[daemon.count].append(spent)
                say(f"round {turn}: " + ", ".join(f"{count:,}: {of[-1]:.2f} ms" for count, of in times.items() if of))
        finally:
            for daemon in daemons:
                daemon.daemon.end(signal.SIGTERM)
    few = statistics.median(times[counts[0]])
    for count in counts[1:]:
        many = statistics.median(times[count])
        table.add("many packages", f"processor time of a package with {count:,} remembered jobs: at most 1.2 times that with {counts[0]:,}",
                  f"{many / few:.2f} ({many:.1f} ms, {few:.1f} ms)", many <= 1.2 * few,
                  f"medians of {rounds} rounds of {PACKAGES} packages, in turns")
