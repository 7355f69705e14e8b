#!/usr/bin/env python3
"""Measures dropship beside what people use today, and writes docs/performance.md.

    python3 benches/compare.py [--quick]

Builds what it needs, installs azure-storage-blob into target/compare, and runs everything turn by turn after a
warm-up. What could not be run is said to be not measured. Needs cargo, python3 with venv, curl and openssl.
"""

import argparse
import json
import os
import platform
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import burst
import group

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "target"
SCRATCH = TARGET / "compare"
DROPSHIP = TARGET / "release/dropship"
PEERS = TARGET / "release/dropship-peers"
GIB, MIB = 1 << 30, 1 << 20
PYTHON_UPLOAD = """
import sys
from azure.storage.blob import BlobClient
with open(sys.argv[2], "rb") as file:
    BlobClient.from_blob_url(sys.argv[1]).upload_blob(file, overwrite=True, max_concurrency=4)
"""
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


def say(text):
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


def call(*command, **more):
    """Runs a command to its end; gives what it printed."""
    command = [str(part) for part in command]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True, cwd=more.pop("cwd", ROOT), timeout=more.pop("timeout", 300), **more)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command[:3])} failed: {done.stderr.strip()[-600:]}")
    return done.stdout


def timed(*command):
    """Wall and processor seconds of a command."""
    before, start = os.times(), time.perf_counter()
    call(*command)
    wall, after = time.perf_counter() - start, os.times()
    return wall, (after.children_user - before.children_user) + (after.children_system - before.children_system)


class Server:
    """A server that tells its address in what it prints first, and ends with its standard input or by a signal."""

    def __init__(self, *command, **environment):
        self.process = subprocess.Popen([str(part) for part in command], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                                        env={**os.environ, **environment})
        told, found = "", None
        while not found:
            line = self.process.stdout.readline()
            told += line
            found = re.search(r"http://[^\s\",]+", line)
            if not line:
                raise RuntimeError(f"{command[0]} told no address: {told!r}")
        self.base = found[0].rstrip("/.,")

    def __enter__(self):
        return self.base

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.terminate()
        self.process.wait()


class Table:
    def __init__(self):
        self.rows, self.details, self.intake = [], [], "Not measured."

    def add(self, goal, wanted, measured, met, limit=""):
        met = {True: "met", False: "**missed**", None: "not measured"}[met]
        self.rows.append(f"| {goal} | {wanted} | {measured} | {met} | {limit} |")

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


def build():
    environment = {**os.environ, "CARGO_TARGET_DIR": str(TARGET)}
    call("cargo", "build", "--release", "--locked", "--bin", "dropship", env=environment, timeout=1800)
    call("cargo", "bench", "--no-run", "--locked", "--bench", "inspect", "--bench", "store",
         "--bench", "intake", env=environment,
         timeout=1800)


def peers():
    environment = {**os.environ, "CARGO_TARGET_DIR": str(TARGET)}
    call("cargo", "build", "--release", "--locked", "--manifest-path", "benches/peers/Cargo.toml", env=environment,
         timeout=1800)
    python = SCRATCH / "venv/bin/python"
    if not python.exists():
        call(sys.executable, "-m", "venv", SCRATCH / "venv")
    try:
        call(python, "-c", "import azure.storage.blob")
    except RuntimeError:
        call(python, "-m", "pip", "install", "-q", "azure-storage-blob", timeout=600)
    return python


