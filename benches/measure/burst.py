"""Many packages dropped at once into a sandbox that limits calls: how much of the limit is used."""

import datetime
import json
import re
import signal
import statistics
import time
import urllib.request

from .common import DROPSHIP, MIB, ROOT, Server, free_port, say
from .daemon import Daemon, home_at

WINDOW = 60
BURST = """
workers = 16
[api.poll]
sign = { first = "5s", max = "20s" }
publish = { first = "5s", max = "20s" }
"""
METRICS = """
[metrics]
listen = "127.0.0.1:{port}"
"""


class PackageTemplate:
    """Makes many packages from one, like `tests/it/storm/maker.rs`: a signature does not cover unsigned attributes."""

    def __init__(self, cabinet):
        at, size = (int.from_bytes(cabinet[place:place + 4], "little") for place in (44, 48))
        block = cabinet[at:at + size]
        end = element(block, 0)[1]
        self.cabinet, self.signature, self.lengths = cabinet[:at], block[:end], []
        inside = 0
        while inside < end and self.signature[inside] & 0x20:
            first, stop = element(self.signature, inside)
            if stop != end:
                inside = stop
                continue
            self.lengths.append(inside + 2)
            inside = first
            while element(self.signature, inside)[1] != end:
                inside = element(self.signature, inside)[1]

    def package(self, number):
        attribute = bytes.fromhex("a11930170609" "2b0601040183b20307" "310a0408") + number.to_bytes(8, "big")
        signature = bytearray(self.signature)
        for at in self.lengths:
            longer = int.from_bytes(signature[at:at + 2], "big") + len(attribute)
            signature[at:at + 2] = longer.to_bytes(2, "big")
        signature += attribute
        signature += bytes(-len(signature) % 8)
        package = bytearray(self.cabinet)
        package[48:52] = len(signature).to_bytes(4, "little")
        return bytes(package + signature)


def element(text, at):
    """The start and the end of the content of the DER element at `at`."""
    short = text[at + 1]
    if short < 0x80:
        return at + 2, at + 2 + short
    count = short & 0x7f
    return at + 2 + count, at + 2 + count + int.from_bytes(text[at + 2:at + 2 + count], "big")


class Sample:
    """The daemon's metrics at one moment."""

    def __init__(self, text):
        self.at, self.passed, self.throttled, self.ended = time.perf_counter(), 0, 0, 0
        for name, labels, value in re.findall(r"^(\w+)\{([^}]*)\} (\d+)", text, re.M):
            if name == "dropship_api_requests_total" and 'operation="token"' not in labels:
                if 'code="429"' in labels:
                    self.throttled += int(value)
                else:
                    self.passed += int(value)
            elif name == "dropship_jobs" and re.search(r'state="(succeeded|failed|rejected)"', labels):
                self.ended += int(value)


def metrics(port):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30) as answer:
        return answer.read().decode()


def packages(cabinet, folder, count):
    """Writes packages into a new folder; returns their paths."""
    template = PackageTemplate(cabinet)
    folder.mkdir()
    paths = [folder / f"driver-{number}.cab" for number in range(count)]
    for number, path in enumerate(paths):
        path.write_bytes(template.package(number))
    return paths


def until_ended(ports, count, limit):
    """Waits until jobs have ended. Returns the last sample, the seconds, and the used share of `limit` calls a minute, `None`
    if the time was too short for that."""
    began, samples = time.perf_counter(), []
    while not samples or samples[-1].ended < count:
        time.sleep(1)
        samples.append(Sample("".join(metrics(port) for port in ports)))
        now = samples[-1]
        if len(samples) % 20 == 0:
            say(f"after {now.at - began:.0f} s: {now.ended} of {count} ended, {now.passed} calls, {now.throttled} throttled")
        if now.at - began > 60 + 3 * 60 * 14 * count / limit:
            raise RuntimeError(f"only {now.ended} of {count} ended")
    # The first minute allows all its calls at once, and at the end too few jobs are left to use the limit.
    busy = [one for one in samples if one.at - began > WINDOW and one.ended < 0.9 * count]
    share = None
    if len(busy) > WINDOW / 2:
        first, last = busy[0], busy[-1]
        share = (last.passed - first.passed) / ((last.at - first.at) * limit / WINDOW)
    return samples[-1], samples[-1].at - began, share


