"""Inspecting a large package, compared with hashing it."""

import re

from .common import BENCH, FEATURES, cargo


def inspection(table):
    text = cargo(*BENCH, *FEATURES, "--bench", "inspect", timeout=600)
    table.details.append("```\n" + text.strip() + "\n```")
    ratios = [float(number) for number in re.findall(r"inspect_hashed\s+[\d.]+ s, ([\d.]+) times", text)]
    if not ratios:
        raise RuntimeError("the bench printed no ratio")
    table.add("inspection", "inspecting and hashing a CAB of 1 GiB: at most 1.5 times `openssl dgst -sha256`",
              " and ".join(f"{ratio:.2f}" for ratio in ratios) + " (stored, MSZIP)", max(ratios) <= 1.5,
              "without the copy into the store", "1.31 and 1.29")
