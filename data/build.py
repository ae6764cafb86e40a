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
from dataclasses import astuple
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from genai_core.api import dataset
from genai_core.files.artifacts import pack
from genai_core.files.atomic import atomic_write, sha256_file
from genai_molecules.artifacts import Molecules
from genai_molecules.data import SmilesData, moses
from genai_molecules.properties import properties
from genai_style.data import shrunk
from genai_style.sets.gallery import Work, keep

if TYPE_CHECKING:
    from collections.abc import Iterator

    from genai_media.image import Image

ROOT = Path(__file__).resolve().parent.parent
SAMPLE = ROOT / "plugins/molecules/src/genai_molecules/sample"
PHOTOS = ROOT / "plugins/style/src/genai_style/sample"
SEED = 20261121
SIDE, QUALITY = 512, 85
PICTURES = {
    "style/paintings": {"gogh-starry-night": "starry-night", "gogh-cafe-terrace": "cafe-terrace"},
    "style/photos:test": {"chelsea": "chelsea", "coffee": "coffee"},
}
SMALL_SIDE = 224
CHOSEN = {  # by eye: as different as 48 photos can be, and all of them CC0 or in the public domain
    "train": """
        erase-crab erase-giraffe erase-kingfisher erase-red-panda explore-farm-animals-animals-cat
        explore-farm-animals-animals-chicken explore-farm-animals-animals-dog
        explore-world-animals-animals-crocodile explore-world-animals-animals-hedgehog
        explore-world-animals-animals-kangaroo explore-world-animals-animals-koala
        explore-world-animals-animals-moose explore-world-animals-animals-narwhal
        explore-world-animals-animals-polar-bear explore-world-animals-animals-scarlet-macaw
        categorization-images-fishes-fish1 categorization-images-fishes-fish10
        explore-monuments-egypt-bentpyramid explore-monuments-france-arlesamphitheater
        explore-monuments-france-chateaudechenonceau explore-monuments-france-montstmichel
        explore-monuments-france-pontdugard explore-monuments-france-rocamadour
        explore-monuments-germany-berlincathedral explore-monuments-germany-neuschwansteincastle
        explore-monuments-india-gatewayofindia explore-monuments-india-hawamahal
        explore-monuments-usa-canyondechelly explore-monuments-wonders-colosseum
        explore-monuments-wonders-greatwallofchina explore-monuments-wonders-machupicchu
        explore-monuments-wonders-petra categorization-images-monuments-parthenon
        categorization-images-monuments-tajmahal categorization-images-monuments-zimnipalace
        categorization-images-renewable-geothermal categorization-images-renewable-solar5
        categorization-images-renewable-windmill3 categorization-images-renewable-windmill13
        categorization-images-others-bucket categorization-images-others-buffetset
        categorization-images-tools-hammer4 categorization-images-tools-measuringtape2
        categorization-images-tools-scissors3 explore-world-music-music-africa
        explore-world-music-music-italy explore-world-music-music-mexico
        explore-world-music-music-orchestra
    """,
    "test": """
        explore-farm-animals-animals-duck explore-world-animals-animals-lemur
        categorization-images-fishes-fish24 explore-monuments-france-citedecarcassonne
        categorization-images-renewable-windmill coffee astronaut explore-world-music-music-japan
    """,
}
FREE = {"CC0-1.0", "LicenseRef-public-domain"}


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


def as_jpeg(picture: Image, side: int) -> bytes:
    """The picture with at most `side` pixels on its longer side."""
    pixels = shrunk(picture, side).pixels[..., ::-1]
    return cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1].tobytes()


def pictures() -> None:
    """Two paintings and two photos for the README, the demo and the tests."""
    for source, names in PICTURES.items():
        name, _, split = source.partition(":")
        part = dataset(name).split(split or "train")
        for path, picture in zip(part.paths, part, strict=True):
            if path.stem in names:
                atomic_write(ROOT / "data" / f"{names[path.stem]}.jpg", as_jpeg(picture, SIDE))


def chosen() -> Iterator[Work]:
    """The photos that the style plugin ships, small."""
    photos = dataset("style/photos")
    for split, names in CHOSEN.items():
        part = photos.split(split)
        numbers = {path.stem: index for index, path in enumerate(part.paths)}
        for name in names.split():
            credit = part.credits[numbers[name]]
            assert credit.licence in FREE, name
            work = as_jpeg(part[numbers[name]], SMALL_SIDE)
            yield Work(f"{credit.title.lower()}.jpg", split, work, credit)


def photo_sample() -> None:
    """The set that the style plugin ships, and the table of its card."""
    works = list(chosen())
    keep(works, PHOTOS)
    rows = [["file", "split", "title", "author", "licence", "source"], ["---"] * 6]
    rows += [[work.name, work.split, *astuple(work.credit)] for work in works]
    card = PHOTOS / "CARD.md"
    about = card.read_text(encoding="utf-8").partition("\n| ")[0]
    table = "".join(f"| {' | '.join(row)} |\n" for row in rows)
    atomic_write(card, f"{about}\n{table}".encode())


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
    photo_sample()
    check()