def transfers(table, rounds, folder):
    python = peers()
    large, huge, small = folder / "large", folder / "huge", folder / "small"
    for path, size in ((large, GIB), (huge, 4 * GIB), (small, 2 * MIB)):
        with open(path, "wb") as file:
            file.truncate(size)

    def peer(name, base, path, size, count=1):
        # Timed from outside as every other client is: its start and its end count too.
        before, start = os.times(), time.perf_counter()
        memory = float(call(PEERS, name, base, path, size, count).split()[2])
        wall, after = time.perf_counter() - start, os.times()
        busy = after.children_user - before.children_user + after.children_system - before.children_system
        return [wall, busy, memory]

    with Server(PEERS, "store") as base:
        url = f"{base}/{GIB}/b?sp=rcw&sig=x"
        clients = {
            "dropship": lambda: peer("dropship", base, large, GIB),
            "curl, one PUT": lambda: timed("curl", "-sf", "-T", large, url),
            "azure_storage_blob (Rust)": lambda: peer("azure-defaults", base, large, GIB),
            "azure-storage-blob (Python), 4 at a time": lambda: timed(python, "-c", PYTHON_UPLOAD, url, large),
        }
        found = {name: [] for name in clients}
        for turn in range(rounds + 1):
            for name, run in clients.items():
                result = run()
                if turn:
                    found[name].append(result)
        middle = {name: [statistics.median(part) for part in zip(*runs)] for name, runs in found.items()}
        most = peer("dropship", base, huge, 4 * GIB)[2]
        few = {name: statistics.median(peer(name, base, small, 2 * MIB, 200)[0] for _ in range(rounds))
               for name in ("dropship", "azure-defaults")}
    ours = middle["dropship"]
    lines = ["| 1 GiB to the sink | wall s | processor s | memory MiB |", "|---|---|---|---|"]
    for name, numbers in middle.items():
        memory = f"{numbers[2]:.0f}" if len(numbers) > 2 else "-"
        lines.append(f"| {name} | {numbers[0]:.3f} | {numbers[1]:.2f} | {memory} |")
    lines += ["", f"200 files of 2 MiB, one after another: dropship {few['dropship']:.3f} s, azure_storage_blob (Rust) "
              f"{few['azure-defaults']:.3f} s."]
    table.details.append("\n".join(lines))
    for name, index, limit, what in (("curl, one PUT", 0, 0.8, "wall beside one PUT of curl"),
                                     ("azure-storage-blob (Python), 4 at a time", 0, 0.33,
                                      "wall beside azure-storage-blob of Python"),
                                     ("azure_storage_blob (Rust)", 1, 0.8, "processor beside the official Rust crate")):
        ratio = ours[index] / middle[name][index]
        table.add("1", f"1 GiB: {what}, at most {limit}", f"{ratio:.2f}", ratio <= limit)
    same = most <= 1.1 * ours[2]
    table.add("3", "memory for 4 GiB at most 40 MiB, within a tenth of 1 GiB's",
              f"{most:.0f} MiB; {ours[2]:.0f} MiB for 1 GiB", most <= 40 and same, "the upload alone, without the hash")


def link(table, rounds, folder):
    """A link of 30 ms an answer and 50 MB/s a connection."""
    large = folder / "large"
    if not PEERS.exists() or not large.exists():
        raise RuntimeError("the peers were not built")
    one = 8 * MIB / 50e6 + 0.030
    ideal = GIB / (8 * MIB) * one / 8
    with Server(PEERS, "store", SINK_DELAY_MS="30", SINK_RATE_MB="50") as base:
        walls = [float(call(PEERS, "dropship", base, large, GIB, 1).split()[0]) for _ in range(min(rounds, 3))]
    share = ideal / statistics.median(walls)
    table.add("4", "1 GiB over a link of 30 ms and 50 MB/s a connection: at least 95 % of 8 times one connection",
              f"{share:.0%} ({statistics.median(walls):.2f} s)", share >= 0.95,
              "reckoned for 8 blocks in flight; the client chooses how many it keeps there")


def inspection(table):
    text = call("cargo", "bench", "--locked", "--bench", "inspect", timeout=600,
                env={**os.environ, "CARGO_TARGET_DIR": str(TARGET)})
    table.details.append("```\n" + text.strip() + "\n```")
    ratios = [float(number) for number in re.findall(r"inspect_hashed\s+[\d.]+ s, ([\d.]+) times", text)]
    if not ratios:
        raise RuntimeError("the bench printed no ratio")
    table.add("5", "judging and hashing a CAB of 1 GiB at most 1.5 of `openssl dgst -sha256`",
              " and ".join(f"{ratio:.2f}" for ratio in ratios) + " (stored, MSZIP)", max(ratios) <= 1.5,
              "the copy into the store is not part of it")


def transition(table, rounds, folder):
    runs, sqlite = [], []
    for _ in range(min(rounds, 3)):
        text = call("cargo", "bench", "--locked", "--bench", "store", timeout=300,
                    env={**os.environ, "CARGO_TARGET_DIR": str(TARGET), "TMPDIR": str(folder)})
        runs.append({name: float(number) for name, number in re.findall(r"(\S+) ([\d.]+) us", text)})
        sqlite.append(group.sqlite(folder))
    found = {name: statistics.median(run[name] for run in runs) for name in runs[0]}
    theirs = statistics.median(sqlite)
    lines = [f"{name} {number:.1f} us" for name, number in found.items()] + [f"sqlite-of-32 {theirs:.1f} us"]
    table.details.append("```\n" + "\n".join(lines) + "\n```")
    ratio = found["transition"] / found["raw"]
    table.add("9", "a durable transition at most 2.2 of a raw pwrite with fdatasync",
              f"{ratio:.2f} ({found['transition']:.0f} us, raw {found['raw']:.0f} us)", ratio <= 2.2)
    faster = theirs / found["transition-of-32"]
    table.add("9", "32 workers at least 1.3 of SQLite's group commit",
              f"{faster:.2f} ({found['transition-of-32']:.0f} us a transition, SQLite {theirs:.0f} us)", faster >= 1.3,
              "32 rows of 2 KiB a transaction, WAL, synchronous=FULL, by Python's own module")


