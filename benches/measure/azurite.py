"""Uploads to Azurite, Microsoft's emulator of Azure Storage."""

from .common import MIB, ROOT, Server, call, free_port, peers, python, sparse, timed
from .transfers import PYTHON_UPLOAD, in_turn, lines, peer

SIZE = 256 * MIB
# Creates the container as soon as the emulator listens, then prints as many signed URLs as requested.
PREPARE = """
import datetime, sys, time
from azure.core.exceptions import ServiceRequestError
from azure.storage.blob import BlobSasPermissions, ContainerClient, generate_blob_sas
account = "devstoreaccount1"
key = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
base = f"{sys.argv[1]}/{account}"
container = ContainerClient(base, "compare", credential=key, retry_total=0)
for _ in range(100):
    try:
        container.create_container()
        break
    except ServiceRequestError:
        time.sleep(0.1)
end = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=6)
allowed = BlobSasPermissions(read=True, create=True, write=True)
for number in range(int(sys.argv[2])):
    signed = generate_blob_sas(account, "compare", str(number), account_key=key, permission=allowed, expiry=end)
    print(f"{base}/compare/{number}?{signed}")
"""


def azurite(table, rounds, folder):
    """Each upload has a blob of its own, because dropship does not send again what the store already has."""
    peers()
    rounds, file = min(rounds, 3), sparse(folder, SIZE)
    program = call(ROOT / ".ci/azurite", timeout=900).strip()
    with Server(program, "--blobHost", "127.0.0.1", "--blobPort", free_port(), "--silent", "--loose",
                "--skipApiVersionCheck", "--disableTelemetry", "-l", folder / "azurite") as base:
        urls = iter(call(python(), "-c", PREPARE, base, 3 * (rounds + 1)).split())
        medians = in_turn({
            "dropship": lambda: peer("dropship", next(urls), file, SIZE),
            "azure_storage_blob (Rust)": lambda: peer("azure-defaults", next(urls), file, SIZE),
            "azure-storage-blob (Python), 4 at a time": lambda: timed(python(), "-c", PYTHON_UPLOAD, next(urls), file),
        }, rounds)
    table.details.append(lines("256 MiB to Azurite", medians, "memory MiB"))
    ours, rust, theirs = (numbers[0] for numbers in medians.values())
    table.add("uploads", "256 MiB to Azurite: time compared with the official Rust crate and with azure-storage-blob (Python)",
              f"{ours / rust:.2f}, {ours / theirs:.2f} ({ours:.2f} s)", "info",
              "Azurite itself is the bottleneck")
