"""Uploads into a blob store that discards everything, with dropship and with other clients."""

import hashlib
import os
import ssl
import statistics
import urllib.request

from .common import GIB, MIB, PEERS, ROOT, Server, call, peers, python, spent, sparse, timed

PYTHON_UPLOAD = """
import sys
from azure.storage.blob import BlobClient
with open(sys.argv[2], "rb") as file:
    BlobClient.from_blob_url(sys.argv[1]).upload_blob(file, overwrite=True, max_concurrency=4)
"""
PYTHON_MANY = """
import sys
from concurrent.futures import ThreadPoolExecutor
from azure.storage.blob import BlobClient
def one(_):
    with open(sys.argv[2], "rb") as file:
        BlobClient.from_blob_url(sys.argv[1]).upload_blob(file, overwrite=True)
with ThreadPoolExecutor(int(sys.argv[4])) as pool:
    list(pool.map(one, range(int(sys.argv[3]))))
"""
AT_ONCE, FILES = 4, 200
# Blocks that dropship has in flight at most (`BUFFERS` in crates/dropship-hardware/src/blob/buffers.rs).
MOST_BLOCKS = 14
AUTHORITY = ROOT / "crates/dropship-hardware/tests/fixtures/tls/ca.pem"
# All clients trust the authority of the TLS sink: those that use OpenSSL or rustls by the first, Python by the second.
TRUSTING = {**os.environ, "SSL_CERT_FILE": str(AUTHORITY), "REQUESTS_CA_BUNDLE": str(AUTHORITY), "CURL_CA_BUNDLE": str(AUTHORITY)}


def peer(name, url, path, size, *more):
    """Wall and processor seconds and MiB of a client of `benches/peers`. It is timed from outside, like every other
    client, so its start and its end are included."""
    more = more or (1,)
    wall, busy, printed = spent(lambda: call(PEERS, name, url, path, size, *more, env=TRUSTING))
    return [wall, busy, float(printed.split()[2])]


def connections(base):
    """Connections that a sink has had so far, and how many of them resumed a TLS session."""
    trust = ssl.create_default_context(cafile=AUTHORITY) if base.startswith("https") else None
    with urllib.request.urlopen(f"{base}/__stats", timeout=30, context=trust) as answer:
        return [int(number) for number in answer.read().split()]


def in_turn(clients, rounds):
    """The medians of each client. The clients take turns, after a warm-up."""
    found = {name: [] for name in clients}
    for turn in range(rounds + 1):
        for name, run in clients.items():
            result = run()
            if turn:
                found[name].append(result)
    return {name: [statistics.median(part) for part in zip(*runs)] for name, runs in found.items()}


def lines(head, found, memory):
    """A table of the clients; `memory` is the heading of its last column."""
    rows = [f"| {head} | wall s | processor s | {memory} |", "|---|---|---|---|"]
    for name, numbers in found.items():
        last = f"{numbers[2]:.0f}" if len(numbers) > 2 else "-"
        rows.append(f"| {name} | {numbers[0]:.3f} | {numbers[1]:.2f} | {last} |")
    return "\n".join(rows)


def large(table, rounds, folder):
    peers()
    file, huge = sparse(folder, GIB), sparse(folder, 4 * GIB)
    with Server(PEERS, "store") as base:
        url = f"{base}/{GIB}/b?sp=rcw&sig=x"
        medians = in_turn({
            "dropship": lambda: peer("dropship", base, file, GIB),
            "curl, one PUT": lambda: timed("curl", "-sf", "-T", file, url),
            "azure_storage_blob (Rust)": lambda: peer("azure-defaults", base, file, GIB),
            "azure-storage-blob (Python), 4 at a time": lambda: timed(python(), "-c", PYTHON_UPLOAD, url, file),
        }, rounds)
        most = max(peer("dropship", base, huge, 4 * GIB)[2] for _ in range(3))
    ours = medians["dropship"]
    table.details.append(lines("1 GiB to the sink", medians, "memory MiB"))
    for name, index, what, before in (
            ("curl, one PUT", 0, "time compared with one PUT of curl", "0.22"),
            ("azure-storage-blob (Python), 4 at a time", 0, "time compared with azure-storage-blob (Python)", "0.37"),
            ("azure_storage_blob (Rust)", 1, "processor time compared with the official Rust crate", "0.84")):
        ratio = ours[index] / medians[name][index]
        table.add("uploads", f"1 GiB: {what}, below 1", f"{ratio:.2f}", ratio < 1, before=before)
    table.add("uploads", "memory for 4 GiB at most 40 MiB", f"{most:.0f} MiB; {ours[2]:.0f} MiB for 1 GiB", most <= 40,
              "the upload without the hash; the highest of three runs", "39 MiB; 36 MiB for 1 GiB")


