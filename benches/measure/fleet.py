"""Several nodes that share PostgreSQL: their transitions, and how much of the limit of calls many packages use.

    python3 benches/compare.py --only fleet
"""

import contextlib
import os
import re
import shutil
import signal
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

from .burst import BURST, METRICS, ends, packages, until_ended
from .common import BENCH, DROPSHIP, FEATURES, ROOT, SCRATCH, Server, call, cargo, free_port
from .daemon import Daemon, home_at

NODES = 3
FOLDER = """
[[folder]]
same_content = "take"
name = "site{number}"
node = "n{number}"
path = "drop{number}"
outbox = "out{number}"
"""


def programs():
    """The folder of PostgreSQL's programs: `DROPSHIP_POSTGRES`, or where Debian installs them."""
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: float(path.parent.name))
    found = os.environ.get("DROPSHIP_POSTGRES") or (installed and installed[-1])
    if not found:
        raise RuntimeError("no PostgreSQL: install postgresql or set DROPSHIP_POSTGRES to the folder of its programs")
    return Path(found)


@contextlib.contextmanager
def database():
    """A server with an empty database that syncs each commit to the disk. Yields the address for `[store] url`."""
    with tempfile.TemporaryDirectory(dir=SCRATCH) as folder:
        folder, user = Path(folder), {}
        # The server refuses root.
        if os.geteuid() == 0:
            user = {"user": "postgres", "group": "postgres", "extra_groups": []}
            shutil.chown(folder, "postgres", "postgres")
            for parent in folder.parents:
                if not parent.stat().st_mode & 0o001:
                    raise RuntimeError(f"the user postgres cannot enter {parent}")
        data, port = folder / "data", free_port()
        call(programs() / "initdb", "--auth=trust", "--username=dropship", "--encoding=UTF8", "-D", data, cwd=folder, **user)
        options = ["-c", "listen_addresses=127.0.0.1", "-p", str(port), "-k", str(folder)]
        server = subprocess.Popen([programs() / "postgres", "-D", data, *options], cwd=folder, stdin=subprocess.DEVNULL,
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **user)
        try:
            wait_for(server, port)
            yield f"postgres://dropship@127.0.0.1:{port}/postgres"
        finally:
            server.send_signal(signal.SIGINT)  # PostgreSQL's fast shutdown
            server.wait(60)


def wait_for(server, port):
    """Waits until the server accepts connections."""
    for _ in range(300):
        if server.poll() is not None:
            raise RuntimeError("PostgreSQL ended")
        if not subprocess.run([programs() / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(port)], check=False).returncode:
            return
        time.sleep(0.1)
    raise RuntimeError("PostgreSQL does not accept connections")


def transitions(table):
    """Measures durable transitions by 32 workers, in a folder and by 1, 2 and 4 stores on one database."""
    printed = cargo(*BENCH, *FEATURES, "--bench", "store", "--", "fleet", environment={"DROPSHIP_POSTGRES": str(programs())})
    rates = dict(re.findall(r"(.+): (\d+) transitions a second", printed))
    embedded = int(rates.pop("a store in a folder"))
    table.add("fleet", "transitions a second by 32 workers, beside a store in a folder",
              ", ".join(f"{int(rate):,} ({name.removeprefix('PostgreSQL, ')})" for name, rate in rates.items()), "info",
              f"a store in a folder: {embedded:,}. One database, each commit synced to the disk; all nodes append to one journal")


def at_once(table, folder, count):
    """Measures packages that are dropped at once, in equal parts, into the folders of three nodes."""
    limit = count * 2
    with database() as url, \
            Server(DROPSHIP, "sandbox", "--json", "--speed", "6000", "--requests-per-minute", limit) as base, \
            contextlib.ExitStack() as running:
        home = home_at(folder / "fleet", base)
        text = (home / "dropship.toml").read_text().replace("[store]", BURST + "[store]", 1)
        text = text.replace("[signers]", "".join(FOLDER.format(number=number) for number in range(NODES)) + "[signers]")
        ports, daemons = [free_port() for _ in range(NODES)], []
        for number, port in enumerate(ports):
            (home / f"drop{number}").mkdir()
            store = f'path = "store{number}"\nurl = "{url}"\npackages = "shared"\nnode = "n{number}"'
            own = text.replace('path = "store"', store).replace("control.sock", f"control{number}.sock")
            (home / f"node{number}.toml").write_text(own + METRICS.format(port=port))
            daemon = Daemon(home, f"node{number}", f"control{number}")
            running.callback(daemon.end, signal.SIGTERM)
            daemon.serving()
            daemons.append(daemon)
        cabinet = (ROOT / "crates/dropship-package/tests/fixtures/cab/good-signed.cab").read_bytes()
        dropped = packages(cabinet, home / "aside", count)
        start = time.time()
        for number, path in enumerate(dropped):
            path.rename(home / f"drop{number % NODES}" / path.name)
        last, seconds, share = until_ended(ports, count, limit)
        waits = ends(daemons[0], count, start)
        memory = max(daemon.memory() for daemon in daemons)
    what = f"{count:,} packages at once at {NODES} nodes, {limit:,} calls a minute allowed"
    met = None if share is None or count < 10_000 else share >= 0.95
    table.add("fleet", f"{what}: at least 95 % of them used", "-" if share is None else f"{share:.1%}", met,
              f"{last.throttled} calls were throttled; the last package waited {max(waits):.0f} s, the mean was {statistics.mean(waits):.0f} s; "
              f"at most {memory:.0f} MiB of memory a node. PostgreSQL, the sandbox and the nodes share the processors")
