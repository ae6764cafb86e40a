"""All MOSES metrics on the same molecules by `molsets` 0.3.1 and by this project: values, CPU time, memory.

Each runs in a process of its own, from start to exit, with one thread. `molsets` needs an environment of its
own, because its pins are old; this script puts back the names that newer libraries removed (`_restore`):

    python -m venv molsets-env
    molsets-env/bin/pip install torch rdkit numpy scipy pandas tqdm
    molsets-env/bin/pip install --no-deps molsets==0.3.1 fcd_torch==1.0.7
    genai data fetch molecules/moses
    python benchmarks/moses_metrics.py --peer-python molsets-env/bin/python [FILE.smi]

Without FILE.smi, 30,000 training molecules are drawn, of which every hundredth is broken on purpose.
`molsets` reads the reference statistics that it ships; ours are cached by a first run, which is timed apart.

``--record plugins/molecules/tests/moses_metrics.json`` instead writes what `molsets` says of small sets made
of `molecules/sample`; the tests compare with these numbers.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

# molsets' name of a metric: ours
NAMES = {
    "unique@1000": "unique@1k",
    "unique@10000": "unique@10k",
    **{
        name: name
        for name in (
            "valid FCD/Test SNN/Test Frag/Test Scaf/Test FCD/TestSF SNN/TestSF Frag/TestSF Scaf/TestSF "
            "IntDiv IntDiv2 Filters Novelty logP SA QED weight"
        ).split()
    },
}

UNWANTED = [
    "CCCl",
    "C=CC#N",
    "C1CCCCCCC1",
    "C[N+](C)(C)C",
    "CC1=CC(=O)c2ccccc2C1=O",
]  # the filters hold them back


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", nargs="?", type=Path, help=".smi file to score")
    parser.add_argument("-n", type=int, default=30_000, help="molecules to draw without FILE")
    parser.add_argument("--peer-python", type=Path, help="interpreter of the environment with molsets")
    parser.add_argument(
        "--fresh-reference", action="store_true", help="let molsets compute its statistics anew"
    )
    parser.add_argument("-o", "--out", type=Path, help="write the numbers as JSON")
    parser.add_argument("--record", type=Path, help="write molsets' values of the small sets as JSON")
    parser.add_argument("--role", choices=["peer", "sets", "ours"], help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.role == "peer":
        smiles = arguments.file.read_text().split()
        names = ("test", "test_scaffolds") if arguments.fresh_reference else ()
        report(
            score_with_molsets(smiles, lambda moses: {name: list(moses.get_dataset(name)) for name in names})
        )
    elif arguments.role == "sets":
        sets = json.loads(arguments.file.read_text())
        report(score_with_molsets(sets.pop("gen"), lambda moses: sets))
    elif arguments.role == "ours":
        report(score_with_genai(arguments.file))
    elif arguments.record:
        record(arguments)
    else:
        compare(arguments)


def compare(arguments: argparse.Namespace) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        file = arguments.file or draw(Path(scratch) / "molecules.smi", arguments.n)
        ours_first = run(Path(sys.executable), file, "ours")  # fills the cache of reference statistics
        ours = run(Path(sys.executable), file, "ours")
        peer = None
        if arguments.peer_python:
            extra = ["--fresh-reference"] if arguments.fresh_reference else []
            peer = run(arguments.peer_python, file, "peer", *extra)
    print("| metric | molsets | genai | difference |\n|---|---|---|---|")
    for theirs, own in NAMES.items():
        value = ours["values"].get(own)
        other = peer["values"].get(theirs) if peer else None
        gap = "" if other is None or value is None else f"{abs(other - value):.1e}"
        print(f"| {own} | {_show(other)} | {_show(value)} | {gap} |")
    print("\n| | molsets | genai | genai, first run |\n|---|---|---|---|")
    for key, unit in (("cpu_s", "CPU s"), ("peak_mb", "peak MB")):
        print(f"| {unit} | {_show(peer and peer[key], 1)} | {ours[key]:.1f} | {ours_first[key]:.1f} |")
    if peer:
        print(f"\nmolsets takes {peer['cpu_s'] / ours['cpu_s']:.1f} times the CPU time.")
    if arguments.out:
        result = {"molsets": peer, "genai": ours, "genai_first": ours_first}
        arguments.out.write_text(json.dumps(result, indent=2) + "\n")


def run(python: Path, file: Path, role: str, *extra: str) -> dict[str, Any]:
    command = [str(python), __file__, str(file), "--role", role, *extra]
    result = subprocess.run(
        command, env={**os.environ, "OMP_NUM_THREADS": "1"}, stdout=subprocess.PIPE, text=True, check=True
    )
    return json.loads(result.stdout.splitlines()[-1])


def report(values: dict[str, float]) -> None:
    """Print the values and what this process and its children took."""
    usage = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    cpu = sum(each.ru_utime + each.ru_stime for each in usage)
    print(
        json.dumps({"values": values, "cpu_s": cpu, "peak_mb": max(each.ru_maxrss for each in usage) / 1024})
    )


def draw(path: Path, n: int) -> Path:
    """Training molecules; every hundredth loses its last character and an opening bracket more."""
    import numpy as np

    import genai_core as genai

    train = genai.dataset("molecules/moses").split("train")
    rows = np.random.default_rng(0).choice(len(train), n, replace=False)
    smiles = [train[int(row)] + ("(" if i % 100 == 0 else "") for i, row in enumerate(rows)]
    path.write_text("".join(f"{text}\n" for text in smiles))
    return path


def score_with_genai(file: Path) -> dict[str, float]:
    import genai_core as genai
    from genai_core.results.evaluate import run_evaluator

    reference = genai.dataset("molecules/moses").split("test")
    result = run_evaluator("molecules/moses-metrics", genai.load(file), reference, floor=False)
    return {metric.name: metric.value for metric in result.metrics}


def score_with_molsets(
    smiles: list[str], references: Callable[[Any], dict[str, list[str]]]
) -> dict[str, float]:
    _restore()
    import moses
    import torch

    torch.set_num_threads(1)
    values = moses.get_all_metrics(smiles, n_jobs=1, **references(moses))
    return {name: float(value) for name, value in values.items()}


def record(arguments: argparse.Namespace) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "sets.json"
        path.write_text(json.dumps(small_sets()))
        result = run(arguments.peer_python, path, "sets")
    values = {NAMES[name]: value for name, value in result["values"].items()}
    command = "python benchmarks/moses_metrics.py --peer-python PYTHON --record " + str(arguments.record)
    record = {"peer": "molsets 0.3.1", "command": command, "values": values}
    arguments.record.write_text(json.dumps(record, indent=1) + "\n")


def small_sets() -> dict[str, list[str]]:
    """2,000 molecules of which 20 are broken, 50 unwanted ones, and references that differ."""
    import genai_core as genai

    data = genai.dataset("molecules/sample")
    train = list(data.split("train"))
    broken = [text + ("(" if i % 100 == 0 else "") for i, text in enumerate(train[:2000])]
    return {
        "gen": broken + UNWANTED * 10,
        "train": train[500:],
        "test": list(data.split("test")),
        "test_scaffolds": train[-1000:],
    }


def _restore() -> None:
    """Put back, for molsets, what newer numpy, pandas and rdkit no longer have."""
    import numpy as np
    import pandas as pd
    import rdkit
    from rdkit.Chem import AllChem, rdFingerprintGenerator

    np.NaN = np.nan
    pd.DataFrame.append = lambda self, other, **options: pd.concat([self, other], **options)
    six = types.ModuleType("rdkit.six")
    six.iteritems = lambda mapping: iter(mapping.items())
    six.moves = types.ModuleType("rdkit.six.moves")
    six.moves.cPickle = None  # imported by a scorer that is not among the metrics
    sys.modules.update({"rdkit.six": six, "rdkit.six.moves": six.moves})
    rdkit.six = six
    hidden_markov = types.ModuleType("pomegranate")
    hidden_markov.DiscreteDistribution = hidden_markov.HiddenMarkovModel = object
    sys.modules["pomegranate"] = hidden_markov
    for unused in ("matplotlib", "matplotlib.pyplot", "seaborn"):
        sys.modules.setdefault(unused, types.ModuleType(unused))
    sys.modules["matplotlib"].pyplot = sys.modules["matplotlib.pyplot"]
    generators = {}

    def morgan(molecule: object, radius: int, nBits: int = 2048, **options: object) -> object:  # noqa: N803
        key = radius, nBits
        if key not in generators:
            generators[key] = rdFingerprintGenerator.GetMorganGenerator(radius=radius, fpSize=nBits)
        return generators[key].GetFingerprint(molecule)

    AllChem.GetMorganFingerprintAsBitVect = morgan


def _show(value: float | None, digits: int = 5) -> str:
    return "" if value is None else f"{value:.{digits}f}"


if __name__ == "__main__":
    main()
