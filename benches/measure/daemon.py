"""How soon the daemon answers, with an empty store and with many jobs."""

import os
import re
import signal
import socket
import statistics
import subprocess
import time
from pathlib import Path

from .common import DROPSHIP, ROOT, Server, bench_program, call

CONFIGURATION = """
[account]
tenant_id = "tenant"
client_id = "client"
client_secret_file = "secret"
[api]
endpoint = "{base}"
authority = "{base}"
[store]
path = "store"
[control]
socket = "control.sock"
[[folder]]
same_content = "take"
name = "in"
path = "drop"
outbox = "out"
[signers]
roots = ["{pki}/roots.pem"]
[[rule]]
name = "ring"
match = {{ file = "*.cab" }}
[rule.product]
name = "{{{{ file.stem }}}}"
test_harness = "attestation"
device_type = "internal"
requested_signatures = ["WINDOWS_v100_X64_CO_FULL"]
[rule.submission]
name = "{{{{ file.stem }}}}"
[[rule.label]]
name = "{{{{ file.stem }}}} ring"
destination = "windows_update"
audiences = ["Test Registry Key"]
[rule.label.hardware_ids]
include = ["pci\\\\*"]
operating_systems = ["WINDOWS_v100_X64_CO_FULL"]
"""


class Daemon:
    """A daemon with a folder of its own, or one of several that share a folder."""

    def __init__(self, home, name="dropship", socket="control", program=DROPSHIP):
        self.home, self.socket = home, home / f"{socket}.sock"
        self.start = time.perf_counter()
        with open(home / "daemon.log", "ab") as log:
            environment = {key: value for key, value in os.environ.items()
                           if key not in ("STATE_DIRECTORY", "RUNTIME_DIRECTORY", "NOTIFY_SOCKET")}
            self.process = subprocess.Popen([program, "--config", home / f"{name}.toml", "run", "--log-level", "warn"],
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment)

    def serving(self):
        """Seconds from its start to its first answer."""
        while time.perf_counter() - self.start < 60:
            if self.process.poll() is not None:
                raise RuntimeError("the daemon ended: " + (self.home / "daemon.log").read_text()[-300:])
            if self.ask("/v1/status"):
                return time.perf_counter() - self.start
            time.sleep(0.0005)
        raise RuntimeError("the daemon does not answer")

    def ask(self, path):
        with socket.socket(socket.AF_UNIX) as stream:
            try:
                stream.connect(str(self.socket))
                stream.sendall(f"GET {path} HTTP/1.1\r\nHost: d\r\nConnection: close\r\n\r\n".encode())
                answer = b""
                while part := stream.recv(1 << 16):
                    answer += part
            except OSError:
                return None
        return answer if b" 200 " in answer[:20] else None

    def memory(self, kind="VmHWM"):
        """MiB: the peak, or another line of `proc_pid_status`."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(rf"{kind}:\s+(\d+)", status)[1]) / 1024

    def end(self, how):
        self.process.send_signal(how)
        self.process.wait(60)


def home_at(folder, base):
    for name in ("", "drop"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    (folder / "secret").write_text("secret")
    (folder / "dropship.toml").write_text(CONFIGURATION.format(base=base, pki=ROOT / "crates/dropship-package/tests/fixtures/pki"))
    return folder


def starts(table, rounds, folder):
    with Server(DROPSHIP, "sandbox", "--json") as base:
        times = []
        for turn in range(rounds + 1):
            daemon = Daemon(home_at(folder / f"empty-{turn}", base))
            try:
                times.append(daemon.serving())
            finally:
                daemon.end(signal.SIGTERM)
    middle = statistics.median(times[1:])
    table.add("program", "start to ready with an empty store 20 ms", f"{middle * 1e3:.0f} ms", middle <= 0.020,
              "to the first answer on the control socket", "11 ms")


def filled(folder, base, count):
    """A daemon's folder with this many jobs, after SIGKILL."""
    home = home_at(folder, base)
    # A daemon creates the store first, because it records the account that the store belongs to.
    for fill, how in ((True, signal.SIGTERM), (False, signal.SIGKILL)):
        daemon = Daemon(home)
        daemon.serving()
        daemon.end(how)
        if fill:
            call(bench_program("store"), "fill", home / "store", count)
    return home


def many_jobs(table, rounds, folder, count):
    with Server(DROPSHIP, "sandbox", "--json") as base:
        home = filled(folder / "many", base, count)
        times, memories, pages = [], [], []
        for _ in range(rounds):
            daemon = Daemon(home)
            times.append(daemon.serving())
            for _ in range(5):
                start = time.perf_counter()
                if not daemon.ask("/v1/jobs?limit=50"):
                    raise RuntimeError("no page of jobs")
                pages.append(time.perf_counter() - start)
            memories.append(daemon.memory())
            daemon.end(signal.SIGKILL)
    serving, memory, page = statistics.median(times), statistics.median(memories), statistics.median(pages)
    what = f"after SIGKILL with {count:,} jobs"

    def verdict(met):
        # A run with fewer jobs than the goal names can miss the goal, but not meet it.
        return None if met and count < 100_000 else met

    table.add("start", f"{what}: serving within 250 ms", f"{serving * 1e3:.0f} ms", verdict(serving <= 0.25), before="156 ms")
    table.add("start", f"{what}: memory at most 48 MiB", f"{memory:.0f} MiB", verdict(memory <= 48), "the peak, after five pages", "22 MiB")
    table.add("start", f"{what}: a page of 50 jobs in 50 ms", f"{page * 1e3:.1f} ms", verdict(page <= 0.05), before="0.5 ms")
