"""Build the small data files of this repository from the public sets they are drawn from.

    genai data fetch molecules/moses
    genai data fetch style/paintings
    genai data fetch style/photos
    python data/build.py

Draws with a fixed seed, so anybody gets the same bytes; `data/index.toml` lists what they must be. Those of
pictures are as OpenCV 5.0 writes them.
"""

from __future__ import annotations

import tomllib
from pathlib import Path

import cv2
import numpy as np

from genai_core.api import dataset
from genai_core.files.artifacts import pack
from genai_core.files.atomic import atomic_write, sha256_file
from genai_molecules.artifacts import Molecules
from genai_molecules.data import SmilesData, moses
from genai_molecules.properties import properties
from genai_style.data import shrunk

ROOT = Path(__file__).resolve().parent.parent
SAMPLE = ROOT / "plugins/molecules/src/genai_molecules/sample"
SEED = 20261121
SIDE, QUALITY = 512, 85
PICTURES = {
    "style/paintings": {"gogh-starry-night": "starry-night", "gogh-cafe-terrace": "cafe-terrace"},
    "style/photos:test": {"chelsea": "chelsea", "coffee": "coffee"},
}


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


def pictures() -> None:
    """Two paintings and two photos for the README, the demo and the tests."""
    for source, names in PICTURES.items():
        name, _, split = source.partition(":")
        part = dataset(name).split(split or "train")
        for path, picture in zip(part.paths, part, strict=True):
            if path.stem in names:
                small = shrunk(picture, SIDE).pixels[..., ::-1]
                _, data = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
                atomic_write(ROOT / "data" / f"{names[path.stem]}.jpg", data.tobytes())


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
    pictures()
    check()
