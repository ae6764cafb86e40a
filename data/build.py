"""Build the small data files of this repository from the public set they are drawn from.

    genai data fetch molecules/moses
    python data/build.py

Draws with a fixed seed, so anybody gets the same bytes; `data/index.toml` lists what they must be.
"""

from __future__ import annotations

import tomllib
from pathlib import Path

import numpy as np

from genai_core.files.artifacts import pack
from genai_core.files.atomic import atomic_write, sha256_file
from genai_molecules.artifacts import Molecules
from genai_molecules.data import SmilesData, moses
from genai_molecules.properties import properties

ROOT = Path(__file__).resolve().parent.parent
SAMPLE = ROOT / "plugins/molecules/src/genai_molecules/sample"
SEED = 20261121


def draw(data: SmilesData, count: int, purpose: int) -> list[str]:
    """`count` different molecules in random order."""
    rng = np.random.default_rng([SEED, purpose])
    return [data[int(i)] for i in rng.choice(len(data), size=count, replace=False)]


def shipped_sample(data: SmilesData) -> None:
    """The set that the molecules plugin ships: train and test, SMILES only."""
    for purpose, (name, count) in enumerate({"train": 10_000, "test": 3_000}.items()):
        smiles = draw(data.split(name), count, purpose)
        atomic_write(SAMPLE / f"{name}.smi.gz", pack("".join(f"{text}\n" for text in smiles).encode()))


def examples(data: SmilesData) -> None:
    """Two hundred molecules as .smi and .csv, twenty as .sdf, for the README and the tests."""
    smiles = draw(data.split("test_scaffolds"), 200, 2)
    table = properties(smiles)
    molecules = Molecules(smiles, {name: table[name].tolist() for name in ("logP", "QED", "weight")})
    molecules.save(ROOT / "data/leads.smi")
    molecules.save(ROOT / "data/leads.csv")
    molecules[:20].save(ROOT / "data/leads.sdf")


def check() -> None:
    """Compare every file with the index."""
    index = tomllib.loads((ROOT / "data/index.toml").read_text())
    for name, entry in index["files"].items():
        found = sha256_file(ROOT / entry["path"])
        print(name, "ok" if found == entry["sha256"] else f"differs: sha256 {found}")


if __name__ == "__main__":
    train = moses()
    shipped_sample(train)
    examples(train)
    check()