def intake(table):
    text = call("cargo", "bench", "--locked", "--bench", "intake", timeout=1200,
                env={**os.environ, "CARGO_TARGET_DIR": str(TARGET)})
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


class Daemon:
    """A daemon with a folder of its own."""

    def __init__(self, home):
        self.home = home
        self.start = time.perf_counter()
        with open(home / "daemon.log", "ab") as log:
            environment = {key: value for key, value in os.environ.items()
                           if key not in ("STATE_DIRECTORY", "RUNTIME_DIRECTORY", "NOTIFY_SOCKET")}
            self.process = subprocess.Popen([DROPSHIP, "--config", home / "dropship.toml", "run", "--log-level", "warn"],
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
                stream.connect(str(self.home / "control.sock"))
                stream.sendall(f"GET {path} HTTP/1.1\r\nHost: d\r\nConnection: close\r\n\r\n".encode())
                answer = b""
                while part := stream.recv(1 << 16):
                    answer += part
            except OSError:
                return None
        return answer if b" 200 " in answer[:20] else None

    def memory(self):
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmHWM:\s+(\d+)", status)[1]) / 1024

    def end(self, how):
        self.process.send_signal(how)
        self.process.wait(60)


def home_at(folder, base):
    for name in ("", "drop"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    (folder / "secret").write_text("secret")
    (folder / "dropship.toml").write_text(CONFIGURATION.format(base=base, pki=ROOT / "tests/fixtures/pki"))
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
    table.add("12", "start to ready with an empty store 20 ms", f"{middle * 1e3:.0f} ms", middle <= 0.020,
              "to the first answer on the control socket")


def many_jobs(table, rounds, folder, count):
    bench = max((TARGET / "release/deps").glob("store-*"), key=lambda path: (path.suffix == "", path.stat().st_mtime))
    with Server(DROPSHIP, "sandbox", "--json") as base:
        home = home_at(folder / "many", base)
        # Let a daemon make the store first: it says whose it is.
        daemon = Daemon(home)
        daemon.serving()
        daemon.end(signal.SIGTERM)
        call(bench, "fill", home / "store", count)
        daemon = Daemon(home)
        daemon.serving()
        daemon.end(signal.SIGKILL)
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
        # Fewer jobs than the goal speaks of can show that it is missed, never that it is met.
        return None if met and count < 100_000 else met

    table.add("10", f"{what}: serving within 250 ms", f"{serving * 1e3:.0f} ms", verdict(serving <= 0.25))
    table.add("10", f"{what}: memory at most 48 MiB", f"{memory:.0f} MiB", verdict(memory <= 48), "the peak, after five pages")
    table.add("10", f"{what}: a page of 50 jobs in 50 ms", f"{page * 1e3:.1f} ms", verdict(page <= 0.05))


def at_once(table, folder, count):
    """Packages that are dropped at once, with a stand-in that throttles."""
    limit = count * 3
    with Server(DROPSHIP, "sandbox", "--json", "--speed", "6000", "--requests-per-minute", limit) as base:
        home = home_at(folder / "burst", base)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        path = home / "dropship.toml"
        path.write_text(path.read_text().replace("[store]", BURST + "[store]", 1) + METRICS.format(port=port))
        cabinet = (ROOT / "tests/fixtures/cab/good-signed.cab").read_bytes()
        daemon = Daemon(home)
        try:
            daemon.serving()
            found = burst.burst(daemon, home, port, cabinet, count, limit, say)
        finally:
            daemon.end(signal.SIGTERM)
    what = f"{count:,} packages at once, {limit:,} calls a minute allowed"

    def verdict(met):
        return None if met and count < 10_000 else met

    share = found["share"]
    table.add("11", f"{what}: at least 95 % of them used", "-" if share is None else f"{share:.1%}",
              None if share is None else verdict(share >= 0.95),
              f"{found['throttled']} calls were throttled; without the first minute, which lets all through at once")
    table.add("11", f"{what}: memory at most 150 MiB", f"{found['memory']:.0f} MiB", verdict(found["memory"] <= 150))
    ratio = found["last"] / found["mean"]
    table.add("11", f"{what}: the last waits at most twice the mean",
              f"{ratio:.2f} ({found['last']:.0f} s, mean {found['mean']:.0f} s)", verdict(ratio <= 2))


def size(table, folder):
    stripped = folder / "stripped"
    call("strip", "-o", stripped, DROPSHIP)
    mega = stripped.stat().st_size / 1e6
    table.add("12", "release binary at most 15 MB stripped", f"{mega:.1f} MB", mega <= 15)


def machine():
    model = re.search(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text())
    memory = int(re.search(r"MemTotal:\s+(\d+)", Path("/proc/meminfo").read_text())[1]) / (1 << 20)
    name = model[1] if model else platform.machine()
    return f"{os.cpu_count()} x {name}, {memory:.0f} GiB, Linux {platform.release()}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer rounds, 20,000 jobs in place of 100,000")
    parser.add_argument("--no-build", action="store_true", help="measure what was built before")
    parser.add_argument("--output", type=Path, default=ROOT / "docs/performance.md")
    options = parser.parse_args()
    rounds = 3 if options.quick else 7
    SCRATCH.mkdir(parents=True, exist_ok=True)
    load = os.getloadavg()[0]
    if not options.no_build:
        say("building")
        build()
    table = Table()
    folder = Path(tempfile.mkdtemp(dir=SCRATCH))
    try:
        table.part("transfers", [("1", "1 GiB beside curl, Python and the official Rust crate"),
                                 ("3", "memory for 4 GiB at most 40 MiB")], lambda: transfers(table, rounds, folder))
        table.add("2", "SHA-256 and upload in one pass", "-", None,
                  "the hash is taken when a package is captured, the upload checks each block by CRC-64")
        table.part("link", [("4", "at least 95 % of 8 connections over a link")], lambda: link(table, rounds, folder))
        table.add("4", "200 files of 2 MiB at most 1.3 of object_store", "-", None, "object_store is not in this run")
        table.part("inspection", [("5", "judging 1 GiB at most 1.5 of openssl")], lambda: inspection(table))
        table.part("intake", [("6", "a closed CAB to its durable job: median 5 ms"),
                              ("7", "idle with 10,000 folders; a scan of 100,000 files")], lambda: intake(table))
        looks = "found by the test in `src/pipeline/pace.rs` on a simulated clock, not in this run"
        table.add("8", "at most 45 looks over 40 minutes of signing, 60 s late in the mean", "41; 58 s", True, looks)
        table.add("8", "at most 250 looks over three days of approval", "214", True, looks)
        looks = looks.replace("pace.rs", "learnt.rs")
        table.add("8", "15 looks over 40 minutes by a schedule that learns, 60 s late in the mean", "14.7; 65 s", True, looks)
        table.add("8", "41 looks over three days by a schedule that learns", "39.1; 54 min late", True, looks)
        table.add("8", "a burst of submissions in one product at most 1.2 of one, by listing", "-", False,
                  "a list of submissions tells no workflow (documented), so each is looked at; labels are followed by list")
        table.part("transition", [("9", "a durable transition at most 2.2 of a raw write")], lambda: transition(table, rounds, folder))
        table.part("many jobs", [("10", "after SIGKILL with 100,000 jobs")],
                   lambda: many_jobs(table, min(rounds, 5), folder, 20_000 if options.quick else 100_000))
        table.part("burst", [("11", "10,000 packages dropped at once")],
                   lambda: at_once(table, folder, 1_000 if options.quick else 10_000))
        table.part("start", [("12", "start to ready 20 ms")], lambda: starts(table, rounds, folder))
        table.part("size", [("12", "release binary at most 15 MB stripped")], lambda: size(table, folder))
        table.add("12", "an API step 100 us; a clean release build in 4 minutes", "-", None)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    noise = f"load {load:.1f} at the start"
    if load > 1:
        noise += ", so others were at work on this machine and the figures are noisy"
    text = f"""# How fast, beside what else there is

Written by `python3 benches/compare.py{' --quick' if options.quick else ''}`, which anyone can repeat; {time.strftime('%Y-%m-%d', time.gmtime())}, {machine()}, {noise}.
Medians of {rounds} rounds, turn by turn after a warm-up. Trust the ratios, not the absolute figures. "The sink" is a
blob store of our own that takes everything and keeps nothing, so that the client is what is measured; the files
sent to it are sparse, so no disk is. Times of clients are those of whole processes.

| goal | wanted | measured | | limit, or why not |
|---|---|---|---|---|
""" + "\n".join(table.rows) + "\n\n## Behind the rows\n\n" + "\n\n".join(table.details) + "\n\n## Intake\n\n" + table.intake + "\n"
    options.output.write_text(text)
    say(f"written: {options.output}")


if __name__ == "__main__":
    main()