def ends(daemon, count, start):
    """Seconds from `start` to the end of each job. All must have succeeded."""
    jobs = every_job(daemon)
    states = {job["state"] for job in jobs}
    if len(jobs) != count or states != {"succeeded"}:
        raise RuntimeError(f"{len(jobs)} jobs, {states}")
    return [stamp(job["updated"]) - start for job in jobs]


def burst(daemon, home, port, cabinet, count, limit):
    """Drops packages into the folder of a daemon that was just started. Its metrics are at `port`; the sandbox allows
    `limit` calls a minute."""
    dropped = packages(cabinet, home / "aside", count)
    start = time.time()
    for path in dropped:
        path.rename(home / "drop" / path.name)
    last, seconds, share = until_ended([port], count, limit)
    memory, busy_size = daemon.memory(), size_of(home / "store/sled")
    waits = ends(daemon, count, start)
    # The store compacts its database once it is idle.
    quiet = time.perf_counter()
    while (tables := size_of(home / "store/sled")) >= busy_size and time.perf_counter() - quiet < 10:
        time.sleep(0.1)
    return {"share": share, "memory": memory, "busy": busy_size / MIB, "tables": tables / MIB, "last": max(waits),
            "mean": statistics.mean(waits), "throttled": last.throttled, "seconds": seconds}


def size_of(folder):
    """The size of a folder whose files may change during the call."""
    size = 0
    for path in folder.rglob("*"):
        try:
            size += path.stat().st_size if path.is_file() else 0
        except FileNotFoundError:
            pass
    return size


def every_job(daemon):
    jobs, before = [], ""
    while page := json.loads(daemon.ask(f"/v1/jobs?limit=500{before}").split(b"\r\n\r\n", 1)[1]):
        jobs += page
        before = f"&before={page[-1]['id']}"
    return jobs


def stamp(text):
    return datetime.datetime.fromisoformat(text[:19] + "+00:00").timestamp()


def at_once(table, folder, count):
    """Measures many packages that are dropped at once into a sandbox that limits calls."""
    limit = count * 2
    with Server(DROPSHIP, "sandbox", "--json", "--speed", "6000", "--requests-per-minute", limit) as base:
        home = home_at(folder / "burst", base)
        port, path = free_port(), home / "dropship.toml"
        path.write_text(path.read_text().replace("[store]", BURST + "[store]", 1) + METRICS.format(port=port))
        cabinet = (ROOT / "crates/dropship-package/tests/fixtures/cab/good-signed.cab").read_bytes()
        daemon = Daemon(home)
        try:
            daemon.serving()
            found = burst(daemon, home, port, cabinet, count, limit)
        finally:
            daemon.end(signal.SIGTERM)
    what = f"{count:,} packages at once, {limit:,} calls a minute allowed"

    def verdict(met):
        return None if met and count < 10_000 else met

    share = found["share"]
    table.add("many packages", f"{what}: at least 95 % of them used", "-" if share is None else f"{share:.1%}",
              None if share is None else verdict(share >= 0.95),
              f"{found['throttled']} calls were throttled; without the first minute, which allows all its calls at once", "95.3%")
    table.add("many packages", f"{what}: memory at most 120 MiB", f"{found['memory']:.0f} MiB", verdict(found["memory"] <= 120), before="102 MiB")
    ratio = found["last"] / found["mean"]
    table.add("many packages", f"{what}: the last waits at most twice the mean",
              f"{ratio:.2f} ({found['last']:.0f} s, mean {found['mean']:.0f} s)", verdict(ratio <= 2), before="1.60")
    table.add("many packages", f"sled's folder after the burst of {count:,}: at most 20 MiB", f"{found['tables']:.1f} MiB",
              verdict(found["tables"] <= 20),
              f"about 20 transitions for each package; after the vacuum; {found['busy']:.1f} MiB before", "52.5 MiB")