def hashed(table, rounds, folder):
    """Upload with SHA-256 in one pass, compared with openssl alone and with openssl followed by an upload."""
    peers()
    file, huge = sparse(folder, GIB), sparse(folder, 4 * GIB)
    hashes = {path: sha256(path) for path in (file, huge)}
    digest = ("openssl", "dgst", "-sha256", file)

    def two_passes(base):
        wall, busy = timed(*digest)
        more = peer("dropship", base, file, GIB)
        return [wall + more[0], busy + more[1], more[2]]

    with Server(PEERS, "store") as base:
        medians = in_turn({
            "dropship, hashing on the way": lambda: peer("dropship-hashed", base, file, GIB, 1, 1, hashes[file]),
            "openssl dgst": lambda: timed(*digest),
            "openssl dgst, then dropship": lambda: two_passes(base),
        }, rounds)
        most = statistics.median(peer("dropship-hashed", base, huge, 4 * GIB, 1, 1, hashes[huge])[2] for _ in range(rounds))
    ours, alone, both = medians.values()
    table.details.append(lines("1 GiB to the sink with its SHA-256", medians, "memory MiB"))
    for other, limit, what, before in ((alone, 1.1, "`openssl dgst -sha256`", "1.05"),
                                       (both, 0.85, "`openssl dgst -sha256` followed by the upload", "0.72")):
        ratio = ours[0] / other[0]
        table.add("uploads", f"1 GiB with SHA-256 in the same pass: at most {limit} times {what}", f"{ratio:.2f}", ratio <= limit,
                  before=before)
    table.add("uploads", "memory for 4 GiB with the hash: at most 40 MiB",
              f"{most:.0f} MiB; {ours[2]:.0f} MiB for 1 GiB", most <= 40, before="18 MiB; 14 MiB for 1 GiB")


def sha256(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def many(table, rounds, folder):
    """Many small files, several at once, with one client."""
    peers()
    file = sparse(folder, 2 * MIB)

    def one(name, base):
        before = connections(base)[0]
        wall, busy, _ = peer(name, base, file, 2 * MIB, FILES, AT_ONCE)
        return [wall, busy, connections(base)[0] - before]

    with Server(PEERS, "store") as base:
        medians = in_turn({
            "dropship": lambda: one("dropship", base),
            "object_store": lambda: one("object-store", base),
            "azure_storage_blob (Rust)": lambda: one("azure-defaults", base),
        }, rounds)
    table.details.append(lines(f"200 files of 2 MiB to the sink, {AT_ONCE} at once", medians, "connections"))
    ratio, used = medians["dropship"][0] / medians["object_store"][0], medians["dropship"][2]
    table.add("uploads", f"200 files of 2 MiB, {AT_ONCE} at once: at most 1.3 times object_store, with no more connections",
              f"{ratio:.2f}, with {used:.0f}", ratio <= 1.3 and used <= AT_ONCE, before="1.31, with 4")


def tls(table, rounds, folder):
    """Uploads to a sink that decrypts: one large file, and many small ones."""
    peers()
    large, small = sparse(folder, GIB), sparse(folder, 2 * MIB)

    def counted(base, run):
        """Adds the number of connections to the results of a client."""
        def measured():
            before = connections(base)[0]
            wall, busy = run()[:2]
            return [wall, busy, connections(base)[0] - before]
        return measured

    # Nine rounds, because the sink takes as much of the two processors as the client.
    rounds = rounds + 2
    for what, file, size, count, at_once in (("1 GiB", large, GIB, 1, 1),
                                             (f"{FILES} files of 2 MiB, {AT_ONCE} at once", small, 2 * MIB, FILES, AT_ONCE)):
        with Server(PEERS, "store", SINK_TLS="1") as base:
            url = f"{base}/{size}/b?sp=rcw&sig=x"
            rust = lambda name: lambda: peer(name, base, file, size, count, at_once)
            script = (PYTHON_UPLOAD,) if count == 1 else (PYTHON_MANY,)
            each = [part for number in range(count) for part in ("-T", file, f"{url}&n={number}")]
            clients = {
                "dropship": rust("dropship"),
                "curl": lambda: timed("curl", "-sf", "--parallel", "--parallel-max", at_once, *each, env=TRUSTING),
                "azure_storage_blob (Rust)": rust("azure-defaults"),
                "object_store": rust("object-store"),
                "azure-storage-blob (Python)": lambda: timed(python(), "-c", *script, url, file, count, at_once, env=TRUSTING),
            }
            medians = in_turn({name: counted(base, run) for name, run in clients.items()}, rounds)
            most = MOST_BLOCKS if count == 1 else at_once
        table.details.append(lines(f"{what} over TLS 1.3 to a sink that decrypts", medians, "connections"))
        ours = medians.pop("dropship")
        for index, kind in ((0, "time"), (1, "processor time")):
            ratios = {name: ours[index] / numbers[index] for name, numbers in medians.items()}
            table.add("uploads", f"TLS, {what}: {kind} compared with each other client, below 1",
                      ", ".join(f"{ratio:.2f} ({name})" for name, ratio in ratios.items()), max(ratios.values()) < 1)
        table.add("uploads", f"TLS, {what}: at most {most} connections, one for each request in flight", f"{ours[2]:.0f}", ours[2] <= most)


def link(table, rounds, folder):
    """A link with a delay of 30 ms and 50 MB/s for each connection."""
    peers()
    file = sparse(folder, GIB)
    one = 8 * MIB / 50e6 + 0.030
    ideal = GIB / (8 * MIB) * one / 8
    with Server(PEERS, "store", SINK_DELAY_MS="30", SINK_RATE_MB="50") as base:
        walls = [float(call(PEERS, "dropship", base, file, GIB, 1).split()[0]) for _ in range(min(rounds, 3))]
    share = ideal / statistics.median(walls)
    table.add("uploads", "1 GiB over a link with 30 ms and 50 MB/s a connection: at least 95 % of the speed of 8 connections",
              f"{share:.0%} ({statistics.median(walls):.2f} s)", share >= 0.95,
              "100 % is the computed speed with 8 blocks in flight; the client itself chooses how many blocks it sends at once", "114%")
