"""What a package costs in bytes and syncs: the tests count them, and fail above their limits."""

import re

from .common import FEATURES, cargo


def counts(table):
    printed = cargo("test", "--locked", *FEATURES, "--test", "it", "--", "--nocapture", "touched_bytes", timeout=1200,
                    environment={"DROPSHIP_ROOT_TESTS": "1"})

    def found(pattern):
        match = re.search(pattern, printed)
        if not match:
            raise RuntimeError(f"the tests did not print `{pattern}`; they need root, strace and mkfs.xfs")
        return [int(number) for number in match.groups()]

    # The upload is written to a socket, which the kernel counts too.
    for what, before, limit in (("copied", "3 (stored), 4 (MSZIP); 1", 1), ("cloned", "3; 1", 0)):
        read, written = found(rf"{what}: read (\d+) %, written (\d+) %")
        where = "" if what == "copied" else ", where the file system clones files (XFS)"
        table.add("bytes", f"a package of 200 MiB{where}, to the end of its upload: read at most twice, written at most {limit} times",
                  f"{read / 100:.2f}; {written / 100 - 1:.2f}", read <= 205 and written <= 105 + 100 * limit, "`/proc/PID/io`, without the upload itself",
                  before)
    syncs, journal, receipts = found(r"syncs: (\d+), journal: (\d+) bytes, receipts: (\d+) bytes")
    table.add("bytes", "syncs of a job with one label: at most 24", f"{syncs}", syncs <= 24, "strace", "50")
    table.add("bytes", "receipts and journal of a job: at most 64 KiB", f"{(journal + receipts) / 1024:.0f} KiB", journal + receipts <= 64 << 10,
              f"{journal / 1024:.1f} KiB of journal; all versions of the receipt", "43 KiB")
