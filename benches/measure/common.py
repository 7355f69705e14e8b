"""Paths, commands and servers that all parts use."""

import functools
import os
import re
import socket
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
TARGET = ROOT / "target"
SCRATCH = TARGET / "compare"
DROPSHIP = TARGET / "dist/dropship"  # as packages ship it
PEERS = TARGET / "release/dropship-peers"
# Optimised like the packaged program, without the optimisation of all crates together, which takes minutes for each bench.
BENCH = ("bench", "--profile", "measure", "--locked")
# Packages are built with it.
FEATURES = ("--features", "postgres")
GIB, MIB = 1 << 30, 1 << 20


def say(text):
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


def call(*command, **more):
    """Runs a command and returns what it printed."""
    command = [str(part) for part in command]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True, cwd=more.pop("cwd", ROOT), timeout=more.pop("timeout", 300), **more)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command[:3])} failed: {done.stderr.strip()[-600:]}")
    return done.stdout


def spent(run):
    """Calls `run`, which starts other processes. Returns their wall and processor seconds and the result."""
    before, start = os.times(), time.perf_counter()
    result = run()
    wall, after = time.perf_counter() - start, os.times()
    busy = after.children_user - before.children_user + after.children_system - before.children_system
    return wall, busy, result


def timed(*command, **more):
    """Wall and processor seconds of a command."""
    return spent(lambda: call(*command, **more))[:2]


def cargo(*arguments, **more):
    environment = {**os.environ, "CARGO_TARGET_DIR": str(TARGET), **more.pop("environment", {})}
    return call("cargo", *arguments, env=environment, timeout=more.pop("timeout", 1800), **more)


def build():
    cargo("build", "--profile", "dist", "--locked", "--bin", "dropship", *FEATURES)
    cargo(*BENCH, *FEATURES, "--no-run", "--bench", "inspect", "--bench", "store", "--bench", "intake")
    cargo(*BENCH, "--no-run", "-p", "dropship-intake", "--bench", "scan")


def bench_program(name):
    """The program of a bench."""
    programs = (TARGET / "measure/deps").glob(f"{name}-*")
    return max(programs, key=lambda path: (path.suffix == "", path.stat().st_mtime))


@functools.cache
def peers():
    """Builds the program that uploads with dropship's client and with others."""
    cargo("build", "--release", "--locked", "--manifest-path", "benches/peers/Cargo.toml")


@functools.cache
def python():
    """A Python that has azure-storage-blob."""
    own = SCRATCH / "venv/bin/python"
    if not own.exists():
        call(sys.executable, "-m", "venv", SCRATCH / "venv")
    try:
        call(own, "-c", "import azure.storage.blob")
    except RuntimeError:
        call(own, "-m", "pip", "install", "-q", "azure-storage-blob", timeout=600)
    return own


def sparse(folder, size):
    """A file of this size that uses no disk space and no disk time."""
    path = folder / f"{size >> 20}-MiB"
    if not path.exists():
        with open(path, "wb") as file:
            file.truncate(size)
    return path


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


class Server:
    """A server that prints its address first and ends with its standard input or on a signal."""

    def __init__(self, *command, **environment):
        self.process = subprocess.Popen([str(part) for part in command], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                                        env={**os.environ, **environment})
        printed, found = "", None
        while not found:
            line = self.process.stdout.readline()
            printed += line
            found = re.search(r"https?://[^\s\",]+", line)
            if not line:
                raise RuntimeError(f"{command[0]} printed no address: {printed!r}")
        self.base = found[0].rstrip("/.,")

    def __enter__(self):
        return self.base

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.terminate()
        self.process.wait()
