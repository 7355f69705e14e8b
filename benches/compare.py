#!/usr/bin/env python3
"""Measures dropship and what people use today, and writes the results into docs/performance.md.

    python3 benches/compare.py [--quick] [--clean-build] [--only PART...]

Builds what it needs and installs azure-storage-blob into target/compare. The programs that are compared take turns,
after a warm-up. A part that fails is reported as not measured. Ends with 1 if a goal is missed or not measured.
Needs cargo, python3 with venv, curl, openssl, PostgreSQL and, for Azurite, npm.
"""

import argparse
import os
import shutil
import sys
import tempfile
from pathlib import Path

from measure import azurite, burst, counts, daemon, embedded, fleet, intake, judging, pages, program, remembered, store, transfers
from measure.common import ROOT, SCRATCH, build, say
from measure.table import BEGIN, END, Table


def parts(table, rounds, folder, options):
    """The name of each part, its goals and the function that measures it, in the order of the page."""
    jobs, packages = (20_000, 1_000) if options.quick else (100_000, 10_000)
    clean = options.clean_build or "clean-build" in options.only
    return [
        ("large", [("uploads", "1 GiB beside curl, Python and the official Rust crate"), ("uploads", "memory for 4 GiB at most 40 MiB")],
         lambda: transfers.large(table, rounds, folder)),
        ("azurite", [("uploads", "256 MiB to Azurite")], lambda: azurite.azurite(table, rounds, folder)),
        ("hash", [("uploads", "SHA-256 and upload in one pass"), ("uploads", "memory for 4 GiB with the hash at most 40 MiB")],
         lambda: transfers.hashed(table, rounds, folder)),
        ("link", [("uploads", "at least 95 % of 8 connections over a link")], lambda: transfers.link(table, rounds, folder)),
        ("many-files", [("uploads", "200 files of 2 MiB at most 1.3 of object_store")],
         lambda: transfers.many(table, rounds, folder)),
        ("tls", [("uploads", "1 GiB and 200 files of 2 MiB over TLS, ahead of every other client")],
         lambda: transfers.tls(table, rounds, folder)),
        ("inspection", [("inspection", "inspecting 1 GiB at most 1.5 of openssl")], lambda: judging.inspection(table)),
        ("intake", [("intake", "a closed CAB to its durable job: median 5 ms"),
                    ("idle", "idle with 10,000 folders; a scan of 100,000 files")], lambda: intake.intake(table, not options.no_build)),
        ("polls", [], table.polls),
        ("transition", [("store", "a durable transition at most 2.2 of a raw write")],
         lambda: store.transition(table, rounds, folder)),
        ("many-jobs", [("start", "after SIGKILL with 100,000 jobs")],
         lambda: daemon.many_jobs(table, min(rounds, 5), folder, jobs)),
        ("remembered", [("many packages", "processor time of a package at most 1.2 times as much with 100,000 remembered jobs")],
         lambda: remembered.per_package(table, min(rounds, 5), folder, (100, jobs // 10, jobs))),
        ("burst", [("many packages", "10,000 packages dropped at once")], lambda: burst.at_once(table, folder, packages)),
        ("counts", [("bytes", "bytes of a package of 200 MiB; syncs and journal of a job")], lambda: counts.counts(table)),
        ("pages", [("pages", "100,000 packages: each page within 200 ms")], lambda: pages.pages(table)),
        ("fleet", [("fleet", "10,000 packages dropped at once at three nodes")], lambda: fleet.at_once(table, folder, packages)),
        ("fleet-transitions", [("fleet", "transitions by 1, 2 and 4 nodes")], lambda: fleet.transitions(table)),
        ("start", [("program", "start to ready 20 ms")], lambda: daemon.starts(table, rounds, folder)),
        ("embedded", [("store in a folder", "not slower or heavier because of PostgreSQL and object storage")],
         lambda: embedded.embedded(table, rounds, folder, jobs, not options.no_build)),
        ("size", [("program", "packaged binary at most 16 MB stripped")], lambda: program.size(table, folder)),
        ("step", [("program", "an API step 100 us")], lambda: program.step(table, rounds)),
        ("clean-build", [("program", "a clean release build in 240 s")], lambda: program.clean_build(table, clean)),
    ]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer rounds; 20,000 jobs instead of 100,000")
    parser.add_argument("--no-build", action="store_true", help="measure the existing build")
    parser.add_argument("--clean-build", action="store_true", help="also time a build from nothing, which takes minutes")
    parser.add_argument("--only", nargs="+", default=[], metavar="PART", help="measure only these parts and print the result; do not write the page")
    parser.add_argument("--output", type=Path, default=ROOT / "docs/performance.md")
    options = parser.parse_args()
    rounds = 3 if options.quick else 7
    SCRATCH.mkdir(parents=True, exist_ok=True)
    folder, table, load = Path(tempfile.mkdtemp(dir=SCRATCH)), Table(), os.getloadavg()[0]
    try:
        chosen = parts(table, rounds, folder, options)
        if unknown := set(options.only) - {name for name, _, _ in chosen}:
            parser.error(f"no such part: {', '.join(sorted(unknown))}; the parts are {', '.join(name for name, _, _ in chosen)}")
        if not options.only and not is_replaceable(options.output):
            parser.error(f"{options.output} lacks the marks of the results, {BEGIN} and {END}")
        if not options.no_build:
            say("building")
            build()
        for name, goals, run in chosen:
            if not options.only or name in options.only:
                table.part(name, goals, run)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    if options.only:
        print(table.found())
        return report(table)
    command = "python3 benches/compare.py" + " --quick" * options.quick + " --clean-build" * options.clean_build
    old = options.output.read_text() if options.output.exists() else ""
    options.output.write_text(table.page(old, rounds, load, command))
    say(f"written: {options.output}")
    return report(table)


def is_replaceable(page):
    """Whether results can be put into this page: it has their marks, or does not exist."""
    return not page.exists() or END in page.read_text().partition(BEGIN)[2]


def report(table):
    """Names the goals that are missed. Returns the exit code."""
    for missed in table.missed:
        say(f"MISSED {missed}")
    return 1 if table.missed else 0


if __name__ == "__main__":
    sys.exit(main())
