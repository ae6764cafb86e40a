"""How good the molecules of a model are: the MOSES table, with and without the validity mask.

    genai data fetch molecules/moses
    python benchmarks/moses_quality.py [RUN_OR_MODEL] [-n 30000] [--seed 1] [-o quality.json]

Samples through `genai sample`, measures through `genai evaluate` against the MOSES test sets, and prints each
value with its interval, its floor (as many real training molecules) and published rows beside it. The
published numbers are those of the MOSES repository (mean of 3 runs, Polykovskiy et al., Front. Pharmacol.
11:565644, 2020).
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

PUBLISHED = {
    "CharRNN": {
        "valid": 0.9748, "unique@1k": 1.0, "unique@10k": 0.9994, "FCD/Test": 0.0732, "FCD/TestSF": 0.5204,
        "SNN/Test": 0.6015, "SNN/TestSF": 0.5649, "Frag/Test": 0.9998, "Scaf/Test": 0.9242,
        "Scaf/TestSF": 0.1101, "IntDiv": 0.8562, "IntDiv2": 0.8503, "Filters": 0.9943, "Novelty": 0.8419,
    },
    "VAE": {
        "valid": 0.9767, "unique@1k": 1.0, "unique@10k": 0.9984, "FCD/Test": 0.0990, "FCD/TestSF": 0.5670,
        "SNN/Test": 0.6257, "SNN/TestSF": 0.5783, "Frag/Test": 0.9994, "Scaf/Test": 0.9386,
        "Scaf/TestSF": 0.0588, "IntDiv": 0.8558, "IntDiv2": 0.8498, "Filters": 0.9970, "Novelty": 0.6949,
    },
}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", nargs="?", default="molecules/rnn", help="run, model folder or id")
    parser.add_argument("-n", type=int, default=30_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--against", default="molecules/moses:test")
    parser.add_argument("--set", action="append", default=[], help="sampling option, key=value")
    parser.add_argument("-o", "--out", type=Path, help="write the two reports as JSON")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        reports = {
            name: measure(arguments, Path(scratch) / name, f"mask={mask}")
            for name, mask in (("without mask", "false"), ("with mask", "true"))
        }
    print_table(reports)
    if arguments.out:
        settings = {"model": arguments.model, "n": arguments.n, "seed": arguments.seed, "set": arguments.set}
        arguments.out.write_text(json.dumps({**settings, "reports": reports}, indent=2) + "\n")


def measure(arguments: argparse.Namespace, folder: Path, mask: str) -> dict[str, Any]:
    options = [part for setting in (mask, *arguments.set) for part in ("--set", setting)]
    genai(
        "sample",
        arguments.model,
        "-n",
        str(arguments.n),
        "--seed",
        str(arguments.seed),
        "-o",
        str(folder),
        *options,
    )
    found = genai(
        "evaluate", str(folder), "--with", "molecules/moses-metrics", "--against", arguments.against
    )
    return json.loads(found)


def genai(*arguments: str) -> str:
    command = [
        sys.executable,
        "-c",
        "from genai_core.cli.main import entry; entry()",
        *arguments,
        "--json",
        "-q",
    ]
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout


def print_table(reports: dict[str, dict[str, Any]]) -> None:
    rows = {name: {row["name"]: row for row in report["metrics"]} for name, report in reports.items()}
    first = next(iter(rows.values()))
    print("| metric | " + " | ".join([*rows, "floor", *PUBLISHED]) + " |")
    print("|---" * (len(rows) + len(PUBLISHED) + 2) + "|")
    for name in first:
        values = [cell(found[name]) for found in rows.values()]
        published = [number(row.get(name)) for row in PUBLISHED.values()]
        print("| " + " | ".join([name, *values, number(first[name]["floor"]), *published]) + " |")
    for name, report in reports.items():
        for note in report["notes"]:
            print(f"\n{name}: {note}")


def cell(row: dict[str, Any]) -> str:
    if row["value"] is None:
        return row["reason"]
    return number(row["value"]) + (
        "" if row["low"] is None else f" ({number(row['low'])} .. {number(row['high'])})"
    )


def number(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"


if __name__ == "__main__":
    main()
